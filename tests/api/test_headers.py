"""Headers that steer are read, and nonsense in them is not believed."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.api.headers import LONGEST_WAIT_S, ContentRange, parse_content_range, parse_date, parse_retry_after


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("5", 5),
        ("0", 0),
        ("1.5", 1.5),
        ("-3", 0),
        ("9" * 30, LONGEST_WAIT_S),
        ("inf", LONGEST_WAIT_S),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ],
)
def test_a_wait_in_seconds_is_read(value: str | None, wait: float | None) -> None:
    assert parse_retry_after(value) == wait


@pytest.mark.parametrize("ahead", [-1_800, 1_800])
def test_a_wait_until_a_date_goes_by_the_clock_of_who_asks_for_it(ahead: int) -> None:
    now = time.time() + ahead
    assert parse_retry_after(formatdate(now + 2, usegmt=True), parse_date(formatdate(now, usegmt=True))) == 2


def test_a_wait_until_a_date_is_read() -> None:
    wait = parse_retry_after(formatdate(time.time() + 100, usegmt=True))
    assert wait is not None
    assert 95 < wait <= 100


@given(st.text())
def test_no_wait_is_negative_or_endless(value: str) -> None:
    wait = parse_retry_after(value)
    assert wait is None or 0 <= wait <= LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("bytes 5-9/10", ContentRange(5, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("bytes */10", ContentRange(None, None, 10)),
        ("Bytes 0-0/1 ", ContentRange(0, 0, 1)),
        ("bytes 5-/10", None),
        ("bytes -5-9/10", None),
        ("items 5-9/10", None),
        ("bytes 5-9/" + "9" * 40, None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_range_is_read(value: str | None, read: ContentRange | None) -> None:
    assert parse_content_range(value) == read
