"""Copy an archive's bytes from a fresh link into its part file.

It blocks, to be run in a thread: reading a TLS stream in an event loop takes a whole core.
"""

from __future__ import annotations

import threading
from typing import Final

from bwp_tui.api.link_response_errors import ARCHIVE_CHANGED
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import Transfer, open_transfer
from bwp_tui.engine.downloads.part_file import FolderError, PartFile

_NO_RANGE: Final = "The service ignored the range; restarted."
_NO_TAG: Final = "There was no ETag to resume by; restarted."


class PartTransfer:
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
            with self._lock:
                self._transfer = transfer
                if self._stopped:
                    return
            if transfer.start != part.size or part.has_dropped_bytes:
                changed = _NO_RANGE if part.etag == transfer.etag else ARCHIVE_CHANGED
                self.restart_reason = _NO_TAG if part.etag is None else changed
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
