"""Removing the parts of cancelled downloads, and those that leave the history no room."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import Collection
from pathlib import Path

from bwp_tui.domain.archive_names import file_name, part_name
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob


async def remove_unwanted_parts(store: Store, in_use: Collection[int]) -> None:
    """Remove what cancelled downloads have left, but of the tasks `in_use`, whose slots still write.

    What a folder does not let go is tried again whenever the history changes.

    Raises:
        StoreError: it could not be recorded.
    """
    for job in downloads.with_unwanted_part(store):
        if job.number in in_use:
            continue
        with contextlib.suppress(OSError):
            await asyncio.to_thread(_part_of(job).unlink, missing_ok=True)
            downloads.record_part_removed(store, job)


def make_room(job: DownloadJob, store: Path) -> None:
    """Remove the part of a download that has left its slot, where it fills the disk of the file `history`.

    What can no longer be recorded can neither be paused nor cancelled, and a part can be fetched again.
    """
    part = _part_of(job)
    with contextlib.suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not one that another engine has taken up
        facts = part.lstat()
        # One that has its final name too is whole, and takes no room of its own.
        if facts.st_nlink == 1 and facts.st_dev == store.stat().st_dev:
            part.unlink()


def _part_of(job: DownloadJob) -> Path:
    return Path(job.directory) / part_name(file_name(job.kind, job.email, job.task_id))
