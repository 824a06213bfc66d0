"""The engine: three desks that take work from the history, woken whenever it changes or something comes due."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.downloads.downloader import Downloader
from bwp_tui.engine.requests.poller import Poller
from bwp_tui.engine.requests.submitter import Submitter
from bwp_tui.engine.resilience.backoff import BackoffPolicy, PollSchedule
from bwp_tui.engine.resilience.service_health import ServiceHealth
from bwp_tui.engine.runtime.clock_watch import ClockWatch
from bwp_tui.engine.runtime.credential_refresh import CREDENTIAL_CHECK_S
from bwp_tui.engine.worker import STORE_RETRY_S, VisibleTasks, Worker, WorkerContext
from bwp_tui.settings.profile import DOWNLOAD_SLOTS
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError, StoreMoved
from bwp_tui.store.worklog import downloads

LONGEST_SLEEP_S: Final = 30.0
"""A look at the history after this long at the latest: clocks can jump."""

_BUSY_LOOK_S: Final = 0.05

Reconnect = Callable[[], Awaitable[PrivacyApi | None]]
"""Returns a client with credentials that were not refused, or None where there are none yet."""


class Engine:
    """Works for one profile, in one event loop, while its process holds the lease.

    Args:
        read_only: nothing is sent that changes anything: tasks are polled, no more.
        download_slots: so many results are downloaded at a time.
        sight: the tasks that are asked about first.
        reconnect: is asked every `CREDENTIAL_CHECK_S` while the credentials are refused; None is never.
    """

    def __init__(
        self,
        store: Store,
        api: PrivacyApi,
        *,
        speed: float = 1.0,
        read_only: bool = False,
        download_slots: int = DOWNLOAD_SLOTS,
        sight: VisibleTasks | None = None,
        patience: BackoffPolicy | None = None,
        reconnect: Reconnect | None = None,
    ) -> None:
        chance = random.Random()  # noqa: S311  # jitter, not secrecy
        self._store = store
        self._gate = ServiceHealth(store, chance, patience)
        self._clock_watch = ClockWatch(store, self._gate)
        self._reconnect = reconnect
        self._bench = WorkerContext(
            store, api, self._gate, PollSchedule(speed, chance), chance, sight or VisibleTasks()
        )
        self._wakes = [asyncio.Event() for _ in range(1 if read_only else 3)]
        self._desks: list[Worker] = [Poller(self._bench, self._wakes[0])]
        if not read_only:
            self._desks.append(Submitter(self._bench, self._wakes[1]))
            self._desks.append(Downloader(self._bench, download_slots))

    @property
    def refused(self) -> bool:
        """Whether the credentials are refused and no others have been found yet."""
        return self._gate.refused.is_set()

    def wake(self) -> None:
        """Have every desk look at the history now. To be called in the engine's loop."""
        for wake in self._wakes:
            wake.set()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            StoreMoved: the history's file was moved, removed or replaced.
        """
        downloads.requeue_interrupted(self._store)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on_changes())
                group.create_task(self._renew_credentials())
                for desk, wake in zip(self._desks, self._wakes, strict=True):
                    group.create_task(self._run_worker(desk, wake))
        except ExceptionGroup as failed:
            moved = failed.subgroup(StoreMoved)
            raise failed if moved is None else moved.exceptions[0] from None
        finally:
            for desk in self._desks:
                await desk.close()

    async def run_once(self) -> None:
        """Do all that is due and return when nothing is due any more."""
        downloads.requeue_interrupted(self._store)
        try:
            while True:
                self._clock_watch.check()
                for desk in self._desks:
                    await desk.run_due()
                if not self._due() and not any(desk.busy for desk in self._desks):
                    return
                await asyncio.sleep(_BUSY_LOOK_S)
        finally:
            for desk in self._desks:
                await desk.close()

    def _due(self) -> bool:
        now = self._store.clock()
        return any(at is not None and at <= now for at in (desk.next_at() for desk in self._desks))

    async def _run_worker(self, desk: Worker, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                self._clock_watch.check()
                await desk.run_due()
                next_at = desk.next_at()
            except StoreMoved:
                raise
            except StoreError:
                # A full disk or a lock: what could not be written is still due, and the console says why.
                await asyncio.sleep(STORE_RETRY_S)
                continue
            # Not wait_for: one that is cancelled just when it is woken loses the cancellation (Python before 3.12).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_until(next_at)):
                    await wake.wait()

    def _seconds_until(self, at: datetime | None) -> float:
        if at is None:
            return LONGEST_SLEEP_S
        return min(max(0.0, (at - self._store.clock()).total_seconds()), LONGEST_SLEEP_S)

    async def _pass_on_changes(self) -> None:
        """Wake the desks when the gate lets calls begin that it had refused."""
        while True:
            await self._gate.changed.wait()
            self._gate.changed.clear()
            self.wake()

    async def _renew_credentials(self) -> None:
        """While the credentials are refused, look for others, which are used at once."""
        while self._reconnect is not None:
            await self._gate.refused.wait()
            await asyncio.sleep(CREDENTIAL_CHECK_S)
            with contextlib.suppress(StoreError):
                api = await self._reconnect()
                if api is not None:
                    self._bench.api = api
                    self._gate.use_new_credentials()
