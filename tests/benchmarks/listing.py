"""`bwp-tui list` and `report` from the start of their processes to the end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.benchmarks.figures import Effort, Figure, Kind, Row
from tests.benchmarks.histories import argv, big

_ROUNDS: Final = 15
_ALLOWED_MS: Final = 120.0
_LONGEST_REPORT_MS: Final = 2_000.0
_PERIOD: Final = ("--from", "2000-01-01", "--to", "2099-12-31")


def run(effort: Effort) -> Iterator[Row]:
    """Measure `list` in turns with a Python that does nothing, and `report` alone."""
    place = big(effort.many)
    ours, theirs = [], []
    for _ in range(effort.rounds(_ROUNDS)):
        ours.append(_milliseconds(argv("list", "--limit", "50"), place.env))
        theirs.append(_milliseconds([sys.executable, "-c", "pass"], {}) + _ALLOWED_MS)
    yield Figure(
        f"list of 50 of {effort.many:,} tasks, cold process",
        "ms",
        tuple(ours),
        1.5,
        Kind.RATIO,
        "python -c pass + 120 ms",
        tuple(theirs),
    )
    reports = tuple(_milliseconds(argv("report", *_PERIOD), place.env) for _ in range(effort.rounds(5)))
    yield Figure(f"report of {effort.many:,} tasks, cold process", "ms", reports, _LONGEST_REPORT_MS)


def _milliseconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000
