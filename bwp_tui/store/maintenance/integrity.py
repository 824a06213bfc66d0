"""Check a history for damage: quickly while it is in use, fully for `doctor` and before it is recovered."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.statuses import DeclineReason, DownloadState, IntentAction, IntentState
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.high_water_mark import is_older_than_rows
from bwp_tui.store.database.migrate import newest_version, version_of
from bwp_tui.store.database.open import has_wal, open_for_reading
from bwp_tui.store.database.schema_check import expected_schema, schema_of
from bwp_tui.store.database.shared_sql import INTENT_IS_WAITING
from bwp_tui.store.errors import StoreDamaged, StoreError
from bwp_tui.store.maintenance.salvage.damaged_file import is_wal_damaged
from bwp_tui.store.maintenance.salvage.table_shapes import shapes
from bwp_tui.store.queries.row_mapping import TASKS, task_of

_COUNT_KEY: Final = "kind, status, terminal, saved, resubmitted, open"
TASK_COUNTS: Final = f"SELECT {_COUNT_KEY}, count(*) FROM tasks GROUP BY {_COUNT_KEY}"
TALLIED_COUNTS: Final = f"SELECT {_COUNT_KEY}, tasks FROM tallies WHERE tasks > 0"
"""Two queries with the same result: the first counts the tasks, the second reads what triggers have counted."""

_MAX_FINDINGS: Final = 5
"""Findings that are reported at most."""

_STEPS_PER_PROGRESS_CALL: Final = 100_000
"""SQLite instructions between two checks for cancellation: some milliseconds."""


def quick_check(path: Path, stop: threading.Event, *, with_pages: bool = True) -> list[str]:
    """Return what a quick check finds wrong, on a connection of its own.

    It checks the pages, which takes about a second for each GB, and the index by which requests are sent. Ends at once,
    with no finding, when `stop` is set.
    """
    with closing(open_for_reading(path).db) as db:
        db.set_progress_handler(stop.is_set, _STEPS_PER_PROGRESS_CALL)
        try:
            return (_page_findings(db, "quick_check") if with_pages else []) or _waiting_index(db)
        except apsw.InterruptError:
            return []


def full_check(path: Path) -> list[str]:
    """Return what is wrong with pages, indexes, references, schema, counts and contents of a history."""
    with closing(open_for_reading(path).db) as db:
        try:
            findings = _page_findings(db, "integrity_check")
            checks = (_indexes, _waiting_index, _references, _schema, _counts, _allowed_values, _contents)
            return findings or [finding for check in checks for finding in check(db)][:_MAX_FINDINGS]
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, UnicodeDecodeError) as error:
            return [str(error)]


def is_sound(copy: Path) -> bool:
    """Return whether a history that no process writes to passes the full check, and the log beside it is whole."""
    try:
        return not full_check(copy) and not (has_wal(copy) and is_wal_damaged(copy))
    except (StoreError, apsw.Error, OSError):
        return False


def _page_findings(db: apsw.Connection, check: str) -> list[str]:
    findings = [str(row[0]) for row in db.execute(f"PRAGMA {check}({_MAX_FINDINGS})")]
    return [] if findings == ["ok"] else findings


def _indexes(db: apsw.Connection) -> list[str]:
    """Begin to read each index: SQLite's own check takes the root of an empty one for sound whatever its kind."""
    indexes = db.execute("SELECT name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE type = 'index'").fetchall()
    for name, table, sql in indexes:
        _, where, condition = str(sql).partition(" WHERE ")
        try:
            db.execute(f'SELECT 1 FROM "{table}" INDEXED BY "{name}" {where}{condition} LIMIT 1').fetchall()
        except apsw.CorruptError as error:
            return [f"the index {name} cannot be read ({error})"]
    return []


def _waiting_index(db: apsw.Connection) -> list[str]:
    """Compare the index by which requests are sent with the rows: SQLite takes one with old entries for sound."""
    if version_of(db) != newest_version():
        return []
    waiting = f"SELECT id FROM intents {{}} WHERE {INTENT_IS_WAITING}"
    by_index, by_rows = waiting.format("INDEXED BY intents_waiting"), waiting.format("NOT INDEXED")
    return ["the index of requests that wait is wrong"] if _differ(db, by_index, by_rows) else []


def _references(db: apsw.Connection) -> list[str]:
    violations = db.execute("PRAGMA foreign_key_check").fetchall()[:_MAX_FINDINGS]
    return [f"{table} {row} refers to a row of {parent} that is gone" for table, row, parent, _ in violations]


def _schema(db: apsw.Connection) -> list[str]:
    if version_of(db) != newest_version():
        return []  # an older one, whose schema is known only by its golden file
    differences = schema_of(db) ^ expected_schema()
    names = {entry[1].decode("utf-8", "replace") for entry in differences if isinstance(entry[1], bytes)}
    return [f"{name} is not as this program made it" for name in sorted(names)]


def _counts(db: apsw.Connection) -> list[str]:
    if version_of(db) != newest_version():
        return []  # an older one counts in another way
    if _differ(db, TALLIED_COUNTS, TASK_COUNTS):
        return ["the counts of tasks are wrong"]
    is_index_wrong = _differ(db, "SELECT id FROM words_docsize", "SELECT number FROM tasks")
    return ["the text index is wrong"] if is_index_wrong else []


def _differ(db: apsw.Connection, one: str, other: str) -> bool:
    """Return whether two queries have different rows."""
    sql = f"SELECT 1 FROM ({one} EXCEPT {other}) UNION SELECT 1 FROM ({other} EXCEPT {one})"
    return bool(db.execute(sql).fetchall())


_ALLOWED_VALUES: Final[dict[str, dict[str, Iterable[str | int]]]] = {
    "tasks": {
        "kind": Kind,
        "decline_reason": DeclineReason,
        **dict.fromkeys(("terminal", "saved", "resubmitted", "cancel_asked", "appeal_upheld"), (0, 1)),
    },
    "intents": {"action": IntentAction, "state": IntentState},
    "downloads": {"state": DownloadState, "paused": (0, 1), "part_unwanted": (0, 1)},
}
"""The values of columns that have only some: SQLite checks no constraint of a file that it opened for reading."""


def _allowed_values(db: apsw.Connection) -> list[str]:
    if version_of(db) != newest_version():
        return []
    for table, columns in _ALLOWED_VALUES.items():
        for column, values in columns.items():
            known = ", ".join(str(value) if isinstance(value, int) else f"'{value}'" for value in values)
            if db.execute(f"SELECT 1 FROM {table} WHERE {column} NOT IN ({known}) LIMIT 1").fetchall():
                return [f"{table} holds a {column} that this program does not write"]
    return []


def _contents(db: apsw.Connection) -> list[str]:
    """Read every value, to find those that would make a screen fail."""
    try:
        for table, shape in shapes().items():
            if not db.table_exists("main", table):
                continue  # of a newer schema
            for row in db.execute(f"SELECT * FROM {table}"):
                unreadable = shape.unreadable(row)
                if unreadable is not None:
                    return [f"{table} holds a {unreadable} that cannot be read"]
        if version_of(db) == newest_version():  # an older one lacks columns of a task
            for row in db.execute(TASKS):
                task_of(row)
        if db.execute("SELECT 1 FROM meta, engine").fetchall() != [(1,)]:
            return ["its own state is not one row"]
        if is_older_than_rows(db):
            return ["its own state is older than its rows"]
    except (StoreDamaged, UnicodeDecodeError, ValueError) as error:
        return [str(error)]
    return []
