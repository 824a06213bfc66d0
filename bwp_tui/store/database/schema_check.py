"""Distinguish a history from another program's database, and a damaged schema from a newer one."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.store.database import migrate
from bwp_tui.store.errors import NotAHistory, StoreDamaged

APPLICATION_ID: Final = int.from_bytes(b"BwPr", "big")
"""Set by the second migration; histories of the first schema have none."""

_FIRST_WITH_ID: Final = 2
_MIN_OWN_TABLES: Final = 3
"""A database with so many of our tables is a history: other programs have a table called tasks, too."""

_TABLES: Final = frozenset({"meta", "tasks", "intents", "downloads", "timeline", "engine"})

_COLUMNS_SINCE: Final = (
    ("tasks", "purged_at", 2),
    ("tasks", "assigned_to", 3),
    ("downloads", "paused", 4),
    ("tallies", "tasks", 5),
    ("meta", "identity", 8),
    ("engine", "term", 10),
    ("service_events", "event_id", 12),
    ("tasks", "answered_on", 13),
    ("tasks", "inquired_on", 14),
    ("chains", "links", migrate.FIRST_WITH_CHAINS),
    ("tasks", "declined_on", 17),
)
"""Columns that migrations added, each with the first schema that has it; `tallies` has the counts of tasks."""

Schema = frozenset[tuple[object, ...]]


def check_identity(db: apsw.Connection, path: Path) -> None:
    """Check that `db` is a history of this program's schema or an older one, or empty; changes nothing.

    Raises:
        StoreTooNew: a newer program wrote it.
        NotAHistory: it is another program's database.
        StoreDamaged: it is a history whose header does not say so.
    """
    try:
        if has_damaged_version(db):
            raise StoreDamaged(f"The history {path} is damaged (its schema number is not that of its tables).")
        migrate.check_not_newer(migrate.version_of(db), path)
        _check_tables(db, path)
    except (apsw.SQLError, UnicodeDecodeError) as error:
        # The statements are right: the schema must be damaged.
        raise StoreDamaged(f"The history {path} is damaged ({error}).") from error


def has_damaged_version(db: apsw.Connection) -> bool:
    """Return whether damage raised the schema number, rather than a newer program.

    The number is certainly damaged if it is too large for any program, or if it differs in a single bit and the schema
    is exactly this program's: each migration changes the schema. A file with any other number beyond the newest counts
    as a newer program's, and must be left alone even if it is damaged too.
    """
    newest = migrate.newest_version()
    version = migrate.version_of(db)
    if version > migrate.LARGEST_VERSION:
        return True
    if version <= newest or (version ^ newest).bit_count() > 1:
        return False
    try:
        return schema_of(db) == expected_schema()
    except (apsw.SQLError, apsw.CorruptError, UnicodeDecodeError):
        return False


def _check_tables(db: apsw.Connection, path: Path) -> None:
    tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    ours = tables >= _TABLES
    version, application = migrate.version_of(db), int(db.pragma("application_id"))
    if tables and application != APPLICATION_ID and len(tables & _TABLES) < _MIN_OWN_TABLES:
        raise NotAHistory(
            f"{path} is a database of another program, not a history. It was not touched; move it away, "
            "or set BWP_DATA_DIR."
        )
    expected = APPLICATION_ID if version >= _FIRST_WITH_ID else 0
    if (
        bool(tables) is not (version > 0)
        or (tables and not ours)
        or application != expected
        or not _has_columns_of(db, version)
    ):
        raise StoreDamaged(f"The history {path} is damaged (its header and its tables do not fit together).")


def schema_of(db: apsw.Connection) -> Schema:
    """Return type, name, table and SQL of all tables, indexes and triggers, as bytes: damage may have left no text."""
    columns = ", ".join(f"CAST({name} AS BLOB)" for name in ("type", "name", "tbl_name", "sql"))
    return frozenset(db.execute(f"SELECT {columns} FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"))


def expected_schema() -> Schema:
    """Return the schema that this program's migrations make."""
    return _schema_after(migrate.migration_scripts())


@cache
def _schema_after(scripts: tuple[str, ...]) -> Schema:
    with closing(apsw.Connection(":memory:")) as db:
        for sql in scripts:
            migrate.run_script(db, sql)
        return schema_of(db)


def _has_columns_of(db: apsw.Connection, version: int) -> bool:
    """Return whether the columns that migrations added are there exactly when `version` has them."""
    tables = {table for table, _column, _first in _COLUMNS_SINCE}
    columns = {table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")} for table in tables}
    return all((column in columns[table]) is (version >= first) for table, column, first in _COLUMNS_SINCE)
