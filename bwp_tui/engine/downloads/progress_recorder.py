"""Record the progress of a running transfer, once a second while bytes come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.engine.downloads.transfer_rate import MIN_BYTES_PER_S, SpeedWatch, TransferRate
from bwp_tui.engine.downloads.transfer_thread import PartTransfer
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob

PROGRESS_INTERVAL_S: Final = 1.0
STALLED_S: Final = 10.0
"""Seconds without a byte after which the download is shown as stalled; the connection times out later."""

SLOW_TEXT: Final = f"Fewer than {MIN_BYTES_PER_S} bytes a second"


class ProgressRecorder:
    """Records the progress of one transfer, and watches its speed.

    Args:
        trouble: why the last attempt failed; shown until bytes come.
        on_bytes: called when bytes came.
    """

    def __init__(
        self,
        store: Store,
        job: DownloadJob,
        part: PartFile,
        transfer: PartTransfer,
        trouble: str | None,
        on_bytes: Callable[[], object],
    ) -> None:
        self.trouble = trouble
        self.speed = SpeedWatch(time.monotonic(), part.size)
        self._store = store
        self._job = job
        self._part = part
        self._transfer = transfer
        self._on_bytes = on_bytes
        self._event: tuple[EventKind, str] | None = None
        self._rate = TransferRate()
        self._recorded: tuple[int, bool, str | None] | None = None
        self._received = -1
        self._received_at = 0.0

    def update(self) -> None:
        """Record the progress if the transfer has started and it has changed."""
        now, received = time.monotonic(), self._part.size
        self.speed.record(now, received)
        if not self._transfer.started:
            return
        rate = self._rate.record(now, received) or None
        if self._received < 0:
            self._begin(now, received)
        elif received != self._received:
            self._on_bytes()
            self._received, self._received_at = received, now
            self.trouble = f"{SLOW_TEXT}." if self.speed.is_slow else self._transfer.restart_reason
        elif now - self._received_at >= STALLED_S:
            self.trouble = f"No bytes for {STALLED_S:.0f} s."
        # The rate of a stalled transfer sinks until it is None: record only that, not each decrease.
        state = (received, rate is None, self.trouble)
        if state != self._recorded:
            self._record(rate)
            self._recorded = state

    def record_missed_start(self) -> None:
        """Record where a transfer resumed or restarted, if it ended before the first update."""
        if self._received < 0 and (self._transfer.restart_reason or self._transfer.start):
            self.update()

    def record_stop(self) -> None:
        """Record the progress of a stopped transfer."""
        self._record(None)

    def _begin(self, now: float, received: int) -> None:
        """Note where the transfer starts, with the event to record for it."""
        transfer = self._transfer
        self._received, self._received_at = received, now
        if transfer.restart_reason:
            self.trouble = transfer.restart_reason
            self._event = (EventKind.TRANSFER_RESTARTED, transfer.restart_reason)
        elif transfer.start:
            self._event = (EventKind.TRANSFER_RESUMED, f"at byte {transfer.start}, over a new link")

    def _record(self, rate: float | None) -> None:
        part, total = self._part, self._transfer.total
        event, self._event = self._event, None
        downloads.record_progress(
            self._store, self._job, part.size, total, rate, part.etag, trouble=self.trouble, event=event
        )
