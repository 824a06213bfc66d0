"""Whether a register may need mending, told by names beside it alone: every start asks."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from bwp_tui.store.maintenance import atomic_swap, backups

_SMALLEST: Final = 512
"""Bytes of the smallest page: SQLite takes a file below that for a new one."""


def needs_recovery(path: Path) -> bool:
    """Say whether the register may need mending."""
    return _mark(path).exists() or atomic_swap.pending(path) is not None or was_emptied(path)


def has_log(path: Path) -> bool:
    """Say whether some of the register lies in the log beside it: others use it, or a crash has left it."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def is_log_amiss(path: Path) -> bool:
    """Say whether a log that a crash has left is not what SQLite takes it for; nobody else may use the register.

    It may belong to another copy of the file, which was put here by hand, or be damaged.
    """
    # Imported only here: nearly every start does without.
    from bwp_tui.store.maintenance import damaged_file

    with damaged_file.opened(path) as file:
        return file.mixed or file.log_is_cut


def was_emptied(path: Path) -> bool:
    """Say whether the register is an empty file although there once was something in it."""
    return path.stat().st_size < _SMALLEST and not has_log(path) and bool(backups.daily(path))


def flag_damage(path: Path) -> None:
    """Note that the register was found damaged while it was in use, for whoever next has it alone to look into."""
    with suppress(OSError):
        os.close(os.open(_mark(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def unflag(path: Path) -> None:
    """Forget a suspicion."""
    _mark(path).unlink(missing_ok=True)


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.stem}.suspect")
