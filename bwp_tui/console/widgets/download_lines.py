"""The downloads under way, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bwp_tui.console.speech import Line, Phrase
from bwp_tui.domain.task import Download, DownloadState
from bwp_tui.domain.times import duration_words

MOST: Final = 4
_BAR: Final = 24
_NARROW_BAR: Final = 10
_NARROW: Final = 90
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


class DownloadLines(Line):
    """Bar, bytes, rate and time left of each download; no line when there is none."""

    def tell(self, downloads: Sequence[tuple[Download, str]]) -> None:
        """Show the downloads, each with what its data subject is to be called."""
        phrases: list[Phrase] = []
        for download, subject in downloads[:MOST]:
            if phrases:
                phrases.append(("\n", "plain"))
            phrases += self._line(download, subject)
        if len(downloads) > MOST:
            phrases += [(f"\n   and {len(downloads) - MOST} more: ", "muted"), ("F", "key")]
        self.display = bool(downloads)
        self.show(self.say(*phrases))

    def _line(self, download: Download, subject: str) -> list[Phrase]:
        narrow = self.app.size.width < _NARROW
        name = f"{subject[: 18 if narrow else 30]:<{18 if narrow else 30}}"
        start: list[Phrase] = [(" ⇣ ", "accent"), (f"{name}  ", "plain")]
        done = percent(download)
        if download.paused:
            return [*start, ("paused" if done is None else f"paused at {done} %", "held")]
        if download.state == DownloadState.QUEUED:
            return [*start, (download.trouble or "waiting for a slot", "warn" if download.trouble else "muted")]
        if download.total is None or done is None:
            return [*start, ("asking for a link", "muted")]
        words = [f"{done:3d} %", f"{size(download.bytes)} of {size(download.total)}"]
        if (left := time_left(download)) is not None and download.rate:
            words += [f"{size(download.rate)}/s", f"{duration_words(left)} left"]
        if narrow:
            words.pop(1)
        return [*start, *bar(done, _NARROW_BAR if narrow else _BAR), (f"  {'   '.join(words)}", "plain")]


def percent(download: Download) -> int | None:
    """Return how much of a download has come; 99 at most until its file is in place, None where it is not known."""
    return None if download.total is None else min(99, 100 * download.bytes // max(1, download.total))


def time_left(download: Download) -> timedelta | None:
    """Return how long a download takes on at its rate, or None where that is not known."""
    if not download.rate or download.total is None:
        return None
    return timedelta(seconds=max(0, download.total - download.bytes) / download.rate)


def bar(done: int, width: int) -> list[Phrase]:
    """Return a bar of `width` cells, filled to so many per cent: at 99, the most there is before the end, all of it."""
    filled = min(width, width * (done + 1) // 100)
    return [("━" * filled, "accent"), ("─" * (width - filled), "muted")]


def size(count: float) -> str:
    """Return a number of bytes in three or four digits with its unit."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 or count >= 100 else f"{count:.1f} {_UNITS[unit]}"
