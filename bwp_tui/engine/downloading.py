"""Fetching results: a link when a slot is free, its bytes at once, and a verified file at the end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.api.errors import AccessDenied, ApiError, BadCredentials
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import size_of
from bwp_tui.api.transfer_errors import ArchiveChanged, LineCut, NothingLeft, ServerBusy, TransferError
from bwp_tui.engine.archive import BadArchive, check_structure
from bwp_tui.engine.breaker import NO_ROOM, Breaker, Reservation
from bwp_tui.engine.desk import UNUSABLE_HISTORY_S, Bench
from bwp_tui.engine.pace import retry_delay
from bwp_tui.engine.part_file import FolderTrouble, PartFile, file_name
from bwp_tui.engine.pump import Pump, in_daemon_thread
from bwp_tui.engine.rate import Rate
from bwp_tui.engine.slots import Slots
from bwp_tui.engine.unwanted_parts import remove_unwanted_parts
from bwp_tui.history import downloads
from bwp_tui.history.downloads import Order
from bwp_tui.history.errors import HistoryError

FRUITLESS_TRIES: Final = 5
"""A download ends as failed after so many tries in a row that brought no byte."""

MOST_DENIALS: Final = 5
"""So often a link is asked for that is denied: to us or, as the contract leaves open, to this task alone."""

PROGRESS_S: Final = 1.0
_LOOK_S: Final = 0.05
_DISTANT: Final = timedelta(days=1)


class _NotNow(Exception):
    """No link can be asked for at present."""


class DownloadingDesk:
    """Carries out the queued downloads, so many at a time, without holding up anything else.

    One that the history says is paused or cancelled is stopped as soon as the desk is woken by that.
    The servers of the archives have a breaker of their own: their trouble is none of the service's.
    """

    def __init__(self, bench: Bench, slots: int) -> None:
        self._bench = bench
        self._archives = Breaker(time.monotonic)
        self._most = slots
        self._slots = Slots(self._freed)
        self._reserved: dict[int, Reservation] = {}
        self._fault: BaseException | None = None
        self._closing = False

    async def work(self) -> None:
        """Stop what is no longer wanted, start what is due in the free slots, one alone when a server is in trouble."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        if self._slots:
            self._slots.keep(downloads.running(self._bench.history))
        await remove_unwanted_parts(self._bench.history, self._slots.numbers)
        while self._free_slots() > 0 and self._archives_are_free() and self._start():
            pass

    def next_at(self) -> datetime | None:
        """Return when the next download may begin; with no slot free, a look a second."""
        if self._fault is not None:
            return self._bench.now()
        due = downloads.next_at(self._bench.history, self._bench.focus, self._slots.numbers)
        if due is None:
            return None
        if self._free_slots() <= 0 or not self._archives_are_free():
            return self._bench.now() + timedelta(seconds=PROGRESS_S)
        opens = self._bench.gate.opens_at()
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
        return (1 if self._archives.troubled else self._most) - len(self._slots)

    def _archives_are_free(self) -> bool:
        return not self._archives.probing and self._archives.shut_for() <= 0

    def _start(self) -> bool:
        """Begin the first download that is due, with room for its first question; say whether there was one."""
        bench = self._bench
        if bench.gate.opens_at() is not None:
            return False
        due = downloads.due(bench.history, bench.now(), 1, bench.focus, self._slots.numbers)
        if not due:
            return False  # before anything is reserved: what is given back unused has every desk look again
        reservation = bench.gate.reserve()
        try:
            begun = [order for order in due if downloads.started(bench.history, order)]
        except BaseException:
            reservation.close()
            raise
        if not begun:
            reservation.close()
            return True
        self._reserved[begun[0].id] = reservation
        self._slots.occupy(begun[0], self._occupy(begun[0]))
        return True

    def _freed(self, order: Order, fault: BaseException | None) -> None:
        self._reserved.pop(order.id, NO_ROOM).close()
        if fault is not None:
            self._fault = fault
        self._bench.gate.changed.set()

    async def _occupy(self, order: Order) -> None:
        """Hold a slot until the download is settled; one that the history could not record is queued again.

        Raises:
            Exception: a fault of this program. The download has ended as failed.
        """
        try:
            await self._carry_out(order)
        except HistoryError:
            self._slots.leaves(order)
            while not self._closing:
                await asyncio.sleep(UNUSABLE_HISTORY_S)
                with contextlib.suppress(HistoryError):
                    downloads.interrupted(self._bench.history, order)
                    return
        except Exception:
            with contextlib.suppress(HistoryError):
                downloads.failed(self._bench.history, order, "bwp-tui itself failed here. Download it again.")
            raise

    async def _carry_out(self, order: Order) -> None:
        bench = self._bench
        try:
            name = file_name(order.kind, order.email, order.task_id)
            with PartFile(Path(order.directory), name, etag=order.etag, total=order.total) as part:
                if part.published and downloads.is_saved(bench.history, order.number, str(part.published)):
                    part.begin_anew()
                if part.published is None:
                    await self._fill(order, part)
                await self._finish(order, part)
        except _NotNow:
            self._put_off(order, "Waiting for the service.", bench.gate.opens_at() or bench.now())
        except ApiError as error:
            self._no_link(order, error)
        except (LineCut, ServerBusy) as error:
            if not self._archives.troubled or not error.transient:
                downloads.failed(bench.history, order, str(error))
            else:  # the server is in trouble, not the archive
                self._put_off(order, str(error), bench.now() + timedelta(seconds=self._archives.shut_for()))
        except (TransferError, FolderTrouble) as error:
            downloads.failed(bench.history, order, str(error))
        except BadArchive as error:
            downloads.failed(bench.history, order, str(error), part_is_left=False)
        except asyncio.CancelledError:
            downloads.interrupted(bench.history, order)
            raise

    def _no_link(self, order: Order, error: ApiError) -> None:
        """Record that no link was to be had: with what may be set right, nothing is lost yet."""
        gate = self._bench.gate
        if isinstance(error, AccessDenied) and order.attempts < MOST_DENIALS:
            self._put_off(order, str(error), gate.failed_alone(order.number, error))
        elif error.transient or isinstance(error, BadCredentials):
            self._put_off(order, str(error), gate.failed(error))
        else:
            downloads.failed(self._bench.history, order, str(error))

    def _put_off(self, order: Order, words: str, not_before: datetime) -> None:
        # Its `datetime.max` stands for a time that is not known: it is due as soon as the gate opens.
        now = self._bench.now()
        at = not_before if not_before - now < _DISTANT else now
        downloads.put_off(self._bench.history, order, words, at)

    async def _fill(self, order: Order, part: PartFile) -> None:
        """Bring the part to its full size, over as many links as it takes while bytes come.

        Raises:
            ApiError, _NotNow: no link could be had.
            TransferError: the archive cannot be had, or nothing came in `FRUITLESS_TRIES` tries.
            FolderTrouble: the disk failed.
        """
        furthest, fruitless = part.size, 0
        while True:
            try:
                await self._transfer(order, part)
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
            if fruitless >= FRUITLESS_TRIES:
                raise trouble
            await self._rest(trouble, fruitless)

    async def _rest(self, trouble: TransferError, fruitless: int) -> None:
        """Wait before the next try; not at all where a part was given up, since the server is well."""
        if not isinstance(trouble, NothingLeft | ArchiveChanged):
            await asyncio.sleep(retry_delay(fruitless + 1, self._bench.chance))

    async def _transfer(self, order: Order, part: PartFile) -> None:
        """Ask for a link, follow it at once, and record progress once a second until its bytes end."""
        with await self._room_at_archives():
            link = await self._link(order)
            before = part.size
            try:
                await self._follow(link, order, part)
            except NothingLeft as error:
                if error.total is None:
                    raise NothingLeft(str(error), total=await self._size_of(order, part)) from None
                raise
            except (LineCut, ServerBusy) as error:
                # A line that brought bytes before it broke tells nothing against the server.
                if error.transient and part.size == before:
                    asked = error.retry_after if isinstance(error, ServerBusy) else None
                    self._archives.failed(lambda failures: max(asked or 0.0, self._delay(failures)))
                raise
            self._archives.succeeded()

    def _delay(self, failures: int) -> float:
        return retry_delay(failures, self._bench.chance)

    async def _room_at_archives(self) -> Reservation:
        """Wait until the archives' servers may be called: the slots share their health."""
        while not (reservation := self._archives.reserve()).room:  # noqa: ASYNC110  # it opens by time, told by nobody
            await asyncio.sleep(min(max(_LOOK_S, self._archives.shut_for()), PROGRESS_S))
        return reservation

    async def _link(self, order: Order) -> PresignedLink:
        with self._reserved.pop(order.id, None) or self._bench.gate.reserve() as reservation:
            if not reservation.room or not self._bench.gate.admits():
                raise _NotNow
            link = await self._bench.api.link(order.task_id)
            self._bench.gate.succeeded()
            return link

    async def _size_of(self, order: Order, part: PartFile) -> int | None:
        """Ask for the size of the archive, over a link of its own."""
        link = await self._link(order)
        return await in_daemon_thread(functools.partial(size_of, link, part.etag), f"size-{order.id}")

    async def _follow(self, link: PresignedLink, order: Order, part: PartFile) -> None:
        pump, rate = Pump(link, part), Rate()
        pumping = in_daemon_thread(pump.run, f"pump-{order.id}")
        recorded = -1
        try:
            while not pumping.done():
                received = part.size
                if received != recorded and pump.total is not None:
                    if recorded >= 0:
                        self._archives.succeeded()
                    speed = rate.note(time.monotonic(), received)
                    downloads.progressed(self._bench.history, order, received, pump.total, speed, part.etag)
                    recorded = received
                # What the part is of is recorded as soon as it is known: without its ETag, a kill would lose it.
                await asyncio.wait([pumping], timeout=_LOOK_S if pump.total is None else PROGRESS_S)
            await pumping
        except asyncio.CancelledError:
            await _end(pump, pumping)
            downloads.progressed(self._bench.history, order, part.size, pump.total, None, part.etag)
            raise
        finally:
            await _end(pump, pumping)

    async def _finish(self, order: Order, part: PartFile) -> None:
        """Check the whole part and give it its name."""
        try:
            await asyncio.to_thread(check_structure, part.path)
        except BadArchive:
            part.discard()
            raise
        ending = asyncio.ensure_future(self._end_well(order, part))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await asyncio.gather(ending, return_exceptions=True)  # half of it would leave a second copy behind
            raise

    async def _end_well(self, order: Order, part: PartFile) -> None:
        """Publish and record: the part goes last, so that a crash in between is found by what it left."""
        path = await asyncio.to_thread(part.publish)
        downloads.finished(self._bench.history, order, str(path), part.size, part.sha256)
        with contextlib.suppress(FolderTrouble):  # it is found and removed when the name is next needed
            part.discard()


async def _end(pump: Pump, pumping: asyncio.Future[None]) -> None:
    """Stop the pump, if it still works, before its part is closed."""
    if not pumping.done():
        pump.stop()
        await asyncio.wait([pumping], timeout=PROGRESS_S)
