"""Measure the speed of a download, and detect one that is too slow for its slot."""

from __future__ import annotations

from collections import deque
from typing import Final

RATE_WINDOW_S: Final = 3.0
SPEED_WINDOW_S: Final = 60.0
MIN_BYTES_PER_S: Final = 1_000
"""Bytes a second; a slower download gives up its slot if another one waits."""


class TransferRate:
    """Bytes a second over a sliding window of `RATE_WINDOW_S`."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, at: float, received: int) -> float | None:
        """Take `received` bytes at `at` seconds; return the rate, or None if it is too early."""
        if self._samples and received < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((at, received))
        while len(self._samples) > 2 and at - self._samples[1][0] >= RATE_WINDOW_S:
            self._samples.popleft()
        first_at, first = self._samples[0]
        return (received - first) / (at - first_at) if at > first_at else None


class SlowTransferDetector:
    """Detects a silent or very slow download by the bytes of each `SPEED_WINDOW_S`.

    Attributes:
        is_silent: no byte came in the last of them.
        is_slow: fewer than `MIN_BYTES_PER_S` bytes a second came.
    """

    def __init__(self, at: float, received: int) -> None:
        self.is_silent = self.is_slow = False
        self._since, self._received = at, received

    def add(self, at: float, received: int) -> None:
        """Take `received` bytes at `at` seconds."""
        if at - self._since < SPEED_WINDOW_S and received >= self._received:
            return
        came = received - self._received
        self.is_silent, self.is_slow = came == 0, 0 <= came < MIN_BYTES_PER_S * SPEED_WINDOW_S
        self._since, self._received = at, received
