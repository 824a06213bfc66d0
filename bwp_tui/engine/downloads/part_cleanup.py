"""Remove part files of cancelled downloads, and those that leave the history no space."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import Collection
from pathlib import Path

from bwp_tui.domain.text import part_name, possible_file_names
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob


async def remove_unwanted_parts(store: Store, in_use: Collection[int]) -> None:
    """Remove part files of cancelled downloads, except of the tasks `in_use`, whose slots still write.

    A file that cannot be removed is tried again when the history changes.
    """
    for job in downloads.unwanted_parts(store):
        if job.task_number in in_use:
            continue
        with contextlib.suppress(OSError):
            for part in _parts_of(job):
                await asyncio.to_thread(part.unlink, missing_ok=True)
            downloads.record_part_removed(store, job)


def rename_part(job: DownloadJob, name: str) -> None:
    """Give the part file of another setting, or of an earlier version, the name of the archive `name`."""
    part = Path(job.folder) / part_name(name)
    for other in _parts_of(job):
        with contextlib.suppress(OSError):
            if other.is_file() and not part.exists():
                other.rename(part)


def remove_part_on_full_disk(job: DownloadJob, history: Path) -> None:
    """Remove the part file of a download that has left its slot, if it lies on the disk of the history file `history`.

    With that disk full, nothing can be recorded; a part file can be downloaded again.
    """
    for part in _parts_of(job):
        with contextlib.suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not one that another engine is writing
            status = part.lstat()
            # A file that also has its final name is complete, and removing this name frees nothing.
            if status.st_nlink == 1 and status.st_dev == history.stat().st_dev:
                part.unlink()


def _parts_of(job: DownloadJob) -> list[Path]:
    return [Path(job.folder) / part_name(name) for name in possible_file_names(job.kind, job.email, job.task_id)]
