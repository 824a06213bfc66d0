"""Fill an empty history with tasks of the past, for practice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.statuses import FINAL_STATUSES, Status
from bwp_tui.domain.task import Kind, SampleTask, TimelineEvent
from bwp_tui.domain.times import format_instant, iso_day, local_day
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.shared_sql import insert_task
from bwp_tui.store.queries.row_mapping import errors_text, tags_text
from bwp_tui.store.queries.timeline import INSERT_EVENT, SERVICE, EventKind

_FIRST_POLLS_S: Final = 5.0
"""Seconds over which the first polls of unfinished tasks are spread."""

_RESPONSE_TIME: Final = timedelta(seconds=1)


_ANSWERED_AFTER: Final = timedelta(hours=1)
_ANSWERED_HOW: Final = "confirmed by email"
"""How the shoppers of past deletions were answered, and how long after their end."""


def seed_tasks(store: Store, past: Iterable[SampleTask], actor: str) -> None:
    """Record tasks of the past, each with its timeline; unfinished ones are due to be polled within seconds."""
    with store.write() as transaction:
        for place, task in enumerate(past):
            _seed_task(transaction, task, actor, spread=place % 10 / 10)


def _seed_task(transaction: Transaction, task: SampleTask, actor: str, spread: float) -> None:
    status = Status.CANCELLED if task.cancelled else task.status
    terminal = status in FINAL_STATUSES
    next_poll = transaction.now + timedelta(seconds=_FIRST_POLLS_S * spread)
    # The shopper was answered within two days after the end of a deletion.
    is_over = task.status == Status.COMPLETED and task.updated_at < transaction.now - timedelta(days=2)
    answered = local_day(task.updated_at) if task.kind is Kind.DELETION and is_over else None
    submitted_at, updated_at = format_instant(task.submitted_at), format_instant(task.updated_at)
    number = insert_task(
        transaction,
        task_id=task.task_id,
        kind=task.kind,
        email=task.email,
        status=status,
        terminal=int(terminal),
        errors=errors_text(task.errors),
        holding_period=task.holding_period,
        reason=task.reason,
        note=task.note,
        tags=tags_text(task.tags),
        received_on=task.received_on.isoformat(),
        regulation=task.regulation,
        due_on=iso_day(statutory_due_date(task.regulation, task.received_on)),
        recorded_at=submitted_at,
        submitted_at=submitted_at,
        updated_at=updated_at,
        finished_at=updated_at if terminal else None,
        polled_at=updated_at,
        next_poll_at=None if terminal else format_instant(next_poll),
        answered_on=iso_day(answered),
        answered_how=None if answered is None else _ANSWERED_HOW,
    )
    events = _timeline(task, status, actor)
    if answered is not None:
        detail = f"on {answered}: {_ANSWERED_HOW}"
        events.append(TimelineEvent(task.updated_at + _ANSWERED_AFTER, actor, EventKind.ANSWERED, None, None, detail))
    for event in events:
        at = format_instant(event.at)
        transaction.run(INSERT_EVENT, (number, at, event.actor, event.what, event.before, event.after, event.detail))


def _timeline(task: SampleTask, status: Status, actor: str) -> list[TimelineEvent]:
    first = Status.ON_HOLD if task.holding_period else Status.IN_PROGRESS
    lines = [
        TimelineEvent(task.submitted_at, actor, EventKind.RECORDED, None, Status.QUEUED, None),
        TimelineEvent(
            task.submitted_at + _RESPONSE_TIME, SERVICE, EventKind.ACCEPTED, Status.QUEUED, first, task.task_id
        ),
    ]
    if task.note:
        lines.insert(1, TimelineEvent(task.submitted_at, actor, EventKind.NOTE, None, None, task.note))
    if status is Status.CANCELLED:
        return [
            *lines,
            TimelineEvent(task.updated_at, actor, EventKind.CANCEL_REQUESTED, None, None, None),
            TimelineEvent(
                task.updated_at + _RESPONSE_TIME, SERVICE, EventKind.CANCELLED, first, Status.CANCELLED, None
            ),
        ]
    if first is Status.ON_HOLD and status is not Status.ON_HOLD:
        released = min(task.submitted_at + timedelta(days=task.holding_period or 0), task.updated_at)
        lines.append(TimelineEvent(released, SERVICE, EventKind.STATUS, Status.ON_HOLD, Status.IN_PROGRESS, None))
    if status in FINAL_STATUSES:
        detail = "; ".join(error.code or error.message for error in task.errors) or None
        lines.append(TimelineEvent(task.updated_at, SERVICE, EventKind.STATUS, Status.IN_PROGRESS, status, detail))
    return lines
