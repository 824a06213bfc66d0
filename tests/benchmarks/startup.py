"""From the start of the process to the first frame that lacks nothing, beside Textual alone and beside others."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from bwp_tui.console.widgets.bars import short_count
from tests.benchmarks.bare_app import LAST
from tests.benchmarks.figures import Effort, Figure, Kind, Row, Skipped
from tests.benchmarks.histories import Place, big, fresh
from tests.benchmarks.ptys import TimedPty

BARE: Final = "bare Textual app"
_ROUNDS: Final = 9
_OTHERS: Final = (("posting", "Collection is empty"), ("harlequin", "Query Results"))
"""Programs of the kind, and what their first frame shows last."""


def run(effort: Effort) -> Iterator[Row]:
    """Measure starts with an empty history, with the big one, and those of the peers, in turns."""
    with ExitStack() as stack:
        places = {0: stack.enter_context(fresh()), effort.many: big(effort.many)}
        ours: dict[int, list[float]] = {count: [] for count in places}
        bare: list[float] = []
        for round_number in range(effort.rounds(_ROUNDS) + 1):
            taken = {count: start(place, count) for count, place in places.items()}
            peer = bare_start()
            if round_number == 0:  # the files come from the disk here
                continue
            bare.append(peer)
            for count, milliseconds in taken.items():
                ours[count].append(milliseconds)
        for count, samples in ours.items():
            yield Figure(
                f"start to first complete frame, {count:,} tasks",
                "ms",
                tuple(samples),
                1.2,
                Kind.RATIO,
                BARE,
                tuple(bare),
            )
        yield from _beside_others(places[0], effort)


def start(place: Place, count: int) -> float:
    """Return the milliseconds to the first complete frame of the console on a history of so many tasks."""
    rows = ("›", "Received") if count else ("No tasks yet.",)
    seen = ("q quit", "KIND", "default", f"all {short_count(count)}", *rows)
    with place.console() as console:
        console.until(*seen)
        console.wait_until_quiet()
        return console.when(*seen) * 1000


def bare_start() -> float:
    """Return the milliseconds to the first complete frame of Textual alone."""
    with TimedPty([sys.executable, "-m", "tests.benchmarks.bare_app", "1"], {}) as bare:
        bare.wait_until_quiet()
        return bare.when(LAST, "KIND".title(), "BareApp", "Quit") * 1000


def _beside_others(place: Place, effort: Effort) -> Iterator[Row]:
    for name, shown in _OTHERS:
        what = f"start to first complete frame, beside {name}"
        program = shutil.which(name)
        if program is None:
            yield Skipped(what, f"{name} is not installed")
            continue
        ours, theirs = [], []
        for _ in range(effort.rounds(_ROUNDS)):
            ours.append(start(place, 0))
            with TimedPty([program], {"HOME": str(place.data)}) as other:
                other.until(shown)
                theirs.append(other.when(shown) * 1000)
        yield Figure(what, "ms", tuple(ours), 0.4, Kind.RATIO, name, tuple(theirs))
