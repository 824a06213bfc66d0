"""Build a history from the rows of other histories: create the file, and restore the invariants."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.statuses import WITHHELD_STATUSES, Status
from bwp_tui.domain.times import format_instant, parse_instant
from bwp_tui.domain.urls import Shop
from bwp_tui.store.database.copy import copy_database, create_database
from bwp_tui.store.database.migrate import apply_missing
from bwp_tui.store.database.open import open_for_reading
from bwp_tui.store.database.shared_sql import (
    DOWNLOAD_IS_OPEN,
    DOWNLOAD_OF_TASK,
    FINAL_STATUS_LIST,
    PURGED_DOWNLOAD,
    PURGED_ERRORS,
    SERVICE_COLUMNS,
    UNLINK_PURGED,
)
from bwp_tui.store.database.shop_binding import BOUND_SHOP, bound_shop
from bwp_tui.store.errors import OtherShop, StoreDamaged
from bwp_tui.store.maintenance import chain_check, replay, task_rows
from bwp_tui.store.maintenance.integrity import TASK_COUNTS
from bwp_tui.store.maintenance.merging import task_ids
from bwp_tui.store.maintenance.merging.disputes import DisputeSide, choose_what_counts
from bwp_tui.store.maintenance.merging.merge import MergeResult, merge
from bwp_tui.store.maintenance.task_rows import append_recovered
from bwp_tui.store.queries import text_index
from bwp_tui.store.queries.timeline import INSERT_EVENT, PROGRAM, EventKind, missing_in

_LARGEST_REVISION: Final = 1 << 50
"""Above this it is damaged: a billion transactions a day would take 3,000 years."""

_LONGEST_WAIT: Final = timedelta(days=1)
"""Longer than any interval between polls or attempts: a later time is damaged, and nothing would ever be done."""


@contextmanager
def build_history(part: Path, now: str, source: Path | None = None) -> Iterator[apsw.Connection]:
    """Create a history at `part`, empty or a copy of `source`, to be filled in the block.

    Triggers and foreign keys are off in the block; at its end both are restored, and the digests completed.

    Args:
        now: the instant, as text.

    Raises:
        StoreDamaged: the result is not sound.
    """
    try:
        db = create_database(part) if source is None else copy_database(open_for_reading(source).db, part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    try:
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "secure_delete = ON", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        with db:
            apply_missing(db)
            if source is not None:
                chain_check.note_broken_chains(db, gaps=True)
        triggers = _drop_triggers(db)
        yield db
        with db:
            _restore_invariants(db, now)
            chain_check.update_rebuilt_chains(db, now)
            for trigger in triggers:
                db.execute(trigger)
        _check(db, part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        db.close()


def check_same_shop(here: Shop | None, other: apsw.Connection, source: Path) -> None:
    """Raise OtherShop where the history to restore from the file `source` is of another shop than `here`."""
    there = bound_shop(other.execute(BOUND_SHOP))
    if here and there and here.is_certainly_other(there):
        raise OtherShop(
            f"{source} holds the requests of {there}, and this profile is that of {here}. Restore it with the "
            "profile of that shop; nothing was changed."
        )


def merge_file(db: apsw.Connection, source: Path, now: str, event: EventKind, source_name: str) -> MergeResult:
    """Merge the history in the file `source`, of this or an older schema; return what `merge` does.

    Raises:
        OtherShop: it is to be restored, and holds the requests of another shop. In a recovery the names may be damaged.
    """
    copy = Path(f"{db.filename}-other")
    try:
        with closing(copy_database(open_for_reading(source).db, copy)) as other:
            other.execute("PRAGMA journal_mode = MEMORY")
            apply_missing(other)
            if event is EventKind.RESTORED:
                check_same_shop(bound_shop(db.execute(BOUND_SHOP)), other, source)
            _drop_triggers(other)
            with _attached_as_other(other, db.filename):
                task_ids.tag_doubled_ids(other, now)
                _join_rows_of_one_task(other, now)
        with _attached_as_other(db, copy):
            if event is EventKind.RESTORED:
                task_ids.note_running_tasks(db)
            task_ids.tag_doubled_ids(db, now)
            task_ids.release_doubled_ids(db, now)
            _join_rows_of_one_task(db, now)
            merged = merge(db, now, event, source_name)
            if event is EventKind.RESTORED:  # in a recovery, rows whose ids are lost are made from their timelines
                task_ids.add_lost_running_tasks(db, now)
            return merged
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def _attached_as_other(db: apsw.Connection, file: Path | str) -> Iterator[None]:
    """Attach a file as `other`, with a transaction for the block."""
    db.execute("ATTACH ? AS other", (os.fspath(file),))
    try:
        with db:
            yield
    finally:
        db.execute("DETACH other")


_JOINED_WITH: Final = f"t.what = '{EventKind.JOINED}' AND CAST(substr(t.detail, 7) AS INTEGER) = d.number"
"""By event `t`, row `d` was joined with request `t.task`, whose task it is: its detail begins `with #NUMBER,`."""

_CAN_BE_JOINED: Final = (
    "r.task_id IS NULL AND r.number <> d.number AND r.kind = d.kind AND r.purged_at IS NULL AND d.purged_at IS NULL"
    " AND ('' IN (r.email, d.email) OR r.email = d.email COLLATE NOCASE) AND d.resubmit_of IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM main.intents WHERE task = d.number AND action = 'submit')"
)
"""Whether row `d`, which has a task id and was not sent from here, may be the task of request `r`, which has none."""

_ROWS_OF_ONE_TASK: Final = (
    "SELECT r.number, d.number, o.number,"
    f" EXISTS (SELECT 1 FROM other.timeline t WHERE t.task = o.number AND {_JOINED_WITH})"
    " FROM other.tasks o CROSS JOIN main.tasks d ON d.task_id = o.task_id"
    " AND (d.number <> o.number OR d.recorded_at <> o.recorded_at) CROSS JOIN main.tasks r ON r.number IN"
    " (SELECT number FROM main.tasks WHERE number = o.number AND recorded_at = o.recorded_at UNION SELECT n.task"
    " FROM other.intents i JOIN main.intents n ON n.client_token = i.client_token WHERE i.task = o.number)"
    # What an operator entered may be wrong until the service has confirmed it.
    f" WHERE {_CAN_BE_JOINED} AND (o.status <> 'QUEUED' OR r.email = d.email COLLATE NOCASE)"
    # Where the other history has lost the row, or that its task id, its timeline says so.
    f" UNION SELECT r.number, d.number, t.task, TRUE FROM other.timeline t JOIN main.tasks d ON {_JOINED_WITH}"
    " AND EXISTS (SELECT 1 FROM other.timeline WHERE task = t.task AND instr(detail, d.task_id))"
    " JOIN main.tasks r ON r.number = t.task"
    f" WHERE t.task NOT IN (SELECT number FROM other.tasks WHERE task_id IS NOT NULL) AND {_CAN_BE_JOINED}"
)


_RECORDED_RECEIPTS: Final = (
    "SELECT received_on, regulation FROM main.tasks t WHERE number = ?1 OR (number = ?2 AND EXISTS (SELECT 1"
    f" FROM main.timeline WHERE task = t.number AND what IN ('{EventKind.TRACKED}', '{EventKind.CORRECTED}')))"
    " ORDER BY number = ?2"
)


def _join_rows_of_one_task(db: apsw.Connection, now: str) -> None:
    """Join two rows that the other history knows to be one task: a request without a task id, and the row with that id.

    An event or an operator made the second row here. `join_duplicate` joins such rows once the service returns the id.
    """
    for pair in db.execute(_ROWS_OF_ONE_TASK).fetchall():
        request, duplicate, other, is_recorded = (int(str(value)) for value in pair)
        recorded = db.execute(_RECORDED_RECEIPTS, (request, duplicate)).fetchall()
        receipts = [(date.fromisoformat(str(day)), str(law)) for day, law in recorded]
        before, events = task_rows.row_of(db, request), replay.proven_timeline(db, request)
        other_events, joined = replay.proven_timeline(db, other, "other"), replay.proven_timeline(db, duplicate)
        values = ", ".join(SERVICE_COLUMNS)
        db.execute(
            f"UPDATE main.tasks SET ({values}) = (SELECT {values} FROM main.tasks WHERE number = ?) WHERE number = ?",
            (duplicate, request),
        )
        for table in ("timeline", "intents", "downloads", "service_events"):
            db.execute(f"UPDATE main.{table} SET task = ? WHERE task = ?", (request, duplicate))
        with chain_check.updated_row_digests(db, f"IN (SELECT number FROM main.tasks WHERE resubmit_of = {duplicate})"):
            for column in ("earlier", "resubmit_of"):
                db.execute(
                    f"UPDATE main.tasks SET {column} = nullif(?, number) WHERE {column} = ?", (request, duplicate)
                )
        db.execute("DELETE FROM main.tasks WHERE number = ?", (duplicate,))
        if not is_recorded:
            detail = f"with #{duplicate}, which had its task id"
            db.execute(INSERT_EVENT, (request, now, PROGRAM, EventKind.JOINED, None, None, detail))
        chain_check.end_joined_chains(db, request, duplicate)
        replay.apply_timeline(db, request, now)
        if not is_recorded:
            replay.correct_receipt(db, request, now, receipts)
        sides = (
            DisputeSide(before, missing_in(other_events, events)),
            DisputeSide(task_rows.row_of(db, request), missing_in(other_events, joined)),
        )
        choose_what_counts(db, request, sides, now, ("on the request", "on the row that its task id had"))


def correct_numbers(db: apsw.Connection) -> int:
    """Correct guessed task numbers by the timeline, which records the task id; return how many."""
    misnumbered = db.execute(
        "SELECT t.number, min(l.task) FROM timeline l JOIN tasks t ON t.task_id = l.detail"
        " JOIN temp.damaged_values r ON r.number = t.number AND r.name = 'number'"
        f" WHERE l.what = '{EventKind.ACCEPTED}' AND l.task NOT IN (SELECT number FROM tasks)"
        " GROUP BY t.number HAVING min(l.task) = max(l.task)"
    ).fetchall()
    for number, right in misnumbered:
        db.execute("UPDATE OR IGNORE tasks SET number = ? WHERE number = ?", (right, number))
        db.execute("UPDATE temp.damaged_values SET number = ? WHERE number = ?", (right, number))
    return len(misnumbered)


def record_answers_of_ended(db: apsw.Connection, numbers: Iterable[int]) -> None:
    """Record an answer for each of these tasks, whose legal clock had ended in a schema without answers.

    The migration that brings answers does the same for a history that is not damaged.
    """
    for number in numbers:
        answered = db.execute(
            "UPDATE tasks SET answered_how = 'finished, before answers were recorded',"
            " answered_on = local_day(coalesce(finished_at, updated_at, recorded_at)) WHERE number = ? AND open = 1"
            " RETURNING coalesce(finished_at, updated_at, recorded_at), 'on ' || answered_on || ': ' || answered_how",
            (number,),
        )
        for at, detail in answered.fetchall():
            db.execute(
                "INSERT INTO timeline (task, at, actor, what, detail) VALUES (?, ?, ?, ?, ?)",
                (number, at, PROGRAM, EventKind.ANSWERED, detail),
            )


def count_made_unconfirmed(db: apsw.Connection, now: str) -> int:
    """Return how many tasks the merge or recovery of that instant made UNCONFIRMED."""
    return task_rows.integer(
        db,
        f"SELECT count(DISTINCT task) FROM timeline WHERE at = '{now}' AND what = '{EventKind.RECOVERED}'"
        " AND after = 'UNCONFIRMED'",
    )


def remove_dangling_references(db: apsw.Connection) -> int:
    """Remove references to missing rows, and rows that need theirs; return how many rows were removed."""
    removed = 0
    for table, rowid, _, key in db.execute("PRAGMA foreign_key_check").fetchall():
        (column,) = (row[3] for row in db.execute(f"PRAGMA foreign_key_list({table})").fetchall() if row[0] == key)
        try:
            db.execute(f"UPDATE {table} SET {column} = NULL WHERE rowid = ?", (rowid,))
        except apsw.ConstraintError:
            db.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
            removed += 1
    return removed


def _restore_invariants(db: apsw.Connection, now: str) -> None:
    """Restore the invariants: references, polls, counts, and the purges of either source."""
    db.execute(
        "UPDATE tasks SET resubmitted = 1 WHERE resubmitted = 0"
        " AND number IN (SELECT resubmit_of FROM tasks WHERE resubmit_of IS NOT NULL)"
    )
    db.execute(f"UPDATE tasks SET terminal = 1 - terminal WHERE terminal <> (status IN ({FINAL_STATUS_LIST}))")
    # A decline comes into effect with the cancellation that it waits for.
    db.execute(
        "UPDATE tasks SET declined_on = NULL, decline_reason = NULL, decline_text = NULL"
        " WHERE declined_on IS NOT NULL AND status <> 'DECLINED' AND cancel_asked = 0"
    )
    for table in ("tasks", "downloads"):
        db.execute(f"UPDATE {table} SET revision = 0 WHERE revision NOT BETWEEN 0 AND {_LARGEST_REVISION}")
    db.execute(
        "UPDATE meta SET revision = 1 + (SELECT max(revision) FROM (SELECT revision FROM tasks"
        f" UNION ALL SELECT revision FROM downloads UNION ALL SELECT min(revision, {_LARGEST_REVISION}) FROM meta))"
    )
    remove_dangling_references(db)
    db.execute(f"UPDATE tasks SET download = {DOWNLOAD_OF_TASK} WHERE download IS NOT {DOWNLOAD_OF_TASK}")
    db.execute(
        "UPDATE tasks SET next_poll_at = coalesce(polled_at, recorded_at) WHERE next_poll_at IS NULL"
        " AND terminal = 0 AND task_id IS NOT NULL AND status <> 'UNCONFIRMED'"
    )
    latest = format_instant(parse_instant(now) + _LONGEST_WAIT)
    for table, column in (("tasks", "next_poll_at"), ("intents", "not_before"), ("downloads", "not_before")):
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} > ?", (now, latest))
    withheld = ", ".join(f"'{status}'" for status in WITHHELD_STATUSES)
    unsent = f"SELECT number, status FROM tasks WHERE purged_at IS NOT NULL AND status IN ({withheld})"
    for number, status in db.execute(unsent).fetchall():
        ended = "status = 'CANCELLED', terminal = 1, finished_at = purged_at"
        db.execute(f"UPDATE tasks SET {ended} WHERE number = ?", (number,))
        append_recovered(db, now, number, "it was purged, so that it cannot be sent", status, Status.CANCELLED)
    purged = "(SELECT number FROM tasks WHERE purged_at IS NOT NULL)"
    with_details = ", ".join(map(str, chain_check.commit_purged_details(db)))
    is_new = "at = ? AND actor = ?"  # what the program has just recorded names no shopper
    db.execute(f"UPDATE timeline SET detail = NULL WHERE task IN ({with_details}) AND NOT ({is_new})", (now, PROGRAM))
    # Without its folder, an engine would save the result anew in the one that it happens to run in.
    db.execute(
        "UPDATE downloads SET state = 'cancelled', paused = 0, rate = NULL, finished_at = ?"
        f" WHERE {DOWNLOAD_IS_OPEN} AND task IN {purged}",
        (now,),
    )
    db.execute(f"UPDATE downloads SET part_unwanted = 0, {PURGED_DOWNLOAD} WHERE task IN {purged}")
    db.execute(f"UPDATE tasks SET trouble = NULL, {PURGED_ERRORS} WHERE number IN {purged}")
    db.execute(UNLINK_PURGED, (task_rows.integer(db, "SELECT revision FROM meta"),))
    for statement in ("DELETE FROM tallies", f"INSERT INTO tallies {TASK_COUNTS}", *text_index.REBUILD):
        db.execute(statement)
    db.execute(
        "UPDATE engine SET pid = NULL, host = NULL, service = 'untried', message = NULL, next_try_at = NULL,"
        " upkeep = NULL, events = NULL, events_proven = 0, polls_relaxed = 0"
    )


def _drop_triggers(db: apsw.Connection) -> list[str]:
    """Drop all triggers; return the SQL that creates them."""
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    return [str(sql) for _, sql in triggers]


def _check(db: apsw.Connection, part: Path) -> None:
    verdict = db.execute("PRAGMA integrity_check(1)").fetchall()
    if verdict != [("ok",)] or db.execute("PRAGMA foreign_key_check").fetchall():
        raise StoreDamaged(f"The history built in {part} is not sound: {verdict}. Nothing was changed.")
