"""The office's calendar: its time zone, the days that can have been, the days that are odd."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from bwp_tui.domain import times
from bwp_tui.domain.deadlines import day_warning, future_everywhere_mistake
from bwp_tui.domain.times import day_of_word, local_day, midnight, parse_day, set_shop_zone, stamp, typed_day, zone_name

EVENING = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
TODAY = date(2026, 11, 28)


@pytest.fixture(autouse=True)
def machine_zone() -> Iterator[None]:
    yield
    set_shop_zone(None)


@pytest.mark.parametrize(
    ("zone", "day", "read"),
    [
        ("UTC", date(2026, 11, 28), "2026-11-28 20:00:00"),
        ("Pacific/Auckland", date(2026, 11, 29), "2026-11-29 09:00:00"),
        ("America/Los_Angeles", date(2026, 11, 28), "2026-11-28 12:00:00"),
    ],
)
def test_a_day_is_the_offices_whatever_the_machines_zone(zone: str, day: date, read: str) -> None:
    set_shop_zone(zone)
    assert (local_day(EVENING), stamp(EVENING), zone_name()) == (day, read, zone)
    assert local_day(midnight(day)) == day
    assert midnight(day) <= EVENING


def test_there_is_no_zone_of_another_name() -> None:
    for name in ("Europe", "nowhere", "../etc/passwd"):
        with pytest.raises(ValueError, match=name):
            times.find_zone(name)


@pytest.mark.parametrize(
    ("day", "possible", "odd"),
    [
        (TODAY, True, False),
        (date(2026, 11, 29), True, True),
        (date(2026, 11, 30), False, True),
        (date(2025, 11, 28), True, False),
        (date(2025, 11, 27), True, True),
        (date(26, 1, 2), True, True),
        (date(1926, 1, 2), True, True),
    ],
)
def test_a_day_to_come_is_refused_and_an_odd_one_named(day: date, possible: bool, odd: bool) -> None:
    assert (future_everywhere_mistake(day, TODAY) is None, day_warning(day, TODAY) is not None) == (possible, odd)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        (" 2026-01-02 ", date(2026, 1, 2)),
        ("2026W011", None),
        ("20260102", None),
        ("2026-1-2", None),
        ("2026-02-30", None),
    ],
)
def test_a_day_is_written_in_one_way(text: str, day: date | None) -> None:
    assert parse_day(text) == day


MONDAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-02", date(2026, 1, 2)),
        ("Today", MONDAY),
        (" yesterday", date(2026, 11, 29)),
        ("tomorrow", date(2026, 12, 1)),
        ("-3", date(2026, 11, 27)),
        ("+3", date(2026, 12, 3)),
        ("mon", MONDAY),
        ("tue", date(2026, 11, 24)),
        ("Sunday", date(2026, 11, 29)),
        ("th", None),
        ("monday week", None),
        ("-3d", None),
        ("3", None),
        ("-99999", None),
        ("", None),
    ],
)
def test_a_word_names_the_last_such_day(text: str, day: date | None) -> None:
    assert typed_day(text, MONDAY) == day


def test_a_weekday_ahead_is_the_next_one_and_today_counts() -> None:
    assert typed_day("mon", MONDAY, ahead=True) == MONDAY
    assert typed_day("sun", MONDAY, ahead=True) == date(2026, 12, 6)


def test_a_word_is_given_back_as_the_day_that_it_is_taken_for() -> None:
    assert [day_of_word(text, MONDAY) for text in ("fri", "2026-11-27", "x")] == ["Fri 2026-11-27", "", ""]
