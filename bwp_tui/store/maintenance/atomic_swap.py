"""Replace a history with another one; the old one is set aside and never overwritten.

The new one is whole and on disk under a name of its own before the old one is touched. That name records the swap:
the next opening after a crash finds it and finishes.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.domain.times import file_stamp

_INCOMING: Final = r"\.incoming-(?P<why>[a-z]+)-(?P<stamp>[0-9TZ.]+)\.db"
DAMAGED: Final = "damaged"
REPLACED: Final = "replaced"
"""Why a history is set aside, as its file name says."""

_SIDE_FILES: Final = ("-wal", "-shm")


class FileSwap(NamedTuple):
    """The replacement of the history at `path`, which is set aside at `aside`."""

    path: Path
    reason: str
    stamp: str

    @property
    def incoming(self) -> Path:
        """The new history, once it is whole."""
        return self.path.with_name(f"{self.path.stem}.incoming-{self.reason}-{self.stamp}.db")

    @property
    def part(self) -> Path:
        """The new history while it is being written."""
        return self.incoming.with_suffix(".part")

    @property
    def aside(self) -> Path:
        """The path at which the old history is set aside."""
        return self.path.with_name(f"{self.path.stem}.{self.reason}-{self.stamp}.db")

    @property
    def report(self) -> Path:
        """The text report beside the old history."""
        return self.aside.with_suffix(".txt")


def prepare_swap(path: Path, reason: str, now: datetime) -> FileSwap:
    """Return a swap of the history at `path` whose file names, of which `reason` is a part, are free."""
    for part in unfinished_files(path):
        part.unlink()
    swap = FileSwap(path, reason, file_stamp(now))
    if swap.aside.exists() or swap.report.exists():
        raise FileExistsError(f"{swap.aside} is there already")
    return swap


def commit(swap: FileSwap) -> None:
    """Replace the history with the whole and closed one at `swap.part`."""
    sync(swap.part)
    swap.part.rename(swap.incoming)
    sync(swap.path.parent)
    finish_interrupted_swap(swap.path)


def interrupted_swap(path: Path) -> FileSwap | None:
    """Return the swap that a crash interrupted, or None."""
    for entry in sorted(path.parent.glob(f"{path.stem}.incoming-*.db")):
        match = re.fullmatch(_INCOMING, entry.name.removeprefix(path.stem))
        if match is not None:
            return FileSwap(path, match["why"], match["stamp"])
    return None


def finish_interrupted_swap(path: Path) -> FileSwap | None:
    """Finish a swap that a crash interrupted, and return it; None where there is none.

    If a loss of power has emptied the new history, the swap is undone: the disk had not written what it reported.
    """
    swap = interrupted_swap(path)
    if swap is None:
        return None
    aside = swap.aside
    if not swap.incoming.stat().st_size:
        if aside.exists() and not (path.exists() and path.stat().st_size):
            for ending in ("", *_SIDE_FILES):
                with suppress(FileNotFoundError):
                    aside.with_name(f"{aside.name}{ending}").replace(path.with_name(f"{path.name}{ending}"))
        swap.incoming.unlink()
        sync(path.parent)
        return None
    if aside.exists() and path.exists() and path.stat().st_size:
        # A program without swaps has written meanwhile.
        aside = aside.with_name(f"{swap.aside.stem}-later.db")
    if not aside.exists():
        with suppress(FileNotFoundError):
            path.rename(aside)
    for ending in _SIDE_FILES:
        # SQLite would take the old history's log for the new one's.
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{ending}").rename(aside.with_name(f"{aside.name}{ending}"))
    sync(path.parent)
    swap.incoming.replace(path)
    sync(path.parent)
    return swap


def histories_set_aside(path: Path) -> list[Path]:
    """Return the histories that were set aside, the oldest first; of one that was missing, the log that was left."""
    found = (entry for why in (DAMAGED, REPLACED) for entry in path.parent.glob(f"{path.stem}.{why}-*.db*"))
    kept = {entry for entry in found if entry.suffix in (".db", ".db-wal") and entry.stat().st_size}
    return sorted(entry for entry in kept if entry.suffix == ".db" or entry.with_suffix(".db") not in kept)


def unfinished_files(path: Path) -> list[Path]:
    """Return the unfinished histories that a killed restore or recovery has left."""
    return sorted(path.parent.glob(f"{path.stem}.incoming-*.part*"))


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
