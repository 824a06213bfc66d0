"""What has been asked of the service and not been settled, for the engine to send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import from_text, to_text
from bwp_tui.history.connection import History, as_int, as_text
from bwp_tui.history.search import among


@dataclass(frozen=True, slots=True)
class Intent:
    """A submission or cancellation with all that its request needs. `task_id` is set for a cancellation."""

    id: int
    number: int
    action: str
    kind: Kind
    email: str
    holding_period: int | None
    reason: str | None
    client_token: str
    task_id: str | None
    attempts: int
    first_sent_at: datetime | None


def due(history: History, now: datetime, limit: int, focus: frozenset[int] | None = None) -> list[Intent]:
    """Return the waiting intents whose time has come, oldest first; of the tasks in `focus`, where one is given."""
    rows = history.rows(
        "SELECT i.id, i.task, i.action, t.kind, t.email, t.holding_period, t.reason, i.client_token, t.task_id,"
        " i.attempts, i.first_sent_at FROM intents i JOIN tasks t ON t.number = i.task"
        f" WHERE i.state = 'waiting' AND i.not_before <= ? AND {among('i.task', focus)} ORDER BY i.id LIMIT ?",
        (to_text(now), limit),
    )
    return [
        Intent(
            id=as_int(row[0]),
            number=as_int(row[1]),
            action=as_text(row[2]),
            kind=Kind(as_text(row[3])),
            email=as_text(row[4]),
            holding_period=None if row[5] is None else as_int(row[5]),
            reason=None if row[6] is None else as_text(row[6]),
            client_token=as_text(row[7] or ""),
            task_id=None if row[8] is None else as_text(row[8]),
            attempts=as_int(row[9]),
            first_sent_at=None if row[10] is None else from_text(as_text(row[10])),
        )
        for row in rows
    ]


def next_at(history: History, focus: frozenset[int] | None = None) -> datetime | None:
    """Return when the next waiting intent may be sent, or None when none waits."""
    row = history.row(f"SELECT min(i.not_before) FROM intents i WHERE i.state = 'waiting' AND {among('i.task', focus)}")
    return None if row is None or row[0] is None else from_text(as_text(row[0]))


def waiting_for(history: History, number: int) -> bool:
    """Say whether task `number` has an intent that is not settled."""
    row = history.row("SELECT 1 FROM intents WHERE task = ? AND state = 'waiting'", (number,))
    return row is not None
