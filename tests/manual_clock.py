"""A clock that a test moves."""

from __future__ import annotations

from datetime import datetime, timedelta


class ManualClock:
    """An instant that stays the same until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the instant."""
        return self.now

    def advance(self, by: timedelta = timedelta(), **length: float) -> None:
        """Move by a length of time, in one piece or in the units of `timedelta`."""
        self.now += by + timedelta(**length)
