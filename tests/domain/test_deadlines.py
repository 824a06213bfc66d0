"""The clocks the law sets."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.deadlines import (
    acknowledgement_deadline,
    add_business_days,
    add_months,
    is_business_day,
    latest_end_if_submitted,
    latest_receipt,
    longest_fitting_hold,
    longest_hold_if_extended,
    statutory_due_date,
)
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, LONGEST_HOLDING_PERIOD

SATURDAY = 5
DAYS = st.dates(date(1990, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 15), 1, date(2026, 2, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2100, 1, 30), 1, date(2100, 2, 28)),  # a century that is no leap year
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 10, 31), 1, date(2026, 11, 30)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_of_a_shorter_month(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@given(DAYS, st.integers(0, 36))
def test_months_land_in_the_month_they_name(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == min(day.day, calendar.monthrange(later.year, later.month)[1])


@given(DAYS, DAYS, st.integers(0, 6))
def test_what_came_earlier_is_never_due_later(one: date, other: date, months: int) -> None:
    first, second = sorted((one, other))
    assert add_months(first, months) <= add_months(second, months)
    for regulation in ("gdpr", "ccpa"):
        earlier, later = statutory_due_date(regulation, first), statutory_due_date(regulation, second)
        assert earlier is not None
        assert later is not None
        assert earlier <= later


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 11, 20), date(2026, 12, 21)),  # 20 December 2026 is a Sunday
        (date(2026, 11, 19), date(2026, 12, 21)),  # 19 December 2026 is a Saturday
        (date(2026, 11, 18), date(2026, 12, 18)),  # a Friday
        (date(2026, 1, 31), date(2026, 3, 2)),  # 28 February 2026 is a Saturday: it rolls into March
    ],
)
def test_gdpr_gives_a_calendar_month_and_rolls_a_weekend_to_monday(received: date, due: date) -> None:
    assert statutory_due_date("gdpr", received) == due


def test_gdpr_extends_by_two_months_counted_from_receipt_and_not_from_the_rolled_day() -> None:
    assert statutory_due_date("gdpr", date(2026, 11, 19), extended=True) == date(2027, 2, 19)


def test_ccpa_gives_calendar_days_that_do_not_roll() -> None:
    received = date(2026, 11, 4)
    due = statutory_due_date("ccpa", received)
    assert due == date(2026, 12, 19)
    assert due.weekday() == SATURDAY
    assert statutory_due_date("ccpa", received, extended=True) == received + timedelta(days=90)


def test_no_law_sets_no_day() -> None:
    assert statutory_due_date("none", date(2026, 1, 1)) is None
    assert statutory_due_date("none", date(2026, 1, 1), extended=True) is None
    assert acknowledgement_deadline("none", date(2026, 1, 1)) is None


def test_an_unknown_regulation_is_an_error() -> None:
    with pytest.raises(KeyError):
        statutory_due_date("lgpd", date(2026, 1, 1))


@given(DAYS, st.booleans())
def test_gdpr_is_never_due_on_a_weekend_nor_more_than_two_days_after_the_month(received: date, extended: bool) -> None:
    due = statutory_due_date("gdpr", received, extended=extended)
    assert due is not None
    assert due.weekday() < SATURDAY
    assert 0 <= (due - add_months(received, 3 if extended else 1)).days <= 2


@pytest.mark.parametrize(
    ("received", "by"),
    [
        (date(2026, 11, 20), date(2026, 12, 7)),  # Friday, two weekends and Thanksgiving on the way
        (date(2026, 11, 21), date(2026, 12, 7)),  # Saturday
        (date(2026, 11, 22), date(2026, 12, 7)),  # Sunday
        (date(2026, 11, 23), date(2026, 12, 8)),  # Monday
        (date(2026, 11, 27), date(2026, 12, 11)),  # the day after Thanksgiving is a business day
        (date(2021, 12, 20), date(2022, 1, 5)),  # Christmas and New Year's Day, both on a Saturday, on the Fridays
        (date(2026, 6, 26), date(2026, 7, 13)),  # 4 July 2026, a Saturday, is observed on the Friday
        (date(2027, 6, 28), date(2027, 7, 13)),  # 4 July 2027, a Sunday, is observed on the Monday
    ],
)
def test_ccpa_wants_receipt_confirmed_within_ten_business_days(received: date, by: date) -> None:
    assert acknowledgement_deadline("ccpa", received) == by


@given(DAYS, st.integers(0, 60))
def test_as_many_business_days_lie_between_as_were_asked_for(day: date, count: int) -> None:
    end = add_business_days(day, count)
    between = [day + timedelta(days=offset) for offset in range(1, (end - day).days + 1)]
    assert sum(is_business_day(passed) for passed in between) == count
    assert count == 0 or is_business_day(end)


@given(DAYS, st.integers(1, 20))
def test_the_latest_receipt_for_a_day_is_the_last_that_is_acknowledged_by_then(day: date, count: int) -> None:
    latest = latest_receipt(day, count)
    assert add_business_days(latest, count) <= day < add_business_days(latest + timedelta(days=1), count)


def test_the_default_holding_period_outlasts_gdpr() -> None:
    submitted = date(2026, 11, 2)
    due = statutory_due_date("gdpr", submitted)
    assert due is not None
    assert latest_end_if_submitted(submitted, DEFAULT_HOLDING_PERIOD) > due
    assert longest_fitting_hold(submitted, due) == 0


def test_a_retrieval_ends_after_its_processing_alone() -> None:
    assert latest_end_if_submitted(date(2026, 11, 2), None) == date(2026, 12, 2)


@given(DAYS, st.integers(-400, 400))
def test_the_longest_fitting_hold_fits_and_one_day_more_does_not(submitted: date, ahead: int) -> None:
    due = submitted + timedelta(days=ahead)
    hold = longest_fitting_hold(submitted, due)
    if hold is None:
        assert latest_end_if_submitted(submitted, 0) > due
        return
    assert 0 <= hold <= LONGEST_HOLDING_PERIOD
    assert latest_end_if_submitted(submitted, hold) <= due
    assert hold == LONGEST_HOLDING_PERIOD or latest_end_if_submitted(submitted, hold + 1) > due


@pytest.mark.parametrize(
    ("regulation", "received", "hold"),
    [
        ("us-fl", date(2026, 10, 20), None),  # the extended due date, 2026-12-19, is too near
        ("us-co", date(2026, 10, 20), 18),
        ("us-co", date(2026, 10, 1), None),  # the shopper had to be told by the due date, 2026-11-15
        ("ca-qc", date(2026, 11, 20), None),  # knows no extension
        ("none", date(2026, 11, 20), None),
    ],
)
def test_an_extension_helps_what_ends_by_the_extended_due_date(
    regulation: str, received: date, hold: int | None
) -> None:
    assert longest_hold_if_extended(regulation, received, date(2026, 12, 1)) == hold
