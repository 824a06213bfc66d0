"""Compute the dates that a regulation sets, in calendar days, months or business days, and holds that meet them.

The due date of an answer by regulation and receipt alone is the `statutory_due_date`; with all that is recorded of the
task it is the `task_due_date`, which is None while the clock is stopped. The column `due_on` holds the
`recomputed_due_date`: an answer ended the stop.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Final, TypeAlias

from bwp_tui.domain.regulations import FEDERAL_HOLIDAYS, REGULATIONS, Holiday
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, LONGEST_HOLDING_PERIOD, Kind, Request, Task
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_due, local_day

PROCESSING_DAYS: Final = 30
"""Days that the service may take; for a deletion, after the holding period."""

DUE_SOON_DAYS: Final = 7
"""Days before the due date from which an open task is due soon: shown so, and polled first."""

_SATURDAY: Final = 5
_SUNDAY: Final = 6


def needs_answer(task: Task) -> bool:
    """Return whether the shopper still needs an answer, so that the due date counts down.

    Nothing that the service does changes that: somebody has to answer the shopper. The column `open` of the history
    computes the same in SQL.
    """
    is_over = task.answered_on is not None or task.is_purged or task.was_resubmitted
    if task.status == Status.DECLINED:
        return not is_over and (task.is_appeal_running or bool(task.is_appeal_upheld))
    return not is_over and task.status != Status.CANCELLED


def is_clock_stopped(task: Task) -> bool:
    """Return whether the clock is stopped, since a reply of the shopper is awaited.

    The filter `is:stopped` computes the same in SQL.
    """
    law = REGULATIONS.get(task.regulation)
    is_awaited = task.inquired_on is not None and task.replied_on is None
    return law is not None and law.stops_for_identity and is_awaited and task.due_on is None and needs_answer(task)


def future_everywhere_mistake(day: date, today: date) -> str | None:
    """Return why `day` cannot be the day of a past event, or None.

    Tomorrow is possible: it may have begun farther east (UTC+14).
    """
    return f"{day} is in the future." if day > today + timedelta(days=1) else None


def future_at_shop_mistake(day: date, today: date) -> str | None:
    """Return that `day` is in the future, or None where it is not."""
    return f"{day} is in the future: it is {today} in the shop's time zone." if day > today else None


def day_warning(day: date, today: date) -> str | None:
    """Return what is unlikely of `day` as the day of a past event, or None."""
    if not_begun := future_at_shop_mistake(day, today):
        return not_begun
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
    """Return the day `count` business days after `day`."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_business_day(day)
    return day


def is_business_day(day: date) -> bool:
    """Return whether a day is neither on a weekend nor the observed day of a federal holiday of the United States."""
    return day.weekday() < _SATURDAY and day not in _observed_holidays(day.year)


@cache
def _observed_holidays(year: int) -> frozenset[date]:
    days = {_observed_day(holiday, year) for holiday in FEDERAL_HOLIDAYS.values() if year >= holiday.since}
    last = date(year, 12, 31)
    # The next year's first day is then a Saturday.
    return frozenset(days | {last} if last.weekday() == _SATURDAY - 1 else days)


def _observed_day(holiday: Holiday, year: int) -> date:
    if holiday.day:
        day = date(year, holiday.month, holiday.day)
        return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))
    in_month = calendar.monthrange(year, holiday.month)[1]
    days = [date(year, holiday.month, day) for day in range(1, in_month + 1)]
    fitting = [day for day in days if day.weekday() == holiday.weekday]
    return fitting[holiday.nth - 1 if holiday.nth > 0 else holiday.nth]


def _roll_to_monday(day: date) -> date:
    over = day.weekday() - _SATURDAY
    return day + timedelta(days=2 - over) if over >= 0 else day


def statutory_due_date(regulation: str, received_on: date, *, extended: bool = False) -> date | None:
    """Return the due date of the answer, or None if the regulation, one of `REGULATIONS`, sets none."""
    rule = REGULATIONS[regulation]
    months = rule.months + (rule.extension_months if extended else 0)
    days = rule.days + (rule.extension_days if extended else 0)
    if not months and not days:
        return None
    end = add_months(received_on, months) + timedelta(days=days)
    return _roll_to_monday(end) if rule.rolls_to_monday else end


Receipt: TypeAlias = tuple[date, str]
"""The day of receipt of a request, and the regulation that was recorded with it; one not known sets no due date."""


def earlier_receipt(receipts: Sequence[Receipt], *, extended: bool = False) -> Receipt:
    """Return the earliest day of receipt, and the regulation with the earliest due date, of one or more receipts."""
    received_on = min(day for day, _ in receipts)

    def due(regulation: str) -> date:
        try:
            return statutory_due_date(regulation, received_on, extended=extended) or date.max
        except (KeyError, OverflowError):
            return date.max

    return received_on, min((regulation for _, regulation in receipts), key=due)


def task_due_date(task: Task) -> date | None:
    """Return the due date that the regulation of a task and what is recorded of it set.

    Where the regulation stops for it, the days from an inquiry to its reply do not count; but it is never later than if
    the request had been received with the reply, since art. 12A UK GDPR counts from there if the identity was awaited.
    An inquiry after the due date changes nothing. While an appeal waits for its answer, that one's due date counts.

    Returns:
        None if no regulation or calendar has a due date, or the clock stands still.
    """
    if task.is_appeal_running and task.appealed_on is not None:
        return appeal_deadline(task.regulation, task.appealed_on)
    is_extended = task.extended_on is not None
    try:
        due = statutory_due_date(task.regulation, task.received_on, extended=is_extended)
        stops = REGULATIONS[task.regulation].stops_for_identity
        if due is None or not stops or task.inquired_on is None or task.inquired_on > due:
            return due
        if task.replied_on is None:
            return None
        from_reply = statutory_due_date(task.regulation, task.replied_on, extended=is_extended)
        return min(due + (task.replied_on - task.inquired_on), from_reply or due)
    except (KeyError, ValueError, OverflowError):
        return None


def due_if_replied(task: Task, today: date) -> date | None:
    """Return the due date of a task whose clock is stopped, as if the reply came today."""
    return task_due_date(task._replace(replied_on=max(today, task.inquired_on or today)))


def recomputed_due_date(task: Task) -> date | None:
    """Return what the column `due_on` of a task has to be: its answer ended a stop of the clock."""
    due = task_due_date(task)
    return due_if_replied(task, task.answered_on) if due is None and task.answered_on is not None else due


def appeal_deadline(regulation: str, appealed_on: date) -> date | None:
    """Return the day by which an appeal must be answered, or None, as for a regulation that is not known."""
    days = REGULATIONS[regulation].appeal_days if regulation in REGULATIONS else None
    try:
        return None if days is None else appealed_on + timedelta(days=days)
    except OverflowError:
        return None


def acknowledgement_deadline(regulation: str, received_on: date) -> date | None:
    """Return the day by which receipt must be acknowledged, or None, as for a regulation that is not known."""
    count = REGULATIONS[regulation].acknowledge_business_days if regulation in REGULATIONS else None
    try:
        return None if count is None else add_business_days(received_on, count)
    except OverflowError:
        return None


def latest_receipt(day: date, count: int) -> date:
    """Return the latest day of receipt that is `count` business days before `day`, or the first of the calendar."""
    try:
        while count > 0:
            count -= is_business_day(day)
            day -= timedelta(days=1)
    except OverflowError:
        return date.min
    return day


def extension_notice_deadline(task: Task) -> date | None:
    """Return the last day to tell the shopper of an extension of a task, or None.

    There is none where the regulation knows no extension, or while the clock stands still.
    """
    law = REGULATIONS.get(task.regulation)
    if law is None or not law.has_extension:
        return None
    return task_due_date(task._replace(extended_on=None))


def latest_end_if_submitted(submitted_on: date, holding_period: int | None) -> date:
    """Return the latest day on which the service finishes a task, if that is submitted on `submitted_on`."""
    try:
        return submitted_on + timedelta(days=(holding_period or 0) + PROCESSING_DAYS)
    except OverflowError:
        return date.max


def late_end(request: Request, today: date) -> date | None:
    """Return the latest day on which the service finishes a request that is sent today, if it is after the due date."""
    due = statutory_due_date(request.regulation, request.received_on)
    end = latest_end_if_submitted(today, request.holding_period)
    return end if due is not None and end > due else None


def latest_service_end(task: Task, today: date) -> date | None:
    """Return the latest day on which the service finishes a task; None once that is final or resubmitted.

    A request that was not submitted yet is taken as submitted today; so is one whose appeal was upheld, which has to be
    resubmitted.
    """
    is_sent_again = task.status == Status.DECLINED and bool(task.is_appeal_upheld) and needs_answer(task)
    if (task.is_final or task.was_resubmitted) and not is_sent_again:
        return None
    hold = task.holding_period
    if task.kind is Kind.DELETION and hold is None:
        hold = DEFAULT_HOLDING_PERIOD
    sent_on = today if is_sent_again or task.submitted_at is None else local_day(task.submitted_at)
    return max(today, latest_end_if_submitted(sent_on, hold))


def may_be_late(task: Task, today: date) -> bool:
    """Return whether the service may finish a task after its due date, or the answer to an appeal is overdue.

    While the clock is stopped that is known of a request that is sent after the reply: it is late however long the
    shopper takes. The filter `is:late` computes the same in SQL.
    """
    if not needs_answer(task):
        return False
    due = task.due_on
    if is_clock_stopped(task) and (task.submitted_at is None or task.is_final):
        due = due_if_replied(task, today)
    last = today if task.is_appeal_running else latest_service_end(task, today)
    return last is not None and due is not None and last > due


def time_left_text(task: Task, today: date) -> str:
    """Return the time until the due date of a task; empty if nothing is due.

    `!` marks a task that is not overdue but may be late.
    """
    is_stopped = is_clock_stopped(task)
    if not is_stopped and (task.due_on is None or not needs_answer(task)):
        return ""
    is_over = task.due_on is not None and task.due_on < today
    label = "stopped" if task.due_on is None else format_due(task.due_on, today)
    return f"{label}!" if not is_over and may_be_late(task, today) else label


def due_date_text(task: Task) -> str:
    """Return the due date of a task, or what a person reads where none is set."""
    return str(task.due_on or ("after the reply" if is_clock_stopped(task) else "never"))


def due_sentence(task: Task) -> str:
    """Return when the answer of a task is due, to follow another sentence; empty where it has no due date."""
    return f" It is due {task.due_on}." if task.due_on and needs_answer(task) else ""


def is_overdue(task: Task, today: date) -> bool:
    return needs_answer(task) and task.due_on is not None and task.due_on < today


def longest_fitting_hold(submitted_on: date, due: date) -> int | None:
    """Return the longest holding period, in days, with which a deletion finishes by `due`, or None."""
    days = (due - submitted_on).days - PROCESSING_DAYS
    return None if days < 0 else min(days, LONGEST_HOLDING_PERIOD)


HoldRule: TypeAlias = Callable[[Task], int | None]
"""Returns the holding period of a resubmitted task, in days."""


def longest_hold_if_extended(regulation: str, received_on: date, today: date) -> int | None:
    """Return the longest holding period with which a request sent today ends by its extended due date, or None.

    None also where the law has no extension, or the shopper can no longer be told of it.
    """
    due = statutory_due_date(regulation, received_on)
    extended = statutory_due_date(regulation, received_on, extended=True)
    if due is None or extended is None or not REGULATIONS[regulation].has_extension or today > due:
        return None
    return longest_fitting_hold(today, extended)


def same_hold(task: Task) -> int | None:
    """Return the holding period of the task."""
    return task.holding_period


def fixed_hold(days: int) -> HoldRule:
    """Return a fixed holding period for every deletion."""
    return lambda task: days if task.kind is Kind.DELETION else None


def fitting_hold(today: date) -> HoldRule:
    """Return the longest holding period, up to the task's own, that meets its due date.

    A deletion that no hold can bring in time keeps its own: without one it would begin at once, could not be cancelled
    and be late all the same.
    """

    def hold(task: Task) -> int | None:
        own = DEFAULT_HOLDING_PERIOD if task.holding_period is None else task.holding_period
        if task.kind is not Kind.DELETION or task.due_on is None or latest_end_if_submitted(today, own) <= task.due_on:
            return task.holding_period
        fitting = longest_fitting_hold(today, task.due_on)
        return task.holding_period if fitting is None else fitting

    return hold


def late_clause(day: date, limit: date | None) -> str:
    """Return by how much something done on a day was late, as a clause; empty where it was not."""
    return f", {counted((day - limit).days, 'day')} late" if limit is not None and day > limit else ""
