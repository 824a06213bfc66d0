"""Waiting for what another thread or process is about to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

PATIENCE_S: Final = 90.0
"""Wait this long for what takes a moment, unless a test is about the time itself: a busy machine is no fault."""

_FIRST_LOOK_S: Final = 0.01
_LONGEST_LOOK_S: Final = 0.1
"""Looks are this far apart in the end: those of many tests at a time would take the time of what they wait for."""


def _looks(predicate: Callable[[], object], within_s: float) -> Iterator[float]:
    """Yield how long to sleep before each further look, until `predicate()` is true; fail when it is not in time."""
    deadline, pause = time.monotonic() + within_s, _FIRST_LOOK_S
    while not predicate():
        assert time.monotonic() < deadline, f"{predicate} did not come true within {within_s} s"
        yield pause
        pause = min(1.2 * pause, _LONGEST_LOOK_S)


def eventually(predicate: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Return once `predicate()` is true; fail when it is not within `within_s` seconds."""
    for pause in _looks(predicate, within_s):
        time.sleep(pause)


async def eventually_in_loop(predicate: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Do as `eventually`, and let the loop's own work go on meanwhile."""
    for pause in _looks(predicate, within_s):
        await asyncio.sleep(pause)
