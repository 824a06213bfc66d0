"""The scenarios from which the past tasks of a sandbox are made."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind

HISTORY_SPAN: Final = timedelta(days=35)
"""How far back the history goes."""

_OPENING, _CLOSING = 8, 18


@dataclass(frozen=True, slots=True)
class TaskOutline:
    """What a scenario determines of a task; `seed_history` fills in the rest."""

    kind: Kind
    status: Status
    submitted_at: datetime
    updated_at: datetime
    holding_period: int | None = None
    code: str | None = None
    days_from_receipt: int | None = None
    """Days from the receipt of the request to its submission; None for a usual few."""
    regulation: str | None = None
    note: str | None = None
    cancelled: bool = False


Scenario = Callable[[random.Random, datetime], TaskOutline]


def scenario_for(number: int, rng: random.Random) -> Scenario:
    """Return the scenario of task `number`, from 0 on: the first ones cover every status, the rest follow `_USUAL`."""
    if number < len(_SCENARIOS):
        return _SCENARIOS[number]
    roll = rng.random()
    for share, scenario in _USUAL:
        if roll < share:
            return scenario
        roll -= share
    return _retrieved


def _ago(rng: random.Random, now: datetime, fewest: float, most: float) -> datetime:
    """Return an instant at least `fewest` days ago, within working hours."""
    day = now.astimezone(UTC) - timedelta(days=rng.uniform(fewest, most))
    at = day.replace(hour=rng.randrange(_OPENING, _CLOSING), minute=rng.randrange(60), second=rng.randrange(60))
    return at if at <= now - timedelta(days=fewest) else at - timedelta(days=1)


def _later(rng: random.Random, at: datetime, now: datetime, minutes: tuple[float, float]) -> datetime:
    """Return an instant that many minutes after `at`, and before now."""
    return min(at + timedelta(minutes=rng.uniform(*minutes)), now - timedelta(seconds=5))


def _retrieved(rng: random.Random, now: datetime) -> TaskOutline:
    at = _ago(rng, now, 0.1, HISTORY_SPAN.days - 1)
    return TaskOutline(Kind.RETRIEVAL, Status.COMPLETED, at, _later(rng, at, now, (1, 900)))


def _retrieved_lately(rng: random.Random, now: datetime) -> TaskOutline:
    at = now - timedelta(minutes=rng.uniform(20, 50))
    return TaskOutline(Kind.RETRIEVAL, Status.COMPLETED, at, _later(rng, at, now, (2, 15)))


def _unknown_shopper(rng: random.Random, now: datetime) -> TaskOutline:
    at = _ago(rng, now, 0.1, HISTORY_SPAN.days - 1)
    end = _later(rng, at, now, (0.2, 3))
    return TaskOutline(Kind.RETRIEVAL, Status.FAILED, at, end, code="DATA_SUBJECT_NOT_FOUND")


def _searching(rng: random.Random, now: datetime) -> TaskOutline:
    at = now - timedelta(minutes=rng.uniform(0.5, 40))
    return TaskOutline(Kind.RETRIEVAL, Status.IN_PROGRESS, at, at)


def _ended_deletion(status: Status, code: str | None = None) -> Scenario:
    """Return the scenario of a deletion that ended with a status, and with this error code if it failed."""

    def scenario(rng: random.Random, now: datetime) -> TaskOutline:
        days = rng.choice((0, 0, 1, 3, 5, 5, 7, 10, 10, 14))
        at = _ago(rng, now, days + 1.5, HISTORY_SPAN.days - 1)
        end = _later(rng, at + timedelta(days=days), now, (10, 4_000))
        return TaskOutline(Kind.DELETION, status, at, end, days, code=code)

    return scenario


_deleted = _ended_deletion(Status.COMPLETED)
_open_orders = _ended_deletion(Status.FAILED, "ORDERS_NOT_CLOSED")
_nobody_to_delete = _ended_deletion(Status.FAILED, "DATA_SUBJECT_NOT_FOUND")


def _on_hold(submitted_at: datetime, days: int) -> TaskOutline:
    return TaskOutline(Kind.DELETION, Status.ON_HOLD, submitted_at, submitted_at, days)


def _held(rng: random.Random, now: datetime) -> TaskOutline:
    days = rng.choice((7, 10, 10, 10, 14, 21, 30))
    return _on_hold(_ago(rng, now, 0.1, days - 1.5), days)


def _hold_ending(first: float, last: float) -> Scenario:
    """Return the scenario of a deletion whose hold ends between so many seconds from now."""

    def scenario(rng: random.Random, now: datetime) -> TaskOutline:
        days = rng.choice((5, 7, 10))
        return _on_hold(now + timedelta(seconds=rng.uniform(first, last)) - timedelta(days=days), days)

    return scenario


def _being_deleted(rng: random.Random, now: datetime) -> TaskOutline:
    days = rng.choice((0, 3, 5, 7, 10))
    at = _ago(rng, now, days + 0.2, days + 12)
    return TaskOutline(Kind.DELETION, Status.IN_PROGRESS, at, at + timedelta(days=days), days)


def _overdue(rng: random.Random, now: datetime) -> TaskOutline:
    outline = _on_hold(_ago(rng, now, 13, 14), 21)
    return replace(outline, days_from_receipt=21, regulation="eu-gdpr", note="called twice, left message")


def _due_in_days(rng: random.Random, now: datetime) -> TaskOutline:
    outline = _on_hold(_ago(rng, now, 12, 13), 16)
    return replace(outline, days_from_receipt=13, regulation="eu-gdpr", note="VIP")


def _due_under_ccpa(rng: random.Random, now: datetime) -> TaskOutline:
    at = _ago(rng, now, 28, 30)
    end = at + timedelta(days=14)
    return TaskOutline(
        Kind.DELETION, Status.IN_PROGRESS, at, end, 14, days_from_receipt=13, regulation="us-ca", note="lawyer in copy"
    )


def _cancelled(rng: random.Random, now: datetime) -> TaskOutline:
    days = rng.choice((14, 21, 30))
    at = _ago(rng, now, 1, days - 2)
    end = _later(rng, at, now, (30, 1_200))
    return TaskOutline(Kind.DELETION, Status.ON_HOLD, at, end, days, note="shopper changed their mind", cancelled=True)


_SCENARIOS: Final[Sequence[Scenario]] = (
    _searching, _overdue, _retrieved_lately, _due_in_days, _unknown_shopper, _hold_ending(15, 40), _being_deleted,
    _retrieved, _open_orders, _cancelled, _searching, _held, _retrieved, _due_under_ccpa, _retrieved, _searching,
    _nobody_to_delete, _retrieved_lately, _hold_ending(90, 200), _retrieved, _deleted, _retrieved, _searching,
    _retrieved, _held, _retrieved, _held, _retrieved, _deleted, _retrieved,
)  # fmt: skip
"""The first scenarios, so that even a short history has every status."""

_USUAL: Final[Sequence[tuple[float, Scenario]]] = (
    (0.57, _retrieved),
    (0.015, _unknown_shopper),
    (0.005, _searching),
    (0.34, _deleted),
    (0.01, _open_orders),
    (0.005, _nobody_to_delete),
    (0.035, _held),
    (0.01, _being_deleted),
    (0.01, _cancelled),
)
"""The shares of the scenarios after those."""
