"""Restore a backup, merged with what only the present history holds: nothing is lost."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import format_instant
from bwp_tui.domain.urls import Shop
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.file_lock import FileLock
from bwp_tui.store.database.high_water_mark import HighWaterMark, state_of
from bwp_tui.store.database.open import has_wal, open_for_reading, prepare_file
from bwp_tui.store.database.shared_sql import IS_TO_CHECK
from bwp_tui.store.errors import NotAHistory, StoreDamaged, StoreUnavailable
from bwp_tui.store.maintenance import atomic_swap, integrity, intent_repair, rebuild, replay, task_rows
from bwp_tui.store.maintenance.merging.merge import MergeResult
from bwp_tui.store.maintenance.purge import NAMES_A_FILE, RESULT_PLACES, files_on_disk
from bwp_tui.store.maintenance.salvage.damaged_file import SQLITE_MAGIC, is_wal_damaged
from bwp_tui.store.queries.timeline import EventKind, asks_to_check

_UNCONFIRMED: Final = "SELECT number FROM tasks WHERE status = 'UNCONFIRMED'"
_TO_CHECK: Final = f"SELECT number FROM tasks WHERE {IS_TO_CHECK}"
_PURGED: Final = "SELECT number FROM tasks WHERE purged_at IS NOT NULL"
_COPIES: Final = f"SELECT task, what || ': ' || detail FROM timeline WHERE {NAMES_A_FILE} ORDER BY id"
"""Where results were unpacked or packed to, and letters written, by task."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did.

    Attributes:
        merged: what came from the backup.
        joined: the number of rows that were joined with the request whose task they are, and are no longer there.
        unconfirmed: the number of tasks that are UNCONFIRMED and were not so in the history.
        to_check: the number of tasks with the tag `to-check` that did not have it in the history, or not for that.
        results_left: files and partial files on disk, here or elsewhere, of tasks that the backup alone had purged.
        tasks: the number of all tasks.
        aside: the old file.
    """

    merged: MergeResult
    joined: int
    unconfirmed: int
    to_check: int
    results_left: tuple[str, ...]
    tasks: int
    aside: Path

    @property
    def had_tasks(self) -> bool:
        """Whether the history had tasks before."""
        return self.tasks > self.merged.added


def restore(path: Path, backup: Path, now: datetime) -> RestoreResult:
    """Replace the history with one merged from it and the backup; the present file is set aside.

    A task in both keeps its latest state. The caller holds the engine's lease.

    Raises:
        StoreUnavailable: others use the history.
        StoreDamaged, StoreTooNew, NotAHistory: the backup is no sound history; nothing was changed.
    """
    _check(backup)
    lock = FileLock(path)
    try:
        with translated_errors(path):
            prepare_file(path)
            if backup.samefile(path):
                raise StoreUnavailable(f"{backup} is the history itself. Nothing was changed.")
            if not lock.lock_exclusive():
                raise StoreUnavailable(
                    f"Another bwp-tui has the history {path} open. Close it and try again; nothing was changed."
                )
            atomic_swap.finish_interrupted_swap(path)
            _write_wal_back(path)
            high_water_mark = HighWaterMark(lock.descriptor)
            known = high_water_mark.read()
            restored = _restore(path, backup, now, 0 if known is None else known.highest_number)
            with closing(open_for_reading(path).db) as db:
                high_water_mark.reset(state_of(db, path))
            return restored
    finally:
        lock.release()


def check_backup(backup: Path, shop: Shop | None) -> None:
    """Raise StoreError unless a file is a sound backup, and of this shop if that is known."""
    _check(backup)
    with (
        closing(open_for_reading(backup).db) as other,
        suppress(apsw.SQLError),  # a backup of an older schema names no shop
    ):
        rebuild.check_same_shop(shop, other, backup)


def _check(backup: Path) -> None:
    """Raise StoreError unless a file is a sound backup."""
    try:
        with backup.open("rb") as file:
            is_database = file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
        findings = integrity.full_check(backup) if is_database else []
        if not findings and has_wal(backup) and is_wal_damaged(backup):
            findings = [
                "the log beside it breaks off, or belongs to another copy; move that away to restore the file alone"
            ]
    except OSError as error:
        raise StoreUnavailable(f"{backup} cannot be read: {error.strerror}. Nothing was changed.") from error
    except NotAHistory:
        is_database = False
    except (apsw.Error, StoreDamaged) as error:
        findings = [str(error)]
    if not is_database:
        raise NotAHistory(
            f"{backup} is not a backup of bwp-tui. Name a file that `bwp-tui backup` or the daily backup made; "
            "nothing was changed."
        )
    if findings:
        raise StoreDamaged(
            f"The backup {backup} is damaged ({'; '.join(findings)}). Name an older one, or start bwp-tui with the "
            "profile whose history it is, which recovers it; nothing was changed."
        )


def _restore(path: Path, backup: Path, now: datetime, highest_number: int) -> RestoreResult:
    if path.stat().st_size and (findings := integrity.full_check(path)):
        flag_damage(path)
        raise StoreDamaged(
            f"The history {path} is damaged ({'; '.join(findings)}). Run the same restore again: it recovers the "
            "history first. Nothing was changed."
        )
    swap, instant = atomic_swap.prepare_swap(path, atomic_swap.REPLACED, now), format_instant(now)
    with rebuild.build_history(swap.part, instant, path if path.stat().st_size else None) as db:
        task_rows.reserve_numbers(db, highest_number)
        before = task_rows.integer(db, "SELECT count(*) FROM tasks")
        unconfirmed_before, to_check_before = _numbers(db, _UNCONFIRMED), _numbers(db, _TO_CHECK)
        reasons_before = _reasons_to_check(db)
        purged_before = _numbers(db, _PURGED)
        places_before, copies_before = db.execute(RESULT_PLACES, (None,)).fetchall(), db.execute(_COPIES).fetchall()
        merged = rebuild.merge_file(db, backup, instant, EventKind.RESTORED, f"the backup {backup.name}")
        purged = _numbers(db, _PURGED) - purged_before
        results_left = (
            *(str(file) for _, file in files_on_disk(places_before, purged)),
            *(str(copy) for number, copy in copies_before if number in purged),
        )
        with db:
            if purged:  # the engine replaces the backups, as after a purge
                db.execute("UPDATE meta SET traces_left = 1")
            intent_repair.lapse_orphan_submissions(db, instant)
            replay.tag_changed_tasks(db, instant)
            intent_repair.repair_cancellations(db, instant)
            intent_repair.mark_tokenless_unconfirmed(db, instant)
        unconfirmed = len(_numbers(db, _UNCONFIRMED) - unconfirmed_before)
        with_new_reason = {number for number, _ in _reasons_to_check(db) - reasons_before}
        to_check = len(_numbers(db, _TO_CHECK) - (to_check_before - with_new_reason))
        count = task_rows.integer(db, "SELECT count(*) FROM tasks")
    atomic_swap.commit(swap)
    joined = before - merged.common - merged.only_here
    return RestoreResult(merged, joined, unconfirmed, to_check, results_left, tasks=count, aside=swap.aside)


def _numbers(db: apsw.Connection, sql: str) -> set[int]:
    return {int(str(number)) for (number,) in db.execute(sql)}


def _reasons_to_check(db: apsw.Connection) -> set[tuple[int, str]]:
    """Return what a person has to check, or has checked: each with the number of its task."""
    events = db.execute("SELECT task, detail FROM timeline WHERE what = ?", (EventKind.RECOVERED,))
    reasons = ((int(str(task)), str(detail)) for task, detail in events)
    return {(task, detail) for task, detail in reasons if asks_to_check(EventKind.RECOVERED, detail)}


def _write_wal_back(path: Path) -> None:
    """Write the WAL back into the history; raise apsw.BusyError if another program has that open."""
    if not path.stat().st_size:
        return
    with closing(apsw.Connection(os.fspath(path))) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        db.execute("BEGIN EXCLUSIVE; COMMIT").fetchall()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
