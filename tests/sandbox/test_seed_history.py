"""The past of a practice shop is believable, and its service agrees with it."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest

from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import EMAIL_PATTERN, Kind, SampleTask
from bwp_tui.domain.times import local_day
from bwp_tui.sandbox.sandbox_state import SandboxState, UnknownTaskError
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import START as NOW

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module", params=[1, 2, 3])
def past(request: pytest.FixtureRequest) -> tuple[SampleTask, ...]:
    return past_tasks(1_000, int(request.param), NOW)


def test_there_are_as_many_as_asked_for_and_the_same_again() -> None:
    assert [len(past_tasks(count, 1, NOW)) for count in (0, 1, 7, 40)] == [0, 1, 7, 40]
    assert past_tasks(40, 1, NOW) == past_tasks(40, 1, NOW)
    assert past_tasks(40, 1, NOW) != past_tasks(40, 2, NOW)


def test_ids_and_addresses_are_well_formed(past: tuple[SampleTask, ...]) -> None:
    assert len({task.task_id for task in past}) == len(past)
    assert all(UUID4.fullmatch(task.task_id) for task in past)
    assert all(EMAIL_PATTERN.fullmatch(task.email) for task in past)
    assert {task.email.partition("@")[2] for task in past} == {"example.com", "example.net", "example.org"}


def test_they_come_in_order_from_the_last_five_weeks(past: tuple[SampleTask, ...]) -> None:
    instants = [task.submitted_at for task in past]
    assert instants == sorted(instants)
    assert NOW - timedelta(days=36) < instants[0] < NOW - timedelta(days=30)
    assert instants[-1] > NOW - timedelta(hours=1)
    assert all(task.submitted_at <= task.updated_at <= NOW for task in past)
    assert all(task.received_on <= task.submitted_at.date() for task in past)


def test_none_is_received_after_the_day_of_its_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the evening of a zone behind UTC, the day of UTC is tomorrow's."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Pacific/Pago_Pago")
        time.tzset()
        assert all(task.received_on <= local_day(task.submitted_at) for task in past_tasks(60, 1, NOW))
    time.tzset()


def test_most_are_done_and_every_state_is_there(past: tuple[SampleTask, ...]) -> None:
    retrievals = sum(task.kind is Kind.RETRIEVAL for task in past)
    done = sum(task.status is Status.COMPLETED for task in past)
    assert 0.5 < retrievals / len(past) < 0.7
    assert done / len(past) > 0.8
    assert any(task.cancelled for task in past)
    assert {task.regulation for task in past} == {"eu-gdpr", "us-ca"}
    assert any(task.note for task in past)
    assert any(task.tags for task in past)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_short_past_shows_failures_holds_and_deadlines(seed: int) -> None:
    past = past_tasks(20, seed, NOW)
    codes = {error.code for task in past for error in task.errors}
    assert codes == {"DATA_SUBJECT_NOT_FOUND", "ORDERS_NOT_CLOSED"}
    assert {task.status for task in past} == {
        Status.IN_PROGRESS,
        Status.ON_HOLD,
        Status.COMPLETED,
        Status.FAILED,
    }
    days_left = []
    for task in past:
        due = statutory_due_date(task.regulation, task.received_on)
        if due is not None and task.status in (Status.ON_HOLD, Status.IN_PROGRESS) and not task.cancelled:
            days_left.append((due - NOW.date()).days)
    assert sum(days < 0 for days in days_left) == 1
    assert sum(0 <= days <= 7 for days in days_left) >= 2


def test_deletions_keep_to_their_holding_periods(past: tuple[SampleTask, ...]) -> None:
    for task in past:
        if task.kind is Kind.RETRIEVAL:
            assert (task.holding_period, task.reason) == (None, None)
            continue
        assert task.holding_period is not None
        held_until = task.submitted_at + timedelta(days=task.holding_period)
        if task.status is Status.ON_HOLD:
            assert held_until > NOW
        else:
            assert held_until <= task.updated_at


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_service_shows_each_task_as_the_past_has_it(seed: int, clock: ManualClock) -> None:
    past = past_tasks(300, seed, clock())
    state = SandboxState(seed=seed, speed=1, clock=clock)
    state.add_past_tasks(past)
    for task in past:
        found = state.find(task.kind, task.task_id)
        assert (found.email, found.status, found.holding_period) == (task.email, task.status, task.holding_period)
        assert found.submitted_at == task.submitted_at
        assert (found.errors or ()) == task.errors
        if task.status in (Status.COMPLETED, Status.FAILED):
            assert found.updated_at == task.updated_at


def test_the_table_moves_within_forty_seconds_and_all_in_progress_ends(clock: ManualClock) -> None:
    sandbox = Sandbox(tasks=60, clock=clock)
    running = [task for task in sandbox.past_tasks if task.status is Status.IN_PROGRESS]

    def ended() -> int:
        found = (sandbox.state.find(task.kind, task.task_id).status for task in running)
        return sum(status in (Status.COMPLETED, Status.FAILED) for status in found)

    assert (ended(), len(running)) == (0, max(5, len(running)))
    clock.advance(seconds=40)
    assert 3 <= ended() < len(running)
    clock.advance(minutes=10)
    assert ended() == len(running)


def test_a_hold_of_the_past_ends_in_front_of_the_operator(clock: ManualClock) -> None:
    sandbox = Sandbox(tasks=10, clock=clock)
    held = [task for task in sandbox.past_tasks if task.status is Status.ON_HOLD and not task.cancelled]
    clock.advance(seconds=60)
    statuses = [sandbox.state.find(task.kind, task.task_id).status for task in held]
    assert Status.COMPLETED in statuses
    assert Status.ON_HOLD in statuses


def test_a_cancelled_task_of_the_past_is_unknown_once_its_hold_would_be_over(clock: ManualClock) -> None:
    sandbox = Sandbox(tasks=10, clock=clock)
    (cancelled,) = (task for task in sandbox.past_tasks if task.cancelled)
    assert sandbox.state.find(Kind.DELETION, cancelled.task_id).status == Status.ON_HOLD
    clock.advance(days=30)
    with pytest.raises(UnknownTaskError):
        sandbox.state.find(Kind.DELETION, cancelled.task_id)


def test_speed_shortens_the_holds_of_the_past_too(clock: ManualClock) -> None:
    sandbox = Sandbox(tasks=60, speed=86_400, clock=clock)
    held = [task for task in sandbox.past_tasks if task.status is Status.ON_HOLD and not task.cancelled]
    clock.advance(seconds=60)
    assert {sandbox.state.find(task.kind, task.task_id).status for task in held} == {Status.COMPLETED}
