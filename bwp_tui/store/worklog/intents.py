"""Read waiting intents, for the engine to send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import format_instant
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.row_conditions import INTENT_IS_WAITING
from bwp_tui.store.queries.row_mapping import RowMapper


@dataclass(frozen=True, slots=True)
class Intent:
    """A submission or cancellation with all that its request needs. `task_id` is set for a cancellation."""

    id: int
    task_number: int
    action: str
    kind: Kind
    email: str
    holding_period: int | None
    reason: str | None
    client_token: str
    task_id: str | None
    attempts: int
    first_sent_at: datetime | None
    first_sent_boot: str | None
    """With `first_sent_uptime`, the machine's uptime at the first attempt (see `Uptime`)."""
    first_sent_uptime: float | None
    first_sent_service_at: datetime | None
    """The first attempt by the service's clock, if that was known."""


_INTENT: Final = RowMapper(Intent, task_number="i.task", client_token="ifnull(client_token, '')")  # noqa: S106  SQL
_INTENTS: Final = f"SELECT {_INTENT.columns} FROM intents i JOIN tasks t ON t.number = i.task"


def due(store: Store, now: datetime, limit: int) -> list[Intent]:
    """Return the waiting intents that are due.

    The one due longest comes first, so that an intent that keeps failing does not delay others.
    """
    rows = store.rows(
        f"{_INTENTS} WHERE i.{INTENT_IS_WAITING} AND i.not_before <= ? ORDER BY i.not_before, i.id LIMIT ?",
        (format_instant(now), limit),
    )
    return [_INTENT(row) for row in rows]


def submissions_in_doubt(store: Store) -> list[Intent]:
    """Return sent submissions without an outcome."""
    rows = store.rows(
        f"{_INTENTS} WHERE i.{INTENT_IS_WAITING} AND i.action = 'submit' AND i.first_sent_at IS NOT NULL ORDER BY +i.id"
    )
    return [_INTENT(row) for row in rows]


def next_at(store: Store) -> datetime | None:
    """Return when the next waiting intent is due, or None."""
    return store.instant(f"SELECT min(i.not_before) FROM intents i WHERE i.{INTENT_IS_WAITING}")
