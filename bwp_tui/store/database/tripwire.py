"""Noticing that an older copy of the history, or another history, lies where the newest one was.

A copy that was put back by hand does not know what was sent since it was made. The newest revision is therefore kept
outside of it as well, in the lock file beside it, after each commit; it is forced to disk before a request leaves.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from bwp_tui.store.errors import StoreDamaged

_SLOT: Final = 128
_SLOTS: Final = 8
"""Records in the file, each written by every eighth revision: one that a crash has torn leaves the others."""


class HistoryState(NamedTuple):
    """What a history was last seen to be: its identity, its revision, and the instant of its newest entry."""

    identity: str
    revision: int
    newest_at: str


class Tripwire:
    """The record beside a history of how far it had come.

    Args:
        descriptor: the lock file, open for as long as this is used; None where it cannot be written.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def read(self) -> HistoryState | None:
        """Return the newest record, or None where there is none that is whole."""
        if self._descriptor is None:
            return None
        data = os.pread(self._descriptor, _SLOT * _SLOTS, 0)
        found = [_decode(data[at : at + _SLOT]) for at in range(0, len(data), _SLOT)]
        return max((seen for seen in found if seen is not None), key=lambda seen: seen.revision, default=None)

    def record(self, state: HistoryState) -> None:
        """Record a commit. A record that cannot be written is missed by nobody but a copy that is put back."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, _encode(state), _SLOT * (state.revision % _SLOTS))

    def sync(self) -> None:
        """Have what was noted on disk before going on."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.fdatasync(self._descriptor)

    def clear(self) -> None:
        """Forget what was recorded: whatever lies there now is what the program itself has put there."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)


def state_of(db: apsw.Connection, path: Path) -> HistoryState:
    """Read what a history says of itself.

    Raises:
        StoreDamaged, apsw.Error: it cannot be read.
    """
    found = db.execute("SELECT identity, revision, newest_at FROM meta").fetchall()
    for identity, revision, newest_at in found:
        if isinstance(identity, str) and isinstance(revision, int) and isinstance(newest_at, str):
            return HistoryState(identity, revision, newest_at)
    raise StoreDamaged(f"The history {path} is damaged (it does not say which one it is).")


def _encode(state: HistoryState) -> bytes:
    text = f"{state.identity} {state.revision} {state.newest_at}"
    return f"{zlib.crc32(text.encode()):08x} {text}\n".encode().rjust(_SLOT)


def _decode(record: bytes) -> HistoryState | None:
    checksum, _, text = record.lstrip(b" ").removesuffix(b"\n").partition(b" ")
    with suppress(ValueError):
        if int(checksum, 16) == zlib.crc32(text):
            identity, revision, newest_at = text.decode().split(" ")
            return HistoryState(identity, int(revision), newest_at)
    return None
