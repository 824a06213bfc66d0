"""A task of a shop's past, for practice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bwp_tui.domain.task import Kind, Status, TaskError


@dataclass(frozen=True, slots=True)
class PastTask:
    """A task of the past, as the service and the history have it.

    `status` is the service's own, which has none for a cancellation: a `cancelled` task is still ON_HOLD there.
    """

    task_id: str
    kind: Kind
    email: str
    status: Status
    submitted_at: datetime
    updated_at: datetime
    errors: tuple[TaskError, ...]
    holding_period: int | None
    reason: str | None
    note: str
    tags: tuple[str, ...]
    received_on: date
    regulation: str
    cancelled: bool
