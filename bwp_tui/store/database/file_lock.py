"""Lock a history: each connection holds the lock shared; recovery and restoring hold it exclusively.

The lock is on a file of its own: opening and closing the history itself outside of SQLite would drop every POSIX lock
that SQLite holds in this process.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bwp_tui.file_access import access_to
from bwp_tui.store.errors import StoreUnavailable

SHARED_TIMEOUT_S: Final = 10.0
"""How long to wait for the shared lock: another process may be recovering the history."""

EXCLUSIVE_TIMEOUT_S: Final = 1.0
"""How long to wait for the exclusive lock: others may be opening the history at this moment."""

_RETRY_S: Final = 0.02


def lock_path(history: Path) -> Path:
    """Return the path of the lock file of a history."""
    return history.with_suffix(".lock")


class FileLock:
    """A shared or exclusive lock on the history at `path`; freed by `release` and at the end of the process.

    Where no lock file can be made, as on a read-only mount, nothing is locked: nobody can write there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = _open(lock_path(path))
        """The open lock file, in which the high-water mark is kept; None where there is none."""
        self._close: Callable[[], object] = (
            (lambda: None) if self.descriptor is None else weakref.finalize(self, os.close, self.descriptor)
        )

    def lock_shared(self) -> None:
        """Take the lock shared; raise StoreUnavailable if another process keeps it exclusively."""
        if self.descriptor is not None and not self._take(fcntl.LOCK_SH, SHARED_TIMEOUT_S):
            raise StoreUnavailable(
                f"Another bwp-tui is recovering or restoring the history {self._path}. Try again in a moment."
            )

    def lock_exclusive(self, timeout_s: float = EXCLUSIVE_TIMEOUT_S) -> bool:
        """Take the lock exclusively, giving up a shared one; return whether it succeeded. If not, nothing is held."""
        return self.descriptor is not None and self._take(fcntl.LOCK_EX, timeout_s)

    def release(self) -> None:
        """Free the lock for good."""
        self._close()
        self.descriptor = None

    def _take(self, mode: int, timeout_s: float) -> bool:
        descriptor = self.descriptor
        if descriptor is None:
            return False
        deadline = time.monotonic() + timeout_s
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        while True:
            try:
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_RETRY_S)
            else:
                return True


def _open(path: Path) -> int | None:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    for more in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with suppress(OSError):
            descriptor = os.open(path, flags | more, 0o600)
            if more != os.O_RDONLY:
                access_to(path).set_file(descriptor)
            return descriptor
    return None
