"""Recover a damaged history: set it aside, write what can be read into a new one, and report.

A fault of this program never prevents that: where the pages cannot be used, the newest backup is taken alone, and
without one an empty history. The damaged file is kept in any case.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import format_instant
from bwp_tui.store.database.damage_flag import unflag
from bwp_tui.store.database.digest_chain import begin_all_chains
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.high_water_mark import HistoryState, has_event, state_of
from bwp_tui.store.database.migrate import FIRST_WITH_CHAINS, check_not_newer
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
from bwp_tui.store.maintenance.recovery_report import FILE_IS_MISSING, RecoveryResult, sentence_of, write_report
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

_Copies = dict[Path, HistoryState | None]
"""Copies of a history, the newest first, and their states; None of one that SQLite cannot open."""

_MAX_KEY_GAP: Final = 100_000
"""Keys beyond the highest one found that may have been given to lost rows."""


def recover(path: Path, now: datetime, known: HistoryState | None = None) -> str | None:
    """Finish an interrupted swap, or recover the history if it is damaged; return a sentence, or None.

    The caller holds the exclusive lock.

    Args:
        known: the newest state that is known to be committed, by the lock file.
    """
    with translated_errors(path):
        done = atomic_swap.finish_interrupted_swap(path)
        if done is not None:
            unflag(path)
            return f"The history was put in order after a crash: what was there before is kept as {done.aside}."
        reason = _damage(path, 0 if known is None else known.revision)
        if reason is None:
            unflag(path)
            return None
        return _recover(path, now, reason, known)


def _damage(path: Path, committed_revision: int) -> str | None:
    """Return what is wrong with a history, or None; StoreTooNew and NotAHistory say that it is not ours to recover."""
    if backups.was_emptied(path):
        return FILE_IS_MISSING
    if not path.stat().st_size:
        return None
    if damaged_file.is_first_page_unreadable(path):
        return "its first page cannot be read"
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


def _recover(path: Path, now: datetime, reason: str, known: HistoryState | None) -> str:
    failures: list[str] = []
    instant = format_instant(now)
    for backup in backups.own_backups(path):
        if not os.access(backup, os.R_OK):  # a history without it would hide what cannot be read now
            raise StoreUnavailable(
                f"The backup {backup} cannot be read by this user. Fix its permissions, and try again."
            )
    copies = _copies(path, known, instant)
    for from_pages, sources in ((True, copies), (False, copies), (False, {})):
        swap, result = atomic_swap.prepare_swap(path, atomic_swap.DAMAGED, now), RecoveryResult(failures=failures)
        try:
            with rebuild.build_history(swap.part, instant) as db:
                recovery = _Recovery(db, path, sources, known, instant, result)
                if from_pages:
                    recovery.read_pages()
                recovery.add_copies()
                recovery.repair()
        except (*_SYSTEM_ERRORS, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001  whatever is in the file, the program must start
            failures.append(f"{type(error).__name__}{f': {error}' if isinstance(error, apsw.Error) else ''}")
        else:
            break
    else:
        raise StoreDamaged(f"No new history could be made in the place of {path} ({failures[-1]}).")
    write_report(swap, result, reason, now)
    atomic_swap.commit(swap)
    unflag(path)
    return sentence_of(swap, result, reason)


@dataclass(slots=True)
class _Recovery:
    """Fills a new history from the pages of the damaged one and its copies."""

    db: apsw.Connection
    path: Path
    copies: _Copies
    known: HistoryState | None
    instant: str
    result: RecoveryResult
    highest_number: int = 0
    """The highest number that a task was given."""
    latest_revision: int = 0
    """The revision of the latest row of the damaged history."""
    index_values: dict[int, Columns] = field(default_factory=dict)
    """What indexes have of tasks whose rows are lost, by number."""

    def read_pages(self) -> None:
        """Take all rows that the pages of the history have; of a missing one, those of its newest copy if damaged."""
        db, result, source, newest = self.db, self.result, self.path, next(iter(self.copies), None)
        is_missing = not source.stat().st_size and not has_wal(source)
        if is_missing and newest is not None and not integrity.is_sound(newest):
            source, result.source_backup = newest, newest.name
        committed_revision = 0 if self.known is None else self.known.revision
        with damaged_file.open_damaged(source, committed_revision=committed_revision) as file, db:
            salvage = Salvage(file, self.instant)
            self.highest_number = _write_readable_rows(db, salvage, result, self.instant)
            state = state_of(db, source)
            result.states += [state] if state.newest_at else []
            self.latest_revision = max(
                task_rows.integer(db, f"SELECT max(revision) FROM {table}") for table in ("tasks", "downloads")
            )
            rebuild.correct_numbers(db)
            intent_repair.reattach_submissions(db)
            if result.kept_rows["chains"] or not result.has_no_chains:
                chain_check.note_broken_chains(db)
                chain_check.return_stray_events(db)
                self.index_values = lost_tasks.values_in_indexes(salvage, db)
                for number, values in chain_check.values_proven_by_indexes(db, self.index_values).items():
                    task_rows.write_row(db, number, values, self.instant)
                result.outdated_rows = replay.repair_outdated_rows(db, self.instant)
            else:
                begin_all_chains(db)
            intent_repair.mark_waiting_as_sent(db)

    def add_copies(self) -> None:
        """Merge the newest sound copy that can be merged, and then what can be read of newer ones, which are damaged.

        Where no row of the history is left, the newest backup of each identity is merged: backups of an earlier
        history, in whose place an empty one was begun, have another identity.
        """
        damaged, merged, result = list[Path](), set[str](), self.result
        if self.known is not None:
            task_rows.reserve_numbers(self.db, self.known.highest_number)
        for copy, state in self.copies.items():
            is_enough = result.kept_rows["tasks"] and (result.merged.added or result.merged.common)
            if merged and (is_enough or state is None or state.identity in merged):
                continue
            if state is None or not integrity.is_sound(copy):
                damaged += [] if merged else [copy]
            elif self._merge(copy, copy):
                merged.add(state.identity)
                result.states.append(state)
        of_copies = dict[int, Columns]()
        for copy in reversed(damaged):
            of_copies |= self._merge_damaged(copy)
        for number, values in of_copies.items():
            self.index_values[number] = values | self.index_values.get(number, {})

    def _merge_damaged(self, copy: Path) -> dict[int, Columns]:
        """Merge what can be read of a damaged copy; return what its indexes have of tasks whose rows it has lost."""
        index_values = dict[int, Columns]()
        part = self.path.with_name(f"{self.path.name}-of-{copy.name}")
        part.unlink(missing_ok=True)  # of a recovery that was killed
        try:
            with rebuild.build_history(part, self.instant) as readable, damaged_file.open_damaged(copy) as file:
                salvage = Salvage(file, self.instant)
                _write_readable_rows(readable, salvage, RecoveryResult(), self.instant)
                chain_check.note_broken_chains(readable)
                index_values = lost_tasks.values_in_indexes(salvage, readable)
                lost_tasks.keep_orphans(readable, self.db)
                rebuild.remove_dangling_references(readable)
            self._merge(copy, part)
        except _SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  others may do
            self.result.failures.append(f"{copy.name}: {type(error).__name__}")
        finally:
            part.unlink(missing_ok=True)
        return index_values

    def _merge(self, copy: Path, source: Path) -> bool:
        """Merge `source`, which is a copy or what can be read of it; return whether that was possible."""
        try:
            merged = rebuild.merge_file(self.db, source, self.instant, EventKind.RECOVERED, f"the copy {copy.name}")
        except _SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  an older copy may do, and the pages alone are better than nothing
            self.result.failures.append(f"{copy.name}: {type(error).__name__}")
            return False
        self.result.merged_backups.append(copy.name if source is copy else f"{copy.name}, which is damaged")
        self.result.add(merged)
        return True

    def repair(self) -> None:
        """Add the tasks whose rows are lost, repair what contradicts, and count what is missing."""
        db, result, instant, known = self.db, self.result, self.instant, self.known
        with db:
            self.highest_number = max(self.highest_number, task_rows.integer(db, "SELECT max(number) FROM tasks"))
            intent_repair.lapse_orphan_submissions(db, instant)
            result.reconstructed_tasks = lost_tasks.add_lost_tasks(db, instant, self.highest_number, self.index_values)
            replay.repair_damaged_values(db, instant)
            result.changed_values = replay.tag_changed_tasks(db, instant)
            intent_repair.apply_confirmed_cancellations(db, instant)
            intent_repair.repair_cancellations(db, instant)
            result.dangling_rows = rebuild.remove_dangling_references(db)
            intent_repair.mark_tokenless_unconfirmed(db, instant)
            if known and self.latest_revision < known.revision and not _has_latest(db, result.states, known):
                earlier = [state.newest_at for state in result.states if state.newest_at < known.newest_at]
                result.lost_span = max(earlier, default="its beginning"), known.newest_at
                intent_repair.make_unsent_unconfirmed(db, instant)
            result.unconfirmed = rebuild.count_made_unconfirmed(db, instant)
            result.tasks = task_rows.integer(db, "SELECT count(*) FROM tasks")
            result.lost_numbers = lost_tasks.numbers_without_row(db)
            if result.kept_rows["chains"]:
                result.lost_events = lost_tasks.count_lost_events(db)


def _write_readable_rows(db: apsw.Connection, salvage: Salvage, result: RecoveryResult, now: str) -> int:
    """Write all readable rows; return the highest number that a task was given, as far as that is known."""
    writer, file = RowWriter(db, now), salvage.file
    highest_number = 0
    result.wal_is_unrelated = file.wal_is_unrelated
    result.has_no_chains = 0 < max(file.version(from_wal=True), file.version(from_wal=False)) < FIRST_WITH_CHAINS
    for table in salvage.tables:
        for row in salvage.rows(table):
            writer.write(table, row)
        for row in salvage.doubtful_rows(table):
            writer.write(table, row)
        highest_key = task_rows.integer(db, f"SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'")
        recorded_key = salvage.highest_keys.get(table, 0)
        if highest_key < recorded_key <= highest_key + _MAX_KEY_GAP:
            highest_key = recorded_key
            db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (highest_key, table))
        if table == "tasks":
            highest_number = highest_key
    rebuild.record_answers_of_ended(db, writer.clocks_ended)
    intent_repair.lapse_doubtful_tokens(db, salvage.indexed_tokens(), now)
    result.unreadable_rows = salvage.unreadable + writer.rejected
    result.kept_rows, result.lost_ids = writer.kept, writer.lost_ids
    result.repaired_rows, result.renumbered_rows = writer.repaired.total(), writer.renumbered.total()
    return highest_number


def _copies(path: Path, known: HistoryState | None, now: str) -> _Copies:
    """Return the backups, the newest first by what they hold, and newer copies of the same history that were set aside.

    The clock may have been wrong on the day that the name of a backup says. What cannot be opened stays at its day.
    Where nothing else is left, all that were set aside count: a recovered history that is lost before its first backup
    has another identity than they.
    """
    own = {backup: _state_of(backup) for backup in backups.own_backups(path)}
    states = {copy: state for copy, state in own.items() if state is not None}
    identities = {state.identity for state in (known, *states.values()) if state is not None}
    newest = max((_recency(state, known) for state in states.values()), default=(False, 0, ""))
    asides = dict[Path, HistoryState]()
    for aside in atomic_swap.histories_set_aside(path)[::-1]:
        if aside.suffix == ".db" and (state := _state_of(aside) or _readable_state_of(aside, now)) is not None:
            asides[aside] = state
    same = {aside: state for aside, state in asides.items() if state.identity in identities}
    left = same or ({} if own or path.stat().st_size or has_wal(path) else asides)
    states |= {aside: state for aside, state in left.items() if _recency(state, known) > newest}
    copies = sorted(states, key=lambda copy: _recency(states[copy], known), reverse=True)
    for unreadable in (copy for copy, state in own.items() if state is None):
        older = (at for at, copy in enumerate(copies) if copy in own and copy.name < unreadable.name)
        copies.insert(next(older, len(copies)), unreadable)
    return {copy: states.get(copy) for copy in copies}


def _recency(state: HistoryState, known: HistoryState | None) -> tuple[bool, int, str]:
    """Return a key by which the later of two states is larger: within one history revisions grow, instants need not."""
    is_same = known is not None and state.identity == known.identity
    return is_same, state.revision if is_same else 0, state.newest_at


def _state_of(copy: Path) -> HistoryState | None:
    """Return the state of a copy that SQLite can open, or None."""
    with suppress(apsw.Error, StoreError, UnicodeDecodeError), closing(open_for_reading(copy).db) as db:
        return state_of(db, copy)
    return None


def _readable_state_of(copy: Path, now: str) -> HistoryState | None:
    """Return the state that the pages of a copy have that SQLite cannot open, or None."""
    with suppress(apsw.Error, OSError, ValueError), damaged_file.open_damaged(copy) as file:
        for row in Salvage(file, now).rows("meta"):
            identity, revision, newest_at = (row.values.get(name) for name in ("identity", "revision", "newest_at"))
            if isinstance(identity, str) and isinstance(revision, int) and isinstance(newest_at, str):
                return HistoryState(identity, revision, newest_at)
    return None


def _has_latest(db: apsw.Connection, states: Sequence[HistoryState], known: HistoryState) -> bool:
    """Return whether nothing that people or requests have recorded is missing, as far as the lock file knows.

    The page of `meta` may be a later one than others: it proves nothing.
    """
    if known.newest_event:
        return has_event(db, known.newest_event)
    same = [state for state in states if state.identity == known.identity]  # an older version wrote the lock file
    return not states or any(each.revision >= known.revision or each.newest_at >= known.newest_at for each in same)
