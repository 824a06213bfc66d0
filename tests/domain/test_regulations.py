"""The regulations and the holidays, against the reckoning of `tests.legal_dates`."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bwp_tui.domain import deadlines
from bwp_tui.domain.regulations import (
    DEFAULT_REGULATION,
    FEDERAL_HOLIDAYS,
    IDS,
    REGULATIONS,
    complete_regulation,
    find_regulation,
    not_in_force_warning,
    regulation_id,
    stored_names,
)
from tests.legal_dates import CLOSED, DAYS, MONTHS, ONE, RECEIPTS, US, dates_by_hand
from tests.plain_task import plain_task

PLAIN = plain_task(1, datetime(2026, 11, 10, tzinfo=UTC))
APPEALS = {"us-co": 45, "us-mn": 45, "us-nj": 45, "us-or": 45, "us-ca": None, "us-ut": None, "us-policy": None}


@pytest.mark.parametrize("id", IDS)
def test_the_dates_of_each_regulation_equal_an_independent_reckoning_for_1500_receipts(id: str) -> None:
    for received in RECEIPTS:
        due, extended, acknowledged = dates_by_hand(id, received)
        for name in stored_names(id):
            assert deadlines.statutory_due_date(name, received) == due, received
            task = PLAIN._replace(regulation=name, received_on=received)
            assert deadlines.extension_notice_deadline(task) == (None if extended is None else due), received
            if extended is not None:
                assert deadlines.statutory_due_date(name, received, extended=True) == extended, received
            assert deadlines.acknowledgement_deadline(name, received) == acknowledged, received


def test_the_reckoning_knows_every_regulation_and_the_days_of_each_appeal() -> None:
    assert {*DAYS, *MONTHS, "none"} == set(IDS)
    appeals = {id: REGULATIONS[id].appeal_days for id in US}
    assert appeals == dict.fromkeys(US, 60) | APPEALS
    assert {id for id in US if REGULATIONS[id].appeal_extension_days == 60} == {"us-co", "us-mn"}


@pytest.mark.parametrize("name", FEDERAL_HOLIDAYS)
def test_each_holiday_is_no_business_day_where_an_independent_reckoning_finds_it(name: str) -> None:
    days = [day for day, closed in CLOSED.items() if closed == name]
    assert len(days) >= 15
    for day in days:
        assert not deadlines.is_business_day(day), day


def test_no_other_weekday_is_a_holiday() -> None:
    day, last = date(2018, 1, 1), date(2034, 12, 31)
    while day <= last:
        assert deadlines.is_business_day(day) is (f"{day:%a}" not in ("Sat", "Sun") and day not in CLOSED), day
        day += ONE


def test_days_that_offices_were_closed_in_the_published_calendars() -> None:
    published = {
        2021: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
        2022: "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
        2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    }
    for year, days in published.items():
        walk = (date(year, 1, 1) + offset * ONE for offset in range(365))
        closed = [day for day in walk if f"{day:%a}" not in ("Sat", "Sun") and not deadlines.is_business_day(day)]
        assert [f"{day:%m-%d}" for day in closed] == days.split()


def test_every_day_of_the_calendar_can_be_asked_about() -> None:
    for day in (date.min, date(1, 12, 31), date(9999, 1, 1), date.max):
        deadlines.is_business_day(day)
    assert deadlines.latest_receipt(date.min, 10) == date.min


def test_old_names_mean_what_they_meant_and_every_row_has_its_source() -> None:
    assert REGULATIONS["ccpa"] is REGULATIONS["us-ca"]
    assert REGULATIONS["gdpr"] is REGULATIONS["eu-gdpr"]
    assert (DEFAULT_REGULATION, stored_names("ccpa"), stored_names("us-tx")) == ("us-ca", ("us-ca", "ccpa"), ("us-tx",))
    assert [id for id in IDS if not REGULATIONS[id].citation] == ["none"]
    assert max(len(REGULATIONS[id].citation) for id in IDS) <= 41, "it fits the details beside the timeline"
    assert len({REGULATIONS[id].title.casefold() for id in IDS}) == len(IDS)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("us-tx", "us-tx"),
        ("US-TX", "us-tx"),
        (" new   Hampshire ", "us-nh"),
        ("ccpa", "us-ca"),
        ("GDPR", "eu-gdpr"),
        ("Quebec", "ca-qc"),
        ("none", "none"),
    ],
)
def test_ids_aliases_and_whole_names_are_understood(text: str, id: str) -> None:
    assert regulation_id(text) == id
    assert [row.id for row in complete_regulation(text)] == [id]


@pytest.mark.parametrize("text", ["", "us", "de", "ca", "tex", "lgpd", "washington", "us-"])
def test_a_code_or_a_beginning_is_not_enough_where_nobody_sees_what_it_becomes(text: str) -> None:
    assert find_regulation(text) is None
    with pytest.raises(ValueError, match="is no regulation"):
        regulation_id(text)


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("Tex", {"us-tx"}),
        ("california", {"us-ca"}),
        ("ca", {"us-ca"}),
        ("CAN", {"ca-pipeda"}),
        ("ia", {"us-ia"}),
        ("new", {"us-nh", "us-nj"}),
        ("eu", {"eu-gdpr"}),
        ("gd", {"eu-gdpr"}),
        ("ccp", {"us-ca"}),
        ("lgpd", set()),
        ("", set(IDS)),
    ],
)
def test_what_is_typed_is_completed(typed: str, ids: set[str]) -> None:
    assert {row.id for row in complete_regulation(typed)} == ids


def test_a_receipt_while_the_regulation_is_not_in_force_is_doubtful() -> None:
    for id in IDS:
        row = REGULATIONS[id]
        if row.in_force is not None:
            assert not_in_force_warning(id, row.in_force) is None
            assert str(row.in_force) in (not_in_force_warning(id, row.in_force - ONE) or "")
        if row.until is not None:
            assert not_in_force_warning(id, row.until) is None
            assert str(row.until) in (not_in_force_warning(id, row.until + ONE) or "")
    assert not_in_force_warning("us-de", date(2027, 1, 1))
    assert not_in_force_warning("none", date(2018, 1, 1)) is None
    assert not_in_force_warning("a law of a later version", date(2026, 1, 1)) is None
