"""The dates that the law sets, counted day by day, without anything of the program's own arithmetic."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta

FIRST = date(2024, 2, 1)
RECEIPTS = [FIRST + timedelta(days=offset) for offset in range(1_500)]
ONE = timedelta(days=1)

US = {
    "us-ca": (45, 45), "us-co": (45, 45), "us-ct": (45, 45), "us-de": (45, 45), "us-fl": (45, 15), "us-ia": (90, 45),
    "us-in": (45, 45), "us-ky": (45, 45), "us-md": (45, 45), "us-mn": (45, 45), "us-mt": (45, 45), "us-ne": (45, 45),
    "us-nh": (45, 45), "us-nj": (45, 45), "us-or": (45, 45), "us-ri": (45, 45), "us-tn": (45, 45), "us-tx": (45, 45),
    "us-ut": (45, 45), "us-va": (45, 45), "us-policy": (45, 45),
}  # fmt: skip
DAYS = US | {"ca-pipeda": (30, 30), "ca-qc": (30, None)}
MONTHS = {"eu-gdpr": (1, 2), "uk-gdpr": (1, 2)}


def days_after(day: date) -> Iterator[date]:
    """Each day after a day, in order."""
    while True:
        day += ONE
        yield day


def day_later(day: date, count: int) -> date:
    """The day that many days later, counted one by one."""
    for number, later in enumerate(days_after(day), start=1):
        if number == count:
            return later
    raise AssertionError


def month_later(day: date, count: int) -> date:
    """The day of the same number that many months later, found in the pages of a calendar; else the page's last."""
    year, month = day.year, day.month
    for _ in range(count):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    page = [number for week in calendar.Calendar().monthdayscalendar(year, month) for number in week if number]
    return date(year, month, day.day if day.day in page else page[-1])


def holidays(year: int) -> dict[str, date]:
    """The federal holidays of a year on which offices are closed, each found by walking over the year's days."""
    walk = [date(year, 1, 1) + offset * ONE for offset in range(366)]
    names = [(f"{day:%A}", f"{day:%B}", day) for day in walk if day.year == year]

    def nth(weekday: str, month: str, number: int) -> date:
        return [day for named, of, day in names if (named, of) == (weekday, month)][number]

    def observed(month: str, number: int) -> date:
        ((weekday, day),) = [(named, day) for named, of, day in names if (of, day.day) == (month, number)]
        return day - ONE if weekday == "Saturday" else day + ONE if weekday == "Sunday" else day

    found = {
        "New Year's Day": observed("January", 1),
        "Birthday of Martin Luther King, Jr.": nth("Monday", "January", 2),
        "Washington's Birthday": nth("Monday", "February", 2),
        "Memorial Day": nth("Monday", "May", -1),
        "Juneteenth": observed("June", 19),
        "Independence Day": observed("July", 4),
        "Labor Day": nth("Monday", "September", 0),
        "Columbus Day": nth("Monday", "October", 1),
        "Veterans Day": observed("November", 11),
        "Thanksgiving Day": nth("Thursday", "November", 3),
        "Christmas Day": observed("December", 25),
    }
    if year < 2021:
        del found["Juneteenth"]
    return found


CLOSED = {day: name for year in range(2017, 2036) for name, day in holidays(year).items()}


def business_day_later(day: date, count: int) -> date:
    """The day that many business days later, counted one by one."""
    open_days = (later for later in days_after(day) if f"{later:%a}" not in ("Sat", "Sun") and later not in CLOSED)
    for number, later in enumerate(open_days, start=1):
        if number == count:
            return later
    raise AssertionError


def weekday_or_monday(day: date) -> date:
    return next(later for later in days_after(day - ONE) if f"{later:%a}" not in ("Sat", "Sun"))


def dates_by_hand(id: str, received: date) -> tuple[date | None, date | None, date | None]:
    """When a request is due, when it is due once extended, and when its receipt is to be acknowledged."""
    if id in DAYS:
        first, more = DAYS[id]
        extended = None if more is None else day_later(day_later(received, first), more)
        return day_later(received, first), extended, business_day_later(received, 10) if id == "us-ca" else None
    if id in MONTHS:
        first, more = MONTHS[id]
        ends = month_later(received, first), month_later(received, first + more)
        return (*(map(weekday_or_monday, ends) if id == "eu-gdpr" else ends), None)
    return None, None, None


def date_with_stop(
    id: str, received: date, asked: date, replied: date | None, *, extended: bool = False
) -> date | None:
    """When a request is due whose shopper was asked on a day and replied on another: the days left at the question
    are left at the reply, but not more than if the request had come with the reply. Under the UK GDPR alone."""
    due = dates_by_hand(id, received)[extended]
    if id != "uk-gdpr" or due is None or asked > due:
        return due
    if replied is None:
        return None
    left, day = 0, asked
    while day < due:
        left, day = left + 1, day + ONE
    runs_out = replied if left == 0 else day_later(replied, left)
    received_with_reply = dates_by_hand(id, replied)[extended]
    assert received_with_reply is not None
    return min(runs_out, received_with_reply)
