"""The downloads under way, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.console.presentation.breakpoints import MEDIUM, NARROW
from bwp_tui.console.presentation.download_detail import trouble_of, waiting_for
from bwp_tui.console.presentation.format import bar, time_left
from bwp_tui.console.presentation.styled_text import StyledLine, StyledText
from bwp_tui.domain.task import Download, DownloadState
from bwp_tui.domain.text import size
from bwp_tui.domain.times import format_duration
from bwp_tui.store.worklog.engine_state import EngineState

MOST: Final = 4
_BAR: Final = 24
_NARROW_BAR: Final = 10
_NAMES: Final = (30, 18, 16)
"""Cells of a data subject's name, by the room there is."""


class ActiveDownloads(StyledLine):
    """Bar, bytes, rate and time left of each download; no line when there is none."""

    def update(self, downloads: Sequence[tuple[Download, str]], engine: EngineState | None = None) -> None:
        """Show the downloads, each with what its data subject is to be called, and what they wait for."""
        phrases: list[StyledText] = []
        number = max((len(f"#{download.number}") for download, _ in downloads[:MOST]), default=0)
        for download, subject in downloads[:MOST]:
            if phrases:
                phrases.append(("\n", "plain"))
            phrases += [(" ⇣ ", "accent"), (f"{f'#{download.number}':>{number}}  ", "muted")]
            phrases += self._line(download, subject, engine)
        if len(downloads) > MOST:
            phrases += [(f"\n   and {len(downloads) - MOST} more: ", "muted"), ("F", "key")]
        self.display = bool(downloads)
        self.show(self.to_content(*phrases))

    def _line(self, download: Download, subject: str, engine: EngineState | None) -> list[StyledText]:
        narrowness = (self.app.size.width < MEDIUM) + (self.app.size.width < NARROW)
        width = _NAMES[narrowness]
        name = subject if len(subject) <= width else f"{subject[: width - 1]}…"
        start: list[StyledText] = [(f"{name:<{width}}  ", "plain")]
        done = download.percent
        if download.paused:
            return [*start, ("paused" if done is None else f"paused at {done} %", "held")]
        if download.state == DownloadState.QUEUED:
            trouble = trouble_of(download, engine)
            at = f"{done} %  " if done is not None and download.bytes else ""
            return [*start, (at, "plain"), (trouble or waiting_for(engine), "warn" if trouble else "muted")]
        if download.total is None or done is None:
            return [*start, ("asking for a link", "muted")]
        words = [f"{done:3d} %", f"{size(download.bytes)} of {size(download.total)}"]
        if (left := time_left(download)) is not None and download.rate:
            words += [f"{size(download.rate)}/s", f"{format_duration(left)} left"]
        if narrowness:
            words.pop(1)
        drawn = [*bar(done, (_BAR, _NARROW_BAR)[narrowness]), ("  ", "plain")] if narrowness < 2 else []
        return [*start, *drawn, ("   ".join(words), "plain")]
