"""Recover a damaged history: set it aside, write what can be read into a new one, and report.

A fault of this program never prevents that: where the pages cannot be used, the newest backup is taken alone, and
without one an empty history. The damaged file is kept in any case.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.task import TO_CHECK
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_instant
from bwp_tui.file_access import new_file
from bwp_tui.store.database.damage_flag import unflag
from bwp_tui.store.database.digest_chain import begin_all_chains
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.high_water_mark import state_of
from bwp_tui.store.database.migrate import FIRST_CHAINED, check_not_newer
from bwp_tui.store.database.open import has_wal, open_for_reading
from bwp_tui.store.errors import NotAHistory, StoreDamaged, StoreError, StoreTooNew, StoreUnavailable
from bwp_tui.store.maintenance import (
    atomic_swap,
    backups,
    chain_check,
    integrity,
    intent_repair,
    lost_tasks,
    rebuild,
    replay,
    task_rows,
)
from bwp_tui.store.maintenance.merge import MergeResult
from bwp_tui.store.maintenance.salvage import damaged_file
from bwp_tui.store.maintenance.salvage.row_finder import Salvage
from bwp_tui.store.maintenance.salvage.row_writer import RowWriter
from bwp_tui.store.queries.columns_from_events import Columns
from bwp_tui.store.queries.timeline import EventKind

_SYSTEM_ERRORS: Final = (
    OSError,
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
)
"""Errors of the file system, not of the history: the next start tries again."""

_MISSING: Final = "the file is missing or empty"

_MAX_KEY_GAP: Final = 100_000
"""Keys beyond the highest one found that may have been given to lost rows."""


@dataclass(slots=True)
class _RecoveryCounts:
    """How many rows were kept, repaired and lost, and what came from a backup."""

    kept: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    guessed: int = 0
    ids_doubled: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    wal_is_unrelated: bool = False
    is_unchained: bool = False
    """Whether the file is of a schema without digests; one whose header is lost counts as one of the newest schema."""
    failed: list[str] = field(default_factory=list)
    source: str | None = None
    """The name of the damaged backup that was read in the place of a missing history."""
    backups: list[str] = field(default_factory=list)
    """The names of those that were merged in."""
    merged: MergeResult = field(default_factory=MergeResult)
    outdated: int = 0
    reconstructed_tasks: int = 0
    missing: list[int] = field(default_factory=list)
    """The numbers that were given to tasks of which nothing is left."""
    changed_values: list[str] = field(default_factory=list)
    """Tasks with the columns of which no copy had the value that was recorded."""
    dangling_rows: int = 0
    unconfirmed: int = 0
    tasks: int = 0

    def add(self, merged: MergeResult) -> None:
        """Count what came from one more backup."""
        self.ids_doubled += merged.duplicate_ids
        before = self.merged
        self.merged = MergeResult(
            added=before.added + merged.added,
            updated=before.updated + merged.updated,
            common=before.common + merged.common,
            replayed=before.replayed + merged.replayed,
            proven_values=(*before.proven_values, *merged.proven_values),
        )


def recover(path: Path, now: datetime, committed_revision: int = 0) -> str | None:
    """Finish an interrupted swap, or recover the history if it is damaged; return a sentence, or None.

    The caller holds the exclusive lock.

    Args:
        committed_revision: the revision that is known to be committed, by the lock file.
    """
    with translated_errors(path):
        done = atomic_swap.finish_interrupted_swap(path)
        if done is not None:
            unflag(path)
            return f"The history was put in order after a crash: what was there before is kept as {done.aside}."
        reason = _damage(path, committed_revision)
        if reason is None:
            unflag(path)
            return None
        return _recover(path, now, reason, committed_revision)


def _damage(path: Path, committed_revision: int) -> str | None:
    """Return what is wrong with a history, or None; StoreTooNew and NotAHistory say that it is not ours to recover."""
    if backups.was_emptied(path):
        return _MISSING
    if not path.stat().st_size:
        return None
    with damaged_file.open_damaged(path, committed_revision=committed_revision) as file:
        if file.wal_is_unrelated or file.wal_has_damaged_frame:
            for from_wal in (False, True):
                check_not_newer(file.version(from_wal=from_wal), path)
        if file.wal_is_unrelated:
            return "the log beside it belongs to another copy of it"
        if file.wal_has_damaged_frame:
            return "the log beside it is damaged"
    try:
        return "; ".join(integrity.full_check(path)) or None
    except (NotAHistory, StoreTooNew, *_SYSTEM_ERRORS):
        raise
    except Exception as error:  # noqa: BLE001  what a sound history never raises
        return str(error) or type(error).__name__


def _recover(path: Path, now: datetime, reason: str, committed_revision: int) -> str:
    failed: list[str] = []
    instant = format_instant(now)
    for backup in backups.own_backups(path):
        if not os.access(backup, os.R_OK):  # a history without it would hide what cannot be read now
            raise StoreUnavailable(
                f"The backup {backup} cannot be read by this user. Fix its permissions, and try again."
            )
    for from_pages, from_backups in ((True, True), (False, True), (False, False)):
        swap, counts = atomic_swap.prepare_swap(path, atomic_swap.DAMAGED, now), _RecoveryCounts(failed=failed)
        try:
            with rebuild.build_history(swap.part, instant) as db:
                _fill(
                    db,
                    path,
                    counts,
                    instant,
                    from_pages=from_pages,
                    from_backups=from_backups,
                    committed_revision=committed_revision,
                )
        except (*_SYSTEM_ERRORS, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001  whatever is in the file, the program must start
            failed.append(f"{type(error).__name__}: {error}" if isinstance(error, apsw.Error) else type(error).__name__)
        else:
            break
    else:
        raise StoreDamaged(f"No new history could be made in the place of {path} ({failed[-1]}).")
    _write_report(swap, counts, reason, now)
    atomic_swap.commit(swap)
    unflag(path)
    return _sentence(swap, counts, reason)


def _fill(
    db: apsw.Connection,
    path: Path,
    counts: _RecoveryCounts,
    instant: str,
    *,
    from_pages: bool,
    from_backups: bool,
    committed_revision: int,
) -> None:
    """Fill a new history from the pages of the damaged one and the backups.

    Where it is missing, and the newest backup is damaged, that takes its place: it may have more than whole rows.
    """
    highest, indexed = 0, dict[int, Columns]()
    if from_pages:
        source, newest = path, next(iter(backups.own_backups(path)), None)
        is_missing = not path.stat().st_size and not has_wal(path)
        if is_missing and newest is not None and not integrity.is_sound(newest):
            source, counts.source = newest, newest.name
        with damaged_file.open_damaged(source, committed_revision=committed_revision) as file, db:
            salvage = Salvage(file, instant)
            highest = _take_rows(db, salvage, counts, instant)
            rebuild.correct_numbers(db)
            intent_repair.reattach_submissions(db)
            if counts.kept["chains"] or not counts.is_unchained:
                chain_check.note_broken_chains(db)
                chain_check.return_stray_events(db)
                indexed = lost_tasks.indexed_values(salvage, db)
                for number, values in chain_check.values_proven_by_indexes(db, indexed).items():
                    task_rows.write_row(db, number, values, instant)
                counts.outdated = replay.repair_outdated_rows(db, instant)
            else:
                begin_all_chains(db)
            intent_repair.mark_waiting_as_sent(db)
    if from_backups:
        of_backups = _add_backups(db, path, counts, instant)
        indexed = {number: of_backups.get(number, {}) | indexed.get(number, {}) for number in of_backups | indexed}
    with db:
        highest = max(highest, task_rows.integer(db, "SELECT max(number) FROM tasks"))
        intent_repair.lapse_orphan_submissions(db, instant)
        counts.reconstructed_tasks = lost_tasks.add_lost_tasks(db, instant, highest, indexed)
        replay.repair_damaged_values(db, instant)
        counts.changed_values = replay.tag_changed_tasks(db, instant)
        intent_repair.apply_confirmed_cancellations(db, instant)
        intent_repair.repair_cancellations(db, instant)
        counts.dangling_rows = rebuild.remove_dangling_references(db)
        intent_repair.mark_tokenless_unconfirmed(db, instant)
        counts.unconfirmed = rebuild.count_made_unconfirmed(db, instant)
        counts.tasks = task_rows.integer(db, "SELECT count(*) FROM tasks")
        counts.missing = lost_tasks.numbers_without_row(db)


def _take_rows(db: apsw.Connection, salvage: Salvage, counts: _RecoveryCounts, now: str) -> int:
    """Write all readable rows; return the highest number that a task was given."""
    writer, file = RowWriter(db, now), salvage.file
    highest = 0
    counts.wal_is_unrelated = file.wal_is_unrelated
    counts.is_unchained = 0 < max(file.version(from_wal=True), file.version(from_wal=False)) < FIRST_CHAINED
    for table in salvage.tables:
        for row in salvage.rows(table):
            writer.write(table, row)
        for row in salvage.doubtful_rows(table):
            writer.write(table, row)
        assigned = task_rows.integer(db, f"SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'")
        given = salvage.highest.get(table, 0)
        if assigned < given <= assigned + _MAX_KEY_GAP:
            db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (given, table))
        if table == "tasks":
            highest = max(assigned, given if given <= assigned + _MAX_KEY_GAP else 0)
    rebuild.record_answers_of_ended(db, writer.clocks_ended)
    intent_repair.lapse_doubtful_tokens(db, salvage.indexed_tokens(), now)
    counts.lost = salvage.lost + writer.rejected
    counts.kept, counts.ids_doubled = writer.kept, writer.ids_doubled
    counts.damaged, counts.guessed = writer.damaged.total(), writer.guessed.total()
    return highest


def _add_backups(db: apsw.Connection, path: Path, counts: _RecoveryCounts, instant: str) -> dict[int, Columns]:
    """Merge the newest sound backup that can be merged, and then what can be read of newer ones, which are damaged.

    Where no row of the history is left, the newest of each identity counts: it may have been begun anew once before.

    Returns what the indexes of damaged backups have of tasks whose rows they have lost, by number.
    """
    damaged, merged, indexed = list[Path](), set[str | None](), dict[int, Columns]()
    for backup in backups.own_backups(path):
        is_enough = counts.kept["tasks"] and (counts.merged.added or counts.merged.common)
        if merged and (is_enough or _identity(backup) in merged):
            continue
        if not integrity.is_sound(backup):
            damaged += [] if merged else [backup]
        elif _merge_backup(db, backup, backup, counts, instant):
            merged.add(_identity(backup))
    for backup in reversed(damaged):
        part = path.with_name(f"{path.name}-of-{backup.name}")
        part.unlink(missing_ok=True)  # of a recovery that was killed
        try:
            with rebuild.build_history(part, instant) as readable, damaged_file.open_damaged(backup) as file:
                salvage = Salvage(file, instant)
                _take_rows(readable, salvage, _RecoveryCounts(), instant)
                chain_check.note_broken_chains(readable)
                indexed |= lost_tasks.indexed_values(salvage, readable)
                lost_tasks.keep_orphans(readable, db)
                rebuild.remove_dangling_references(readable)
            _merge_backup(db, backup, part, counts, instant)
        except _SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  others may do
            counts.failed.append(f"{backup.name}: {type(error).__name__}")
        finally:
            part.unlink(missing_ok=True)
    return indexed


def _identity(backup: Path) -> str | None:
    with suppress(apsw.Error, StoreError), closing(open_for_reading(backup).db) as db:
        return state_of(db, backup).identity
    return None


def _merge_backup(db: apsw.Connection, backup: Path, source: Path, counts: _RecoveryCounts, instant: str) -> bool:
    """Merge `source`, which is a backup or what can be read of it; return whether that was possible."""
    try:
        merged = rebuild.merge_file(db, source, instant, EventKind.RECOVERED, f"the backup {backup.name}")
    except _SYSTEM_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001  an older backup may do, and the pages alone are better than nothing
        counts.failed.append(f"{backup.name}: {type(error).__name__}")
        return False
    counts.backups.append(backup.name if source is backup else f"{backup.name}, which is damaged")
    counts.add(merged)
    return True


def _sentence(swap: atomic_swap.FileSwap, counts: _RecoveryCounts, reason: str) -> str:
    if reason == _MISSING:
        parts = [f"The history was missing or empty; the new one holds {counted(counts.tasks, 'task')}"]
    else:
        was = f"The history was damaged and is kept as {swap.aside.name}"
        parts = [f"{was}; the new one holds {counted(counts.tasks, 'task')}"]
    if counts.source is not None:
        parts.append(f", read from {counts.source}, which is damaged")
    if counts.merged.added:
        later = f" ({counts.merged.replayed} brought up to date by their timelines)" if counts.merged.replayed else ""
        parts.append(f", {counts.merged.added} from {' and '.join(counts.backups)}{later}")
    if counts.outdated:
        parts.append(f", {counts.outdated} older than their timelines and brought up to date by these")
    if counts.reconstructed_tasks:
        parts.append(f", {counts.reconstructed_tasks} made from timelines and indexes")
    if counts.missing:
        parts.append(f"; of {len(counts.missing)} more nothing is left")
    if counts.changed_values:
        parts.append(f", {len(counts.changed_values)} with a changed value to be checked (tag:{TO_CHECK})")
    if counts.unconfirmed:
        parts.append(f", {counts.unconfirmed} UNCONFIRMED")
    if counts.failed:
        parts.append("; not all that is in it could be used")
    return f"{''.join(parts)}. Read {swap.report}."


def _set_aside_lines(swap: atomic_swap.FileSwap, *, is_missing: bool) -> list[str]:
    """Return where the files of the damaged history are kept; of a missing one there may be its log alone."""
    if not is_missing:
        return [f"It was set aside, as it was, as {swap.aside.name} with its -wal and -shm files. Keep them."]
    if swap.path.with_name(f"{swap.path.name}-wal").exists():
        return [f"The log that was left of it was set aside as {swap.aside.name}-wal. Keep it."]
    return []


def _write_report(swap: atomic_swap.FileSwap, counts: _RecoveryCounts, reason: str, now: datetime) -> None:
    kept = ", ".join(f"{count} {table}" for table, count in counts.kept.items() if count) or "none"
    lost = ", ".join(f"{count} {table}" for table, count in counts.lost.items() if count) or "none was seen"
    lines = [
        f"The history {swap.path} was recovered at {format_instant(now)}: {reason}.",
        *_set_aside_lines(swap, is_missing=reason == _MISSING),
        "",
        f"Rows read from its pages: {kept}.",
        f"Rows found that cannot be read: {lost}. Rows of lost pages are not counted.",
        f"Rows of which a value was damaged and had to be replaced: {counts.damaged}.",
        "Values that the digests have found changed, taken from the backup:"
        f" {'; '.join(counts.merged.proven_values) or 'none'}.",
        "Values that the digests have found changed, and no copy has (compare them with what was asked for; listed by"
        f" bwp-tui list tag:{TO_CHECK}): {'; '.join(counts.changed_values) or 'none'}.",
        f"Rows older than their timelines, which were brought up to date by these: {counts.outdated}.",
        f"Rows whose number was damaged and had to be guessed: {counts.guessed}.",
        f"Tasks that lost their task id, since another task has it: {counts.ids_doubled}.",
        f"Backup that was merged in: {' and '.join(counts.backups) or 'none'}"
        f" ({counts.merged.added} tasks added, {counts.merged.updated} updated).",
        f"Tasks added from it whose timeline, read from the pages, said more: {counts.merged.replayed}."
        " They were brought up to date by it.",
        "Tasks whose rows were lost, made from timelines, indexes, intents and downloads (what none of these says is"
        f" named on their timelines): {counts.reconstructed_tasks}.",
        "Task numbers of which nothing is left (lost, or removed by purge --all):"
        f" {', '.join(f'#{number}' for number in counts.missing) or 'none'}.",
        f"Rows left out, since their task was damaged or is unknown: {counts.dangling_rows}.",
        f"Requests that became UNCONFIRMED, for you to decide on: {counts.unconfirmed}."
        " They are listed by: bwp-tui list status:unconfirmed.",
        f"Tasks in the new history: {counts.tasks}.",
        *(f"What could not be used because of a fault of this program: {fault}." for fault in counts.failed),
        *(
            ["The log beside the file belonged to another copy: the later row of both was taken."]
            * counts.wal_is_unrelated
        ),
        "",
        "Requests that waited to be sent are sent under their own client tokens while these protect them (8 hours",
        "from when they were asked for), and become UNCONFIRMED after that: none is sent twice.",
        "Deletions that waited in a backup may have been withdrawn since, and RECEIVED requests may have been sent:",
        "those that only the backup had are UNCONFIRMED for you to decide on, unless a whole timeline was left that",
        "says that they still wait.",
    ]
    with new_file(swap.report) as file:
        file.write(("\n".join(lines) + "\n").encode())
