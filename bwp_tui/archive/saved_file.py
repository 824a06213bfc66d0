"""Open plain files, and compare them with the hashes that they had when they were downloaded."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from enum import StrEnum
from pathlib import Path


class FileState(StrEnum):
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"


def open_plain(path: Path) -> io.BufferedReader:
    """Open a plain file for reading, without waiting where it is something else: then OSError is raised."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", os.fspath(path))
    return os.fdopen(descriptor, "rb")


def compare(path: Path, sha256: str) -> FileState:
    """Hash the file at `path` and compare; blocks for about a second a GiB."""
    try:
        with open_plain(path) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return FileState.GONE
    except OSError:
        return FileState.UNREADABLE
    return FileState.UNCHANGED if found == sha256 else FileState.CHANGED
