"""Making a register out of what was read of others: the new file, and what must be true of it in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.task import TERMINAL
from bwp_tui.history import tallies, words
from bwp_tui.history.errors import HistoryDamaged
from bwp_tui.history.merge import RECOVERER, merge
from bwp_tui.history.migrate import advance
from bwp_tui.history.opening import open_to_read

_GUARDS: Final = ("timeline_is_append_only", "timeline_is_kept")


@contextmanager
def new_register(part: Path, source: Path | None = None) -> Iterator[apsw.Connection]:
    """Make a register at `part`, empty or a copy of `source`, to be put together in the block.

    Its timeline is unguarded and its references unchecked until the block ends; then both are put right.

    Raises:
        HistoryDamaged: what was put together is not sound.
    """
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    db = apsw.Connection(os.fspath(part))
    try:
        if source is not None:
            _copy(source, db)
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "secure_delete = ON", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        with db:
            advance(db)
        guards = _take_guards(db)
        yield db
        with db:
            _keep_promises(db)
            for guard in guards:
                db.execute(guard)
        _check(db, part)
    finally:
        db.close()


def add_from(db: apsw.Connection, source: Path, now: str, what: str, words: str) -> tuple[int, int]:
    """Merge the register in the file `source`, of this or an older schema; return what `merge` does."""
    name = Path(db.filename)
    copy = name.with_name(f"{name.name}-other")
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    other = apsw.Connection(os.fspath(copy))
    try:
        _copy(source, other)
        other.execute("PRAGMA journal_mode = MEMORY")
        advance(other)
    finally:
        other.close()
    db.execute("ATTACH ? AS other", (os.fspath(copy),))
    with db:
        merged = merge(db, now, what, words)
    db.execute("DETACH other")
    copy.unlink()
    return merged


def add_lost_tasks(db: apsw.Connection, now: str) -> int:
    """Make a task of each number that only its timeline, intents or downloads still tell of; return how many."""
    orphans = db.execute(
        "SELECT task, min(at) FROM (SELECT task, at FROM timeline UNION ALL SELECT task, asked_at FROM intents"
        " UNION ALL SELECT task, asked_at FROM downloads) WHERE task NOT IN (SELECT number FROM tasks) GROUP BY task"
    ).fetchall()
    for number, first in ((int(number or 0), str(first)) for number, first in orphans):
        kind = "DELETION" if _tells_of_a_deletion(db, number) else "RETRIEVAL"
        task_id, status = _last_known(db, number)
        db.execute(
            "INSERT INTO tasks (number, task_id, kind, email, status, terminal, received_on, regulation, recorded_at,"
            " finished_at, note, revision) VALUES (?, ?, ?, '', ?, ?, ?, 'none', ?, ?, ?, 1)",
            (
                number,
                task_id,
                kind,
                status,
                int(status in TERMINAL),
                first[:10],
                first,
                None,
                "Recovered without its address, kind and dates: see the report.",
            ),
        )
        db.execute(
            "UPDATE tasks SET finished_at = (SELECT max(at) FROM timeline WHERE task = number)"
            " WHERE number = ? AND terminal",
            (number,),
        )
        db.execute(
            "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE task = ? AND state = 'waiting'", (now, number)
        )
    return len(orphans)


def _tells_of_a_deletion(db: apsw.Connection, number: int) -> bool:
    return bool(
        db.execute(
            "SELECT 1 FROM timeline WHERE task = ?1 AND (after = 'ON_HOLD' OR before = 'ON_HOLD' OR what GLOB 'cancel*'"
            " OR detail GLOB 'DELETION *') UNION SELECT 1 FROM intents WHERE task = ?1 AND action = 'cancel'",
            (number,),
        ).fetchall()
    )


def _last_known(db: apsw.Connection, number: int) -> tuple[str | None, str]:
    """Return the task id and the status that the timeline of a task tells of."""
    accepted = db.execute(
        "SELECT CASE what WHEN 'tracked' THEN substr(detail, 1 + instr(detail, ' ')) ELSE detail END AS said"
        " FROM timeline WHERE task = ? AND what IN ('accepted', 'tracked') AND detail NOT GLOB '*, kept as #*'"
        " AND said NOT IN (SELECT task_id FROM tasks WHERE task_id IS NOT NULL) ORDER BY id DESC LIMIT 1",
        (number,),
    ).fetchall()
    status = db.execute(
        "SELECT after FROM timeline WHERE task = ? AND after IS NOT NULL ORDER BY id DESC LIMIT 1", (number,)
    ).fetchall()
    task_id = str(accepted[0][0]) if accepted else None
    known = str(status[0][0]) if status else "UNCONFIRMED"
    return task_id, "UNCONFIRMED" if task_id is None and known == "QUEUED" else known


def doubt_unsent(db: apsw.Connection) -> None:
    """Take every request that waits to be sent for one that may have been sent: the last commits may be lost.

    It is then sent again under its own client token, and only while that protects it (contract: Operations).
    """
    db.execute(
        "UPDATE intents SET first_sent_at = coalesce(first_sent_at, asked_at), attempts = max(attempts, 1)"
        " WHERE state = 'waiting' AND action = 'submit'"
    )


def confirm_tokens(db: apsw.Connection, now: str) -> int:
    """Leave to the operator what waits for an answer but has lost its client token; return how many there are."""
    changed = db.execute(
        "UPDATE tasks SET status = 'UNCONFIRMED' WHERE status = 'QUEUED' AND task_id IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM intents WHERE task = number AND action = 'submit' AND state = 'waiting') RETURNING number"
    ).fetchall()
    for (number,) in changed:
        db.execute(
            "INSERT INTO timeline (task, at, actor, what, before, after, detail)"
            " VALUES (?, ?, ?, 'recovered', 'QUEUED', 'UNCONFIRMED', 'its client token is lost')",
            (number, now, RECOVERER),
        )
    return len(changed)


def _keep_promises(db: apsw.Connection) -> None:
    """Mend the references, the polls, the counts; let what was purged in one source be purged."""
    for column in ("resubmit_of", "earlier"):
        db.execute(f"UPDATE tasks SET {column} = NULL WHERE {column} NOT IN (SELECT number FROM tasks)")
    db.execute("UPDATE tasks SET download = NULL WHERE download NOT IN (SELECT id FROM downloads)")
    for table in ("intents", "downloads", "timeline"):
        db.execute(f"DELETE FROM {table} WHERE task NOT IN (SELECT number FROM tasks)")
    db.execute(
        "UPDATE tasks SET next_poll_at = coalesce(polled_at, recorded_at) WHERE next_poll_at IS NULL"
        " AND terminal = 0 AND task_id IS NOT NULL AND status <> 'UNCONFIRMED'"
    )
    purged = "(SELECT number FROM tasks WHERE purged_at IS NOT NULL)"
    db.execute(f"UPDATE timeline SET detail = NULL WHERE task IN {purged}")
    db.execute(f"UPDATE downloads SET directory = '', path = NULL, trouble = NULL WHERE task IN {purged}")
    for statement in (*tallies.REBUILD, *words.REBUILD):
        db.execute(statement)
    db.execute("UPDATE engine SET pid = NULL, host = NULL, service = 'untried', message = NULL, next_try_at = NULL")


def _take_guards(db: apsw.Connection) -> list[str]:
    """Remove the triggers that keep the timeline; return the SQL that makes them again."""
    taken = []
    for name in _GUARDS:
        for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchall():
            taken.append(str(sql))
            db.execute(f"DROP TRIGGER {name}")
    return taken


def _copy(source: Path, db: apsw.Connection) -> None:
    taken = open_to_read(source).db
    try:
        with db.backup("main", taken, "main") as backup:
            backup.step()
    finally:
        taken.close()
    # The copy of a register that writes ahead would do so too, and leave files beside it.
    db.execute("PRAGMA journal_mode = DELETE").fetchall()


def _check(db: apsw.Connection, part: Path) -> None:
    verdict = db.execute("PRAGMA integrity_check(1)").fetchall()
    if verdict != [("ok",)] or db.execute("PRAGMA foreign_key_check").fetchall():
        raise HistoryDamaged(f"What was put together in {part} is not sound: {verdict}. Nothing was changed.")
