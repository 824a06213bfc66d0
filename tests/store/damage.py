"""Ways in which a history's file is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

PAGE = 4096


def overwrite_table(path: Path, table: str) -> None:
    """Overwrite the root page of a table in a history that nobody has open."""
    db = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    ((root,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
    db.close()
    assert isinstance(root, int)
    overwrite(path, (root - 1) * PAGE, b"\xff" * PAGE)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
