from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import Uptime, read_uptime
from bwp_tui.engine.requests.token_protection import CLIENT_TOKEN_MARGIN, is_client_token_valid
from bwp_tui.store.worklog.intents import Intent
from tests.engine.shop import NOON

YOUNG = timedelta(hours=7)
OLD = CLIENT_TOKEN_LIFETIME - CLIENT_TOKEN_MARGIN


def sent(
    at: datetime | None,
    boot: str | None = "this",
    uptime: float | None = 1_000.0,
    service_at: datetime | None = None,
) -> Intent:
    facts = (1, 1, "submit", Kind.RETRIEVAL, "j@example.com", None, None, "token", None, 1)
    return Intent(*facts, at, boot, uptime, service_at)


def test_what_was_never_sent_may_be() -> None:
    assert is_client_token_valid(sent(None, None, None), NOON, Uptime("this", 1.0), NOON)


@pytest.mark.parametrize(
    ("by_wall", "by_uptime", "young_enough"),
    [
        pytest.param(YOUNG, YOUNG, True, id="both young"),
        pytest.param(OLD, OLD, False, id="both old"),
        pytest.param(-timedelta(hours=2), OLD, False, id="the wall clock was set back"),
        pytest.param(-timedelta(hours=2), YOUNG, True, id="set back, and young all the same"),
        pytest.param(OLD, YOUNG, False, id="the machine stood still, or the clock went ahead"),
    ],
)
def test_in_one_run_of_the_machine_the_longer_age_counts(
    by_wall: timedelta, by_uptime: timedelta, young_enough: bool
) -> None:
    uptime = Uptime("this", 1_000 + by_uptime.total_seconds())
    assert is_client_token_valid(sent(NOON), NOON + by_wall, uptime, None) is young_enough


@pytest.mark.parametrize(
    ("by_wall", "young_enough"), [(YOUNG, True), (OLD, False), (-timedelta(seconds=1), False), (timedelta(0), True)]
)
@pytest.mark.parametrize("boot", ["other", None])
def test_after_a_restart_of_the_machine_the_wall_clock_counts_and_one_that_went_back_proves_nothing(
    by_wall: timedelta, boot: str | None, young_enough: bool
) -> None:
    assert is_client_token_valid(sent(NOON, boot), NOON + by_wall, Uptime("this", 5_000_000), None) is young_enough


@pytest.mark.parametrize("differs_by", [timedelta(0), timedelta(hours=-20), timedelta(hours=20)])
@pytest.mark.parametrize(("by_service", "young_enough"), [(YOUNG, True), (OLD, False)])
def test_the_services_clock_sees_an_age_that_no_clock_here_does(
    by_service: timedelta, young_enough: bool, differs_by: timedelta
) -> None:
    intent = sent(NOON, "other", service_at=NOON + differs_by)
    assert (
        is_client_token_valid(intent, NOON + timedelta(minutes=5), Uptime("this", 9), NOON + differs_by + by_service)
        is young_enough
    )
    assert (
        is_client_token_valid(intent, NOON - timedelta(hours=3), Uptime("this", 9), NOON + differs_by + by_service)
        is young_enough
    )


def test_the_services_clock_counts_though_it_was_not_known_when_the_request_was_sent() -> None:
    assert not is_client_token_valid(sent(NOON, "other"), NOON + timedelta(minutes=5), Uptime("this", 9), NOON + OLD)
    assert not is_client_token_valid(sent(NOON), NOON + timedelta(minutes=5), Uptime("this", 1_300), NOON + OLD)


def test_a_service_whose_clock_went_back_makes_no_token_young() -> None:
    intent = sent(NOON, service_at=NOON)
    assert not is_client_token_valid(intent, NOON + OLD, Uptime("this", 1_001), NOON - YOUNG)


def test_a_machine_that_names_no_run_and_an_uptime_that_shrank_are_not_believed() -> None:
    assert not is_client_token_valid(sent(NOON, None), NOON + OLD, Uptime(None, 1_001), None)
    assert not is_client_token_valid(sent(NOON, "this", 9_000), NOON - YOUNG, Uptime("this", 10), None)


def test_the_margin_covers_the_longest_call() -> None:
    longest_exchange = 10 + 4 * 30  # api.wire: connecting, and its patience with a slow answer
    assert timedelta(seconds=4 * longest_exchange) < CLIENT_TOKEN_MARGIN, "a token, a try, another token, another try"


def test_the_uptime_of_this_machine_goes_on() -> None:
    first, second = read_uptime(), read_uptime()
    since = second.seconds_since(first.boot, first.seconds)
    assert since is None if first.boot is None else since is not None and 0 <= since < 60
