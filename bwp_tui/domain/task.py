"""Define tasks and requests."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import FINAL_STATUSES, WITHHELD_STATUSES, DownloadState, Status
from bwp_tui.domain.text import clean_line, mask_email
from bwp_tui.domain.times import is_iso_day

EMAIL_PATTERN: Final = re.compile(r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+[.][a-zA-Z]{2,}$")
"""The documented pattern of a shopper's email."""

LONGEST_EMAIL: Final = 254
"""Characters of an email that can be delivered to (RFC 5321)."""

_NOT_IN_EMAIL: Final = re.compile(r"[^a-zA-Z0-9._%+@-]|(?<=@)[^@]*?([^a-zA-Z0-9.@-])")


def email_mistake(email: str) -> tuple[str, str] | None:
    """Return why the service does not take an email, as a clause and in few words; None where it does."""
    if len(email) > LONGEST_EMAIL:
        return f"is longer than {LONGEST_EMAIL} characters", "too long"
    if EMAIL_PATTERN.fullmatch(email):
        return None
    if found := _NOT_IN_EMAIL.search(email):
        character = found[1] or found[0]
        name = "a blank" if character.isspace() else clean_line(character)
        place = " after the @" if found[1] else ""
        return f"contains {name}{place}, which the service does not take", f"has {name}{place}"
    if email.count("@") != 1:
        return ("has more than one @", "two @") if "@" in email else ("has no @", "no @")
    if email.startswith("@"):
        return "has nothing before the @", "nothing before @"
    return "needs an ending such as .com", "needs .com or so"


DEFAULT_HOLDING_PERIOD: Final = 10
LONGEST_HOLDING_PERIOD: Final = 180
"""Days: the documented default and maximum."""

_LONGEST_TASK_ID: Final = 128

_SHORT_ID_LENGTH: Final = 8
"""Characters of a task id that lists show."""


def is_task_id(text: str) -> bool:
    """Whether the service could have given `text` as a task id."""
    return text.isascii() and text.isprintable() and " " not in text and 4 <= len(text) <= _LONGEST_TASK_ID


def task_id_mistake(text: str) -> str | None:
    """Return why a typed text cannot be a whole task id, or None when it can. The service's own may have any length."""
    if not is_task_id(text):
        return f"“{clean_line(text)}” is not a task ID."
    if len(text) <= _SHORT_ID_LENGTH:
        return f"“{text}” is at most the beginning of a task ID, as lists show it: give the whole task ID."
    return None


class Kind(StrEnum):
    RETRIEVAL = "RETRIEVAL"
    DELETION = "DELETION"


class HookOccasion(StrEnum):
    """What a hook is run for."""

    COMPLETED = "completed"
    FAILED = "failed"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    ADOPTED = "adopted"


PURGED_EMAIL: Final = "(purged)"
"""Shown in place of the email of a purged task."""

UNKNOWN_EMAIL: Final = "(not known yet)"
"""Shown in place of the email of a tracked task until the service has sent it."""

WATCHED: Final = "watched"
"""Tag of a task whose end is notified to the operator."""

ADOPTED: Final = "adopted"
"""Tag of a task that was submitted elsewhere and is known from an event of the service."""

KIND_UNKNOWN: Final = "kind-unknown"
"""Tag of a task that was recovered from its timeline alone, which does not say what was asked for."""

TO_CHECK: Final = "to-check"
"""Tag of a task that a person must check.

It is set where damage or another program changed a value and no copy of the history has the former one, and where
people recorded different things about the task in two copies of the history.
"""

NEVER_SENT_PREFIX: Final = "Never sent: "
"""How the trouble of a request begins that was made UNCONFIRMED before its first byte was sent."""

OTHER_EMAIL_PREFIX: Final = "The service says that this task is for "
"""How the trouble of a task begins of which the last response has another email: no call has failed then."""

_SYMBOL_CATEGORY: Final = "So"
"""The Unicode category of stars and of emoji."""


def tag_mistake(tag: str) -> str | None:
    """Return why `tag` cannot be a tag, or None."""
    if any(letter.isalnum() or unicodedata.category(letter) == _SYMBOL_CATEGORY for letter in tag):
        return None
    return f"“{clean_line(tag)}” is not a tag: a tag needs a letter or a digit."


def cannot_tell_kind(task: Task) -> str | None:
    """Return why nothing can be done that depends on the kind of a task, or None where the kind is known."""
    if KIND_UNKNOWN not in task.tags:
        return None
    how = "enter its task id" if task.task_id is None else "refresh it"
    return f"Whether {task.name} is a retrieval or a deletion is not known: {how}, and the service says."


def cannot_change_purged(task: Task) -> str | None:
    """Return why a purged task cannot be changed, or None for any other."""
    return f"Task {task.name} was purged and cannot be changed." if task.is_purged else None


class TaskError(NamedTuple):
    """Why a task failed: code and message of the service, cleaned; `code` may be absent or new."""

    code: str | None
    message: str


class Verification(NamedTuple):
    """How, when and by whom the requester's identity was verified."""

    on: date
    by: str
    how: str


class Task(NamedTuple):
    """One row of the history. `number` is the task number; instants are in UTC."""

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
    polls_unchanged: int
    """Number of polls since the status last changed, or since a refresh was asked for."""
    trouble: str | None
    """What went wrong with the last call or its response, or None.

    It is why a call failed, why the service refused a cancellation or a task id, or a warning that its response has
    another email. Of an UNCONFIRMED or GIVEN_UP request it says why nobody knows a task id; `NEVER_SENT_PREFIX` begins
    it if no byte was sent.
    """
    resubmit_of: int | None
    resubmitted_as: int | None
    earlier_number: int | None
    """Number of an earlier task with the same email and kind."""
    cancel_asked: bool
    revision: int
    """Number of the last transaction that changed the row."""
    download: Download | None
    """The newest download of this task's result; a saved one before later attempts that ended without one."""
    assigned_to: str | None = None
    verification: Verification | None = None
    extended_on: date | None = None
    """When the shopper was notified of the extension that moved `due_on`."""
    acknowledged_on: date | None = None
    """When receipt was acknowledged to the shopper."""
    answered_on: date | None = None
    """When the shopper was answered, which stops the legal clock."""
    answered_how: str | None = None
    answered_in_part: str | None = None
    """What the answer left out and why; None if nothing, empty once a purge has removed the reason."""
    inquired_on: date | None = None
    """When the shopper was asked who they are or what they mean."""
    replied_on: date | None = None
    """When the reply to that came."""
    declined_on: date | None = None
    """When the shopper was told that the request is declined; not in effect before the status is DECLINED."""
    decline_reason: str | None = None
    """A `DeclineReason`."""
    decline_text: str | None = None
    appealed_on: date | None = None
    """When the appeal against the decline was received; `due_on` is that of its answer until it is given."""
    appeal_answered_on: date | None = None
    is_appeal_upheld: bool | None = None
    is_final: bool = False
    """Whether the status is final."""
    was_downloaded: bool = False
    """Whether a result was ever downloaded; a later failed download does not change that."""
    was_resubmitted: bool = False
    """Whether it was resubmitted, even if the new task is no longer in the history."""
    purged_at: datetime | None = None
    """When the personal data was removed."""
    is_outcome_unknown: bool = False
    """Whether the request was sent and has no response yet, so that it may have started a task."""
    is_sent_unconfirmed: bool = False
    """Whether the request is UNCONFIRMED and was sent as the history has it; another copy may have sent any other."""

    @property
    def awaits_response(self) -> bool:
        """Whether the service has not responded to its submission yet."""
        return self.status == Status.QUEUED and self.task_id is None

    @property
    def is_never_sent(self) -> bool:
        """Whether no byte of its request was sent, so that it can be withdrawn."""
        return self.status in WITHHELD_STATUSES or (self.awaits_response and not self.is_outcome_unknown)

    @property
    def may_have_started(self) -> bool:
        """Whether the service may work on the request, although no response says so."""
        was_sent = not (self.trouble or "").startswith(NEVER_SENT_PREFIX)
        return self.status in (Status.UNCONFIRMED, Status.GIVEN_UP) and was_sent

    @property
    def open_trouble(self) -> str | None:
        """Why its last call failed, or what is to be checked; None once it has ended."""
        return None if self.status in FINAL_STATUSES else self.trouble

    @property
    def is_for_other_email(self) -> bool:
        """Whether its last response has another email than the request."""
        return (self.trouble or "").startswith(OTHER_EMAIL_PREFIX)

    @property
    def intake_step(self) -> str:
        """What to do next with a RECEIVED request: `check`, `verify` or `send`; empty for others and once answered."""
        if self.status != Status.RECEIVED or self.answered_on is not None:
            return ""
        if TO_CHECK in self.tags:
            return "check"
        return "verify" if self.verification is None else "send"

    @property
    def is_appeal_running(self) -> bool:
        """Whether the appeal against its decline waits for the answer."""
        is_answered = self.appeal_answered_on is not None
        return self.status == Status.DECLINED and self.appealed_on is not None and not is_answered

    @property
    def is_cancellation_waiting(self) -> bool:
        """Whether its cancellation was asked for and waits until an operator enters the task id."""
        return self.cancel_asked and self.status == Status.UNCONFIRMED

    @property
    def is_being_cancelled(self) -> bool:
        """Whether its cancellation was asked for and the service's response is waited for."""
        return self.cancel_asked and self.status != Status.UNCONFIRMED

    @property
    def is_task_id_unknown(self) -> bool:
        """Whether the service was polled for its task id and never knew it."""
        was_asked = self.task_id is not None and self.polled_at is not None
        return was_asked and self.submitted_at is None and self.status in (Status.QUEUED, Status.MISSING)

    @property
    def name(self) -> str:
        """Short name for messages: the start of the task id, or the task number."""
        return self.task_id[:_SHORT_ID_LENGTH] if self.task_id else f"#{self.number}"

    @property
    def kind_name(self) -> str:
        """The kind in lower case, or `unknown`."""
        return "unknown" if KIND_UNKNOWN in self.tags else self.kind.lower()

    def age(self, now: datetime) -> timedelta:
        """Return the time since it was recorded, an instant that never changes."""
        return now - self.recorded_at

    @property
    def is_purged(self) -> bool:
        """Whether the personal data was removed."""
        return self.purged_at is not None

    def email_text(self, *, masked: bool) -> str:
        """The email as a text, or why there is none."""
        return email_text(self.email, is_purged=self.is_purged, masked=masked)


def email_text(email: str, *, is_purged: bool, masked: bool) -> str:
    """Return the email of a task as a text, or why there is none."""
    if not email:
        return PURGED_EMAIL if is_purged else UNKNOWN_EMAIL
    return mask_email(email) if masked else email


class Request(NamedTuple):
    """A request. `holding_period` (days) and `reason` are for deletions.

    With `awaits_verification` it is recorded as RECEIVED, and nothing is sent.
    """

    kind: Kind
    email: str
    received_on: date
    regulation: str
    holding_period: int | None = None
    reason: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    awaits_verification: bool = False


class TimelineEvent(NamedTuple):
    """One line of a task's timeline."""

    at: datetime
    actor: str
    what: str
    before: str | None
    after: str | None
    detail: str | None

    @property
    def moves_due_date(self) -> bool:
        """Whether `before` and `after` are due dates, not statuses."""
        return is_iso_day(self.after)


class ServiceEvent(NamedTuple):
    """An event of the service: a task has ended. It is a hint to poll the task; `occurred_at` may be absent."""

    id: str
    kind: Kind
    status: Status
    """COMPLETED or FAILED."""
    task_id: str
    occurred_at: datetime | None

    @property
    def type(self) -> str:
        """The service's name of the event's type."""
        return f"PERSONAL_DATA_{self.kind}_TASK_{self.status}"


class SampleTask(NamedTuple):
    """A request of the past with its task, as the service and the history have it.

    `status` is the service's own, which has none for a cancellation: a `cancelled` task is still ON_HOLD there.
    """

    kind: Kind
    email: str
    received_on: date
    regulation: str
    holding_period: int | None
    reason: str | None
    note: str
    tags: tuple[str, ...]
    task_id: str
    status: Status
    submitted_at: datetime
    updated_at: datetime
    errors: tuple[TaskError, ...]
    cancelled: bool


def with_actual_downloads(tasks: Sequence[Task], actual: Callable[[Download], Download]) -> list[Task]:
    """Return tasks with their downloads as `actual` returns them: none runs where no process is the engine."""
    return [task._replace(download=task.download and actual(task.download)) for task in tasks]


def newest_problem(task: Task) -> str | None:
    if task.resubmitted_as is not None:
        return f"resubmitted as #{task.resubmitted_as}"
    if task.status in (Status.FAILED, Status.REJECTED) and task.errors:
        return task.errors[-1].code or task.errors[-1].message
    if task.status not in FINAL_STATUSES:
        return "cancelling" if task.cancel_asked else None
    if task.download is not None and task.download.state == DownloadState.FAILED:
        return task.download.trouble
    return None
