"""Compute the deadlines that a regulation sets, in calendar months, days and business days.

Sources: GDPR art. 12(3) with Reg. 1182/71; CCPA regulations (11 CCR) §7021.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Final, NamedTuple

from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD, Kind, Status, Task
from bwp_tui.domain.times import zone_name

PROCESSING_DAYS: Final = 30
"""Days that the service may take; for a deletion, after the holding period."""

_SATURDAY: Final = 5

_UNANSWERED: Final = frozenset({Status.FAILED, Status.REJECTED, Status.MISSING})
"""Final statuses in which the shopper still needs an answer."""


class Regulation(NamedTuple):
    """A regulation: time to answer, length of an extension, business days to acknowledge receipt."""

    name: str
    title: str
    months: int = 0
    days: int = 0
    rolls_to_monday: bool = False
    extension_months: int = 0
    extension_days: int = 0
    acknowledge_business_days: int | None = None


REGULATIONS: Final[dict[str, Regulation]] = {
    regulation.name: regulation
    for regulation in (
        Regulation("gdpr", "GDPR art. 12(3)", months=1, rolls_to_monday=True, extension_months=2),
        Regulation("ccpa", "CCPA §7021", days=45, extension_days=45, acknowledge_business_days=10),
        Regulation("none", "no legal deadline"),
    )
}

DEFAULT_REGULATION: Final = "gdpr"


def is_clock_running(task: Task) -> bool:
    """Return whether the shopper still needs an answer, so that the due date counts down.

    The column `open` of the history computes the same in SQL.
    """
    if task.was_resubmitted or task.purged_at is not None:
        return False
    if not task.is_final or task.status in _UNANSWERED:
        return True
    return task.status == Status.COMPLETED and task.kind is Kind.RETRIEVAL and not task.is_saved


def future_day_mistake(day: date, today: date) -> str | None:
    """Return why `day` cannot be the day of a past event, or None.

    Tomorrow is possible: it may have begun farther east (UTC+14).
    """
    return f"{day} is in the future." if day > today + timedelta(days=1) else None


def day_warning(day: date, today: date) -> str | None:
    """Return why `day` is doubtful as the day of a past event, or None."""
    if day > today:
        return f"{day} has not begun in the office, where it is {today} ({zone_name()})."
    if day < add_months(today, -12):
        return f"{day} is more than a year ago; check the year."
    return None


def add_months(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of a shorter month."""
    ordinal = day.year * 12 + day.month - 1 + months
    year, month = divmod(ordinal, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def add_business_days(day: date, count: int) -> date:
    """Return the day `count` weekdays after `day`; public holidays are not considered."""
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < _SATURDAY:
            count -= 1
    return day


def _roll_to_monday(day: date) -> date:
    over = day.weekday() - _SATURDAY
    return day + timedelta(days=2 - over) if over >= 0 else day


def due_on(regulation: str, received_on: date, *, extended: bool = False) -> date | None:
    """Return the due date of the answer, or None if the regulation sets none.

    Raises:
        KeyError: `regulation` is not in `REGULATIONS`.
    """
    rule = REGULATIONS[regulation]
    months = rule.months + (rule.extension_months if extended else 0)
    days = rule.days + (rule.extension_days if extended else 0)
    if not months and not days:
        return None
    end = add_months(received_on, months) + timedelta(days=days)
    return _roll_to_monday(end) if rule.rolls_to_monday else end


def acknowledge_by(regulation: str, received_on: date) -> date | None:
    """Return the day by which receipt must be acknowledged, or None."""
    count = REGULATIONS[regulation].acknowledge_business_days
    return None if count is None else add_business_days(received_on, count)


def received_until(day: date, count: int) -> date:
    """Return the latest day of receipt that is `count` business days before `day`, or the first of the calendar."""
    try:
        while count > 0:
            count -= day.weekday() < _SATURDAY
            day -= timedelta(days=1)
    except OverflowError:
        return date.min
    return day


def extend_by(regulation: str, received_on: date) -> date | None:
    """Return the last day to notify the shopper of an extension, or None if there is none.

    GDPR art. 12(3): within one month of receipt; CCPA regulations §7021(b): within the first 45 days.
    """
    rule = REGULATIONS[regulation]
    if not rule.extension_months and not rule.extension_days:
        return None
    return due_on(regulation, received_on)


def latest_end(submitted_on: date, holding_period: int | None) -> date:
    """Return the latest day on which the service finishes a task submitted on `submitted_on`."""
    return submitted_on + timedelta(days=(holding_period or 0) + PROCESSING_DAYS)


def longest_fitting_hold(submitted_on: date, due: date) -> int | None:
    """Return the longest holding period, in days, with which a deletion finishes by `due`, or None."""
    days = (due - submitted_on).days - PROCESSING_DAYS
    return None if days < 0 else min(days, LONGEST_HOLDING_PERIOD)
