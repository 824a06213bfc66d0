"""Circuit breaker: after a failure it is open, so that no call starts for a while; then one call is tried alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final


class Reservation(ExitStack[None]):
    """Permission for `calls` calls, held until it is closed; closing it again does nothing."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls


NO_RESERVATION: Final = Reservation(0)


class CircuitBreaker:
    """Tracks the health of one host by the outcome of calls; `changed` is called when calls may start again."""

    def __init__(self, clock: Callable[[], float], changed: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._changed = changed
        self._failures = 0
        self._retry_not_before = float("-inf")
        self._probing = False

    @property
    def is_failing(self) -> bool:
        """Whether the last call failed, so that the next one is a single probe."""
        return self._failures > 0

    @property
    def is_probing(self) -> bool:
        """Whether a probe of a failing host is running."""
        return self._probing and self.is_failing

    @property
    def is_available(self) -> bool:
        """Whether a call may start now."""
        return not self.is_probing and self.seconds_until_retry() <= 0

    def seconds_until_retry(self) -> float:
        """Return the seconds until a call may start; 0 if one may now."""
        # In whole microseconds, as an instant has them: a shorter wait would end at an instant that is not after now.
        return max(0.0, round(self._retry_not_before - self._clock(), 6))

    def reserve(self, most: int = 1) -> Reservation:
        """Reserve up to `most` calls: none while open or probing, one while failing."""
        if not self.is_available:
            return NO_RESERVATION
        reservation = Reservation(1 if self.is_failing else most)
        if self.is_failing:
            self._probing = True
            reservation.callback(self._end_probe)
        return reservation

    def record_success(self) -> bool:
        """Record a success; return whether the host is healthy. A call from before the last failure proves nothing."""
        if self.seconds_until_retry() > 0:
            return False
        if self._failures:
            self._failures, self._retry_not_before = 0, float("-inf")
            self._changed()
        return True

    def record_failure(self, delay: Callable[[int], float]) -> bool:
        """Record a failure and wait for `delay(failures in a row)` seconds; return whether it is a new failure.

        Calls that were running when the first of them failed count as the same failure; they never shorten the wait.
        """
        new = self.seconds_until_retry() <= 0
        self._failures += new
        self._retry_not_before = max(self._retry_not_before, self._clock() + delay(self._failures))
        return new

    def shift_clock(self, seconds: float) -> None:
        """Adjust recorded times after the clock went back by `seconds`."""
        self._retry_not_before -= seconds

    def _end_probe(self) -> None:
        self._probing = False
        self._changed()
