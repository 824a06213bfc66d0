"""Moving an archive's bytes from a fresh link into its part file, in a thread of its own.

A thread, because a TLS stream read in an event loop costs a whole core; a daemon, because a line that says nothing
must not keep the program from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import Transfer, open_transfer
from bwp_tui.engine.downloads.part_file import FolderError, PartFile

CHANGED: Final = "The archive changed at the service; begun anew."
_NO_RANGE: Final = "The service did not honour the range; begun anew."
_NO_TAG: Final = "The service gave the archive no ETag to go on by; begun anew."

Result = TypeVar("Result")


class TransferThread:
    """One transfer. `run` works in a thread; `stop` may be called from any other.

    `started` is set once the server has answered with an archive: of `total` bytes where it told, from byte `start` on.
    `restart_reason` is a sentence on why that is not where the part ended, or None.
    """

    def __init__(self, link: PresignedLink, part: PartFile) -> None:
        self._link = link
        self._part = part
        self._lock = threading.Lock()
        self._transfer: Transfer | None = None
        self._stopped = False
        self.started = False
        self.start = 0
        self.total: int | None = None
        self.restart_reason: str | None = None

    def run(self) -> None:
        """Append to the part until the archive is whole or `stop` was called.

        Raises:
            TransferError: the line, the link or the server failed.
            FolderError: the disk failed.
        """
        part = self._part
        with open_transfer(self._link, start=part.size, etag=part.etag, total=part.total) as transfer:
            if not self._announce(transfer):
                return
            if transfer.start != part.size:
                self.restart_reason = _why_anew(part.etag, transfer.etag)
                part.restart()
            part.etag = transfer.etag
            part.total = self.total = transfer.total
            self.start, self.started = transfer.start, True
            try:
                self._write(transfer)
            except FolderError:
                if part.etag is None:  # nothing can go on behind these bytes: let the disk have its room back
                    part.restart()
                raise

    def _write(self, transfer: Transfer) -> None:
        if transfer.total is not None:
            self._part.check_space(transfer.total)
        for chunk in transfer.chunks():
            self._part.write(chunk)
            if self._stopped:
                return

    def stop(self) -> None:
        """End the transfer as soon as may be, even one that waits for bytes."""
        with self._lock:
            self._stopped = True
            if self._transfer is not None:
                self._transfer.close()

    def _announce(self, transfer: Transfer) -> bool:
        with self._lock:
            self._transfer = transfer
            return not self._stopped


def _why_anew(before: str | None, after: str | None) -> str:
    if before is None:
        return _NO_TAG
    return _NO_RANGE if before == after else CHANGED


def in_daemon_thread(work: Callable[[], Result], name: str) -> asyncio.Future[Result]:
    """Run `work` in a daemon thread and return a future of the running loop for its result."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def succeed(result: Result) -> None:
        if not done.cancelled():
            done.set_result(result)

    def fail(error: BaseException) -> None:
        if not done.cancelled():
            done.set_exception(error)
            done.exception()  # a stopped transfer's end is of interest to nobody, and no news for a log

    def body() -> None:
        try:
            ended = functools.partial(succeed, work())
        except BaseException as raised:  # noqa: BLE001  # it is handed to whoever awaits the future
            ended = functools.partial(fail, raised)
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(ended)

    threading.Thread(target=body, name=name, daemon=True).start()
    return done
