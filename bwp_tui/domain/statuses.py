"""Define the statuses of tasks, and the states of intents and downloads.

Three ends of a task are told apart, and each has its words:

- At the service: *final*, *finished*, *over*, *ended*. `FINAL_STATUSES`, `Task.is_final`, the column `terminal`.
- For the engine: *done with*. `engine_is_done_with`: also an UNCONFIRMED request, which waits for an operator.
- For the shop: *answered*; until then *open*. `deadlines.needs_answer`, the column `open`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Statuses that this program acts on; a task's status is a `str`, since the service may send new ones."""

    RECEIVED = "RECEIVED"  # recorded here; nothing is sent before the identity is verified and an operator sends it
    UNAPPROVED = "UNAPPROVED"  # a deletion; nothing is sent before another person approves it
    QUEUED = "QUEUED"  # to be sent, or sent without a response yet
    IN_PROGRESS = "IN_PROGRESS"
    ON_HOLD = "ON_HOLD"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"  # the service refused the request
    UNCONFIRMED = "UNCONFIRMED"  # may have been sent, and must not be again: an operator decides (`settle`)
    GIVEN_UP = "GIVEN_UP"  # given up while unconfirmed; the service may have started it
    CANCELLED = "CANCELLED"  # cancelled here; the service documents no such status
    DECLINED = "DECLINED"  # the shop refused it, and told the shopper
    MISSING = "MISSING"  # the service does not know the task


WITHHELD_STATUSES: Final = (Status.RECEIVED, Status.UNAPPROVED)
"""Statuses of what has no intent: an operator has to send or to approve it."""

_ENDED_WITHOUT_RESULT: Final = (Status.FAILED, Status.REJECTED, Status.GIVEN_UP, Status.CANCELLED, Status.MISSING)

FINAL_STATUSES: Final = frozenset({Status.COMPLETED, Status.DECLINED, *_ENDED_WITHOUT_RESULT})
"""Statuses after which this program polls a task no more by itself."""

DECLINABLE_STATUSES: Final = frozenset({*WITHHELD_STATUSES, *_ENDED_WITHOUT_RESULT})
"""Statuses in which nothing of a request runs at the service, so that it can be declined at once."""

STATUSES_AFTER_HOLD: Final = frozenset({Status.IN_PROGRESS, Status.COMPLETED, Status.FAILED})
"""Statuses in which a deletion can no longer be cancelled."""

SERVICE_STATUSES: Final = STATUSES_AFTER_HOLD | {Status.ON_HOLD}
"""The documented statuses of the service; the others are local."""

_SERVICE_PREFIX: Final = "SERVICE_"


def engine_is_done_with(status: str) -> bool:
    """Return whether the engine does nothing more for a task of this status, so that waiting for it is useless."""
    return status in FINAL_STATUSES or status == Status.UNCONFIRMED


def status_after(current: str, reported: str) -> str:
    """Return a task's status after the service reported `reported`.

    A cancellation and a decline are known only here, so they stay whatever the service reports. A new status of
    the service that has the name of a local one is prefixed.
    """
    if current in (Status.CANCELLED, Status.DECLINED):
        return current
    is_local = reported in Status.__members__ and reported not in SERVICE_STATUSES
    return f"{_SERVICE_PREFIX}{reported}" if is_local else reported


class DeclineReason(StrEnum):
    """Why the shop declines a request."""

    NOT_VERIFIED = "not_verified"
    EXEMPT = "exempt"
    FRAUD = "fraud"
    EXCESSIVE = "excessive"
    NOT_A_SHOPPER = "not_a_shopper"
    WITHDRAWN = "withdrawn"
    OTHER = "other"


class IntentAction(StrEnum):
    """What an intent asks the service to do."""

    SUBMIT = "submit"
    CANCEL = "cancel"


class IntentState(StrEnum):
    """State of an intent, the recorded wish to send a request."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    LAPSED = "lapsed"
    """Its client token expired, or it was withdrawn before it was sent (shown as `WITHDRAWN`)."""
    WITHDRAWN = "withdrawn"
    """Its operator withdrew it before it was sent; stored as `LAPSED`."""


class DownloadState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNKNOWN_TASK: Final = "The service does not know this task: check the task id and the profile."
"""The trouble of a task whose id the service does not know; after a day of such responses the task is MISSING."""
