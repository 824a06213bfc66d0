"""Instants and the words for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.times import format_due, format_duration, format_instant, local_day, parse_instant, utc_now

INSTANTS = st.datetimes(
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 12, 31),
)


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def _set_machine_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()


def test_an_instant_is_written_in_utc_with_microseconds_and_z() -> None:
    east = datetime(2026, 11, 20, 9, 14, tzinfo=timezone(timedelta(hours=2)))
    assert format_instant(east) == "2026-11-20T07:14:00.000000Z"


def test_the_years_before_1000_keep_their_zeros() -> None:
    """Some services send the year 1 for never."""
    never = parse_instant("0001-01-01T00:00:00Z")
    assert format_instant(never) == "0001-01-01T00:00:00.000000Z"
    assert parse_instant(format_instant(never)) == never


@given(INSTANTS)
def test_what_is_written_is_read_back(instant: datetime) -> None:
    assert parse_instant(format_instant(instant)) == instant
    assert parse_instant(format_instant(instant)).tzinfo is UTC


@given(INSTANTS, INSTANTS)
def test_the_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (format_instant(one) < format_instant(other)) == (one < other)


def test_an_instant_without_an_offset_is_taken_as_utc() -> None:
    assert parse_instant("2026-11-20T09:14:00") == datetime(2026, 11, 20, 9, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"]
)
def test_what_is_no_instant_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)


def test_the_wall_clock_is_read_in_utc() -> None:
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Asia/Tokyo", date(2026, 11, 21)), ("America/Los_Angeles", date(2026, 11, 20)), ("UTC", date(2026, 11, 20))],
)
def test_the_day_is_the_one_where_the_operator_sits(in_zone: pytest.MonkeyPatch, zone: str, day: date) -> None:
    _set_machine_zone(in_zone, zone)
    assert local_day(datetime(2026, 11, 20, 20, 0, tzinfo=UTC)) == day


def test_the_ends_of_the_calendar_have_a_day_in_every_zone(in_zone: pytest.MonkeyPatch) -> None:
    _set_machine_zone(in_zone, "America/Los_Angeles")
    assert local_day(parse_instant("0001-01-01T00:00:00Z")) == date(1, 1, 1)
    _set_machine_zone(in_zone, "Asia/Tokyo")
    assert local_day(parse_instant("9999-12-31T23:59:59Z")) == date(9999, 12, 31)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3_599, "59m"),
        (3_600, "1h"),
        (86_399, "23h"),
        (86_400, "1d"),
        (9 * 86_400 + 5, "9d"),
    ],
)
def test_a_length_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(("seconds", "words"), [(0, "0s"), (5.7, "6s"), (60, "1m"), (61, "2m"), (90_000, "2d")])
def test_a_length_that_is_not_exceeded_is_rounded_up(seconds: float, words: str) -> None:
    assert format_duration(timedelta(seconds=seconds), rounds_up=True) == words


@pytest.mark.parametrize(
    ("ahead", "words"), [(-2, "2d over"), (-1, "1d over"), (0, "today"), (1, "tomorrow"), (2, "in 2d"), (40, "in 40d")]
)
def test_a_due_date_is_told_by_how_far_off_it_is(ahead: int, words: str) -> None:
    today = date(2026, 11, 20)
    assert format_due(today + timedelta(days=ahead), today) == words
