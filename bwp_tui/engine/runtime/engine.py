"""The engine: workers that submit, poll and download what is ready, and receive the service's events."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Final

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.downloads.downloader import Downloader
from bwp_tui.engine.events.receiver import EventReceiver, MessageQueue
from bwp_tui.engine.requests.answers_at_completion import AnswersAtCompletion
from bwp_tui.engine.requests.poller import Poller
from bwp_tui.engine.requests.submitter import Submitter
from bwp_tui.engine.resilience.poll_schedule import PollSchedule
from bwp_tui.engine.resilience.service_health import ServiceHealth
from bwp_tui.engine.runtime.clock_rollback import ClockRollbackMonitor
from bwp_tui.engine.runtime.engine_config import CREDENTIAL_CHECK_S
from bwp_tui.engine.runtime.hook_runner import HookRunner
from bwp_tui.engine.worker import STORE_RETRY_S, PolledFirst, Worker, WorkerContext
from bwp_tui.settings import Profile
from bwp_tui.settings.profile import AT_COMPLETION, BY_EMAIL
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import DiskFull, StoreDamaged, StoreError, StoreMoved
from bwp_tui.store.worklog import downloads

LONGEST_SLEEP_S: Final = 30.0
"""The longest wait between two checks of the history: clocks can jump."""

_BUSY_CHECK_S: Final = 0.05

Reconnect = Callable[[], Awaitable[PrivacyApi | None]]
"""Returns a client with credentials that were not refused yet, or None if there are none."""


class Engine:
    """Submits, polls and downloads for one profile while its process holds the lease; a read-only one only polls.

    Args:
        polled_first: the tasks to poll first.
        event_queue: the queue of the service's events; None polls only.
        runs_hooks_at_end: whether `run` runs the hooks of all that has happened before it ends.
        on_full_disk: called with a sentence while a worker can record nothing, with None once all can.
        reconnect: called every `CREDENTIAL_CHECK_S` while the credentials are refused; None turns that off.
    """

    def __init__(
        self,
        store: Store,
        api: PrivacyApi,
        profile: Profile,
        *,
        polled_first: PolledFirst | None = None,
        event_queue: MessageQueue | None = None,
        runs_hooks_at_end: bool = False,
        on_full_disk: Callable[[str | None], None] = lambda _sentence: None,
        reconnect: Reconnect | None = None,
    ) -> None:
        rng = random.Random()  # noqa: S311  # jitter, not secrecy
        self._store = store
        self._health = ServiceHealth(store, rng)
        self._clock_rollback = ClockRollbackMonitor(store, self._health)
        self._reconnect = reconnect
        self._on_full_disk = on_full_disk
        self._waiting_for_space: set[Worker] = set()
        schedule = PollSchedule(profile.speed, rng)
        context = WorkerContext(store, api, self._health, schedule, rng, polled_first or PolledFirst())
        self._context = context
        self._receiver = EventReceiver(store, schedule, event_queue, rng, profile.regulation)
        self._wakes = [asyncio.Event()]
        self._workers: list[Worker] = [Poller(context, self._wakes[0])]
        if not profile.read_only:
            self._wakes += [asyncio.Event(), asyncio.Event()]
            is_named_by_email = profile.file_names == BY_EMAIL
            self._workers.append(Submitter(context, self._wakes[1]))
            self._workers.append(Downloader(context, profile.download_slots, is_named_by_email=is_named_by_email))
        if profile.hooks and not profile.read_only:
            wake = asyncio.Event()
            self._wakes.append(wake)
            self._workers.append(HookRunner(store, profile.hooks, profile.name, wake, runs_hooks_at_end))
        if profile.clock_stops == AT_COMPLETION:
            self._wakes.append(asyncio.Event())
            self._workers.append(AnswersAtCompletion(store))

    @property
    def credentials_refused(self) -> bool:
        """Whether the credentials are refused and no others have been found yet."""
        return self._health.credentials_refused.is_set()

    def wake(self) -> None:
        """Make all workers check the history now. Call it in the engine's loop."""
        for wake in self._wakes:
            wake.set()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            ExceptionGroup: a worker failed, or the history's file was moved, removed or replaced (`StoreMoved`), or is
                damaged (`StoreDamaged`).
        """
        downloads.requeue_interrupted(self._store)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._wake_when_available())
                group.create_task(self._renew_credentials())
                group.create_task(self._run_worker(self._receiver, asyncio.Event()))
                for worker, wake in zip(self._workers, self._wakes, strict=True):
                    group.create_task(self._run_worker(worker, wake))
        finally:
            for worker in self._workers:
                await worker.close()

    async def run_once(self) -> None:
        downloads.requeue_interrupted(self._store)
        await self._receiver.receive_waiting()
        try:
            while True:
                self._clock_rollback.check()
                for worker in self._workers:
                    await worker.run_ready()
                now = self._store.clock()
                is_work_ready = any(
                    at is not None and at <= now for at in (worker.next_at() for worker in self._workers)
                )
                if not is_work_ready and not any(worker.is_busy for worker in self._workers):
                    return
                await asyncio.sleep(_BUSY_CHECK_S)
        finally:
            for worker in self._workers:
                await worker.close()

    async def _run_worker(self, worker: Worker, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                self._clock_rollback.check()
                self._health.drop_expired_limit()
                await worker.run_ready()
                next_at = worker.next_at()
                left_s = LONGEST_SLEEP_S if next_at is None else (next_at - self._store.clock()).total_seconds()
            except (StoreMoved, StoreDamaged):
                raise
            except StoreError as error:
                # A full disk or a lock: what could not be written is still ready, and the console shows why.
                self._show_store_error(worker, error)
                await asyncio.sleep(STORE_RETRY_S)
                continue
            self._show_store_error(worker, None)
            # Not wait_for: one that is cancelled just when it is woken loses the cancellation (Python before 3.12).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(0.0, left_s), LONGEST_SLEEP_S)):
                    await wake.wait()

    def _show_store_error(self, worker: Worker, error: StoreError | None) -> None:
        """Report a full disk that keeps a worker from recording, and None once it keeps none."""
        if isinstance(error, DiskFull):
            self._waiting_for_space.add(worker)
            self._on_full_disk(str(error))
        elif error is None and worker in self._waiting_for_space:
            self._waiting_for_space.remove(worker)
            if not self._waiting_for_space:
                self._on_full_disk(None)

    async def _wake_when_available(self) -> None:
        """Wake the workers when calls may start again."""
        while True:
            await self._health.changed.wait()
            self._health.changed.clear()
            self.wake()

    async def _renew_credentials(self) -> None:
        """Look for new credentials while the current ones are refused, and use them at once."""
        while self._reconnect is not None:
            await self._health.credentials_refused.wait()
            await asyncio.sleep(CREDENTIAL_CHECK_S)
            with contextlib.suppress(StoreError):
                api = await self._reconnect()
                if api is not None:
                    self._context.api = api
                    self._health.use_new_credentials()
