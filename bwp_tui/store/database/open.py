"""Connect to a history: for writing where possible, else for reading, with the reason."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os.path import samestat
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

import apsw

from bwp_tui.file_access import access_to, make_folder, set_all
from bwp_tui.store.database.migrate import migrate, newest_version, version_of
from bwp_tui.store.database.schema_check import check_identity
from bwp_tui.store.errors import StoreChanged, StoreMoved, StoreUnavailable

BUSY_TIMEOUT_MS: Final = 10_000
_MIN_FREE_BYTES: Final = 65_536
"""Free bytes below which a disk counts as full: SQLite's shared memory alone takes half of them."""

_PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "secure_delete = ON",
)
_NOT_WRITABLE: Final = (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.FullError, apsw.IOError)


class OpenedDatabase(NamedTuple):
    """A connection to a history.

    Attributes:
        check_file: raises `StoreMoved` once the file at the path is another one, and `StoreChanged` once what is
            read of it is old; costs two `stat`s.
        check_log: raises `StoreMoved` where others may have another log, so that closing must not write this one back.
        read_only_reason: why a history opened for writing can only be read, in a sentence, or None.
    """

    db: apsw.Connection
    check_file: Callable[[], None]
    check_log: Callable[[], None]
    read_only_reason: str | None = None


def prepare_file(path: Path) -> None:
    """Create the folder and the file where they are missing, with the access of the profile."""
    create_folder(path.parent)
    # SQLite gives the -wal and -shm files the mode of this one, so it must be right before SQLite sees it. A file
    # that is there is not opened for it: closing it would drop every lock this process holds on the history.
    try:
        check_file_type(path)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        check_file_type(path)
    with _unless_read_only():
        access_to(path).set_file(path)


def check_file_type(path: Path) -> None:
    """Check that a history is a regular file with one name.

    Raises:
        StoreUnavailable: it is not.
        FileNotFoundError: it is missing.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise StoreUnavailable(f"The history {path} is not a regular file. Move it away, or set BWP_DATA_DIR.")
    if status.st_nlink > 1:
        raise StoreUnavailable(
            f"The history {path} has {status.st_nlink} names (hard links), and two programs that use it by different"
            f" names would damage it. Remove the other name, or make this one a file of its own: cp -p {path.name} new"
            f" && mv new {path.name}"
        )


def open_database(path: Path) -> OpenedDatabase:
    """Open the history at `path` and migrate it.

    Raises:
        StoreTooNew, NotAHistory: it is not for this program.
        StoreDamaged, StoreUnavailable, apsw.Error: it is damaged or cannot be used.
    """
    check = new_move_check(path)
    try:
        db = apsw.Connection(os.fspath(path))
        try:
            if db.readonly("main"):
                raise apsw.ReadOnlyError("write-protected")
            db.set_busy_timeout(BUSY_TIMEOUT_MS)
            check_identity(db, path)
            for pragma in _PRAGMAS:
                db.execute(f"PRAGMA {pragma}")
            migrate(db, path)
            check()
            check_both = new_move_check(path, path.with_name(f"{path.name}-shm"))  # which the first read has opened
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # until `Store.close` has seen which file is there
        except BaseException:
            db.close()
            raise
    except _NOT_WRITABLE as error:
        return _fall_back_to_reading(path, error)
    # While the log at the path is missing or empty, no other program has written to one of its own.
    return OpenedDatabase(db, check_both, lambda: check_both() if has_wal(path) else check())


def has_wal(path: Path) -> bool:
    """Return whether a part of the history lies in its -wal file: others use it, or a crash has left it."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    return False


def _wal_removed(path: Path, cause: apsw.Error) -> StoreUnavailable | None:
    """Return the error where the -wal file may have been removed while others use it.

    The shared memory, which would say so, is not opened: closing it would drop the locks that this process has on it.
    """
    if not isinstance(cause, apsw.IOError) or has_wal(path) or not path.with_name(f"{path.name}-shm").exists():
        return None
    return StoreUnavailable(
        f"The history {path} cannot be read ({cause}). If its log, {path.name}-wal, was removed while another bwp-tui "
        "has it open, end that program, which writes back what it has, and try again."
    )


def new_move_check(path: Path, shared_memory: Path | None = None) -> Callable[[], None]:
    """Return a check that raises `StoreMoved` once the file now at `path` was moved, removed or replaced.

    What SQLite writes after that is lost. So it is without the shared memory that another process finds there.
    """
    files = (path,) if shared_memory is None or not shared_memory.exists() else (path, shared_memory)
    opened = [file.stat() for file in files]

    def check() -> None:
        try:
            is_there = all(samestat(status, file.stat()) for status, file in zip(opened, files, strict=True))
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise StoreMoved(
                f"The history {path} was moved, removed or replaced, or a file beside it, while bwp-tui has it open: "
                "nothing is recorded or sent. Put it back, or restart bwp-tui."
            )

    return check


def open_for_reading(path: Path) -> OpenedDatabase:
    """Open a history of this or an older schema for reading, changing nothing.

    Raises:
        StoreTooNew, NotAHistory: it is not for this program.
        StoreDamaged, apsw.Error: it is damaged or cannot be read.
    """
    check = new_move_check(path)
    try:
        return OpenedDatabase(_open_reader(path, "mode=ro"), check, check)
    except (apsw.CantOpenError, apsw.IOError):
        # Without shared memory SQLite must take the file for immutable, so `check_file` raises once it changes.
        before = _file_state(path)
        if before is None:
            raise

    def check_here() -> None:
        check()
        if _file_state(path) != before:
            raise StoreChanged(f"The history {path} has changed since it was opened.")

    return OpenedDatabase(_open_reader(path, "immutable=1"), check_here, check)


def open_without_traces(path: Path) -> apsw.Connection:
    """Open a history for one read, without making a file beside it or keeping anybody waiting."""
    db = _open_reader(path, "mode=ro" if has_wal(path) else "immutable=1")
    db.set_busy_timeout(0)
    return db


def _fall_back_to_reading(path: Path, cause: apsw.Error) -> OpenedDatabase:
    reason = _read_only_reason(path, cause)
    try:
        opening = open_for_reading(path)
    except (apsw.CantOpenError, apsw.IOError):
        raise _wal_removed(path, cause) or cause from None
    version = version_of(opening.db)
    if version < newest_version():
        opening.db.close()
        if error := _wal_removed(path, cause):
            raise error
        raise StoreUnavailable(
            f"The history {path} must be brought to this program's schema ({version} to {newest_version()}) before it "
            "can be read, and it cannot be written. Free some space, or fix its permissions."
        )
    return opening._replace(read_only_reason=reason)


def _open_reader(path: Path, mode: str) -> apsw.Connection:
    uri = f"file:{quote(os.fspath(path))}?{mode}"
    db = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        db.set_busy_timeout(BUSY_TIMEOUT_MS)
        check_identity(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _file_state(path: Path) -> tuple[int, int, int] | None:
    """Return inode, size and time of the file, or None while a part of the history lies in its -wal file."""
    if has_wal(path):
        return None
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read_only_reason(path: Path, cause: apsw.Error) -> str:
    disk = os.statvfs(path.parent)
    if disk.f_flag & os.ST_RDONLY:
        why = f"{path.parent} is on a read-only file system"
    elif isinstance(cause, apsw.FullError) or disk.f_bavail * disk.f_frsize < _MIN_FREE_BYTES:
        why = f"the disk that holds {path.parent} is full"
    elif error := _wal_removed(path, cause):
        return str(error)
    else:
        why = f"{path} cannot be written by this user"
    return f"The history can only be read: {why}. Nothing can be recorded before that is mended."


def create_folder(folder: Path) -> None:
    """Create a profile's folder and its parents where they are missing, and set who can use what is in it."""
    make_folder(folder)
    with _unless_read_only():
        set_all(folder)


@contextmanager
def _unless_read_only() -> Iterator[None]:
    """Leave a mode on a read-only file system as it is: `doctor` reports it."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
