from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import DAY
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.poll_schedule import (
    FIRST_INTERVAL_S,
    INTERVAL_AFTER_FIRST_DAY_S,
    JITTER,
    MAX_INTERVAL_FIRST_DAY_S,
    RELAXED_INTERVAL_S,
    PollSchedule,
)
from bwp_tui.store.worklog import ready_polls
from bwp_tui.store.worklog.ready_polls import PolledTask

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def due_poll(
    *, age_s: float = 0, status: str = "IN_PROGRESS", polls: int = 0, submitted_at: datetime | None = None
) -> PolledTask:
    at = NOW - timedelta(seconds=age_s) if submitted_at is None else submitted_at
    return PolledTask(1, Kind.DELETION, "task-1", status, at, None, polls)


def wait_s(poll: PolledTask, status: str, holding_period: int | None = None, speed: float = 1.0) -> float:
    return (PollSchedule(speed, random.Random(1)).next_poll(poll, status, holding_period, NOW) - NOW).total_seconds()


@pytest.mark.parametrize(
    ("poll", "status", "holding_period", "speed", "distance"),
    [
        pytest.param(due_poll(polls=0), "IN_PROGRESS", None, 1, 2, id="young"),
        pytest.param(due_poll(polls=3), "IN_PROGRESS", None, 1, 16, id="doubling while nothing changes"),
        pytest.param(due_poll(polls=900), "IN_PROGRESS", None, 1, 300, id="five minutes at most"),
        pytest.param(due_poll(polls=9, status="QUEUED"), "IN_PROGRESS", None, 1, 2, id="quick again after a change"),
        pytest.param(due_poll(age_s=DAY + 1, polls=0), "IN_PROGRESS", None, 1, 1_800, id="over a day old"),
        pytest.param(due_poll(age_s=60), "ON_HOLD", 10, 1, DAY, id="daily on hold"),
        pytest.param(due_poll(age_s=10 * DAY - 3_600), "ON_HOLD", 10, 1, 3_600, id="at the end of the hold"),
        pytest.param(due_poll(age_s=10 * DAY - 0.5), "ON_HOLD", 10, 1, 2, id="not before two seconds"),
        pytest.param(due_poll(age_s=30), "ON_HOLD", 10, 1_440, 60, id="a practice day of a minute"),
        pytest.param(due_poll(age_s=590), "ON_HOLD", 10, 1_440, 10, id="the end of a practice hold"),
        pytest.param(due_poll(age_s=600, polls=2), "ON_HOLD", 10, 1_440, 2, id="released and not yet told"),
        pytest.param(due_poll(age_s=11 * DAY, status="ON_HOLD"), "ON_HOLD", 10, 1, 1_800, id="held too long"),
        pytest.param(due_poll(polls=1), "UNDER_REVIEW", None, 1, 2, id="a status nobody knew"),
    ],
)
def test_the_distance_of_polls_follows_age_and_hold(
    poll: PolledTask, status: str, holding_period: int | None, speed: float, distance: float
) -> None:
    waited = wait_s(poll, status, holding_period, speed)
    assert distance <= waited + 1e-6
    assert waited <= distance * (1 + JITTER) + 1e-6


@given(
    submitted_at=st.datetimes(timezones=st.just(UTC)),
    status=st.sampled_from(["ON_HOLD", "IN_PROGRESS", "ODD"]),
    polls=st.integers(0, 10**9),
    holding_period=st.none() | st.integers(0, 99_999),
    speed=st.floats(1, 1e6),
    seed=st.integers(),
)
def test_no_date_or_number_of_the_service_makes_a_poll_too_early_or_too_late(
    submitted_at: datetime, status: str, polls: int, holding_period: int | None, speed: float, seed: int
) -> None:
    pace = PollSchedule(speed, random.Random(seed))
    poll = due_poll(polls=polls, submitted_at=submitted_at)
    at = pace.next_poll(poll, status, holding_period, NOW)
    assert NOW + timedelta(seconds=FIRST_INTERVAL_S) <= at
    assert at <= NOW + timedelta(
        seconds=max(DAY / speed, INTERVAL_AFTER_FIRST_DAY_S, MAX_INTERVAL_FIRST_DAY_S) * (1 + JITTER) + 1
    )


@given(seed=st.integers())
def test_the_first_poll_comes_after_two_seconds(seed: int) -> None:
    pace = PollSchedule(1, random.Random(seed))
    assert timedelta(seconds=2) <= pace.first_poll(NOW) - NOW <= timedelta(seconds=2.2)


def test_polls_of_one_moment_are_spread() -> None:
    pace = PollSchedule(1, random.Random(1))
    assert len({pace.next_after_unknown(NOW) for _ in range(50)}) == 50


@given(failures=st.integers(1, 10_000), seed=st.integers(), base=st.floats(0.1, 60), cap=st.floats(60, 900))
def test_a_retry_waits_half_a_base_at_least_and_the_cap_at_most(
    failures: int, seed: int, base: float, cap: float
) -> None:
    delay = retry_delay(failures, random.Random(seed), base=base, cap=cap)
    assert base / 2 <= delay <= min(cap, base * 2.0 ** min(failures - 1, 100))


def test_retries_are_drawn_from_the_whole_of_their_bound() -> None:
    chance = random.Random(1)
    delays = [retry_delay(6, chance) for _ in range(500)]
    assert min(delays) < 2
    assert max(delays) > 28


def test_rare_polls_may_be_made_early_by_up_to_a_tenth_so_that_they_share_requests() -> None:
    usual, rare = PollSchedule(1.0, random.Random(1)), PollSchedule(1.0, random.Random(1), relaxed=True)
    assert usual.lead_time == ready_polls.LEAD_TIME
    assert ready_polls.LEAD_TIME * 10 < rare.lead_time <= timedelta(seconds=RELAXED_INTERVAL_S / 10)
    assert PollSchedule(60.0, random.Random(1), relaxed=True).lead_time == pytest.approx(
        rare.lead_time / 60, abs=timedelta(milliseconds=1)
    )


@pytest.mark.parametrize("relaxed", [False, True])
def test_a_task_on_hold_is_polled_daily_with_and_without_events(relaxed: bool) -> None:
    poll = due_poll(age_s=60)
    at = PollSchedule(1.0, random.Random(1), relaxed=relaxed).next_poll(poll, "ON_HOLD", 10, NOW)
    assert timedelta(seconds=DAY) <= at - NOW <= timedelta(seconds=DAY * 1.1)
