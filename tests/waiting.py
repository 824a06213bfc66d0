"""Waiting for what another thread or process is about to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

PATIENCE_S: Final = 90.0
"""Wait this long for what takes a moment, unless a test is about the time itself: a busy machine is no fault."""

_LOOK_S: Final = 0.01


def eventually(predicate: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Return once `predicate()` is true; fail when it is not within `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not predicate():
        assert time.monotonic() < deadline, f"{predicate} did not come true within {within_s} s"
        time.sleep(_LOOK_S)


async def eventually_in_loop(predicate: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Do as `eventually`, and let the loop's own work go on meanwhile."""
    deadline = time.monotonic() + within_s
    while not predicate():
        assert time.monotonic() < deadline, f"{predicate} did not come true within {within_s} s"
        await asyncio.sleep(_LOOK_S)
