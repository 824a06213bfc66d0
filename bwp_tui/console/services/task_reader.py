"""What the screen reads of the history by itself, for rows and details that are in sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bwp_tui.domain.filter import VIEWS, View
from bwp_tui.domain.task import Event, Kind, Task
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries import saved_views as views
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState

Found = TypeVar("Found")


class TaskReader:
    """The few small reads that the screen makes itself; the history answers each in a fraction of a millisecond.

    Where it cannot be read there is nothing to show, and the screen goes on.

    Args:
        trouble: is told why the history cannot be read, in a sentence.
    """

    def __init__(self, store: Store, trouble: Callable[[str], None]) -> None:
        self._store = store
        self._trouble = trouble

    def window(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks (see `tasks.window`)."""
        return self.read(lambda: tasks.window(self._store, numbers), [])

    def views(self) -> tuple[View, ...]:
        """Return the built-in views and the saved ones."""
        return self.read(lambda: views.all_views(self._store), VIEWS)

    def find_by_name(self, name: str) -> Task:
        """Return the task an operator names (see `tasks.find_by_name`).

        Raises:
            NoSuchTask: none fits, or more than one.
        """
        return tasks.find_by_name(self._store, name)

    def engine_state(self) -> EngineState | None:
        """Return how the service last answered the engine."""
        return self.read(lambda: engine_state.read(self._store), None)

    def timeline(self, task: Task) -> list[Event]:
        """Return what happened to a task."""
        return self.read(lambda: timeline.of_task(self._store, task.number), [])

    def earlier(self, kind: Kind, email: str) -> str | None:
        """Return a sentence about the newest task with this kind and address, or None."""
        task = self.read(lambda: tasks.newest_for(self._store, kind, email), None)
        return None if task is None else f"#{task.number} ({task.status}) has this email"

    def read(self, read: Callable[[], Found], nothing: Found) -> Found:
        """Return what `read` returns, or `nothing` where the history cannot be read."""
        try:
            return read()
        except StoreError as error:
            self._trouble(str(error))
            return nothing
