"""Fetching results: a link when a slot is free, its bytes at once, and a verified file at the end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.api.errors import ApiError, BadCredentials
from bwp_tui.api.transfer_errors import ArchiveChanged, NothingLeft, ServerBusy, TransferError
from bwp_tui.engine.archive import BadArchive, check_structure
from bwp_tui.engine.desk import UNUSABLE_HISTORY_S, Bench
from bwp_tui.engine.pace import retry_delay
from bwp_tui.engine.part_file import FolderTrouble, PartFile, file_name
from bwp_tui.engine.pump import Pump, in_daemon_thread
from bwp_tui.engine.rate import Rate
from bwp_tui.history import downloads
from bwp_tui.history.downloads import Order
from bwp_tui.history.errors import HistoryError

SLOTS: Final = 3
FRUITLESS_TRIES: Final = 5
"""A download ends as failed after so many tries in a row that brought no byte."""

PROGRESS_S: Final = 1.0


class DownloadingDesk:
    """Carries out the queued downloads, `SLOTS` at a time, without holding up anything else."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._running: dict[int, asyncio.Task[None]] = {}

    async def work(self) -> None:
        """Start what is due in the free slots, one alone when the service is in trouble; they go on by themselves."""
        free = self._free_slots()
        if free <= 0 or self._bench.gate.opens_at() is not None:
            return
        for order in downloads.due(self._bench.history, self._bench.now(), free, self._bench.focus):
            downloads.started(self._bench.history, order)
            slot = asyncio.create_task(self._occupy(order), name=f"download-{order.id}")
            self._running[order.id] = slot
            slot.add_done_callback(functools.partial(self._free, order.id))

    def next_at(self) -> datetime | None:
        """Return when the next download may begin; with no slot free, a look a second."""
        due = downloads.next_at(self._bench.history, self._bench.focus)
        if due is None:
            return None
        if self._free_slots() <= 0:
            return self._bench.now() + timedelta(seconds=PROGRESS_S)
        opens = self._bench.gate.opens_at()
        return due if opens is None else max(due, opens)

    @property
    def busy(self) -> bool:
        """Whether a transfer is under way."""
        return bool(self._running)

    async def close(self) -> None:
        """Stop the transfers under way; they are queued again and go on where they were."""
        slots = list(self._running.values())
        for slot in slots:
            slot.cancel()
        await asyncio.gather(*slots, return_exceptions=True)

    def _free_slots(self) -> int:
        slots = 1 if self._bench.gate.troubled else SLOTS
        return slots - len(self._running)

    def _free(self, order_id: int, _slot: asyncio.Task[None]) -> None:
        self._running.pop(order_id, None)

    async def _occupy(self, order: Order) -> None:
        """Hold a slot until the download is settled; one that the history could not record is queued again."""
        try:
            await self._carry_out(order)
        except HistoryError:
            while True:
                await asyncio.sleep(UNUSABLE_HISTORY_S)
                with contextlib.suppress(HistoryError):
                    downloads.interrupted(self._bench.history, order)
                    return

    async def _carry_out(self, order: Order) -> None:
        history = self._bench.history
        try:
            name = file_name(order.kind, order.email, order.task_id)
            with PartFile(Path(order.directory), name, etag=order.etag) as part:
                await self._fill(order, part)
                await self._finish(order, part)
        except ApiError as error:
            # With wrong credentials nothing is lost yet: it goes on once they are set right.
            if error.transient or isinstance(error, BadCredentials):
                downloads.put_off(history, order, str(error), self._bench.gate.failed(error))
            else:
                downloads.failed(history, order, str(error))
        except (TransferError, FolderTrouble, BadArchive) as error:
            downloads.failed(history, order, str(error))
        except asyncio.CancelledError:
            downloads.interrupted(history, order)
            raise

    async def _fill(self, order: Order, part: PartFile) -> None:
        """Bring the part to its full size, over as many links as it takes while bytes come.

        Raises:
            ApiError: no link could be had.
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
        if isinstance(trouble, NothingLeft | ArchiveChanged):
            return
        asked = trouble.retry_after if isinstance(trouble, ServerBusy) else None
        await asyncio.sleep(max(asked or 0.0, retry_delay(fruitless + 1, self._bench.chance)))

    async def _transfer(self, order: Order, part: PartFile) -> None:
        """Ask for a link, follow it at once, and record progress once a second until its bytes end."""
        link = await self._bench.api.link(order.task_id)
        self._bench.gate.succeeded()
        pump, rate = Pump(link, part), Rate()
        pumping = in_daemon_thread(pump.run, f"pump-{order.id}")
        recorded = -1
        try:
            while not pumping.done():
                received = part.size
                if received != recorded and pump.total is not None:
                    speed = rate.note(time.monotonic(), received)
                    downloads.progressed(self._bench.history, order, received, pump.total, speed, part.etag)
                    recorded = received
                await asyncio.wait([pumping], timeout=PROGRESS_S)
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
        path = await asyncio.to_thread(part.publish)
        downloads.finished(self._bench.history, order, str(path), part.size, part.sha256)


async def _end(pump: Pump, pumping: asyncio.Future[None]) -> None:
    """Stop the pump, if it still works, before its part is closed."""
    if not pumping.done():
        pump.stop()
        await asyncio.wait([pumping], timeout=PROGRESS_S)
