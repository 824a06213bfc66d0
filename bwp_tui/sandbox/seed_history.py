"""A believable past for a practice shop: what its console would hold after five weeks of work."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bwp_tui.domain.task import Kind, PastTask, TaskError
from bwp_tui.sandbox.scenarios import Outline, scenario_for
from bwp_tui.sandbox.shoppers import address
from bwp_tui.sandbox.task_outcomes import not_found, orders_not_closed

_NOTES: Final = (
    "VIP",
    "called twice, left message",
    "verified by order number",
    "asked by letter",
    "wants a copy before we delete",
    "verified by phone, order of last month",
    "second request this year",
    "lawyer in copy",
    "moved abroad, old address",
    "employee of a partner",
)
_TAGS: Final = ("vip", "phone", "letter", "legal", "store-app")
_REASONS: Final = ("account closed", "shopper asked by e-mail", "GDPR art. 17", "CCPA deletion request")


def past_tasks(count: int, seed: int, now: datetime) -> tuple[PastTask, ...]:
    """Return `count` tasks, oldest first. The same arguments give the same tasks.

    The first of them to be thought of are those that have a tale to tell (overdue, due soon, held, failed); past
    those most are done.
    """
    rng = random.Random(f"{seed}/past")  # noqa: S311  repeatable, no secret
    outlines = [scenario_for(number, rng)(rng, now) for number in range(count)]
    outlines.sort(key=lambda outline: outline.submitted_at)
    emails: list[str] = []
    tasks = []
    for outline in outlines:
        email = rng.choice(emails) if emails and rng.random() < 0.05 else address(rng)
        emails.append(email)
        tasks.append(_filled(outline, email, rng))
    return tuple(tasks)


def _filled(outline: Outline, email: str, rng: random.Random) -> PastTask:
    task_id = str(UUID(int=rng.getrandbits(128), version=4))
    before = rng.choice((0, 0, 0, 1, 1, 2, 3)) if outline.days_before is None else outline.days_before
    note = outline.note
    if note is None:
        note = rng.choice(_NOTES) if rng.random() < 0.18 else ""
    tags = {tag for tag in _TAGS if tag.casefold() in note.casefold()}
    if rng.random() < 0.1:
        tags.add(rng.choice(_TAGS))
    return PastTask(
        task_id=task_id,
        kind=outline.kind,
        email=email,
        status=outline.status,
        submitted_at=outline.submitted_at,
        updated_at=outline.updated_at,
        errors=_errors(outline.code, task_id),
        holding_period=outline.holding_period,
        reason=rng.choice(_REASONS) if outline.kind is Kind.DELETION and rng.random() < 0.7 else None,
        note=note,
        tags=tuple(sorted(tags)),
        received_on=(outline.submitted_at - timedelta(days=before)).date(),
        regulation=outline.regulation or rng.choice(("gdpr", "gdpr", "gdpr", "ccpa", "ccpa")),
        cancelled=outline.cancelled,
    )


def _errors(code: str | None, task_id: str) -> tuple[TaskError, ...]:
    if code is None:
        return ()
    return (orders_not_closed(task_id) if code == "ORDERS_NOT_CLOSED" else not_found(task_id),)
