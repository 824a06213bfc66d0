"""What is looked up when a screen is opened: all about one task, what was sent, the figures of the dashboard."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bwp_tui.console.services.task_reader import TaskReader
from bwp_tui.domain.task import Download, Event, Task
from bwp_tui.store.commands.bulk_plan import CHUNK
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import dashboard as statistics
from bwp_tui.store.queries import request_log as sent
from bwp_tui.store.queries.dashboard import Statistics
from bwp_tui.store.queries.request_log import SentRequest
from bwp_tui.store.worklog import downloads


@dataclass(frozen=True, slots=True)
class TaskDetails:
    """All that the history knows of a task. `earlier` is the one that asked the same before."""

    task: Task
    events: Sequence[Event]
    sent: Sequence[SentRequest]
    downloads: Sequence[Download]
    earlier: Task | None


class ScreenQueries:
    """Reads by the connection that `reader` reads by, and says as it does what is wrong."""

    def __init__(self, store: Store, reader: TaskReader) -> None:
        self._store = store
        self._reader = reader

    def tasks_in(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks, however many there are."""
        return [task for at in range(0, len(numbers), CHUNK) for task in self._reader.window(numbers[at : at + CHUNK])]

    def task_details(self, task: Task) -> TaskDetails:
        """Return all that is known of a task."""
        return TaskDetails(
            task,
            self._reader.timeline(task),
            self._reader.read(lambda: sent.of_task(self._store, task.number), []),
            self._reader.read(lambda: downloads.of_task(self._store, task.number), []),
            next(iter(self._reader.window([task.earlier])), None) if task.earlier else None,
        )

    def sent_ids(self) -> array[int]:
        """Return the ids of all that was ever sent; not a small read."""
        return self._reader.read(lambda: sent.ids(self._store), array("q"))

    def sent(self, ids: Sequence[int]) -> list[SentRequest]:
        """Return what was sent under these ids."""
        return self._reader.read(lambda: sent.window(self._store, ids), [])

    def statistics(self, today: date) -> Statistics:
        """Return the figures of the dashboard; not a small read."""
        return statistics.read_statistics(self._store, today)
