"""Place the columns of the task table, and paint its lines in as few runs of one colour as possible.

Each run costs some 45 bytes on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from bwp_tui.console.presentation.format import cut
from bwp_tui.console.presentation.glyphs import Glyphs
from bwp_tui.console.presentation.task_row_cells import (
    COLUMNS,
    MARK,
    NOTE_ALONE,
    SMALL_COLUMNS,
    SMALL_TABLE,
    Cell,
    CellContext,
    Column,
)
from bwp_tui.domain.filter import highlight_spans
from bwp_tui.domain.task import Task
from bwp_tui.store.queries.orders import SORTS

GAP: Final = 2
"""Blank cells between two columns."""

_MARK_X: Final = 1
_FIRST_X: Final = 3
"""Left of the first column are the cursor's pointer, the mark and a blank."""

_USUAL_SUBJECT: Final = 26
_MASKED_SUBJECT: Final = 22
"""Cells in which most emails fit: beyond them the note comes first."""

_WIDEST_SUBJECT: Final = 32
_SHORT_NOTE: Final = 6


class PlacedColumn(NamedTuple):
    """A column in a table of a certain width: where it starts, and how many cells it has."""

    column: Column
    x: int
    width: int


def columns_shown(width: int, chosen: Sequence[str]) -> list[Column]:
    """Return the columns of a table of `width` cells: the chosen ones, else those declared for its width."""
    if width in SMALL_TABLE:
        return [column for column in SMALL_COLUMNS if width in column.table_widths]
    by_width = [column for column in COLUMNS if width in column.table_widths]
    ids = {"subject", *chosen} & {column.id for column in COLUMNS}
    if ids == {"subject"}:
        return by_width
    beside = (NOTE_ALONE,) if {"problem", "note"} <= ids else ()
    return list({column.id: column for column in (*COLUMNS, *by_width, *beside) if column.id in ids}.values())


def _fitting(columns: Sequence[Column], width: int, skipped: int) -> list[Column]:
    """Return the email column, and as many of the columns behind the skipped ones as fit."""
    others = [column for column in columns if column.id != "subject"][skipped:]
    while True:
        fitting = [column for column in columns if column.id == "subject" or column in others]
        least = _FIRST_X + 1 + GAP * (len(fitting) - 1) + sum(column.width or column.least for column in fitting)
        if least <= width or not others:
            return fitting
        others.pop()


class Layout(NamedTuple):
    """The columns in a table of a certain width, left to right, beginning with the mark."""

    placed: tuple[PlacedColumn, ...] = ()
    skipped: int = 0
    """Columns that are scrolled off to the left; the email stays."""
    is_more: bool = False
    """Whether there are more to the right."""


def place_columns(width: int, chosen: Sequence[str] = (), skipped: int = 0, *, masked: bool = True) -> Layout:
    """Place the columns of a table of `width` cells.

    The cursor's pointer is left of the mark. The email and the note share what the other columns leave.

    Args:
        chosen: ids of the columns to show; without any, the width decides. A small table shows its own.
        skipped: how many columns are scrolled off to the left; no more are than it takes to show the last one.
        masked: whether emails are masked; else they take most of the room that the note has.
    """
    is_small = width in SMALL_TABLE
    columns = columns_shown(width, chosen)
    skipped = 0 if is_small or not chosen else min(skipped, max(0, len(columns) - 2))
    while skipped and _fitting(columns, width, skipped - 1)[-1] is columns[-1]:
        skipped -= 1
    fitting = _fitting(columns, width, skipped) if chosen and not is_small else columns
    room = width - _FIRST_X - (not is_small) - GAP * (len(fitting) - 1) - sum(column.width for column in fitting)
    email_width = room
    if any(column.id == "note" for column in fitting):
        least = next(column.least for column in fitting if column.id == "subject")
        whole = min(room - _SHORT_NOTE, max(_USUAL_SUBJECT, room // 2), _WIDEST_SUBJECT)
        email_width = max(least, min(room * 3 // 5, _MASKED_SUBJECT) if masked else whole)
    flexible = {"subject": max(1, email_width), "note": max(1, room - email_width), "status": max(1, room)}
    placed, x = [PlacedColumn(MARK, _MARK_X, MARK.width)], _FIRST_X
    for column in fitting:
        placed.append(PlacedColumn(column, x, column.width or flexible[column.id]))
        x += placed[-1].width + GAP
    return Layout(tuple(placed), skipped, columns[-1] not in fitting)


def fit(text: str, width: int, glyphs: Glyphs, *, right: bool = False) -> str:
    """Return `text` in at most `width` cells, cut with an ellipsis; `right` moves it to the right edge."""
    text = cut(glyphs.drawable(text), width, glyphs.cut)
    return " " * (width - cell_len(text)) + text if right else text


def cells_of(task: Task, columns: Sequence[PlacedColumn], context: CellContext) -> tuple[Cell, ...]:
    """Return the cells of `task` in `columns`, cut to their widths but not padded."""
    cells = []
    for column, _, width in columns:
        cell = column.cell(task, context)
        text = fit(cell.text, width, context.glyphs, right=column.aligns_right)
        matches = highlight_spans(text, context.highlights) if column.is_highlighted else ()
        cells.append(cell._replace(text=text, matches=matches))
    return tuple(cells)


StyleOf = Callable[..., Style]
"""Returns the style of component classes (`task-table--<name>`), the later ones above the earlier."""

Piece = tuple[int, str, tuple[str, ...]]
"""Where a text begins, in cells; the text; its roles."""


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
    """Split a cell where the texts of the filter begin and end, and where the note does."""
    if (at := cell.muted_from) < len(cell.text):
        before, behind = (tuple(span for span in cell.matches if (span[1] <= at) is side) for side in (True, False))
        yield from _pieces(x, Cell(cell.text[:at], cell.role, before), current=current)
        moved = tuple((max(0, start - at), end - at) for start, end in behind)
        yield from _pieces(x + cell_len(cell.text[:at]), Cell(cell.text[at:], "muted", moved), current=current)
        return
    band = () if not current else ("cursor", "cursor-subject") if cell.role == "subject" else ("cursor",)
    names, at = (cell.role, *band), 0
    for start, end in cell.matches:
        yield x + cell_len(cell.text[:at]), cell.text[at:start], names
        yield x + cell_len(cell.text[:start]), cell.text[start:end], (*names, "found")
        at = end
    yield x + cell_len(cell.text[:at]), cell.text[at:], names


def header_strip(layout: Layout, sort: str, width: int, glyphs: Glyphs, style_of: StyleOf) -> Strip:
    """Return the line of the column titles, with signs at the one that orders and at edges where there are more."""
    pieces: list[Piece] = [(0, "", ("header",))]
    for column, x, cells in layout.placed:
        sign = sort_sign(column, sort, glyphs)
        title = fit(column.title.upper(), cells - len(sign), glyphs, right=column.aligns_right)
        pieces.append((x, f"{title}{sign}", ("header",)))
    if layout.skipped:
        pieces[1] = (_MARK_X, glyphs.more_left, ("header",))
    if layout.is_more:
        pieces.append((width - 1, glyphs.more_right, ("header",)))
    return _strip(pieces, width, style_of)


def sort_sign(column: Column, sort: str, glyphs: Glyphs) -> str:
    """Return the sign of a column that determines an order, which shows whether its values rise or fall."""
    if not column.sort or column.sort != sort.removeprefix("-"):
        return ""
    return glyphs.falling if SORTS[sort].is_descending is not column.counts_down else glyphs.rising


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
