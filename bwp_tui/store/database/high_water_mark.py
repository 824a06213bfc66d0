"""Record the last state of a history outside of it, so that an older copy in its place is noticed.

An older copy does not know what was sent after it was made. The newest revision is therefore written to the lock file
as well, after each commit, and flushed to disk before a request is sent. So is the highest task number: whatever is
lost, no number is given twice.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from bwp_tui.store.errors import StoreDamaged

_SLOT_BYTES: Final = 128
_SLOT_COUNT: Final = 8
"""Records in the file, used in turn: a record torn by a crash leaves the others."""


class HistoryState(NamedTuple):
    """The identity of a history, its revision, and the instant of its newest entry."""

    identity: str
    revision: int
    newest_at: str
    newest_event: str = ""
    """The number of the newest event of all timelines, and a checksum of it; empty where there is none."""
    highest_number: int = 0
    """The highest number that a task was given."""
    file: str = ""
    """Which file it is in (`file_checksum`): a copy that is put in its place is another one."""


def file_checksum(path: Path) -> str:
    """Return a checksum of a file's device and number, or nothing where there is no file."""
    with suppress(OSError):
        status = path.stat()
        return f"{zlib.crc32(f'{status.st_dev} {status.st_ino}'.encode()):08x}"
    return ""


def is_later_state(db: apsw.Connection, state: HistoryState, known: HistoryState) -> bool:
    """Return whether an open history is in a later state than `known`, or in that one.

    A copy on which another machine went on may have the later numbers, but not the newest event of `known`.
    """
    if state.identity != known.identity or state.revision < known.revision:
        return False
    number = known.newest_event.partition("-")[0]
    return not number or _event(db, f"WHERE id = {int(number)}") == known.newest_event


def with_newest_entries(state: HistoryState, db: apsw.Connection) -> HistoryState:
    """Return a state with the newest event, which only a purge or a merge removes, and the highest task number."""
    (highest,) = db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'tasks'").fetchall()[0]
    event = _event(db, "ORDER BY id DESC LIMIT 1")
    return state._replace(newest_event=event, highest_number=highest if isinstance(highest, int) else 0)


def has_event(db: apsw.Connection, event: str) -> bool:
    """Return whether a history that was made anew has an event, perhaps under another number."""
    checksum = event.partition("-")[2]
    events = db.execute("SELECT at, actor, what FROM timeline ORDER BY id DESC")
    return any(_checksum(*values) == checksum for values in events)


def is_older_than_rows(db: apsw.Connection) -> bool:
    """Return whether the revision of a history is lower than that of a row: the disk has lost a write of either."""
    latest = "SELECT max(revision) AS latest FROM tasks UNION ALL SELECT max(revision) FROM downloads"
    return db.execute(f"SELECT 1 FROM ({latest}), meta WHERE latest > meta.revision").fetchall() != []


def _event(db: apsw.Connection, which: str) -> str:
    found = db.execute(f"SELECT id, at, actor, what FROM timeline {which}").fetchall()
    return "".join(f"{number}-{_checksum(*values)}" for number, *values in found)


def _checksum(at: apsw.SQLiteValue, actor: apsw.SQLiteValue, what: apsw.SQLiteValue) -> str:
    return f"{zlib.crc32(f'{at} {actor} {what}'.encode()):08x}"


class HighWaterMark:
    """The newest known state of a history, kept in its lock file.

    `descriptor` is the open lock file; None where there is none, and nothing is recorded.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def read(self) -> HistoryState | None:
        """Return the newest intact record, or None."""
        if self._descriptor is None:
            return None
        data = os.pread(self._descriptor, _SLOT_BYTES * _SLOT_COUNT, 0)
        records = [_decode(data[at : at + _SLOT_BYTES]) for at in range(0, len(data), _SLOT_BYTES)]
        return max(filter(None, records), key=lambda state: state.revision, default=None)

    def write(self, state: HistoryState) -> None:
        """Record a commit. An error is ignored: the record only serves to notice older copies."""
        if self._descriptor is not None:
            text = " ".join(map(str, state))
            record = f"{zlib.crc32(text.encode()):08x} {text}\n".encode().rjust(_SLOT_BYTES)
            with suppress(OSError):
                os.pwrite(self._descriptor, record, _SLOT_BYTES * (state.revision % _SLOT_COUNT))

    def sync(self) -> None:
        """Flush the records to disk."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.fdatasync(self._descriptor)

    def reset(self, state: HistoryState) -> None:
        """Record a state alone, after the program itself has replaced the history."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            self.write(state)
            self.sync()


def state_of(db: apsw.Connection, path: Path) -> HistoryState:
    """Read the state of an open history."""
    # Each of the two has one row, without which no engine could begin.
    rows = db.execute("SELECT identity, meta.revision, newest_at FROM meta, engine").fetchall()
    identity, revision, newest_at = rows[0] if len(rows) == 1 else (None, None, None)
    if isinstance(identity, str) and isinstance(revision, int) and isinstance(newest_at, str):
        return with_newest_entries(HistoryState(identity, revision, newest_at, file=file_checksum(path)), db)
    raise StoreDamaged(f"The history {path} is damaged (it does not say which one it is).")


def _decode(record: bytes) -> HistoryState | None:
    checksum, _, text = record.lstrip(b" ").removesuffix(b"\n").partition(b" ")
    with suppress(ValueError):
        if int(checksum, 16) == zlib.crc32(text):
            identity, revision, newest_at, *entries = text.decode().split(" ")
            event, number, file, *_ = (*entries, "", "", "")  # earlier versions did not write them
            return HistoryState(identity, int(revision), newest_at, event, int(number or 0), file)
    return None
