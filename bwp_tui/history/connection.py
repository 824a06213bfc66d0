"""Opening the register and writing to it: one transaction at a time, each raising the revision."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import Clock, to_text, utc_now
from bwp_tui.history.errors import HistoryDamaged, HistoryError, HistoryUnavailable
from bwp_tui.history.migrate import migrate, refuse_newer

SqlValue = None | int | float | str | bytes
Row = tuple[SqlValue, ...]

BUSY_TIMEOUT_MS: Final = 10_000
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Transaction:
    """A write in progress: `revision` marks every row it touches, `now` is its one instant."""

    _db: apsw.Connection
    revision: int
    now: datetime

    @property
    def now_text(self) -> str:
        """`now` as the register stores it."""
        return to_text(self.now)

    def run(self, sql: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Execute one statement and return its rows."""
        return list(self._db.execute(sql, values))

    def one(self, sql: str, values: Sequence[SqlValue] = ()) -> Row | None:
        """Execute one statement and return its first row, or None."""
        rows = self.run(sql, values)
        return rows[0] if rows else None


class History:
    """One connection to a profile's register. Threads may share it; each transaction has it alone.

    Raises:
        HistoryUnavailable: the folder or file cannot be made, opened or written.
        HistoryDamaged: the file is no sound database.
        HistoryTooNew: a newer program wrote it.
    """

    def __init__(self, path: Path, *, clock: Clock = utc_now) -> None:
        self.path = path
        self.clock = clock
        self._lock = threading.RLock()
        with _sentences(path):
            _prepare_file(path)
            self._db = apsw.Connection(os.fspath(path))
            try:
                self._db.set_busy_timeout(BUSY_TIMEOUT_MS)
                refuse_newer(self._db, path)
                _configure(self._db)
                migrate(self._db, path)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the connection; nothing may be called afterwards."""
        with self._lock:
            self._db.close()

    def rows(self, sql: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Read: execute one statement and return all of its rows, holding no cursor open."""
        with self._lock, _sentences(self.path):
            return list(self._db.execute(sql, values))

    def row(self, sql: str, values: Sequence[SqlValue] = ()) -> Row | None:
        """Read the first row, or None."""
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that commits when the block ends and is undone when it raises."""
        with self._lock, _sentences(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                revision = next(iter(self._db.execute("UPDATE meta SET revision = revision + 1 RETURNING revision")))[0]
                yield Transaction(self._db, as_int(revision), self.clock())
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def revision(self) -> int:
        """Return the number of the last transaction; rows carry the one that last touched them."""
        row = self.row("SELECT revision FROM meta")
        return 0 if row is None else as_int(row[0])

    def data_version(self) -> int:
        """Return a number that changes when any other connection, of any process, has committed.

        It is read from shared memory: asking often does not touch the disk.
        """
        row = self.row("PRAGMA data_version")
        return 0 if row is None else as_int(row[0])


def as_int(value: SqlValue) -> int:
    """Narrow a column that the schema declares INTEGER NOT NULL."""
    if not isinstance(value, int):
        raise HistoryDamaged(f"The history holds {type(value).__name__} where a number belongs.")
    return value


def as_text(value: SqlValue) -> str:
    """Narrow a column that the schema declares TEXT NOT NULL."""
    if not isinstance(value, str):
        raise HistoryDamaged(f"The history holds {type(value).__name__} where text belongs.")
    return value


def _prepare_file(path: Path) -> None:
    _make_folder(path.parent)
    # SQLite gives the -wal and -shm files the mode of this one, so it must be right before SQLite sees it. A file
    # that is there is not opened for it: closing it would drop every lock this process holds on the register.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE))
    if not stat.S_ISREG(path.lstat().st_mode):
        raise HistoryUnavailable(f"The history {path} is no plain file. Move it away, or set BWP_DATA_DIR.")
    path.chmod(_FILE_MODE)


def _make_folder(folder: Path) -> None:
    for missing in reversed([parent for parent in folder.parents if not parent.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(_FOLDER_MODE)
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def _configure(db: apsw.Connection) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        db.execute(f"PRAGMA {pragma}")


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise into this room's errors."""
    try:
        yield
    except HistoryError:
        raise
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise HistoryDamaged(
            f"The history {path} is damaged ({error}). Keep the file and run: bwp-tui doctor."
        ) from error
    except apsw.FullError as error:
        raise HistoryUnavailable(
            f"The disk that holds {path.parent} is full: nothing was recorded. Free some space and try again."
        ) from error
    except apsw.BusyError as error:
        raise HistoryUnavailable(
            f"Another program keeps the history {path} locked: nothing was recorded. Try again."
        ) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, PermissionError) as error:
        raise HistoryUnavailable(
            f"The history {path} cannot be written by this user. "
            "Set BWP_DATA_DIR to a folder of your own, or mend its permissions."
        ) from error
    except (apsw.IOError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise HistoryUnavailable(
            f"The history {path} cannot be used: {reason}. Set BWP_DATA_DIR to another folder, or mend this one."
        ) from error
