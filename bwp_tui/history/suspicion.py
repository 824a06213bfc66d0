"""Whether a register may need mending, told by names beside it alone: every start asks."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from bwp_tui.history import backups, swap

_SMALLEST: Final = 512
"""Bytes of the smallest page: SQLite takes a file below that for a new one."""


def is_needed(path: Path) -> bool:
    """Say whether the register may need mending."""
    return _mark(path).exists() or swap.pending(path) is not None or was_emptied(path)


def was_emptied(path: Path) -> bool:
    """Say whether the register is an empty file although there once was something in it."""
    log = path.with_name(f"{path.name}-wal")
    logged = log.exists() and log.stat().st_size > 0
    return path.stat().st_size < _SMALLEST and not logged and bool(backups.daily(path))


def suspect(path: Path) -> None:
    """Note that the register was found damaged while it was in use, for whoever next has it alone to look into."""
    with suppress(OSError):
        os.close(os.open(_mark(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def clear(path: Path) -> None:
    """Forget a suspicion."""
    _mark(path).unlink(missing_ok=True)


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.stem}.suspect")
