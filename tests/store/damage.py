"""Ways in which a history's file is damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
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


def overwrite_first_page(path: Path) -> None:
    """Overwrite the header and the schema of a history that nobody has open."""
    overwrite(path, 0, b"\xff" * PAGE)


def overwrite_indexes(path: Path) -> None:
    """Overwrite the root pages of the indexes of tasks in a history that nobody has open: all of a small one's."""
    with closing(apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'tasks'").fetchall()
    for (name,) in names:
        overwrite_table(path, str(name))


def overwrite_leaf(path: Path, table: str) -> None:
    """Overwrite a page of a table's rows, the second, in a history that nobody has open."""
    with closing(apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        leaves = db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)).fetchall()
    overwrite(path, (int(str(leaves[1][0])) - 1) * PAGE, b"\xff" * PAGE)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


_SQLITE = """
import json, sys
import apsw
path, statements = json.loads(sys.argv[1])
with apsw.Connection(path) as db:
    kept = db.execute("SELECT name, sql FROM sqlite_schema WHERE name GLOB 'timeline_is_*'").fetchall()
    for name, _ in kept:
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    for _, sql in kept:
        db.execute(sql)
"""


def change_elsewhere(path: Path, *statements: str) -> None:
    """Change a history with another program, which takes away what keeps the timeline, and puts it back."""
    subprocess.run([sys.executable, "-c", _SQLITE, json.dumps([str(path), statements])], check=True)
