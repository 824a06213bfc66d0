"""The parts of a task's details: heading, facts, errors with advice, timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.console.presentation.format import clock_time, labelled
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_columns import DUE_SOON, status_role
from bwp_tui.domain import masking
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.deadlines import REGULATIONS, acknowledge_by, is_clock_running, latest_end
from bwp_tui.domain.task import TERMINAL, DownloadState, Event, Kind, Status, Task
from bwp_tui.domain.text import size
from bwp_tui.domain.times import format_due, local_day, stamp
from bwp_tui.store.worklog.engine_state import EngineState

_LABEL: Final = 11
_LONGEST_IN_HEADING: Final = 40
"""Characters of an address that a heading has room for on most terminals."""


class DisplayContext(NamedTuple):
    """What a presenter needs to know besides the task. `day` is the length of one of the API's days.

    `engine` is the engine's own state, where it is at hand.
    """

    now: datetime
    today: date
    masked: bool
    day: timedelta
    engine: EngineState | None = None


def heading(task: Task, context: DisplayContext) -> list[StyledText]:
    """Return status, kind and email."""
    return [
        (task.status, status_role(task.status)),
        (f" · {task.kind.lower()} for ", "muted"),
        (subject(task, context), "strong"),
    ]


def task_names(task: Task) -> tuple[str, ...]:
    """Return what a heading calls the task, the longest name first."""
    number = f"#{task.number}"
    return (f"{task.task_id} · {number}", number) if task.task_id else (number,)


def subject(task: Task, context: DisplayContext) -> str:
    """Return the data subject's address as the screen may show it."""
    return task.subject(masked=context.masked)


def mask(text: str, task: Task, context: DisplayContext) -> str:
    """Return `text` with the task's address in it as the screen may show it."""
    return masking.mask_task_text(text, task) if context.masked else text


def outcome_paragraphs(task: Task, context: DisplayContext) -> list[list[StyledText]]:
    """Return errors, trouble and the result with advice, a paragraph each."""
    paragraphs: list[list[StyledText]] = []
    for error in task.errors:
        code = [(f"{error.code}  ", "bad")] if error.code else []
        paragraphs.append([*code, (mask(error.message, task, context), "plain")])
        advice = advice_for(task.status, error.code)
        if advice:
            paragraphs.append([("→ ", "accent"), (advice, "strong")])
    if not task.errors and (advice := advice_for(task.status, None)):
        paragraphs.append([("→ ", "accent"), (advice, "strong")])
    if task.trouble:
        paragraphs.append([(mask(task.trouble, task, context), "warn")])
    if task.kind is Kind.RETRIEVAL and task.status == Status.COMPLETED:
        paragraphs += _result(task, context)
    return paragraphs


def download_end(task: Task, context: DisplayContext) -> StyledText:
    """Return a sentence on how the newest download of a task's result has ended."""
    download, of = task.download, f"#{task.number} for {subject(task, context)}"
    if download is not None and download.state == DownloadState.DONE:
        return (f"Saved the result of {of}: {size(download.bytes)}, whole and hashed.", "good")
    if download is not None and download.state == DownloadState.CANCELLED:
        return (f"The download of {of} is cancelled.", "muted")
    words = download.trouble if download is not None and download.trouble else "it ended without a file."
    return (f"Not saved, the result of {of}: {mask(words, task, context)}", "bad")


def fact_lines(task: Task, context: DisplayContext, earlier: Task | None = None) -> Iterator[list[StyledText]]:
    """Yield the task's facts, a labelled line each; `earlier` is the one that asked the same, where it is at hand."""
    regulation = REGULATIONS.get(task.regulation)
    title = regulation.title if regulation else task.regulation
    if len(name := subject(task, context)) > _LONGEST_IN_HEADING:
        yield _fact("Email", [(name, "plain")])
    yield _fact("Received", [(task.received_on.isoformat(), "plain"), (f"  {title}", "muted")])
    if task.due_on:
        yield _fact("Due", _due(task, task.due_on, context))
    if task.kind is Kind.DELETION and task.holding_period is not None:
        yield from _hold(task, task.holding_period, context)
    if task.submitted_at:
        yield _fact("Submitted", [(stamp(task.submitted_at), "plain")])
    if task.finished_at:
        yield _fact("Finished", [(stamp(task.finished_at), "plain")])
    if task.cancel_asked:
        yield _fact("Cancelling", [("asked; the service has not answered yet", "warn")])
    for label, text in (("Reason", task.reason), ("Note", task.note), ("Tags", ", ".join(task.tags))):
        if text:
            yield _fact(label, [(mask(text, task, context), "plain")])
    yield from _record_lines(task, context)
    if task.earlier:
        state = f" on {earlier.received_on}: {earlier.status}" if earlier else ""
        yield _fact("Earlier", [(f"#{task.earlier} for this address{state}", "warn"), ("  b", "key")])
    if task.resubmit_of:
        yield _fact("Resubmits", [(f"#{task.resubmit_of}", "plain")])
    if task.resubmitted_as:
        yield _fact("Goes on as", [(f"#{task.resubmitted_as}", "plain")])


def _record_lines(task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield what the operators have recorded."""
    if task.assigned_to:
        yield _fact("In hand", [(task.assigned_to, "plain")])
    if task.verified:
        words = f"{task.verified.on} by {task.verified.by}: {task.verified.how}"
        yield _fact("Verified", [(mask(words, task, context), "plain")])
    if task.extended_on:
        yield _fact("Extended", [(task.extended_on.isoformat(), "plain")])
    limit = acknowledge_by(task.regulation, task.received_on) if task.regulation in REGULATIONS else None
    if task.acknowledged_on:
        yield _fact("Receipt", [(f"confirmed on {task.acknowledged_on}", "plain")])
    elif limit is not None and is_clock_running(task):
        words = format_due(limit, context.today)
        yield _fact("Receipt", [(f"to be confirmed by {limit}", "warn"), (f"  {words}  ", "muted"), ("A", "key")])


def timeline(
    task: Task, events: Sequence[Event], context: DisplayContext, *, full: bool = False
) -> Iterator[list[StyledText]]:
    """Yield the timeline, the newest line first; with `full` each line has its whole date and time."""
    for event in reversed(events):
        line: list[StyledText] = [(f"{stamp(event.at) if full else clock_time(event.at, context.today)}  ", "muted")]
        if event.what != "status":
            line.append((f"{event.what}  ", "plain"))
        if event.after:
            change = f"{event.before} → {event.after}" if event.before else event.after
            line.append((f"{change}  ", status_role(event.after)))
        if event.detail and event.detail != task.task_id and event.what != "downloaded":
            line.append((f"{mask(event.detail, task, context)}  ", "muted"))
        if event.actor != "service":
            line.append((f"by {event.actor}", "muted"))
        yield line


def _fact(label: str, texts: Sequence[StyledText]) -> list[StyledText]:
    return labelled(label, _LABEL, *texts)


def _due(task: Task, due: date, context: DisplayContext) -> list[StyledText]:
    words: list[StyledText] = [(due.isoformat(), "plain")]
    if not is_clock_running(task):
        return words
    days = (due - context.today).days
    role = "bad" if days < 0 else "warn" if days <= DUE_SOON else "muted"
    return [*words, (f"  {format_due(due, context.today)}", role)]


def _hold(task: Task, days: int, context: DisplayContext) -> Iterator[list[StyledText]]:
    words: list[StyledText] = [(f"{days} day{'' if days == 1 else 's'}", "plain")]
    if task.submitted_at is None or task.status in TERMINAL:
        yield _fact("Hold", words)
        return
    if task.status == Status.ON_HOLD:
        words.append((f"  until {stamp(task.submitted_at + days * context.day)}", "held"))
    yield _fact("Hold", words)
    last = latest_end(local_day(task.submitted_at), days)
    over = task.due_on is not None and last > task.due_on
    when = " at the latest, after the due date" if over else " at the latest"
    yield _fact("Done by", [(last.isoformat(), "plain"), (when, "warn" if over else "muted")])


def _result(task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    download = task.download
    match download.state if download else None:
        case DownloadState.DONE if download:
            yield _fact("Saved", [(mask(download.path or "", task, context), "good")])
            yield _fact("sha256", [(download.sha256 or "", "plain"), (f"  {size(download.bytes)}", "muted")])
            for remark in download.remarks:
                yield _fact("Remark", [(mask(remark, task, context), "warn")])
            yield _fact("Inside", [("o", "key"), (" shows what it holds", "plain")])
        case DownloadState.FAILED if download:
            yield _fact("Result", [(mask(download.trouble or "the download failed", task, context), "bad")])
        case DownloadState.QUEUED | DownloadState.RUNNING if download:
            if download.paused:
                yield _fact("Result", [("paused: ", "held"), ("F", "key"), (" shows the downloads", "plain")])
                return
            words = download.trouble or "being downloaded"
            yield _fact("Result", [(mask(words, task, context), "warn" if download.trouble else "busy")])
        case _:
            yield _fact("Result", [("ready: ", "good"), ("d", "key"), (" downloads it over a fresh link", "plain")])
