"""Bringing one part to its full size: try after try, each over a link of its own, and each told in the history."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import size_of
from bwp_tui.api.transfer_errors import ArchiveChanged, ConnectionLost, NothingLeft, ServerBusy, TransferError
from bwp_tui.engine.downloads.part_file import FolderError, PartFile
from bwp_tui.engine.downloads.progress_recorder import PROGRESS_S, SLOW, ProgressRecorder
from bwp_tui.engine.downloads.transfer_rate import MINUTE_S, SpeedWatch
from bwp_tui.engine.downloads.transfer_thread import CHANGED, TransferThread, in_daemon_thread
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.circuit_breaker import CircuitBreaker, Reservation
from bwp_tui.engine.worker import WorkerContext
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob

MAX_FRUITLESS_TRIES: Final = 5
"""A download ends as failed after so many tries in a row that brought no byte."""

_LOOK_S: Final = 0.05

_SILENT: Final = "The archive's server sent nothing for too long."

Ask = Callable[[], Awaitable[PresignedLink]]
"""Asks the service for a new link."""


class TooSlow(Exception):
    """Next to nothing comes, and others wait for the slot; `str()` says so."""

    def __str__(self) -> str:
        return f"{SLOW}, and others wait: it goes on behind them, where it stopped."


class ResumeLoop:
    """The tries of one download in one slot."""

    def __init__(
        self,
        context: WorkerContext,
        archives: CircuitBreaker,
        job: DownloadJob,
        part: PartFile,
        ask: Ask,
        others_wait: Callable[[], bool],
    ) -> None:
        self._context = context
        self._archives = archives
        self._job = job
        self._part = part
        self._ask = ask
        self._others_wait = others_wait
        self._trouble: str | None = None
        self._late: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Bring the part to its full size, over as many links as it takes while bytes come.

        Raises:
            ApiError: no link could be had; or what else `ask` raises.
            TransferError: the archive cannot be had, or nothing came in `MAX_FRUITLESS_TRIES` tries.
            FolderError: the disk failed, or the part is gone.
            TooSlow: next to nothing comes, and others wait for the slot.
        """
        part = self._part
        furthest, fruitless = part.size, 0
        while True:
            try:
                await self._transfer()
            except NothingLeft as error:
                if error.total == part.size:
                    return
                part.restart()
                trouble: TransferError = error
            except ArchiveChanged as error:
                part.restart()
                trouble = error
            except TransferError as error:
                if not error.transient:
                    raise
                trouble = error
            else:
                return
            # Only what no try has reached before is progress: one that begins anew each time must come to an end.
            fruitless = 0 if part.size > furthest else fruitless + 1
            furthest = max(furthest, part.size)
            if fruitless >= MAX_FRUITLESS_TRIES:
                raise trouble
            await self._wait_before_retry(trouble, fruitless)

    async def _wait_before_retry(self, trouble: TransferError, fruitless: int) -> None:
        """Tell of the try that failed, then wait; not at all where the part was given up, since the server is well."""
        begins_anew = isinstance(trouble, NothingLeft | ArchiveChanged)
        wait = 0.0 if begins_anew else retry_delay(fruitless + 1, self._context.rng)
        again_at = self._context.now() + timedelta(seconds=max(wait, self._archives.seconds_open()))
        self._trouble = CHANGED if begins_anew else str(trouble)
        downloads.record_failed_attempt(self._context.store, self._job, self._trouble, self._part.size, again_at)
        if not begins_anew:
            await asyncio.sleep(wait)

    async def _transfer(self) -> None:
        """Ask for a link, follow it at once, and record progress once a second until its bytes end."""
        part = self._part
        with await self._room_at_archives():
            link = await self._ask()
            before = part.size
            try:
                await self._follow(link)
            except NothingLeft as error:
                if error.total is None:
                    raise NothingLeft(str(error), total=await self._size()) from None
                raise
            except (ConnectionLost, ServerBusy) as error:
                # A line that brought bytes before it broke tells nothing against the server.
                if error.transient and part.size == before:
                    asked = error.retry_after if isinstance(error, ServerBusy) else None
                    self._archives.record_failure(lambda failures: max(asked or 0.0, self._delay(failures)))
                raise
            self._archives.record_success()

    def _delay(self, failures: int) -> float:
        return retry_delay(failures, self._context.rng)

    async def _room_at_archives(self) -> Reservation:
        """Wait until the archives' servers may be called: the slots share their health."""
        while not (reservation := self._archives.reserve()).room:  # noqa: ASYNC110  # it opens by time, told by nobody
            await asyncio.sleep(min(max(_LOOK_S, self._archives.seconds_open()), PROGRESS_S))
        return reservation

    async def _size(self) -> int | None:
        """Ask for the size of the archive, over a link of its own."""
        link = await self._ask()
        asking = in_daemon_thread(functools.partial(size_of, link, self._part.etag), f"size-{self._job.id}")
        try:
            return await asyncio.wait_for(asking, MINUTE_S)
        except TimeoutError:
            raise ConnectionLost(_SILENT) from None

    async def _follow(self, link: PresignedLink) -> None:
        part = self._part
        if self._late is not None and not self._late.done():
            raise FolderError(f"The disk of {part.folder} takes no bytes. Mend it, then download again.")
        trickle = SpeedWatch(time.monotonic(), part.size)
        transfer = TransferThread(link, part)
        progress = ProgressRecorder(
            self._context.store, self._job, part, transfer, self._trouble, self._archives.record_success
        )
        running = in_daemon_thread(transfer.run, f"transfer-{self._job.id}")
        try:
            while not running.done():
                trickle.note(time.monotonic(), part.size)
                progress.slow = trickle.slow
                if transfer.started:
                    progress.update()
                    await asyncio.to_thread(part.check_in_place)
                self._give_up(trickle)
                # What the part is of is recorded as soon as it is known: without its ETag, a kill would lose it.
                await asyncio.wait([running], timeout=PROGRESS_S if transfer.started else _LOOK_S)
            progress.record_end()
            await running
        except asyncio.CancelledError:
            await _end(transfer, running)
            progress.record_stop()
            raise
        finally:
            await _end(transfer, running)
            self._trouble = progress.trouble
            self._late = running if transfer.started else None

    def _give_up(self, trickle: SpeedWatch) -> None:
        """End a try that does not get on: on another line or, where others could have the slot, later."""
        if trickle.silent:
            raise ConnectionLost(_SILENT)
        if trickle.slow and self._others_wait():
            raise TooSlow


async def _end(transfer: TransferThread, running: asyncio.Future[None]) -> None:
    """Stop the transfer, if it still works, before its part is closed."""
    if not running.done():
        transfer.stop()
        await asyncio.wait([running], timeout=PROGRESS_S)
