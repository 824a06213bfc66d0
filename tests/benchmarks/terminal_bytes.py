"""Bytes to the terminal, 120x40: over SSH each of them is waited for. They do not depend on the machine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.times import utc_now
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.benchmarks.figures import Effort, Figure, Kind, Row, Skipped
from tests.benchmarks.histories import fresh
from tests.benchmarks.ptys import TimedPty
from tests.e2e.operator import DOWN, UP, unchanging_history
from tests.store import single

TASKS: Final = 60
_IN_SIGHT, _OUT_OF_SIGHT = TASKS - 5, 5
_PER_SECOND: Final = 10
_WINDOW_S: Final = 10.0
_IDLE_S: Final = 60.0
_QUIET_S: Final = 0.6
_ROUNDS: Final = 3

_OPENINGS: Final = (
    ("opening help", "?", "\x1b"),
    ("the question before a cancellation", "x", "n"),
    ("opening the prompt", ":", "\x1b"),
    ("a notice", "X", "\x1b"),
    ("opening the form", "n", "\x1b"),
    ("opening the filter", "/", "\x1b"),
)
_LARGEST_OPENING: Final = 7_000


@dataclass(frozen=True)
class Watched:
    """A console on a history that nobody but the benchmark changes."""

    console: TimedPty
    store: Store

    def status(self, number: int, status: Status | str) -> None:
        """Have the service tell a status, as the engine records it."""
        now = utc_now()
        single.answered(self.store, number, PollResponse(status, None, now, None, None, ()), None)

    def cost(self, act: Callable[[], object]) -> int:
        """Return the bytes that are sent for what `act` does."""
        self.console.wait_until_quiet(_QUIET_S)
        before = self.console.size
        act()
        self.console.read_for(_QUIET_S)
        self.console.wait_until_quiet(_QUIET_S)
        return self.console.size - before

    def key(self, key: str) -> int:
        """Return the bytes that answer a key."""
        return self.cost(lambda: self.console.send(key))


@contextmanager
def watched() -> Iterator[Watched]:
    """Open a console on a small history; the cursor is on its first task, a deletion on hold."""
    with ExitStack() as stack:
        place = stack.enter_context(fresh(unchanging_history(TASKS)))
        stack.enter_context(place.without_engine())
        store = place.store()
        stack.callback(store.close)
        store.rows("UPDATE tasks SET kind = 'DELETION', holding_period = 30 WHERE number = ?", (TASKS,))
        console = stack.enter_context(place.console())
        found = Watched(console, store)
        found.status(TASKS, Status.ON_HOLD)
        console.until(f"all {TASKS}", "Received", "on hold 1")
        console.wait_until_quiet()
        yield found


def run(effort: Effort) -> Iterator[Row]:
    """Measure changes, silence, and what keys open."""
    with watched() as found:
        yield _bytes("a status changes in sight, with the counts", _changes(found, _IN_SIGHT), 300, "DataTable 19 KB")
        yield _bytes("a status changes out of sight: its counts", _changes(found, _OUT_OF_SIGHT), None)
        unseen = [found.cost(lambda: found.status(_OUT_OF_SIGHT, Status.COMPLETED)) for _ in range(_ROUNDS)]
        yield _bytes("a change out of sight that no count shows", unseen, 0)
        yield _bytes("nothing happens", [found.console.read_for(5 if effort.quick else _IDLE_S)], 0)
        yield from _busy(found, effort)
    with watched() as found:
        yield _bytes("a cursor move, with the details", [found.key(key) for key in (DOWN, UP) * _ROUNDS], 2_000)
        for what, key, back in _OPENINGS:
            costs = []
            for _ in range(_ROUNDS):
                costs.append(found.key(key))
                found.key(back)
            yield _bytes(what, costs, _LARGEST_OPENING, "Textual's own 25 to 104 KB")


def _bytes(what: str, costs: list[int], goal: int | None, peer: str = "") -> Figure:
    return Figure(what, "bytes", tuple(costs), goal, peer=peer)


def _changes(found: Watched, number: int) -> list[int]:
    statuses = (Status.IN_PROGRESS, Status.COMPLETED) * _ROUNDS
    return [found.cost(lambda status=status: found.status(number, status)) for status in statuses]  # type: ignore[misc]  # mypy cannot infer a lambda's default


def _busy(found: Watched, effort: Effort) -> Iterator[Row]:
    """Ten changes a second in sight, beside htop's second by second."""
    seconds = 2 if effort.quick else _WINDOW_S
    ours = _bytes_per_second(found, seconds)
    yield Figure("ten changes a second in sight", "bytes/s", (ours,), 3_000)
    htop = shutil.which("htop")
    if htop is None:
        yield Skipped("ten changes a second in sight, beside htop at 1 s", "htop is not installed")
        return
    with TimedPty([htop, "-d", "10"], {}) as peer:
        peer.read_for(2)
        theirs = peer.read_for(seconds) / seconds
    yield Figure("ten changes a second in sight", "bytes/s", (ours,), None, Kind.RATIO, "htop at 1 s", (theirs,))


def _bytes_per_second(found: Watched, seconds: float) -> float:
    before, began = found.console.size, time.monotonic()
    numbers = cycle(range(TASKS - 10, TASKS))
    for count in range(int(seconds * _PER_SECOND)):
        is_odd = count // 10 % 2
        found.status(next(numbers), Status.COMPLETED if is_odd else Status.IN_PROGRESS)
        found.console.read_for(began + (count + 1) / _PER_SECOND - time.monotonic())
    return (found.console.size - before) / (time.monotonic() - began)
