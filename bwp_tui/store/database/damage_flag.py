"""Flag a history as damaged, by a file beside it: the next process that has the history alone checks it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bwp_tui.file_access import access_to


def flag_damage(path: Path) -> None:
    """Flag the history at `path` as damaged. A flag that cannot be written is left out."""
    with suppress(OSError):
        os.close(os.open(_flag(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        access_to(path).set_file(_flag(path))


def is_flagged(path: Path) -> bool:
    """Return whether the history at `path` was flagged as damaged."""
    return _flag(path).exists()


def unflag(path: Path) -> None:
    _flag(path).unlink(missing_ok=True)


def _flag(path: Path) -> Path:
    return path.with_name(f"{path.stem}.suspect")
