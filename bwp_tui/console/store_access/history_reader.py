"""Read for the screens what they show of the history; where it cannot be read, report that and return nothing."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Kind, Task, TimelineEvent, with_actual_downloads
from bwp_tui.domain.views import VIEWS, View
from bwp_tui.store.commands import saved_views
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, engine_state, intents, ready_polls
from bwp_tui.store.worklog.engine_state import EngineState

if TYPE_CHECKING:
    from bwp_tui.actions.operation import TaskOperation
    from bwp_tui.store.queries.dashboard import Statistics
    from bwp_tui.store.queries.intent_log import LoggedIntent

Result = TypeVar("Result")


class TaskDetails(NamedTuple):
    """All that the history knows of a task; `earlier_task` and `later_task` asked the same before and after it."""

    task: Task
    events: Sequence[TimelineEvent]
    intents: Sequence[LoggedIntent]
    downloads: Sequence[Download]
    earlier_task: Task | None
    later_task: Task | None


class HistoryReader:
    """Reads in the UI's thread, which the history answers in a fraction of a millisecond unless a docstring says more.

    What only some screens need is imported when it is read.

    Args:
        report: takes a sentence on why the history cannot be read.
        actual_download: returns a running download as what the engine does now leaves it.
    """

    def __init__(
        self, store: Store, report: Callable[[str], None], actual_download: Callable[[Download], Download]
    ) -> None:
        self._store = store
        self._report = report
        self._actual_download = actual_download

    def by_numbers(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks (see `tasks.by_numbers`)."""
        return with_actual_downloads(
            self._read(lambda: tasks.by_numbers(self._store, numbers), []), self._actual_download
        )

    def current(self, number: int) -> Task | None:
        """Return a task, or the one that its row was joined with since; None where it is gone."""
        found = self.by_numbers([number])
        if not found and (kept := self._read(lambda: timeline.joined_into(self._store, number), None)) is not None:
            return self.current(kept)
        return found[0] if found else None

    def actual_downloads(self, found: Sequence[Download]) -> list[Download]:
        """Return downloads as the engine leaves them now: see `Download.as_engine_left`."""
        return list(map(self._actual_download, found))

    def wrong_actor_reason(self, operation: TaskOperation, task: Task, actor: str) -> str | None:
        """Return why `actor` cannot do an operation on a task, which the timeline says."""
        return self._read(lambda: operation.wrong_actor_reason(self._store, task, actor), None)

    def views(self) -> tuple[View, ...]:
        return self._read(lambda: saved_views.all_views(self._store), VIEWS)

    def engine_state(self) -> EngineState | None:
        """Return how the service last answered the engine."""
        return self._read(lambda: engine_state.read(self._store), None)

    def has_unsent_intent(self, number: int) -> bool:
        """Return whether a submission or cancellation of a task waits to be sent for the first time."""
        return self._read(lambda: intents.has_unsent_intent(self._store, number), False)

    def is_poll_ready(self, number: int) -> bool:
        return self._read(lambda: ready_polls.any_ready(self._store, [number], self._store.clock()), False)

    def downloads_with_tasks(self, ids: Sequence[int]) -> list[tuple[Task, Download]]:
        """Return downloads by their ids, each with its task."""
        found = self.actual_downloads(self._read(lambda: downloads.by_ids(self._store, ids), []))
        by_number = {task.number: task for task in self.by_numbers([download.task_number for download in found])}
        return [(by_number[each.task_number], each) for each in found if each.task_number in by_number]

    def timeline(self, task: Task) -> list[TimelineEvent]:
        return self._read(lambda: timeline.of_task(self._store, task.number), [])

    def task_details(self, task: Task) -> TaskDetails:
        from bwp_tui.store.queries import intent_log

        return TaskDetails(
            task,
            self.timeline(task),
            self._read(lambda: intent_log.of_task(self._store, task.number), []),
            self.actual_downloads(self._read(lambda: downloads.of_task(self._store, task.number), [])),
            next(iter(self.by_numbers([task.earlier_number])), None) if task.earlier_number else None,
            self._read(lambda: tasks.later_for_same(self._store, task), None),
        )

    def earlier_task_sentence(self, kind: Kind, email: str) -> str | None:
        """Return a sentence about the newest task with this kind and email, or None."""
        task = self._read(lambda: tasks.newest_for(self._store, kind, email), None)
        return None if task is None else f"#{task.number} ({task.status}) has this email"

    def logged_intent_ids(self, words: Sequence[str], is_cancelled: Callable[[], bool]) -> array[int]:
        """Return the ids of the intents in the log that have all words; not a small read.

        Raises:
            ReadCancelled: `is_cancelled` returned True.
            StoreError: the history cannot be read.
        """
        from bwp_tui.store.queries import intent_log

        return intent_log.intent_ids(self._store, words, is_cancelled)

    def logged_intents(self, ids: Sequence[int]) -> list[LoggedIntent]:
        from bwp_tui.store.queries import intent_log

        return self._read(lambda: intent_log.by_ids(self._store, ids), [])

    def statistics(self, today: date) -> Statistics:
        """Return the figures of the dashboard; not a small read.

        Raises:
            StoreError: the history cannot be read.
        """
        from bwp_tui.store.queries import dashboard

        with closing(self._store.open_another()) as store:  # a thread reads for long, which this one need not wait for
            return dashboard.read_statistics(store, today)

    def _read(self, read: Callable[[], Result], default: Result) -> Result:
        try:
            return read()
        except StoreError as error:
            self._report(str(error))
            return default
