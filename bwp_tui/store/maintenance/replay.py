"""Bring rows of tasks up to date by their timelines: those of two histories that are merged, or of a damaged one.

A row begins as the newer history or a backup has it, or empty where there is none. What no event says stays as it is.
What counts where events contradict each other is a matter of `columns_from_events`.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

import apsw

from bwp_tui.domain.deadlines import recomputed_due_date
from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.domain.task import ADOPTED, KIND_UNKNOWN, Kind
from bwp_tui.domain.times import iso_day
from bwp_tui.store.database.digest_chain import COVERED_COLUMNS, EventRow, chained_tasks
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS, INTENT_IS_WAITING, SERVICE_COLUMNS
from bwp_tui.store.maintenance.chain_check import AMONG_BROKEN, changed_columns_noted, proven_events
from bwp_tui.store.maintenance.intent_repair import (
    append_recovered,
    make_unconfirmed,
    make_unsent_unconfirmed,
    tag_to_check,
)
from bwp_tui.store.queries.columns_from_events import LOST_TASK_ID, Columns, columns_after, columns_and_contradictions
from bwp_tui.store.queries.row_mapping import TASKS, tags_of, tags_text, task_of
from bwp_tui.store.queries.timeline import (
    EVENT_COLUMNS,
    PROGRAM,
    RECORD_COLUMNS,
    EventKind,
    TimelineRow,
    against_other_copy,
    is_origin,
)

REBUILT: Final = "rebuilt from its timeline"
"""How the detail of the event begins that is added to a row which was made from its timeline alone."""

_NO_ROW: Final = "NOT IN (SELECT number FROM main.tasks)"


def proven_unsent_tasks(db: apsw.Connection) -> list[int]:
    """Return the tasks without a row whose whole timeline, by its digests, and intents say that they were not sent.

    The others that wait to be sent may have been sent: the event of it may be lost.
    """
    waiting = {
        number
        for (number,) in db.execute(
            f"SELECT task FROM main.intents WHERE action = 'submit' AND {INTENT_IS_WAITING} AND task {_NO_ROW}"
        ).fetchall()
    }
    found = []
    for number, _, events, chain in chained_tasks(db, _NO_ROW):
        if chain is not None and events and chain.links_of(events) == chain.links:
            status = columns_after({}, _timeline_rows(events)).get("status")
            if status in ((Status.QUEUED,) if number in waiting else WITHHELD_STATUSES):
                found.append(number)
    return found


def _timeline_rows(events: Iterable[EventRow]) -> list[TimelineRow]:
    texts = ([None if value is None else str(value) for value in event] for event in events)
    return [TimelineRow(str(at), str(what), before, after, detail) for at, _, what, before, after, detail in texts]


def _proven_timeline(db: apsw.Connection, number: int) -> list[TimelineRow]:
    """Return the events of a task that its digests prove, and later ones."""
    return [
        event
        for _, _, events, chain in chained_tasks(db, f"= {number}")
        for event in _timeline_rows(proven_events(events, chain))
    ]


def events_of_both(db: apsw.Connection, number: int, *, only_proven: bool = False) -> list[EventRow]:
    """Return the events of a task in both histories in the order of time; those of each keep their own order.

    Args:
        only_proven: leave out those of this history that its digests do not have.
    """
    here = [
        event
        for _, _, events, chain in chained_tasks(db, f"= {number}")
        for event in (proven_events(events, chain) if only_proven else events)
    ]
    missing = db.execute(
        f"SELECT {EVENT_COLUMNS} FROM missing_events JOIN other.timeline USING (id) WHERE ours = ? ORDER BY id",
        (number,),
    ).fetchall()
    return [*merge(here, missing, key=lambda event: str(event[0]))]


_WITH_STATUS: Final = {"terminal", "finished_at", "next_poll_at", "cancel_asked", "trouble"}
"""The columns that are set with a status."""

_NOTHING_RECORDED: Final[Columns] = {
    **dict.fromkeys(
        ("task_id", "status", "finished_at", *(name for names in RECORD_COLUMNS.values() for name in names))
    ),
    "resubmitted": 0,
}
"""The columns that a row has from its events alone, before any event."""


class RowChange(NamedTuple):
    """What the events of both histories change in the newer row of a task, and which of them contradict others."""

    number: int
    columns: Columns
    contradicting: list[TimelineRow]

    @property
    def is_sending_disputed(self) -> bool:
        """Return whether one copy withdrew the verification with which the other sent the request, or answered it."""
        return any(event.what in _DISPUTES for event in self.contradicting)


_DISPUTES: Final = (EventKind.SEND_REQUESTED, EventKind.VERIFICATION_WITHDRAWN, EventKind.UNDONE, EventKind.ANSWERED)


def changes_by_both_timelines(db: apsw.Connection, *, is_recovery: bool) -> list[RowChange]:
    """Return what the events of both histories change; newer rows of this history stay as they are in a recovery."""
    differing = db.execute(
        "SELECT ours, theirs, newer, is_new FROM matched x"
        " WHERE iif(newer, has_own_events, ? AND EXISTS (SELECT 1 FROM missing_events n WHERE n.ours = x.ours))",
        (not is_recovery,),
    ).fetchall()
    changed = list[RowChange]()
    for ours, theirs, newer, is_new in ((int(str(value)) for value in each) for each in differing):
        row, older = {} if is_new else _row(db, ours), _row(db, theirs, "other")
        own = _proven_timeline(db, ours)
        others = [e for task in chained_tasks(db, f"= {theirs}", "other") for e in _timeline_rows(task.events)]
        if newer:
            row, older, own, others = older, row, others, own
        before, known = columns_and_contradictions(row | _NOTHING_RECORDED, own)
        events = _timeline_rows(events_of_both(db, ours, only_proven=True))
        given = row | _values_of_request(row, own, older, events) | _NOTHING_RECORDED
        after, found = columns_and_contradictions(given, events)
        changes = {name: value for name, value in after.items() if value != before[name]}
        if row.get("purged_at"):  # its timeline no longer says what the row has
            changes = {name: value for name, value in changes.items() if before[name] == row[name]}
        if "status" in changes:
            changes |= {name: after[name] for name in _WITH_STATUS}
        is_older = all(older.get(name) == after[name] for name in ("task_id", "status"))
        if is_older and ("status" in changes or "task_id" in changes):
            hold = () if older["holding_period"] is None else ("holding_period",)  # an event makes none known
            changes |= {name: older[name] for name in ("task_id", *SERVICE_COLUMNS, *hold)}
        if "resubmit_of" in changes:  # events name it by its number in their own history
            translated = "SELECT ours FROM matched WHERE theirs = ?"
            origin = older.get("resubmit_of")
            changes["resubmit_of"] = origin if newer else next((n for (n,) in db.execute(translated, (origin,))), None)
        if not row["email"] and older.get("email") and after["purged_at"] is None:
            changes["email"] = older["email"]
        changes = {name: value for name, value in changes.items() if value != row[name]}
        known += columns_and_contradictions(older | _NOTHING_RECORDED, others)[1]
        found += [*against_other_copy(own, others), *against_other_copy(others, own)]
        found = [event for event in dict.fromkeys(found) if event not in known and not after["purged_at"]]
        changed += [RowChange(ours, changes, found)] if changes or found else []
    return changed


_UNKNOWN_TO_EVENTS: Final = ("received_on", "regulation", "reason", "holding_period", "recorded_at")
"""What nobody has said of a task that an event of the service made known."""


def _values_of_request(row: Columns, own: list[TimelineRow], older: Columns, events: list[TimelineRow]) -> Columns:
    """Return what was given with a request that an event alone made known to the newer row's copy, whose is `own`."""
    is_adopted = any(event.what == EventKind.ADOPTED for event in own) and not any(map(is_origin, own))
    if not older or not is_adopted or not any(map(is_origin, events)):
        return {}
    tags = dict.fromkeys((*tags_of(older["tags"]), *(tag for tag in tags_of(row["tags"]) if tag != ADOPTED)))
    return {name: older[name] for name in _UNKNOWN_TO_EVENTS} | {"tags": tags_text(tuple(tags))}


def write_changes(db: apsw.Connection, changed: Iterable[RowChange], now: str) -> None:
    """Write columns of rows, each with the due date that follows from them, and mark the rows as `replayed`."""
    for number, changes, contradicting in changed:
        write_row(db, number, changes, now)
        due = recomputed_due_date(task_of(next(db.execute(f"{TASKS} WHERE t.number = ?", (number,)))))
        db.execute("UPDATE main.tasks SET due_on = ? WHERE number = ?", (iso_day(due), number))
        db.execute("UPDATE matched SET replayed = 1 WHERE ours = ?", (number,))
        if contradicting:
            named = ", ".join(f"{event.what} ({event.at[:10]})" for event in contradicting)
            sentence = f"recorded in one copy without knowing what the other had recorded, check it: {named}"
            append_recovered(db, now, number, sentence)
            tag_to_check(db, now, number)


def _row(db: apsw.Connection, number: int, schema: str = "main") -> Columns:
    cursor = db.execute(f"SELECT * FROM {schema}.tasks WHERE number = ?", (number,))
    names = [name for name, *_ in cursor.get_description()]
    return dict(zip(names, next(cursor), strict=True))


def write_row(db: apsw.Connection, number: int, changes: Columns, now: str) -> None:
    """Write columns of a task, unless another task has its task id: it then has none, and is UNCONFIRMED."""
    task_id = changes.get("task_id")
    if task_id is not None and not free_task_id(db, str(task_id)):
        status = changes.get("status", _row(db, number)["status"])
        changes = {**changes, "task_id": None}
        if not changes.get("terminal"):
            changes["status"] = Status.UNCONFIRMED
        detail = f"{LOST_TASK_ID}{task_id} is that of another task"
        append_recovered(db, now, number, detail, status, changes.get("status", status))
    if changes:
        assignments = ", ".join(f"{name} = ?" for name in changes)
        db.execute(f"UPDATE main.tasks SET {assignments} WHERE number = ?", (*changes.values(), number))


def add_lost_tasks(db: apsw.Connection, now: str, highest: int) -> int:
    """Add a task for each number that only a timeline, intents or downloads refer to; return how many.

    Args:
        highest: the highest number that was ever given; a higher one is a damaged reference.
    """
    orphans = db.execute(
        "SELECT task, min(at) FROM (SELECT task, at FROM timeline UNION ALL SELECT task, asked_at FROM intents"
        " UNION ALL SELECT task, asked_at FROM downloads)"
        f" WHERE task BETWEEN 1 AND ? AND task {_NO_ROW} GROUP BY task ORDER BY task",
        (highest,),
    ).fetchall()
    unsent = frozenset(proven_unsent_tasks(db))
    for number, first in ((int(number or 0), str(first)) for number, first in orphans):
        kind = _recorded_kind(db, number)
        events = _proven_timeline(db, number)
        columns = columns_after(_inherited(db, columns_after({}, events).get("resubmit_of")), events)
        is_received = columns.get("status") in WITHHELD_STATUSES and number in unsent
        if columns.get("task_id") is None and not columns.get("terminal") and not is_received:
            columns["status"] = Status.UNCONFIRMED
        lost = _what_is_lost(columns, kind)
        note = f"Recovered from its timeline, {lost}: see the report. {columns.get('note', '')}"
        columns |= {"kind": kind or Kind.RETRIEVAL, "note": note.rstrip()}
        if kind is None:
            columns["tags"] = tags_text((*tags_of(columns.get("tags", "[]")), KIND_UNKNOWN))
        db.execute(
            "INSERT INTO tasks (number, kind, email, status, received_on, regulation, recorded_at, revision)"
            " VALUES (?, ?, '', 'UNCONFIRMED', local_day(?), 'none', ?, 1)",
            (number, columns["kind"], first, first),
        )
        write_row(db, number, columns, now)
        db.execute(
            "INSERT INTO timeline (task, at, actor, what, after, detail) SELECT number, ?, ?, ?, status, ?"
            " FROM tasks WHERE number = ?",
            (now, PROGRAM, EventKind.RECOVERED, f"{REBUILT}, {lost}", number),
        )
        db.execute(
            "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE task = ? AND action = 'submit'"
            f" AND {INTENT_IS_WAITING}",
            (now, number),
        )
    return len(orphans)


def _inherited(db: apsw.Connection, origin: str | int | None) -> Columns:
    """Return the columns that a task has from the one that it repeats, if that is there with its email."""
    if (
        not isinstance(origin, int)
        or not db.execute(
            "SELECT 1 FROM main.tasks WHERE number = ? AND email <> '' AND purged_at IS NULL", (origin,)
        ).fetchall()
    ):
        return {}
    row = _row(db, origin)
    return {name: row[name] for name in ("email", "received_on", "regulation", *INHERITED_COLUMNS.split(", "))}


def _what_is_lost(columns: Columns, kind: Kind | None) -> str:
    """Return what the timeline of a task does not say, as a phrase."""
    names = [] if kind else ["kind"]
    if columns.get("email") is None:
        names.append("email")
    if columns.get("received_on") is None:
        names.append("day of receipt (shown: that of its recording)")
    if columns.get("regulation") is None:
        names.append("regulation")
    if "due_on" not in columns:
        names.append("due date")
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else "".join(names)
    return f"without its {listed}" if names else "with the values of the task that it repeats"


def repair_outdated_rows(db: apsw.Connection, now: str) -> int:
    """Bring rows up to date that are older than their timelines, since a write to their page was lost; return how many.

    The digests of both, which `chain_check.remember_broken_chains` has found to differ, show which columns that are.
    Where the later events are lost too, what the row has waiting may have been sent or withdrawn: it becomes
    UNCONFIRMED.
    """
    repaired, doubtful = 0, list[int]()
    for number, covered, events, chain in list(chained_tasks(db, AMONG_BROKEN)):
        if covered is None or chain is None or chain.links_of(events[: chain.length]) != chain.links:
            if covered is not None and chain is not None and chain.length > len(events):
                doubtful += [] if chain.is_row_of(covered) else [number]
            continue
        row = _row(db, number)
        if chain.length < len(events) and chain.is_row_of(covered):  # the digests are as old as the row
            later = columns_after(row, _timeline_rows(events[chain.length :]))
            changes = {name: value for name, value in later.items() if value != row[name]}
        else:
            now_is = columns_after(row, _timeline_rows(events))
            differing = set(chain.changed_columns(covered)) - set(
                chain.changed_columns([now_is[name] for name in COVERED_COLUMNS])
            )
            if "status" in differing:
                differing |= _WITH_STATUS
            changes = {name: now_is[name] for name in differing}
        write_row(db, number, changes, now)
        repaired += bool(changes)
    make_unsent_unconfirmed(db, now, f"number IN ({', '.join(map(str, doubtful))})")
    return repaired


_REQUESTED: Final = (*("kind", "email", "holding_period", "reason", "received_on", "regulation", "due_on", "task_id"),)
"""The columns that say what was asked for, by when, and what it is at the service."""


def tag_changed_tasks(db: apsw.Connection, now: str) -> list[str]:
    """Tag the tasks of which a value was changed that no copy had; make those UNCONFIRMED that wait to be sent.

    Returns each with its columns. What a merge has changed since the chains were noted as broken does not count.
    """
    found = []
    for number, noted in changed_columns_noted(db).items():
        for _, covered, events, chain in list(chained_tasks(db, f"= {number}")):
            row = _row(db, number) if covered is not None else {}
            if covered is None or chain is None or chain.is_row_of(covered) or row["purged_at"] is not None:
                continue
            said, changed = columns_after({}, _timeline_rows(events)), chain.changed_columns(covered)
            named = [n for n in changed if n in noted and n in _REQUESTED and (n not in said or said[n] != row[n])]
            is_unsent = row["status"] in (*WITHHELD_STATUSES, Status.QUEUED) and row["task_id"] is None
            # Where no column is named, it is likelier that the digests are damaged.
            is_doubtful = is_unsent and not changed and chain.links_of(events[: chain.length]) == chain.links
            if not named and not is_doubtful:
                continue
            sentence = f"its {', '.join(named) or 'row'} was changed by damage or another program: check it"
            if is_unsent:
                make_unconfirmed(db, now, number, row["status"], sentence)
            else:
                append_recovered(db, now, number, sentence)
            tag_to_check(db, now, number)
            write_row(db, number, {"trouble": None if row["terminal"] else f"Not certain: {sentence}."}, now)
            found.append(f"#{number}: {', '.join(named) or 'row'}")
    return found


def repair_replaced_values(db: apsw.Connection, now: str) -> None:
    """Take the values that were damaged in rows of this history from their timelines, where these name them."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS replaced (number INTEGER NOT NULL, name TEXT NOT NULL)")
    damaged = db.execute(
        "SELECT DISTINCT number, name FROM temp.replaced JOIN tasks USING (number)"
        " WHERE name <> 'number' ORDER BY number"
    ).fetchall()
    for number, names in groupby(damaged, itemgetter(0)):
        row = _row(db, number)
        columns = columns_after(row, _proven_timeline(db, number))
        changed = {str(name) for _, name in names if columns[str(name)] != row[str(name)]}
        write_row(db, number, {name: columns[name] for name in changed}, now)


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


def last_task_id(db: apsw.Connection, number: int) -> str | None:
    """Return the task id that a task has by its timeline."""
    events = db.execute(
        "SELECT at, what, before, after, detail FROM main.timeline WHERE task = ? ORDER BY id", (number,)
    )
    task_id = columns_after({}, map(TimelineRow._make, events)).get("task_id")
    return None if task_id is None else str(task_id)


def free_task_id(db: apsw.Connection, task_id: str) -> bool:
    """Return whether no task has this id; one that has another id on its timeline gets that one back."""
    for (number,) in db.execute("SELECT number FROM tasks WHERE task_id = ?", (task_id,)).fetchall():
        own = last_task_id(db, int(str(number)))
        if own in (None, task_id) or db.execute("SELECT 1 FROM tasks WHERE task_id = ?", (own,)).fetchall():
            return False
        db.execute("UPDATE tasks SET task_id = ? WHERE number = ?", (own, number))
    return True
