"""Lay rows of cells out as a table, which on a terminal fits the width; in plain mode as sentences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from bwp_tui.cli.support.streams import AS_SENTENCES, terminal_width, wrapped
from bwp_tui.domain.text import clean_line

_MAX_CELL_WIDTH: Final = 48
_MIN_LAST_WIDTH: Final = 12
"""Width that the last column keeps as long as another one can be left out."""

_MIN_CELL_WIDTH: Final = 4
_GAP: Final = "  "


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[int] = (),
    *,
    expendable: Sequence[str] = (),
) -> list[str]:
    """Return rows below their headings, as `aligned` does; in plain mode a sentence for each. Without rows nothing."""
    if AS_SENTENCES.get():
        return [_sentence(headings, row) for row in rows]
    return aligned([headings, *rows], right, expendable=expendable) if rows else []


def _sentence(headings: Sequence[str], row: Sequence[str]) -> str:
    """Return a row as a sentence of its headings and cells, without those that are empty."""
    names = (heading.lower().replace("#", "number") for heading in headings)
    facts = (f"{name} {clean_line(cell)}" for name, cell in zip(names, row, strict=True) if cell.strip("-"))
    sentence = ", ".join(facts).rstrip(".")
    return wrapped(f"{sentence[:1].upper()}{sentence[1:]}.")


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = (), *, expendable: Sequence[str] = ()) -> list[str]:
    """Return rows of cells, each of which is cleaned, as aligned lines.

    Args:
        right: the columns that are aligned to the right.
        expendable: the headings of the columns that a narrow terminal leaves out, in this order; before the first one
            the last column is cut. Without them no cell is cut.
    """
    rows = [[clean_line(cell) for cell in row] for row in rows]
    # One long cell must not push the others off the screen.
    widths = [min(_MAX_CELL_WIDTH, max(map(len, column))) for column in zip(*rows, strict=True)]
    columns = list(range(len(widths)))
    if expendable and (room := terminal_width()) is not None:
        from rich.cells import cell_len  # a terminal alone needs it

        from bwp_tui.console.presentation.format import pad

        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
        columns = _fit(widths, room, [rows[0].index(heading) for heading in expendable])
        rows = [[pad(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    aligners = [str.rjust if column in right else str.ljust for column in range(len(widths))]
    return [_GAP.join(aligners[column](row[column], widths[column]) for column in columns).rstrip() for row in rows]


def _fit(widths: list[int], room: int, expendable: Sequence[int]) -> list[int]:
    """Narrow columns until they fit the width; return those that are shown."""
    last, columns = len(widths) - 1, list(range(len(widths)))

    def excess() -> int:
        return sum(widths[column] for column in columns) + len(_GAP) * (len(columns) - 1) - room

    def narrow(column: int, least: int) -> None:
        widths[column] = max(min(widths[column], least), widths[column] - max(excess(), 0))

    wanted = widths[last]
    narrow(last, _MIN_LAST_WIDTH)
    for column in expendable:
        if excess() > 0:
            columns.remove(column)
    widths[last] = min(wanted, widths[last] + max(-excess(), 0))
    for column in sorted(columns, key=widths.__getitem__, reverse=True):
        narrow(column, _MIN_CELL_WIDTH)
    return columns
