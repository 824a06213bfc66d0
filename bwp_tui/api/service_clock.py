"""The service's clock: the `Date` of its last response plus the uptime since."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.times import UptimeClock, read_uptime

FRESH_FOR_S: Final = 60.0
"""Seconds after which the time is renewed: a suspended machine does not know for how long it stood still."""


class ServiceClock:
    """Computes the service's time without this machine's wall clock, which may be wrong or set."""

    def __init__(self, uptime: UptimeClock = read_uptime) -> None:
        self._uptime = uptime
        self._date: datetime | None = None
        self._dated_at = 0.0
        self._response_at = float("-inf")

    def record_response(self, date: datetime | None) -> None:
        """Record a response and its `Date`, if any."""
        self._response_at = self._uptime().seconds
        if date is not None:
            self._date, self._dated_at = date, self._response_at

    @property
    def is_fresh(self) -> bool:
        """Whether a response came within the last minute, with a date or not."""
        return self._uptime().seconds - self._response_at < FRESH_FOR_S

    def now(self) -> datetime | None:
        """Return the service's time, or None if no response had a date."""
        if self._date is None:
            return None
        return self._date + timedelta(seconds=self._uptime().seconds - self._dated_at)
