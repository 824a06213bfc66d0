"""Faults that the practice API commits on purpose, and which calls they hit."""

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
    "lost-answer": "a call is carried out, and the line is cut before the answer",
    "throttled": "a call is refused for coming too often",
    "denied": "a call is refused as not allowed",
    "slow": "an answer takes its time",
    "down": "the connection is closed without an answer, and nothing is carried out",
    "garbled": "a call is carried out, and half of its answer's JSON arrives",
    "html": "a gateway answers 502 with a web page",
    "bad-request": "a gateway answers 400 with a web page",
    "throttled-400": "a gateway answers 400, and names it throttling",
    "unclassified": "a call is refused by an error without a class",
    "cut-download": "the line is cut in the middle of an archive",
    "expired-link": "a link is dead when it is issued",
    "changed-archive": "an archive differs from what the request before was given",
    "no-range": "a range is ignored and the whole archive sent",
    "busy-store": "the archive store answers 503 SlowDown",
    "duplicate-event": "an event arrives twice, the second time with the same id or a new one",
    "late-event": "an event arrives late",
    "lost-event": "an event never arrives",
    "foreign-event": "after an event, a message arrives that is no event of the contract",
    "queue-denied": "a call to the queue is refused as not allowed",
    "queue-down": "the queue closes the connection without an answer",
}
"""Every fault's name and what it does. From `cut-download` to `busy-store` they hit links and downloads, the last six
events and their queue, the others GraphQL calls; `throttled`, `down` and `bad-request` hit the token endpoint too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and the share of the calls that it hits, above 0 and up to 1.

    Raises:
        ValueError: the name is unknown or the rate out of bounds; the text is one sentence for an operator.
    """

    name: str
    rate: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            hint = did_you_mean(self.name, FAULTS, f"; known are {', '.join(FAULTS)}.")
            raise ValueError(f"There is no fault named {self.name!r}{hint}")
        if not 0 < self.rate <= 1:
            raise ValueError(f"The rate of the fault {self.name} must be above 0 and at most 1.")


def parse_fault(text: str) -> Fault:
    """Read `NAME` or `NAME=RATE`; a name alone hits every call.

    Raises:
        ValueError: the name is unknown, or the rate no number above 0 and up to 1; one sentence.
    """
    name, equals, rate = text.strip().partition("=")
    if not equals:
        return Fault(name)
    try:
        share = float(rate)
    except ValueError:
        share = math.nan  # which Fault refuses, after looking at the name
    return Fault(name, share)


@dataclass(slots=True)
class _Setting:
    rate: float
    left: int | None


class Faults:
    """The faults in force. Every method may be called from any thread.

    Which calls are hit depends on the seed and on the order of the calls alone.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._lock = threading.Lock()
        self._settings = {fault.name: _Setting(fault.rate, None) for fault in faults}
        self._rng = {name: random.Random(f"{seed}/{name}") for name in FAULTS}  # noqa: S311  repeatable, no secret
        self._struck: Counter[str] = Counter()

    def set(self, name: str, rate: float = 1.0, *, times: int | None = None) -> None:
        """Let a fault hit that share of the calls from now on, at most `times` of them.

        Raises:
            ValueError: as `Fault`.
        """
        fault = Fault(name, rate)
        with self._lock:
            self._settings[fault.name] = _Setting(fault.rate, times)

    def clear(self) -> None:
        """End every fault."""
        with self._lock:
            self._settings.clear()

    @property
    def struck(self) -> Counter[str]:
        """How many calls each fault has hit so far."""
        with self._lock:
            return self._struck.copy()

    def hits(self, name: str) -> bool:
        """Say whether the call at hand is hit, and count it if so."""
        with self._lock:
            setting = self._settings.get(name)
            if setting is None or setting.left == 0 or self._rng[name].random() >= setting.rate:
                return False
            if setting.left is not None:
                setting.left -= 1
            self._struck[name] += 1
            return True

    def share(self, name: str) -> float:
        """Return a seeded number between 0 and 1, for how far into a body a fault strikes."""
        with self._lock:
            return self._rng[name].random()
