"""Fill an empty history with tasks of the past, for practice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from bwp_tui.domain.deadlines import due_on
from bwp_tui.domain.task import FINAL_STATUSES, Event, SampleTask, Status
from bwp_tui.domain.times import format_instant, iso_day
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.queries.row_mapping import errors_text, tags_text
from bwp_tui.store.queries.timeline import SERVICE, EventKind

_FIRST_POLLS_S: Final = 5.0
"""Seconds over which the first polls of unfinished tasks are spread."""

_RESPONSE_TIME: Final = timedelta(seconds=1)


def seed_tasks(store: Store, past: Iterable[SampleTask], actor: str) -> int:
    """Record tasks of the past, each with its timeline, in one transaction; return how many.

    Unfinished tasks are due to be polled within seconds.
    """
    count = 0
    with store.write() as transaction:
        for task in past:
            _seed_task(transaction, task, actor, spread=count % 10 / 10)
            count += 1
    return count


def _seed_task(transaction: Transaction, task: SampleTask, actor: str, spread: float) -> None:
    status = Status.CANCELLED if task.cancelled else task.status
    terminal = status in FINAL_STATUSES
    due = due_on(task.regulation, task.received_on)
    next_poll = transaction.now + timedelta(seconds=_FIRST_POLLS_S * spread)
    number = transaction.integer(
        "INSERT INTO tasks (task_id, kind, email, status, terminal, errors, holding_period, reason, note, tags,"
        " received_on, regulation, due_on, recorded_at, submitted_at, updated_at, finished_at, polled_at,"
        " next_poll_at, earlier, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT max(number) FROM tasks WHERE email = ? COLLATE NOCASE AND kind = ?), ?) RETURNING number",
        (
            task.task_id,
            task.kind,
            task.email,
            status,
            int(terminal),
            errors_text(task.errors),
            task.holding_period,
            task.reason,
            task.note,
            tags_text(task.tags),
            task.received_on.isoformat(),
            task.regulation,
            iso_day(due),
            format_instant(task.submitted_at),
            format_instant(task.submitted_at),
            format_instant(task.updated_at),
            format_instant(task.updated_at) if terminal else None,
            format_instant(task.updated_at),
            None if terminal else format_instant(next_poll),
            task.email,
            task.kind,
            transaction.revision,
        ),
    )
    for event in _timeline(task, status, actor):
        at = format_instant(event.at)
        transaction.run(
            "INSERT INTO timeline (task, at, actor, what, before, after, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, at, event.actor, event.what, event.before, event.after, event.detail),
        )


def _timeline(task: SampleTask, status: Status, actor: str) -> list[Event]:
    first = Status.ON_HOLD if task.holding_period else Status.IN_PROGRESS
    lines = [
        Event(task.submitted_at, actor, EventKind.RECORDED, None, Status.QUEUED, None),
        Event(task.submitted_at + _RESPONSE_TIME, SERVICE, EventKind.ACCEPTED, Status.QUEUED, first, task.task_id),
    ]
    if task.note:
        lines.insert(1, Event(task.submitted_at, actor, EventKind.NOTE, None, None, task.note))
    if status is Status.CANCELLED:
        return [
            *lines,
            Event(task.updated_at, actor, EventKind.CANCEL_REQUESTED, None, None, None),
            Event(task.updated_at + _RESPONSE_TIME, SERVICE, EventKind.CANCELLED, first, Status.CANCELLED, None),
        ]
    if first is Status.ON_HOLD and status is not Status.ON_HOLD:
        released = min(task.submitted_at + timedelta(days=task.holding_period or 0), task.updated_at)
        lines.append(Event(released, SERVICE, EventKind.STATUS, Status.ON_HOLD, Status.IN_PROGRESS, None))
    if status in FINAL_STATUSES:
        detail = "; ".join(error.code or error.message for error in task.errors) or None
        lines.append(Event(task.updated_at, SERVICE, EventKind.STATUS, Status.IN_PROGRESS, status, detail))
    return lines
