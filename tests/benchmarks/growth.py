"""Draw how the costs grow with the history: `python -m tests.benchmarks.growth PICTURE.svg`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from html import escape
from math import log10
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmarks.figures import p95
from tests.benchmarks.histories import argv, big
from tests.benchmarks.keys import moves, opened
from tests.benchmarks.ptys import resident_mib
from tests.benchmarks.startup import start
from tests.e2e.operator import DOWN, UP

_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
_TABLE: Final = slice(3, 24), slice(0, 117)
_ROUNDS: Final = 5
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 230, 190, 52, 34, 36

Curves = dict[str, list[float]]
"""Values by title, one for each of `_SIZES`."""


def measure() -> Curves:
    """Measure each size; milliseconds, but for the memory in MiB."""
    curves: Curves = {}
    for size in _SIZES:
        for title, value in _of(size):
            print(f"{size:>9,}  {title}: {value:.1f}", flush=True)
            curves.setdefault(title, []).append(value)
    return curves


def _of(size: int) -> Iterator[tuple[str, float]]:
    place = big(size)
    start(place, size)
    yield "first complete frame (ms)", median(start(place, size) for _ in range(_ROUNDS))
    with place.without_engine(), opened(place, size) as console:
        moves(console, [DOWN, UP])
        yield "cursor key, p95 (ms)", p95(moves(console, [DOWN, UP] * 3 * _ROUNDS))
        yield "to the end and back (ms)", median(console.answer_to(key, *_TABLE) * 1000 for key in "Gg" * _ROUNDS)
        yield "view switched (ms)", median(console.answer_to(key, *_TABLE) * 1000 for key in "41" * _ROUNDS)
        yield "memory (MiB)", resident_mib(console.pid)
    yield "list, cold process (ms)", median(_seconds(place.env) * 1000 for _ in range(_ROUNDS))


def _seconds(env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv("list", "--limit", "50"), env=env, check=True, capture_output=True)
    return time.perf_counter() - began


def picture(curves: Curves) -> str:
    """Return the curves side by side as SVG, over the number of tasks on a logarithmic axis."""
    columns = 3
    rows = -(-len(curves) // columns)
    width, height = columns * (_WIDTH + _LEFT) + _GAP, rows * (_HEIGHT + _TOP + _GAP)
    panels = "".join(
        f'<g transform="translate({place % columns * (_WIDTH + _LEFT) + _LEFT},'
        f'{place // columns * (_HEIGHT + _TOP + _GAP) + _TOP})">{_panel(title, values)}</g>'
        for place, (title, values) in enumerate(curves.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#ffffff"/>{panels}</svg>\n'
    )


def _panel(title: str, values: Sequence[float]) -> str:
    top = max(values) * 1.15
    points = list(zip(map(_x, _SIZES), (_y(value, top) for value in values), strict=True))
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="#1f5fa8"/>{_text(x, y - 8, f"{value:.0f}", "#222222")}'
        for (x, y), value in zip(points, values, strict=True)
    )
    ticks = "".join(_text(_x(size), _HEIGHT + 18, f"{size:,}", "#555555") for size in _SIZES)
    return (
        f"{_text(_WIDTH / 2, -14, title, '#000000')}"
        f'<path d="M0,0V{_HEIGHT}H{_WIDTH}" fill="none" stroke="#999999"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="2"/>{marks}{ticks}'
    )


def _x(size: int) -> float:
    first, last = log10(_SIZES[0]), log10(_SIZES[-1])
    return 20 + (log10(size) - first) / (last - first) * (_WIDTH - 40)


def _y(value: float, top: float) -> float:
    return _HEIGHT * (1 - value / top)


def _text(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" fill="{colour}">{escape(words)}</text>'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(measure()))
