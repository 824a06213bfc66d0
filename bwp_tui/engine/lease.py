"""The lock that says which process is a profile's engine."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Lease:
    """An exclusive lock on a file of the profile. The system frees it when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> bool:
        """Take the lock if it is free; say whether it is held now.

        Raises:
            OSError: the file cannot be made or opened.
        """
        if self._descriptor is not None:
            return True
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back, if it is held. The file stays: removing it would let two processes hold two."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Say whether a process is the profile's engine just now; one that was killed is not."""
    lease = Lease(path)
    try:
        return not lease.take()
    except OSError:
        return False
    finally:
        lease.release()
