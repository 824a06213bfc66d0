"""The columns of the task table: how wide each is, and which of them there is room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from bwp_tui.console.presentation import task_cells
from bwp_tui.console.presentation.task_cells import Cell, CellContext, Glyphs
from bwp_tui.domain.completion import spans
from bwp_tui.domain.task import Task

GAP: Final = 2
"""Blank cells between two columns."""

_MARK_X: Final = 1
_FIRST_X: Final = 3
"""Left of the first column stand the cursor's pointer, the mark and a blank."""

_WIDEST_SUBJECT: Final = 32
_NARROWEST_SUBJECT: Final = 16
_NARROWEST_NOTE: Final = 8
_ANY_WIDTH: Final = range(0, 1 << 16)
_CHOSEN: Final = range(0)
"""Table widths of a column that is shown only where the operator chose it."""


class Column(NamedTuple):
    """One column. `width` in cells (0: it takes its share of what is left); `tables`: table widths it is shown at.

    `searched`: the words of a filter are looked for in it.
    """

    id: str
    title: str
    width: int
    tables: range
    render: Callable[[Task, CellContext], Cell]
    right: bool = False
    searched: bool = False


class PlacedColumn(NamedTuple):
    """A column in a table of a certain width: where it starts, and how many cells it has."""

    column: Column
    x: int
    width: int


_MARK: Final = Column("mark", "", 1, _ANY_WIDTH, task_cells.mark)

# Terminals are 80 or 100 cells wide and a scrollbar takes one of them, so the table has 79 or 99.
COLUMNS: Final = (
    Column("kind", "Kind", 9, range(99, _ANY_WIDTH.stop), task_cells.kind),
    Column("kind", "Kind", 4, range(79, 99), task_cells.short_kind),
    Column("subject", "Subject", 0, _ANY_WIDTH, task_cells.subject, searched=True),
    Column("status", "Status", 17, _ANY_WIDTH, task_cells.status),
    Column("submitted", "Submitted", 11, range(91, _ANY_WIDTH.stop), task_cells.submitted),
    Column("received", "Received", 10, _CHOSEN, task_cells.received),
    Column("updated", "Updated", 11, _CHOSEN, task_cells.updated),
    Column("age", "Age", 4, range(79, _ANY_WIDTH.stop), task_cells.age, right=True),
    Column("due", "Due", 9, _ANY_WIDTH, task_cells.due_date),
    Column("assigned", "Assigned", 12, _CHOSEN, task_cells.assigned, searched=True),
    Column("tags", "Tags", 14, _CHOSEN, task_cells.tags, searched=True),
    Column("id", "Task id", 8, _CHOSEN, task_cells.task_id, searched=True),
    Column("note", "Note", 0, range(79, _ANY_WIDTH.stop), task_cells.note, searched=True),
)


OPTIONAL: Final = tuple(dict.fromkeys(column.id for column in COLUMNS if column.id != "subject"))
"""Ids of the columns that can be shown and hidden, in the order of the table."""

_DROP_ORDER: Final = (
    *("updated", "received", "submitted", "id", "age", "tags", "assigned", "kind", "note"),
    *("due", "status"),
)
"""Ids of the chosen columns, those first that go first where there is no room for all."""


def _shown(width: int, chosen: Sequence[str]) -> list[Column]:
    """Return the columns of a table of `width` cells: of those `chosen` that exist, else those made for its width."""
    chosen = [id for id in chosen if id in OPTIONAL]
    if not chosen:
        return [column for column in COLUMNS if width in column.tables]
    made_for_it = {column.id: column for column in COLUMNS if column.id == "subject" or column.id in chosen}
    made_for_it.update((column.id, column) for column in COLUMNS if column.id in made_for_it and width in column.tables)
    shown = list(made_for_it.values())
    for id in _DROP_ORDER:
        if _least(shown) > width:
            shown = [column for column in shown if column.id != id]
    return shown


def _least(shown: Sequence[Column]) -> int:
    """Return how many cells a table needs at least to show these columns."""
    least = {"subject": _NARROWEST_SUBJECT, "note": _NARROWEST_NOTE}
    return _FIRST_X + 1 + GAP * (len(shown) - 1) + sum(column.width or least[column.id] for column in shown)


def place(width: int, chosen: Sequence[str] = ()) -> tuple[PlacedColumn, ...]:
    """Return the columns of a table of `width` cells, left to right; the subject and the note share what is left.

    The first one is the mark. The pointer stands left of it, in the table's first cell.

    Args:
        chosen: ids of the columns to show, as far as there is room; without any, the width decides.
    """
    shown = _shown(width, chosen)
    room = width - _FIRST_X - 1 - GAP * (len(shown) - 1) - sum(column.width for column in shown)
    subject = room
    if any(column.id == "note" for column in shown):
        subject = min(_WIDEST_SUBJECT, max(_NARROWEST_SUBJECT, room * 3 // 5))
    flexible = {"subject": max(1, subject), "note": max(1, room - subject)}
    placed, x = [PlacedColumn(_MARK, _MARK_X, _MARK.width)], _FIRST_X
    for column in shown:
        placed.append(PlacedColumn(column, x, column.width or flexible[column.id]))
        x += placed[-1].width + GAP
    return tuple(placed)


def fit(text: str, width: int, glyphs: Glyphs, *, right: bool = False) -> str:
    """Return `text` in at most `width` cells, cut with an ellipsis; `right` moves it to the right edge."""
    text = glyphs.of(text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + glyphs.cut
    return " " * (width - length) + text if right else text


def cells_of(task: Task, columns: Sequence[PlacedColumn], context: CellContext) -> tuple[Cell, ...]:
    """Return what each of `columns` says about `task`, cut to its width but not padded."""
    shown = []
    for column, _x, width in columns:
        cell = column.render(task, context)
        text = fit(cell.text, width, context.glyphs, right=column.right)
        shown.append(Cell(text, cell.style, spans(text, context.words) if column.searched else ()))
    return tuple(shown)
