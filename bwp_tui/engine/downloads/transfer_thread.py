"""Copy an archive's bytes from a fresh link into its part file, in a daemon thread.

In a thread, because reading a TLS stream in an event loop takes a whole core; a daemon, because a silent connection
must not keep the program from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from bwp_tui.api.link_response_errors import ARCHIVE_CHANGED
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import Transfer, open_transfer
from bwp_tui.engine.downloads.part_file import FolderError, PartFile

_NO_RANGE: Final = "The service ignored the range; restarted."
_NO_TAG: Final = "The service sent no ETag to resume by; restarted."

Result = TypeVar("Result")


class TransferThread:
    """One transfer. `run` works in a thread; any other thread may call `stop`.

    Attributes:
        started: whether the server sends an archive.
        start: the byte from which it sends it.
        total: its size in bytes, or None if unknown.
        restart_reason: why `start` is not where the part file ended, or None.
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
        """Append to the part file until the archive is complete or `stop` was called."""
        part = self._part
        with open_transfer(self._link, start=part.size, etag=part.etag, total=part.total) as transfer:
            if not self._may_start(transfer):
                return
            if transfer.start != part.size:
                self.restart_reason = _restart_reason(part.etag, transfer.etag)
                part.restart()
            part.etag = transfer.etag
            part.total = self.total = transfer.total
            self.start, self.started = transfer.start, True
            try:
                self._write(transfer)
            except FolderError:
                if part.etag is None:  # these bytes cannot be continued: free their space
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
        """End the transfer soon, even while it waits for bytes."""
        with self._lock:
            self._stopped = True
            if self._transfer is not None:
                self._transfer.close()

    def _may_start(self, transfer: Transfer) -> bool:
        with self._lock:
            self._transfer = transfer
            return not self._stopped


def _restart_reason(before: str | None, after: str | None) -> str:
    if before is None:
        return _NO_TAG
    return _NO_RANGE if before == after else ARCHIVE_CHANGED


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
            done.exception()  # nobody awaits a stopped transfer, and its end needs no log entry

    def body() -> None:
        try:
            ended = functools.partial(succeed, work())
        except BaseException as raised:  # noqa: BLE001  # the future raises it
            ended = functools.partial(fail, raised)
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(ended)

    threading.Thread(target=body, name=name, daemon=True).start()
    return done
