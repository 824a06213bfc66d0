"""How old a link is, and when another one is asked for instead of following it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.links import PresignedLink
from tests.api.server import ScriptedServer, graphql

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
STAMPED = "https://bucket.example.com/x?X-Amz-Date=20261121T120000Z&X-Amz-Expires=60&X-Amz-Signature=5e"


def _link(url: str = STAMPED, date: datetime | None = None) -> PresignedLink:
    return PresignedLink.checked(url, issued_at=1000, received_at=1002, date=date)


@pytest.mark.parametrize(
    ("date", "left"),
    [
        (NOON + timedelta(seconds=40), 22),
        (NOON + timedelta(seconds=1), 60),
        (NOON, 60),
        (NOON - timedelta(hours=1), 60),
        (None, 60),
    ],
)
def test_a_link_that_was_signed_before_it_was_told_dies_earlier_whatever_the_clock_here(
    date: datetime | None, left: float
) -> None:
    assert _link(date=date).seconds_left(clock=lambda: 1000.0) == left


@pytest.mark.parametrize("stamp", ["", "now", "20261341T990000Z", "20261121T120000", "9" * 300])
def test_a_link_with_a_stamp_that_is_none_counts_from_when_it_was_asked_for(stamp: str) -> None:
    url = STAMPED.replace("20261121T120000Z", stamp)
    assert _link(url, NOON + timedelta(days=9)).seconds_left(clock=lambda: 1000.0) == 60


@pytest.mark.parametrize(
    ("now", "date", "spent"),
    [
        (1002.0, None, False),
        (1049.9, None, False),
        (1050.1, None, True),
        (1061.0, None, True),
        (1002.9, NOON + timedelta(seconds=55), False),
        (1003.1, NOON + timedelta(seconds=55), True),
        (1003.1, NOON + timedelta(seconds=45), False),
    ],
)
def test_a_link_is_spent_with_ten_seconds_to_live_unless_it_has_just_been_told(
    now: float, date: datetime | None, spent: bool
) -> None:
    assert _link(date=date).is_too_old(clock=lambda: now) is spent


@pytest.mark.parametrize(
    ("date", "older"),
    [
        ("Sat, 21 Nov 2026 12:00:50 GMT", True),
        ("Sat, 21 Nov 2026 12:00:50 -0000", True),
        ("Sat, 21 Nov 2026 12:00:00 GMT", False),
        ("some day", False),
        ("Sat, 21 Nov 99999 12:00:00 GMT", False),
        (None, False),
    ],
)
async def test_the_age_of_a_link_goes_by_the_clock_of_the_service(
    api: PrivacyApi, server: ScriptedServer, date: str | None, older: bool
) -> None:
    task = {"taskId": "id-1", "status": "COMPLETED", "dataRetrievalLink": STAMPED}
    body = {"data": {"personalDataRetrievalTask": task}}
    server.script("/graphql", graphql(**body) if date is None else graphql(200, date, **body))
    assert ((await api.link("id-1")).seconds_left() < 11) is older
