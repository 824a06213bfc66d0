"""What the history is told of one transfer while it runs: a write a second while bytes come, next to none without."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.engine.downloads.transfer_rate import SLOWEST, TransferRate
from bwp_tui.engine.downloads.transfer_thread import TransferThread
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.download_timeline import RESTARTED, RESUMED
from bwp_tui.store.worklog.downloads import DownloadJob

PROGRESS_S: Final = 1.0
STALLED_S: Final = 10.0
"""Seconds without a byte after which it is said so; the transfer itself gives the line up some time later."""


SLOW: Final = f"Fewer than {SLOWEST} bytes a second come"


class ProgressRecorder:
    """The progress of one transfer into `part`.

    Args:
        trouble: why the try before this one failed; it is told until bytes come.
        came: is called whenever bytes came.

    Attributes:
        slow: whether it is to be told that next to nothing comes.
    """

    def __init__(
        self,
        store: Store,
        job: DownloadJob,
        part: PartFile,
        transfer: TransferThread,
        trouble: str | None,
        came: Callable[[], object],
    ) -> None:
        self.trouble = trouble
        self.slow = False
        self._store = store
        self._job = job
        self._part = part
        self._transfer = transfer
        self._came = came
        self._step: tuple[str, str] | None = None
        self._rate = TransferRate()
        self._told: tuple[int, bool, str | None] | None = None
        self._received = -1
        self._came_at = 0.0

    def update(self) -> None:
        """Record how far the transfer is, where that says anything new. The transfer must have begun."""
        now, received = time.monotonic(), self._part.size
        speed = self._rate.record(now, received) or None
        if self._received < 0:
            self._begin(now, received)
        elif received != self._received:
            self._came()
            self._received, self._came_at = received, now
            self.trouble = f"{SLOW}." if self.slow else self._transfer.restart_reason
        elif now - self._came_at >= STALLED_S:
            self.trouble = f"No bytes for {STALLED_S:.0f} s."
        # The rate of a line that says nothing sinks until it is None: only that is told, not each step down.
        told = (received, speed is None, self.trouble)
        if told != self._told:
            self._record(speed)
            self._told = told

    def record_end(self) -> None:
        """Record where a transfer began that was over before it was noted; one from the start is told by its end."""
        if self._received < 0 and (self._transfer.restart_reason or self._transfer.start):
            self.update()

    def record_stop(self) -> None:
        """Record how far the transfer came that has been stopped."""
        self._record(None)

    def _begin(self, now: float, received: int) -> None:
        """Note where the transfer begins, and what its operator is to know of that."""
        transfer = self._transfer
        self._received, self._came_at = received, now
        if transfer.restart_reason:
            self.trouble = transfer.restart_reason
            self._step = (RESTARTED, transfer.restart_reason)
        elif transfer.start:
            self._step = (RESUMED, f"at byte {transfer.start}, over a new link")

    def _record(self, speed: float | None) -> None:
        part = self._part
        step, self._step = self._step, None
        downloads.record_progress(
            self._store,
            self._job,
            part.size,
            self._transfer.total,
            speed,
            part.etag,
            trouble=self.trouble,
            step=step,
        )
