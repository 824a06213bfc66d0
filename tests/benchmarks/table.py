"""The table of figures, for eyes (markdown) and for programs (JSON)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bwp_tui.domain.times import utc_now
from tests.benchmarks.figures import Figure, Kind, Row, Skipped

_HEAD: Final = (
    "| what | ours | peer | value (rounds) | goal | met | noise |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def line(row: Row) -> str:
    """Return a row as a line of a markdown table."""
    if isinstance(row, Skipped):
        return f"| {row.what} | – | – | not measured: {row.why} | – | – | – |"
    met = {True: "yes", False: "**no**", None: "–"}[row.met]
    what = f"{row.what} ({row.note})" if row.note else row.what
    return f"| {what} | {_ours(row)} | {_peer(row)} | {_value(row)} | {_goal(row)} | {met} | {row.noise:.0%} |"


def write(rows: Sequence[Row], stem: Path, *, quick: bool) -> None:
    """Write `stem`.md and `stem`.json; an earlier table is replaced."""
    words = _circumstances(quick=quick)
    lines = [f"{words}.", "", *_HEAD, *(line(row) for row in rows)]
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n")
    data = {"circumstances": words, "rows": [_data(row) for row in rows]}
    stem.with_suffix(".json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_earlier(stem: Path) -> list[Row]:
    """Read the rows that `write` wrote for an earlier version; their goals were its own and are left out."""
    return [_earlier_row(row) for row in json.loads(stem.with_suffix(".json").read_text())["rows"]]


def _earlier_row(data: dict[str, Any]) -> Row:
    what = f"earlier version: {data['what']}"
    if "skipped" in data:
        return Skipped(what, data["skipped"])
    return Figure(
        what=what,
        unit=data["unit"],
        ours=tuple(data["ours"]),
        goal=None,
        kind=Kind[data["kind"].upper()],
        peer=data["peer"],
        theirs=tuple(data["theirs"]),
        note=data["note"],
    )


def _circumstances(*, quick: bool) -> str:
    parts = [
        f"Measured {utc_now():%Y-%m-%d %H:%M} UTC on {os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        f"Textual {version('textual')}",
        f"load {os.getloadavg()[0]:.1f}",
    ]
    return ", ".join(parts) + (", small sizes" if quick else "")


def _data(row: Row) -> dict[str, object]:
    if isinstance(row, Skipped):
        return {"what": row.what, "skipped": row.why}
    return {
        "what": row.what,
        "note": row.note,
        "unit": row.unit,
        "kind": row.kind.name.lower(),
        "peer": row.peer,
        "value": round(row.value, 4),
        "goal": row.goal,
        "met": row.met,
        "noise": round(row.noise, 4),
        "ours": [round(sample, 3) for sample in row.ours],
        "theirs": [round(sample, 3) for sample in row.theirs],
    }


def _ours(row: Figure) -> str:
    return f"{_short(_median(row.ours))} {row.unit}"


def _peer(row: Figure) -> str:
    return f"{row.peer} {_short(_median(row.theirs))} {row.unit}" if row.theirs else row.peer or "–"


def _value(row: Figure) -> str:
    lowest, highest = min(row.rounds), max(row.rounds)
    return f"{_with_kind(row, row.value)} ({_short(lowest)} to {_short(highest)})"


def _goal(row: Figure) -> str:
    if row.goal is None:
        return "–"
    return f"{'≥' if row.at_least else '≤'} {_with_kind(row, row.goal)}"


def _with_kind(row: Figure, value: float) -> str:
    if row.kind is Kind.RATIO:
        return f"{value:.2f} ×"
    return f"{'+' if row.kind is Kind.DIFFERENCE else ''}{_short(value)} {row.unit}"


def _median(samples: Sequence[float]) -> float:
    return sorted(samples)[len(samples) // 2]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
