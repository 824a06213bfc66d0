"""Refuse what the service would refuse, or what a task's state does not allow, before anything is recorded.

Each check raises BadRequest for the first mistake that it finds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Final, Self

from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD, Kind, Request, email_mistake
from bwp_tui.domain.text import clean_line
from bwp_tui.store.database.connection import Transaction, as_int
from bwp_tui.store.errors import NotPossible

EARLIEST_RECEIPT: Final = date(2018, 1, 1)
"""An earlier day is a typing mistake: neither the service nor the laws existed."""


class BadRequest(Exception):
    """A mistake in a request, in one sentence, and the field that has it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_email(email: str) -> None:
    """Check an email with the documented pattern, and its length."""
    if mistake := email_mistake(email):
        raise BadRequest("email", f"“{clean_line(email)}” is not an email address the service takes: it {mistake[0]}.")


def check_holding_period(days: int) -> None:
    """Check that a holding period is in the documented 0 to 180 days."""
    if not 0 <= days <= LONGEST_HOLDING_PERIOD:
        raise BadRequest(
            "holding_period", f"The holding period must be 0 to {LONGEST_HOLDING_PERIOD} days, not {days}."
        )


def check_request(request: Request) -> None:
    """Check what the service would refuse."""
    for mistake in request_mistakes(request):
        raise mistake


def request_mistakes(request: Request) -> list[BadRequest]:
    """Return all that the service would refuse, in the order of the fields."""
    checks: list[Callable[[], None]] = [
        partial(check_email, request.email),
        partial(_check_regulation, request.regulation),
        partial(check_received_on, request),
    ]
    if request.kind is Kind.DELETION and request.holding_period is not None:
        checks.append(partial(check_holding_period, request.holding_period))
    mistakes = []
    for check in checks:
        try:
            check()
        except BadRequest as mistake:
            mistakes.append(mistake)
    return mistakes


def _check_regulation(regulation: str) -> None:
    if regulation not in REGULATIONS:
        raise BadRequest("regulation", f"“{clean_line(regulation)}” is no regulation.")


def check_received_on(request: Request) -> None:
    """Check that a request can have been received on its day, and has a due date in the calendar.

    Without a regulation that is known, no due date is checked.
    """
    if mistake := receipt_mistake(request.received_on, request.regulation):
        raise BadRequest("received_on", mistake)


class Reason(str):
    """The reason why something cannot be done, as a sentence; `short` is the same in words that many tasks share."""

    __slots__ = ("short",)
    short: str

    def __new__(cls, short: str, sentence: str) -> Self:
        """Return the sentence, with its short form."""
        reason = super().__new__(cls, sentence)
        reason.short = short
        return reason


def receipt_mistake(day: date, regulation: str, *, extended: bool = False) -> Reason | None:
    """Return why no request can have been received on a day, or why it has no due date then; None when it can."""
    if day < EARLIEST_RECEIPT:
        return Reason("received too long ago", f"{day} is too long ago; is the year right?")
    if regulation not in REGULATIONS:
        return None
    try:
        statutory_due_date(regulation, day, extended=extended)
    except (ValueError, OverflowError):
        sentence = f"{day} is too near the end of the calendar to have a due date."
        return Reason("without due date in the calendar", sentence)
    return None


def refuse(reason: str | None) -> None:
    """Raise `NotPossible` with the reason, if there is one."""
    if reason:
        raise NotPossible(reason)


def check_task_id_is_new(transaction: Transaction, task_id: str) -> None:
    """Raise `NotPossible` if the history holds a task with this task id, or with one that begins with it."""
    known = transaction.row(
        "SELECT number, task_id = ?1 FROM tasks WHERE substr(task_id, 1, length(?1)) = ?1 COLLATE NOCASE", (task_id,)
    )
    if known is not None:
        number = as_int(known[0])
        refuse(f"The history holds this task already, as #{number}." if known[1] else None)
        raise NotPossible(f"“{task_id}” is only the beginning of the task id of #{number}. Give a whole task id.")
