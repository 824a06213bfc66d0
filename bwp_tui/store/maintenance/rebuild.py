"""Build a history from the rows of others: create the file, and restore its invariants."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.task import TO_CHECK
from bwp_tui.store.database.copy import copy_database, create_database
from bwp_tui.store.database.migrate import apply_missing
from bwp_tui.store.database.open import open_for_reading
from bwp_tui.store.database.shared_sql import PURGED_DOWNLOAD, PURGED_ERRORS
from bwp_tui.store.database.shop_binding import BOUND_SHOP, bound_shop
from bwp_tui.store.errors import OtherShop, StoreDamaged
from bwp_tui.store.maintenance import chain_check
from bwp_tui.store.maintenance.integrity import TASK_COUNTS
from bwp_tui.store.maintenance.intent_repair import FINAL_STATUS_LIST
from bwp_tui.store.maintenance.merge import MergeResult, integer, merge
from bwp_tui.store.queries import text_index
from bwp_tui.store.queries.timeline import PROGRAM, EventKind

_LARGEST_REVISION: Final = 1 << 50
"""Above this it is damaged: a billion transactions a day would take 3,000 years."""


@contextmanager
def build_history(part: Path, now: str, source: Path | None = None) -> Iterator[apsw.Connection]:
    """Create a history at `part`, empty or a copy of `source`, to be filled in the block.

    Triggers and foreign keys are off in the block; at its end both are restored, and the digests completed.

    Args:
        now: the instant, as text.

    Raises:
        StoreDamaged: the result is not sound.
    """
    db = create_database(part) if source is None else copy_database(open_for_reading(source).db, part)
    try:
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "secure_delete = ON", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        with db:
            apply_missing(db)
            if source is not None:
                chain_check.remember_broken_chains(db, gaps=True)
        triggers = _drop_triggers(db)
        yield db
        with db:
            _restore_invariants(db)
            chain_check.seal_rebuilt(db, now)
            for trigger in triggers:
                db.execute(trigger)
        _check(db, part)
    finally:
        db.close()


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
            here, there = (bound_shop(each.execute(BOUND_SHOP)) for each in (db, other))
        if event is EventKind.RESTORED and here and there and here.is_certainly_other(there):
            raise OtherShop(
                f"{source} holds the requests of {there}, and the history those of {here}. Restore it with the profile "
                "of that shop; nothing was changed."
            )
        db.execute("ATTACH ? AS other", (os.fspath(copy),))
        try:
            with db:
                merged = merge(db, now, event, source_name)
        finally:
            db.execute("DETACH other")
    finally:
        copy.unlink(missing_ok=True)
    return merged


def correct_numbers(db: apsw.Connection) -> int:
    """Correct guessed task numbers by the timeline, which records the task id; return how many."""
    wrong = db.execute(
        "SELECT t.number, min(l.task) FROM timeline l JOIN tasks t ON t.task_id = l.detail"
        " JOIN temp.replaced r ON r.number = t.number AND r.name = 'number'"
        f" WHERE l.what = '{EventKind.ACCEPTED}' AND l.task NOT IN (SELECT number FROM tasks)"
        " GROUP BY t.number HAVING min(l.task) = max(l.task)"
    ).fetchall()
    for number, right in wrong:
        db.execute("UPDATE OR IGNORE tasks SET number = ? WHERE number = ?", (right, number))
        db.execute("UPDATE temp.replaced SET number = ? WHERE number = ?", (right, number))
    return len(wrong)


def answer_ended(db: apsw.Connection, numbers: Iterable[int]) -> None:
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
    return integer(
        db,
        f"SELECT count(DISTINCT task) FROM timeline WHERE at = '{now}' AND what = '{EventKind.RECOVERED}'"
        " AND after = 'UNCONFIRMED'",
    )


def count_tagged_to_check(db: apsw.Connection, now: str) -> int:
    """Return how many tasks the merge of that instant tagged `to-check`."""
    return integer(
        db,
        f"SELECT count(DISTINCT task) FROM timeline WHERE at = '{now}' AND what = '{EventKind.TAGS}'"
        f" AND detail = '+{TO_CHECK}'",
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


def _restore_invariants(db: apsw.Connection) -> None:
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
    newest = "(SELECT max(id) FROM downloads WHERE task = tasks.number)"
    db.execute(f"UPDATE tasks SET download = {newest} WHERE download IS NOT {newest}")
    db.execute(
        "UPDATE tasks SET next_poll_at = coalesce(polled_at, recorded_at) WHERE next_poll_at IS NULL"
        " AND terminal = 0 AND task_id IS NOT NULL AND status <> 'UNCONFIRMED'"
    )
    purged = "(SELECT number FROM tasks WHERE purged_at IS NOT NULL)"
    chain_check.commit_purged_details(db)
    db.execute(f"UPDATE timeline SET detail = NULL WHERE task IN {purged}")
    db.execute(f"UPDATE downloads SET {PURGED_DOWNLOAD} WHERE task IN {purged}")
    db.execute(f"UPDATE tasks SET trouble = NULL, {PURGED_ERRORS} WHERE number IN {purged}")
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
