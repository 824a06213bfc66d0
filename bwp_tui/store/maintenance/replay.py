"""Bring rows of tasks up to date by their timelines, in a merge of two histories or in a damaged history.

A row begins as the chosen history or a backup has it, or empty where there is none. What no event says stays as it is.
What counts where events contradict each other is a matter of `columns_from_events`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Final

import apsw

from bwp_tui.domain.deadlines import Receipt, earlier_receipt
from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.store.database.digest_chain import DIGESTED_COLUMNS, chained_tasks
from bwp_tui.store.database.shared_sql import INTENT_IS_WAITING
from bwp_tui.store.maintenance.chain_check import (
    EVENTS_REMOVED,
    IN_BROKEN_CHAINS,
    ROW_CHANGED,
    ROW_MISSING,
    noted_columns,
    proven_events,
)
from bwp_tui.store.maintenance.intent_repair import make_unconfirmed, make_unsent_unconfirmed
from bwp_tui.store.maintenance.task_rows import (
    NO_ROW,
    append_recovered,
    row_of,
    tag_to_check,
    timeline_rows,
    write_row,
    write_with_due_date,
)
from bwp_tui.store.queries.columns_from_events import Columns, columns_after
from bwp_tui.store.queries.timeline import INSERT_EVENT, PROGRAM, RECORD_COLUMNS, EventKind, TimelineRow, missing_in

ROW_REBUILT: Final = "rebuilt from its timeline"
"""How the detail of the event begins that is added to a row which was made from its timeline alone."""


def proven_unsent_tasks(db: apsw.Connection) -> list[int]:
    """Return the tasks without a row that were not sent, by their intents and by whole timelines, which digests prove.

    Other tasks that wait to be sent may have been sent: the event may be lost.
    """
    waiting = {
        number
        for (number,) in db.execute(
            f"SELECT task FROM main.intents WHERE action = 'submit' AND {INTENT_IS_WAITING} AND task {NO_ROW}"
        ).fetchall()
    }
    found = []
    for number, _, events, chain in chained_tasks(db, NO_ROW):
        if chain is not None and events and chain.links_of(events) == chain.links:
            status = columns_after({}, timeline_rows(events)).get("status")
            if status in ((Status.QUEUED,) if number in waiting else WITHHELD_STATUSES):
                found.append(number)
    return found


def proven_timeline(db: apsw.Connection, number: int, schema: str = "main") -> list[TimelineRow]:
    """Return the events of a task that its digests prove, and later ones."""
    return [
        event
        for _, _, events, chain in chained_tasks(db, f"= {number}", schema)
        for event in timeline_rows(proven_events(events, chain))
    ]


def has_lost_events(events: list[TimelineRow], others: list[TimelineRow]) -> bool:
    """Return whether a recovery lost events of a timeline, and all that another copy alone has happened before it.

    The other copy is then an earlier state of the same history, in which nobody has worked since.
    """
    recovered_at = max((event.at for event in _losses(events)), default="")
    return bool(recovered_at) and all(event.at < recovered_at for event in missing_in(events, others))


def has_later_row(events: list[TimelineRow], others: list[TimelineRow]) -> bool:
    """Return whether recoveries lost events of a timeline, but not the row, and another copy is an earlier state.

    The row then is the later one, although the other copy has events that its timeline lacks.
    """
    row_losses = (ROW_MISSING, ROW_REBUILT, ROW_CHANGED)
    is_row_lost = any(text in str(event.detail) for event in _losses(events) for text in row_losses)
    return not is_row_lost and has_lost_events(events, others)


def _losses(events: list[TimelineRow]) -> list[TimelineRow]:
    """Return the events of recoveries that lost something of a task."""
    recovered = (event for event in events if event.what == EventKind.RECOVERED)
    losses = (EVENTS_REMOVED, ROW_MISSING, ROW_REBUILT)
    return [event for event in recovered if any(text in str(event.detail) for text in losses)]


SET_WITH_STATUS: Final = {"terminal", "finished_at", "next_poll_at", "cancel_asked", "trouble"}
"""The columns that are set with a status."""

BEFORE_ANY_EVENT: Final[Columns] = {
    **dict.fromkeys(
        ("task_id", "status", "finished_at", *(name for names in RECORD_COLUMNS.values() for name in names))
    ),
    "resubmitted": 0,
}
"""The columns that a row has from its events alone, before any event."""


def apply_timeline(db: apsw.Connection, number: int, now: str) -> None:
    """Bring the row of a task up to date by its whole timeline."""
    row = row_of(db, number)
    columns = columns_after(row | BEFORE_ANY_EVENT, proven_timeline(db, number))
    write_with_due_date(db, number, {name: value for name, value in columns.items() if value != row[name]}, now)


def receipt_of(row: Columns) -> Receipt:
    """Return the receipt that a row of a task has."""
    return date.fromisoformat(str(row["received_on"])), str(row["regulation"])


def correct_receipt(db: apsw.Connection, number: int, now: str, receipts: Sequence[Receipt]) -> None:
    """Correct the receipt and the law of a task: of those that people recorded, the earlier ones count."""
    row = row_of(db, number)
    received_on, regulation = earlier_receipt(receipts, extended=row["extended_on"] is not None)
    corrected: Columns = {"received_on": received_on.isoformat(), "regulation": regulation}
    names = {"received_on": "received", "regulation": "law"}
    changes = [f"{names[name]} {row[name]} → {value}" for name, value in corrected.items() if row[name] != value]
    if changes:
        write_with_due_date(db, number, corrected, now)
        dues = (row["due_on"], row_of(db, number)["due_on"])
        db.execute(INSERT_EVENT, (number, now, PROGRAM, EventKind.CORRECTED, *dues, ", ".join(changes)))


def repair_outdated_rows(db: apsw.Connection, now: str) -> int:
    """Bring rows up to date that are older than their timelines, since a write to their page was lost; return how many.

    The digests show which columns are out of date; `chain_check.note_broken_chains` has compared them before. Where the
    later events are lost too, a request that waits in the row may have been sent or withdrawn: it becomes UNCONFIRMED.
    """
    repaired, doubtful = 0, list[int]()
    for number, digested_row, events, chain in list(chained_tasks(db, IN_BROKEN_CHAINS)):
        if digested_row is None or chain is None or chain.links_of(events[: chain.length]) != chain.links:
            if digested_row is not None and chain is not None and chain.length > len(events):
                doubtful += [] if chain.agrees_with_row(digested_row) else [number]
            continue
        row = row_of(db, number)
        if chain.length < len(events) and chain.agrees_with_row(digested_row):  # the digests are as old as the row
            later = columns_after(row, timeline_rows(events[chain.length :]))
            changes = {name: value for name, value in later.items() if value != row[name]}
        else:
            now_is = columns_after(row, timeline_rows(events))
            differing = set(chain.changed_columns(digested_row)) - set(
                chain.changed_columns([now_is[name] for name in DIGESTED_COLUMNS])
            )
            if "status" in differing:
                differing |= SET_WITH_STATUS
            changes = {name: now_is[name] for name in differing}
        write_row(db, number, changes, now)
        repaired += bool(changes)
    make_unsent_unconfirmed(db, now, f"number IN ({', '.join(map(str, doubtful))})")
    return repaired


_REQUESTED: Final = (
    *("kind", "email", "holding_period", "reason", "received_on", "regulation", "due_on", "task_id", "status"),
)
"""The columns that say what the shopper asked for, when the answer is due, and what became of which task."""


def tag_changed_tasks(db: apsw.Connection, now: str) -> list[str]:
    """Tag the tasks with a damaged value that no copy had right; make UNCONFIRMED those that wait to be sent.

    Returns each task with its damaged columns, but for what a merge has changed since chains were noted as broken.
    """
    found = []
    for number, noted in noted_columns(db).items():
        for _, digested_row, events, chain in list(chained_tasks(db, f"= {number}")):
            row = row_of(db, number) if digested_row is not None else {}
            if (
                digested_row is None
                or chain is None
                or chain.agrees_with_row(digested_row)
                or row["purged_at"] is not None
            ):
                continue
            by_events = columns_after({}, timeline_rows(proven_events(events, chain)))
            changed = chain.changed_columns(digested_row)
            named = [
                n for n in changed if n in noted and n in _REQUESTED and (n not in by_events or by_events[n] != row[n])
            ]
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
            if "due_on" in named:
                write_with_due_date(db, number, {}, now)
            found.append(f"#{number}: {', '.join(named) or 'row'}")
    return found


_DAMAGED_VALUES: Final = re.compile(r"its ([a-z_, ]+) was changed by damage")


def values_without_damage(db: apsw.Connection) -> dict[int, Columns]:
    """Return by task the undamaged values, where a recovery of one of the two histories has tagged them as damaged.

    The histories are matched, and no row is taken yet.
    """
    damaged = f"what = '{EventKind.RECOVERED}' AND detail GLOB 'its * was changed by damage*'"
    found = dict[int, Columns]()
    for ours, theirs, here, there in db.execute(
        f"WITH h AS (SELECT task, detail FROM main.timeline WHERE {damaged}),"
        f" t AS (SELECT task, detail FROM other.timeline WHERE {damaged})"
        " SELECT x.ours, x.theirs, h.detail, t.detail FROM matched x LEFT JOIN h ON h.task = x.ours"
        " LEFT JOIN t ON t.task = x.theirs WHERE NOT x.is_new AND (h.detail IS NULL) <> (t.detail IS NULL)"
    ).fetchall():
        row = row_of(db, int(str(ours))) if here is None else row_of(db, int(str(theirs)), "other")
        named = _DAMAGED_VALUES.match(str(here or there))
        names = {*(named[1].split(", ") if named else ())} & {"email", "kind", "holding_period", "reason"}
        if names and row["purged_at"] is None:
            found[int(str(ours))] = {name: row[name] for name in sorted(names)}
    return found


def repair_damaged_values(db: apsw.Connection, now: str) -> None:
    """Replace damaged values of rows by those that the timelines give."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS damaged_values (number INTEGER NOT NULL, name TEXT NOT NULL)")
    damaged = db.execute(
        "SELECT DISTINCT number, name FROM temp.damaged_values JOIN tasks USING (number)"
        " WHERE name <> 'number' ORDER BY number"
    ).fetchall()
    for number, names in groupby(damaged, itemgetter(0)):
        row = row_of(db, number)
        columns = columns_after(row, proven_timeline(db, number))
        changed = {str(name) for _, name in names if columns[str(name)] != row[str(name)]}
        write_row(db, number, {name: columns[name] for name in changed}, now)
