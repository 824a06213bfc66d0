"""The connection to a history: reads, and transactions that each raise the revision."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from bwp_tui.domain.times import Clock, UptimeClock, format_instant, local_day, parse_instant, read_uptime, utc_now
from bwp_tui.domain.urls import Shop
from bwp_tui.store.database.damage_flag import flag_damage, is_flagged
from bwp_tui.store.database.error_translation import damage_error, flagged_errors
from bwp_tui.store.database.file_lock import FileLock
from bwp_tui.store.database.high_water_mark import HighWaterMark, HistoryState, file_checksum, with_newest_entries
from bwp_tui.store.database.open import OpenedDatabase
from bwp_tui.store.database.shop_binding import bind_shop, binding_conflict
from bwp_tui.store.errors import (
    EngineSuperseded,
    OtherShop,
    ReadCancelled,
    StoreChanged,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from bwp_tui.store.database.digest_chain import ChainWriter

_open_paths: Final[list[Path]] = []
"""The paths of the histories that this process has open, one for each connection."""

SqlValue = None | int | float | str | bytes
Row = tuple[SqlValue, ...]

Opener = Callable[[Path, HighWaterMark, Clock], tuple[OpenedDatabase, str | None]]
"""Opens a history; also returns that it is an older copy, in a sentence, or None."""

_REOPENING_INTERVAL_S: Final = 1.0
"""Seconds between two attempts to write a history that could only be read."""

_PROGRESS_STEPS: Final = 20_000
"""SQLite instructions between two calls of `is_cancelled`: about a millisecond."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A write transaction.

    Attributes:
        revision: its number, which every row it touches gets.
        now: its instant; `now_text` is the same as the history stores it.
        deletions_need_approval: whether a deletion waits for the approval of another person.
    """

    _store: Store
    revision: int
    now: datetime
    now_text: str
    deletions_need_approval: bool

    def run(self, sql: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Execute one statement and return its rows."""
        rows = self._store._execute(sql, values)
        self._store._chain_writer().write_if_many()
        return rows

    def row(self, sql: str, values: Sequence[SqlValue] = ()) -> Row | None:
        """Execute one statement and return its first row, or None."""
        return next(iter(self.run(sql, values)), None)

    def integer(self, sql: str, values: Sequence[SqlValue] = ()) -> int:
        """Execute one statement and return the integer of its first row; 0 for NULL, and without a row."""
        row = self.row(sql, values)
        return 0 if row is None or row[0] is None else as_int(row[0])


def _local_day(*instant: SqlValue) -> str | None:
    """Return the shop's day of an instant, both as the history stores them: an SQL function of one argument."""
    (text,) = instant
    return None if text is None else local_day(as_instant(text)).isoformat()


class Store:
    """One connection to a profile's history, made by `open_store`.

    Threads may share it; each transaction has it alone.

    Args:
        lock: the shared lock on the history, released by `close`.
        opener: opens the file again where it could only be read, as on a full disk, and can be written now.
        opening_report: what had to be recovered, or that the file is an older copy, in a sentence; None if all is well.

    Every method raises `StoreMoved` once the file is no longer at the path.
    """

    def __init__(
        self,
        path: Path,
        opened: OpenedDatabase,
        lock: FileLock,
        opener: Opener,
        *,
        clock: Clock = utc_now,
        uptime: UptimeClock = read_uptime,
        opening_report: str | None = None,
    ) -> None:
        self.path = path
        self.clock = clock
        self.uptime = uptime
        self.opening_report = opening_report
        self.engine_term: int | None = None
        """The term of the engine that writes by this connection; None where that is no engine."""
        self._lock = threading.RLock()
        self._file_lock = lock
        self._high_water_mark = HighWaterMark(lock.descriptor)
        self._opener = opener
        self._openings = 0
        self._next_opening_at = time.monotonic() + _REOPENING_INTERVAL_S
        self._shop: Shop | None = None
        self.deletions_need_approval = False
        self._transaction: Transaction | None = None
        self._use(opened)
        _open_paths.append(path)

    def _use(self, opened: OpenedDatabase) -> None:
        self._db = opened.db
        self._db.create_scalar_function("local_day", _local_day, 1, deterministic=True)
        self._check_file, self._check_log = opened.check_file, opened.check_log
        self._chains: ChainWriter | None = None
        self.read_only_reason = opened.read_only_reason
        """Why nothing can be recorded, in a sentence; None where it can."""

    def _check_and_reopen(self) -> None:
        """Raise `StoreMoved` where the file is another one; try to open again one that could only be read."""
        has_changed = False
        try:
            self._check_file()
        except StoreChanged:
            has_changed = True
        if not has_changed and (self.read_only_reason is None or time.monotonic() < self._next_opening_at):
            return
        self._next_opening_at = time.monotonic() + _REOPENING_INTERVAL_S
        with nullcontext() if has_changed else suppress(StoreError, apsw.Error):
            opened, report = self._opener(self.path, self._high_water_mark, self.clock)
            if opened.read_only_reason is not None and not has_changed:
                opened.db.close()
                return
            self._db.close()
            self._openings += 1
            self._use(opened)
            self.opening_report = report or self.opening_report

    def open_another(self) -> Store:
        """Open another connection to the same file, which this one keeps others from replacing.

        Raises:
            StoreMoved: it is no longer at the path; nothing was begun in its place.
        """
        lock = FileLock(self.path)
        try:
            try:
                with self._translated_errors():
                    lock.lock_shared()
                    # Where this one can only be read, nobody has compared the file with the high-water mark yet.
                    opened, report = self._opener(self.path, HighWaterMark(lock.descriptor), self.clock)
            except StoreError:
                self.check_not_moved()
                raise
        except BaseException:
            lock.release()
            raise
        other = Store(
            self.path, opened, lock, self._opener, clock=self.clock, uptime=self.uptime, opening_report=report
        )
        try:
            self.check_not_moved()
        except BaseException:
            other.close()
            raise
        other._shop, other.deletions_need_approval = self._shop, self.deletions_need_approval
        return other

    def require_shop(self, shop: Shop | None, *, deletions_need_approval: bool = False) -> None:
        """Accept writes for this shop alone from now on; None accepts those for whichever shop the history is bound to.

        With `deletions_need_approval`, none of these sends a deletion that nobody else has approved.

        Raises:
            OtherShop: it is bound to another one; then nothing can be recorded any more.
        """
        self._shop, self.deletions_need_approval = shop, deletions_need_approval
        self.check_shop()

    def check_shop(self) -> None:
        """Raise `OtherShop` if the history is bound to another shop by now than that of `require_shop`."""
        with self._lock, self._translated_errors():
            self._check_shop()

    def _check_shop(self) -> None:
        sentence = None if self._shop is None else binding_conflict(self._db, self.path, self._shop)
        if sentence is not None:
            raise OtherShop(sentence)

    def close(self) -> None:
        """Close the connection; nothing may be called afterwards."""
        with self._lock:
            # Closing the last connection removes the log at the path: where that may be another history's, it stays.
            with suppress(StoreError, OSError, apsw.ConnectionClosedError):
                self._check_log()
                self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
            self._db.close()
            # What is called now fails since this is closed, not since the file was moved.
            self._check_file = self._check_log = lambda: None
            self._file_lock.release()
            with suppress(ValueError):  # it was closed before
                _open_paths.remove(self.path)

    def rows(self, sql: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Execute a query and return all of its rows, leaving no cursor open."""
        with self._lock:
            with self._translated_errors():
                self._check_and_reopen()
            return self._execute(sql, values)

    def row(self, sql: str, values: Sequence[SqlValue] = ()) -> Row | None:
        """Read the first row, or None."""
        return next(iter(self.rows(sql, values)), None)

    def integer(self, sql: str, values: Sequence[SqlValue] = ()) -> int:
        """Read the integer of the first row; 0 for NULL, and without a row."""
        row = self.row(sql, values)
        return 0 if row is None or row[0] is None else as_int(row[0])

    def instant(self, sql: str, values: Sequence[SqlValue] = ()) -> datetime | None:
        """Read the instant of the first row, or None."""
        row = self.row(sql, values)
        return None if row is None or not row[0] else as_instant(row[0])

    def integers(
        self, sql: str, values: Sequence[SqlValue] = (), is_cancelled: Callable[[], bool] | None = None
    ) -> array[int]:
        """Read a column of integers, of which there may be a million, without a tuple for each row.

        Args:
            is_cancelled: called every few milliseconds, to end the reading.

        Raises:
            ReadCancelled: `is_cancelled` returned True.
            StoreDamaged: the column holds something else.
        """
        with self._lock, self._translated_errors():
            self._check_and_reopen()
            self._db.set_progress_handler(is_cancelled, _PROGRESS_STEPS)
            try:
                return array("q", chain.from_iterable(self._db.execute(sql, values)))
            except apsw.InterruptError:
                raise ReadCancelled from None
            except (TypeError, OverflowError):
                raise StoreDamaged(f"The history {self.path} holds something else where numbers belong.") from None
            finally:
                self._db.set_progress_handler(None)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction, committed when the block ends and rolled back when it raises.

        A transaction that the same thread opens within another one is a part of that one. It binds the history to the
        shop of `require_shop`, where it is not bound to that yet.

        Raises:
            StoreUnavailable: nothing can be recorded now.
            StoreDamaged: the history is damaged, or flagged so until a start checks it.
            EngineSuperseded: another engine has begun a later term than this connection's.
        """
        with self._lock:
            if self.read_only_reason is not None:
                self.check_not_moved(retry=True)
            if self.read_only_reason is not None:
                raise StoreUnavailable(self.read_only_reason)
            if self._transaction is not None:
                yield self._transaction
                return
            with self._translated_errors():
                self._check_and_reopen()
                self.check_unflagged()
                chains = self._chain_writer()
                self._db.execute("BEGIN IMMEDIATE")
            try:
                if self.engine_term is not None and self._execute("SELECT term FROM engine") != [(self.engine_term,)]:
                    raise EngineSuperseded
                now = self.clock()
                now_text = format_instant(now)
                (row,) = self._execute(
                    "UPDATE meta SET revision = revision + 1, newest_at = max(newest_at, ?)"
                    " RETURNING identity, revision, newest_at, target_id, api_host",
                    (now_text,),
                )
                if self._shop is not None and self._shop != row[3:]:
                    with self._translated_errors():
                        self._check_shop()
                        bind_shop(self._db, self._shop)
                state = HistoryState(as_text(row[0]), as_int(row[1]), as_text(row[2]), file=file_checksum(self.path))
                self._transaction = Transaction(self, state.revision, now, now_text, self.deletions_need_approval)
                yield self._transaction
                with self._translated_errors():
                    chains.write()
                    state = with_newest_entries(state, self._db)
                    self._check_and_reopen()
                    self._db.execute("COMMIT")
                self._high_water_mark.write(state)
            except BaseException:
                chains.discard()
                with suppress(apsw.Error):  # the first error is the one to raise
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                raise
            finally:
                self._transaction = None

    def _chain_writer(self) -> ChainWriter:
        if self._chains is None:
            from bwp_tui.store.database.digest_chain import ChainWriter  # no first frame waits for it

            self._chains = ChainWriter(self._db)
        return self._chains

    def flush_high_water_mark(self) -> None:
        """Flush the high-water mark to disk; to be called before a request is sent (see `high_water_mark`)."""
        self._high_water_mark.sync()

    def _execute(self, sql: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        with self._translated_errors():
            return list(self._db.execute(sql, values))

    def _translated_errors(self) -> AbstractContextManager[None]:
        return flagged_errors(self.path, lambda: self._db)

    def check_not_moved(self, *, retry: bool = False) -> None:
        """Raise `StoreMoved` once the file is no longer at the path; `retry`: if it is only read, try to write it."""
        if retry:
            self._next_opening_at = 0.0
        with self._lock, self._translated_errors():
            self._check_and_reopen()

    def check_unflagged(self) -> None:
        """Raise `StoreDamaged` once the history was flagged: what is written then may damage more of it."""
        if is_flagged(self.path):
            raise damage_error(self.path, "as was noticed before: nothing is recorded or sent")

    def revision(self) -> int:
        """Return the number of the last transaction; each row carries that of the last one that touched it."""
        return self.integer("SELECT revision FROM meta")

    def data_version(self) -> int:
        """Return a number, read from shared memory, that changes when another connection, of any process, commits."""
        return self.integer("PRAGMA data_version") + (self._openings << 32)


def as_int(value: SqlValue) -> int:
    """Narrow a column that the schema declares INTEGER NOT NULL."""
    if not isinstance(value, int):
        raise unreadable(f"{type(value).__name__} where a number belongs")
    return value


def as_text(value: SqlValue) -> str:
    """Narrow a column that the schema declares TEXT NOT NULL."""
    if not isinstance(value, str):
        raise unreadable(f"{type(value).__name__} where text belongs")
    return value


def as_instant(value: SqlValue) -> datetime:
    """Read a column that holds an instant."""
    try:
        return parse_instant(as_text(value))
    except ValueError as error:
        raise unreadable("other text where an instant belongs") from error


def as_day(value: SqlValue) -> date:
    """Read a column that holds a calendar day."""
    try:
        return date.fromisoformat(as_text(value))
    except ValueError as error:
        raise unreadable("other text where a day belongs") from error


def unreadable(what: str) -> StoreDamaged:
    """Return the error for a value that this program never writes, and flag the open history for recovery."""
    paths = set(_open_paths)
    for path in paths:
        flag_damage(path)
    return damage_error(paths.pop(), f"it holds {what}") if paths else StoreDamaged(f"The history holds {what}.")
