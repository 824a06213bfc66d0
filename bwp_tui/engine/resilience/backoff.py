"""How long to wait: between polls of a task, and between tries after a failure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.task import Status
from bwp_tui.store.worklog.due_polls import DuePoll

FIRST_S: Final = 2.0
LONGEST_YOUNG_S: Final = 300.0
OLD_S: Final = 1_800.0
DAY_S: Final = 86_400.0
JITTER: Final = 0.1
"""Polls are spread by this part of their distance, so that tasks of one batch do not stay one crowd."""

RETRY_BASE_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
_MOST_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """How a service in trouble is treated: bounds of the waits in seconds, and the fewest requests a second."""

    base_s: float = RETRY_BASE_S
    cap_s: float = RETRY_CAP_S
    denied_base_s: float = 30.0
    denied_cap_s: float = 900.0
    slowest: float = 0.5


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """The polling pace of one profile. `speed` says how many times faster than real the service's days pass."""

    speed: float
    random: random.Random

    def first_poll(self, now: datetime) -> datetime:
        """Return when a task that was just accepted is first asked about."""
        return now + self._spread(FIRST_S)

    def next_poll(self, poll: DuePoll, status: str, holding_period: int | None, now: datetime) -> datetime:
        """Return when to ask again about a task that has just answered `status`."""
        return now + self._spread(self._distance(poll, status, holding_period, now))

    def next_after_unknown(self, now: datetime) -> datetime:
        """Return when to ask again about a task that the service said it does not know."""
        return now + self._spread(OLD_S)

    def _distance(self, poll: DuePoll, status: str, holding_period: int | None, now: datetime) -> float:
        if status == Status.ON_HOLD:
            # In seconds: dates of the service may lie where adding days leaves the calendar.
            left = (poll.submitted_at - now).total_seconds() + (holding_period or 0) * DAY_S / self.speed
            if left > 0:
                return max(FIRST_S, min(left, DAY_S / self.speed))
        if (now - poll.submitted_at).total_seconds() > DAY_S / self.speed:
            return max(FIRST_S, OLD_S / self.speed)
        unchanged = poll.polls if status == poll.status else 0
        return min(FIRST_S * 2.0 ** min(unchanged, _MOST_DOUBLINGS), LONGEST_YOUNG_S)

    def _spread(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds * self.random.uniform(1.0, 1.0 + JITTER))


def retry_delay(failures: int, rng: random.Random, *, base: float = RETRY_BASE_S, cap: float = RETRY_CAP_S) -> float:
    """Return seconds to wait after `failures` failures in a row: full jitter under a doubling, capped bound.

    Half a base is always waited, so that a run of small draws is no storm.
    """
    bound = min(cap, base * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return max(base / 2, rng.uniform(0, bound))
