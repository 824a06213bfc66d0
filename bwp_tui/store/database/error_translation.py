"""Translate errors of SQLite and of the system into errors of the store."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.database.migrate import check_not_newer, version_of
from bwp_tui.store.database.schema_check import expected_schema, schema_of
from bwp_tui.store.errors import DiskFull, StoreDamaged, StoreError, StoreUnavailable

_WRITE_LOCK_BYTE: Final = "120"
"""Where SQLite locks the shared memory of a WAL for writing (its file format, "WAL-Index Locks")."""


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(f"The disk that holds {path.parent} is full: nothing was recorded. Free some space and try again.")


@contextmanager
def translated_damage(path: Path) -> Iterator[None]:
    """Raise StoreDamaged where SQLite finds damage in the history at `path`, and flag it for the next start."""
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError) as error:
        flag_damage(path)
        reason = "text that is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise damage_error(path, reason) from error


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Translate what is raised while the history at `path` is used, and flag damage.

    Raises:
        StoreDamaged: it is no sound database.
        StoreUnavailable: it cannot be opened, read or written now.
    """
    try:
        with translated_damage(path):
            yield
    except StoreError:
        raise
    except apsw.FullError as error:
        raise _disk_full(path) from error
    except apsw.BusyError as error:
        raise StoreUnavailable(_locked_sentence(path)) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, PermissionError) as error:
        raise StoreUnavailable(
            f"The history {path} cannot be written by this user. "
            "Set BWP_DATA_DIR to a folder of your own, or fix its permissions."
        ) from error
    except apsw.ProtocolError as error:
        raise StoreUnavailable(
            f"The folder {path.parent} gives no locks, as some network folders do not: nothing was recorded. "
            "Set BWP_DATA_DIR to a folder on a disk of this machine."
        ) from error
    except (apsw.IOError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise _disk_full(path) from error
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise StoreUnavailable(
            f"The history {path} cannot be used: {why}. Set BWP_DATA_DIR to another folder, or fix this one."
        ) from error


@contextmanager
def flagged_errors(path: Path, connection: Callable[[], apsw.Connection]) -> Iterator[None]:
    """Translate errors of an open history, and flag what its statements and values show to be damaged too."""
    try:
        with translated_errors(path):
            yield
    except StoreDamaged:
        flag_damage(path)
        raise
    except apsw.ConstraintError as error:
        # The statement is right: what it changes must be damaged.
        if connection().execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]:
            raise
        flag_damage(path)
        raise damage_error(path, str(error)) from error
    except apsw.SQLError as error:
        # The statement is right: the schema, the text index or a list of tags must be damaged.
        is_content = any(text in str(error) for text in ("fts5", "malformed JSON"))
        if not is_content and schema_of(connection()) == expected_schema():
            raise
        check_not_newer(version_of(connection()), path)  # another process may have migrated the file meanwhile
        flag_damage(path)
        raise damage_error(path, str(error)) from error


def _locked_sentence(path: Path) -> str:
    """Return why nothing could be written: who keeps the history locked, as far as the system says."""
    pid = _writing_process(path)
    if pid is None:
        return f"Another program keeps the history {path} locked: nothing was recorded. Try again."
    todo = f"It is stopped: have it go on (kill -CONT {pid}), or end it." if is_stopped(pid) else "Try again."
    return f"Process {pid} keeps the history {path} locked: nothing was recorded. {todo}"


def _writing_process(path: Path) -> int | None:
    """Return the process in a write transaction, by its lock in SQLite's shared memory; None if that is unknown."""
    with suppress(OSError, ValueError):
        inode = path.with_name(f"{path.name}-shm").stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            # Such as `5: POSIX  ADVISORY  WRITE 4242 fe:00:2361651 120 120`.
            _, kind, _, mode, pid, file, start, *_ = line.split()
            if (kind, mode, start) == ("POSIX", "WRITE", _WRITE_LOCK_BYTE) and file.endswith(f":{inode}"):
                return int(pid) if int(pid) > 0 else None  # 0 in another container
    return None


def is_stopped(pid: int) -> bool:
    """Return whether a process of this machine is stopped, as far as the system says."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"T", b"t")
    return False


def damage_error(path: Path, reason: str) -> StoreDamaged:
    """Return the error for damage that was found while others may be using the history."""
    return StoreDamaged(
        f"The history {path} is damaged ({reason}). Close every bwp-tui of this profile and start one again: "
        "the file is kept, and what can be read of it is recovered."
    )
