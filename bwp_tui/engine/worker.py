"""What the engine's three kinds of work have in common."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.resilience.backoff import Pace
from bwp_tui.engine.resilience.service_health import Gate
from bwp_tui.engine.visible_tasks import Sight
from bwp_tui.store.database.connection import History

UNUSABLE_HISTORY_S: Final = 5.0
"""How long work rests when the history cannot be written: a full disk, a lock."""


@dataclass(slots=True)
class Bench:
    """What every desk works with.

    `api` is replaced when the credentials are: it is to be read for each call.
    """

    history: History
    api: PrivacyApi
    gate: Gate
    pace: Pace
    chance: random.Random
    sight: Sight = field(default_factory=Sight)

    def now(self) -> datetime:
        """Return the current instant."""
        return self.history.clock()


class Desk(Protocol):
    """One kind of work, taken from the history and written back to it."""

    async def work(self) -> None:
        """Do all that is due now."""

    def next_at(self) -> datetime | None:
        """Return when there is something to do next, as far as the history tells."""

    @property
    def busy(self) -> bool:
        """Whether work goes on that `work` has begun."""

    async def close(self) -> None:
        """Stop cleanly what is under way."""
