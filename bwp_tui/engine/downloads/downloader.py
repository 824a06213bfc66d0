"""Fetching results: a link when a slot is free, its bytes at once, and a verified file at the end."""

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

from bwp_tui.api.errors import AccessDenied, ApiError, NotFound
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer_errors import ConnectionLost, ServerBusy, TransferError
from bwp_tui.archive.limits import BadArchive
from bwp_tui.archive.verify import check
from bwp_tui.domain.archive_names import file_name
from bwp_tui.engine.downloads.disk_space import DiskSpace
from bwp_tui.engine.downloads.part_cleanup import make_room, remove_unwanted_parts
from bwp_tui.engine.downloads.part_file import NOT_PRIVATE, FolderError, PartFile, PartInUse
from bwp_tui.engine.downloads.progress_recorder import PROGRESS_S
from bwp_tui.engine.downloads.resume_loop import MAX_FRUITLESS_TRIES, ResumeLoop, TooSlow
from bwp_tui.engine.downloads.slots import Slots
from bwp_tui.engine.downloads.transfer_thread import in_daemon_thread
from bwp_tui.engine.resilience.circuit_breaker import NO_ROOM, CircuitBreaker, Reservation
from bwp_tui.engine.worker import STORE_RETRY_S, WorkerContext
from bwp_tui.store.errors import DiskFull, StoreError
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob

MOST_DENIALS: Final = 5
"""So often a link is asked for that is denied, to us or to this task alone (contract: Errors), or of a task unknown."""

_GIVEN_UP: Final = (
    f"So ended {MAX_FRUITLESS_TRIES} tries in a row, each over a new link. Download it again later;"
    " if it stays so, report it to Buy with Prime support."
)
AGAIN: Final = "Download it again; if it stays so, report it to Buy with Prime support."
_DISTANT: Final = timedelta(days=1)
_PART_IN_USE: Final = timedelta(seconds=30)


class _Postponed(Exception):
    """No link can be asked for at present."""


class Downloader:
    """Carries out the queued downloads, so many at a time, without holding up anything else.

    One that the history says is paused or cancelled is stopped as soon as the desk is woken by that.
    The servers of the archives have a breaker of their own: their trouble is none of the service's.
    """

    def __init__(self, context: WorkerContext, slots: int) -> None:
        self._context = context
        self._archives = CircuitBreaker(time.monotonic)
        self._space = DiskSpace(context.store.path)
        self._most = slots
        self._slots = Slots(self._freed)
        self._denials: Counter[int] = Counter()
        self._reserved: dict[int, Reservation] = {}
        self._fault: BaseException | None = None
        self._closing = False

    async def run_due(self) -> None:
        """Stop what is no longer wanted, start what is due in the free slots, one alone when a server is in trouble."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        if self._slots:
            self._slots.keep_only(downloads.running(self._context.store))
        await remove_unwanted_parts(self._context.store, self._slots.numbers)
        while self._free_slots() > 0 and self._archives_are_free() and self._start():
            pass

    def next_at(self) -> datetime | None:
        """Return when the next download may begin; with no slot free, a look a second."""
        if self._fault is not None:
            return self._context.now()
        due = downloads.next_at(self._context.store, self._slots.numbers)
        if due is None:
            return None
        if self._free_slots() <= 0 or not self._archives_are_free():
            return self._context.now() + timedelta(seconds=PROGRESS_S)
        opens = self._context.health.available_at()
        return due if opens is None else max(due, opens)

    @property
    def busy(self) -> bool:
        """Whether a transfer is under way."""
        return bool(self._slots)

    async def close(self) -> None:
        """Stop the transfers under way; they are queued again and go on where they were."""
        self._closing = True
        await self._slots.close()

    def _free_slots(self) -> int:
        return (1 if self._archives.is_failing else self._most) - len(self._slots)

    def _archives_are_free(self) -> bool:
        return not self._archives.is_probing and self._archives.seconds_open() <= 0

    def _others_wait(self) -> bool:
        context = self._context
        if self._free_slots() > 0 or context.health.available_at() is not None:
            return False
        return bool(downloads.due(context.store, context.now(), 1, self._slots.numbers))

    def _start(self) -> bool:
        """Begin the first download that is due, with room for its first question; say whether there was one."""
        context = self._context
        if context.health.available_at() is not None:
            return False
        due = downloads.due(context.store, context.now(), 1, self._slots.numbers)
        if not due:
            return False  # before anything is reserved: what is given back unused has every desk look again
        reservation = context.health.reserve()
        try:
            begun = [job for job in due if downloads.record_start(context.store, job)]
        except BaseException:
            reservation.close()
            raise
        if not begun:
            reservation.close()
            return True
        self._reserved[begun[0].id] = reservation
        self._slots.start(begun[0], self._occupy(begun[0]))
        return True

    def _freed(self, job: DownloadJob, fault: BaseException | None) -> None:
        self._reserved.pop(job.id, NO_ROOM).close()
        if fault is not None:
            self._fault = fault
        self._context.health.changed.set()

    async def _occupy(self, job: DownloadJob) -> None:
        """Hold a slot until the download is settled; one that the history could not record is queued again.

        Raises:
            Exception: a fault of this program. The download has ended as failed.
        """
        try:
            await self._carry_out(job)
        except StoreError as error:
            if isinstance(error, DiskFull):
                make_room(job, self._context.store.path)
            self._slots.mark_leaving(job)
            while not self._closing:
                await asyncio.sleep(STORE_RETRY_S)
                with contextlib.suppress(StoreError):
                    downloads.record_interruption(self._context.store, job)
                    return
        except Exception:
            with contextlib.suppress(StoreError):
                words = "bwp-tui itself failed here. Download it again."
                downloads.record_failure(self._context.store, job, words, actor=timeline.PROGRAM)
            raise

    async def _carry_out(self, job: DownloadJob) -> None:
        context = self._context
        try:
            name = file_name(job.kind, job.email, job.task_id)
            with PartFile(Path(job.directory), name, etag=job.etag, total=job.total, space=self._space) as part:
                if part.published and downloads.is_saved(context.store, job.number, str(part.published)):
                    part.restart_named()
                await self._finish(job, part, await self._whole(job, part))
        except _Postponed:
            at = context.health.available_at() or context.now()
            downloads.reschedule(context.store, job, "Waiting for the service.", self._wait_until(at), was_tried=False)
        except TooSlow as slow:
            downloads.requeue_last(context.store, job, str(slow))
        except ApiError as error:
            self._no_link(job, error)
        except TransferError as error:
            self._record_failure(job, error)
        except PartInUse as error:
            at = context.now() + _PART_IN_USE
            downloads.reschedule(context.store, job, str(error), at, was_tried=False)
        except FolderError as error:
            downloads.record_failure(context.store, job, str(error), actor=timeline.PROGRAM)
        except BadArchive as error:
            words = f"{error.reason}; it was not kept. {AGAIN}"
            downloads.record_failure(context.store, job, words, part_is_left=False)
        except asyncio.CancelledError:
            downloads.record_interruption(context.store, job)
            raise

    def _record_failure(self, job: DownloadJob, error: TransferError) -> None:
        """Record that the archive was not to be had: put off where its server is in trouble, not the archive."""
        context = self._context
        if isinstance(error, ConnectionLost | ServerBusy) and error.transient and self._archives.is_failing:
            self._put_off(job, str(error), context.now() + timedelta(seconds=self._archives.seconds_open()))
        else:
            downloads.record_failure(context.store, job, f"{error} {_GIVEN_UP}" if error.transient else str(error))

    def _no_link(self, job: DownloadJob, error: ApiError) -> None:
        """Record that no link was to be had: with what may be set right, nothing is lost yet."""
        health = self._context.health
        if isinstance(error, AccessDenied | NotFound) and self._denials[job.id] < MOST_DENIALS:
            self._denials[job.id] += 1
            self._put_off(job, str(error), health.record_single_refusal(job.number, error))
        elif error.transient:
            self._put_off(job, str(error), health.record_failure(error))
        else:
            downloads.record_failure(self._context.store, job, str(error))

    def _put_off(self, job: DownloadJob, words: str, not_before: datetime) -> None:
        downloads.reschedule(self._context.store, job, words, self._wait_until(not_before))

    def _wait_until(self, opens_at: datetime) -> datetime:
        # The gate's `datetime.max` stands for a time that is not known: it is due as soon as the gate opens.
        now = self._context.now()
        return opens_at if opens_at - now < _DISTANT else now

    async def _link(self, job: DownloadJob) -> PresignedLink:
        with self._reserved.pop(job.id, None) or self._context.health.reserve() as reservation:
            if not reservation.room or not self._context.health.may_start():
                raise _Postponed
            link = await self._context.api.link(job.task_id)
            self._context.health.record_success()
            self._denials.pop(job.id, None)
            return link

    async def _whole(self, job: DownloadJob, part: PartFile) -> tuple[str, ...]:
        """Bring the part to its full size and return what is to be known of it; what is no archive is fetched twice.

        Raises:
            BadArchive: what came is no whole archive either time; nothing of it is left.
        """
        if part.published is None:
            ask = functools.partial(self._link, job)
            filling = ResumeLoop(self._context, self._archives, job, part, ask, self._others_wait)
            await filling.run()
            try:
                return await _checked(part)
            except BadArchive as error:
                # The store may have told no length, or a wrong one: then nothing but this shows that bytes are missing.
                words, at_byte = f"{error.reason}; begun anew.", part.size
                part.restart()
                downloads.record_failed_attempt(self._context.store, job, words, at_byte, self._context.now())
            await filling.run()
        try:
            return await _checked(part)
        except BadArchive:
            part.discard()
            raise

    async def _finish(self, job: DownloadJob, part: PartFile, remarks: tuple[str, ...]) -> None:
        """Give the whole part its name, with what is to be known of it."""
        ending = asyncio.ensure_future(self._end_well(job, part, remarks))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await asyncio.gather(ending, return_exceptions=True)  # half of it would leave a second copy behind
            raise

    async def _end_well(self, job: DownloadJob, part: PartFile, remarks: tuple[str, ...]) -> None:
        """Publish and record: the part goes last, so that a crash in between is found by what it left."""
        path = await asyncio.to_thread(part.publish)
        remarks = remarks if part.private else (*remarks, NOT_PRIVATE)
        downloads.record_success(self._context.store, job, str(path), part.size, part.sha256, remarks)
        with contextlib.suppress(FolderError):  # it is found and removed when the name is next needed
            part.discard()


async def _checked(part: PartFile) -> tuple[str, ...]:
    """Return remarks on the whole part, or raise BadArchive; a check that is no longer wanted stops."""
    await asyncio.to_thread(part.check_in_place)
    stop = threading.Event()
    try:
        return await in_daemon_thread(functools.partial(check, part.path, stopped=stop.is_set), f"check-{part.name}")
    finally:
        stop.set()
