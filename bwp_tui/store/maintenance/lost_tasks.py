"""Add the tasks of which recovery found no row: from their timelines, and from the indexes of the damaged file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Final

import apsw

from bwp_tui.domain.regulations import DEFAULT_REGULATION, REGULATIONS
from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.domain.task import KIND_UNKNOWN, TO_CHECK, Kind
from bwp_tui.domain.times import is_iso_day
from bwp_tui.store.database.connection import SqlValue
from bwp_tui.store.database.digest_chain import missing_numbers
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS, INTENT_IS_WAITING
from bwp_tui.store.maintenance import replay, task_rows
from bwp_tui.store.maintenance.chain_check import EVENTS_REMOVED, IN_BROKEN_CHAINS, check_chains
from bwp_tui.store.maintenance.salvage import index_finder
from bwp_tui.store.maintenance.salvage.index_finder import IndexEntry
from bwp_tui.store.maintenance.salvage.row_finder import Salvage
from bwp_tui.store.queries.columns_from_events import Columns, columns_after
from bwp_tui.store.queries.row_mapping import tags_of, tags_text
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, INSERT_EVENT, PROGRAM, EventKind

_INDEXED: Final = frozenset(
    ("email", "kind", "received_on", "regulation", "due_on", "task_id", "recorded_at", "submitted_at", "note", "tags")
)
"""The columns that are taken from indexes."""

_IS_SOUND: Final[Mapping[str, Callable[[str], bool]]] = {
    "kind": lambda text: text in {*Kind},
    "received_on": is_iso_day,
    "due_on": is_iso_day,
    "regulation": lambda text: text in REGULATIONS,
}
"""Whether a text can be the value of a column; that of others is any printable one."""


_SAMPLE_ENTRIES: Final = 500
"""Entries of an index that are compared with their rows."""

_NOTE: Final = "Recovered from its timeline"
"""How the note begins that a task gets whose row was lost."""


def values_in_indexes(salvage: Salvage, db: apsw.Connection) -> dict[int, Columns]:
    """Return by number what the indexes of a damaged history have of the tasks of which `db` has no sound row.

    Which index is which, the sound rows show: they have the values of its entries. Without any the schema says it.
    """
    sound = {number for (number,) in db.execute(f"SELECT number FROM tasks WHERE number NOT {IN_BROKEN_CHAINS}")}
    highest_number = max(salvage.highest_keys.get("tasks", 0), task_rows.integer(db, "SELECT max(number) FROM tasks"))
    if len(sound) >= highest_number > 0:
        return {}
    candidates = _columns_of_indexes(db)
    names_of_roots = {page_number: name for name, page_number in salvage.index_roots.items()}
    recognised = []
    for root, entries in index_finder.indexes(salvage.file):
        sample = [entry for entry in entries[:: len(entries) // _SAMPLE_ENTRIES + 1] if entry[-1] in sound]
        rows = {number: task_rows.row_of(db, int(str(number))) for number in {entry[-1] for entry in sample}}
        agreements = {name: _agreement(sample, columns, rows) for name, columns in candidates.items()}
        by_schema = names_of_roots.get(root, "")
        most = max(agreements.values())  # 0 where no row is left, or none of this index
        name = by_schema if agreements.get(by_schema) == most else max(agreements, key=agreements.__getitem__)
        if most or name == by_schema:
            recognised.append((most, candidates[name], [entry for entry in entries if entry[-1] not in sound]))
    found: dict[int, Columns] = {}
    for _, columns, entries in sorted(recognised, key=itemgetter(0)):  # a stale copy of some pages agrees less
        for *values, number in entries:
            if isinstance(number, int) and len(values) == len(columns):
                found.setdefault(number, {}).update(
                    (name, value)
                    for name, value in zip(columns, values, strict=True)
                    if name in _INDEXED
                    and isinstance(value, str)
                    and value
                    and _IS_SOUND.get(name, str.isprintable)(value)
                )
    return found


def _columns_of_indexes(db: apsw.Connection) -> dict[str, list[str | None]]:
    """Return the columns of each index of tasks by its name; None stands for an expression."""
    columns = defaultdict[str, list[str | None]](list)
    for index, name in db.execute(
        "SELECT l.name, iif(l.name = 'tasks_due_order' AND x.seqno = 1, 'due_on', x.name)"
        " FROM pragma_index_list('tasks') l, pragma_index_xinfo(l.name) x WHERE x.key ORDER BY l.name, x.seqno"
    ):
        columns[str(index)].append(None if name is None else str(name))
    return dict(columns)


def _agreement(entries: Sequence[IndexEntry], columns: Sequence[str | None], rows: Mapping[SqlValue, Columns]) -> int:
    """Return how many entries have the values of their rows in these columns; 0 where most have not."""
    compared = agreeing = 0
    for *values, number in entries:
        if any(isinstance(value, str) and value for value in values):
            row = rows[number]
            named = [(value, row[name]) for name, value in zip(columns, values, strict=False) if name is not None]
            compared += 1
            agreeing += (
                len(values) == len(columns)
                and all(value == recorded for value, recorded in named)
                and any(isinstance(value, str) and value for value, _ in named)
            )
    return agreeing if 2 * agreeing > compared else 0


def keep_orphans(readable: apsw.Connection, db: apsw.Connection) -> None:
    """Keep what a damaged backup has of tasks whose rows it has lost.

    Args:
        readable: what can be read of the backup. It gets the rows of these tasks that the history has.
        db: the history. It gets the events of tasks of which neither has a row, unless it has events of them itself.
    """
    for (value,) in readable.execute(f"SELECT DISTINCT task FROM timeline WHERE task {task_rows.NO_ROW}").fetchall():
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


def add_lost_tasks(db: apsw.Connection, now: str, highest_number: int, index_values: Mapping[int, Columns]) -> int:
    """Add a task for each number without a row that something else refers to; return how many.

    Args:
        highest_number: the highest number that was ever given; a higher one is a damaged reference.
        index_values: what the indexes of the damaged history have of tasks by number.
    """
    lost = {
        int(str(number)): str(first)
        for number, first in db.execute(
            "SELECT task, min(at) FROM (SELECT task, at FROM timeline UNION ALL SELECT task, asked_at FROM intents"
            " UNION ALL SELECT task, asked_at FROM downloads)"
            f" WHERE task BETWEEN 1 AND ? AND task {task_rows.NO_ROW} GROUP BY task",
            (highest_number,),
        ).fetchall()
    }
    kept = {number for (number,) in db.execute("SELECT number FROM tasks")}
    for number, values in index_values.items():
        if number <= highest_number and number not in kept and values.keys() & {"email", "task_id"}:
            lost.setdefault(number, str(values.get("recorded_at", now)))
    unsent = frozenset(replay.proven_unsent_tasks(db))
    for number, first in sorted(lost.items()):
        events = replay.proven_timeline(db, number)
        columns = columns_after(_inherited(db, columns_after({}, events).get("resubmit_of")), events)
        if columns.get("purged_at") is None:
            columns = {
                **index_values.get(number, {}),
                **{name: value for name, value in columns.items() if value is not None},
            }
        _add(db, number, first, columns, now, is_unsent=number in unsent)
    return len(lost)


def count_lost_events(db: apsw.Connection) -> tuple[int, int]:
    """Return how many events are missing by the digests of tasks, and of how many tasks."""
    _, findings = check_chains(db, IN_BROKEN_CHAINS)
    lost = [(finding.task, finding.events) for finding in findings if finding.what == EVENTS_REMOVED]
    return sum(count for _, count in lost), len({number for number, _ in lost})


def numbers_without_row(db: apsw.Connection) -> list[int]:
    """Return the task numbers that were given and have no row, but for those that are known to have been removed."""
    _, findings = check_chains(db, task_rows.NO_ROW)
    return sorted({*(finding.task for finding in findings), *missing_numbers(db)})


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
    note = str(columns.get("note") or "")
    if _NOTE not in note:
        note = f"{note}{' · ' if note else ''}{_NOTE}, {what_is_lost}: see the report."
    columns |= {"kind": kind or Kind.RETRIEVAL, "note": note}
    db.execute(
        "INSERT INTO tasks (number, kind, email, status, received_on, regulation, recorded_at, revision)"
        " VALUES (?, ?, '', 'UNCONFIRMED', local_day(?), ?, ?, 1)",
        (number, columns["kind"], first, DEFAULT_REGULATION, first),
    )
    task_rows.write_row(db, number, columns, now)
    # Sent without its holding period, the service would take its own.
    is_hold_lost = kind == Kind.DELETION and not columns.keys() & {"task_id", "holding_period"}
    is_doubtful = columns.get("purged_at") is None and (not _write_due_date(db, number, columns, now) or is_hold_lost)
    added = (*((KIND_UNKNOWN,) if kind is None else ()), *((TO_CHECK,) if is_doubtful else ()))
    tags = tags_text(tuple(dict.fromkeys((*tags_of(columns.get("tags", "[]")), *added))))
    task_rows.write_row(db, number, {"tags": tags}, now)  # no event: a backup that has the row needs no check
    db.execute(
        "INSERT INTO timeline (task, at, actor, what, after, detail) SELECT number, ?, ?, ?, status, ?"
        " FROM tasks WHERE number = ?",
        (now, PROGRAM, EventKind.RECOVERED, f"{replay.ROW_REBUILT}, {what_is_lost}", number),
    )
    db.execute(
        "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE task = ? AND action = 'submit'"
        f" AND {INTENT_IS_WAITING}",
        (now, number),
    )


def _write_due_date(db: apsw.Connection, number: int, columns: Columns, now: str) -> bool:
    """Write the due date of a task, and return whether it is certain.

    It is not where the law is assumed, nor where an index has another date than the law sets, as after an extension
    whose event is lost: then the earlier date is written.
    """
    due_on = columns.get("due_on")
    if due_on is not None and not {"received_on", "regulation"} <= columns.keys():
        return "regulation" in columns
    task_rows.write_with_due_date(db, number, {}, now)
    by_law = task_rows.row_of(db, number)["due_on"]
    if due_on is not None and by_law is not None and due_on != by_law:
        task_rows.write_row(db, number, {"due_on": min(str(due_on), str(by_law))}, now)
        return False
    return "regulation" in columns


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
