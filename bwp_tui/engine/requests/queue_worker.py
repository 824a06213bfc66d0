"""Run a few calls at a time; a call that has ended is followed by the next one at once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar

from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.worker import Worker, WorkerContext

POOL_SIZE: Final = 4
"""The highest number of concurrent calls of one worker."""

WorkerCoroutine = Coroutine[None, None, None]
_Item = TypeVar("_Item")


class WorkQueue(Generic[_Item]):
    """Gives out ready items, read ahead in batches, and none twice while it is in progress.

    `read` returns up to a number of ready items, the most urgent first, and `key` the id of an item.
    """

    def __init__(self, read: Callable[[int], list[_Item]], key: Callable[[_Item], int]) -> None:
        self._read = read
        self._key = key
        self._items: list[_Item] = []
        self._in_progress: set[int] = set()

    def take(self, most: int, read_ahead: int) -> list[_Item]:
        """Take up to `most` items, reading `read_ahead` when too few are left. Call `release` once each is done."""
        if len(self._items) < most:
            self._items = self._read_free(self._read, read_ahead)
        taken, self._items = self._items[:most], self._items[most:]
        self._in_progress.update(map(self._key, taken))
        return taken

    def take_before_ready(self, most: int, read: Callable[[int], list[_Item]]) -> list[_Item]:
        """Take up to `most` items that `read` returns before they are ready. Call `release` for them as well."""
        taken = self._read_free(read, most)[:most]
        self._in_progress.update(map(self._key, taken))
        return taken

    def _read_free(self, read: Callable[[int], list[_Item]], most: int) -> list[_Item]:
        ready = read(most + len(self._in_progress))
        return [item for item in ready if self._key(item) not in self._in_progress]

    def release(self, items: Sequence[_Item]) -> None:
        """Release items that are done or rescheduled."""
        self._in_progress.difference_update(map(self._key, items))

    def drop_read_ahead(self) -> None:
        """Drop items read ahead: something may have become more urgent."""
        self._items = []

    def reset(self) -> None:
        """Drop items read ahead, and release all."""
        self._items = []
        self._in_progress.clear()


class CoroutinePool:
    """Runs up to `POOL_SIZE` coroutines, each of which makes one call after another.

    `wake` is set when there may be something to start; every coroutine sets it when it ends.
    """

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._failure: BaseException | None = None

    @property
    def may_continue(self) -> bool:
        """Whether a coroutine may make another call: not after one of them has failed."""
        return self._failure is None

    async def run(self, new_coroutines: Callable[[int], Sequence[WorkerCoroutine]]) -> None:
        """Run coroutines until none is left and none is started; raise what the first failed one has raised.

        `new_coroutines` returns up to a number of them, if something is ready and calls may start.
        """
        self._failure = None
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._wake.clear()
                tasks = self._unfinished(tasks)
                if self.may_continue and len(tasks) < POOL_SIZE:
                    tasks |= self._start(new_coroutines, POOL_SIZE - len(tasks))
                if not tasks:
                    break
                await self._wake.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _unfinished(self, tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        ended = {task for task in tasks if task.done()}
        for task in ended:
            failure = task.exception()  # of each, or Python reports it on the screen
            self._failure = self._failure or failure
        return tasks - ended

    def _start(self, new_coroutines: Callable[[int], Sequence[WorkerCoroutine]], most: int) -> set[asyncio.Task[None]]:
        try:
            started = {asyncio.create_task(task) for task in new_coroutines(most)}
        except Exception as error:  # noqa: BLE001  # raised once the running tasks have ended
            self._failure = error
            return set()
        for task in started:
            task.add_done_callback(lambda _ended: self._wake.set())
        return started


class QueueWorker(Worker, ABC, Generic[_Item]):
    """A worker that calls the service for ready items, some calls at a time. An interrupted item is still ready.

    `wake` interrupts the wait for running calls, to start what has become ready; `key` returns the id of an item.
    """

    def __init__(self, context: WorkerContext, wake: asyncio.Event, key: Callable[[_Item], int]) -> None:
        self._context = context
        self._pool = CoroutinePool(wake)
        self._queue = WorkQueue(self._read, key)

    async def run_ready(self) -> None:
        """Do all that is ready; while the service is failing, one call at a time."""
        self._queue.reset()
        await self._pool.run(self._new_coroutines)

    def next_at(self) -> datetime | None:
        """Return when the next call may start, or None."""
        return self._context.earliest_start(self._next_ready_at())

    @abstractmethod
    def _read(self, most: int) -> list[_Item]:
        """Return up to `most` ready items, the most urgent first."""

    @abstractmethod
    def _next_ready_at(self) -> datetime | None:
        """Return when the next item is ready."""

    @abstractmethod
    def _take_batches(self, calls: int) -> list[list[_Item]]:
        """Take the items of up to `calls` calls."""

    @abstractmethod
    async def _make_calls(self, reservation: Reservation, first: list[_Item]) -> None:
        """Make a call for `first`, then for what else is ready, while that may go on."""

    @property
    def _may_continue(self) -> bool:
        """Whether another call may follow one that has ended."""
        return self._pool.may_continue and self._context.health.may_continue()

    def _new_coroutines(self, most: int) -> list[WorkerCoroutine]:
        self._queue.drop_read_ahead()
        calls = self._take_batches(most) if self._context.health.next_call_at() is None else []
        if not calls:
            return []
        # Only now: releasing an unused reservation wakes all workers.
        reservation = self._context.health.reserve(len(calls))
        for items in calls[reservation.calls :]:
            self._queue.release(items)
        return [self._make_calls(reservation, items) for items in calls[: reservation.calls]]
