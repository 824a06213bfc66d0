"""What is looked up when a screen is opened: all about one task, what was sent, the figures of the dashboard."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bwp_tui.console.services.task_reader import Reader
from bwp_tui.domain.task import Download, Event, Task
from bwp_tui.store.commands.bulk_plan import CHUNK
from bwp_tui.store.database.connection import History
from bwp_tui.store.queries import dashboard as statistics
from bwp_tui.store.queries import request_log as sent
from bwp_tui.store.queries.dashboard import Statistics
from bwp_tui.store.queries.request_log import Sent
from bwp_tui.store.worklog import downloads


@dataclass(frozen=True, slots=True)
class Known:
    """All that the history knows of a task. `earlier` is the one that asked the same before."""

    task: Task
    events: Sequence[Event]
    sent: Sequence[Sent]
    downloads: Sequence[Download]
    earlier: Task | None


class Lookup:
    """Reads by the connection that `reader` reads by, and says as it does what is wrong."""

    def __init__(self, history: History, reader: Reader) -> None:
        self._history = history
        self._reader = reader

    def window_of_any(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks, however many there are."""
        return [task for at in range(0, len(numbers), CHUNK) for task in self._reader.window(numbers[at : at + CHUNK])]

    def known(self, task: Task) -> Known:
        """Return all that is known of a task."""
        return Known(
            task,
            self._reader.timeline(task),
            self._reader.read(lambda: sent.of_task(self._history, task.number), []),
            self._reader.read(lambda: downloads.of_task(self._history, task.number), []),
            next(iter(self._reader.window([task.earlier])), None) if task.earlier else None,
        )

    def sent_ids(self) -> array[int]:
        """Return the ids of all that was ever sent; not a small read."""
        return self._reader.read(lambda: sent.ids(self._history), array("q"))

    def sent(self, ids: Sequence[int]) -> list[Sent]:
        """Return what was sent under these ids."""
        return self._reader.read(lambda: sent.window(self._history, ids), [])

    def statistics(self, today: date) -> Statistics:
        """Return the figures of the dashboard; not a small read."""
        return statistics.read(self._history, today)
