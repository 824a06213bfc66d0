"""Mending a register that is damaged: it is set aside, and what can be read goes into a new one, with a report.

It never ends in an error of its own: where the pages cannot be made use of, the newest backup is taken alone, and
without one an empty register; the damaged one is kept in any case.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import to_text
from bwp_tui.store.database.damage_flag import unflag
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.migrate import refuse_newer
from bwp_tui.store.errors import StoreDamaged, StoreForeign, StoreTooNew
from bwp_tui.store.maintenance import atomic_swap, backups, damaged_file, integrity, rebuild
from bwp_tui.store.maintenance.merge import Merged, scalar
from bwp_tui.store.maintenance.row_writer import RowWriter
from bwp_tui.store.maintenance.salvage import Salvage

_SURROUNDINGS: Final = (
    OSError,
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
)
"""What is wrong around the register, not in it: it is tried again at the next start."""

_MAX_KEY_GAP: Final = 100_000
"""Keys beyond the highest one found that may have been given, to rows that are gone."""


@dataclass(slots=True)
class _RowCounts:
    """What came of the rows: how many of each table were kept, mended, lost; and from where the rest came."""

    kept: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    guessed: int = 0
    ids_doubled: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    mixed: bool = False
    failed: list[str] = field(default_factory=list)
    backup: str | None = None
    merged: Merged = field(default_factory=Merged)
    remains: int = 0
    dangling: int = 0
    unconfirmed: int = 0
    tasks: int = 0


def recover(path: Path, now: datetime) -> str | None:
    """Finish what a crash left half done, and recover the register if it is damaged; return a sentence on it.

    To be called by whoever has the register alone.

    Raises:
        StoreError: it could not be mended; nothing was changed.
    """
    with translated_errors(path):
        done = atomic_swap.finish(path)
        if done is not None:
            unflag(path)
            return f"The history was put in order after a crash: what was there before is kept as {done.aside}."
        reason = _damage(path)
        if reason is None:
            unflag(path)
            return None
        return _recover(path, now, reason)


def _damage(path: Path) -> str | None:
    """Return what is wrong with a history, or None.

    Raises:
        StoreTooNew, StoreForeign: it is not for this program to mend.
    """
    if backups.was_emptied(path):
        return "the file is empty"
    if not path.stat().st_size:
        return None
    with damaged_file.opened(path) as file:
        if file.mixed or file.log_is_cut:
            for logged in (False, True):
                refuse_newer(file.version(logged=logged), path)
        if file.mixed:
            return "the log beside it belongs to another copy of it"
        if file.log_is_cut:
            return "the log beside it is damaged"
    try:
        return "; ".join(integrity.full_check(path)) or None
    except (StoreForeign, StoreTooNew, *_SURROUNDINGS):
        raise
    except Exception as error:  # noqa: BLE001  what a sound register never raises
        return str(error) or type(error).__name__


def _recover(path: Path, now: datetime, reason: str) -> str:
    failed: list[str] = []
    for from_pages, from_backups in ((True, True), (False, True), (False, False)):
        change, tally = atomic_swap.new(path, "damaged", now), _RowCounts(failed=failed)
        try:
            with rebuild.create_empty(change.part) as db:
                _fill(db, path, tally, to_text(now), from_pages=from_pages, from_backups=from_backups)
        except _SURROUNDINGS:
            raise
        except Exception as error:  # noqa: BLE001  whatever is in the file, the program must start
            failed.append(f"{type(error).__name__}: {error}" if isinstance(error, apsw.Error) else type(error).__name__)
        else:
            break
    else:
        raise StoreDamaged(f"No new history could be made in the place of {path} ({failed[-1]}).")
    _write_report(change, tally, reason, now)
    atomic_swap.commit(change)
    unflag(path)
    return _sentence(change, tally)


def _fill(
    db: apsw.Connection, path: Path, tally: _RowCounts, instant: str, *, from_pages: bool, from_backups: bool
) -> None:
    """Put into a new register what the pages of the damaged one and the newest backup hold."""
    highest = 0
    if from_pages:
        with db:
            highest = _take_rows(db, path, tally, instant)
            rebuild.correct_numbers(db)
            rebuild.return_strays(db)
            rebuild.assume_sent(db)
    if from_backups:
        _add_backup(db, path, tally, instant)
    with db:
        highest = max(highest, scalar(db, "SELECT max(number) FROM tasks"))
        rebuild.lapse_strays(db, instant)
        tally.remains = rebuild.add_lost_tasks(db, instant, highest)
        tally.dangling = rebuild.drop_dangling(db)
        tally.unconfirmed = rebuild.mark_tokenless_unconfirmed(db, instant)
        tally.tasks = scalar(db, "SELECT count(*) FROM tasks")


def _take_rows(db: apsw.Connection, path: Path, tally: _RowCounts, now: str) -> int:
    """Write all rows that can be read; return the highest number that a task was given."""
    writer = RowWriter(db, now)
    highest = 0
    with damaged_file.opened(path) as file:
        tally.mixed = file.mixed
        salvage = Salvage(file, now)
        for table in salvage.tables:
            for row in salvage.rows(table):
                writer.write(table, row)
            for row in salvage.doubtful_rows(table):
                writer.write(table, row)
            found = scalar(db, f"SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'")
            given = salvage.highest.get(table, 0)
            if found < given <= found + _MAX_KEY_GAP:
                db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (given, table))
            if table == "tasks":
                highest = max(found, given if given <= found + _MAX_KEY_GAP else 0)
        rebuild.lapse_doubtful_tokens(db, salvage.indexed_tokens(), now)
        tally.lost = salvage.lost + writer.unfit
    tally.kept, tally.ids_doubled = writer.kept, writer.ids_doubled
    tally.replaced, tally.guessed = writer.replaced.total(), writer.guessed.total()
    return highest


def _add_backup(db: apsw.Connection, path: Path, tally: _RowCounts, instant: str) -> None:
    """Merge the newest sound backup that can be merged."""
    for backup in filter(integrity.is_sound, backups.copies(path)):
        try:
            merged = rebuild.merge_file(db, backup, instant, "recovered", f"the backup {backup.name}")
        except _SURROUNDINGS:
            raise
        except Exception as error:  # noqa: BLE001  an older backup may do, and the pages alone are better than nothing
            tally.failed.append(f"{backup.name}: {type(error).__name__}")
        else:
            tally.backup, tally.merged = backup.name, merged
            tally.ids_doubled += merged.doubled
            return


def _sentence(change: atomic_swap.FileSwap, tally: _RowCounts) -> str:
    parts = [f"The history was damaged and is kept as {change.aside.name}; the new one holds {tally.tasks} tasks"]
    if tally.backup is not None and tally.merged.added:
        parts.append(f", {tally.merged.added} of them from {tally.backup}")
    if tally.remains:
        parts.append(f", {tally.remains} without their addresses")
    if tally.unconfirmed:
        parts.append(f", {tally.unconfirmed} UNCONFIRMED")
    if tally.failed:
        parts.append("; not all that is in it could be used")
    return f"{''.join(parts)}. Read {change.report}."


def _write_report(change: atomic_swap.FileSwap, tally: _RowCounts, reason: str, now: datetime) -> None:
    kept = ", ".join(f"{count} {table}" for table, count in tally.kept.items() if count) or "none"
    lost = ", ".join(f"{count} {table}" for table, count in tally.lost.items() if count) or "none was seen"
    lines = [
        f"The history {change.path} was found damaged at {to_text(now)}: {reason}.",
        f"It was set aside, as it was, as {change.aside.name} with its -wal and -shm files. Keep them.",
        "",
        f"Rows read from its pages: {kept}.",
        f"Rows that are there but cannot be read: {lost}. Rows of a page that is gone are not among them.",
        f"Rows of which a value was damaged and had to be replaced: {tally.replaced}.",
        f"Rows whose number was damaged and had to be guessed: {tally.guessed}.",
        f"Tasks that lost their task id, since another task has it: {tally.ids_doubled}.",
        f"Backup that was merged in: {tally.backup or 'none'}"
        f" ({tally.merged.added} tasks added, {tally.merged.later} brought forward).",
        f"Tasks of which only traces were left, now without address, kind or dates: {tally.remains}.",
        f"Rows left out, since the task they tell of was damaged or is unknown: {tally.dangling}.",
        f"Requests whose client token is lost, now UNCONFIRMED for you to decide on: {tally.unconfirmed}.",
        f"Tasks in the new history: {tally.tasks}.",
        *(f"What could not be used because of a fault of this program: {fault}." for fault in tally.failed),
        *(["The log beside the file belonged to another copy: the later row of both was taken."] * tally.mixed),
        "",
        "Requests that waited to be sent are sent under their own client tokens while these protect them (8 hours",
        "from when they were asked for), and become UNCONFIRMED after that: none is sent twice.",
    ]
    descriptor = os.open(change.report, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
