"""Whether a host may be called: after a failure it is left alone for a while, then one call alone tries it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self


class Reservation:
    """Room for `room` calls, held until it is closed. A context manager."""

    def __init__(self, room: int, closed: Callable[[], None]) -> None:
        self.room = room
        self._closed = closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back; once is enough."""
        closed, self._closed = self._closed, _nothing
        closed()


def _nothing() -> None:
    return None


NO_ROOM: Final = Reservation(0, _nothing)


class CircuitBreaker:
    """The health of one host, as the calls to it found it.

    Args:
        clock: seconds; how long the host is left alone goes by it.
        changed: is called when a call may begin that was refused before.
    """

    def __init__(self, clock: Callable[[], float], changed: Callable[[], None] = _nothing) -> None:
        self._clock = clock
        self._changed = changed
        self._failures = 0
        self._opens_at = float("-inf")
        self._probing = False

    @property
    def is_failing(self) -> bool:
        """Whether the last call failed, so that the next one goes alone."""
        return self._failures > 0

    @property
    def is_probing(self) -> bool:
        """Whether the one call is under way that tries a host in trouble."""
        return self._probing and self.is_failing

    def seconds_open(self) -> float:
        """Return for how many more seconds no call may begin; 0 where one may."""
        return max(0.0, self._opens_at - self._clock())

    def reserve(self, most: int = 1) -> Reservation:
        """Return room for up to `most` calls: for none while shut or being tried, for one in trouble."""
        if self.seconds_open() > 0 or self.is_probing:
            return NO_ROOM
        if not self.is_failing:
            return Reservation(most, _nothing)
        self._probing = True
        return Reservation(1, self._probed)

    def record_success(self) -> bool:
        """Note an answer; say whether the host is well. A call from before it was shut proves nothing."""
        if self.seconds_open() > 0:
            return False
        if self._failures:
            self._failures, self._opens_at = 0, float("-inf")
            self._changed()
        return True

    def record_failure(self, delay: Callable[[int], float]) -> bool:
        """Note a failure and shut for `delay(failures in a row)` seconds; say whether it is a new one.

        Calls that were under way when the first of them failed are the same failure; they never open it earlier.
        """
        new = self.seconds_open() <= 0
        self._failures += new
        self._opens_at = max(self._opens_at, self._clock() + delay(self._failures))
        return new

    def shift_clock(self, seconds: float) -> None:
        """Note that the clock went back by so much."""
        self._opens_at -= seconds

    def _probed(self) -> None:
        self._probing = False
        self._changed()
