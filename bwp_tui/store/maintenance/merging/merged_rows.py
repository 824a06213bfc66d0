"""Bring the rows of two merged histories up to date by both timelines.

The events of both, in the order of time, give the row (`columns_from_events`). Where people recorded different things
in the two copies, `disputes` chooses what counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import merge
from typing import NamedTuple

import apsw

from bwp_tui.domain.task import TO_CHECK
from bwp_tui.store.database.digest_chain import EventRow, chained_tasks
from bwp_tui.store.database.shared_sql import SERVICE_COLUMNS
from bwp_tui.store.maintenance import replay, task_rows
from bwp_tui.store.maintenance.chain_check import proven_events
from bwp_tui.store.maintenance.merging.disputes import DisputeSide, choose_what_counts
from bwp_tui.store.maintenance.merging.task_copies import TaskCopy, service_instants, values_of_request
from bwp_tui.store.maintenance.task_rows import append_recovered, tag_to_check
from bwp_tui.store.queries.columns_from_events import Columns, columns_after
from bwp_tui.store.queries.row_mapping import tags_of
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, EventKind, in_order, missing_in


def events_of_both(db: apsw.Connection, number: int, *, only_proven: bool = False) -> list[EventRow]:
    """Return the events that a task has in either history, in the order of time; the order within each history is kept.

    Args:
        only_proven: leave out events of this history that are not in its digests.
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


class RowChange(NamedTuple):
    """What the events of both histories change in the chosen row of a task, and what each history alone has."""

    number: int
    columns: Columns
    sides: tuple[DisputeSide, DisputeSide] | None


def changes_by_both_timelines(db: apsw.Connection, *, is_recovery: bool) -> list[RowChange]:
    """Return what the events of both histories change; in a recovery only of rows from the other one."""
    differing = db.execute(
        "SELECT ours, theirs, is_taken, is_new FROM matched x WHERE NOT stays_as_it_is"
        " AND iif(is_taken, has_own_events, ? AND EXISTS (SELECT 1 FROM missing_events n WHERE n.ours = x.ours))",
        (not is_recovery,),
    ).fetchall()
    changed = list[RowChange]()
    for ours, theirs, is_taken, is_new in ((int(str(value)) for value in each) for each in differing):
        here = TaskCopy({} if is_new else task_rows.row_of(db, ours), replay.proven_timeline(db, ours))
        others = [e for task in chained_tasks(db, f"= {theirs}", "other") for e in task_rows.timeline_rows(task.events)]
        there = TaskCopy(task_rows.row_of(db, theirs, "other"), others)
        only_here, only_there = missing_in(others, here.events), missing_in(here.events, others)
        is_dispute_possible = not (is_recovery or is_new or replay.has_lost_events(here.events, others))
        both = DisputeSide(here.row, only_here), DisputeSide(there.row, only_there)
        taken, not_taken = (there, here) if is_taken else (here, there)
        row, other_row = taken.row, not_taken.row
        before = columns_after(row | replay.BEFORE_ANY_EVENT, taken.events)
        events = task_rows.timeline_rows(events_of_both(db, ours, only_proven=True))
        after = columns_after(row | values_of_request(taken, not_taken) | replay.BEFORE_ANY_EVENT, events)
        changes = {name: value for name, value in after.items() if value != before[name]}
        if row.get("purged_at"):  # its timeline no longer says what the row has
            changes = {name: value for name, value in changes.items() if before[name] == row[name]}
        if "status" in changes:
            changes |= {name: after[name] for name in replay.SET_WITH_STATUS}
        is_as_other_row = all(other_row.get(name) == after[name] for name in ("task_id", "status"))
        if is_as_other_row and ("status" in changes or "task_id" in changes):
            hold = () if other_row["holding_period"] is None else ("holding_period",)  # an event makes none known
            changes |= {name: other_row[name] for name in ("task_id", *SERVICE_COLUMNS, *hold)}
        if "resubmit_of" in changes:  # events name it by its number in their own history
            origin, query = other_row.get("resubmit_of"), "SELECT ours FROM matched WHERE theirs = ?"
            changes["resubmit_of"] = origin if is_taken else next((n for (n,) in db.execute(query, (origin,))), None)
        if not row["email"] and other_row.get("email") and after["purged_at"] is None:
            changes["email"] = other_row["email"]
        changes |= service_instants(taken, not_taken, after)
        changes = {name: value for name, value in changes.items() if value != row[name]}
        changed.append(RowChange(ours, changes, both if is_dispute_possible else None))
    return changed


def write_changes(db: apsw.Connection, changed: Iterable[RowChange], now: str) -> list[int]:
    """Write columns of rows, each with the due date that follows from them, and mark the rows as `replayed`.

    Returns:
        The tasks that were tagged as disputed.
    """
    tagged = list[int]()
    for number, changes, sides in changed:
        if changes:
            task_rows.write_with_due_date(db, number, changes, now)
        disputed = [] if sides is None else choose_what_counts(db, number, sides, now)
        if changes or disputed:
            db.execute("UPDATE matched SET replayed = 1 WHERE ours = ?", (number,))
        tagged += disputed
        _record_status_that_counts(db, number, now)
        _keep_to_check(db, number, sides or (), now)
    return tagged


def _keep_to_check(db: apsw.Connection, number: int, sides: Sequence[DisputeSide], now: str) -> None:
    """Tag a merged task `to-check` again if who removed the tag did not know what the other copy has to check."""
    row = task_rows.row_of(db, number)
    details = Counter(str(detail) for (detail,) in db.execute("SELECT detail FROM timeline WHERE task = ?", (number,)))
    unknown = [side.to_check.difference(details - Counter(str(e.detail) for e in side.own_events)) for side in sides]
    if any(unknown) and TO_CHECK not in tags_of(row["tags"]) and row["purged_at"] is None:
        tag_to_check(db, now, number)


def _record_status_that_counts(db: apsw.Connection, number: int, now: str) -> None:
    """Record the status of a merged task where its timeline ends with one that does not count."""
    rows = db.execute(f"SELECT {EVENT_COLUMNS} FROM main.timeline WHERE task = ? ORDER BY id", (number,))
    last = next((event for event in reversed(in_order(task_rows.timeline_rows(rows))) if event.status), None)
    status = task_rows.row_of(db, number)["status"]
    if last is not None and last.what != EventKind.STATUS and last.status != status:
        append_recovered(db, now, number, "the other copy knew what had become of it", last.status, status)
