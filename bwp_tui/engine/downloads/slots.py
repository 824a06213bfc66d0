"""Run downloads in a limited number of slots."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass

from bwp_tui.store.worklog.downloads import DownloadJob


@dataclass(slots=True)
class _Slot:
    task_number: int
    work: asyncio.Task[None]
    is_leaving: bool = False


class Slots:
    """Runs downloads, each as a task of the event loop.

    Args:
        freed: called with each job that has left its slot, and with the unexpected exception that ended it, if any.
    """

    def __init__(self, freed: Callable[[DownloadJob, BaseException | None], None]) -> None:
        self._freed = freed
        self._slots: dict[int, _Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def task_numbers(self) -> frozenset[int]:
        """Numbers of the tasks being downloaded: nobody else may write to their part files."""
        return frozenset(slot.task_number for slot in self._slots.values())

    def start(self, job: DownloadJob, work: Coroutine[None, None, None]) -> None:
        """Run `work` for `job` in a slot."""
        task = asyncio.create_task(work, name=f"download-{job.id}")
        self._slots[job.id] = _Slot(job.task_number, task)
        task.add_done_callback(functools.partial(self._free, job))

    def keep_only(self, job_ids: Collection[int]) -> None:
        """Cancel each job whose id is not in `job_ids`, once; it leaves its slot after cleaning up."""
        for job_id, slot in self._slots.items():
            if job_id not in job_ids and not slot.is_leaving:
                slot.is_leaving = True
                slot.work.cancel()

    def mark_leaving(self, job: DownloadJob) -> None:
        """Record that a job is leaving its slot by itself and must not be cancelled any more."""
        self._slots[job.id].is_leaving = True

    async def close(self) -> None:
        """Cancel all jobs and wait until they have left."""
        works = [slot.work for slot in self._slots.values()]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    def _free(self, job: DownloadJob, work: asyncio.Task[None]) -> None:
        del self._slots[job.id]
        self._freed(job, None if work.cancelled() else work.exception())
