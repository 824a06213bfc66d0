"""Reading what can be read of a damaged register, row by row, from a copy: the file itself is never written to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

Fields = dict[str, int | float | str | bytes | None]

KEYS: Final = {"tasks": "number", "intents": "id", "downloads": "id", "timeline": "id"}
"""The tables whose rows are salvaged, and the column that is their key."""

_UNREADABLE: Final = (apsw.CorruptError, apsw.NotADBError, apsw.IOError, apsw.SQLError, UnicodeDecodeError)
_PAGE: Final = 4096
_PATIENCE: Final = 200_000
"""Keys in a row that may be unreadable before the rest of a table is given up: 10 to 50 µs each."""


@contextmanager
def readable(path: Path) -> Iterator[apsw.Connection | None]:
    """Copy a register that nobody has open, mend the copy's header, and open it to read; None if that fails.

    Raises:
        OSError: there is no room for the copy.
    """
    copy = path.with_name(f"{path.stem}.reading.db")
    _remove(copy)
    db: apsw.Connection | None = None
    try:
        _copy(path, copy)
        with suppress(FileNotFoundError):
            _copy(path.with_name(f"{path.name}-wal"), copy.with_name(f"{copy.name}-wal"))
        _mend_header(copy)
        with suppress(*_UNREADABLE, apsw.CantOpenError):
            db = apsw.Connection(os.fspath(copy), flags=apsw.SQLITE_OPEN_READONLY)
            db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        yield db
    finally:
        if db is not None:
            db.close()
        _remove(copy)


def rows_of(db: apsw.Connection, table: str, lost: Callable[[], None]) -> Iterator[Fields]:
    """Return the readable rows of a table of `KEYS` in the order of their keys.

    Args:
        lost: is called once for each stretch of keys that cannot be read.
    """
    columns = _columns(db, table)
    key = KEYS[table]
    if not any(name == key for name, _ in columns):
        lost()
        return
    shown = ", ".join(f"CAST({name} AS BLOB)" if kind == "TEXT" else name for name, kind in columns)
    last, top = 0, _top(db, table, key)
    while True:
        try:
            for row in db.execute(f"SELECT {key}, {shown} FROM {table} WHERE {key} > ? ORDER BY {key}", (last,)):
                number = row[0]
                # A flipped bit can make a key of any size, and would hide all that follows.
                if last < number <= top:
                    last = number
                    yield {name: _value(value, kind) for (name, kind), value in zip(columns, row[1:], strict=True)}
        except _UNREADABLE:
            lost()
            beyond = _beyond(db, table, key, last, top)
            if beyond is None:
                return
            last = beyond - 1
        else:
            return


def views_of(db: apsw.Connection) -> Iterator[Fields]:
    """Return the operator's readable views; they have no number to search on by."""
    columns = _columns(db, "views")
    if columns:
        with suppress(*_UNREADABLE):
            names = ", ".join(name for name, _ in columns)
            for row in db.execute(f"SELECT {names} FROM views ORDER BY position"):
                yield dict(zip((name for name, _ in columns), row, strict=True))


def sequence(db: apsw.Connection, table: str) -> int:
    """Return the highest key that was ever given in a table, or 0 where that cannot be read."""
    with suppress(*_UNREADABLE):
        for (highest,) in db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)):
            if isinstance(highest, int):
                return highest
    return 0


def _columns(db: apsw.Connection, table: str) -> list[tuple[str, str]]:
    with suppress(*_UNREADABLE):
        return [(str(row[1]), str(row[2])) for row in db.execute(f"PRAGMA table_info({table})")]
    return []


def _top(db: apsw.Connection, table: str, key: str) -> int:
    highest = sequence(db, table)
    with suppress(*_UNREADABLE):
        for (found,) in db.execute(f"SELECT max({key}) FROM {table}"):
            highest = highest or found or 0
    return highest or _PATIENCE


def _beyond(db: apsw.Connection, table: str, key: str, last: int, top: int) -> int | None:
    """Return the first key above `last` that can be read again, or None."""
    # The row after `last` is unreadable, so the search begins behind it.
    for candidate in range(last + 2, min(top, last + _PATIENCE) + 1):
        with suppress(*_UNREADABLE):
            for row in db.execute(f"SELECT * FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1", (candidate,)):
                del row
                return candidate
    return None


def _value(value: object, kind: str) -> int | float | str | bytes | None:
    if kind == "TEXT" and isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").replace("\0", "�")
    return value if isinstance(value, int | float | str | bytes) else None


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as to, source.open("rb") as taken:
        shutil.copyfileobj(taken, to, 1 << 20)


def _mend_header(copy: Path) -> None:
    """Write the parts of the header that are the same in every register (SQLite: The Database Header)."""
    size = copy.stat().st_size
    if size < _PAGE:
        return
    pages = -(-size // _PAGE)
    with copy.open("r+b") as file:
        file.truncate(pages * _PAGE)
        header = bytearray(file.read(100))
        header[:24] = b"SQLite format 3\0" + _PAGE.to_bytes(2, "big") + bytes((2, 2, 0, 64, 32, 32))
        header[28:32] = pages.to_bytes(4, "big")
        header[44:48] = (4).to_bytes(4, "big")
        header[52:60] = (0).to_bytes(4, "big") + (1).to_bytes(4, "big")
        header[92:96] = header[24:28]
        file.seek(0)
        file.write(header)


def _remove(copy: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        copy.with_name(f"{copy.name}{ending}").unlink(missing_ok=True)
