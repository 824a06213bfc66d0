"""Record notes, tags, assignees and what the law asks for; nothing of it is sent anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from bwp_tui.domain.deadlines import (
    acknowledgement_deadline,
    appeal_deadline,
    extension_limit,
    is_clock_running,
    is_clock_stopped,
    statutory_due_date,
    task_due_date,
)
from bwp_tui.domain.regulations import REGULATIONS, stored_names
from bwp_tui.domain.statuses import Status, has_ended
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.domain.times import iso_day
from bwp_tui.store.commands.request_validation import Refusal, refuse
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.row_mapping import tags_text
from bwp_tui.store.queries.timeline import EventKind


class TaskPart(StrEnum):
    """A part of a task that undo puts back, as a sentence names it; so does each `LegalRecord`."""

    NOTE = "note"
    TAGS = "tags"
    ASSIGNMENT = "assignment"
    RECEIPT = "receipt and regulation"


@dataclass(frozen=True, slots=True)
class Edit:
    """One task in an open transaction, and who changes it on which day.

    What changes it raises NoSuchTask where there is no such task.
    """

    transaction: Transaction
    store: Store
    number: int
    actor: str
    today: date

    @property
    def task(self) -> Task:
        """The task as it is now."""
        return tasks.get(self.store, self.number)

    def set(self, **columns: str | int | None) -> None:
        """Write columns of the task's row. Raises NotPossible for a purged task: it is closed."""
        refuse(cannot_change_purged(self.task))
        update_task(self.transaction, self.number, **columns)

    def add_event(
        self, what: EventKind, detail: str | None = None, moved: tuple[date | None, date | None] = (None, None)
    ) -> None:
        """Add an event to the task's timeline; `moved` is its due date before and after."""
        before, after = (None, None) if moved[0] == moved[1] else (iso_day(moved[0]), iso_day(moved[1]))
        timeline.append(self.transaction, self.number, self.actor, what, before=before, after=after, detail=detail)
        update_task(self.transaction, self.number)


def note(edit: Edit, text: str, *, replace: bool = False) -> None:
    """Add a note, which the task's row then shows; earlier notes stay on the timeline.

    Args:
        replace: whether the text replaces the note that is shown; an empty text then removes it.

    Raises:
        NotPossible: there is no text.
    """
    line = clean_line(text)
    if not (line or replace):
        raise NotPossible("A note needs a text.")
    if edit.task.note == line and replace:
        return
    edit.set(note=line)
    edit.add_event(EventKind.NOTE if line else EventKind.NOTE_REMOVED, line or None)


def tag(edit: Edit, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
    """Add tags to a task and remove others, whatever the case of their letters."""
    set_tags(edit, changed_tags(edit.task, add, remove))


def set_tags(edit: Edit, tags: Iterable[str]) -> None:
    """Give a task these tags and no others."""
    before = edit.task.tags
    after = tuple(dict.fromkeys(tag for tag in map(clean_line, tags) if tag))
    if after == before:
        return
    edit.set(tags=tags_text(after))
    changes = [*(f"+{tag}" for tag in after if tag not in before), *(f"-{tag}" for tag in before if tag not in after)]
    edit.add_event(EventKind.TAGS, " ".join(changes) or "put in another order")


def changed_tags(task: Task, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of task with some added and some removed, whatever the case of their letters."""
    gone = {clean_line(tag).casefold() for tag in remove}
    kept = [tag for tag in task.tags if tag.casefold() not in gone]
    known = {tag.casefold() for tag in kept}
    return (*kept, *dict.fromkeys(tag for tag in map(clean_line, add) if tag and tag.casefold() not in known))


def verify(edit: Edit, how: str, by: str = "", on: date | None = None) -> None:
    """Record how the identity of the person who asks was verified. A second record replaces the first.

    It is also the reply to an inquiry that awaits one.

    Args:
        by: who verified it; the actor where it is empty.
        on: the day on which it was verified; today where it is None.

    Raises:
        NotPossible: it does not say how.
    """
    how, by, day = clean_line(how), clean_line(by) or edit.actor, on or edit.today
    if not how:
        raise NotPossible("A verification must say how it was made.")
    task = edit.task
    is_reply = task.inquired_on is not None and task.replied_on is None and task.inquired_on <= day
    due = task_due_date(replace(task, replied_on=day)) if is_reply else task.due_on
    reply = {"replied_on": day.isoformat(), "due_on": iso_day(due)} if is_reply else {}
    edit.set(verified_on=day.isoformat(), verified_by=by, verified_how=how, **reply)
    edit.add_event(EventKind.VERIFIED, f"on {day} by {by}: {how}", (task.due_on, due))


def cannot_verify_in_bulk(task: Task) -> str | None:
    """Return why a bulk plan records no verification of `task`, or None when it does: it replaces none."""
    if task.verification is not None:
        sentence = f"The identity for {task.name} was already verified on {task.verification.on}."
        return Refusal("verified already", sentence)
    return cannot_change_purged(task)


def assign(edit: Edit, assignee: str | None) -> None:
    """Record the assignee of a task; None is nobody."""
    name = clean_line(assignee or "") or None
    if edit.task.assigned_to == name:
        return
    edit.set(assigned_to=name)
    edit.add_event(EventKind.ASSIGNED, f"to {name}" if name else "to nobody")


def acknowledge(edit: Edit, on: date | None = None) -> None:
    """Record that receipt of the request was confirmed to the shopper; another day corrects the recorded one.

    Args:
        on: the day on which it was confirmed; today where it is None.

    Raises:
        NotPossible: that day is recorded already, or is before the request was received.
    """
    task, day = edit.task, on or edit.today
    before = task.acknowledged_on
    refuse(cannot_acknowledge_in_bulk(task) if day == before else None)
    refuse(refused_day(task, day))
    edit.set(acknowledged_on=day.isoformat())
    limit = acknowledgement_deadline(task.regulation, task.received_on)
    edit.add_event(EventKind.ACKNOWLEDGED, f"on {day}{late_clause(day, limit)}{corrected_clause(before)}")


def corrected_clause(before: date | None) -> str:
    """Return which recorded day a new one corrects, as a clause; empty where none was recorded."""
    return "" if before is None else f", corrected from {before}"


def late_clause(day: date, limit: date | None) -> str:
    """Return by how much something done on a day was late, as a clause; empty where it was not."""
    return f", {counted((day - limit).days, 'day')} late" if limit is not None and day > limit else ""


def cannot_watch(task: Task) -> str | None:
    return f"Task {task.name} has ended: {task.status}." if has_ended(task.status) else None


def cannot_acknowledge_in_bulk(task: Task) -> str | None:
    """Return why a bulk plan does not acknowledge receipt of `task`, or None when it does: it corrects no record."""
    if task.acknowledged_on is not None:
        sentence = f"Receipt of {task.name} was already acknowledged on {task.acknowledged_on}."
        return Refusal("acknowledged already", sentence)
    return cannot_change_purged(task)


def refused_day(task: Task, day: date) -> Refusal | None:
    """Return why nothing can have been said to the shopper on that day, or None when it can."""
    if day >= task.received_on:
        return None
    return Refusal("received after that day", f"Task {task.name} was received on {task.received_on}, after {day}.")


def extend(edit: Edit, reason: str) -> None:
    """Record that the shopper was told, today and with the reason, that the answer takes longer.

    Raises:
        NotPossible: `cannot_extend` says why, or there is no reason.
    """
    why = clean_line(reason)
    if not why:
        raise NotPossible("An extension needs the reason that the shopper is told.")
    task = edit.task
    refuse(cannot_extend(task, edit.today))
    due = extended_due(task)
    if due is None:
        raise NotPossible(_no_deadline(task))
    edit.set(due_on=due.isoformat(), extended_on=edit.today.isoformat())
    edit.add_event(EventKind.EXTENDED, why, (task.due_on, due))


def correct(edit: Edit, received: date | None = None, regulation: str | None = None) -> None:
    """Correct the day of receipt or the regulation of a task, which moves its due date; None leaves one as it is.

    Raises:
        NotPossible: `refused_correction` says why.
    """
    task = edit.task
    day, law = received or task.received_on, regulation or task.regulation
    refuse(refused_correction(task, day, law))
    due = corrected_due(task, day, law)
    edit.set(received_on=day.isoformat(), regulation=law, due_on=iso_day(due))
    changes = [("received", str(task.received_on), str(day)), ("law", task.regulation, law)]
    detail = ", ".join(f"{what} {before} → {after}" for what, before, after in changes if before != after)
    edit.add_event(EventKind.CORRECTED, detail, (task.due_on, due))


def refused_correction(task: Task, received_on: date, regulation: str) -> Refusal | None:
    """Return why day of receipt and regulation cannot be these, or None when they can."""
    if why_not := cannot_change_purged(task):
        return Refusal("purged", why_not)
    if task.resubmitted_as is not None:
        sentence = f"Task {task.name} was resubmitted as #{task.resubmitted_as}; correct that one."
        return Refusal("resubmitted already", sentence)
    if received_on == task.received_on and task.regulation in stored_names(regulation):
        sentence = f"Task {task.name} was received on {received_on} under {regulation} already."
        return Refusal("received then under that law already", sentence)
    if (first := task.acknowledged_on) is not None and first < received_on:
        sentence = f"Receipt of {task.name} was acknowledged on {first}; withdraw or correct that first."
        return Refusal("acknowledged before that day", sentence)
    if (first := task.inquired_on) is not None and first < received_on:
        sentence = f"The shopper of {task.name} was asked on {first}; withdraw that inquiry first."
        return Refusal("asked before that day", sentence)
    if (first := task.declined_on) is not None and first < received_on:
        sentence = f"{task.name} was declined on {first}; withdraw that first."
        return Refusal("declined before that day", sentence)
    if task.appealed_on is not None and regulation != task.regulation:
        # A row that was rebuilt from its timeline has an appeal, but has lost its law.
        if appeal_deadline(task.regulation, task.appealed_on) is not None:
            sentence = f"An appeal of {task.name} under {task.regulation} is recorded; withdraw that first."
            return Refusal("appealed under another law", sentence)
        if appeal_deadline(regulation, task.appealed_on) is None:
            sentence = f"An appeal of {task.name} is recorded, and {regulation} knows none; withdraw that first."
            return Refusal("without appeal by law", sentence)
    if (first := task.answered_on) is not None and first < received_on:
        sentence = f"{task.name} was answered on {first}; withdraw or correct that first."
        return Refusal("answered before that day", sentence)
    if task.extended_on is not None:
        corrected = replace(task, regulation=regulation, received_on=received_on)
        if task.inquired_on is not None and task.replied_on is None:  # an extension was told before the stop
            corrected = replace(corrected, inquired_on=None)
        limit = extension_limit(corrected)
        if limit is None:
            sentence = f"Task {task.name} is extended, which {regulation} does not allow; withdraw the extension first."
            return Refusal(f"extended, which {regulation} does not allow", sentence)
        if task.extended_on > limit:
            told = f"the shopper was told of the extension on {task.extended_on}, after {limit}"
            sentence = f"If {task.name} was received on {received_on}, {told}: too late. Withdraw the extension first."
            return Refusal("extended too late for that day", sentence)
    try:
        statutory_due_date(regulation, received_on, extended=task.extended_on is not None)
    except (ValueError, OverflowError):
        sentence = f"{received_on} is too near the end of the calendar to have a due date."
        return Refusal("without due date in the calendar", sentence)
    return None


def corrected_due(task: Task, received_on: date, regulation: str) -> date | None:
    """Return when task would be due if it had been received on that day under that law."""
    return task_due_date(replace(task, regulation=regulation, received_on=received_on))


def cannot_extend(task: Task, today: date) -> str | None:
    """Return why the due date of task cannot be extended today, or None when it can.

    Once, and only while the shopper can still be told in time (`deadlines.extension_limit`).
    """
    if task.extended_on is not None:
        sentence = f"Task {task.name} was extended on {task.extended_on}; the law allows that once."
        return Refusal("extended already", sentence)
    if task.resubmitted_as is not None:
        sentence = f"Task {task.name} was resubmitted as #{task.resubmitted_as}; extend that one."
        return Refusal("resubmitted already", sentence)
    if task.declined_on is not None or task.status == Status.DECLINED:
        sentence = f"Task {task.name} was declined: nothing is left to be extended."
        law = REGULATIONS.get(task.regulation)
        if task.is_appeal_running and law is not None and law.appeal_extension_days is not None:
            more = f"{law.appeal_extension_days} days under {law.id}"
            sentence = f"The extension of an appeal ({more}) is not counted here: note it on {task.name}."
        return cannot_change_purged(task) or sentence
    if not is_clock_running(task):
        state = f"was answered on {task.answered_on}" if task.answered_on else f"is {task.status}"
        return cannot_change_purged(task) or f"Task {task.name} {state}: nothing is left to be extended."
    if is_clock_stopped(task):
        since = f"The clock of {task.name} has been stopped since {task.inquired_on}"
        return Refusal("awaiting a reply", f"{since}; extend it once the reply is recorded.")
    limit = extension_limit(task)
    if limit is None:
        return _no_deadline(task)
    if today > limit:
        source = REGULATIONS[task.regulation].source
        sentence = f"The shopper of {task.name} had to be told of an extension by {limit} ({source})."
        return Refusal("too late to be extended", sentence)
    return None


def extended_due(task: Task) -> date | None:
    """Return the day by which the shopper of an extended task must be answered, or None where no law sets one."""
    return task_due_date(replace(task, extended_on=task.extended_on or date.max))  # the due date asks only for a day


def _no_deadline(task: Task) -> Refusal:
    return Refusal("without deadline", f"Task {task.name} has no legal deadline that could be extended.")
