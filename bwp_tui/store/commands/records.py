"""What the office does about a task, none of it sent anywhere: notes, tags, who has it, what the shopper was told.

A name with `_in` works in a transaction of the history that is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from bwp_tui.domain.deadlines import REGULATIONS, acknowledge_by, due_on, extend_by, is_clock_running
from bwp_tui.domain.task import Task, Verification, has_ended, why_purged
from bwp_tui.domain.text import clean_line
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.row_touch import touch_row
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.row_mapping import tags_text


class LegalRecord(StrEnum):
    """What is recorded of the law's demands, and can be withdrawn."""

    ACKNOWLEDGEMENT = "acknowledgement"
    VERIFICATION = "verification"
    EXTENSION = "extension"


def add_note(store: Store, number: int, text: str, actor: str) -> None:
    """Add a note, which the task's row then shows; those before stay on the timeline.

    Raises:
        NotPossible: there is no text.
        NoSuchTask: there is no such task.
    """
    with store.write() as transaction:
        add_note_in(transaction, store, number, text, actor)


def add_note_in(transaction: Transaction, store: Store, number: int, text: str, actor: str) -> None:
    """Do as `add_note` in a transaction of `history` that is open."""
    note = clean_line(text)
    if not note:
        raise NotPossible("A note needs a text.")
    tasks.get(store, number)
    transaction.run("UPDATE tasks SET note = ? WHERE number = ?", (note, number))
    _append_event(transaction, number, actor, timeline.NOTE, note)


def set_tags_in(transaction: Transaction, store: Store, number: int, tags: Iterable[str], actor: str) -> None:
    """Give task `number` these tags and no others.

    Raises:
        NoSuchTask: there is no such task.
    """
    before = tasks.get(store, number).tags
    after = tuple(dict.fromkeys(tag for tag in map(clean_line, tags) if tag))
    if after == before:
        return
    transaction.run("UPDATE tasks SET tags = ? WHERE number = ?", (tags_text(after), number))
    changes = [*(f"+{tag}" for tag in after if tag not in before), *(f"-{tag}" for tag in before if tag not in after)]
    _append_event(transaction, number, actor, "tags", " ".join(changes) or "put in another order")


def changed_tags(task: Task, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of task with some added and some removed, whatever the case of their letters."""
    gone = {clean_line(tag).casefold() for tag in remove}
    kept = [tag for tag in task.tags if tag.casefold() not in gone]
    known = {tag.casefold() for tag in kept}
    return (*kept, *dict.fromkeys(tag for tag in map(clean_line, add) if tag and tag.casefold() not in known))


def verify_in(transaction: Transaction, store: Store, number: int, verification: Verification, actor: str) -> None:
    """Record how it was made sure that who asks is the data subject. A second record replaces the first.

    Raises:
        NotPossible: it does not say how.
        NoSuchTask: there is no such task.
    """
    how, by = clean_line(verification.how), clean_line(verification.by)
    if not how:
        raise NotPossible("A verification must say how it was made.")
    _refuse_purged(tasks.get(store, number))
    transaction.run(
        "UPDATE tasks SET verified_on = ?, verified_by = ?, verified_how = ? WHERE number = ?",
        (verification.on.isoformat(), by, how, number),
    )
    _append_event(transaction, number, actor, "verified", f"on {verification.on} by {by}: {how}")


def assign_in(transaction: Transaction, store: Store, number: int, who: str | None, actor: str) -> None:
    """Record who has the task in hand; None is nobody.

    Raises:
        NoSuchTask: there is no such task.
    """
    name = clean_line(who) if who else None
    if tasks.get(store, number).assigned_to == (name or None):
        return
    transaction.run("UPDATE tasks SET assigned_to = ? WHERE number = ?", (name or None, number))
    _append_event(transaction, number, actor, "assigned", f"to {name}" if name else "to nobody")


def acknowledge_in(transaction: Transaction, store: Store, number: int, on: date, actor: str) -> None:
    """Record that receipt of the request was confirmed to the shopper; another day than the recorded one corrects it.

    Raises:
        NotPossible: that day is recorded already, or is before the request was received.
        NoSuchTask: there is no such task.
    """
    task = tasks.get(store, number)
    _refuse_purged(task)
    before = task.acknowledged_on
    why_not = cannot_acknowledge(task) if on == before else None
    if why_not is None and on < task.received_on:
        why_not = f"Task {task.name} was received on {task.received_on}, after {on}."
    if why_not:
        raise NotPossible(why_not)
    transaction.run("UPDATE tasks SET acknowledged_on = ? WHERE number = ?", (on.isoformat(), number))
    limit = acknowledge_by(task.regulation, task.received_on)
    late = f", {(on - limit).days} days late" if limit is not None and on > limit else ""
    corrected = "" if before is None else f", corrected from {before}"
    _append_event(transaction, number, actor, "acknowledged", f"on {on}{late}{corrected}")


def cannot_watch(task: Task) -> str | None:
    """Return why there is nothing to watch task for, or None when there is."""
    return f"Task {task.name} has ended: {task.status}." if has_ended(task.status) else None


def cannot_acknowledge(task: Task) -> str | None:
    """Return why the confirmation of receipt is not to be recorded, or None when it is: many are not corrected."""
    if task.acknowledged_on is not None:
        return f"Receipt of {task.name} was confirmed on {task.acknowledged_on}."
    return why_purged(task)


def extend_in(transaction: Transaction, store: Store, number: int, reason: str, today: date, actor: str) -> date:
    """Record that the shopper was told, today and with the reason, that the answer takes longer.

    Returns:
        the new due date.

    Raises:
        NotPossible: `cannot_extend` says why, or there is no reason.
        NoSuchTask: there is no such task.
    """
    why = clean_line(reason)
    if not why:
        raise NotPossible("An extension needs the reason that the shopper is told.")
    task = tasks.get(store, number)
    why_not = cannot_extend(task, today)
    if why_not:
        raise NotPossible(why_not)
    due = extended_due(task)
    if due is None:
        raise NotPossible(_no_deadline(task))
    transaction.run(
        "UPDATE tasks SET due_on = ?, extended_on = ? WHERE number = ?",
        (due.isoformat(), today.isoformat(), number),
    )
    _moved(transaction, task, due, actor, "extended", why)
    return due


def withdraw_in(transaction: Transaction, store: Store, number: int, record: LegalRecord, actor: str) -> None:
    """Withdraw a record: it counts no longer, and its timeline keeps what it said.

    Raises:
        NotPossible: there is no such record.
        NoSuchTask: there is no such task.
    """
    task = tasks.get(store, number)
    why_not = cannot_withdraw(task, record)
    if why_not:
        raise NotPossible(why_not)
    due = task.due_on
    match record:
        case LegalRecord.ACKNOWLEDGEMENT:
            columns, was = "acknowledged_on = NULL", f"was on {task.acknowledged_on}"
        case LegalRecord.VERIFICATION:
            found = task.verified
            columns = "verified_on = NULL, verified_by = NULL, verified_how = NULL"
            was = f"was on {found.on} by {found.by}: {found.how}" if found else ""
        case LegalRecord.EXTENSION:
            columns, was = "extended_on = NULL", f"was on {task.extended_on}"
            due = _due(task.regulation, task.received_on, extended=False)
    transaction.run(f"UPDATE tasks SET {columns}, due_on = ? WHERE number = ?", (_day(due), number))
    _moved(transaction, task, due, actor, f"{record} withdrawn", was)


def cannot_withdraw(task: Task, record: LegalRecord) -> str | None:
    """Return why a record cannot be withdrawn, or None when it can."""
    if record in records_of(task):
        return why_purged(task)
    return f"No {record} of {task.name} is recorded."


def records_of(task: Task) -> tuple[LegalRecord, ...]:
    """Return the records of task that can be withdrawn."""
    found = {
        LegalRecord.ACKNOWLEDGEMENT: task.acknowledged_on,
        LegalRecord.VERIFICATION: task.verified,
        LegalRecord.EXTENSION: task.extended_on,
    }
    return tuple(record for record, value in found.items() if value is not None)


def correct_in(
    transaction: Transaction,
    store: Store,
    number: int,
    received_on: date | None,
    regulation: str | None,
    actor: str,
) -> None:
    """Correct the day of receipt or the law of a task, which moves its due date; None leaves one as it is.

    Raises:
        NotPossible: `cannot_correct` says why, or nothing differs.
        NoSuchTask: there is no such task.
    """
    task = tasks.get(store, number)
    day, law = received_on or task.received_on, regulation or task.regulation
    why_not = cannot_correct(task, day, law)
    if why_not:
        raise NotPossible(why_not)
    due = corrected_due(task, day, law)
    transaction.run(
        "UPDATE tasks SET received_on = ?, regulation = ?, due_on = ? WHERE number = ?",
        (day.isoformat(), law, _day(due), number),
    )
    changes = [("received", str(task.received_on), str(day)), ("law", task.regulation, law)]
    words = ", ".join(f"{what} {before} → {after}" for what, before, after in changes if before != after)
    _moved(transaction, task, due, actor, "corrected", words)


def cannot_correct(task: Task, received_on: date, regulation: str) -> str | None:
    """Return why day of receipt and law cannot be these, or None when they can."""
    if why_not := why_purged(task):
        return why_not
    if task.resubmitted_as is not None:
        return f"Task {task.name} was resubmitted as #{task.resubmitted_as}; correct that one."
    if (received_on, regulation) == (task.received_on, task.regulation):
        return f"Task {task.name} was received on {received_on} under {regulation} already."
    if (first := task.acknowledged_on) is not None and first < received_on:
        return f"Receipt of {task.name} was confirmed on {first}; withdraw or correct that first."
    if task.extended_on is not None and extend_by(regulation, received_on) is None:
        return f"Task {task.name} is extended, which {regulation} does not allow; withdraw the extension first."
    try:
        due_on(regulation, received_on, extended=task.extended_on is not None)
    except (ValueError, OverflowError):
        return f"{received_on} is too near the end of the calendar to have a due date."
    return None


def corrected_due(task: Task, received_on: date, regulation: str) -> date | None:
    """Return when task would be due if it had been received on that day under that law."""
    return _due(regulation, received_on, extended=task.extended_on is not None)


def cannot_extend(task: Task, today: date) -> str | None:
    """Return why the due date of task cannot be extended today, or None when it can.

    Once, and only while the shopper can still be told in time (`deadlines.extend_by`).
    """
    if task.extended_on is not None:
        return f"Task {task.name} was extended on {task.extended_on}; the law allows that once."
    if task.resubmitted_as is not None:
        return f"Task {task.name} was resubmitted as #{task.resubmitted_as}; extend that one."
    if not is_clock_running(task):
        return why_purged(task) or f"Task {task.name} is {task.status}: nothing is left to be extended."
    limit = extend_by(task.regulation, task.received_on) if task.regulation in REGULATIONS else None
    if limit is None:
        return _no_deadline(task)
    if today > limit:
        title = REGULATIONS[task.regulation].title
        return f"The shopper of {task.name} had to be told of an extension by {limit} ({title})."
    return None


def extended_due(task: Task) -> date | None:
    """Return the day by which the shopper of an extended task must be answered, or None where no law sets one."""
    return _due(task.regulation, task.received_on, extended=True)


def _due(regulation: str, received_on: date, *, extended: bool) -> date | None:
    try:
        return due_on(regulation, received_on, extended=extended)
    except (KeyError, ValueError, OverflowError):
        return None


def _no_deadline(task: Task) -> str:
    return f"Task {task.name} has no legal deadline that could be extended."


def _append_event(transaction: Transaction, number: int, actor: str, what: str, detail: str) -> None:
    timeline.append(transaction, number, actor, what, detail=detail)
    touch_row(transaction, number)


def _moved(transaction: Transaction, task: Task, due: date | None, actor: str, what: str, detail: str) -> None:
    """Note what was done, with the due dates where it has moved them."""
    before, after = (_day(task.due_on), _day(due)) if task.due_on != due else (None, None)
    timeline.append(transaction, task.number, actor, what, before=before, after=after, detail=detail)
    touch_row(transaction, task.number)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _refuse_purged(task: Task) -> None:
    if why_not := why_purged(task):
        raise NotPossible(why_not)
