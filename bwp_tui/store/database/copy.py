"""Copy a history to a new file, as of one instant, while others may write to it."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.file_access import access_to

_PAGES: Final = 500
"""Pages copied between two checks for cancellation: 2 MB."""


class CopyCancelled(Exception):
    """The copy was cancelled before its end."""


def create_database(path: Path) -> apsw.Connection:
    """Create a new database with the access of its folder; raise FileExistsError where there is a file."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    access_to(path).set_file(path)
    return apsw.Connection(os.fspath(path))


def copy_database(source: apsw.Connection, path: Path, stop: threading.Event | None = None) -> apsw.Connection:
    """Copy a database to the new file `path`; return a connection to the copy, and close that to `source`.

    CopyCancelled is raised once `stop` is set.
    """
    with closing(source):
        copy = create_database(path)
        try:
            # In one read transaction: otherwise each commit of another process would restart the copy.
            with source:
                source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                with copy.backup("main", source, "main") as backup:
                    while not backup.done:
                        if stop is not None and stop.is_set():
                            raise CopyCancelled
                        backup.step(_PAGES)
            # A single file: a copy in WAL mode would need others beside it.
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        except BaseException:
            copy.close()
            raise
    return copy
