"""The service's own clock, as the `Date` of its answers shows it and the machine's uptime carries it on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.uptime import UptimeClock, read_uptime

FRESH_FOR: Final = 60.0
"""Seconds after which it is worth another look: a machine that stood still does not know for how long."""


class ServiceClock:
    """Tells the service's time without the wall clock of this machine, which may be wrong or set meanwhile."""

    def __init__(self, uptime: UptimeClock = read_uptime) -> None:
        self._uptime = uptime
        self._date: datetime | None = None
        self._dated_at = 0.0
        self._response_at = float("-inf")

    def record_response(self, date: datetime | None) -> None:
        """Note an answer and its `Date`, where it has one."""
        self._response_at = self._uptime().seconds
        if date is not None:
            self._date, self._dated_at = date, self._response_at

    @property
    def is_fresh(self) -> bool:
        """Whether an answer has come within the last minute, dated or not."""
        return self._uptime().seconds - self._response_at < FRESH_FOR

    def now(self) -> datetime | None:
        """Return the service's time, or None where no answer had a date."""
        if self._date is None:
            return None
        return self._date + timedelta(seconds=self._uptime().seconds - self._dated_at)
