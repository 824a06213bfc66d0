"""One line of the table: what was measured, against which peer, in rounds that took turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """How ours is told from the peer's, round by round."""

    RATIO = "×"
    DIFFERENCE = "+"
    ALONE = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A row: samples of ours and of the peer's, in `unit`, one of each a round, measured right after one another.

    Its value is the median over the rounds of ours ÷ peer's (RATIO), ours - peer's (DIFFERENCE), or ours (ALONE).
    The goal is met by a value of at most `goal`, or of at least that much with `at_least`; None is no goal.
    """

    what: str
    unit: str
    ours: tuple[float, ...]
    goal: float | None
    kind: Kind = Kind.ALONE
    peer: str = ""
    theirs: tuple[float, ...] = ()
    at_least: bool = False
    note: str = ""

    @property
    def rounds(self) -> tuple[float, ...]:
        """The value of each round."""
        if self.kind is Kind.ALONE:
            return self.ours
        pairs = zip(self.ours, self.theirs, strict=True)
        return tuple(our / their if self.kind is Kind.RATIO else our - their for our, their in pairs)

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def noise(self) -> float:
        """How far the machine alone moves the figure: (highest - lowest) ÷ median of what does not change between the
        rounds of interest, which is the peer where there is one."""
        samples = self.theirs or self.ours
        middle = statistics.median(samples)
        return (max(samples) - min(samples)) / middle if middle else 0.0

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that could not be measured here, and why."""

    what: str
    why: str


Row = Figure | Skipped


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: all of it, or (`quick`) a tenth in size and few rounds, to see that it works."""

    quick: bool = False

    @property
    def many(self) -> int:
        """Tasks of the big history."""
        return 20_000 if self.quick else 1_000_000

    def rounds(self, full: int) -> int:
        """How often to take turns, where `full` is enough to trust the median."""
        return max(2, full // 4) if self.quick else full


Benchmark = Callable[[Effort], Iterator[Row]]
"""Measures some rows that belong together, each yielded as soon as it is known."""

P95: Final = 0.95


def p95(samples: Sequence[float]) -> float:
    """Return the value that 95 of 100 samples do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(P95 * len(ordered)))]
