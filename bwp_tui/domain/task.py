"""A task: one request about one data subject, as the register knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from bwp_tui.domain.text import mask_email, percent

EMAIL_PATTERN: Final = re.compile(r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+[.][a-zA-Z]{2,}$")
"""The documented pattern of a data subject's address (contract: Operations)."""

DEFAULT_HOLDING_PERIOD: Final = 10
LONGEST_HOLDING_PERIOD: Final = 180
"""Calendar days, the documented default and bound (contract: Operations)."""


def email_mistake(email: str) -> str | None:
    """Return what is wrong with an address in a few words, or None where the service takes it."""
    if EMAIL_PATTERN.fullmatch(email):
        return None
    if "@" not in email:
        return "an address has an @"
    host = email.rpartition("@")[2]
    if email.count("@") == 1 and "." not in host:
        return "needs an ending such as .com"
    return "no address the service takes"


class Kind(StrEnum):
    """What is asked for."""

    RETRIEVAL = "RETRIEVAL"
    DELETION = "DELETION"


class Status(StrEnum):
    """The statuses this program acts on. A task's status is a `str`: the service may send new ones."""

    QUEUED = "QUEUED"  # recorded here, no answer of the service yet
    IN_PROGRESS = "IN_PROGRESS"
    ON_HOLD = "ON_HOLD"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"  # the service refused the request
    UNCONFIRMED = "UNCONFIRMED"  # sent, never answered, and the client token no longer protects
    GIVEN_UP = "GIVEN_UP"  # an unconfirmed one that an operator has closed; the service may have started it
    CANCELLED = "CANCELLED"  # cancelled here; the service has no such status that is documented
    MISSING = "MISSING"  # the service does not know the task


TERMINAL: Final = frozenset(
    {Status.COMPLETED, Status.FAILED, Status.REJECTED, Status.GIVEN_UP, Status.CANCELLED, Status.MISSING}
)
"""Statuses that nothing more is expected of."""


PURGED: Final = "(purged)"
"""Stands for the address of a task whose personal data was removed."""

UNKNOWN: Final = "(not known yet)"
"""Stands for the address of a task that was adopted by its id, until the service has named it."""

PAST_HOLD: Final = frozenset({Status.IN_PROGRESS, Status.COMPLETED, Status.FAILED})
"""Statuses in which a deletion can no longer be cancelled."""

SERVICES: Final = PAST_HOLD | {Status.ON_HOLD}
"""The service's documented statuses (contract: Operations). The others are given here."""

_SERVICE_PREFIX: Final = "SERVICE_"


WATCHED: Final = "watched"
"""The tag of a task that an operator wants to be told of once, when it has ended."""


def why_purged(task: Task) -> str | None:
    """Return that nothing can be done with a purged task, or None for any other."""
    return f"Task {task.name} was purged: its record stays as it is." if task.is_purged else None


def has_ended(status: str) -> bool:
    """Say whether a task of this status waits for no more of the service, or for an operator's decision."""
    return status in TERMINAL or status == Status.UNCONFIRMED


def status_after(current: str, answered: str) -> str:
    """Return a task's status once the service has answered `answered`.

    A cancellation is known only here, so it stays whatever the service says (contract: Operations). A new status of
    the service that is called as one given here is prefixed: it says nothing of what was done here.
    """
    if current == Status.CANCELLED:
        return current
    is_given_here = answered in Status.__members__ and answered not in SERVICES
    return f"{_SERVICE_PREFIX}{answered}" if is_given_here else answered


class TaskError(NamedTuple):
    """Why a task failed, in the service's words (cleaned). `code` may be absent or new."""

    code: str | None
    message: str


class DownloadState(StrEnum):
    """Where the download of a result stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Download:
    """One download of a retrieval's result. Sizes in bytes, `rate` in bytes a second."""

    id: int
    number: int
    state: str
    path: str | None
    bytes: int
    total: int | None
    rate: float | None
    sha256: str | None
    etag: str | None
    trouble: str | None
    attempts: int
    """Tries that have ended, whether they failed or brought it."""
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    actor: str
    paused: bool = False
    """Whether it waits for an operator: one that runs stops within a second, and keeps what it has."""
    not_before: datetime | None = None
    """When it may begin, or go on after trouble."""
    remarks: tuple[str, ...] = ()
    """What is to be known of the saved file before it is unpacked, a sentence each."""

    @property
    def tries(self) -> int:
        """How often it was tried, each over a link of its own, the one that is under way or brought it included."""
        return self.attempts + (self.state == DownloadState.RUNNING)

    @property
    def percent(self) -> int | None:
        """How much has come: 100 only once it is verified and in place; None where that is not known."""
        return 100 if self.state == DownloadState.DONE else percent(self.bytes, self.total)


class Verification(NamedTuple):
    """How and by whom it was made sure that who asks is the data subject. It never pauses a legal clock."""

    on: date
    by: str
    how: str


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the register. `number` is the local number; instants are in UTC."""

    number: int
    task_id: str | None
    kind: Kind
    email: str
    status: str
    errors: tuple[TaskError, ...]
    holding_period: int | None
    reason: str | None
    note: str
    tags: tuple[str, ...]
    received_on: date
    regulation: str
    due_on: date | None
    recorded_at: datetime
    submitted_at: datetime | None
    updated_at: datetime | None
    finished_at: datetime | None
    polled_at: datetime | None
    next_poll_at: datetime | None
    polls: int
    trouble: str | None
    """Why the last attempt to reach the service for this task failed; None after one that worked."""
    resubmit_of: int | None
    resubmitted_as: int | None
    earlier: int | None
    """Local number of an earlier task with the same address and kind, if any: a flag, never a fence."""
    cancel_asked: bool
    revision: int
    download: Download | None
    """The newest download of this task's result."""
    assigned_to: str | None = None
    verified: Verification | None = None
    extended_on: date | None = None
    """When the shopper was told that the answer takes longer; `due_on` has moved."""
    acknowledged_on: date | None = None
    """When receipt was confirmed to the shopper."""
    terminal: bool = False
    """Whether nothing more is expected of the service."""
    saved: bool = False
    """Whether a result was ever saved whole; a later download that fails takes nothing back."""
    resubmitted: bool = False
    """Whether another task carries the request on, be it gone from the history meanwhile."""
    purged_at: datetime | None = None
    """When the personal data was removed."""

    @property
    def has_no_answer(self) -> bool:
        """Whether it was recorded here and the service has given no task id for it yet."""
        return self.status == Status.QUEUED and self.task_id is None

    @property
    def is_unknown(self) -> bool:
        """Whether the service was asked about its task id and has never known it."""
        was_asked = self.task_id is not None and self.polled_at is not None
        return was_asked and self.submitted_at is None and self.status in (Status.QUEUED, Status.MISSING)

    @property
    def name(self) -> str:
        """What to call the task in a sentence: its task id's start, or its local number."""
        return self.task_id[:8] if self.task_id else f"#{self.number}"

    @property
    def is_purged(self) -> bool:
        """Whether the personal data was removed: the task is closed, and stays as evidence alone."""
        return self.purged_at is not None

    def subject(self, *, masked: bool) -> str:
        """What to call the data subject: the address, or why there is none."""
        if not self.email:
            return PURGED if self.purged_at else UNKNOWN
        return mask_email(self.email) if masked else self.email


@dataclass(frozen=True, slots=True)
class Request:
    """What an operator asks for, checked. `holding_period` in days and `reason` are for deletions."""

    kind: Kind
    email: str
    received_on: date
    regulation: str
    holding_period: int | None = None
    reason: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a task's timeline."""

    at: datetime
    actor: str
    what: str
    before: str | None
    after: str | None
    detail: str | None
