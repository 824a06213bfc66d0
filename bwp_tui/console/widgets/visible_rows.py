"""The rows of the task table that are in sight: their tasks, and what their cells said when they were last painted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from rich.cells import cell_len

from bwp_tui.console.presentation.task_cells import Cell, CellContext
from bwp_tui.console.presentation.task_columns import PlacedColumn, cells_of
from bwp_tui.domain.task import Task


class TaskSource(Protocol):
    """Where the table reads its rows: the history."""

    def window(self, numbers: Sequence[int]) -> Sequence[Task]:
        """Return the tasks of these local numbers, in any order; one that no longer exists is left out."""
        ...


class Changed(NamedTuple):
    """Which cells of a task's row say something else now: from `x`, `width` cells of the terminal."""

    number: int
    x: int
    width: int


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

    def reread(self, numbers: Iterable[int], context: CellContext) -> list[Changed]:
        """Read those of `numbers` that are in sight, and return what is to be repainted."""
        stale = [number for number in numbers if number in self._cells]
        if not stale:
            return []
        for number in stale:
            self._tasks.pop(number, None)
        self._read(stale)
        return self._update(stale, context)

    def update(self, context: CellContext) -> list[Changed]:
        """Make all cells anew, and return what is to be repainted."""
        return self._update(list(self._cells), context)

    def _update(self, numbers: Iterable[int], context: CellContext) -> list[Changed]:
        changes = []
        for number in numbers:
            old, new = self._cells[number], self._cells_of(number, context)
            if old != new:
                self._cells[number] = new
                changes.append(self._changed(number, old, new))
        return changes

    def _read(self, numbers: Sequence[int]) -> None:
        self._tasks.update((task.number, task) for task in self._source.window(numbers))

    def _cells_of(self, number: int, context: CellContext) -> tuple[Cell, ...]:
        task = self._tasks.get(number)
        if task is None:
            return tuple(Cell("", "row") for _ in self._placed)
        return cells_of(task, self._placed, context)

    def _changed(self, number: int, old: tuple[Cell, ...], new: tuple[Cell, ...]) -> Changed:
        differing = [
            (place.x, place.x + max(cell_len(before.text), cell_len(after.text)))
            for place, before, after in zip(self._placed, old, new, strict=True)
            if before != after
        ]
        x = differing[0][0]
        return Changed(number, x, max(end for _, end in differing) - x)
