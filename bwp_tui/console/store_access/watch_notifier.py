"""Find what an operator is notified of: watched tasks that have ended, cancellations and task ids that were refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from bwp_tui.domain.statuses import engine_is_done_with
from bwp_tui.domain.task import WATCHED, Task
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries import tasks, timeline


class WatchNotifier:
    """Reports each watched task once when it has ended, also one that ended while no console was open.

    Args:
        unwatch: records that tasks are no longer watched.
    """

    def __init__(self, store: Store, unwatch: Callable[[Sequence[int]], None]) -> None:
        self._store = store
        self._unwatch = unwatch
        self._reported: set[int] = set()
        self._watched: set[int] = set()
        """Watched tasks that have not ended: another console may be the first to remove the tag."""
        self._revision = 0
        self._event: int | None = None
        self._reading_events = asyncio.Lock()

    async def ended(self, revision: int) -> list[Task]:
        """Return the watched tasks that have ended and were not reported yet.

        Args:
            revision: the history's. Tasks touched since the last call are read; at the first call all watched ones.
        """
        before, self._revision = self._revision, revision
        with suppress(StoreError):  # the main screen says what is wrong with the history
            watched = await asyncio.to_thread(tasks.tagged_since, self._store, WATCHED, before)
            # One that continues, as an unconfirmed one may, can end again.
            self._reported.difference_update(task.number for task in watched if not engine_is_done_with(task.status))
            self._watched.update(task.number for task in watched)
            known = await asyncio.to_thread(tasks.by_numbers, self._store, sorted(self._watched))
            ended = [task for task in known if engine_is_done_with(task.status) and task.number not in self._reported]
            self._reported.update(task.number for task in ended)
            self._watched = {task.number for task in known if WATCHED in task.tags} - self._reported
            return ended
        return []

    async def refusals(self) -> list[str]:
        """Return a sentence for each cancellation or task id that was refused since the last call."""
        with suppress(StoreError):
            async with self._reading_events:  # of two calls at a time both would return what is new
                return await self._new_refusals()
        return []

    async def _new_refusals(self) -> list[str]:
        before, last = self._event, await asyncio.to_thread(timeline.newest_event_id, self._store)
        # The first call reads none: a scan of all events would keep the screen from the history for as long.
        refused = (
            await asyncio.to_thread(timeline.refusals_between, self._store, before, last) if before is not None else []
        )
        self._event = last
        names = {
            task.number: task.name
            for task in await asyncio.to_thread(tasks.by_numbers, self._store, [number for number, _ in refused])
        }
        return [f"{names[number]}: {reason}" for number, reason in refused if number in names]

    async def unwatch(self, ended: Sequence[Task]) -> None:
        """Record that these tasks are no longer watched."""
        with suppress(StoreError):
            await asyncio.to_thread(self._unwatch, [task.number for task in ended])


def notification_text(ended: Sequence[Task]) -> str:
    """Return the text of a desktop notification, which others may see: no email, and nothing the service wrote."""
    words = ", ".join(f"{task.kind_name} #{task.number} {task.status}" for task in ended[:3])
    return words if len(ended) <= 3 else f"{words} and {len(ended) - 3} more"


def status_text(ended: Sequence[Task], *, masked: bool) -> str:
    """Return a sentence for the status line."""
    if len(ended) > 1:
        return f"Watched: {notification_text(ended)}."
    (task,) = ended
    email = task.email_text(masked=masked)
    return f"The watched {task.kind_name} #{task.number} for {email} is {task.status}."
