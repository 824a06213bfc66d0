"""Lines of the task table, painted: as few runs of one colour as it takes, for each costs some 45 bytes on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from bwp_tui.console.presentation.task_cells import Cell, Glyphs
from bwp_tui.console.presentation.task_columns import PlacedColumn, fit

StyleOf = Callable[..., Style]
"""Gives the style of component classes (`task-table--<name>`), the later ones above the earlier."""


Piece = tuple[int, str, tuple[str, ...]]
"""Where a text begins, in cells; the text; the names of its style."""


def row_strip(
    cells: Sequence[Cell],
    placed: Sequence[PlacedColumn],
    width: int,
    glyphs: Glyphs,
    style_of: StyleOf,
    *,
    current: bool,
) -> Strip:
    """Return one task's line; `current` is the row the cursor is on."""
    pieces = list(_pieces(0, Cell(glyphs.cursor if current else " ", "pointer" if current else "row"), current=current))
    for place, cell in zip(placed, cells, strict=True):
        pieces += _pieces(place.x, cell, current=current)
    return _strip(pieces, width, style_of)


def _pieces(x: int, cell: Cell, *, current: bool) -> Iterator[Piece]:
    """Part a cell where the words of the filter begin and end."""
    names = tuple(_names(cell.style, current=current))
    at = 0
    for start, end in cell.found:
        yield x + cell_len(cell.text[:at]), cell.text[at:start], names
        yield x + cell_len(cell.text[:start]), cell.text[start:end], (*names, "found")
        at = end
    yield x + cell_len(cell.text[:at]), cell.text[at:], names


def _names(style: str, *, current: bool) -> Iterator[str]:
    yield style
    if current:
        yield "cursor"
        if style == "subject":
            yield "cursor-subject"


def header_strip(placed: Sequence[PlacedColumn], width: int, glyphs: Glyphs, style_of: StyleOf) -> Strip:
    """Return the line of the column titles."""
    pieces: list[Piece] = [(0, "", ("header",))]
    for place in placed:
        title = fit(place.column.title.upper(), place.width, glyphs, right=place.column.right)
        pieces.append((place.x, title, ("header",)))
    return _strip(pieces, width, style_of)


def _strip(pieces: Sequence[Piece], width: int, style_of: StyleOf) -> Strip:
    """Join pieces of text at their places. Blanks belong to the left one, whose background is all they show of it."""
    runs: list[tuple[str, Style]] = []
    ends = [x for x, _, _ in pieces[1:]] + [width]
    for (x, text, names), end in zip(pieces, ends, strict=True):
        padded = text + " " * (end - x - cell_len(text))
        style = style_of(*names)
        if not padded:
            continue
        if runs and (style == runs[-1][1] or (not text.strip() and not runs[-1][1].underline)):
            runs[-1] = (runs[-1][0] + padded, runs[-1][1])
        else:
            runs.append((padded, style))
    return Strip([Segment(text, style) for text, style in runs]).adjust_cell_length(width, runs[-1][1])
