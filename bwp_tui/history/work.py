"""What the office does about a task, none of it sent anywhere: notes, tags, who has it, what the shopper was told.

A name with `_in` works in a transaction of the history that is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from bwp_tui.domain.deadlines import REGULATIONS, acknowledge_by, due_on, extend_by
from bwp_tui.domain.task import DownloadState, Kind, Status, Task, Verification, has_ended
from bwp_tui.domain.text import clean_line
from bwp_tui.history import tasks, timeline
from bwp_tui.history.changes import mark
from bwp_tui.history.connection import History, Transaction
from bwp_tui.history.errors import NotPossible
from bwp_tui.history.rows import tags_text


def add_note(history: History, number: int, text: str, actor: str) -> None:
    """Add a note, which the task's row then shows; those before stay on the timeline.

    Raises:
        NotPossible: there is no text.
        NoSuchTask: there is no such task.
    """
    with history.write() as transaction:
        add_note_in(transaction, history, number, text, actor)


def add_note_in(transaction: Transaction, history: History, number: int, text: str, actor: str) -> None:
    """Do as `add_note` in a transaction of `history` that is open."""
    note = clean_line(text)
    if not note:
        raise NotPossible("A note needs a text.")
    tasks.get(history, number)
    transaction.run("UPDATE tasks SET note = ? WHERE number = ?", (note, number))
    _told(transaction, number, actor, timeline.NOTE, note)


def set_tags_in(transaction: Transaction, history: History, number: int, tags: Iterable[str], actor: str) -> None:
    """Give task `number` these tags and no others.

    Raises:
        NoSuchTask: there is no such task.
    """
    before = tasks.get(history, number).tags
    after = tuple(dict.fromkeys(tag for tag in map(clean_line, tags) if tag))
    if after == before:
        return
    transaction.run("UPDATE tasks SET tags = ? WHERE number = ?", (tags_text(after), number))
    changes = [*(f"+{tag}" for tag in after if tag not in before), *(f"-{tag}" for tag in before if tag not in after)]
    _told(transaction, number, actor, "tags", " ".join(changes) or "put in another order")


def changed_tags(task: Task, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of task with some added and some removed, whatever the case of their letters."""
    gone = {clean_line(tag).casefold() for tag in remove}
    kept = [tag for tag in task.tags if tag.casefold() not in gone]
    known = {tag.casefold() for tag in kept}
    return (*kept, *dict.fromkeys(tag for tag in map(clean_line, add) if tag and tag.casefold() not in known))


def verify_in(transaction: Transaction, history: History, number: int, verification: Verification, actor: str) -> None:
    """Record how it was made sure that who asks is the data subject. A second record replaces the first.

    Raises:
        NotPossible: it does not say how.
        NoSuchTask: there is no such task.
    """
    how, by = clean_line(verification.how), clean_line(verification.by)
    if not how:
        raise NotPossible("A verification must say how it was made.")
    tasks.get(history, number)
    transaction.run(
        "UPDATE tasks SET verified_on = ?, verified_by = ?, verified_how = ? WHERE number = ?",
        (verification.on.isoformat(), by, how, number),
    )
    _told(transaction, number, actor, "verified", f"on {verification.on} by {by}: {how}")


def assign_in(transaction: Transaction, history: History, number: int, who: str | None, actor: str) -> None:
    """Record who has the task in hand; None is nobody.

    Raises:
        NoSuchTask: there is no such task.
    """
    name = clean_line(who) if who else None
    if tasks.get(history, number).assigned_to == (name or None):
        return
    transaction.run("UPDATE tasks SET assigned_to = ? WHERE number = ?", (name or None, number))
    _told(transaction, number, actor, "assigned", f"to {name}" if name else "to nobody")


def acknowledge_in(transaction: Transaction, history: History, number: int, on: date, actor: str) -> None:
    """Record that receipt of the request was confirmed to the shopper; another day than the recorded one corrects it.

    Raises:
        NotPossible: that day is recorded already, or is before the request was received.
        NoSuchTask: there is no such task.
    """
    task = tasks.get(history, number)
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
    _told(transaction, number, actor, "acknowledged", f"on {on}{late}{corrected}")


def cannot_watch(task: Task) -> str | None:
    """Return why there is nothing to watch task for, or None when there is."""
    return f"Task {task.name} has ended: {task.status}." if has_ended(task.status) else None


def cannot_acknowledge(task: Task) -> str | None:
    """Return why the confirmation of receipt is not to be recorded, or None when it is: many are not corrected."""
    if task.acknowledged_on is not None:
        return f"Receipt of {task.name} was confirmed on {task.acknowledged_on}."
    return None


def extend_in(transaction: Transaction, history: History, number: int, reason: str, today: date, actor: str) -> date:
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
    task = tasks.get(history, number)
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
    timeline.append(
        transaction,
        number,
        actor,
        "extended",
        before=None if task.due_on is None else task.due_on.isoformat(),
        after=due.isoformat(),
        detail=why,
    )
    mark(transaction, number)
    return due


def cannot_extend(task: Task, today: date) -> str | None:
    """Return why the due date of task cannot be extended today, or None when it can.

    Once, and only while the shopper can still be told in time (`deadlines.extend_by`).
    """
    if task.extended_on is not None:
        return f"Task {task.name} was extended on {task.extended_on}; the law allows that once."
    if task.resubmitted_as is not None:
        return f"Task {task.name} was resubmitted as #{task.resubmitted_as}; extend that one."
    if _is_answered(task):
        return f"Task {task.name} is {task.status}: nothing is left to be extended."
    limit = extend_by(task.regulation, task.received_on) if task.regulation in REGULATIONS else None
    if limit is None:
        return _no_deadline(task)
    if today > limit:
        title = REGULATIONS[task.regulation].title
        return f"The shopper of {task.name} had to be told of an extension by {limit} ({title})."
    return None


def extended_due(task: Task) -> date | None:
    """Return the day by which the shopper of an extended task must be answered, or None where no law sets one."""
    try:
        return due_on(task.regulation, task.received_on, extended=True)
    except (ValueError, OverflowError):
        return None


def _no_deadline(task: Task) -> str:
    return f"Task {task.name} has no legal deadline that could be extended."


def _is_answered(task: Task) -> bool:
    if task.status != Status.COMPLETED:
        return task.status == Status.CANCELLED
    saved = task.download is not None and task.download.state == DownloadState.DONE
    return task.kind is Kind.DELETION or saved


def _told(transaction: Transaction, number: int, actor: str, what: str, detail: str) -> None:
    timeline.append(transaction, number, actor, what, detail=detail)
    mark(transaction, number)
