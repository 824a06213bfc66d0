"""Name the archives of tasks."""

from __future__ import annotations

import re
from typing import Final

from bwp_tui.domain.task import Kind

_UNSAFE_IN_NAME: Final = re.compile(r"[^A-Za-z0-9._@+-]+")
_LONGEST_PIECE: Final = 100


def file_name(kind: Kind, email: str, task_id: str) -> str:
    """Return the file name of a task's archive, whatever the server calls it."""
    pieces = (kind.value.lower(), email, task_id)
    cleaned = "-".join(_UNSAFE_IN_NAME.sub("_", piece)[:_LONGEST_PIECE] for piece in pieces)
    return f"{cleaned.lstrip('.')}.zip"


def part_name(name: str) -> str:
    """Return the name of the partial file of the archive `name`."""
    return f"{name}.part"
