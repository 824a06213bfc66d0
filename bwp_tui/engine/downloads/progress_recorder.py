"""Record the progress of a running transfer, once a second while bytes come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.engine.downloads.transfer_rate import MIN_BYTES_PER_S, SlowTransferDetector, TransferRate
from bwp_tui.engine.downloads.transfer_thread import PartTransfer
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob

PROGRESS_INTERVAL_S: Final = 1.0
STALLED_S: Final = 10.0
"""Seconds without a byte after which the download is shown as stalled; the connection times out later."""

SLOW_TEXT: Final = f"Fewer than {MIN_BYTES_PER_S} bytes a second"


@dataclass(slots=True)
class ProgressRecorder:
    """Records the progress of one transfer, and watches its speed.

    Args:
        trouble: why the transfer begins anew; shown until bytes come.
        on_bytes: called when bytes came.
    """

    store: Store
    job: DownloadJob
    part: PartFile
    transfer: PartTransfer
    trouble: str | None
    on_bytes: Callable[[], object]
    speed: SlowTransferDetector = field(init=False)
    _event: tuple[EventKind, str] | None = None
    _rate: TransferRate = field(default_factory=TransferRate)
    _recorded: tuple[int, bool, str | None] | None = None
    _received: int = -1
    _received_at: float = 0.0

    def __post_init__(self) -> None:
        self.speed = SlowTransferDetector(time.monotonic(), self.part.size)

    def update(self) -> None:
        """Record the progress if the transfer has started and it has changed."""
        now, received = time.monotonic(), self.part.size
        self.speed.add(now, received)
        if not self.transfer.started:
            return
        rate = self._rate.add(now, received) or None
        if self._received < 0:
            self._begin(now, received)
        elif received != self._received:
            self.on_bytes()
            self._received, self._received_at = received, now
            self.trouble = f"{SLOW_TEXT}." if self.speed.is_slow else self.transfer.restart_reason
        elif now - self._received_at >= STALLED_S:
            self.trouble = f"No bytes for {STALLED_S:.0f} s."
        # The rate of a stalled transfer sinks until it is None: record only that, not each decrease.
        state = (received, rate is None, self.trouble)
        if state != self._recorded:
            self.record_progress(rate)
            self._recorded = state

    def record_missed_start(self, *, failed: bool) -> None:
        """Record a transfer that ended before the first update, if it resumed, restarted or failed.

        A failed one is resumed with the ETag recorded here, perhaps by another engine.
        """
        if self._received < 0 and (failed or self.transfer.restart_reason or self.transfer.start):
            self.update()

    def _begin(self, now: float, received: int) -> None:
        """Note where the transfer starts, with the event to record for it."""
        transfer = self.transfer
        self._received, self._received_at = received, now
        if transfer.restart_reason:
            self.trouble = transfer.restart_reason
            self._event = (EventKind.TRANSFER_RESTARTED, transfer.restart_reason)
        elif transfer.start:
            self._event = (EventKind.TRANSFER_RESUMED, f"at byte {transfer.start}, over a new link")

    def record_progress(self, rate: float | None = None) -> None:
        """Record the progress now, without a rate where the transfer has stopped."""
        part, total = self.part, self.transfer.total
        event, self._event = self._event, None
        downloads.record_progress(
            self.store, self.job, part.size, total, rate, part.etag, trouble=self.trouble, event=event
        )
