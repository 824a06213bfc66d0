"""Record answers to shoppers, which stop the legal clock; withdraw records of what the law asks for."""

from __future__ import annotations

from datetime import date
from typing import Any

from bwp_tui.domain.deadlines import due_if_replied, is_clock_stopped, late_clause, needs_answer
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import iso_day, local_day
from bwp_tui.store.commands.legal_records import (
    cannot_change_declined,
    cannot_change_records,
    cannot_change_resubmitted,
    cannot_record_on,
    corrected_clause,
    with_due_date,
)
from bwp_tui.store.commands.request_validation import Reason, refuse
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import EventKind, LegalRecord


def answer(edit: TaskEdit, how: str, on: date | None = None, in_part: str | None = None) -> None:
    """Record how the shopper was answered. Another record replaces the first.

    `on` is the day, today where it is None; `in_part` is what the answer left out and why, None if nothing.
    """
    task, day, text, left_out = edit.task, on or edit.today, clean_line(how), clean_line(in_part or "")
    if not text:
        raise NotPossible("An answer must say how it was given.")
    refuse(cannot_answer(task) or cannot_record_on(task, day))
    if (task.answered_on, task.answered_how, task.answered_in_part or "") == (day, text, left_out):
        raise NotPossible(f"This answer of {task.name} was already recorded for {day}.")
    due = due_if_replied(task, day) if is_clock_stopped(task) else task.due_on
    edit.set(answered_on=day.isoformat(), answered_how=text, answered_in_part=left_out or None, due_on=iso_day(due))
    part = f"; in part: {left_out}" if left_out else ""
    detail = f"on {day}{late_clause(day, due)}{corrected_clause(task.answered_on)}: {text}{part}"
    edit.add_event(EventKind.ANSWERED, detail, (task.due_on, due))


def cannot_answer(task: Task) -> str | None:
    return cannot_change_resubmitted(task) or cannot_change_declined(task) or cannot_change_purged(task)


def cannot_answer_in_bulk(task: Task) -> str | None:
    """Return why no answer is recorded for task where many are answered at once, or None when one is."""
    if task.answered_on is not None:
        return Reason("answered already", f"Task {task.name} was already answered on {task.answered_on}.")
    if needs_answer(task):
        return cannot_answer(task)
    return cannot_answer(task) or f"Task {task.name} is {task.status}: nobody waits for an answer."


def answer_day_warning(task: Task, day: date | None) -> Reason | None:
    """Return why the shopper was probably not answered on a day (None is today), or None."""
    is_unconfirmed = task.status == Status.UNCONFIRMED
    if task.is_never_sent or (is_unconfirmed and not task.may_have_started):
        return Reason("not sent yet", f"Task {task.name} has not been sent to the service yet.")
    if is_unconfirmed or task.awaits_response:
        return Reason("perhaps not sent", f"Whether {task.name} was sent to the service is not known.")
    sent_on = task.submitted_at and local_day(task.submitted_at)
    if sent_on is not None and day is not None and day < sent_on:
        return Reason("sent after that day", f"Task {task.name} was sent to the service on {sent_on}, after {day}.")
    if not task.is_final:
        sentence = f"Task {task.name} is {task.status}: it has not ended, and if it fails, the answer is withdrawn."
        return Reason("not ended yet", sentence)
    return None


def answer_warning(task: Task, day: date | None, in_part: str | None) -> Reason | None:
    """Return why another answer of a task is probably a mistake, or None."""
    if task.answered_in_part and not in_part:
        sentence = f"Task {task.name} was answered in part on {task.answered_on}: this says that it was in whole."
        return Reason("answered in part", sentence)
    return answer_day_warning(task, day)


def withdraw(edit: TaskEdit, record: LegalRecord) -> None:
    """Withdraw a record. It counts no longer; the timeline keeps its content."""
    task = edit.task
    refuse(cannot_withdraw(task, record) or cannot_remove_while_sending(edit.store, task, record))
    after, was = without_record(task, record), f"was on {recorded_on(task, record)}"
    if record is LegalRecord.VERIFICATION and task.verification:
        was = f"{was} by {task.verification.by}: {task.verification.how}"
    elif record is LegalRecord.INQUIRY and task.replied_on:
        was = f"{was}, replied on {task.replied_on}"
    elif record is LegalRecord.ANSWER:
        was = f"{was}: {task.answered_how}"
    if task.due_on is not None and is_clock_stopped(after):
        was = f"{was}; the clock is stopped from {task.inquired_on}"
    edit.set(**dict.fromkeys(timeline.RECORD_COLUMNS[record]), due_on=iso_day(after.due_on))
    edit.add_event(EventKind(f"{record} withdrawn"), was, (task.due_on, after.due_on))


def cannot_remove_while_sending(store: Store, task: Task, record: LegalRecord) -> str | None:
    """Return why a record cannot be taken from a task: a request is about to be sent because of it; else None."""
    is_to_be_sent = task.awaits_response or task.status == Status.UNAPPROVED
    if record is not LegalRecord.VERIFICATION or not is_to_be_sent:
        return None
    if all(event.what != EventKind.SEND_REQUESTED for event in timeline.of_task(store, task.number)):
        return None
    return f"{task.name} is about to be sent as verified: cancel it before you withdraw that."


def without_record(task: Task, record: LegalRecord) -> Task:
    """Return a task as it is once a record is withdrawn: without its days, and with the due date that follows."""
    days: dict[str, Any] = {
        column: None for column in timeline.RECORD_COLUMNS[record] if column.endswith("_on") and column in Task._fields
    }
    without = task._replace(**days)
    moves = record in (LegalRecord.EXTENSION, LegalRecord.INQUIRY, LegalRecord.REPLY, LegalRecord.APPEAL)
    if moves or (record is LegalRecord.ANSWER and task.inquired_on is not None):  # an answer may have ended a stop
        return with_due_date(without)
    return without


def cannot_withdraw(task: Task, record: LegalRecord) -> str | None:
    if record is LegalRecord.APPEAL and task.is_appeal_upheld and task.was_resubmitted:
        sentence = f"The appeal of {task.name} was upheld and the request resubmitted, so that it cannot be withdrawn."
        return Reason("resubmitted already", sentence)
    if record not in records_of(task):
        return Reason(f"without {record}", f"No {record} of {task.name} is recorded.")
    if timeline.RECORD_COLUMNS[record][0] in INHERITED_COLUMNS.split(", "):
        return cannot_change_records(task)
    return cannot_change_purged(task)


def recorded_on(task: Task, record: LegalRecord) -> date | None:
    """Return the day for which a record of task is made, or None where there is none."""
    if record is LegalRecord.VERIFICATION:
        return task.verification.on if task.verification else None
    day: date | None = getattr(task, timeline.RECORD_COLUMNS[record][0])
    return day


def records_of(task: Task) -> tuple[LegalRecord, ...]:
    """Return the records of task that can be withdrawn."""
    return tuple(record for record in LegalRecord if recorded_on(task, record) is not None)
