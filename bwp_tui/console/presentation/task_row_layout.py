"""Place the columns of the task table, and paint its lines in as few runs of one colour as possible.

Each run costs some 45 bytes on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from bwp_tui.console.presentation.glyphs import Glyphs
from bwp_tui.console.presentation.task_row_cells import (
    COLUMNS,
    MARK,
    SMALL_COLUMNS,
    SMALL_TABLE,
    Cell,
    CellContext,
    Column,
)
from bwp_tui.domain.completion import highlight_spans
from bwp_tui.domain.task import Task

GAP: Final = 2
"""Blank cells between two columns."""

_MARK_X: Final = 1
_FIRST_X: Final = 3
"""Left of the first column are the cursor's pointer, the mark and a blank."""

_WIDEST_SUBJECT: Final = 32


class PlacedColumn(NamedTuple):
    """A column in a table of a certain width: where it starts, and how many cells it has."""

    column: Column
    x: int
    width: int


def _shown(width: int, chosen: Sequence[str]) -> list[Column]:
    """Return the columns of a table of `width` cells: the chosen ones that fit, else those declared for its width."""
    by_width = [column for column in COLUMNS if width in column.table_widths]
    ids = {"subject", *chosen} & {column.id for column in COLUMNS}
    if ids == {"subject"}:
        return by_width
    one_of_each = {column.id: column for column in (*COLUMNS, *by_width) if column.id in ids}
    shown = list(one_of_each.values())
    for dropped in sorted(shown, key=lambda column: column.rank):
        if _narrowest(shown) > width and dropped.id != "subject":
            shown.remove(dropped)
    return shown


def _narrowest(shown: Sequence[Column]) -> int:
    """Return how many cells a table needs at least to show these columns."""
    return _FIRST_X + 1 + GAP * (len(shown) - 1) + sum(column.width or column.least for column in shown)


def place_columns(width: int, chosen: Sequence[str] = ()) -> tuple[PlacedColumn, ...]:
    """Return the columns of a table of `width` cells, left to right, beginning with the mark.

    The cursor's pointer is left of the mark. The subject and the note share what the other columns leave.

    Args:
        chosen: ids of the columns to show, as far as there is room; without any, the width decides. A small table shows
            its own.
    """
    is_small = width in SMALL_TABLE
    shown = [column for column in SMALL_COLUMNS if width in column.table_widths] if is_small else _shown(width, chosen)
    room = width - _FIRST_X - (not is_small) - GAP * (len(shown) - 1) - sum(column.width for column in shown)
    subject = room
    if any(column.id == "note" for column in shown):
        least = next(column.least for column in shown if column.id == "subject")
        subject = min(_WIDEST_SUBJECT, max(least, room * 3 // 5))
    flexible = {"subject": max(1, subject), "note": max(1, room - subject), "status": max(1, room)}
    placed, x = [PlacedColumn(MARK, _MARK_X, MARK.width)], _FIRST_X
    for column in shown:
        placed.append(PlacedColumn(column, x, column.width or flexible[column.id]))
        x += placed[-1].width + GAP
    return tuple(placed)


def fit(text: str, width: int, glyphs: Glyphs, *, right: bool = False) -> str:
    """Return `text` in at most `width` cells, cut with an ellipsis; `right` moves it to the right edge."""
    text = glyphs.drawable(text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + glyphs.cut
    return " " * (width - length) + text if right else text


def cells_of(task: Task, columns: Sequence[PlacedColumn], context: CellContext) -> tuple[Cell, ...]:
    """Return the cells of `task` in `columns`, cut to their widths but not padded."""
    cells = []
    for column, _, width in columns:
        text, style, _ = column.cell(task, context)
        text = fit(text, width, context.glyphs, right=column.right)
        cells.append(Cell(text, style, highlight_spans(text, context.highlights) if column.highlighted else ()))
    return tuple(cells)


StyleOf = Callable[..., Style]
"""Returns the style of component classes (`task-table--<name>`), the later ones above the earlier."""

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
    """Return the line of a task; `current` is whether the cursor is on it."""
    pieces = list(_pieces(0, Cell(glyphs.cursor if current else " ", "pointer" if current else "row"), current=current))
    for place, cell in zip(placed, cells, strict=True):
        pieces += _pieces(place.x, cell, current=current)
    return _strip(pieces, width, style_of)


def _pieces(x: int, cell: Cell, *, current: bool) -> Iterator[Piece]:
    """Split a cell where the texts of the filter begin and end."""
    band = () if not current else ("cursor", "cursor-subject") if cell.style == "subject" else ("cursor",)
    names, at = (cell.style, *band), 0
    for start, end in cell.matches:
        yield x + cell_len(cell.text[:at]), cell.text[at:start], names
        yield x + cell_len(cell.text[:start]), cell.text[start:end], (*names, "found")
        at = end
    yield x + cell_len(cell.text[:at]), cell.text[at:], names


def header_strip(placed: Sequence[PlacedColumn], width: int, glyphs: Glyphs, style_of: StyleOf) -> Strip:
    """Return the line of the column titles."""
    pieces: list[Piece] = [(0, "", ("header",))]
    for place in placed:
        title = fit(place.column.title.upper(), place.width, glyphs, right=place.column.right)
        pieces.append((place.x, title, ("header",)))
    return _strip(pieces, width, style_of)


def _strip(pieces: Sequence[Piece], width: int, style_of: StyleOf) -> Strip:
    """Join pieces of text at their places; blanks take the background of the piece to their left."""
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
