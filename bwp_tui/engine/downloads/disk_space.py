"""Whether a disk has room for a download, beside those that are under way and what the history needs."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final, NamedTuple

RESERVE: Final = 16 << 20
"""Bytes that stay free on the disk of the history: it has to be able to record how a download ends."""


class Shortage(NamedTuple):
    """Bytes that are free, that other downloads under way will still take, and that stay free for the history."""

    free: int
    others: int
    reserve: int


class DiskSpace:
    """Counts together what the downloads of one engine will still write. Its methods may be called from any thread.

    Args:
        history: the history's file, on whose disk `RESERVE` bytes stay free; None is no history.
    """

    def __init__(self, store: Path | None = None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._claims: dict[object, tuple[int, int]] = {}

    def claim(self, owner: object, folder: int, left: int) -> Shortage | None:
        """Claim `left` bytes for `owner` on the disk of an open folder; return what is short where they do not fit."""
        with self._lock:
            found = self._look(owner, folder)
            if found is not None and found.free < left + found.others + found.reserve:
                return found
            self._claims[owner] = (os.fstat(folder).st_dev, left)
            return None

    def watch(self, owner: object, folder: int, left: int) -> Shortage | None:
        """Note that `left` bytes are still to come; return what is short where the next ones would use the reserve."""
        with self._lock:
            if owner in self._claims:
                self._claims[owner] = (self._claims[owner][0], left)
            found = self._look(owner, folder)
            return found if found is not None and found.reserve and found.free <= found.reserve else None

    def release(self, owner: object) -> None:
        """Give back what `owner` has claimed."""
        with self._lock:
            self._claims.pop(owner, None)

    def _look(self, owner: object, folder: int) -> Shortage | None:
        """Return how the disk stands, or None where it does not tell its size, as some network disks do not."""
        disk, device = os.fstatvfs(folder), os.fstat(folder).st_dev
        if not disk.f_blocks:
            return None
        others = sum(left for of, (on, left) in self._claims.items() if of != owner and on == device)
        return Shortage(disk.f_bavail * disk.f_frsize, others, RESERVE if self._holds_history(device) else 0)

    def _holds_history(self, device: int) -> bool:
        try:
            return self._store is not None and self._store.stat().st_dev == device
        except OSError:
            return True
