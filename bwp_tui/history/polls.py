"""Which tasks the service is to be asked about, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import from_text, to_text
from bwp_tui.history.connection import History, as_int, as_text
from bwp_tui.history.search import among


@dataclass(frozen=True, slots=True)
class DuePoll:
    """A task to be asked about, with what its pace depends on."""

    number: int
    kind: Kind
    task_id: str
    status: str
    submitted_at: datetime
    holding_period: int | None
    polls: int


def due(history: History, now: datetime, limit: int, focus: frozenset[int] | None = None) -> list[DuePoll]:
    """Return the tasks whose poll is due, the longest overdue first; those in `focus`, where one is given."""
    rows = history.rows(
        "SELECT number, kind, task_id, status, coalesce(submitted_at, recorded_at), holding_period, polls FROM tasks"
        f" WHERE next_poll_at <= ? AND task_id IS NOT NULL AND {among('number', focus)}"
        " ORDER BY next_poll_at LIMIT ?",
        (to_text(now), limit),
    )
    return [
        DuePoll(
            number=as_int(row[0]),
            kind=Kind(as_text(row[1])),
            task_id=as_text(row[2]),
            status=as_text(row[3]),
            submitted_at=from_text(as_text(row[4])),
            holding_period=None if row[5] is None else as_int(row[5]),
            polls=as_int(row[6]),
        )
        for row in rows
    ]


def next_at(history: History, focus: frozenset[int] | None = None) -> datetime | None:
    """Return when the next poll is due, or None when none is."""
    row = history.row(
        f"SELECT min(next_poll_at) FROM tasks WHERE next_poll_at IS NOT NULL AND {among('number', focus)}"
    )
    return None if row is None or row[0] is None else from_text(as_text(row[0]))
