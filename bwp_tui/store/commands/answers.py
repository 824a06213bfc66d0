"""Record when and how shoppers were answered, which stops the legal clock, and the copies made of their results."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bwp_tui.domain.deadlines import is_clock_running
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Kind, Task, cannot_change_purged
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import local_day
from bwp_tui.store.commands.records import Edit, Refusal, late_clause, refused_day
from bwp_tui.store.commands.request_validation import refuse
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.shared_sql import set_revision
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import EventKind


def answer(edit: Edit, how: str, on: date | None = None) -> None:
    """Record how the shopper was answered. A second record replaces the first.

    Args:
        on: the day on which the shopper was answered; today where it is None.

    Raises:
        NotPossible: `cannot_answer` says why, it does not say how, or the request was received after that day.
        NoSuchTask: there is no such task.
    """
    task, day, text = edit.task, on or edit.today, clean_line(how)
    if not text:
        raise NotPossible("An answer must say how it was given.")
    refusal = refused_day(task, day)
    refuse(cannot_answer(task) or (refusal and refusal.sentence))
    edit.set(answered_on=day.isoformat(), answered_how=text)
    corrected = "" if task.answered_on is None else f", corrected from {task.answered_on}"
    edit.add_event(EventKind.ANSWERED, f"on {day}{late_clause(day, task.due_on)}{corrected}: {text}")


def cannot_answer(task: Task) -> str | None:
    """Return why no answer of task can be recorded, or None when one can."""
    if task.resubmitted_as is not None:
        return f"Task {task.name} was resubmitted as #{task.resubmitted_as}; answer that one."
    return cannot_change_purged(task)


def needs_no_answer(task: Task) -> str | None:
    """Return why no answer is recorded for task where many are answered at once, or None when one is."""
    if task.answered_on is not None:
        return f"Task {task.name} was already answered on {task.answered_on}."
    if is_clock_running(task):
        return None
    return cannot_answer(task) or f"Task {task.name} is {task.status}: nobody waits for an answer."


def doubtful_answer(task: Task, day: date | None) -> Refusal | None:
    """Return why the shopper was probably not answered on a day (None is today), or None."""
    if task.submitted_at is None:
        return Refusal("not sent yet", f"Task {task.name} has not been sent to the service yet.")
    sent_on = local_day(task.submitted_at)
    if day is None or day >= sent_on:
        return None
    return Refusal("sent after that day", f"Task {task.name} was sent to the service on {sent_on}, after {day}.")


def cannot_open_result(task: Task) -> str | None:
    """Return why there is no saved result to open, or None when there is."""
    if why_not := cannot_change_purged(task):
        return why_not
    if task.kind is Kind.DELETION:
        return "A deletion has no result."
    if task.download is None or task.download.state != DownloadState.DONE or task.download.path is None:
        return f"The result of {task.name} is not saved yet; download it first."
    return None


def record_unpacked(store: Store, number: int, folder: Path, actor: str) -> None:
    """Record that the result of task `number` was unpacked into `folder`."""
    _append(store, number, actor, EventKind.UNPACKED, str(folder))


def record_packed(store: Store, number: int, path: Path, recipient: str, sha256: str, actor: str) -> None:
    """Record that a copy of the result, encrypted for `recipient`, was written to `path`; `sha256` is the copy's."""
    _append(store, number, actor, EventKind.PACKED, f"{path} for {recipient} (sha256 {sha256})")


def _append(store: Store, number: int, actor: str, what: EventKind, detail: str) -> None:
    with store.write() as transaction:
        timeline.append(transaction, number, actor, what, detail=detail)
        set_revision(transaction, number)
