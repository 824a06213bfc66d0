"""Complete one part file: attempt after attempt, each over a new link and recorded in the history."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bwp_tui.api.errors import ArchiveChanged, ConnectionLost, RangeNotSatisfiable, ServerBusy, TransferError
from bwp_tui.api.link_response_errors import ARCHIVE_CHANGED
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import size_of
from bwp_tui.engine.daemon_thread import in_daemon_thread
from bwp_tui.engine.downloads.part_file import FolderError, PartFile
from bwp_tui.engine.downloads.progress_recorder import PROGRESS_INTERVAL_S, SLOW_TEXT, ProgressRecorder
from bwp_tui.engine.downloads.transfer_rate import SPEED_WINDOW_S, SlowTransferDetector
from bwp_tui.engine.downloads.transfer_thread import PartTransfer
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.circuit_breaker import CircuitBreaker, Reservation
from bwp_tui.engine.worker import WorkerContext
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob

MAX_ATTEMPTS_WITHOUT_PROGRESS: Final = 5
"""Attempts in a row without a new byte after which a download fails."""

_CHECK_S: Final = 0.05

_SILENT: Final = "The archive's server sent nothing for too long."

RequestLink = Callable[[], Awaitable[PresignedLink]]
"""Requests a new link."""


class TooSlow(Exception):
    """The download is very slow and others wait for its slot; `str()` is the message."""

    def __str__(self) -> str:
        return f"{SLOW_TEXT}, and others wait: it resumes after them."


@dataclass(slots=True)
class ResumeLoop:
    """Repeats attempts of one download in its slot."""

    context: WorkerContext
    breaker: CircuitBreaker
    job: DownloadJob
    part: PartFile
    request_link: RequestLink
    others_wait: Callable[[], bool]
    _trouble: str | None = None
    _last_transfer: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Complete the part file, over as many links as it takes while bytes come.

        Raises:
            ApiError: no link is available; or what else `request_link` raises.
            TransferError: the archive is not available, or no byte came in `MAX_ATTEMPTS_WITHOUT_PROGRESS` attempts.
            FolderError: the disk failed, or the part file is gone.
            TooSlow: it is very slow, and others wait for the slot.
        """
        part = self.part
        most_bytes, attempts = part.size, 0
        while True:
            try:
                await self._transfer()
            except RangeNotSatisfiable as error:
                if error.total == part.size:
                    return
                part.restart()
                failure: TransferError = error
            except ArchiveChanged as error:
                part.restart()
                failure = error
            except TransferError as error:
                if not error.transient:
                    raise
                failure = error
            else:
                return
            # Only bytes beyond the most so far are progress: a download that restarts each time must end.
            attempts = 0 if part.size > most_bytes else attempts + 1
            most_bytes = max(most_bytes, part.size)
            if attempts >= MAX_ATTEMPTS_WITHOUT_PROGRESS:
                raise failure
            await self._wait_before_retry(failure, attempts)

    async def _wait_before_retry(self, failure: TransferError, attempts: int) -> None:
        """Record the last of `attempts` without progress, then wait, except after a restart: the server is healthy."""
        restarts = isinstance(failure, RangeNotSatisfiable | ArchiveChanged)
        wait = 0.0 if restarts else retry_delay(attempts + 1, self.context.rng)
        again_at = self.context.now() + timedelta(seconds=max(wait, self.breaker.seconds_until_retry()))
        self._trouble = ARCHIVE_CHANGED if restarts else str(failure)
        downloads.record_failed_attempt(self.context.store, self.job, self._trouble, self.part.size, again_at)
        if not restarts:
            await asyncio.sleep(wait)

    async def _transfer(self) -> None:
        """Request a link, follow it at once, and record progress once a second until it ends."""
        part = self.part
        with await self._reserve_call():
            if self._trouble not in (None, ARCHIVE_CHANGED):  # why it begins anew is said until bytes come
                self._trouble = None
                downloads.record_next_attempt(self.context.store, self.job)
            link = await self.request_link()
            before = part.size
            try:
                await self._follow_link(link)
            except RangeNotSatisfiable as error:
                if error.total is None:
                    raise RangeNotSatisfiable(str(error), total=await self._size()) from None
                raise
            except (ConnectionLost, ServerBusy) as error:
                # A connection that brought bytes before it broke is no failure of the server.
                if error.transient and part.size == before:
                    least = error.retry_after or 0.0
                    self.breaker.record_failure(lambda failures: max(least, retry_delay(failures, self.context.rng)))
                raise
            self.breaker.record_success()

    async def _reserve_call(self) -> Reservation:
        """Wait until the archive server may be called: all slots share its circuit breaker."""
        while not (reservation := self.breaker.reserve()).calls:  # noqa: ASYNC110  # it opens by time, without an event
            await asyncio.sleep(min(max(_CHECK_S, self.breaker.seconds_until_retry()), PROGRESS_INTERVAL_S))
        return reservation

    async def _size(self) -> int | None:
        """Request the size of the archive over a new link."""
        link = await self.request_link()
        size = in_daemon_thread(functools.partial(size_of, link, self.part.etag), f"size-{self.job.id}")
        try:
            return await asyncio.wait_for(size, SPEED_WINDOW_S)
        except TimeoutError:
            raise ConnectionLost(_SILENT) from None

    async def _follow_link(self, link: PresignedLink) -> None:
        part = self.part
        if self._last_transfer is not None and not self._last_transfer.done():
            raise FolderError(f"The disk of {part.folder} does not respond. Fix it, then download again.")
        transfer = PartTransfer(link, part)
        progress = ProgressRecorder(
            self.context.store, self.job, part, transfer, self._trouble, self.breaker.record_success
        )
        running = in_daemon_thread(transfer.run, f"transfer-{self.job.id}")
        try:
            while not running.done():
                progress.update()
                if transfer.started:
                    await asyncio.to_thread(part.check_not_moved)
                self._check_speed(progress.speed)
                # Record the ETag as soon as it is known: without it, a kill would lose the bytes.
                await asyncio.wait([running], timeout=PROGRESS_INTERVAL_S if transfer.started else _CHECK_S)
            progress.record_missed_start(failed=running.exception() is not None)
            await running
        except asyncio.CancelledError:
            await _stop_transfer(transfer, running)
            progress.record_progress()
            raise
        finally:
            await _stop_transfer(transfer, running)
            self._trouble = progress.trouble
            self._last_transfer = running if transfer.started else None

    def _check_speed(self, speed: SlowTransferDetector) -> None:
        """End a silent attempt, or a slow one whose slot others wait for."""
        if speed.is_silent:
            raise ConnectionLost(_SILENT)
        if speed.is_slow and self.others_wait():
            raise TooSlow


async def _stop_transfer(transfer: PartTransfer, running: asyncio.Future[None]) -> None:
    """Stop a running transfer before its part file is closed."""
    if not running.done():
        transfer.stop()
        await asyncio.wait([running], timeout=PROGRESS_INTERVAL_S)
