"""Undo a change of a task's records, with another event on its timeline."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.deadlines import recomputed_due_date
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.times import iso_day
from bwp_tui.store.commands.answers import cannot_answer, cannot_remove_while_sending
from bwp_tui.store.commands.bulk import TaskChange
from bwp_tui.store.commands.decisions import cannot_appeal
from bwp_tui.store.commands.legal_records import cannot_correct, cannot_record_on
from bwp_tui.store.commands.request_validation import refuse
from bwp_tui.store.database.connection import Row, SqlValue, Store, Transaction, as_day, as_text
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import (
    RECORD_COLUMNS,
    UNDO_SEPARATOR,
    EventKind,
    LegalRecord,
    TaskPart,
    UndoablePart,
)

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    TaskPart.NOTE: ("note",),
    TaskPart.TAGS: ("tags",),
    TaskPart.ASSIGNMENT: ("assigned_to",),
    **{record: (*columns, "due_on") for record, columns in RECORD_COLUMNS.items()},
    LegalRecord.ACKNOWLEDGEMENT: RECORD_COLUMNS[LegalRecord.ACKNOWLEDGEMENT],
    LegalRecord.VERIFICATION: (*RECORD_COLUMNS[LegalRecord.VERIFICATION], "replied_on", "due_on"),
    TaskPart.RECEIPT: ("received_on", "regulation", "due_on"),
}


@dataclass(frozen=True, slots=True)
class PartChange:
    """The columns of an undoable part before and after a change."""

    number: int
    before: Row
    after: Row


def with_recorded_values(change: TaskChange, part: UndoablePart, changes: list[PartChange]) -> TaskChange:
    """Return a change that does the same, and appends the values before and after to `changes`."""

    def recording(transaction: Transaction, store: Store, number: int) -> int:
        before = _value(transaction, number, part)
        now = change(transaction, store, number)
        after = _value(transaction, number, part)
        if before != after:
            changes.append(PartChange(number, before, after))
        return now

    return recording


def undo(part: UndoablePart, changes: Iterable[PartChange], actor: str) -> TaskChange:
    """Return the change that restores a part of a task, unless that was changed again since."""
    by_number = {change.number: change for change in changes}

    def restore(transaction: Transaction, store: Store, number: int) -> int:
        change = by_number[number]
        task = tasks.get(store, number)
        refuse(cannot_change_purged(task))
        if _value(transaction, number, part) != change.after:
            raise NotPossible(f"Since then the {part} of {task.name} changed: that is not undone.")
        refuse(_cannot_restore(store, task, part, change.before))
        columns = _COLUMNS[part]
        update_task(transaction, number, **dict(zip(columns, change.before, strict=True)))
        was, is_now = (dict(zip(columns, row, strict=True)).get("due_on") for row in (change.after, change.before))
        if is_now is None and was is not None:  # the clock stood still, and what stopped it may be withdrawn since
            is_now = iso_day(recomputed_due_date(tasks.get(store, number)))
            update_task(transaction, number, due_on=is_now)
        before, after = (None, None) if was == is_now else (_text(was), _text(is_now))
        detail = _describe(part, change.before)
        timeline.append(transaction, number, actor, EventKind.UNDONE, before=before, after=after, detail=detail)
        return number

    return restore


def _cannot_restore(store: Store, task: Task, part: UndoablePart, before: Row) -> str | None:
    """Return why a part cannot be as it was, since other parts of the task have changed; None if it can."""
    if isinstance(part, LegalRecord) and task.was_resubmitted:
        return f"{task.name} was resubmitted since, and its {part} stays as it is."
    if part is TaskPart.RECEIPT:
        return cannot_correct(task, as_day(before[0]), as_text(before[1]))
    if not isinstance(part, LegalRecord):
        return None
    if before[0] is None:
        return cannot_remove_while_sending(store, task, part)
    reason = cannot_answer(task) if part is LegalRecord.ANSWER else None
    if part is LegalRecord.APPEAL:
        reason = cannot_appeal(task)
    return reason or cannot_record_on(task, as_day(before[0]))


def _value(transaction: Transaction, number: int, part: UndoablePart) -> Row:
    return transaction.row(f"SELECT {', '.join(_COLUMNS[part])} FROM tasks WHERE number = ?", (number,)) or ()


def _text(value: SqlValue) -> str | None:
    return None if value is None else str(value)


def _describe(part: UndoablePart, value: Row) -> str:
    if part is TaskPart.TAGS:
        value = tuple(json.loads(str(value[0])))
    # The first column says whether there is a record: an extension's second one, the due date, is set without it, too.
    text = " ".join(str(cell) for cell in value if cell is not None) if value and value[0] else "empty"
    return f"{part}{UNDO_SEPARATOR}{text}"
