"""Filling an empty history with a past, for practice: as if its tasks had been asked for here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from bwp_tui.domain.deadlines import due_on
from bwp_tui.domain.task import TERMINAL, Kind, Status, TaskError
from bwp_tui.domain.times import iso_day, to_text
from bwp_tui.store.database.connection import Store, Transaction, as_int
from bwp_tui.store.errors import StoreDamaged
from bwp_tui.store.queries.row_mapping import errors_text, tags_text
from bwp_tui.store.queries.timeline import NOTE, SERVICE

_FIRST_POLLS_S: Final = 5.0
"""The polls of what is in flight are spread over so many seconds."""

_ANSWER: Final = timedelta(seconds=1)


class SampleTask(Protocol):
    """A task of the past. `status` is the service's, which has none for a cancellation."""

    @property
    def task_id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def email(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def submitted_at(self) -> datetime: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def errors(self) -> tuple[TaskError, ...]: ...
    @property
    def holding_period(self) -> int | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def note(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def received_on(self) -> date: ...
    @property
    def regulation(self) -> str: ...
    @property
    def cancelled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a planted timeline."""

    at: datetime
    actor: str
    what: str
    before: str | None
    after: str | None
    detail: str | None = None


def seed_tasks(store: Store, past: Iterable[SampleTask], actor: str) -> int:
    """Record tasks of the past, each with its timeline, in one transaction; return how many there were.

    What is still under way is due to be asked about within seconds.
    """
    count = 0
    with store.write() as transaction:
        for task in past:
            _seed_task(transaction, task, actor, spread=count % 10 / 10)
            count += 1
    return count


def _seed_task(transaction: Transaction, task: SampleTask, actor: str, spread: float) -> None:
    status = Status.CANCELLED if task.cancelled else task.status
    terminal = status in TERMINAL
    due = due_on(task.regulation, task.received_on)
    next_poll = transaction.now + timedelta(seconds=_FIRST_POLLS_S * spread)
    row = transaction.row(
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
            to_text(task.submitted_at),
            to_text(task.submitted_at),
            to_text(task.updated_at),
            to_text(task.updated_at) if terminal else None,
            to_text(task.updated_at),
            None if terminal else to_text(next_poll),
            task.email,
            task.kind,
            transaction.revision,
        ),
    )
    if row is None:
        raise StoreDamaged("The practice history took no task.")
    for line in _timeline(task, status, actor):
        transaction.run(
            "INSERT INTO timeline (task, at, actor, what, before, after, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (as_int(row[0]), to_text(line.at), line.actor, line.what, line.before, line.after, line.detail),
        )


def _timeline(task: SampleTask, status: Status, actor: str) -> list[_Line]:
    first = Status.ON_HOLD if task.holding_period else Status.IN_PROGRESS
    lines = [
        _Line(task.submitted_at, actor, "recorded", None, Status.QUEUED),
        _Line(task.submitted_at + _ANSWER, SERVICE, "accepted", Status.QUEUED, first, task.task_id),
    ]
    if task.note:
        lines.insert(1, _Line(task.submitted_at, actor, NOTE, None, None, task.note))
    if status is Status.CANCELLED:
        return [
            *lines,
            _Line(task.updated_at, actor, "cancel asked", None, None),
            _Line(task.updated_at + _ANSWER, SERVICE, "cancelled", first, Status.CANCELLED),
        ]
    if first is Status.ON_HOLD and status is not Status.ON_HOLD:
        released = min(task.submitted_at + timedelta(days=task.holding_period or 0), task.updated_at)
        lines.append(_Line(released, SERVICE, "status", Status.ON_HOLD, Status.IN_PROGRESS))
    if status in TERMINAL:
        detail = "; ".join(error.code or error.message for error in task.errors) or None
        lines.append(_Line(task.updated_at, SERVICE, "status", Status.IN_PROGRESS, status, detail))
    return lines
