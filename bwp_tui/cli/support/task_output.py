"""Format tasks as text and as JSON."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import partial

from bwp_tui.actions.legal_operations import VERIFY
from bwp_tui.actions.service_operations import APPROVE, RESUBMIT, SEND
from bwp_tui.actions.settlements import SETTLEMENTS
from bwp_tui.cli.support.context import today
from bwp_tui.cli.support.streams import AS_SENTENCES, wrapped
from bwp_tui.cli.support.table import table
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.deadlines import (
    acknowledgement_deadline,
    done_by,
    due_if_replied,
    due_label,
    is_clock_stopped,
    is_late,
    needs_answer,
)
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.regulations import REGULATIONS, not_in_force_warning
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Task, TimelineEvent, newest_problem
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.domain.times import (
    format_due,
    format_duration,
    minute_stamp,
    stamp,
    utc_now,
)
from bwp_tui.store.queries.saved_results import is_gone
from bwp_tui.store.queries.task_record import task_record

_CLI_USAGES = {
    operation.name: f"bwp-tui {operation.cli_usage}" for operation in (RESUBMIT, SEND, APPROVE, VERIFY, *SETTLEMENTS)
}
_HEADINGS = ("#", "TASK", "KIND", "EMAIL", "STATUS", "SUBMITTED", "AGE", "DUE", "NOTE")
_EXPENDABLE = ("SUBMITTED", "AGE", "TASK", "KIND")


def print_json(value: object) -> None:
    """Print JSON in ASCII, which is safe for every terminal and encoding."""
    print(json.dumps(value, indent=2))


def print_result(arguments: Namespace, record: object, lines: Iterable[str]) -> None:
    """Print what a command found: as JSON where that is asked for, else as lines."""
    if arguments.json:
        print_json(record)
    elif text := "\n".join(lines):
        print(text)


def print_tasks(shown: Sequence[Task], *, as_json: bool, mask: bool = False) -> None:
    """Print tasks after an action: a line each, or as JSON one object or an array."""
    if as_json:
        records = [task_record(task, mask=mask) for task in shown]
        print_json(records[0] if len(records) == 1 else records)
        return
    for task in shown:
        print(task_sentence(task, utc_now(), today()) if AS_SENTENCES.get() else task_line(task))


def task_line(task: Task) -> str:
    """Return a task as one line, with its email masked."""
    parts = (f"#{task.number}", task.task_id or "-", task.kind_name, task.subject(masked=True), _status(task))
    return "  ".join(clean_line(part) for part in parts)


def _status(task: Task) -> str:
    rest = ", cancelling" if task.cancel_asked else f", to {task.next_step}" if task.next_step else ""
    return f"{task.status}{rest}"


def task_sentence(task: Task, now: datetime, today: date, *, unmask: bool = False) -> str:
    """Return a task as one sentence, for screen readers, and why its last call failed as another."""
    parts = [f"Number {task.number}, {task.kind_name} for {task.subject(masked=not unmask)}: {_status(task)}"]
    parts += [error.code for error in task.errors if error.code]
    if task.is_purged:
        parts.append("purged")
    elif task.download is not None:
        parts.append("result gone from disk" if is_gone(task.download) else f"download {task.download.state}")
    elif task.kind is Kind.RETRIEVAL and task.status == Status.COMPLETED:
        parts.append("ready to download")
    parts.append(f"{format_duration(task.age(now))} old")
    if task.due_on is not None and needs_answer(task):
        parts.append(f"due {task.due_on}, {format_due(task.due_on, today)}")
    elif is_clock_stopped(task):
        parts.append(f"its clock has been stopped since {task.inquired_on}")
    if (last := done_by(task, today)) is not None and is_late(task, today):
        parts.append(f"done by {last}, after the due date")
    if task.answered_on is not None:
        parts.append(f"answered on {task.answered_on}")
    parts += [text for _, text in _decline_facts(task) if text]
    parts += [f"{label} {text}" for label, text in (("assigned to", task.assigned_to), ("note", task.note)) if text]
    if task.tags:
        parts.append(f"tags {' and '.join(task.tags)}")
    sentence = f"{', '.join(parts)}.{f' {task.trouble}' if task.trouble else ''}"
    return wrapped(_masked(sentence, task, unmask=unmask))


def table_lines(shown: Sequence[Task], now: datetime, today: date, *, unmask: bool) -> list[str]:
    rows = [_cells(task, now, today, unmask=unmask) for task in shown]
    return table(_HEADINGS, rows, expendable=_EXPENDABLE)


def _cells(task: Task, now: datetime, today: date, *, unmask: bool) -> tuple[str, ...]:
    cells = (
        str(task.number),
        task.task_id[:8] if task.task_id else "-",
        task.kind_name,
        task.subject(masked=not unmask),
        f"{task.status} {task.next_step}".rstrip(),
        minute_stamp(task.submitted_at) if task.submitted_at is not None else "-",
        format_duration(task.age(now)),
        due_label(task, today) or "-",
        ", ".join(text for text in (newest_problem(task), task.note) if text),
    )
    return cells if unmask else tuple(mask_task_text(cell, task) for cell in cells)


def _masked(text: str, task: Task, *, unmask: bool) -> str:
    return clean_line(text if unmask else mask_task_text(text, task))


def detail_lines(
    task: Task,
    events: Sequence[TimelineEvent],
    now: datetime,
    today: date,
    *,
    unmask: bool,
    next_try: str | None = None,
) -> list[str]:
    """Return the details and the timeline of a task as lines; `next_try` is when its waiting request is sent."""
    facts = [(name, value) for name, value in _facts(task, now, today, next_try) if value]
    facts += [("error", f"{error.code}: {error.message}" if error.code else error.message) for error in task.errors]
    code = task.errors[0].code if task.errors else None
    if advice := advice_for(task, code, lambda action: _CLI_USAGES[action].replace("TASK", str(task.number))):
        facts.append(("what to do", advice))
    shown = partial(_masked, task=task, unmask=unmask)
    lines = [
        f"#{task.number}  {task.kind_name} for {shown(task.subject(masked=not unmask))}",
        *(f"{name:<15}{shown(value)}" for name, value in facts),
        "",
        "timeline",
        *(shown(_event_line(event)) for event in events),
    ]
    return [*map(wrapped, lines)]


def _facts(task: Task, now: datetime, today: date, next_try: str | None) -> list[tuple[str, str | None]]:
    submitted = None
    if task.submitted_at is not None:
        submitted = f"{stamp(task.submitted_at)} ({format_duration(now - task.submitted_at)} ago)"
    due, law = None, REGULATIONS.get(task.regulation)
    source = f"({law.id}: {law.citation})" if law else f"({task.regulation})"
    if task.due_on is not None:
        left = f", {format_due(task.due_on, today)}" if needs_answer(task) else ""
        due = f"{task.due_on}{left} {source}"
    elif is_clock_stopped(task):
        due = f"{due_if_replied(task, today)} if the reply came today; stopped since {task.inquired_on} {source}"
    last = done_by(task, today)
    return [
        ("task id", task.task_id),
        ("status", _status(task)),
        ("trouble", task.trouble),
        ("next try", next_try),
        ("submitted", submitted),
        ("updated", stamp(task.updated_at) if task.updated_at else None),
        ("polled", stamp(task.polled_at) if task.polled_at else None),
        ("received", task.received_on.isoformat()),
        ("due", due),
        ("warning", not_in_force_warning(task.regulation, task.received_on)),
        ("holding period", None if task.holding_period is None else counted(task.holding_period, "day")),
        ("done by", None if last is None else f"{last}{', after the due date' if is_late(task, today) else ''}"),
        ("reason", task.reason),
        ("note", task.note),
        ("tags", ", ".join(task.tags)),
        *_work_facts(task, today),
        ("earlier", f"#{task.earlier_number} has the same email and kind" if task.earlier_number else None),
        ("resubmitted", f"as #{task.resubmitted_as}" if task.resubmitted_as else None),
        ("resubmit of", f"#{task.resubmit_of}" if task.resubmit_of else None),
        *_download_facts(task),
    ]


def _work_facts(task: Task, today: date) -> list[tuple[str, str | None]]:
    verified = task.verification
    receipt = f"acknowledged on {task.acknowledged_on}" if task.acknowledged_on else None
    limit = acknowledgement_deadline(task.regulation, task.received_on) if needs_answer(task) else None
    if receipt is None and limit is not None:
        receipt = f"acknowledge by {limit} ({format_due(limit, today)})"
    return [
        ("assigned to", task.assigned_to),
        ("verified", f"on {verified.on} by {verified.by}: {verified.how}" if verified else None),
        ("receipt", receipt),
        ("inquired", f"on {task.inquired_on}" if task.inquired_on else None),
        ("replied", f"on {task.replied_on}" if task.replied_on else None),
        ("extended", f"on {task.extended_on}" if task.extended_on else None),
        ("answered", _answer(task)),
        *_decline_facts(task),
    ]


def _decline_facts(task: Task) -> list[tuple[str, str | None]]:
    """Return the decline and the appeal against it."""
    if task.declined_on is None:
        return []
    waits = "" if task.status == Status.DECLINED else ", once the cancellation is confirmed"
    outcome = "upheld" if task.is_appeal_upheld else "not upheld"
    answered = f"answered on {task.appeal_answered_on}, {outcome}" if task.appeal_answered_on else "not answered yet"
    return [
        ("declined", f"declined on {task.declined_on}{waits}, {task.decline_reason}: {task.decline_text or ''}"),
        ("appeal", f"appeal received on {task.appealed_on}, {answered}" if task.appealed_on else None),
    ]


def _answer(task: Task) -> str | None:
    if task.declined_on is not None:
        return None
    if task.answered_on is None:
        return f"not yet; bwp-tui answer {task.number} --how TEXT" if task.is_final and needs_answer(task) else None
    part = "" if task.answered_in_part is None else f"; in part: {task.answered_in_part or 'the reason was purged'}"
    return f"on {task.answered_on}{f': {task.answered_how}' if task.answered_how else ''}{part}"


def _download_facts(task: Task) -> list[tuple[str, str | None]]:
    download = task.download
    if download is None:
        return []
    gone = f" is gone; bwp-tui download {task.number} fetches it again" if is_gone(download) else ""
    total = "" if download.total is None else f" of {download.total}"
    return [
        ("download", f"{download.state}, {download.bytes}{total} bytes"),
        ("file", download.path and f"{download.path}{gone}"),
        ("sha256", download.sha256),
        ("trouble", download.trouble),
        *(("remark", remark) for remark in download.remarks),
    ]


def _event_line(event: TimelineEvent) -> str:
    change = f" {event.before or '-'} → {event.after}" if event.after else ""
    if change and AS_SENTENCES.get():
        change = f" from {event.before} to {event.after}" if event.before else f" as {event.after}"
    detail = f": {event.detail}" if event.detail else ""
    return f"{stamp(event.at)} {event.what}{change} by {event.actor}{detail}"
