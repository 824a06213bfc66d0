"""Download results: request a link when a slot is free, follow it at once, verify the file."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.api.errors import AccessDenied, ApiError, ConnectionLost, NotFound, ServerBusy, TransferError
from bwp_tui.api.links import PresignedLink
from bwp_tui.archive.limits import BadArchive
from bwp_tui.archive.verify import verify_archive
from bwp_tui.domain.text import file_name
from bwp_tui.engine.daemon_thread import in_daemon_thread
from bwp_tui.engine.downloads.disk_space import DiskSpace
from bwp_tui.engine.downloads.part_cleanup import remove_part_on_full_disk, remove_unwanted_parts, rename_part
from bwp_tui.engine.downloads.part_file import NOT_PRIVATE, FolderError, PartFile, PartGone, PartInUse
from bwp_tui.engine.downloads.progress_recorder import PROGRESS_INTERVAL_S
from bwp_tui.engine.downloads.resume_loop import MAX_ATTEMPTS_WITHOUT_PROGRESS, ResumeLoop, TooSlow
from bwp_tui.engine.downloads.slots import Slots
from bwp_tui.engine.resilience.circuit_breaker import NO_RESERVATION, CircuitBreaker, Reservation
from bwp_tui.engine.worker import STORE_RETRY_S, WorkerContext
from bwp_tui.store.errors import DiskFull, StoreError
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob

MAX_DENIALS: Final = 5
"""Attempts at a link that is denied or whose task is unknown."""

_TOO_MANY_ATTEMPTS: Final = (
    f"{MAX_ATTEMPTS_WITHOUT_PROGRESS} attempts in a row failed, each over a new link. Download it again later;"
    " if it fails again, report it to Buy with Prime support."
)
DOWNLOAD_AGAIN_SENTENCE: Final = "Download it again; if it fails again, report it to Buy with Prime support."
_LONGEST_KNOWN_WAIT: Final = timedelta(days=1)
"""A longer one is not known: `ServiceHealth.next_call_at` is `datetime.max` while a probe runs."""

_PART_IN_USE_RETRY: Final = timedelta(seconds=30)


class _NoLinkNow(Exception):
    """No link can be requested now."""


class Downloader:
    """Carries out queued downloads in slots; submitting and polling go on meanwhile.

    A download that was paused or cancelled is stopped at the next wake-up. The archive server has its own circuit
    breaker: its failures are not the service's.
    """

    def __init__(self, context: WorkerContext, slots: int, *, is_named_by_email: bool) -> None:
        self._context = context
        self._is_named_by_email = is_named_by_email
        self._archive_server_breaker = CircuitBreaker(time.monotonic)
        self._space = DiskSpace(context.store.path)
        self._slot_count = slots
        self._slots = Slots(self._on_slot_free)
        self._denials: Counter[int] = Counter()
        self._reserved: dict[int, Reservation] = {}
        self._fault: BaseException | None = None
        self._closing = False

    async def run_ready(self) -> None:
        """Stop paused and cancelled downloads; start ready ones in free slots, a single one while the server fails."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        if self._slots:
            self._slots.keep_only(downloads.running(self._context.store))
        await remove_unwanted_parts(self._context.store, self._slots.task_numbers)
        while self._free_slots() > 0 and self._archive_server_breaker.is_available and self._start():
            pass

    def next_at(self) -> datetime | None:
        """Return when the next download may start; without a free slot, in a second."""
        if self._fault is not None:
            return self._context.now()
        ready_at = downloads.next_at(self._context.store, self._slots.task_numbers)
        if ready_at is None:
            return None
        if self._free_slots() <= 0 or not self._archive_server_breaker.is_available:
            return self._context.now() + timedelta(seconds=PROGRESS_INTERVAL_S)
        return self._context.earliest_start(ready_at)

    @property
    def is_busy(self) -> bool:
        """Whether a transfer is running."""
        return bool(self._slots)

    async def close(self) -> None:
        """Stop running transfers; they are queued again and resume later."""
        self._closing = True
        await self._slots.close()

    def _free_slots(self) -> int:
        return (1 if self._archive_server_breaker.is_failing else self._slot_count) - len(self._slots)

    def _others_wait(self) -> bool:
        context = self._context
        if self._free_slots() > 0 or context.health.next_call_at() is not None:
            return False
        return bool(downloads.ready(context.store, context.now(), 1, self._slots.task_numbers))

    def _start(self) -> bool:
        """Start the first ready download, with a reservation for its link; return whether there was one."""
        context = self._context
        if context.health.next_call_at() is not None:
            return False
        ready = downloads.ready(context.store, context.now(), 1, self._slots.task_numbers)
        for job in ready:
            if downloads.record_start(context.store, job):
                # Only now: releasing an unused reservation wakes all workers.
                self._reserved[job.id] = context.health.reserve()
                self._slots.start(job, self._run_in_slot(job))
        return bool(ready)

    def _on_slot_free(self, job: DownloadJob, fault: BaseException | None) -> None:
        self._reserved.pop(job.id, NO_RESERVATION).close()
        if fault is not None:
            self._fault = fault
        self._context.health.changed.set()

    async def _run_in_slot(self, job: DownloadJob) -> None:
        """Run a download in its slot until it ends; queue it again if the outcome could not be recorded."""
        try:
            await self._download(job)
        except StoreError as error:
            if isinstance(error, DiskFull):
                remove_part_on_full_disk(job, self._context.store.path)
            self._slots.mark_leaving(job)
            while not self._closing:
                await asyncio.sleep(STORE_RETRY_S)
                with contextlib.suppress(StoreError):
                    downloads.record_interruption(self._context.store, job)
                    return
        except Exception:
            with contextlib.suppress(StoreError):
                message = "bwp-tui failed. Download it again."
                downloads.record_failure(self._context.store, job, message, actor=timeline.PROGRAM)
            raise

    async def _download(self, job: DownloadJob) -> None:
        context = self._context
        try:
            name = file_name(job.kind, job.task_id, job.email if self._is_named_by_email else "")
            rename_part(job, name)
            with PartFile(Path(job.folder), name, etag=job.etag, total=job.total, space=self._space) as part:
                if part.published and downloads.is_recorded_at(context.store, job.task_number, str(part.published)):
                    part.restart_beside_published()
                await self._publish_even_if_cancelled(job, part, await self._download_and_verify(job, part))
        except _NoLinkNow:
            at = context.health.next_call_at() or context.now()
            ready_at = self._ready_at(at)
            downloads.reschedule(context.store, job, downloads.WAITING_FOR_SERVICE, ready_at, was_tried=False)
        except TooSlow as slow:
            downloads.requeue_last(context.store, job, str(slow))
        except ApiError as error:
            self._retry_or_fail_without_link(job, error)
        except TransferError as error:
            self._retry_or_fail(job, error)
        except PartInUse as error:
            at = context.now() + _PART_IN_USE_RETRY
            downloads.reschedule(context.store, job, str(error), at, was_tried=False)
        except FolderError as error:
            is_left = not isinstance(error, PartGone)
            downloads.record_failure(context.store, job, str(error), part_is_left=is_left, actor=timeline.PROGRAM)
        except BadArchive as error:
            message = f"{error.reason}; it was not kept. {DOWNLOAD_AGAIN_SENTENCE}"
            downloads.record_failure(context.store, job, message, part_is_left=False)
        except asyncio.CancelledError:
            downloads.record_interruption(context.store, job)
            raise

    def _retry_or_fail(self, job: DownloadJob, error: TransferError) -> None:
        """Retry a failed transfer later if the server failed rather than the archive; else record the failure."""
        context, server = self._context, self._archive_server_breaker
        if isinstance(error, ConnectionLost | ServerBusy) and error.transient and server.is_failing:
            self._retry_later(job, str(error), context.now() + timedelta(seconds=server.seconds_until_retry()))
        else:
            message = f"{error} {_TOO_MANY_ATTEMPTS}" if error.transient else str(error)
            downloads.record_failure(context.store, job, message)

    def _retry_or_fail_without_link(self, job: DownloadJob, error: ApiError) -> None:
        """Retry a download without a link later if one may become available; else record the failure."""
        health = self._context.health
        if isinstance(error, AccessDenied | NotFound) and self._denials[job.id] < MAX_DENIALS:
            self._denials[job.id] += 1
            self._retry_later(job, str(error), health.record_single_refusal(job.task_number, error))
        elif error.transient:
            self._retry_later(job, str(error), health.record_failure(error))
        else:
            downloads.record_failure(self._context.store, job, str(error))

    def _retry_later(self, job: DownloadJob, message: str, not_before: datetime) -> None:
        downloads.reschedule(self._context.store, job, message, self._ready_at(not_before))

    def _ready_at(self, next_call_at: datetime) -> datetime:
        """Return when a download is ready that waits for the service: at once where that time is not known."""
        now = self._context.now()
        return next_call_at if next_call_at - now < _LONGEST_KNOWN_WAIT else now

    async def _request_link(self, job: DownloadJob) -> PresignedLink:
        with self._reserved.pop(job.id, None) or self._context.health.reserve() as reservation:
            if not reservation.calls or not self._context.health.begin_call():
                raise _NoLinkNow
            link = await self._context.api.link(job.task_id)
            self._context.health.record_success()
            self._denials.pop(job.id, None)
            return link

    async def _download_and_verify(self, job: DownloadJob, part: PartFile) -> tuple[str, ...]:
        """Complete and verify the part file and return remarks on it; remove it if it is no archive a second time."""
        if part.published is None:
            request_link = functools.partial(self._request_link, job)
            resume_loop = ResumeLoop(
                self._context, self._archive_server_breaker, job, part, request_link, self._others_wait
            )
            await resume_loop.run()
            try:
                return await _verify(part)
            except BadArchive as error:
                # If the server sent no length or a wrong one, only this shows that bytes are missing.
                message, at_byte = f"{error.reason}; restarted.", part.size
                part.restart()
                downloads.record_failed_attempt(self._context.store, job, message, at_byte, self._context.now())
            await resume_loop.run()
        try:
            return await _verify(part)
        except BadArchive:
            part.discard()
            raise

    async def _publish_even_if_cancelled(self, job: DownloadJob, part: PartFile, remarks: tuple[str, ...]) -> None:
        """Publish the complete part file, even if cancelled meanwhile."""
        publishing = asyncio.ensure_future(self._publish_and_record(job, part, remarks))
        try:
            await asyncio.shield(publishing)
        except asyncio.CancelledError:
            await asyncio.gather(publishing, return_exceptions=True)  # half of it would leave a second copy
            raise

    async def _publish_and_record(self, job: DownloadJob, part: PartFile, remarks: tuple[str, ...]) -> None:
        """Publish the part file and record it.

        The part name is removed last, so that a crash in between is noticed.
        """
        path = await asyncio.to_thread(part.publish)
        remarks = remarks if part.is_private else (*remarks, NOT_PRIVATE)
        downloads.record_success(self._context.store, job, str(path), part.size, part.sha256, remarks)
        with contextlib.suppress(FolderError):  # removed when the name is next needed
            part.discard()


async def _verify(part: PartFile) -> tuple[str, ...]:
    """Verify the complete part file and return remarks on it; stop when cancelled."""
    await asyncio.to_thread(part.check_not_moved)
    stop = threading.Event()
    try:
        return await in_daemon_thread(
            functools.partial(verify_archive, part.path, stopped=stop.is_set), f"check-{part.name}"
        )
    finally:
        stop.set()
