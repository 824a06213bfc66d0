"""Define the downloads of results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.text import percent


class Download(NamedTuple):
    """One download of a retrieval's result. Sizes in bytes, `rate` in bytes a second."""

    id: int
    task_number: int
    state: str
    path: str | None
    bytes: int
    total: int | None
    rate: float | None
    sha256: str | None
    etag: str | None
    trouble: str | None
    attempts: int
    """Tries that have ended: in success, in failure, or since they were interrupted."""
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    actor: str
    paused: bool = False
    """Whether an operator paused it; a running one stops within a second and keeps its partial file."""
    not_before: datetime | None = None
    """Earliest time of the next try."""
    remarks: tuple[str, ...] = ()
    """Remarks about the downloaded archive, a sentence each."""
    has_newer: bool = False
    """Whether the result was asked for again since: the newer download has taken over what was left of this one."""
    part_unwanted: bool = False
    """Whether it was cancelled, and an engine has yet to remove its partial file."""
    is_purged: bool = False
    """Whether a purge has removed the record of where its file or partial file is."""
    is_declined: bool = False
    """Whether its request was declined since, so that its result cannot be asked for again."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended: it waits, runs or is paused."""
        return self.state in (DownloadState.QUEUED, DownloadState.RUNNING)

    @property
    def state_name(self) -> str:
        """Its state, as a person reads it: `paused` until it is resumed, and `pausing` while it still runs."""
        if not self.paused:
            return self.state
        return "pausing" if self.state == DownloadState.RUNNING else "paused"

    def awaits_retry(self, now: datetime) -> bool:
        """Return whether its last try failed and the next one is still to come, in its slot or without one."""
        return bool(self.trouble and self.not_before and self.not_before > now)

    @property
    def attempts_with_running(self) -> int:
        """Number of tries, the current one included."""
        return self.attempts + (self.state == DownloadState.RUNNING)

    @property
    def percent(self) -> int | None:
        """Progress; 100 only once the file is verified and in place, None if the size is unknown or it was purged."""
        if self.state == DownloadState.DONE:
            return None if self.is_purged else 100
        return percent(self.bytes, self.total)

    def as_engine_left(self, *, has_engine: Callable[[], bool], is_stalled: Callable[[], bool]) -> Download:
        """Return a running download as queued where no engine runs, and without a rate where the engine stalls."""
        if self.state != DownloadState.RUNNING:
            return self
        if not has_engine():
            return self._replace(state=DownloadState.QUEUED, rate=None)  # as the next engine finds it
        return self._replace(rate=None) if is_stalled() else self


def time_left(received: int, total: int | None, rate: float | None) -> timedelta | None:
    """Return how long a download still takes, from its bytes and their rate, or None if that is unknown."""
    return timedelta(seconds=max(0, total - received) / rate) if rate and total is not None else None
