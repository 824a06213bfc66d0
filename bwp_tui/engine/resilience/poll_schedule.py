"""Compute when to poll a task: by its status, its age, and whether events announce the ends of tasks."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.times import DAY, HOUR
from bwp_tui.store.worklog.ready_polls import LEAD_TIME, PolledTask

FIRST_INTERVAL_S: Final = 2.0
MAX_INTERVAL_FIRST_DAY_S: Final = 300.0
INTERVAL_AFTER_FIRST_DAY_S: Final = 1_800.0
JITTER: Final = 0.1
"""The share of an interval over which polls are spread: the tasks of one batch drift apart."""

RELAXED_INTERVAL_S: Final = (6 * HOUR - 60.0) / (1.0 + JITTER)
"""The interval while events announce the ends of tasks: with jitter and a minute to send, each is polled every 6 h."""

_LEAD_SHARE: Final = 0.09
"""The share of the interval by which a task may be polled early."""

_ANNOUNCED_POLLS: Final = 10
"""Polls in quick succession of a task whose end an event has announced: about 20 minutes."""

_MAX_DOUBLINGS: Final = 16


@dataclass(slots=True)
class PollSchedule:
    """Computes when to poll tasks. `speed` is how many times faster than real the service's days pass."""

    speed: float
    rng: random.Random
    relaxed: bool = False
    """Whether polls are rare, since events announce the ends of tasks."""

    def first_poll(self, now: datetime) -> datetime:
        """Return when to poll a task that was just accepted."""
        return now + self._spread(FIRST_INTERVAL_S)

    def next_poll(self, poll: PolledTask, status: str, holding_period: int | None, now: datetime) -> datetime:
        """Return when to poll a task again whose status is now `status`."""
        return now + self._spread(self._interval(poll, status, holding_period, now))

    def catch_up_times(self, poll: PolledTask, now: datetime) -> tuple[datetime, datetime]:
        """Return when to poll a task whose polls are no longer rare, and by when the usual schedule would poll it.

        The first is a random instant before the second, to spread the many tasks that are rescheduled at once.
        """
        interval = self._interval(poll, poll.status, poll.holding_period, now)
        return now + timedelta(seconds=interval * self.rng.random()), now + self._spread(interval)

    @property
    def lead_time(self) -> timedelta:
        """How early a task may be polled to fill up a batch: rare polls would otherwise be sent alone."""
        return timedelta(seconds=_LEAD_SHARE * RELAXED_INTERVAL_S / self.speed) if self.relaxed else LEAD_TIME

    def next_after_unknown(self, now: datetime) -> datetime:
        """Return when to poll a task again that the service does not know."""
        return now + self._spread(INTERVAL_AFTER_FIRST_DAY_S)

    def _interval(self, poll: PolledTask, status: str, holding_period: int | None, now: datetime) -> float:
        unchanged = poll.polls_unchanged if status == poll.status else 0
        quick = min(FIRST_INTERVAL_S * 2.0 ** min(unchanged, _MAX_DOUBLINGS), MAX_INTERVAL_FIRST_DAY_S)
        if poll.is_announced and unchanged < _ANNOUNCED_POLLS:
            return quick
        if status == Status.ON_HOLD:
            # In seconds: adding days to a date of the service could leave the calendar.
            left = (poll.submitted_at - now).total_seconds() + (holding_period or 0) * DAY / self.speed
            if left > 0:
                return max(FIRST_INTERVAL_S, min(left, DAY / self.speed))
        if self.relaxed:
            return max(FIRST_INTERVAL_S, RELAXED_INTERVAL_S / self.speed)
        if (now - poll.submitted_at).total_seconds() > DAY / self.speed:
            return max(FIRST_INTERVAL_S, INTERVAL_AFTER_FIRST_DAY_S / self.speed)
        return quick

    def _spread(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds * self.rng.uniform(1.0, 1.0 + JITTER))
