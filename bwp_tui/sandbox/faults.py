"""The faults that the practice API can be made to have, and which calls they hit."""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.text import did_you_mean

FAULTS: Final[Mapping[str, str]] = {
    "lost-answer": "a call is carried out, and the connection is cut before the response",
    "throttled": "a call is refused for coming too often",
    "denied": "a call is refused as not allowed",
    "slow": "a response takes some seconds",
    "down": "the connection is closed without a response, and nothing is carried out",
    "garbled": "a call is carried out, and half of the response's JSON arrives",
    "html": "a gateway responds with 502 and a web page",
    "bad-request": "a gateway responds with 400 and a web page",
    "throttled-400": "a gateway responds with 400, and calls it throttling",
    "unclassified": "a call is refused by an error without a class",
    "cut-download": "the connection is cut in the middle of an archive",
    "expired-link": "a link has expired when it is issued",
    "changed-archive": "an archive differs from the one that was sent before",
    "no-range": "a range is ignored and the whole archive sent",
    "busy-store": "the archive server responds with 503 SlowDown",
    "duplicate-event": "an event arrives twice, the second time with the same id or a new one",
    "late-event": "an event arrives late",
    "lost-event": "an event never arrives",
    "foreign-event": "after an event, a message arrives that is no event of the service",
    "queue-denied": "a call to the queue is refused as not allowed",
    "queue-down": "the queue closes the connection without an answer",
}
"""Every fault's name and what it does. From `cut-download` to `busy-store` they hit links and downloads, the last six
events and their queue, the others GraphQL calls; `throttled`, `down` and `bad-request` hit the token endpoint too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and the share of the calls that it hits, above 0 and up to 1; a wrong one is a ValueError."""

    name: str
    rate: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            hint = did_you_mean(self.name, FAULTS, f"; known are {', '.join(FAULTS)}.")
            raise ValueError(f"There is no fault named {self.name!r}{hint}")
        if not 0 < self.rate <= 1:
            raise ValueError(f"The rate of the fault {self.name} must be above 0 and at most 1.")


def parse_fault(text: str) -> Fault:
    """Read `NAME` or `NAME=RATE`, as `Fault` checks them; a name alone hits every call."""
    name, equals, rate = text.strip().partition("=")
    if not equals:
        return Fault(name)
    try:
        share = float(rate)
    except ValueError:
        share = math.nan  # which Fault refuses, after looking at the name
    return Fault(name, share)


@dataclass(slots=True)
class _ActiveFault:
    rate: float
    left: int | None


class Faults:
    """The faults in force. Every method may be called from any thread.

    Which calls are hit depends on the seed and on the order of the calls alone.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._lock = threading.Lock()
        self._active = {fault.name: _ActiveFault(fault.rate, None) for fault in faults}
        self._rng = {name: random.Random(f"{seed}/{name}") for name in FAULTS}  # noqa: S311  repeatable, no secret
        self._hit_counts: Counter[str] = Counter()

    def set(self, name: str, rate: float = 1.0, *, times: int | None = None) -> None:
        """Let a fault hit that share of the calls from now on, at most `times` of them."""
        fault = Fault(name, rate)
        with self._lock:
            self._active[fault.name] = _ActiveFault(fault.rate, times)

    def clear(self) -> None:
        with self._lock:
            self._active.clear()

    @property
    def hit_counts(self) -> Counter[str]:
        """How many calls each fault has hit so far."""
        with self._lock:
            return self._hit_counts.copy()

    def hits(self, name: str) -> bool:
        """Return whether the call at hand is hit, and count it if so."""
        with self._lock:
            fault = self._active.get(name)
            if fault is None or fault.left == 0 or self._rng[name].random() >= fault.rate:
                return False
            if fault.left is not None:
                fault.left -= 1
            self._hit_counts[name] += 1
            return True

    def random_share(self, name: str) -> float:
        """Return a seeded number between 0 and 1, for the share of a body that is sent before a fault."""
        with self._lock:
            return self._rng[name].random()
