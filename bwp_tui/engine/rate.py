"""How fast a download goes, smoothed over the last seconds."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 3.0


class Rate:
    """Bytes a second over a sliding window of `WINDOW_S`."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, at: float, received: int) -> float | None:
        """Note that `received` bytes are there at `at` seconds; return the rate, or None where it is too early."""
        if self._seen and received < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at, received))
        while len(self._seen) > 2 and at - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        first_at, first = self._seen[0]
        return (received - first) / (at - first_at) if at > first_at else None
