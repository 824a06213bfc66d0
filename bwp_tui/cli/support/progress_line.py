"""Draw the progress of long work on one line of stderr."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bwp_tui.cli.support.streams import draw
from bwp_tui.domain.downloads import Download, time_left
from bwp_tui.domain.text import format_size, percent
from bwp_tui.domain.times import format_duration


class ProgressLine:
    """Draws the progress of `total` items, in steps of one percent."""

    def __init__(self, action: str, total: int) -> None:
        self._action = action
        self._total = total
        self._step = max(1, total // 100)

    def __call__(self, done: int) -> None:
        """Draw the number of items done; wipe the line after the last one."""
        if done >= self._total:
            draw("")
        elif done % self._step == 0:
            draw(f"{self._action} {done} of {self._total}")


class DownloadProgress:
    """Draws the progress of downloads on one line of stderr, at most once a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, downloads: Sequence[Download]) -> None:
        """Draw the progress of those that have not ended, unless this second's is drawn."""
        running = [download for download in downloads if download.is_open]
        if running and time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            draw(progress_text(running))


def progress_text(running: Sequence[Download]) -> str:
    """Return the progress of downloads: percent, bytes, rate and time left where they are known."""
    received = sum(download.bytes for download in running)
    rate = sum(download.rate or 0.0 for download in running)
    totals = [download.total for download in running]
    total = sum(length or 0 for length in totals) if None not in totals else None
    parts = [f"{len(running)} downloads"] if len(running) > 1 else []
    if total:
        parts.append(f"{percent(received, total)}%")
    parts.append(f"{format_size(received)}{f' of {format_size(total)}' if total else ''}")
    if rate:
        parts.append(f"{format_size(rate)}/s")
    if left := time_left(received, total, rate):
        parts.append(f"{format_duration(left)} left")
    trouble = next((download.trouble for download in running if download.trouble), None)
    return "  ".join([*parts, trouble] if trouble else parts)[:200]
