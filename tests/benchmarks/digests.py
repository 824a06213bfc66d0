"""Checking the digests of every timeline, as `evidence --verify` and `doctor` do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from bwp_tui.store.database.open import open_for_reading
from bwp_tui.store.maintenance import chain_check
from tests.benchmarks.figures import Effort, Figure, Kind, Row
from tests.benchmarks.histories import big

_ROUNDS = 5


def run(effort: Effort) -> Iterator[Row]:
    """Measure it in turns with SQLite's check of the same file, which `doctor` runs before it."""
    path = big(effort.many).history
    ours, theirs, events = [], [], 0
    for _ in range(effort.rounds(_ROUNDS)):
        began = time.perf_counter()
        events, findings = chain_check.check_file(path)
        ours.append(time.perf_counter() - began)
        assert findings == []
        began = time.perf_counter()
        with closing(open_for_reading(path).db) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        theirs.append(time.perf_counter() - began)
    yield Figure(
        f"verifying the digests of {effort.many:,} tasks with {events:,} events",
        "s",
        tuple(ours),
        1.0,
        Kind.RATIO,
        "SQLite's integrity_check",
        tuple(theirs),
    )
