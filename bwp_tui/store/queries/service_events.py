"""Read the service's events that were received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.row_mapping import RowMapper

NEWEST: Final = 100
"""How many events `newest` returns."""


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    task: int
    type: str
    occurred_at: datetime | None
    received_at: datetime
    found_at: datetime | None
    """When the last poll found the end of the task; None if none has yet."""


_EVENT: Final = RowMapper(
    ReceivedEvent,
    table="e.",
    found_at=f"CASE WHEN t.status IN ('{Status.COMPLETED}', '{Status.FAILED}') THEN t.polled_at END",
)


def newest(store: Store) -> list[ReceivedEvent]:
    """Return the last events, the newest first."""
    rows = store.rows(
        f"SELECT {_EVENT.columns} FROM service_events e JOIN tasks t ON t.number = e.task"
        " ORDER BY e.received_at DESC LIMIT ?",
        (NEWEST,),
    )
    return [_EVENT(row) for row in rows]


def count(store: Store) -> int:
    return store.integer("SELECT count(*) FROM service_events")
