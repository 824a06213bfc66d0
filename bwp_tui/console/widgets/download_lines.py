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
            phrases.append((f"\n   and {len(downloads) - MOST} more", "muted"))
        self.display = bool(downloads)
        self.show(self.say(*phrases))

    def _line(self, download: Download, subject: str) -> list[Phrase]:
        narrow = self.app.size.width < _NARROW
        name = f"{subject[: 18 if narrow else 30]:<{18 if narrow else 30}}"
        start: list[Phrase] = [(" ⇣ ", "accent"), (f"{name}  ", "plain")]
        if download.paused:
            return [*start, ("paused", "muted")]
        if download.state == DownloadState.QUEUED:
            return [*start, (download.trouble or "waiting for a slot", "warn" if download.trouble else "muted")]
        if download.total is None:
            return [*start, ("asking for a link", "muted")]
        width = _NARROW_BAR if narrow else _BAR
        done = min(width, width * download.bytes // max(1, download.total))
        percent = min(99, 100 * download.bytes // max(1, download.total))
        words = [f"{percent:3d} %", f"{size(download.bytes)} of {size(download.total)}"]
        if download.rate:
            left = timedelta(seconds=(download.total - download.bytes) / download.rate)
            words += [f"{size(download.rate)}/s", f"{duration_words(left)} left"]
        if narrow:
            words.pop(1)
        return [*start, ("━" * done, "accent"), ("─" * (width - done), "muted"), (f"  {'   '.join(words)}", "plain")]


def size(count: float) -> str:
    """Return a number of bytes in three or four digits with its unit."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 or count >= 100 else f"{count:.1f} {_UNITS[unit]}"
