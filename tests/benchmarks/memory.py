"""Resident memory of the console, beside Textual alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from tests.benchmarks.bare_app import LAST
from tests.benchmarks.figures import Effort, Figure, Kind, Row
from tests.benchmarks.histories import big
from tests.benchmarks.keys import opened
from tests.benchmarks.ptys import TimedPty, resident_mib
from tests.benchmarks.startup import BARE

_ROUNDS: Final = 4
_TOUR: Final = ("G", "g", "3", "1", "?", "\x1b")
_MORE_MIB: Final = 75.0


def run(effort: Effort) -> Iterator[Row]:
    """Measure once the first frame is settled, and after a walk through what the screen has."""
    place = big(effort.many)
    still, walked, bare = [], [], []
    for _ in range(effort.rounds(_ROUNDS)):
        with place.without_engine(), opened(place, effort.many) as console:
            still.append(resident_mib(console.pid))
            for key in _TOUR:
                console.send(key)
                console.wait_until_quiet(1.0)
            walked.append(resident_mib(console.pid))
        with TimedPty([sys.executable, "-m", "tests.benchmarks.bare_app", "1"], {}) as peer:
            peer.until(LAST)
            peer.wait_until_quiet(1.0)
            bare.append(resident_mib(peer.pid))
    for what, samples in (("first shown", still), ("after a walk", walked)):
        yield Figure(
            f"memory with {effort.many:,} tasks, {what}",
            "MiB",
            tuple(samples),
            _MORE_MIB,
            Kind.DIFFERENCE,
            BARE,
            tuple(bare),
        )
