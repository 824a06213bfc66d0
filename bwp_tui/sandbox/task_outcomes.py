"""Decide what becomes of a task, by its email and the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, TaskError

SLOW_PROCESSING: Final = timedelta(minutes=5)
"""How long a task about `slow@…` is processed."""

PROCESSING_SECONDS: Final = {Kind.RETRIEVAL: (2.0, 6.0), Kind.DELETION: (3.0, 8.0)}
"""The bounds of how long a task is processed."""


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """How long a task is processed once its hold is over, and how it ends."""

    processing: timedelta
    status: Status
    errors: tuple[TaskError, ...]


def name_part(email: str) -> str:
    """Return the email's name without its suffix, in lower case: `nobody` of `Nobody+2@example.com`."""
    return email.partition("@")[0].partition("+")[0].lower()


def shopper_not_found(task_id: str) -> TaskError:
    """Return the documented error of a task about an unknown shopper."""
    return TaskError("DATA_SUBJECT_NOT_FOUND", f"The shopper email for request {task_id} does not exist")


def orders_not_closed(task_id: str) -> TaskError:
    """Return the error of a deletion with open orders. The code is documented, the message is not."""
    return TaskError("ORDERS_NOT_CLOSED", f"The shopper for request {task_id} has orders that are not closed")


def seeded_uuid(rng: random.Random) -> str:
    """Return a UUID that the same state of `rng` gives again."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def outcome_of(task_id: str, kind: Kind, email: str, seed: int) -> TaskOutcome:
    """Return what becomes of a task. The same arguments give the same outcome."""
    rng = random.Random(f"{seed}/fate/{task_id}")  # noqa: S311  repeatable, no secret
    processing = timedelta(seconds=rng.uniform(*PROCESSING_SECONDS[kind]))
    name = name_part(email)
    if name == "nobody":
        return TaskOutcome(processing, Status.FAILED, (shopper_not_found(task_id),))
    if name == "open-orders" and kind is Kind.DELETION:
        return TaskOutcome(processing, Status.FAILED, (orders_not_closed(task_id),))
    return TaskOutcome(SLOW_PROCESSING if name == "slow" else processing, Status.COMPLETED, ())
