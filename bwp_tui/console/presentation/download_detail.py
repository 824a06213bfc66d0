"""Format a download's state, outcome and facts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.console.presentation.format import DisplayContext, clock_time, fact, mask, offer
from bwp_tui.console.presentation.styled_text import HANGING_INDENT, StyledText
from bwp_tui.console.presentation.task_detail import timeline_lines
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Task, TimelineEvent
from bwp_tui.domain.text import format_size
from bwp_tui.domain.times import format_duration, stamp
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog.downloads import WAITING_FOR_SERVICE
from bwp_tui.store.worklog.engine_state import Ability, EngineState, ServiceHealthState

STATE_CELLS: Final = 18
"""Cells that the state of an open download takes at most."""

_WAITING: Final = "waiting"
"""The state where all slots are taken, the archive server fails and one is tried at a time, or it asked to wait."""


def waiting_for(engine: EngineState | None) -> str:
    """Return what a queued download without trouble waits for, in at most `STATE_CELLS`."""
    if engine is None:
        return _WAITING
    return _why_none_downloads(engine) or ("waiting for API" if _what_stops(engine) else _WAITING)


def _why_none_downloads(engine: EngineState) -> str | None:
    """Return why no engine downloads, whenever it might, or None where one does."""
    if engine.pid is None:
        return "no engine running"
    return "read-only engine" if engine.max_ability is Ability.POLLS else None


def trouble_of(download: Download, engine: EngineState | None) -> str | None:
    """Return why a download does not continue, or None: the engine's reason where it waits for the API."""
    waits = download.state == DownloadState.QUEUED and not download.paused
    if not waits or engine is None or (message := _what_stops(engine)) is None:
        return download.trouble
    return message if download.trouble in (None, WAITING_FOR_SERVICE) else download.trouble


def _what_stops(engine: EngineState) -> str | None:
    """Return why the service cannot be called, or None where it can, be it more slowly, or nobody calls it."""
    is_slowed = engine.service == ServiceHealthState.THROTTLED and engine.next_try_at is None
    return None if is_slowed or engine.pid is None else engine.message


def state_text(download: Download, context: DisplayContext) -> StyledText:
    """Return the state of an open download, in at most `STATE_CELLS`."""
    percent = download.percent
    at = "" if percent is None else f" at {percent}%"
    is_tried = context.engine is None or _why_none_downloads(context.engine) is None
    match download.state:
        case DownloadState.RUNNING if download.paused:
            return (download.state_name, "held")
        case _ if download.paused:
            return (f"paused{at}", "held")
        case _ if is_tried and download.not_before and download.awaits_retry(context.now):
            when = clock_time(download.not_before, context.today)
            return (f"retry {when}" if " " in when else f"retry at {when}", "warn")
        case DownloadState.RUNNING:
            return ("requesting a link" if percent is None else f"{percent}%", "busy")
        case _:
            reason = waiting_for(context.engine)
            return (f"waiting{at}" if at and reason == _WAITING else reason, "muted")


END_ROLES: Final[dict[str, str]] = {DownloadState.DONE: "good", DownloadState.FAILED: "bad"}
"""The role of a download that ended; one that was cancelled has none of its own."""


def end_text(download: Download, context: DisplayContext) -> StyledText:
    """Return how and when a download ended, in at most `STATE_CELLS`."""
    if download.is_purged and download.state == DownloadState.DONE:
        return ("purged", "muted")
    if download.id in context.gone_results:
        return ("gone or changed", "warn")
    role = END_ROLES.get(download.state, "muted")
    text = download.state
    if download.finished_at is not None:
        text += f" {clock_time(download.finished_at, context.today)}"
    return (text if len(text) <= STATE_CELLS else text.rsplit(maxsplit=1)[0], role)  # the day is enough


def partial_file_text(download: Download) -> str:
    """Return what a download without a file had fetched, which a retry resumes if it is still on this disk."""
    if download.has_newer:
        return "asked for again"
    if download.is_purged:
        return "purged"
    if not download.bytes:
        return "no partial file"
    is_resumed = download.state == DownloadState.FAILED and download.etag
    fate = "to be deleted" if download.part_unwanted else "fetched" if is_resumed else "deleted"
    return f"{format_size(download.bytes)} {fate}"


def totals_text(downloads: Sequence[Download], gone_results: Collection[int]) -> str:
    """Return what is still to be received if all sizes are known, how fast, and what is saved; if there is any of it.

    Args:
        gone_results: ids of the downloads whose files are gone or changed.
    """
    running = [download for download in downloads if download.is_open]
    sizes = [download.total - download.bytes for download in running if download.total is not None]
    left = sum(sizes) if len(sizes) == len(running) else 0
    rate = sum(download.rate or 0 for download in running if download.state == DownloadState.RUNNING)
    saved = {  # one may have been downloaded again
        download.path: download.bytes
        for download in downloads
        if download.state == DownloadState.DONE and not download.is_purged and download.id not in gone_results
    }
    parts = (
        f"{format_size(left)} left" if left else "",
        f"{format_size(rate)}/s" if rate else "",
        f"{len(saved)} saved, {format_size(sum(saved.values()))}" if saved else "",
    )
    return " · ".join(filter(None, parts))


def queue_text(downloads: Sequence[Download], now: datetime) -> list[StyledText]:
    """Return how many downloads run, wait and are paused."""
    open_ones = [download for download in downloads if download.is_open]
    paused = sum(download.paused for download in open_ones)
    running = sum(
        download.state == DownloadState.RUNNING and not download.paused and not download.awaits_retry(now)
        for download in open_ones
    )
    counts = ((running, "running"), (len(open_ones) - paused - running, "waiting"), (paused, "paused"))
    return [
        ("downloads", "strong"),
        (f" · {' · '.join(f'{count} {state}' for count, state in counts if count) or 'idle'}", "muted"),
    ]


def fact_lines(download: Download, task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield the facts of a download, a line each; nothing that changes while it runs."""
    trouble = mask(trouble_of(download, context.engine) or "", task, context)
    left = (partial_file_text(download), "plain")
    is_final = download.has_newer or download.is_purged or download.is_declined
    retry = [left] if is_final else offer(left, "; ", "retry", " retries", context)
    if download.state == DownloadState.DONE:
        if download.path is None:
            yield fact("File", ("not known any more: the task was purged", "muted"))
        elif download.id in context.gone_results:
            name = mask(Path(download.path).name, task, context)
            yield fact("File", (name, "muted"), (" is gone or changed", "warn"))
        else:
            yield fact("File", (mask(Path(download.path).name, task, context), "good"))
        yield fact("sha256", download.sha256 or "")
        if download.path is not None:
            yield fact("Folder", mask(str(Path(download.path).parent), task, context))
        yield fact("Size", f"{download.bytes:,} bytes".replace(",", " "), (_end_after_start(download), "muted"))
        for remark in download.remarks:
            yield fact("Remark", (mask(remark, task, context), "warn"))
    elif download.state == DownloadState.FAILED:
        yield fact("Failed", (trouble or "It ended without a file.", "bad"))
        yield fact("Retry", *retry)
    elif download.state == DownloadState.CANCELLED:
        yield fact("Cancelled", *retry)
    else:
        if download.paused:
            yield fact("Paused", *offer(("", "plain"), "", "pause", " resumes it", context))
        elif download.state == DownloadState.RUNNING:
            yield fact("Started", stamp(download.started_at or download.asked_at))
        else:
            yield fact("Queued", state_text(download, context))
        if trouble:
            yield fact("Trouble", trouble)
    yield fact("Requested", f"{stamp(download.asked_at)} by {download.actor}")
    if download.attempts_with_running > 1:
        yield fact("Attempts", f"{download.attempts_with_running}")


def events_of(download: Download, events: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    """Return the timeline events of this download, without the detail that `fact_lines` shows."""
    until = download.finished_at
    return [
        event._replace(detail=None) if event.what == EventKind.DOWNLOAD_FAILED else event
        for event in events
        if event.what.startswith("download") and download.asked_at <= event.at and (until is None or event.at <= until)
    ]


def timeline_paragraph(task: Task, events: Sequence[TimelineEvent], context: DisplayContext) -> list[StyledText]:
    """Return the timeline in one paragraph, the newest event first."""
    texts: list[StyledText] = []
    for line in timeline_lines(task, events, context):
        texts += [(" · ", "muted"), *line] if texts else line
    return [text for text in texts if text != HANGING_INDENT]


def _end_after_start(download: Download) -> str:
    """Return how long after its start a download ended, pauses and waits included."""
    if download.started_at is None or download.finished_at is None:
        return ""
    duration = download.finished_at - download.started_at
    return f"  {format_duration(duration)} after its start" if duration >= timedelta(seconds=1) else ""
