"""A program of nothing but the task table, which tests drive by keys. Run it as a module, in a terminal."""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from textual.app import App, ComposeResult
from textual.content import Content
from textual.driver import Driver

import bwp_tui
from bwp_tui.console.presentation.glyphs import UNICODE, Glyphs
from bwp_tui.console.terminal.diff_driver import driver_class
from bwp_tui.console.widgets.task_table import TaskTable
from bwp_tui.domain.task import Task, TaskError
from tests.plain_task import plain_task

NOW: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
STYLES: Final = Path(bwp_tui.__file__).parents[1] / "styles" / "lists.tcss"

IN_SIGHT: Final = 5
OUT_OF_SIGHT: Final = 5_000


def make_task(number: int) -> Task:
    """A retrieval in progress, submitted an hour before `NOW`, due in 19 days."""
    return plain_task(number, NOW - timedelta(hours=1))


class History:
    """A source of tasks in memory: those that were `put`, and plain ones of every other number up to `size`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.put: dict[int, Task] = {}
        self.lost: set[int] = set()
        self.read: list[int] = []

    def by_numbers(self, numbers: Sequence[int]) -> list[Task]:
        self.read.extend(numbers)
        known = (number for number in numbers if 0 < number <= self.size and number not in self.lost)
        return [self.put.get(number) or make_task(number) for number in known]

    def numbers(self) -> array[int]:
        return array("q", range(1, self.size + 1))


class TableApp(App[None]):
    """The table over a history. Its clock stands still until a test moves it; what it says is in `heard`."""

    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [
        ("j", "move(1)"),
        ("k", "move(-1)"),
        ("G", "end"),
        ("x", f"flip({IN_SIGHT})"),
        ("o", f"flip({OUT_OF_SIGHT})"),
        ("f", f"fail({IN_SIGHT})"),
        ("a", "append"),
        ("p", "prepend"),
        ("t", "tick"),
    ]

    def __init__(self, history: History, glyphs: Glyphs = UNICODE, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self.history = history
        self.now = NOW
        self.heard: list[tuple[str, int | None]] = []
        self.table = TaskTable(history, clock=lambda: self.now, day=timedelta(days=1))
        self.table._glyphs = glyphs
        self.table.empty_text = Content("No task matches.")

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.show(self.history.numbers())
        self.table.focus()

    def on_virtual_rows_cursor_moved(self) -> None:
        self.heard.append(("highlighted", self.table.current_number))

    def on_virtual_rows_chosen(self) -> None:
        self.heard.append(("chosen", self.table.current_number))

    def change(self, task: Task) -> None:
        """Put a task into the history and tell the table, as the program does when a revision is new."""
        self.history.put[task.number] = task
        self.table.refresh_tasks([task.number])

    def action_move(self, rows: int) -> None:
        self.table.move(rows)

    def action_end(self) -> None:
        self.table.moves["last"]()

    def action_flip(self, number: int) -> None:
        task = self.history.put.get(number) or make_task(number)
        status = "COMPLETED" if task.status == "IN_PROGRESS" else "IN_PROGRESS"
        self.change(task._replace(status=status, revision=task.revision + 1))

    def action_fail(self, number: int) -> None:
        error = TaskError("DATA_SUBJECT_NOT_FOUND", "The shopper email does not exist")
        self.change(make_task(number)._replace(status="FAILED", errors=(error,)))

    def action_append(self) -> None:
        self.history.size += 1
        self.table.show(self.history.numbers())

    def action_prepend(self) -> None:
        self.history.size += 1
        self.table.show(array("q", [self.history.size, *range(1, self.history.size)]))

    def action_tick(self) -> None:
        self.now += timedelta(seconds=1)
        self.table.refresh_cells()


if __name__ == "__main__":
    TableApp(History(int(sys.argv[1])), driver_class=driver_class(os.environ)).run()
