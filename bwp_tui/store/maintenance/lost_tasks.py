"""Add the tasks of which recovery found no row: from their timelines, and from the indexes of the damaged file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.regulations import DEFAULT_REGULATION, REGULATIONS
from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.domain.task import KIND_UNKNOWN, TO_CHECK, Kind
from bwp_tui.domain.times import is_iso_day
from bwp_tui.store.database.open import has_wal
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS, INTENT_IS_WAITING
from bwp_tui.store.maintenance import replay, task_rows
from bwp_tui.store.maintenance.chain_check import AMONG_BROKEN
from bwp_tui.store.queries.columns_from_events import Columns, columns_after
from bwp_tui.store.queries.row_mapping import tags_of, tags_text
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, INSERT_EVENT, PROGRAM, EventKind

_INDEXED: Final = {
    "tasks_by_subject": ("email", "kind"),
    "tasks_receipt_order": ("received_on",),
    "tasks_by_regulation": ("regulation",),
    "tasks_by_due": ("due_on",),
    "tasks_by_name": ("task_id",),
    "tasks_by_recording": ("recorded_at",),
    "tasks_submission_order": ("submitted_at",),
    "tasks_note_order": ("note",),
    "tasks_tag_order": ("tags",),
}
"""The columns that each index has: SQLite reads them from its pages alone."""

_IS_SOUND: Final[Mapping[str, Callable[[str], bool]]] = {
    "kind": lambda text: text in {*Kind},
    "received_on": is_iso_day,
    "due_on": is_iso_day,
    "regulation": lambda text: text in REGULATIONS,
}
"""Whether a text can be the value of a column; that of others is any printable one."""


def indexed_values(path: Path, db: apsw.Connection) -> dict[int, Columns]:
    """Return by number what the indexes of a damaged history have of the tasks of which `db` has no sound row.

    Of an index that is damaged itself, the values before the damage are read.
    """
    kept = {number for (number,) in db.execute(f"SELECT number FROM tasks WHERE number NOT {AMONG_BROKEN}")}
    found = dict[int, Columns]()
    if not path.exists() or not path.stat().st_size:
        return found
    uri = f"{path.absolute().as_uri()}?{'mode=ro' if has_wal(path) else 'immutable=1'}"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with suppress(apsw.Error), closing(apsw.Connection(uri, flags=flags)) as damaged:
        damaged.execute("PRAGMA writable_schema = ON")  # SQLite then reads a file that was cut, too
        for index, names in _INDEXED.items():
            condition = " WHERE open = 1" if index == "tasks_by_due" else ""
            with suppress(apsw.Error, UnicodeDecodeError):
                for number, *values in damaged.execute(
                    f"SELECT number, {', '.join(names)} FROM tasks INDEXED BY {index}{condition}"
                ):
                    if number in kept:
                        continue
                    found.setdefault(int(str(number)), {}).update(
                        (name, value)
                        for name, value in zip(names, values, strict=True)
                        if isinstance(value, str) and value and _IS_SOUND.get(name, str.isprintable)(value)
                    )
    return found


def keep_orphans(readable: apsw.Connection, db: apsw.Connection) -> None:
    """Keep what a damaged backup has of tasks whose rows it has lost.

    Args:
        readable: what can be read of the backup. It gets the rows of these tasks that the history has.
        db: the history. It gets the events of tasks of which neither has a row, if it has none itself.
    """
    for (value,) in readable.execute(f"SELECT DISTINCT task FROM timeline WHERE task {replay.NO_ROW}").fetchall():
        number = int(str(value))
        if db.execute("SELECT 1 FROM tasks WHERE number = ?", (number,)).fetchall():
            row = task_rows.row_of(db, number)
            names = [name for name in row if name not in ("open", "download", "resubmit_of", "earlier")]
            readable.execute(
                f"INSERT INTO tasks ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                [row[name] for name in names],
            )
        elif not db.execute("SELECT 1 FROM timeline WHERE task = ?", (number,)).fetchall():
            events = readable.execute(
                f"SELECT task, {EVENT_COLUMNS} FROM timeline WHERE task = ? ORDER BY id", (number,)
            )
            db.executemany(INSERT_EVENT, events.fetchall())


def add_lost_tasks(db: apsw.Connection, now: str, highest: int, indexed: Mapping[int, Columns]) -> int:
    """Add a task for each number without a row that something else refers to; return how many.

    Args:
        highest: the highest number that was ever given; a higher one is a damaged reference.
        indexed: what the indexes of the damaged history have of tasks by number.
    """
    lost = {
        int(str(number)): str(first)
        for number, first in db.execute(
            "SELECT task, min(at) FROM (SELECT task, at FROM timeline UNION ALL SELECT task, asked_at FROM intents"
            " UNION ALL SELECT task, asked_at FROM downloads)"
            f" WHERE task BETWEEN 1 AND ? AND task {replay.NO_ROW} GROUP BY task",
            (highest,),
        ).fetchall()
    }
    kept = {number for (number,) in db.execute("SELECT number FROM tasks")}
    for number, values in indexed.items():
        if number <= highest and number not in kept and values.keys() & {"email", "task_id"}:
            lost.setdefault(number, str(values.get("recorded_at", now)))
    unsent = frozenset(replay.proven_unsent_tasks(db))
    for number, first in sorted(lost.items()):
        events = replay.proven_timeline(db, number)
        columns = columns_after(_inherited(db, columns_after({}, events).get("resubmit_of")), events)
        if columns.get("purged_at") is None:
            columns = {
                **indexed.get(number, {}),
                **{name: value for name, value in columns.items() if value is not None},
            }
        _add(db, number, first, columns, now, is_unsent=number in unsent)
    return len(lost)


def _add(db: apsw.Connection, number: int, first: str, columns: Columns, now: str, *, is_unsent: bool) -> None:
    """Add a row of a task with what is known of it, and an event that says what is not; its request is not sent."""
    kind = _recorded_kind(db, number) or columns.get("kind")
    if columns.get("task_id") is None:
        is_received = columns.get("status") in WITHHELD_STATUSES and is_unsent
        if not columns.get("terminal") and not is_received:
            columns["status"] = Status.UNCONFIRMED
    elif "status" not in columns:
        columns |= {"status": Status.QUEUED, "next_poll_at": now}
    what_is_lost = _what_is_lost(columns, has_kind=kind is not None)
    note = f"Recovered from its timeline, {what_is_lost}: see the report. {columns.get('note', '')}"
    columns |= {"kind": kind or Kind.RETRIEVAL, "note": note.rstrip()}
    is_assumed = columns.get("regulation") is None and columns.get("purged_at") is None
    added = (*((KIND_UNKNOWN,) if kind is None else ()), *((TO_CHECK,) if is_assumed else ()))
    if added:
        columns["tags"] = tags_text(tuple(dict.fromkeys((*tags_of(columns.get("tags", "[]")), *added))))
    db.execute(
        "INSERT INTO tasks (number, kind, email, status, received_on, regulation, recorded_at, revision)"
        " VALUES (?, ?, '', 'UNCONFIRMED', local_day(?), ?, ?, 1)",
        (number, columns["kind"], first, DEFAULT_REGULATION, first),
    )
    has_due_date = "due_on" in columns or columns.get("purged_at") is not None
    (task_rows.write_row if has_due_date else task_rows.write_with_due_date)(db, number, columns, now)
    db.execute(
        "INSERT INTO timeline (task, at, actor, what, after, detail) SELECT number, ?, ?, ?, status, ?"
        " FROM tasks WHERE number = ?",
        (now, PROGRAM, EventKind.RECOVERED, f"{replay.REBUILT}, {what_is_lost}", number),
    )
    db.execute(
        "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE task = ? AND action = 'submit'"
        f" AND {INTENT_IS_WAITING}",
        (now, number),
    )


def _inherited(db: apsw.Connection, origin: str | int | None) -> Columns:
    """Return the columns that a resubmission has from its original task; none if the original is missing or purged."""
    if (
        not isinstance(origin, int)
        or not db.execute(
            "SELECT 1 FROM main.tasks WHERE number = ? AND email <> '' AND purged_at IS NULL", (origin,)
        ).fetchall()
    ):
        return {}
    row = task_rows.row_of(db, origin)
    return {name: row[name] for name in ("email", "received_on", "regulation", *INHERITED_COLUMNS.split(", "))}


def _what_is_lost(columns: Columns, *, has_kind: bool) -> str:
    """Return what neither the timeline of a task nor an index says, as a phrase."""
    names = [] if has_kind else ["kind"]
    if columns.get("email") is None:
        names.append("email")
    if columns.get("received_on") is None:
        names.append("day of receipt (shown: that of its recording)")
    if columns.get("regulation") is None:
        names.append(f"regulation (assumed: {DEFAULT_REGULATION})")
    if columns.get("kind") == Kind.DELETION and columns.get("holding_period") is None:
        names.append("holding period")
    if "due_on" not in columns:
        names.append("due date (that of what is shown)")
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else "".join(names)
    return f"without its {listed}" if names else "with what indexes, or the task that it repeats, have"


def _recorded_kind(db: apsw.Connection, number: int) -> Kind | None:
    """Return the kind of a task by its timeline, events, intents and downloads, or None where they do not say it."""
    with_kind = (EventKind.RECORDED, EventKind.IMPORTED, EventKind.RESUBMITTED, EventKind.TRACKED, EventKind.ADOPTED)
    kinds = db.execute(
        "SELECT CASE WHEN what GLOB 'cancel*' OR 'ON_HOLD' IN (before, after) OR (what IN (?2, ?3, ?4, ?5, ?6)"
        " AND (detail GLOB '*deletion' OR detail GLOB 'DELETION *')) THEN 'DELETION' WHEN what GLOB 'download*'"
        " OR (what IN (?2, ?3, ?4, ?5, ?6) AND (detail GLOB '*retrieval' OR detail GLOB 'RETRIEVAL *'))"
        " THEN 'RETRIEVAL' END AS kind FROM timeline WHERE task = ?1 AND kind IS NOT NULL"
        " UNION ALL SELECT 'DELETION' FROM intents WHERE task = ?1 AND action = 'cancel'"
        " UNION ALL SELECT 'RETRIEVAL' FROM downloads WHERE task = ?1"
        " UNION ALL SELECT iif(type GLOB '*_DELETION_*', 'DELETION', 'RETRIEVAL') FROM service_events WHERE task = ?1",
        (number, *with_kind),
    ).fetchall()
    found = {str(kind) for (kind,) in kinds}
    return Kind(found.pop()) if len(found) == 1 else None
