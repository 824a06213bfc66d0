"""A task as a history holds it, for tests that need no history."""

from __future__ import annotations

from datetime import date, datetime

from bwp_tui.domain.task import Kind, Task


def plain_task(number: int, submitted_at: datetime) -> Task:
    """Return a retrieval in progress, due on January 9, 2027."""
    return Task(
        number=number,
        task_id=f"task-{number}",
        kind=Kind.RETRIEVAL,
        email=f"shopper{number}@example.com",
        status="IN_PROGRESS",
        errors=(),
        holding_period=None,
        reason=None,
        note="",
        tags=(),
        received_on=date(2026, 11, 10),
        regulation="gdpr",
        due_on=date(2027, 1, 9),
        recorded_at=submitted_at,
        submitted_at=submitted_at,
        updated_at=submitted_at,
        finished_at=None,
        polled_at=None,
        next_poll_at=None,
        polls_unchanged=0,
        trouble=None,
        resubmit_of=None,
        resubmitted_as=None,
        earlier_number=None,
        cancel_asked=False,
        revision=1,
        download=None,
    )
