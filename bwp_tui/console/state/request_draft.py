"""Check the values of the request form, make its request, and describe its dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.domain.deadlines import (
    PROCESSING_DAYS,
    day_warning,
    future_everywhere_mistake,
    latest_end_if_submitted,
    longest_fitting_hold,
    longest_hold_if_extended,
    statutory_due_date,
)
from bwp_tui.domain.regulations import Regulation, complete_regulation, not_in_force_clause
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, LONGEST_HOLDING_PERIOD, Kind, Request, email_mistake
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import DAY_FORMAT, DAY_FORMS, format_due, parse_day

Hint = tuple[str, ...]
"""A remark beside a field in several forms, the longest first."""

PROCESSING_HINT: Final[Hint] = (
    f"the service then takes up to {PROCESSING_DAYS} days",
    f"then up to {PROCESSING_DAYS} days' work",
    f"and {PROCESSING_DAYS} more",
)
_SENT_LATER_HINT: Final[Hint] = (
    "it becomes RECEIVED, and nothing is sent yet",
    "RECEIVED: nothing is sent yet",
    "RECEIVED, not sent",
)
_SENT_NOW_HINT: Final[Hint] = (
    "no verification of the identity is recorded",
    "no verification recorded",
    "not verified here",
)
_SENT_ONCE_APPROVED_HINT: Final[Hint] = (
    "once another person approves it; no verification of the identity is recorded",
    "once another person approves it; no verification",
    "once another approves it",
    "once approved",
)
NO_HOLD_HINT: Final[Hint] = (
    "begins at once and cannot be cancelled",
    "cannot be cancelled",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """The form's values as typed; `regulation` is an id, or the beginning of a name."""

    kind: Kind
    email: str
    received: str
    regulation: str
    hold: str
    reason: str
    note: str
    email_again: str
    """For a deletion that is sent: the email typed a second time."""
    sends_now: bool = True
    """Whether the request is sent at once; if not, it is RECEIVED until the requester's identity is verified."""
    default_hold: int = DEFAULT_HOLDING_PERIOD
    """Days on hold where none are typed: the profile's."""
    needs_approval: bool = False
    """Whether another person has to approve a deletion before it is sent."""

    def mistakes(self, today: date) -> dict[str, Hint]:
        """Return the mistake of each wrong field. An empty field is no mistake."""
        found = {
            "email": self._email_mistake(),
            "received": self._received_mistake(today),
            "regulation": self._regulation_mistake(),
            "hold": self._hold_mistake(),
            "email_again": self._email_again_mistake(),
        }
        return {field: mistake for field, mistake in found.items() if mistake}

    def missing(self) -> str | None:
        """Return the first required field that is empty, or None."""
        if not self.email.strip():
            return "email"
        if not self.regulation.strip():
            return "regulation"
        return "email_again" if self.needs_email_again and not self.email_again.strip() else None

    @property
    def needs_email_again(self) -> bool:
        """Whether the email has to be typed a second time, as before a deletion is submitted."""
        return self.kind is Kind.DELETION and self.sends_now

    @property
    def is_sent_at_once(self) -> bool:
        """Whether it is sent as soon as it is submitted, so that its end is known."""
        return self.sends_now and not (self.kind is Kind.DELETION and self.needs_approval)

    def sent_hint(self) -> Hint:
        """Return when it is sent, or what is not recorded then."""
        if not self.sends_now:
            return _SENT_LATER_HINT
        return _SENT_NOW_HINT if self.is_sent_at_once else _SENT_ONCE_APPROVED_HINT

    def request(self) -> Request:
        """Return the request of a complete draft without mistakes."""
        deletion, regulation = self.kind is Kind.DELETION, self.found_regulation()
        return Request(
            kind=self.kind,
            email=self.email.strip(),
            received_on=date.fromisoformat(self.received.strip()),
            regulation=regulation.id if regulation else self.regulation,
            holding_period=self.holding_period() if deletion else None,
            reason=self.reason.strip() or None if deletion else None,
            note=self.note.strip(),
            awaits_verification=not self.sends_now,
        )

    def holding_period(self) -> int | None:
        """Return the holding period in days, or None where it is invalid."""
        text = self.hold.strip()
        if not text:
            return self.default_hold
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None

    def found_regulation(self) -> Regulation | None:
        """Return the only regulation that the typed text can mean, or None."""
        found = complete_regulation(self.regulation)
        return found[0] if len(found) == 1 else None

    def regulation_hint(self) -> Hint:
        """Return what is known of the regulation."""
        regulation = self.found_regulation()
        if regulation is None:
            return ("",)
        name = regulation.title if self.regulation.strip() == regulation.id else f"{regulation.id}, {regulation.title}"
        return (
            (f"{name}: {regulation.citation}", name, regulation.title)
            if regulation.citation
            else (name, regulation.title)
        )

    def due(self) -> date | None:
        """Return the day by which the shopper must be answered, or None."""
        received, regulation = self._received(), self.found_regulation()
        try:
            return None if received is None or regulation is None else statutory_due_date(regulation.id, received)
        except (ValueError, OverflowError):  # it is beyond the calendar
            return None

    def outlook(self, today: date) -> tuple[str, str]:
        """Return a sentence on the dates this request will have, and the role to say it in."""
        received, regulation = self._received(), self.found_regulation()
        if received is None or regulation is None:
            return "", "muted"
        if warning := day_warning(received, today):
            return warning, "warn"
        if clause := not_in_force_clause(regulation.id, received):
            return f"{clause.capitalize()}.", "warn"
        due = self.due()
        last = latest_end_if_submitted(today, self._hold_days())
        # Each of these sentences fits in a terminal of 60 columns.
        done = f"{'' if self.is_sent_at_once else 'sent today it '}ends by {last.isoformat()}"
        if due is None:
            return f"No legal due date; {done}.", "muted"
        if not self.is_sent_at_once:
            return f"Due {due.isoformat()}; {done}.", "muted" if last <= due else "warn"
        if last <= due:
            return f"Due {due.isoformat()} ({format_due(due, today)}), {done}.", "muted"
        return f"{counted((last - due).days, 'day')} too late: due {due.isoformat()}, {done}.", "warn"

    def may_be_late(self, today: date) -> bool:
        """Return whether this is a deletion that would end after its due date if it were sent now."""
        due = self.due()
        return (
            self.kind is Kind.DELETION and due is not None and latest_end_if_submitted(today, self._hold_days()) > due
        )

    def shorter_hold(self, today: date) -> int | None:
        """Return the longest holding period that ends in time, where the typed one does not."""
        due = self.due()
        return longest_fitting_hold(today, due) if due is not None and self.may_be_late(today) else None

    def proposed_hold(self, today: date) -> int:
        """Return the longest hold up to the default that meets the due date, or else the default.

        A hold of 0 is never proposed: such a deletion cannot be cancelled.
        """
        due = self.due()
        fitting = longest_fitting_hold(today, due) if due is not None else None
        return min(fitting, self.default_hold) if fitting else self.default_hold

    def too_late_anyway(self, today: date) -> bool:
        """Return whether the deletion would end too late without any holding period."""
        due = self.due()
        return due is not None and longest_fitting_hold(today, due) is None

    def can_be_extended(self, today: date) -> bool:
        """Return whether an extension, of which the shopper can still be told, lets the request end in time."""
        received, regulation = self._received(), self.found_regulation()
        if received is None or regulation is None:
            return False
        return longest_hold_if_extended(regulation.id, received, today) is not None

    def _hold_days(self) -> int:
        return (self.holding_period() or 0) if self.kind is Kind.DELETION else 0

    def _email_mistake(self) -> Hint:
        email = self.email.strip()
        return (email and email_mistake(email)) or ()

    def _received(self) -> date | None:
        return parse_day(self.received)

    def _received_mistake(self, today: date) -> Hint:
        received = self._received()
        if received is None:
            return day_mistake(self.received)
        return ("date is in the future", "in the future") if future_everywhere_mistake(received, today) else ()

    def _regulation_mistake(self) -> Hint:
        found = complete_regulation(self.regulation)
        if len(found) == 1 or not self.regulation.strip():
            return ()
        return (
            (f"which: {', '.join(regulation.id for regulation in found)}?", "which one?")
            if found
            else ("no such regulation",)
        )

    def _hold_mistake(self) -> Hint:
        days = self.holding_period()
        is_wrong = self.kind is Kind.DELETION and (days is None or days > LONGEST_HOLDING_PERIOD)
        return (f"0 to {LONGEST_HOLDING_PERIOD} days",) if is_wrong else ()

    def _email_again_mistake(self) -> Hint:
        typed = self.email_again.strip() if self.needs_email_again else ""
        return ("not the same email", "not the same") if typed and typed != self.email.strip() else ()


def day_mistake(text: str) -> Hint:
    """Return what is wrong with a text that names no day."""
    is_date = DAY_FORMAT.fullmatch(text.strip())
    if is_date:
        return "not a calendar date", "no such date"
    return f"use {DAY_FORMS}", "use YYYY-MM-DD, -3 or mon", "a date, -3 or mon"
