"""`bwp-tui list` from the start of its process to its end."""

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


def run(effort: Effort) -> Iterator[Row]:
    """Measure it in turns with a Python that does nothing."""
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


def _milliseconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000
