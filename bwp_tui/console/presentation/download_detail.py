"""A download's state, outcome and facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from bwp_tui.console.presentation.format import clock_time, labelled
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import DisplayContext, mask, timeline
from bwp_tui.domain.task import Download, DownloadState, Event, Task
from bwp_tui.domain.text import size
from bwp_tui.domain.times import format_duration, stamp
from bwp_tui.store.commands.download_queue import OPEN
from bwp_tui.store.worklog.engine_state import EngineState

_LABEL: Final = 10
_FOR_THE_SERVICE: Final = "Waiting for the service"
"""How the trouble begins that the engine records where it cannot ask for a link yet."""


def waiting_for(engine: EngineState | None) -> str:
    """Return what a download waits for that nothing has gone wrong with, in at most 18 cells."""
    if engine is None:
        return "waiting for a slot"
    if engine.pid is None:
        return "no engine runs"
    return "waits for service" if engine.message else "waiting for a slot"


def trouble_of(download: Download, engine: EngineState | None) -> str | None:
    """Return why a download does not continue, if there is a reason: that of the engine where it waits for the API."""
    if download.state != DownloadState.QUEUED or engine is None or engine.message is None:
        return download.trouble
    waits_for_the_service = download.trouble is None or download.trouble.startswith(_FOR_THE_SERVICE)
    return engine.message if waits_for_the_service else download.trouble


def state_text(download: Download, context: DisplayContext) -> StyledText:
    """Return where an open download stands, in at most 18 cells."""
    done = download.percent
    at = "" if done is None else f" at {done} %"
    match download.state:
        case DownloadState.RUNNING if download.paused:
            return ("stopping", "held")
        case _ if download.paused:
            return (f"paused{at}", "held")
        case DownloadState.RUNNING:
            return ("asking for a link" if done is None else f"{done} %", "busy")
        case _ if download.trouble and download.not_before and download.not_before > context.now:
            return (f"again at {clock_time(download.not_before, context.today)}", "warn")
        case _:
            waits = waiting_for(context.engine)
            return (f"waiting{at}" if at and waits.endswith("slot") else waits, "muted")


def end_text(download: Download, context: DisplayContext) -> StyledText:
    """Return how and when a download ended."""
    role = {DownloadState.DONE: "good", DownloadState.FAILED: "bad"}.get(DownloadState(download.state), "muted")
    word = "saved" if download.state == DownloadState.DONE else download.state
    when = "" if download.finished_at is None else f" {clock_time(download.finished_at, context.today)}"
    return (f"{word}{when}", role)


def partial_file_text(download: Download) -> str:
    """Return what is left of a download that has ended: the whole file, a part to go on with, or nothing."""
    if download.state == DownloadState.DONE:
        return f"{size(download.bytes)} saved"
    if download.state == DownloadState.FAILED and download.etag and download.bytes:
        return f"{size(download.bytes)} kept"
    return f"nothing kept of {size(download.bytes)}" if download.bytes else "nothing kept"


def queue_text(downloads: Sequence[Download]) -> list[StyledText]:
    """Return how many downloads run, wait, are paused and have ended."""
    open_ones = [download for download in downloads if download.state in OPEN]
    paused = sum(download.paused for download in open_ones)
    running = sum(download.state == DownloadState.RUNNING and not download.paused for download in open_ones)
    counts = ((running, "running"), (len(open_ones) - paused - running, "waiting"), (paused, "paused"))
    said = " · ".join(f"{count} {word}" for count, word in counts if count)
    return [("downloads", "strong"), (f" · {said}" if said else " · none under way", "muted")]


def fact_lines(download: Download, task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield what is known of a download, a labelled line each; nothing that changes while it runs."""
    trouble = mask(trouble_of(download, context.engine) or "", task, context)
    if download.state == DownloadState.DONE:
        path = Path(download.path or "")
        yield _fact("File", (mask(path.name, task, context), "good"))
        yield _fact("sha256", (download.sha256 or "", "plain"))
        yield _fact("Folder", (mask(str(path.parent), task, context), "plain"))
        yield _fact("Size", (f"{download.bytes:,} bytes".replace(",", " "), "plain"), (_took(download), "muted"))
        for remark in download.remarks:
            yield _fact("Remark", (mask(remark, task, context), "warn"))
    elif download.state == DownloadState.FAILED:
        yield _fact("Failed", (trouble or "It ended without a file.", "bad"))
        yield _fact(
            "Retry", (f"{partial_file_text(download)}: ", "plain"), ("R", "key"), (" asks for it again", "plain")
        )
    elif download.state == DownloadState.CANCELLED:
        yield _fact(
            "Cancelled", (f"{partial_file_text(download)}; ", "plain"), ("R", "key"), (" asks for it again", "plain")
        )
    else:
        yield from _waiting(download, trouble, context)
    yield _fact("Asked", (f"{stamp(download.asked_at)} by {download.actor}", "plain"))
    if download.tries > 1:
        yield _fact("Attempts", (f"{download.tries}", "plain"))


def events_of(download: Download, events: Sequence[Event]) -> list[Event]:
    """Return the timeline lines about this download, without what `fact_lines` says."""
    until = download.finished_at
    return [
        replace(event, detail=None) if event.what == "download failed" else event
        for event in events
        if event.what.startswith("download") and download.asked_at <= event.at and (until is None or event.at <= until)
    ]


def timeline_paragraphs(task: Task, events: Sequence[Event], context: DisplayContext) -> list[StyledText]:
    """Return the timeline in one paragraph, the newest first."""
    phrases: list[StyledText] = []
    for line in timeline(task, events, context):
        phrases += [(" · ", "muted"), *line] if phrases else line
    return phrases


def _waiting(download: Download, trouble: str, context: DisplayContext) -> Iterator[list[StyledText]]:
    if download.paused:
        yield _fact("Paused", ("it goes on with ", "plain"), ("p", "key"), (", where it stopped", "plain"))
    elif download.state == DownloadState.RUNNING:
        yield _fact("Runs", (f"since {stamp(download.started_at or download.asked_at)}", "plain"))
    else:
        words, role = state_text(download, context)
        yield _fact("Waits", (words.removeprefix("waiting ").removeprefix("waits "), role))
    if trouble:
        yield _fact("Trouble", (trouble, "plain"))


def _took(download: Download) -> str:
    if download.started_at is None or download.finished_at is None:
        return ""
    took = download.finished_at - download.started_at
    return f"  in {format_duration(took)}" if took >= timedelta(seconds=1) else ""


def _fact(label: str, *texts: StyledText) -> list[StyledText]:
    return labelled(label, _LABEL, *texts)
