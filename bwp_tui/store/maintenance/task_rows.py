"""Read and write the row of a task in a history that is rebuilt, and append what was repaired to its timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import apsw

from bwp_tui.domain.deadlines import recomputed_due_date
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK
from bwp_tui.domain.times import iso_day
from bwp_tui.store.database.digest_chain import EventRow
from bwp_tui.store.queries.columns_from_events import LOST_ID_PREFIX, Columns, columns_after
from bwp_tui.store.queries.row_mapping import TASKS, tags_of, tags_text, task_of
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, INSERT_EVENT, PROGRAM, EventKind, TimelineRow

NO_ROW: Final = "NOT IN (SELECT number FROM main.tasks)"
"""The end of a condition on a task number that no row has."""


def integer(db: apsw.Connection, sql: str) -> int:
    """Return the number that a query returns; 0 for NULL."""
    ((value,),) = db.execute(sql).fetchall()
    return int(value or 0)


def row_of(db: apsw.Connection, number: int, schema: str = "main") -> Columns:
    """Return all columns of a task."""
    cursor = db.execute(f"SELECT * FROM {schema}.tasks WHERE number = ?", (number,))
    names = [name for name, *_ in cursor.get_description()]
    return dict(zip(names, next(cursor), strict=True))


def write_row(db: apsw.Connection, number: int, changes: Columns, now: str) -> None:
    """Write columns of a task. Without its id, where another task keeps that, it is UNCONFIRMED unless it has ended."""
    task_id = changes.get("task_id")
    if task_id is not None and not make_task_id_free(db, str(task_id)):
        status = changes.get("status", row_of(db, number)["status"])
        changes = {**changes, "task_id": None}
        if not changes.get("terminal"):
            changes["status"] = Status.UNCONFIRMED
        detail = f"{LOST_ID_PREFIX}{task_id} is that of another task"
        append_recovered(db, now, number, detail, status, changes.get("status", status))
    if changes:
        assignments = ", ".join(f"{name} = ?" for name in changes)
        db.execute(f"UPDATE main.tasks SET {assignments} WHERE number = ?", (*changes.values(), number))


def write_with_due_date(db: apsw.Connection, number: int, columns: Columns, now: str) -> None:
    """Write columns of a task, and the due date that follows from them."""
    write_row(db, number, columns, now)
    due = recomputed_due_date(task_of(next(db.execute(f"{TASKS} WHERE t.number = ?", (number,)))))
    db.execute("UPDATE main.tasks SET due_on = ? WHERE number = ?", (iso_day(due), number))


def reserve_numbers(db: apsw.Connection, highest: int) -> range:
    """Reserve the task numbers up to `highest`, which letters to shoppers may name; return those not given here yet."""
    last = integer(db, "SELECT max(seq) FROM main.sqlite_sequence WHERE name = 'tasks'")
    if last < highest:
        db.execute("DELETE FROM main.sqlite_sequence WHERE name = 'tasks'")
        db.execute("INSERT INTO main.sqlite_sequence (name, seq) VALUES ('tasks', ?)", (highest,))
    return range(last + 1, highest + 1)


def make_task_id_free(db: apsw.Connection, task_id: str) -> bool:
    """Give a task with this id the one that its timeline names; return whether no task has this id now."""
    for (number,) in db.execute("SELECT number FROM tasks WHERE task_id = ?", (task_id,)).fetchall():
        own = last_task_id(db, int(str(number)))
        if own in (None, task_id) or db.execute("SELECT 1 FROM tasks WHERE task_id = ?", (own,)).fetchall():
            return False
        db.execute("UPDATE tasks SET task_id = ? WHERE number = ?", (own, number))
    return True


def last_task_id(db: apsw.Connection, number: int) -> str | None:
    """Return the task id that the timeline of a task names last."""
    events = db.execute(f"SELECT {EVENT_COLUMNS} FROM main.timeline WHERE task = ? ORDER BY id", (number,))
    task_id = columns_after({}, timeline_rows(events)).get("task_id")
    return None if task_id is None else str(task_id)


def timeline_rows(events: Iterable[EventRow]) -> list[TimelineRow]:
    texts = ([None if value is None else str(value) for value in event] for event in events)
    return [
        TimelineRow(str(at), str(what), before, after, detail, str(actor))
        for at, actor, what, before, after, detail in texts
    ]


def append_recovered(
    db: apsw.Connection,
    now: str,
    number: apsw.SQLiteValue,
    detail: str,
    before: apsw.SQLiteValue = None,
    after: apsw.SQLiteValue = None,
) -> None:
    """Append what was repaired to the timeline of a task, if there is such a task."""
    db.execute(
        f"INSERT INTO main.timeline (task, {EVENT_COLUMNS})"
        " SELECT number, ?, ?, ?, ?, ?, ? FROM main.tasks WHERE number = ?",
        (now, PROGRAM, EventKind.RECOVERED, before, after, detail, number),
    )


def tag_to_check(db: apsw.Connection, now: str, number: int) -> None:
    """Tag a task that a person has to check."""
    ((found,),) = db.execute("SELECT tags FROM main.tasks WHERE number = ?", (number,)).fetchall()
    tags = tags_text(tuple(dict.fromkeys((*tags_of(str(found)), TO_CHECK))))
    db.execute("UPDATE main.tasks SET tags = ? WHERE number = ?", (tags, number))
    event = (number, now, PROGRAM, EventKind.TAGS, None, None, f"+{TO_CHECK}")
    if not db.execute(
        "SELECT 1 FROM main.timeline WHERE (task, at, what, detail) = (?1, ?2, ?4, ?7)", event
    ).fetchall():
        db.execute(INSERT_EVENT, event)
