"""Watched tasks: a notice when one has ended, once, also of those that ended while no console was open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from bwp_tui.console.services.task_reader import TaskReader
from bwp_tui.domain.task import Task, has_ended
from bwp_tui.store.errors import StoreError


class WatchNotifier:
    """Finds the watched tasks that have ended. Its methods wait for the disk in threads of their own.

    Args:
        unwatch: records that tasks are no longer watched.
    """

    def __init__(self, reader: TaskReader, unwatch: Callable[[Sequence[int]], None]) -> None:
        self._reader = reader
        self._unwatch = unwatch
        self._told: set[int] = set()
        self._revision = 0
        self._event: int | None = None

    async def ended(self, revision: int) -> list[Task]:
        """Return the watched tasks that have ended and were not told of yet.

        Args:
            revision: the history's; what was touched up to it is looked at, at the first call everything.
        """
        before, self._revision = self._revision, revision
        with suppress(StoreError):  # the main screen says what is wrong with the history
            watched = await asyncio.to_thread(self._reader.watched_since, before)
            # One that goes on again, as an unconfirmed one does, can end again.
            self._told.difference_update(task.number for task in watched if not has_ended(task.status))
            ended = [task for task in watched if has_ended(task.status) and task.number not in self._told]
            self._told.update(task.number for task in ended)
            return ended
        return []

    async def refusals(self) -> list[str]:
        """Return a sentence for each cancellation that was refused since the last call; for none at the first."""
        with suppress(StoreError):
            before = self._event
            self._event, refused = await asyncio.to_thread(self._reader.refusals_since, before or 0)
            return [f"#{number}: {words}" for number, words in refused] if before is not None else []
        return []

    async def unwatch(self, ended: Sequence[Task]) -> None:
        """Record that these tasks are no longer watched."""
        with suppress(StoreError):
            await asyncio.to_thread(self._unwatch, [task.number for task in ended])


def notification_text(ended: Sequence[Task]) -> str:
    """Return what a desktop may show to whoever passes by: no address, and nothing the service wrote."""
    words = ", ".join(f"{task.kind.lower()} #{task.number} {task.status}" for task in ended[:3])
    return words if len(ended) <= 3 else f"{words} and {len(ended) - 3} more"


def status_text(ended: Sequence[Task], *, masked: bool) -> str:
    """Return a sentence for the status line."""
    if len(ended) > 1:
        return f"Watched tasks have ended: {notification_text(ended)}."
    (task,) = ended
    email = task.subject(masked=masked)
    return f"The watched {task.kind.lower()} for {email} is {task.status}."
