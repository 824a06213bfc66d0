"""Back up the history: once a day, of which seven backups are kept, and when the operator asks for it."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.file_access import access_to, make_folder
from bwp_tui.store.database.error_translation import translated_damage, translated_errors
from bwp_tui.store.database.open import has_wal, open_for_reading
from bwp_tui.store.errors import StoreUnavailable
from bwp_tui.store.maintenance.atomic_swap import histories_set_aside, sync

KEPT_BACKUPS: Final = 7

_SMALLEST_DATABASE: Final = 512
"""Bytes of the smallest page: SQLite takes a shorter file for a new one."""

_NAME: Final = r"-\d{4}-\d\d-\d\d\.db"


def folder(path: Path) -> Path:
    """Return the folder of the daily backups of the history at `path`."""
    return path.parent / "backups"


def daily_backups(path: Path) -> list[Path]:
    """Return the daily backups, the newest first.

    Raises:
        StoreUnavailable: their folder cannot be read, as a link to a disk that is not mounted. Without it a lost
            history would be taken for a new one.
    """
    here = folder(path)
    try:
        found = [*here.iterdir()]
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(here):
            return []
        raise StoreUnavailable(
            f"The folder {here} of the backups cannot be read: {error.strerror}. Mount the disk that it is on, or fix "
            "it, and try again."
        ) from error
    pattern = f"{re.escape(path.stem)}{_NAME}"
    return sorted((backup for backup in found if re.fullmatch(pattern, backup.name)), reverse=True)


def day_of(backup: Path) -> date:
    """Return the day of a daily backup."""
    return date.fromisoformat(backup.stem[-len("2026-01-01") :])


def was_emptied(path: Path) -> bool:
    """Return whether the history is an empty file although a log or a copy shows that it was not always."""
    is_empty = path.stat().st_size < _SMALLEST_DATABASE
    return is_empty and is_recoverable(path)


def is_recoverable(path: Path) -> bool:
    """Return whether a history that is missing left a log or a copy to recover it from."""
    return has_wal(path) or bool(daily_backups(path) or histories_set_aside(path))


def todays_path(path: Path, today: date) -> Path:
    """Return the path of today's backup of the history at `path`, whether or not it exists."""
    return folder(path) / f"{path.stem}-{today.isoformat()}.db"


def back_up_daily(path: Path, today: date, stop: threading.Event) -> Path | None:
    """Make today's backup unless there is one, and then remove all but the newest seven; return the new one.

    Raises:
        StoreError: it could not be made or is damaged; the older ones are then left alone.
        CopyCancelled: `stop` was set meanwhile.
    """
    target = todays_path(path, today)
    if target in daily_backups(path):
        return None
    with translated_errors(path):
        _make(path, target, stop)
        for old in daily_backups(path)[KEPT_BACKUPS:]:
            old.unlink(missing_ok=True)
    return target


def replace_all(path: Path, today: date, stop: threading.Event) -> None:
    """Replace all backups that this program made with a new one."""
    target = todays_path(path, today)
    with translated_errors(path):
        _make(path, target, stop)
        for old in own_backups(path):
            if old != target:
                old.unlink(missing_ok=True)


def back_up_to(path: Path, target: Path) -> None:
    """Copy the history to a new file; raise FileExistsError where there is a file."""
    if os.path.lexists(target):
        raise FileExistsError(target)
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
        state = "cannot be written by this user" if target.parent.is_dir() else "is no folder"
        raise StoreUnavailable(f"{target.parent} {state}: no backup was made. Name a file in another folder.")
    with translated_errors(target):
        _copy(path, target, _rename_without_replacing)


def own_backups(path: Path) -> list[Path]:
    """Return the backups that this program made by itself, the newest first."""
    before_migrations = path.parent.glob(f"{path.stem}.before-schema-*.db")
    return [*daily_backups(path), *sorted(before_migrations, reverse=True)]


def _make(path: Path, target: Path, stop: threading.Event) -> None:
    try:
        make_folder(target.parent)
        access_to(target).set_folder(target.parent)
    except OSError as error:
        raise StoreUnavailable(
            f"No backup of the history can be made in {target.parent}: {error.strerror}. Run: bwp-tui doctor."
        ) from error
    _copy(path, target, Path.replace, stop)


def _copy(
    path: Path, target: Path, rename: Callable[[Path, Path], object], stop: threading.Event | None = None
) -> None:
    """Copy the history to a file of another name, check the copy, and rename it to `target`."""
    from bwp_tui.store.database.copy import copy_database  # every start asks whether there are backups

    part = target.with_name(f".{target.name}.part")
    try:
        remove_database(part)
        with translated_damage(path):
            with closing(copy_database(open_for_reading(path).db, part, stop)) as copy:
                verdict = copy.execute("PRAGMA integrity_check(1)").fetchall()
            if verdict != [("ok",)]:
                raise apsw.CorruptError(f"{verdict[0][0]}: no backup was made of it")
        sync(part)
        rename(part, target)
        sync(target.parent)
    finally:
        remove_database(part)


def _rename_without_replacing(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links here, as on FAT
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        part.rename(target)


def remove_database(path: Path) -> None:
    """Remove a database and the files of SQLite beside it, as far as they are there."""
    for ending in ("", "-journal", "-wal", "-shm"):
        path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
