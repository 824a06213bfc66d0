"""Find tasks whose poll is ready, and reschedule polls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import DUE_SOON_DAYS
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import format_instant, local_day
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.filter_sql import in_numbers
from bwp_tui.store.queries.row_mapping import RowMapper


class PolledTask(NamedTuple):
    """A task to poll, with what its poll interval depends on."""

    number: int
    kind: Kind
    task_id: str
    status: str
    submitted_at: datetime
    holding_period: int | None
    polls_unchanged: int
    is_announced: bool = False
    """Whether an event has announced its end."""


_POLL: Final = RowMapper(
    PolledTask,
    submitted_at="coalesce(submitted_at, recorded_at)",
    polls_unchanged="polls",
    is_announced="EXISTS (SELECT 1 FROM service_events WHERE task = number)",
)
_POLLED: Final = "FROM tasks WHERE task_id IS NOT NULL"
_TASKS: Final = f"SELECT {_POLL.columns} {_POLLED}"

LEAD_TIME: Final = timedelta(seconds=30)
"""How early a task may be polled to fill up a batch."""

_MIN_AGE_IN_LEAD_TIMES: Final = 10
"""A task is polled early only if its last poll is at least so many lead times ago."""


def ready(store: Store, now: datetime, limit: int, polled_first: frozenset[int] = frozenset()) -> list[PolledTask]:
    """Return tasks whose poll is ready.

    `polled_first` come first, then tasks near their legal due date, then those whose poll has waited longest.
    """
    near = local_day(now) + timedelta(days=DUE_SOON_DAYS)
    orders = (
        (in_numbers("number", polled_first), "next_poll_at"),
        (f"open = 1 AND due_on <= '{near.isoformat()}'", "due_on, next_poll_at"),
        ("1", "next_poll_at"),
    )
    found: dict[int, PolledTask] = {}
    for condition, order in orders if polled_first else orders[1:]:
        if len(found) < limit:
            rows = store.rows(
                f"{_TASKS} AND next_poll_at <= ? AND {condition} ORDER BY {order} LIMIT ?", (format_instant(now), limit)
            )
            found |= {poll.number: poll for poll in map(_POLL, rows) if poll.number not in found}
    return list(found.values())[:limit]


def ready_within(store: Store, now: datetime, limit: int, lead_time: timedelta) -> list[PolledTask]:
    """Return tasks that may fill up a batch: ready within `lead_time`, the next one first."""
    rows = store.rows(
        f"{_TASKS} AND next_poll_at > ? AND next_poll_at <= ? AND polled_at <= ? ORDER BY next_poll_at LIMIT ?",
        (
            format_instant(now),
            format_instant(now + lead_time),
            format_instant(now - _MIN_AGE_IN_LEAD_TIMES * lead_time),
            limit,
        ),
    )
    return [_POLL(row) for row in rows]


def next_at(store: Store) -> datetime | None:
    return store.instant(f"SELECT min(next_poll_at) {_POLLED} AND next_poll_at IS NOT NULL")


def ready_after(store: Store, at: datetime, after_number: int, limit: int) -> list[PolledTask]:
    """Return tasks with numbers after `after_number` whose poll is ready later than `at`, by number."""
    rows = store.rows(
        f"{_TASKS} AND next_poll_at > ? AND number > ? ORDER BY number LIMIT ?",
        (format_instant(at), after_number, limit),
    )
    return [_POLL(row) for row in rows]


def reschedule(store: Store, times: Mapping[int, tuple[datetime, datetime]]) -> None:
    """Set when to poll tasks, by their numbers, if that is later than the second time at present."""
    with store.write() as transaction:
        for number, (at, latest) in times.items():
            transaction.run(
                "UPDATE tasks SET next_poll_at = ? WHERE number = ? AND next_poll_at > ?",
                (format_instant(at), number, format_instant(latest)),
            )


def any_ready(store: Store, task_numbers: Sequence[int], at: datetime) -> bool:
    """Return whether one of these tasks is ready to be polled by `at`."""
    sql = f"SELECT 1 {_POLLED} AND next_poll_at <= ? AND {in_numbers('number', task_numbers)} LIMIT 1"
    return store.row(sql, (format_instant(at),)) is not None
