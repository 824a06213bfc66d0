"""How fast requests go out: as fast as they come, until the service asks for fewer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 10.0
"""Over so many seconds the rate is measured that was too much."""

GAIN: Final = 0.5
"""Requests a second that are gained in each second without throttling."""

_SHORTEST_S: Final = 1.0


class RateLimiter:
    """Halves the rate of requests when they are throttled, and raises it step by step while they are answered.

    Args:
        clock: seconds.
        slowest: requests a second that may always go out.
    """

    def __init__(self, clock: Callable[[], float], slowest: float) -> None:
        self._clock = clock
        self._slowest = slowest
        self._began: deque[float] = deque()
        self._rate: float | None = None
        self._ceiling = 0.0
        self._saved = 0.0
        self._saved_at = 0.0
        self._raised_at = 0.0

    @property
    def rate(self) -> float | None:
        """Requests a second at most, or None where there is no bound."""
        return self._rate

    def available(self, most: int) -> int:
        """Return how many of `most` requests may begin now."""
        return most if self._rate is None else max(0, min(most, int(self._saved_now(self._rate))))

    def seconds_until_ready(self) -> float:
        """Return in how many seconds the next request may begin; 0 where one may now."""
        if self._rate is None or self.available(1):
            return 0.0
        return max(_TICK_S, (1 - self._saved_now(self._rate)) / self._rate)

    def record_start(self) -> None:
        """Note that a request has begun. One that there was no room for is made up for later."""
        now = self._clock()
        self._began.append(now)
        self._forget(now)
        if self._rate is not None:
            self._saved = self._saved_now(self._rate) - 1
            self._saved_at = now

    def record_throttled(self) -> None:
        """Note that the service wants fewer requests: half as many as went out, or as were let out."""
        if self._rate is None:
            self._rate = self._ceiling = max(self._measured(), 2 * self._slowest)
        self._rate = max(self._slowest, self._rate / 2)
        self._saved, self._saved_at = 0.0, self._clock()
        self._raised_at = self._saved_at

    def record_success(self) -> None:
        """Note an answer: a little more may go out, and without a bound once it is as much as was too much."""
        if self._rate is not None:
            self._saved, self._saved_at = self._saved_now(self._rate), self._clock()
            self._rate += GAIN * (self._saved_at - self._raised_at)
            self._raised_at = self._saved_at
            if self._rate >= self._ceiling:
                self._rate = None

    def shift_clock(self, seconds: float) -> None:
        """Note that the clock went back by so much."""
        self._began.clear()
        self._saved_at -= seconds
        self._raised_at -= seconds

    def _saved_now(self, rate: float) -> float:
        """Return the requests that may go out at once: what a second lets out at most, as little as it may be."""
        return min(max(1.0, rate), self._saved + (self._clock() - self._saved_at) * rate)

    def _measured(self) -> float:
        now = self._clock()
        self._forget(now)
        return len(self._began) / max(_SHORTEST_S, now - self._began[0]) if self._began else 0.0

    def _forget(self, now: float) -> None:
        while self._began and now - self._began[0] > WINDOW_S:
            self._began.popleft()


_TICK_S: Final = 0.001
