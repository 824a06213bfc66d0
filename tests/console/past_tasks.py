"""Tasks of a fixed past, and the instant at which tests look at them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, SampleTask, TaskError

NOW: Final = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TODAY: Final = date(2026, 11, 20)


def clock() -> datetime:
    """Stands still at `NOW`."""
    return NOW


@dataclass(frozen=True)
class PastTask:
    """A task for `support.plant`, submitted `age_hours` ago and last changed `changed_after_hours` later."""

    email: str
    kind: Kind = Kind.RETRIEVAL
    status: Status = Status.IN_PROGRESS
    age_hours: float = 1.0
    changed_after_hours: float = 0.5
    errors: tuple[TaskError, ...] = ()
    holding_period: int | None = None
    reason: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    regulation: str = "gdpr"
    cancelled: bool = False
    awaits_verification: bool = False

    @property
    def task_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.kind} {self.email}"))

    @property
    def submitted_at(self) -> datetime:
        return NOW - timedelta(hours=self.age_hours)

    @property
    def updated_at(self) -> datetime:
        return self.submitted_at + timedelta(hours=self.changed_after_hours)

    @property
    def received_on(self) -> date:
        return (self.submitted_at - timedelta(hours=2)).date()

    @property
    def task(self) -> SampleTask:
        return SampleTask(**{name: getattr(self, name) for name in SampleTask._fields})


_DAY: Final = 24.0
NOT_FOUND: Final = TaskError("DATA_SUBJECT_NOT_FOUND", "The shopper email for request 3556a10a does not exist")
NOT_CLOSED: Final = TaskError("ORDERS_NOT_CLOSED", "The shopper has orders that are not closed")

PAST: Final = (
    PastTask("alice@example.com", status=Status.COMPLETED, age_hours=40 * _DAY, changed_after_hours=5 * _DAY),
    PastTask(
        "carol@example.org",
        Kind.DELETION,
        Status.COMPLETED,
        age_hours=60 * _DAY,
        changed_after_hours=41 * _DAY,
        holding_period=10,
    ),
    PastTask(
        "dave@example.net", Kind.DELETION, age_hours=9 * _DAY, changed_after_hours=30, holding_period=10, cancelled=True
    ),
    PastTask(
        "frank@example.com",
        Kind.DELETION,
        Status.FAILED,
        age_hours=26 * _DAY,
        changed_after_hours=11 * _DAY,
        errors=(NOT_CLOSED,),
        holding_period=10,
        reason="left the shop",
        note="wrote twice",
    ),
    PastTask("grace@example.org", Kind.DELETION, age_hours=25 * _DAY, changed_after_hours=10 * _DAY, holding_period=10),
    PastTask(
        "bob@example.com",
        Kind.DELETION,
        Status.ON_HOLD,
        age_hours=3 * _DAY,
        holding_period=10,
        note="VIP",
        tags=("vip", "phone"),
    ),
    PastTask("heidi@example.net", age_hours=30, changed_after_hours=1),
    PastTask("eve@example.com", status=Status.FAILED, age_hours=3, changed_after_hours=1, errors=(NOT_FOUND,)),
    PastTask("ivan@example.org", age_hours=0.2, changed_after_hours=0.1, regulation="ccpa"),
    PastTask("jane.doe@example.com", status=Status.COMPLETED, age_hours=2, changed_after_hours=1.5),
)
"""Ten tasks, numbered from 1 in this order."""

CANCELLED, ORDERS_OPEN, HELD, NOT_KNOWN, WAITING, READY = 3, 4, 6, 8, 9, 10
"""Local numbers of some of them."""
