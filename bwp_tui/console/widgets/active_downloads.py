"""The downloads under way, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bwp_tui.console.presentation.styled_text import StyledLine, StyledText
from bwp_tui.domain.task import Download, DownloadState
from bwp_tui.domain.text import size
from bwp_tui.domain.times import format_duration
from bwp_tui.store.worklog.engine_state import EngineState

MOST: Final = 4
_BAR: Final = 24
_NARROW_BAR: Final = 10
_NARROW: Final = 90
_NARROWEST: Final = 70
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
        narrowness = (self.app.size.width < _NARROW) + (self.app.size.width < _NARROWEST)
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


def waiting_for(engine: EngineState | None) -> str:
    """Return what a download waits for that nothing has gone wrong with, in at most 18 cells."""
    if engine is None:
        return "waiting for a slot"
    if engine.pid is None:
        return "no engine runs"
    return "waits for service" if engine.message else "waiting for a slot"


def trouble_of(download: Download, engine: EngineState | None) -> str | None:
    """Return why a download does not go on, if there is a reason: where it waits for the service, what ails that."""
    if download.state != DownloadState.QUEUED or engine is None or engine.message is None:
        return download.trouble
    waits_for_the_service = download.trouble is None or download.trouble.startswith(_FOR_THE_SERVICE)
    return engine.message if waits_for_the_service else download.trouble


_FOR_THE_SERVICE: Final = "Waiting for the service"
"""How the trouble begins that the engine records where a link cannot be asked for yet."""


def time_left(download: Download) -> timedelta | None:
    """Return how long a download takes on at its rate, or None where that is not known."""
    if not download.rate or download.total is None:
        return None
    return timedelta(seconds=max(0, download.total - download.bytes) / download.rate)


def bar(done: int, width: int) -> list[StyledText]:
    """Return a bar of `width` cells, filled to so many per cent: at 99, the most there is before the end, all of it."""
    filled = min(width, width * (done + 1) // 100)
    return [("━" * filled, "accent"), ("─" * (width - filled), "muted")]
