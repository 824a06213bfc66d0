"""From a key to the last byte of its frame, in the big history, beside Textual's own table with 1,000 rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

from bwp_tui.console.widgets.bars import short_count
from tests.benchmarks.figures import Effort, Figure, Kind, Row, p95
from tests.benchmarks.histories import Place, big
from tests.benchmarks.ptys import TimedPty
from tests.e2e.operator import DOWN, UP

PEER: Final = "bare DataTable, 1,000 rows"
_PEER_ROWS: Final = 1_000
_ROUNDS: Final = 6
_STEPS: Final = 12
_FAR: Final = 45
"""Rows that are more than a screen has."""

PAUSE_S: Final = 0.12
"""An operator's keys: what rests on the cursor, such as the details, is drawn between them."""

_TABLE: Final = slice(3, 24), slice(0, 117)
"""The screen's lines and columns that show tasks; the bar beside them tells how many there are, which comes later."""

CURSOR: Final = _TABLE[0], slice(0, 2)
"""The screen's lines and columns that show where the cursor is."""

_PAGE_DOWN: Final = "\x1b[6~"
_LONGEST_MS: Final = 150.0
_ANSWERS: Final = (
    ("jump to the end and back", ("G", "g")),
    ("page down", (_PAGE_DOWN, _PAGE_DOWN)),
    ("view switched", ("3", "4", "5", "1")),
)


def run(effort: Effort) -> Iterator[Row]:
    """Measure moves of the cursor, and then what makes the table show something else."""
    place = big(effort.many)
    with ExitStack() as stack:
        stack.enter_context(place.without_engine())
        ours = stack.enter_context(opened(place, effort.many))
        theirs = stack.enter_context(TimedPty([sys.executable, "-m", "tests.benchmarks.bare_app", str(_PEER_ROWS)], {}))
        theirs.until("the note")
        theirs.wait_until_quiet(1.0)
        yield from _cursor(ours, theirs, effort)
    with place.without_engine(), opened(place, effort.many) as console:
        yield from answers(console, effort)


def opened(place: Place, count: int) -> TimedPty:
    """Open the console on a history of so many tasks, and return when it is complete."""
    console = place.console()
    console.until("›", "Received", f"all {short_count(count)}")
    console.wait_until_quiet(1.0)
    return console


def _cursor(ours: TimedPty, theirs: TimedPty, effort: Effort) -> Iterator[Row]:
    still: tuple[list[float], list[float]] = ([], [])
    scrolling: tuple[list[float], list[float]] = ([], [])
    for pty in (ours, theirs):
        moves(pty, [DOWN])  # the first key pays for what it is first to use
        moves(pty, [UP])
    for _ in range(effort.rounds(_ROUNDS)):
        for pty, place in ((ours, 0), (theirs, 1)):
            still[place].append(p95(moves(pty, [DOWN] * _STEPS + [UP] * _STEPS)))
    for pty in (ours, theirs):
        moves(pty, [DOWN] * _FAR, pause=0.01)
    for _ in range(effort.rounds(_ROUNDS)):
        for pty, place in ((ours, 0), (theirs, 1)):
            scrolling[place].append(p95(moves(pty, [DOWN] * 2 * _STEPS)))
    for what, samples in (("cursor key, p95", still), ("cursor key that scrolls, p95", scrolling)):
        yield Figure(what, "ms", tuple(samples[0]), 1.0, Kind.RATIO, PEER, tuple(samples[1]))


def moves(pty: TimedPty, keys: Sequence[str], pause: float = PAUSE_S) -> list[float]:
    """Return the milliseconds from each key to the last byte of its frame."""
    found = []
    for key in keys:
        found.append(pty.press(key).seconds * 1000)
        pty.wait_until_quiet(pause)
    return found


def answers(console: TimedPty, effort: Effort) -> Iterator[Row]:
    """Measure until the table shows what a key asks for, in rounds of all of them."""
    samples: dict[str, list[float]] = {}
    for _ in range(effort.rounds(_ROUNDS)):
        for what, keys in _ANSWERS:
            samples.setdefault(what, []).append(p95([_shown(console, key) for key in keys]))
        samples.setdefault("sorted", []).append(p95([_sorted(console, key) for key in ("o", "d", "n")]))
        samples.setdefault("a filter typed", []).append(p95(_filtered(console)))
    for what, found in samples.items():
        yield Figure(f"{what}: until the table shows it, p95", "ms", tuple(found), _LONGEST_MS)


def _shown(console: TimedPty, key: str) -> float:
    return console.answer_to(key, *_TABLE) * 1000


def _sorted(console: TimedPty, key: str) -> float:
    console.send("s")
    console.until("Sort by:")
    console.wait_until_quiet()
    return _shown(console, key)


def _filtered(console: TimedPty) -> list[float]:
    console.send("/")
    console.wait_until_quiet()
    typed = [_shown(console, words) for words in ("vip", " kind:deletion")]
    for _ in range(2):  # close the line, then clear the filter
        console.send("\x1b")
        console.wait_until_quiet(1.0)
    return typed
