"""What the engine's three kinds of work have in common."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.resilience.backoff import PollSchedule
from bwp_tui.engine.resilience.service_health import ServiceHealth
from bwp_tui.engine.visible_tasks import VisibleTasks
from bwp_tui.store.database.connection import Store

STORE_RETRY_S: Final = 5.0
"""How long work rests when the history cannot be written: a full disk, a lock."""


@dataclass(slots=True)
class WorkerContext:
    """What every desk works with.

    `api` is replaced when the credentials are: it is to be read for each call.
    """

    store: Store
    api: PrivacyApi
    health: ServiceHealth
    pace: PollSchedule
    rng: random.Random
    visible: VisibleTasks = field(default_factory=VisibleTasks)

    def now(self) -> datetime:
        """Return the current instant."""
        return self.store.clock()


class Worker(Protocol):
    """One kind of work, taken from the history and written back to it."""

    async def run_due(self) -> None:
        """Do all that is due now."""

    def next_at(self) -> datetime | None:
        """Return when there is something to do next, as far as the history tells."""

    @property
    def busy(self) -> bool:
        """Whether work goes on that `run_due` has begun."""

    async def close(self) -> None:
        """Stop cleanly what is under way."""
