"""Find the occasions of the operator's hooks, and claim them: each once for a task, whatever happens afterwards."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from bwp_tui.domain.deadlines import DUE_SOON_DAYS
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import HookOccasion
from bwp_tui.domain.times import format_instant, local_day
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import PROGRAM, EventKind

LOOKBACK: Final = timedelta(hours=1)
"""How old events may be for which an engine runs hooks when it starts: a killed engine may not have claimed them."""

BATCH: Final = 100
"""Most tasks that one run of a hook gets."""

_EVENTS_READ: Final = 10_000
_OF_EVENTS: Final = {
    HookOccasion.COMPLETED: f"after = '{Status.COMPLETED}'",
    HookOccasion.FAILED: f"after IN ('{Status.FAILED}', '{Status.REJECTED}')",
    HookOccasion.ADOPTED: f"what = '{EventKind.ADOPTED}'",
}
"""The events of the timeline that are occasions."""

_UNCLAIMED: Final = (
    "NOT EXISTS (SELECT 1 FROM timeline h WHERE h.task = {task}"
    f" AND h.what = '{EventKind.HOOK}' AND h.detail GLOB '{{occasion}}[;:]*')"
    # A purge removes the occasions for which its hooks ran.
    " AND NOT EXISTS (SELECT 1 FROM tasks p WHERE p.number = {task} AND p.purged_at IS NOT NULL)"
)


def first_event_id(store: Store) -> int:
    """Return the id of the last event older than `LOOKBACK`: hooks run for later events alone."""
    oldest = format_instant(store.clock() - LOOKBACK)
    return store.integer("SELECT id FROM timeline WHERE at < ? ORDER BY id DESC LIMIT 1", (oldest,))


def new_occasions(
    store: Store, after: int, wanted: Collection[HookOccasion]
) -> tuple[dict[HookOccasion, list[int]], int]:
    """Return the tasks of each occasion among the events behind `after`, and the id of the last event looked at."""
    last = min(timeline.newest_event_id(store), after + _EVENTS_READ)
    found = {}
    for occasion in (occasion for occasion in _OF_EVENTS if occasion in wanted):
        numbers = store.integers(
            f"SELECT DISTINCT e.task FROM timeline e WHERE e.id > ? AND e.id <= ? AND e.{_OF_EVENTS[occasion]}"
            f" AND {_UNCLAIMED.format(task='e.task', occasion=occasion)}",
            (after, last),
        )
        found[occasion] = list(numbers)
    return found, last


def due_occasions(store: Store, wanted: Collection[HookOccasion]) -> dict[HookOccasion, list[int]]:
    """Return the open tasks that are due soon, or overdue, and were not claimed for that yet."""
    today = local_day(store.clock())
    ranges = {
        HookOccasion.OVERDUE: ("", today - timedelta(days=1)),
        HookOccasion.DUE_SOON: (today.isoformat(), today + timedelta(days=DUE_SOON_DAYS)),
    }
    found = {}
    for occasion, (first, last) in ranges.items():
        if occasion in wanted:
            rows = store.rows(
                "SELECT t.number FROM tasks t WHERE t.open = 1 AND t.due_on >= ? AND t.due_on <= ?"
                f" AND {_UNCLAIMED.format(task='t.number', occasion=occasion)} ORDER BY t.due_on",
                (first, last.isoformat()),
            )
            found[occasion] = [as_int(number) for (number,) in rows]
    return found


def claim(store: Store, occasion: HookOccasion, numbers: Sequence[int]) -> list[int]:
    """Record in one transaction that a hook is to run for tasks; return the tasks that were not claimed before.

    The hook runs afterwards. If the process is killed in between, the hook never runs.
    """
    with store.write() as transaction:
        claimed = [
            number
            for number in numbers
            if transaction.row(f"SELECT 1 WHERE {_UNCLAIMED.format(task='?1', occasion=occasion)}", (number,))
        ]
        for number in claimed:
            timeline.append(transaction, number, PROGRAM, EventKind.HOOK, detail=_detail(occasion, "to be started"))
            update_task(transaction, number)
    return claimed


def record_end(store: Store, occasion: HookOccasion, numbers: Sequence[int], outcome: str) -> None:
    """Record how the run of a hook ended."""
    with store.write() as transaction:
        for number in numbers:
            timeline.append(transaction, number, PROGRAM, EventKind.HOOK, detail=_detail(occasion, outcome))
            update_task(transaction, number)


def _detail(occasion: HookOccasion, state: str) -> str:
    return f"{occasion}; program: {state}"  # an older version wrote `failed: started`
