"""Record the service's events, and the tasks that only an event has made known."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import due_on
from bwp_tui.domain.regulations import DEFAULT_REGULATION
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import ADOPTED, Request, TaskEvent
from bwp_tui.domain.times import iso_day, iso_instant, local_day
from bwp_tui.store.database.connection import Store, Transaction, as_day, as_int, as_text
from bwp_tui.store.database.shared_sql import IS_ADOPTED, set_revision
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.filter_sql import in_numbers
from bwp_tui.store.queries.row_mapping import tags_text
from bwp_tui.store.queries.timeline import PROGRAM, SERVICE, EventKind
from bwp_tui.store.worklog.insert_request import insert
from bwp_tui.store.worklog.intents import waiting_cancellation

EVENT_MARGIN: Final = timedelta(minutes=5)
"""An event that has not come so long after the end of its task is taken to be lost."""

_ENDED: Final = f"('{Status.COMPLETED}', '{Status.FAILED}')"


class RecordedEvents(NamedTuple):
    """The number of events that were recorded, of those that were known already, and of the tasks that were adopted."""

    new: int = 0
    duplicates: int = 0
    adopted: int = 0


def record_events(
    store: Store, events: Sequence[TaskEvent], foreign: int = 0, regulation: str = DEFAULT_REGULATION
) -> RecordedEvents:
    """Record events and make their tasks due to be polled at once; adopt the tasks that are not in the history.

    All of it is one transaction: when it has returned, the messages may be deleted.

    Args:
        foreign: messages that are counted with them, since they were no events.
        regulation: that of the tasks that they make known.
    """
    with store.write() as transaction:
        results = [_record(transaction, event, regulation) for event in events]
        recorded = RecordedEvents(len(results) - results.count(None), results.count(None), results.count(True))
        transaction.run(
            "UPDATE engine SET duplicate_events = duplicate_events + ?, foreign_messages = foreign_messages + ?,"
            " last_event_at = CASE WHEN ?3 THEN ?4 ELSE last_event_at END,"
            " events_proven = max(events_proven, ?3), revision = ?5",
            (recorded.duplicates, foreign, int(recorded.new > 0), transaction.now_text, transaction.revision),
        )
    return recorded


def _record(transaction: Transaction, event: TaskEvent, regulation: str) -> bool | None:
    """Record an event; return whether its task was adopted, or None if the event was known already."""
    row = transaction.row(f"SELECT number, status IN {_ENDED} FROM tasks WHERE task_id = ?", (event.task_id,))
    known = transaction.row(
        "SELECT 1 FROM service_events WHERE event_id = ? OR (task = ? AND type = ?)",
        (event.id, None if row is None else row[0], event.type),
    )
    if known is not None:
        return None
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
    set_revision(transaction, number)
    return row is None


def _adopt(transaction: Transaction, event: TaskEvent, regulation: str) -> int:
    """Insert the task of an event; its email and its day of submission come with its first poll."""
    request = Request(event.kind, "", local_day(transaction.now), regulation, tags=(ADOPTED,))
    number = insert(transaction, request, task_id=event.task_id)
    detail = f"{event.kind} {event.task_id}"
    timeline.append(transaction, number, PROGRAM, EventKind.ADOPTED, after=Status.QUEUED, detail=detail)
    return number


def merge_duplicate(transaction: Transaction, task_id: str, number: int, *, is_certain: bool) -> bool:
    """Merge the row that an event or an operator has made for `task_id` into request `number`, whose task it is.

    The request keeps its number, and its dates unless an operator has given the other row earlier ones. What was
    recorded on the other row, its events, downloads and cancellation become the request's, and so does a final status.
    The other row is left alone if it cannot be that task, was submitted itself, or is purged.

    Args:
        is_certain: the service itself has given this task id, so that the email need not be known yet. Otherwise only a
            row that an event has made is merged.

    Returns:
        Whether the task has a final status.
    """
    row = transaction.row(
        "SELECT t.number, t.terminal FROM tasks t JOIN tasks o ON o.number = ? AND o.kind = t.kind"
        " AND (t.email = o.email COLLATE NOCASE OR (t.email = '' AND ?2))"
        " WHERE t.task_id = ? AND t.number <> o.number AND t.purged_at IS NULL AND t.resubmit_of IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = t.number AND action = 'submit')"
        " AND (?2 OR EXISTS (SELECT 1 FROM timeline WHERE task = t.number AND what = ?))",
        (number, int(is_certain), task_id, EventKind.ADOPTED),
    )
    if row is None:
        return False
    other, is_final = as_int(row[0]), bool(row[1])
    before, after = _merge_records(transaction, number, other)
    if is_final:
        columns = ", ".join(_STATE_COLUMNS)
        transaction.run(
            f"UPDATE tasks SET ({columns}) = (SELECT {columns} FROM tasks WHERE number = ?) WHERE number = ?",
            (other, number),
        )
    _move_rows(transaction, number, other)
    moved = {} if before == after else {"before": before, "after": after}
    detail = f"with #{other}, which had its task id"
    timeline.append(transaction, number, PROGRAM, EventKind.MERGED, detail=detail, **moved)
    return is_final


_STATE_COLUMNS: Final = (
    "status", "terminal", "errors", "submitted_at", "updated_at", "finished_at", "polled_at", "next_poll_at", "polls",
    "unknown_since", "unknown_answers", "trouble",
)  # fmt: skip
"""The columns of what the service has said of a task."""


def _merge_records(transaction: Transaction, number: int, other: int) -> tuple[str | None, str | None]:
    """Merge what people have recorded on row `other` into request `number`; return its due date before and after.

    Of two days of receipt the earlier one counts, and of two regulations the one with the earlier due date.
    """
    columns = "received_on, regulation, extended_on, tags, due_on"
    (mine, others) = (
        transaction.run(f"SELECT {columns} FROM tasks WHERE number = ?", (each,))[0] for each in (number, other)
    )
    received, regulations = [as_day(mine[0])], [as_text(mine[1])]
    if transaction.row(
        "SELECT 1 FROM timeline WHERE task = ? AND what IN (?, ?)", (other, EventKind.TRACKED, EventKind.CORRECTED)
    ):
        received.append(as_day(others[0]))
        regulations.append(as_text(others[1]))
    received_on = min(received)
    is_extended = mine[2] is not None or others[2] is not None
    due, regulation = min((_due_or_never(received_on, law, extended=is_extended), law) for law in regulations)
    due_on = None if due == date.max else due.isoformat()
    tags = [tag for row in (mine, others) for tag in json.loads(as_text(row[3])) if tag != ADOPTED]
    transaction.run(
        "UPDATE tasks AS r SET received_on = ?, regulation = ?, due_on = ?, tags = ?,"
        " note = iif(t.note <> '', t.note, r.note), assigned_to = coalesce(t.assigned_to, r.assigned_to),"
        " verified_by = iif(r.verified_on IS NULL, t.verified_by, r.verified_by),"
        " verified_how = iif(r.verified_on IS NULL, t.verified_how, r.verified_how),"
        " verified_on = coalesce(r.verified_on, t.verified_on),"
        " answered_how = iif(r.answered_on IS NULL, t.answered_how, r.answered_how),"
        " answered_on = coalesce(r.answered_on, t.answered_on),"
        " acknowledged_on = coalesce(min(r.acknowledged_on, t.acknowledged_on), r.acknowledged_on, t.acknowledged_on),"
        " extended_on = coalesce(r.extended_on, t.extended_on), saved = max(r.saved, t.saved),"
        " resubmitted = max(r.resubmitted, t.resubmitted), download = coalesce(t.download, r.download)"
        " FROM tasks t WHERE r.number = ? AND t.number = ?",
        (
            received_on.isoformat(),
            regulation,
            due_on,
            tags_text(tuple(dict.fromkeys(tags))),
            number,
            other,
        ),
    )
    return as_text(mine[4]) if mine[4] is not None else None, due_on


def _due_or_never(received_on: date, regulation: str, *, extended: bool = False) -> date:
    """Return the due date, or the last day of the calendar where no regulation sets one."""
    try:
        return due_on(regulation, received_on, extended=extended) or date.max
    except (KeyError, OverflowError):
        return date.max


def _move_rows(transaction: Transaction, number: int, other: int) -> None:
    """Give request `number` the timeline, events, intents and downloads of row `other`, and delete that row."""
    transaction.run(
        "INSERT INTO timeline (task, at, actor, what, before, after, detail)"
        " SELECT ?, at, actor, what, before, after, detail FROM timeline WHERE task = ? ORDER BY id",
        (number, other),
    )
    transaction.run("UPDATE OR IGNORE service_events SET task = ? WHERE task = ?", (number, other))
    transaction.run("DELETE FROM service_events WHERE task = ?", (other,))
    early = waiting_cancellation(transaction, number)
    if transaction.row("SELECT 1 FROM tasks WHERE number = ? AND cancel_asked = 1", (other,)):
        transaction.run("UPDATE tasks SET cancel_asked = 1 WHERE number = ?", (number,))
        if early is not None:  # the other row's cancellation takes its place
            transaction.run(
                "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE id = ?", (transaction.now_text, early[0])
            )
    transaction.run("UPDATE intents SET task = ? WHERE task = ?", (number, other))
    transaction.run("UPDATE downloads SET task = ?, revision = ? WHERE task = ?", (number, transaction.revision, other))
    transaction.run("UPDATE tasks SET resubmit_of = ? WHERE resubmit_of = ?", (number, other))
    transaction.run("UPDATE tasks SET earlier = nullif(?1, number) WHERE earlier = ?2", (number, other))
    # The timeline of a purged task alone may be removed.
    transaction.run("UPDATE tasks SET purged_at = ? WHERE number = ?", (transaction.now_text, other))
    transaction.run("DELETE FROM timeline WHERE task = ?", (other,))
    transaction.run("DELETE FROM tasks WHERE number = ?", (other,))


def date_receipt_by_submission(transaction: Transaction, number: int, submitted_at: datetime) -> None:
    """Date the receipt of an adopted task by its submission, unless an operator has set it."""
    row = transaction.row(
        f"SELECT regulation FROM tasks t WHERE number = ? AND {IS_ADOPTED} AND received_on > ? AND NOT EXISTS"
        " (SELECT 1 FROM timeline WHERE task = t.number AND actor NOT IN (?, ?))",
        (number, local_day(submitted_at).isoformat(), SERVICE, PROGRAM),
    )
    if row is not None:
        received_on = local_day(submitted_at)
        transaction.run(
            "UPDATE tasks SET received_on = ?, due_on = ? WHERE number = ?",
            (received_on.isoformat(), iso_day(due_on(as_text(row[0]), received_on)), number),
        )


def record_missed_event(transaction: Transaction, number: int, status: str, ended_at: datetime | None) -> None:
    """Record that events are unreliable if none has announced in time an end that a poll has found."""
    if ended_at is None or transaction.now - ended_at > EVENT_MARGIN:
        transaction.run(
            "UPDATE engine SET events_proven = 0, revision = ? WHERE events_proven = 1"
            " AND NOT EXISTS (SELECT 1 FROM service_events WHERE task = ? AND type GLOB ?)",
            (transaction.revision, number, f"*_{status}"),
        )


def tasks_with_event(store: Store, task_numbers: Collection[int]) -> frozenset[int]:
    """Return which of these tasks have an event."""
    among = in_numbers("task", frozenset(task_numbers))
    return frozenset(as_int(number) for (number,) in store.rows(f"SELECT task FROM service_events WHERE {among}"))


def events_are_reliable(store: Store) -> bool:
    """Return whether an event has come since the last end of a task that only a poll found."""
    return store.integer("SELECT events_proven FROM engine") == 1
