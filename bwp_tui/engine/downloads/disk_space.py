"""Check that a disk has space for a download, beside the running ones and what the history needs."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import NamedTuple

from bwp_tui.file_access import HISTORY_RESERVE


class DiskState(NamedTuple):
    """Bytes that are free, that other running downloads still need, and that are reserved for the history."""

    free: int
    others: int
    reserve: int


class DiskSpace:
    """Adds up what the downloads of one engine will still write. Thread-safe.

    On the disk of the file `history`, if there is one, `HISTORY_RESERVE` bytes stay free.
    """

    def __init__(self, history: Path | None = None) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._claims: dict[object, tuple[int, int]] = {}

    def claim(self, owner: object, folder_descriptor: int, left: int) -> DiskState | None:
        """Claim `left` bytes for `owner` on the disk of an open folder; return the shortage if they do not fit."""
        with self._lock:
            space = self._state_of_disk(owner, folder_descriptor)
            if space is not None and space.free < left + space.others + space.reserve:
                return space
            self._claims[owner] = (os.fstat(folder_descriptor).st_dev, left)
            return None

    def update(self, owner: object, folder_descriptor: int, left: int) -> DiskState | None:
        """Update the claim to `left` bytes; return the shortage if the next ones would use the reserve."""
        with self._lock:
            if owner in self._claims:
                self._claims[owner] = (self._claims[owner][0], left)
            space = self._state_of_disk(owner, folder_descriptor)
            return space if space is not None and space.reserve and space.free <= space.reserve else None

    def release(self, owner: object) -> None:
        with self._lock:
            self._claims.pop(owner, None)

    def _state_of_disk(self, owner: object, folder_descriptor: int) -> DiskState | None:
        """Return the state of the disk, or None if it does not report its size, as some network disks do not."""
        disk, device = os.fstatvfs(folder_descriptor), os.fstat(folder_descriptor).st_dev
        if not disk.f_blocks:
            return None
        others = sum(left for of, (on, left) in self._claims.items() if of != owner and on == device)
        return DiskState(disk.f_bavail * disk.f_frsize, others, HISTORY_RESERVE if self._holds_history(device) else 0)

    def _holds_history(self, device: int) -> bool:
        try:
            return self._history is not None and self._history.stat().st_dev == device
        except OSError:
            return True
