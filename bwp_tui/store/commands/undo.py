"""Take back what was recorded of a task, with another event on its timeline: withdraw a record, or undo a change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from bwp_tui.domain.deadlines import due_of
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.times import iso_day
from bwp_tui.store.commands.bulk import TaskCommand
from bwp_tui.store.commands.records import Edit, Field
from bwp_tui.store.commands.request_validation import refuse
from bwp_tui.store.database.connection import Row, SqlValue, Store, Transaction
from bwp_tui.store.database.shared_sql import set_revision
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind


class LegalRecord(StrEnum):
    """What is recorded of the law's demands, and can be withdrawn."""

    ACKNOWLEDGEMENT = "acknowledgement"
    VERIFICATION = "verification"
    INQUIRY = "inquiry"
    REPLY = "reply"
    EXTENSION = "extension"
    ANSWER = "answer"


_RECORD_COLUMNS: Final = {
    LegalRecord.ACKNOWLEDGEMENT: ("acknowledged_on",),
    LegalRecord.VERIFICATION: ("verified_on", "verified_by", "verified_how"),
    LegalRecord.INQUIRY: ("inquired_on", "replied_on"),
    LegalRecord.REPLY: ("replied_on",),
    LegalRecord.EXTENSION: ("extended_on",),
    LegalRecord.ANSWER: ("answered_on", "answered_how", "answered_in_part"),
}
"""The columns of each record, the day first."""

_FIELD_COLUMNS: Final = {
    Field.NOTE: ("note",),
    Field.TAGS: ("tags",),
    Field.ASSIGNMENT: ("assigned_to",),
    Field.ACKNOWLEDGEMENT: ("acknowledged_on",),
    Field.VERIFICATION: ("verified_on", "verified_by", "verified_how", "replied_on", "due_on"),
    Field.INQUIRY: ("inquired_on", "replied_on", "due_on"),
    Field.REPLY: ("replied_on", "due_on"),
    Field.EXTENSION: ("extended_on", "due_on"),
    Field.ANSWER: ("answered_on", "answered_how", "answered_in_part"),
    Field.RECEIPT: ("received_on", "regulation", "due_on"),
}


def withdraw(edit: Edit, record: LegalRecord) -> None:
    """Withdraw a record: it counts no longer, and its timeline keeps what it said.

    Raises:
        NotPossible: there is no such record.
        NoSuchTask: there is no such task.
    """
    task = edit.task
    refuse(cannot_withdraw(task, record))
    due, was = due_without(task, record), f"was on {recorded_on(task, record)}"
    if record is LegalRecord.VERIFICATION and task.verification:
        was = f"{was} by {task.verification.by}: {task.verification.how}"
    elif record is LegalRecord.INQUIRY and task.replied_on:
        was = f"{was}, replied on {task.replied_on}"
    elif record is LegalRecord.ANSWER:
        was = f"{was}: {task.answered_how}"
    edit.set(**dict.fromkeys(_RECORD_COLUMNS[record]), due_on=iso_day(due))
    edit.add_event(EventKind(f"{record} withdrawn"), was, (task.due_on, due))


def due_without(task: Task, record: LegalRecord) -> date | None:
    """Return the due date of task without a record."""
    match record:
        case LegalRecord.EXTENSION:
            return due_of(replace(task, extended_on=None))
        case LegalRecord.INQUIRY:
            return due_of(replace(task, inquired_on=None, replied_on=None))
        case LegalRecord.REPLY:
            return due_of(replace(task, replied_on=None))
    return task.due_on


def cannot_withdraw(task: Task, record: LegalRecord) -> str | None:
    """Return why a record cannot be withdrawn, or None when it can."""
    if record in records_of(task):
        return cannot_change_purged(task)
    return f"No {record} of {task.name} is recorded."


def recorded_on(task: Task, record: LegalRecord) -> date | None:
    """Return the day for which a record of task is made, or None where there is none."""
    match record:
        case LegalRecord.ACKNOWLEDGEMENT:
            return task.acknowledged_on
        case LegalRecord.VERIFICATION:
            return task.verification.on if task.verification else None
        case LegalRecord.INQUIRY:
            return task.inquired_on
        case LegalRecord.REPLY:
            return task.replied_on
        case LegalRecord.EXTENSION:
            return task.extended_on
        case LegalRecord.ANSWER:
            return task.answered_on


def records_of(task: Task) -> tuple[LegalRecord, ...]:
    """Return the records of task that can be withdrawn."""
    return tuple(record for record in LegalRecord if recorded_on(task, record) is not None)


@dataclass(frozen=True, slots=True)
class Change:
    """The values of a field's columns before and after a change."""

    number: int
    before: Row
    after: Row


def with_changes(command: TaskCommand, part: Field, changes: list[Change]) -> TaskCommand:
    """Return a command that does the same, and appends its change to `changes`."""

    def recording(transaction: Transaction, store: Store, number: int) -> int:
        before = _value(transaction, number, part)
        now = command(transaction, store, number)
        after = _value(transaction, number, part)
        if before != after:
            changes.append(Change(number, before, after))
        return now

    return recording


def undo(part: Field, changes: Iterable[Change], actor: str) -> TaskCommand:
    """Return the command that restores a field of each task, unless it was changed again since."""
    by_number = {change.number: change for change in changes}

    def command(transaction: Transaction, store: Store, number: int) -> int:
        change = by_number[number]
        task = tasks.get(store, number)
        if task.purged_at is not None or _value(transaction, number, part) != change.after:
            raise NotPossible(f"The {part} of {task.name} was changed since, so it stays.")
        columns = _FIELD_COLUMNS[part]
        transaction.run(
            f"UPDATE tasks SET {', '.join(f'{column} = ?' for column in columns)} WHERE number = ?",
            (*change.before, number),
        )
        due = [dict(zip(columns, row, strict=True)).get("due_on") for row in (change.after, change.before)]
        before, after = (None, None) if due[0] == due[1] else (_text(due[0]), _text(due[1]))
        timeline.append(
            transaction,
            number,
            actor,
            EventKind.UNDONE,
            before=before,
            after=after,
            detail=_describe(part, change.before),
        )
        set_revision(transaction, number)
        return number

    return command


def _value(transaction: Transaction, number: int, part: Field) -> Row:
    return transaction.row(f"SELECT {', '.join(_FIELD_COLUMNS[part])} FROM tasks WHERE number = ?", (number,)) or ()


def _text(value: SqlValue) -> str | None:
    return None if value is None else str(value)


def _describe(part: Field, value: Row) -> str:
    if part is Field.TAGS:
        value = tuple(json.loads(str(value[0])))
    # Without its first value there is no record, as no extension where there is a due date.
    text = " ".join(str(cell) for cell in value if cell is not None) if value and value[0] else "empty"
    return f"{part} again {text}"
