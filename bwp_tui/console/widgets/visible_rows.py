"""The cache of the task table's visible rows: their tasks, and their cells as last painted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from bwp_tui.console.presentation.task_columns import Cell, CellContext
from bwp_tui.console.presentation.task_rows import PlacedColumn, cells_of
from bwp_tui.domain.task import Task


class TaskSource(Protocol):
    """Where the table reads its rows: the history."""

    def window(self, numbers: Sequence[int]) -> Sequence[Task]:
        """Return the tasks of these local numbers, in any order; one that no longer exists is left out."""
        ...


class VisibleRows:
    """Tasks and cells by local number. It holds a page, whatever the size of the view."""

    def __init__(self, source: TaskSource) -> None:
        self._source = source
        self._tasks: dict[int, Task] = {}
        self._cells: dict[int, tuple[Cell, ...]] = {}
        self._placed: tuple[PlacedColumn, ...] = ()

    def __contains__(self, number: int) -> bool:
        return number in self._cells

    def task(self, number: int) -> Task | None:
        """Return a task, in sight or not, or None where the history has none of this number."""
        if number in self._cells:
            return self._tasks.get(number)
        return next(iter(self._source.window([number])), None)

    def set_columns(self, placed: tuple[PlacedColumn, ...]) -> None:
        """Set the columns; the cells are made anew."""
        self._placed = placed
        self._cells.clear()

    def show(self, numbers: Collection[int], context: CellContext) -> None:
        """Hold the tasks and cells of these rows and no others, reading only what is not held yet."""
        missing = [number for number in numbers if number not in self._tasks]
        if missing:
            self._read(missing)
        self._tasks = {number: self._tasks[number] for number in numbers if number in self._tasks}
        self._cells = {number: self._cells.get(number) or self._cells_of(number, context) for number in numbers}

    def cells(self, number: int) -> tuple[Cell, ...]:
        """Return the cells of a row in sight.

        Raises:
            KeyError: the row is not in sight.
        """
        return self._cells[number]

    def reread(self, numbers: Iterable[int], context: CellContext) -> set[int]:
        """Read those of `numbers` that are in sight, and return those whose cells differ."""
        stale = [number for number in numbers if number in self._cells]
        if not stale:
            return set()
        for number in stale:
            self._tasks.pop(number, None)
        self._read(stale)
        return self._update(stale, context)

    def update(self, context: CellContext) -> set[int]:
        """Make all cells anew, and return those whose cells differ."""
        return self._update(list(self._cells), context)

    def _update(self, numbers: Iterable[int], context: CellContext) -> set[int]:
        new = {number: self._cells_of(number, context) for number in numbers}
        changed = {number for number, cells in new.items() if cells != self._cells[number]}
        self._cells.update(new)
        return changed

    def _read(self, numbers: Sequence[int]) -> None:
        self._tasks.update((task.number, task) for task in self._source.window(numbers))

    def _cells_of(self, number: int, context: CellContext) -> tuple[Cell, ...]:
        task = self._tasks.get(number)
        if task is None:
            return tuple(Cell("", "row") for _ in self._placed)
        return cells_of(task, self._placed, context)
