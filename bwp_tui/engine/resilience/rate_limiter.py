"""Limit the rate of requests once the service throttles them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 10.0
"""Seconds over which the rate is measured that was throttled."""

RATE_GAIN: Final = 0.5
"""Requests a second by which the rate rises in each second without throttling."""

LOWEST_RATE: Final = 0.5
"""Requests a second."""

_MIN_MEASURED_S: Final = 1.0
_TICK_S: Final = 0.001


class RateLimiter:
    """Halves the rate when requests are throttled and raises it step by step while they succeed (AIMD)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._starts: deque[float] = deque()
        self.rate: float | None = None
        """The highest rate in requests a second, or None for no limit."""
        self._throttled_rate = 0.0
        self._tokens = 0.0
        self._tokens_at = 0.0
        self._raised_at = 0.0

    def available(self, most: int) -> int:
        """Return how many of `most` requests may start now."""
        return most if self.rate is None else max(0, min(most, int(self._tokens_now(self.rate))))

    def seconds_until_ready(self) -> float:
        """Return the seconds until the next request may start; 0 if it may now."""
        if self.rate is None or self.available(1):
            return 0.0
        return max(_TICK_S, (1 - self._tokens_now(self.rate)) / self.rate)

    def record_start(self) -> None:
        """Record a started request.

        A request without a free token makes the balance negative and delays the next ones.
        """
        now = self._clock()
        self._starts.append(now)
        self._forget(now)
        if self.rate is not None:
            self._tokens = self._tokens_now(self.rate) - 1
            self._tokens_at = now

    def record_throttled(self) -> None:
        """Halve the rate: of the requests that went out, or the present limit."""
        now = self._clock()
        if self.rate is None:
            self._forget(now)
            began = self._starts[0] if self._starts else now
            measured = len(self._starts) / max(_MIN_MEASURED_S, now - began)
            self.rate = self._throttled_rate = max(measured, 2 * LOWEST_RATE)
        self.rate = max(LOWEST_RATE, self.rate / 2)
        self._tokens, self._tokens_at = 0.0, now
        self._raised_at = self._tokens_at

    def record_success(self) -> None:
        """Raise the rate; drop the limit once it is back at the rate that was throttled."""
        if self.rate is not None:
            self._tokens, self._tokens_at = self._tokens_now(self.rate), self._clock()
            self.rate, self._raised_at = self._raised(self.rate), self._tokens_at
            if self.rate >= self._throttled_rate:
                self.rate = None

    def drop_if_expired(self) -> bool:
        """Drop the limit where time has raised it so far that the next success would; return whether it did."""
        if self.rate is None or self._raised(self.rate) < self._throttled_rate:
            return False
        self.rate = None
        return True

    def _raised(self, rate: float) -> float:
        return rate + RATE_GAIN * (self._clock() - self._raised_at)

    def shift_clock(self, seconds: float) -> None:
        """Adjust recorded times after the clock went back by `seconds`."""
        self._starts.clear()
        self._tokens_at -= seconds
        self._raised_at -= seconds

    def _tokens_now(self, rate: float) -> float:
        """Return the tokens in the bucket, which holds one second of the rate and at least one token."""
        return min(max(1.0, rate), self._tokens + (self._clock() - self._tokens_at) * rate)

    def _forget(self, now: float) -> None:
        while self._starts and now - self._starts[0] > WINDOW_S:
            self._starts.popleft()
