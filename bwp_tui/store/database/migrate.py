"""Bring a history to this program's schema: a backup, then all missing migrations in one transaction."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import local_day, parse_instant
from bwp_tui.store.errors import StoreTooNew

_FOLDER: Final = Path(__file__).parents[1] / "migrations"

LARGEST_VERSION: Final = 10_000
"""A larger number of a schema is damaged: no program will have so many migrations."""

FIRST_WITH_CHAINS: Final = 16
"""The first schema whose timelines are chained by digests."""


@cache
def migration_scripts() -> tuple[str, ...]:
    """Return the SQL of every migration, in order; they are read once."""
    return tuple(file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.sql")))


def run_script(db: apsw.Connection, sql: str) -> None:
    """Run one migration, in the caller's transaction; in its SQL, `local_day` is the shop's day of an instant."""
    db.create_scalar_function("local_day", _local_day, 1, deterministic=True)
    # Fetched to its end: a script would stop at its first statement that returns a row.
    db.execute(sql).fetchall()


def _local_day(*values: apsw.SQLiteValue) -> str:
    (instant,) = values
    return local_day(parse_instant(str(instant))).isoformat()


def newest_version() -> int:
    """Return the number of the newest schema."""
    return len(migration_scripts())


def check_not_newer(version: int, path: Path) -> None:
    """Raise StoreTooNew unless this program knows the schema `version` of the history at `path`."""
    known = newest_version()
    if known < version <= LARGEST_VERSION:
        raise StoreTooNew(
            f"A newer bwp-tui wrote the history {path} (schema {version}, this program knows {known}). "
            "Update bwp-tui; nothing was changed."
        )


def migrate(db: apsw.Connection, path: Path) -> None:
    """Run the migrations that `db` lacks."""
    known = migration_scripts()
    if version_of(db) == len(known):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated while this one waited for the lock.
        version = version_of(db)
        check_not_newer(version, path)
        if 0 < version < len(known):
            _back_up(path, version)
        apply_missing(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def apply_missing(db: apsw.Connection) -> None:
    """Run the migrations that `db` lacks, in the caller's transaction and without a backup."""
    version = version_of(db)
    if version == newest_version():
        return
    from bwp_tui.store.database.digest_chain import ChainWriter, begin_all_chains  # nearly every start does without it

    chains = ChainWriter(db) if version >= FIRST_WITH_CHAINS else None
    for number, sql in enumerate(migration_scripts()[version:], start=version + 1):
        run_script(db, sql)
        db.execute(f"PRAGMA user_version = {number}")
    if chains is not None:
        chains.write()
        chains.stop()
    elif version_of(db) >= FIRST_WITH_CHAINS:
        begin_all_chains(db)


def version_of(db: apsw.Connection) -> int:
    """Return the number of the schema that the header of `db` names."""
    return int(db.pragma("user_version"))


def _back_up(path: Path, version: int) -> None:
    """Copy the history as it was, through a second connection: the first one has begun its transaction."""
    from bwp_tui.store.database.copy import copy_database  # as above

    target = path.with_name(f"{path.stem}.before-schema-{version + 1}.db")
    if target.exists():
        return
    # The copy gets its name when it is whole: a crash must not leave a part under it.
    partial = target.with_suffix(".part")
    partial.unlink(missing_ok=True)
    copy_database(apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY), partial).close()
    partial.rename(target)
