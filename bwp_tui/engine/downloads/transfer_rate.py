"""How fast a download goes: smoothed over the last seconds, and whether that is worth a slot."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 3.0
MINUTE_S: Final = 60.0
SLOWEST: Final = 1_000
"""Bytes a second; a line that brings fewer does not hold a slot that another download could have."""


class TransferRate:
    """Bytes a second over a sliding window of `WINDOW_S`."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def record(self, at: float, received: int) -> float | None:
        """Note that `received` bytes are there at `at` seconds; return the rate, or None where it is too early."""
        if self._seen and received < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at, received))
        while len(self._seen) > 2 and at - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        first_at, first = self._seen[0]
        return (received - first) / (at - first_at) if at > first_at else None


class SpeedWatch:
    """Tells a line that brings nothing or next to nothing, by what came in each `MINUTE_S`.

    Attributes:
        silent: nothing came in the last one.
        slow: fewer than `SLOWEST` bytes a second came.
    """

    def __init__(self, at: float, received: int) -> None:
        self.silent = self.slow = False
        self._since, self._received = at, received

    def note(self, at: float, received: int) -> None:
        """Note that `received` bytes are there at `at` seconds."""
        if at - self._since < MINUTE_S and received >= self._received:
            return
        came = received - self._received
        self.silent, self.slow = came == 0, 0 <= came < SLOWEST * MINUTE_S
        self._since, self._received = at, received
