"""The interface of the engine's workers, and what they share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from bwp_tui.store.database.connection import Store

if TYPE_CHECKING:  # the engine's thread imports this module, and the console's first frame does without HTTP
    from bwp_tui.api.client import PrivacyApi
    from bwp_tui.engine.resilience.poll_schedule import PollSchedule
    from bwp_tui.engine.resilience.service_health import ServiceHealth

STORE_RETRY_S: Final = 5.0
"""Seconds before work is tried again when the history cannot be written: a full disk, a lock."""


@dataclass(slots=True)
class PolledFirst:
    """Numbers of the tasks to poll first, such as the rows on a screen. Any thread may replace them."""

    numbers: frozenset[int] = frozenset()


@dataclass(slots=True)
class WorkerContext:
    """Holds what all workers of an engine share.

    Read `api` anew for each call: when the credentials are replaced, so is the client.
    """

    store: Store
    api: PrivacyApi
    health: ServiceHealth
    poll_schedule: PollSchedule
    rng: random.Random
    polled_first: PolledFirst = field(default_factory=PolledFirst)

    def now(self) -> datetime:
        return self.store.clock()

    def earliest_start(self, ready_at: datetime | None) -> datetime | None:
        """Return when work ready at `ready_at` can start: not before the service may be called."""
        next_call_at = self.health.next_call_at()
        return ready_at if ready_at is None or next_call_at is None else max(ready_at, next_call_at)


class Worker(Protocol):
    """Does one kind of work: reads what is ready from the history and records the outcome there."""

    async def run_ready(self) -> None:
        """Do all that is ready now."""

    def next_at(self) -> datetime | None:
        """Return when work is ready next, or None where the history holds none."""

    @property
    def is_busy(self) -> bool:
        """Whether work that `run_ready` started is still running."""
        return False

    async def close(self) -> None:
        """Stop work that is still running; most workers leave none."""
        return
