"""Format a task's details: heading, facts, errors with advice, timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from bwp_tui.console.presentation.format import DisplayContext, clock_time, email_text, fact, mask, offer
from bwp_tui.console.presentation.styled_text import HANGING_INDENT, StyledText
from bwp_tui.console.presentation.task_row_cells import status_role
from bwp_tui.domain.advice import advice_for, code_advice
from bwp_tui.domain.deadlines import (
    DUE_SOON_DAYS,
    acknowledgement_deadline,
    due_if_replied,
    is_clock_stopped,
    latest_service_end,
    may_be_late,
    needs_answer,
)
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.regulations import REGULATIONS, not_in_force_warning
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import ADOPTED, TO_CHECK, Kind, Task, TimelineEvent
from bwp_tui.domain.text import counted, format_size
from bwp_tui.domain.times import format_due, stamp
from bwp_tui.store.queries.timeline import SERVICE, EventKind, detail_text, label_of

_LONGEST_IN_HEADING: Final = 40
"""Characters of an email that a heading has room for on most terminals."""


def heading(task: Task, context: DisplayContext, about: StyledText | None = None) -> list[StyledText]:
    """Return what is shown about a task, by default its status, then its kind and email."""
    return [
        about or (task.status, status_role(task.status)),
        (f" · {task.kind_name} for ", "muted"),
        (email_text(task, context), "strong"),
    ]


def task_names(task: Task) -> tuple[str, ...]:
    """Return what a heading calls the task, the longest name first."""
    number = f"#{task.number}"
    return (f"{task.task_id} · {number}", number) if task.task_id else (number,)


def outcome_paragraphs(task: Task, context: DisplayContext) -> list[list[StyledText]]:
    """Return errors with advice, trouble and the state of the download, a paragraph each."""
    paragraphs = list(error_paragraphs(task, context))
    if task.trouble:
        paragraphs.append([(mask(task.trouble, task, context), "warn")])
    if task.kind is Kind.RETRIEVAL and (task.status == Status.COMPLETED or task.was_downloaded):
        paragraphs += _result_lines(task, context)
    return paragraphs


def error_paragraphs(task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield each error and the advice on it; without an error, the advice on the status."""
    for error in task.errors:
        code = [(f"{error.code}  ", "bad"), HANGING_INDENT] if error.code else []
        yield [*code, (mask(error.message, task, context), "plain")]
        yield from _advice_lines(advice_for(task, error.code, context.key), context)
    if not task.errors:
        yield from _advice_lines(advice_for(task, None, context.key), context)


def code_advice_lines(code: str, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield the advice on a documented error code."""
    return _advice_lines(code_advice(code, context.key), context)


def _advice_lines(advice: str | None, context: DisplayContext) -> Iterator[list[StyledText]]:
    if advice:
        yield [(context.advice_mark, "accent"), HANGING_INDENT, (advice, "strong")]


def download_end(task: Task, download: Download, context: DisplayContext) -> StyledText:
    """Return a sentence on how a download of a task's result has ended."""
    of = f"#{task.number} for {email_text(task, context)}"
    if download.state == DownloadState.DONE:
        return (f"Downloaded {of}: {format_size(download.bytes)}, checked and hashed.", "good")
    if download.state == DownloadState.CANCELLED:
        return (f"Download of {of} cancelled.", "muted")
    trouble = mask(download.trouble or "it ended without a file.", task, context)
    return (f"Download of {of} failed: {trouble}", "bad")


def fact_lines(
    task: Task,
    context: DisplayContext,
    earlier: Task | None = None,
    later: Task | None = None,
    *,
    complete: bool = False,
) -> Iterator[list[StyledText]]:
    """Yield the task's facts, a line each.

    Args:
        earlier: the previous task of the same kind for the same email.
        later: the newest one.
        complete: whether to name also what is as for every task: when the service is done, and that there is no answer.
    """
    regulation = REGULATIONS.get(task.regulation)
    title = regulation.title if regulation else task.regulation
    if len(name := email_text(task, context)) > _LONGEST_IN_HEADING and not complete:
        yield fact("Email", name)
    assumed = "  both assumed unless corrected" if ADOPTED in task.tags else ""
    yield fact("Received", task.received_on.isoformat(), (f"  {title}", "muted"), (assumed, "warn"))
    if task.due_on:
        yield fact("Due", *_due_texts(task, task.due_on, context))
    elif is_clock_stopped(task):
        yield fact("Due", str(due_if_replied(task, context.today)), ("  if the reply came today", "muted"))
        yield fact("Stopped", (f"from {task.inquired_on}: a reply is awaited", "held"))
    if regulation and (task.due_on or is_clock_stopped(task)):
        yield fact("Law", (regulation.citation, "muted"))
    if warning := not_in_force_warning(task.regulation, task.received_on):
        yield fact("Warning", (warning, "warn"))
    if task.kind is Kind.DELETION and task.holding_period is not None:
        yield _hold_line(task, task.holding_period, context)
    yield from _completion_line(task, context, complete=complete)
    if task.submitted_at:
        yield fact("Submitted", stamp(task.submitted_at))
    if task.finished_at:
        yield fact("Finished", stamp(task.finished_at))
    if task.cancel_asked:
        is_waiting = task.status in (Status.QUEUED, Status.UNCONFIRMED)
        state = "it is sent once the task id is known" if is_waiting else "not confirmed by the service"
        yield fact("Cancelling", (f"requested; {state}", "warn"))
    for label, text in (("Reason", task.reason), ("Note", task.note), ("Tags", ", ".join(task.tags))):
        if text:
            yield fact(label, mask(text, task, context))
    yield from _record_lines(task, context)
    if complete and not task.is_final and needs_answer(task):
        yield fact("Answered", ("not yet", "muted"))
    if task.earlier_number:
        text = f"#{task.earlier_number}{f' ({earlier.status})' if earlier else ''} has the same email and kind"
        yield fact("Earlier", (text, "warn"), (f"  {context.key('earlier')}", "key"), " shows it")
    if later is not None:
        yield fact("Later", (f"#{later.number} ({later.status}) has the same email and kind", "warn"))
    if task.resubmit_of:
        yield fact("Resubmit", f"of #{task.resubmit_of}")
    if task.resubmitted_as:
        yield fact("Resubmit", f"as #{task.resubmitted_as}")


def _record_lines(task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield what the operators have recorded."""
    if task.assigned_to:
        yield fact("Assignee", task.assigned_to)
    if task.verification:
        on, by, how = task.verification.on, task.verification.by, task.verification.how
        yield fact("Verified", mask(f"{on} by {by}{how and f': {how}'}", task, context))  # a purge removes how
    if task.inquired_on:
        replied = f"; replied on {task.replied_on}" if task.replied_on else "; no reply yet"
        yield fact("Inquired", f"{task.inquired_on}{replied}")
    if task.extended_on:
        yield fact("Extended", task.extended_on.isoformat())
    yield from _decline_lines(task, context)
    if task.answered_on:
        how = f"  {mask(task.answered_how, task, context)}" if task.answered_how else ""
        yield fact("Answered", (task.answered_on.isoformat(), "good"), (how, "plain"))
        if task.answered_in_part is not None:
            yield fact("In part", mask(task.answered_in_part or "the reason was purged", task, context))
    elif task.is_final and task.declined_on is None and needs_answer(task):
        yield fact("Answered", *offer(("not yet", "warn"), "  ", "answer", " records the answer", context))
    limit = acknowledgement_deadline(task.regulation, task.received_on)
    if task.acknowledged_on:
        yield fact("Receipt", f"acknowledged on {task.acknowledged_on}")
    elif limit is not None and task.declined_on is None and needs_answer(task):
        yield fact(
            "Receipt by",
            (str(limit), "warn"),
            *offer((f"  {format_due(limit, context.today)}", "muted"), "  ", "acknowledge", " records it", context),
        )


def _decline_lines(task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    """Yield the decline and the appeal against it."""
    if task.declined_on is not None:
        waits = "  if it is checked before" if TO_CHECK in task.tags else "  once"
        waits = "" if task.status == Status.DECLINED else f"{waits} the cancellation is confirmed"
        text = f": {mask(task.decline_text, task, context)}" if task.decline_text else ""
        yield fact("Declined", f"on {task.declined_on}, {task.decline_reason}", (text, "muted"), (waits, "warn"))
    if task.appealed_on is not None:
        outcome: list[StyledText] = [("  upheld" if task.is_appeal_upheld else "  not upheld", "muted")]
        if task.is_appeal_running:
            outcome = offer((f"  answer by {task.due_on}", "warn"), "  ", "appeal", " records it", context)
        answered = f", answered on {task.appeal_answered_on}" if task.appeal_answered_on else ""
        yield fact("Appeal", f"received on {task.appealed_on}{answered}", *outcome)


def timeline_lines(
    task: Task, events: Sequence[TimelineEvent], context: DisplayContext, *, with_dates: bool = False
) -> Iterator[list[StyledText]]:
    """Yield the timeline, the newest line first; with `with_dates` each line has date and time in full."""
    stamps = [stamp(event.at) if with_dates else clock_time(event.at, context.today) for event in events]
    width = max(map(len, stamps), default=0)
    for event, at in zip(reversed(events), reversed(stamps), strict=True):
        line = [(f"{at:<{width}}  ", "muted"), HANGING_INDENT]
        if event.what != EventKind.STATUS:
            line.append((f"{label_of(event.what)}  ", "plain"))
        if event.after:
            change = f"{event.before} → {event.after}" if event.before else event.after
            due = "due " if event.moves_due_date else ""
            line.append((f"{due}{change}  ", status_role(event.after)))
        if event.detail and event.detail != task.task_id and event.what != EventKind.DOWNLOADED:
            line.append((f"{mask(detail_text(event) or '', task, context)}  ", "muted"))
        if event.actor != SERVICE:
            line.append((f"by {event.actor}", "muted"))
        yield line


def _due_texts(task: Task, due: date, context: DisplayContext) -> Iterator[StyledText]:
    yield due.isoformat(), "plain"
    if needs_answer(task):
        days = (due - context.today).days
        role = "bad" if days < 0 else "warn" if days <= DUE_SOON_DAYS else "muted"
        yield f"  {format_due(due, context.today)}", role


def _hold_line(task: Task, days: int, context: DisplayContext) -> list[StyledText]:
    is_held = task.status == Status.ON_HOLD
    until = f"  until {stamp(task.submitted_at + days * context.service_day)}" if task.submitted_at and is_held else ""
    return fact("Hold", counted(days, "day"), (until, "held"))


def _completion_line(task: Task, context: DisplayContext, *, complete: bool) -> Iterator[list[StyledText]]:
    """Yield when the service finishes a deletion or what may be late; if `complete`, whatever it has to finish."""
    last, late = latest_service_end(task, context.today), may_be_late(task, context.today)
    is_sent = task.submitted_at is not None and not task.is_final
    will_end = is_sent or needs_answer(task)
    is_known = task.email and not task.is_task_id_unknown  # one that is tracked has its email by a poll
    if (
        last is not None
        and will_end
        and (late or (is_known and (complete or (is_sent and task.holding_period is not None))))
    ):
        condition = "" if is_sent else " if it starts today"
        yield fact("Completes", f"by {last}{condition}", (", after the due date" if late else "", "warn"))


def _result_lines(task: Task, context: DisplayContext) -> Iterator[list[StyledText]]:
    download = task.download
    match download.state if download else None:
        case _ if task.is_purged:
            purged = "purged; where the file was saved is no longer known" if task.was_downloaded else "none"
            yield fact("Download", (purged, "muted"))
        case DownloadState.DONE if download:
            is_gone = download.id in context.gone_results
            path = mask(download.path or "", task, context)
            if is_gone:
                gone = (" is gone or changed", "warn")
                can_download = task.status == Status.COMPLETED
                again = offer(gone, "; ", "download", " downloads it again", context) if can_download else [gone]
                yield fact("Downloaded", (path, "muted"), *again)
            else:
                yield fact("Downloaded", (path, "good"))
            yield fact("sha256", download.sha256 or "", (f"  {format_size(download.bytes)}", "muted"))
            for remark in download.remarks:
                yield fact("Remark", (mask(remark, task, context), "warn"))
            if not is_gone:
                yield fact("Archive", (context.key("archive"), "key"), " browses it")
        case DownloadState.FAILED if download:
            yield fact("Download", (mask(f"failed: {download.trouble or 'no file'}", task, context), "bad"))
        case DownloadState.QUEUED | DownloadState.RUNNING if download:
            if download.paused:
                yield fact("Download", ("paused; ", "held"), (context.key("downloads"), "key"), " shows the downloads")
            else:
                is_under_way = download.state == DownloadState.RUNNING and not download.awaits_retry(context.now)
                state = "under way" if is_under_way else "waiting"
                state = f"{state}: {download.trouble}" if download.trouble else state
                yield fact("Download", (mask(state, task, context), "warn" if download.trouble else "busy"))
        case _:
            state = "cancelled" if download else "ready"
            yield fact("Download", *offer((state, "good"), "; ", "download", " starts it", context))
