"""Tasks of a fixed past, and the instant from which they are seen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields
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
class Planted:
    """A task for `support.plant`. `age_h` and `took_h` are hours: since it was submitted, and until its last change."""

    email: str
    kind: Kind = Kind.RETRIEVAL
    status: Status = Status.IN_PROGRESS
    age_h: float = 1.0
    took_h: float = 0.5
    errors: tuple[TaskError, ...] = ()
    holding_period: int | None = None
    reason: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    regulation: str = "gdpr"
    cancelled: bool = False

    @property
    def task_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.kind} {self.email}"))

    @property
    def submitted_at(self) -> datetime:
        return NOW - timedelta(hours=self.age_h)

    @property
    def updated_at(self) -> datetime:
        return self.submitted_at + timedelta(hours=self.took_h)

    @property
    def received_on(self) -> date:
        return (self.submitted_at - timedelta(hours=2)).date()

    @property
    def task(self) -> SampleTask:
        return SampleTask(**{field.name: getattr(self, field.name) for field in fields(SampleTask)})


_DAY: Final = 24.0
NOT_FOUND: Final = TaskError("DATA_SUBJECT_NOT_FOUND", "The shopper email for request 3556a10a does not exist")
NOT_CLOSED: Final = TaskError("ORDERS_NOT_CLOSED", "The shopper has orders that are not closed")

PAST: Final = (
    Planted("alice@example.com", status=Status.COMPLETED, age_h=40 * _DAY, took_h=5 * _DAY),
    Planted("carol@example.org", Kind.DELETION, Status.COMPLETED, age_h=60 * _DAY, took_h=41 * _DAY, holding_period=10),
    Planted("dave@example.net", Kind.DELETION, age_h=9 * _DAY, took_h=30, holding_period=10, cancelled=True),
    Planted(
        "frank@example.com",
        Kind.DELETION,
        Status.FAILED,
        age_h=26 * _DAY,
        took_h=11 * _DAY,
        errors=(NOT_CLOSED,),
        holding_period=10,
        reason="left the shop",
        note="wrote twice",
    ),
    Planted("grace@example.org", Kind.DELETION, age_h=25 * _DAY, took_h=10 * _DAY, holding_period=10),
    Planted(
        "bob@example.com",
        Kind.DELETION,
        Status.ON_HOLD,
        age_h=3 * _DAY,
        holding_period=10,
        note="VIP",
        tags=("vip", "phone"),
    ),
    Planted("heidi@example.net", age_h=30, took_h=1),
    Planted("eve@example.com", status=Status.FAILED, age_h=3, took_h=1, errors=(NOT_FOUND,)),
    Planted("ivan@example.org", age_h=0.2, took_h=0.1, regulation="ccpa"),
    Planted("jane.doe@example.com", status=Status.COMPLETED, age_h=2, took_h=1.5),
)
"""Ten tasks, numbered from 1 in this order."""

CANCELLED, ORDERS_OPEN, HELD, NOT_KNOWN, WAITING, READY = 3, 4, 6, 8, 9, 10
"""Local numbers of some of them."""
