"""Putting a register in the place of another, which is set aside and never overwritten.

The new one is whole and on disk under a name of its own before the old one is touched. That name is the record of
what is under way: whoever opens the register after a crash finds it and finishes.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

_INCOMING: Final = re.compile(r"\.incoming-(?P<why>[a-z]+)-(?P<stamp>[0-9TZ.]+)\.db")
_BESIDE: Final = ("-wal", "-shm")


class FileSwap(NamedTuple):
    """A register that is to take the place of the one at `path`, which will lie at `aside`."""

    path: Path
    reason: str
    stamp: str

    @property
    def incoming(self) -> Path:
        """The new register, once it is whole."""
        return self.path.with_name(f"{self.path.stem}.incoming-{self.reason}-{self.stamp}.db")

    @property
    def part(self) -> Path:
        """The new register while it is being written."""
        return self.incoming.with_suffix(".part")

    @property
    def aside(self) -> Path:
        """Where the old register will lie."""
        return self.path.with_name(f"{self.path.stem}.{self.reason}-{self.stamp}.db")

    @property
    def report(self) -> Path:
        """The text that says what happened, beside the old register."""
        return self.aside.with_suffix(".txt")


def new(path: Path, reason: str, now: datetime) -> FileSwap:
    """Return a swap of the register at `path` whose names are free; `reason` is a word for them."""
    _drop_parts(path)
    swap = FileSwap(path, reason, f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}")
    if swap.aside.exists() or swap.report.exists():
        raise FileExistsError(f"{swap.aside} is there already")
    return swap


def commit(swap: FileSwap) -> None:
    """Put the whole and closed register at `swap.part` in its place."""
    sync(swap.part)
    swap.part.rename(swap.incoming)
    sync(swap.path.parent)
    finish(swap.path)


def pending(path: Path) -> FileSwap | None:
    """Return the swap that a crash has left half done, or None."""
    for entry in sorted(path.parent.glob(f"{path.stem}.incoming-*.db")):
        found = _INCOMING.fullmatch(entry.name.removeprefix(path.stem))
        if found is not None:
            return FileSwap(path, found["why"], found["stamp"])
    return None


def finish(path: Path) -> FileSwap | None:
    """Do what is left of a swap, wherever it stands; return it, or None when there was none."""
    swap = pending(path)
    if swap is None:
        return None
    aside = swap.aside
    if aside.exists() and path.exists() and path.stat().st_size:
        # A program that knows nothing of swaps has written meanwhile.
        aside = aside.with_name(f"{swap.aside.stem}-later.db")
    if not aside.exists():
        with suppress(FileNotFoundError):
            path.rename(aside)
    for ending in _BESIDE:
        # The new register must not find them: SQLite would take the old one's log for its own.
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{ending}").rename(aside.with_name(f"{aside.name}{ending}"))
    sync(path.parent)
    swap.incoming.replace(path)
    sync(path.parent)
    return swap


def set_aside(path: Path) -> list[Path]:
    """Return the registers that were set aside, the oldest first."""
    return sorted(entry for why in ("damaged", "replaced") for entry in path.parent.glob(f"{path.stem}.{why}-*.db"))


def sync(path: Path) -> None:
    """Have what was written to a file, or to the names in a folder, on disk before going on."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_parts(path: Path) -> None:
    for part in path.parent.glob(f"{path.stem}.incoming-*.part*"):
        part.unlink()
