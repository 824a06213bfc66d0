"""Open a history: recover it where it is damaged, migrate it, and compare it with its newest known state."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import Clock, UptimeClock, file_stamp, format_instant, read_uptime, stamp_of, utc_now
from bwp_tui.file_access import new_file
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import is_flagged
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.file_lock import FileLock
from bwp_tui.store.database.high_water_mark import (
    HighWaterMark,
    HistoryState,
    is_later_state,
    is_older_than_rows,
    state_of,
)
from bwp_tui.store.database.open import OpenedDatabase, create_folder, has_wal, open_database, prepare_file
from bwp_tui.store.errors import StoreDamaged, StoreMoved, StoreUnavailable
from bwp_tui.store.maintenance import atomic_swap, backups

_OLDER_COPY: Final = "older"


def open_store(path: Path, *, clock: Clock = utc_now, uptime: UptimeClock = read_uptime) -> Store:
    """Open the history at `path`, and make it where it is missing.

    A damaged history is set aside and what can be read of it recovered, unless another connection uses it.

    Raises:
        StoreUnavailable: the folder or file cannot be made or opened.
        StoreMoved: it was moved or removed, and others have it open.
        StoreDamaged: the file is no sound database, and others use it.
        StoreTooNew, NotAHistory: a newer program, or another one, wrote it.
    """
    with translated_errors(path):
        create_folder(path.parent)
        lock = FileLock(path)
        try:
            _make_file(path, lock)
            opened, report = _open(path, lock, clock)
        except BaseException:
            lock.release()
            raise
    return Store(path, opened, lock, _open_and_compare, clock=clock, uptime=uptime, opening_report=report)


def _make_file(path: Path, lock: FileLock) -> None:
    """Make the file where it is missing, unless others have the one open that was there.

    A second history beside theirs would share its log, and take requests that the first one does not know.
    """
    if not path.exists() and not lock.lock_exclusive():
        there_was_one = HighWaterMark(lock.descriptor).read() is not None
        if there_was_one and not path.exists():  # else another process is making the first one
            raise StoreMoved(
                f"The history {path} was moved or removed while another bwp-tui has it open: nothing is recorded or "
                "sent. Put it back, or close that program and try again."
            )
    prepare_file(path)


def _open(path: Path, lock: FileLock, clock: Clock) -> tuple[OpenedDatabase, str | None]:
    """Recover a history if it needs that and no other process uses it, and open it under a shared lock."""
    high_water_mark = HighWaterMark(lock.descriptor)
    # By its size and the files beside it: every start checks.
    is_suspect = is_flagged(path) or atomic_swap.interrupted_swap(path) is not None or backups.was_emptied(path)
    damaged = (is_suspect and lock.lock_exclusive()) or (
        has_wal(path) and lock.lock_exclusive(timeout_s=0) and _is_wal_damaged(path, high_water_mark)
    )
    report = _recover(path, high_water_mark, clock) if damaged else None
    lock.lock_shared()
    try:
        return _open_and_compare(path, high_water_mark, clock, report, lock)
    except (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError, StoreDamaged):
        if not lock.lock_exclusive():
            raise
    except (apsw.IOError, StoreUnavailable):
        if not lock.lock_exclusive(timeout_s=0) or not _is_unreadable(path):
            raise
    report = _recover(path, high_water_mark, clock)
    lock.lock_shared()
    return _open_and_compare(path, high_water_mark, clock, report)


def _open_and_compare(
    path: Path, high_water_mark: HighWaterMark, clock: Clock, report: str | None = None, lock: FileLock | None = None
) -> tuple[OpenedDatabase, str | None]:
    """Open the history, and compare it with the high-water mark, which begins anew after a recovery."""
    opened = open_database(path)
    try:
        if opened.read_only_reason:
            return opened, report
        if report is not None:
            high_water_mark.reset(state_of(opened.db, path))
            return opened, report
        return opened, _adapt_older_copy(opened.db, path, high_water_mark, clock, lock)
    except BaseException:
        opened.db.close()
        raise


def _is_wal_damaged(path: Path, high_water_mark: HighWaterMark) -> bool:
    """Return whether the WAL that a crash left is damaged, or belongs to another copy of the file."""
    # Imported here: nearly every start does without it, as below.
    from bwp_tui.store.maintenance.salvage import damaged_file

    known = high_water_mark.read()
    return damaged_file.is_wal_damaged(path, 0 if known is None else known.revision)


def _is_unreadable(path: Path) -> bool:
    """Return whether the disk cannot read what SQLite needs to open the file; no connection uses it."""
    from bwp_tui.store.maintenance.salvage import damaged_file

    return damaged_file.is_first_page_unreadable(path)


def _recover(path: Path, high_water_mark: HighWaterMark, clock: Clock) -> str | None:
    from bwp_tui.store.maintenance import recover

    return recover.recover(path, clock(), high_water_mark.read())


def _adapt_older_copy(
    db: apsw.Connection, path: Path, high_water_mark: HighWaterMark, clock: Clock, lock: FileLock | None
) -> str | None:
    """Compare an opened history with the high-water mark; if it is older or another one, prepare it and say so.

    Its waiting intents then count as sent when they were recorded: each is sent under its own client token alone,
    and only while that token protects it. Deletions that wait to be sent and RECEIVED requests become UNCONFIRMED.
    """
    known, state = high_water_mark.read(), state_of(db, path)
    if known is None:
        high_water_mark.write(state)
    if known is None or is_later_state(db, state, known):
        return None
    if is_older_than_rows(db):
        raise StoreDamaged(f"The history {path} is damaged (its own state is older than its rows).")
    # This process opens the history for the first time. Who has a replaced file open can write nothing back.
    if lock is not None and known.file in ("", state.file):
        if not lock.lock_exclusive(timeout_s=0):
            raise StoreMoved(
                f"The history {path} lacks what another bwp-tui that has it open has recorded: its log was removed "
                "or replaced meanwhile. Close that program, which writes back what it can, and try again."
            )
        lock.lock_shared()
    from bwp_tui.store.database.digest_chain import ChainWriter, chain_of_removed, write_chains
    from bwp_tui.store.maintenance.intent_repair import make_unsent_unconfirmed, mark_waiting_as_sent
    from bwp_tui.store.maintenance.task_rows import reserve_numbers

    chains = ChainWriter(db)
    with db:
        db.execute("UPDATE meta SET revision = max(revision, ?) + 1", (known.revision,))
        if high_water_mark.read() != known:  # another process has prepared it meanwhile
            return None
        mark_waiting_as_sent(db)
        make_unsent_unconfirmed(db, format_instant(clock()))
        chains.write()
        if state.identity == known.identity:
            write_chains(db, map(chain_of_removed, reserve_numbers(db, known.highest_number)))
        high_water_mark.reset(state_of(db, path))
    report = _older_copy_report(path, state, known)
    note = path.with_name(f"{path.stem}.{_OLDER_COPY}-{file_stamp(clock())}.txt")
    with suppress(OSError), new_file(note) as file:  # who opens it first may be a script, which nobody reads
        file.write(report.encode())
    return report


def older_copy_notes(path: Path) -> list[Path]:
    """Return the notes that say that an older copy was put in the place of the history, the oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.{_OLDER_COPY}-*.txt"))


def _older_copy_report(path: Path, state: HistoryState, known: HistoryState) -> str:
    if state.identity == known.identity and state.newest_at >= known.newest_at:
        what = "is another copy of the one that was here before, and may lack what was recorded until"
    elif state.identity == known.identity:
        what = f"is an older copy, of {stamp_of(state.newest_at) or 'before its first entry'}: others followed until"
    else:
        what = "is not the one that was here before, whose newest entry is of"
    return (
        f"The history {path} {what} {stamp_of(known.newest_at)}. If you did not mean that, merge a newer copy in: "
        "bwp-tui restore FILE. What waits in it may have been sent since: retrievals are sent under their own client "
        "tokens or become UNCONFIRMED, deletions and RECEIVED requests become UNCONFIRMED for you to decide on."
    )
