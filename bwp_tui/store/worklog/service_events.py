"""Record the service's events, and the tasks that only an event has made known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.deadlines import recomputed_due_date
from bwp_tui.domain.regulations import DEFAULT_REGULATION
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import ADOPTED, Request, ServiceEvent
from bwp_tui.domain.times import iso_day, iso_instant, local_day
from bwp_tui.store.database.connection import Store, Transaction, as_int
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.filter_sql import in_numbers
from bwp_tui.store.queries.row_mapping import TASKS, task_of
from bwp_tui.store.queries.timeline import PROGRAM, SERVICE, EventKind
from bwp_tui.store.worklog.insert_request import insert_row

EVENT_MARGIN: Final = timedelta(minutes=5)
"""The time after the end of a task in which its event must come; then the event counts as lost."""

_ENDED: Final = f"('{Status.COMPLETED}', '{Status.FAILED}')"


def record_events(
    store: Store, events: Sequence[ServiceEvent], foreign: int = 0, regulation: str = DEFAULT_REGULATION
) -> int:
    """Record events and make their tasks ready to be polled at once; adopt the tasks that are not in the history.

    All of it is one transaction: when it has returned how many were new, the messages may be deleted.

    Args:
        foreign: the number of received messages that were no events.
        regulation: of the tasks that are adopted.
    """
    with store.write() as transaction:
        new = sum(_record_event(transaction, event, regulation) for event in events)
        transaction.run(
            "UPDATE engine SET duplicate_events = duplicate_events + ?, foreign_messages = foreign_messages + ?,"
            " events_proven = max(events_proven, ?), revision = ?",
            (len(events) - new, foreign, int(new > 0), transaction.revision),
        )
    return new


def _record_event(transaction: Transaction, event: ServiceEvent, regulation: str) -> bool:
    """Record an event; return False if it was known already."""
    row = transaction.row(f"SELECT number, status IN {_ENDED} FROM tasks WHERE task_id = ?", (event.task_id,))
    known = transaction.row(
        "SELECT 1 FROM service_events WHERE event_id = ? OR (task = ? AND type = ?)",
        (event.id, None if row is None else row[0], event.type),
    )
    if known is not None:
        return False
    number = _adopt(transaction, event, regulation) if row is None else as_int(row[0])
    transaction.run(
        "INSERT INTO service_events (event_id, task, type, occurred_at, received_at) VALUES (?, ?, ?, ?, ?)",
        (event.id, number, event.type, iso_instant(event.occurred_at), transaction.now_text),
    )
    timeline.append(transaction, number, SERVICE, EventKind.EVENT_RECEIVED, detail=event.type)
    if row is None or not row[1]:
        transaction.run(
            "UPDATE tasks SET next_poll_at = ?, polls = 0 WHERE number = ? AND purged_at IS NULL",
            (transaction.now_text, number),
        )
    update_task(transaction, number)
    return True


def _adopt(transaction: Transaction, event: ServiceEvent, regulation: str) -> int:
    """Insert the task of an event. The first poll adds email and day of submission."""
    request = Request(event.kind, "", local_day(transaction.now), regulation, tags=(ADOPTED,))
    number = insert_row(transaction, request, task_id=event.task_id)
    detail = f"{event.kind} {event.task_id}"
    timeline.append(transaction, number, PROGRAM, EventKind.ADOPTED, after=Status.QUEUED, detail=detail)
    return number


def date_receipt_by_submission(transaction: Transaction, number: int, submitted_at: datetime) -> None:
    """Date the receipt of a task that was submitted elsewhere by its submission, if it is recorded as a later one.

    The timeline says so, unless nobody but an event of the service has recorded the task.
    """
    submitted_on = local_day(submitted_at)
    row = transaction.row(
        f"{TASKS} WHERE t.number = ? AND t.received_on > ?"
        " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = t.number AND action = 'submit')",
        (number, submitted_on.isoformat()),
    )
    if row is None:
        return
    task = task_of(row)
    due = iso_day(recomputed_due_date(task._replace(received_on=submitted_on)))
    update_task(transaction, number, received_on=submitted_on.isoformat(), due_on=due)
    persons = "SELECT 1 FROM timeline WHERE task = ? AND actor NOT IN (?, ?)"
    if transaction.row(persons, (number, SERVICE, PROGRAM)) is not None:
        before, after = (iso_day(task.due_on), due) if iso_day(task.due_on) != due else (None, None)
        detail = f"received {task.received_on} → {submitted_on}, the day of its submission"
        timeline.append(transaction, number, PROGRAM, EventKind.CORRECTED, before=before, after=after, detail=detail)


def record_if_event_missed(transaction: Transaction, number: int, status: str, ended_at: datetime | None) -> None:
    """Record events as unreliable if none has announced, in time, an end of a task that a poll has found."""
    if ended_at is None or transaction.now - ended_at > EVENT_MARGIN:
        transaction.run(
            "UPDATE engine SET events_proven = 0, revision = ? WHERE events_proven = 1"
            " AND NOT EXISTS (SELECT 1 FROM service_events WHERE task = ? AND type GLOB ?)",
            (transaction.revision, number, f"*_{status}"),
        )


def tasks_with_event(store: Store, task_numbers: Collection[int]) -> frozenset[int]:
    """Return which of these tasks have an event."""
    return frozenset(store.integers(f"SELECT task FROM service_events WHERE {in_numbers('task', task_numbers)}"))


def events_are_reliable(store: Store) -> bool:
    """Return whether an event has come since the last end of a task that only a poll found."""
    return store.integer("SELECT events_proven FROM engine") == 1
