from __future__ import annotations

import random
from datetime import timedelta

import pytest

from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadCredentials,
    BadResponse,
    NotFound,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.engine.resilience.service_health import CREDENTIAL_RETRY_S, SINGLE_REFUSAL_PAUSE_S, ServiceHealth
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.manual_clock import ManualClock


@pytest.fixture
def health(store: Store) -> ServiceHealth:
    return ServiceHealth(store, random.Random(1))


def seconds_until_call(health: ServiceHealth, clock: ManualClock) -> float:
    next_call_at = health.next_call_at()
    return 0.0 if next_call_at is None else (next_call_at - clock.now).total_seconds()


def test_it_stays_shut_longer_with_each_failure_up_to_a_minute(health: ServiceHealth, clock: ManualClock) -> None:
    waits = []
    for _ in range(40):
        health.record_failure(Unreachable("gone"))
        waits.append(seconds_until_call(health, clock))
        assert health.is_failing
        clock.advance(seconds=61)
        assert health.next_call_at() is None
    assert waits[0] <= 1
    assert 30 < max(waits) <= 60


def test_failures_of_one_burst_count_as_one(health: ServiceHealth, clock: ManualClock) -> None:
    for _ in range(20):
        health.record_failure(Unreachable("gone"))
    assert seconds_until_call(health, clock) <= 1


def test_a_later_failure_does_not_open_it_earlier(health: ServiceHealth, clock: ManualClock) -> None:
    health.record_failure(Throttled("slow down", retry_after=45))
    health.record_failure(Unreachable("gone"))
    assert seconds_until_call(health, clock) == 45


def test_an_answer_to_a_call_from_before_does_not_open_it(health: ServiceHealth, clock: ManualClock) -> None:
    health.record_failure(Throttled("slow down", retry_after=45))
    health.record_success()
    assert seconds_until_call(health, clock) == 45


def test_an_answer_after_the_wait_ends_the_trouble(health: ServiceHealth, clock: ManualClock, store: Store) -> None:
    health.record_failure(Throttled("slow down", retry_after=45))
    clock.advance(seconds=45)
    health.record_success()
    assert not health.is_failing
    state = engine_state.read(store)
    assert (state.service, state.message, state.next_try_at) == (ServiceHealthState.REACHED, None, None)


def test_a_denial_is_waited_on_for_long(health: ServiceHealth, clock: ManualClock) -> None:
    health.record_failure(AccessDenied("no"))
    assert seconds_until_call(health, clock) >= 15


def test_refused_credentials_shut_it_for_longer_each_time_and_what_waits_stays_ready(
    health: ServiceHealth, clock: ManualClock, store: Store
) -> None:
    for pause in (*CREDENTIAL_RETRY_S, CREDENTIAL_RETRY_S[-1]):
        assert health.record_failure(BadCredentials("wrong")) == clock.now
        assert health.credentials_refused.is_set()
        health.record_success()
        assert pause <= seconds_until_call(health, clock) <= 1.1 * pause
        assert engine_state.read(store).next_try_at == health.next_call_at()
        clock.advance(seconds=1.1 * pause)
    health.record_success()
    assert not health.credentials_refused.is_set()
    health.record_failure(BadCredentials("wrong"))
    assert seconds_until_call(health, clock) <= 1.1 * CREDENTIAL_RETRY_S[0]


def test_other_credentials_open_it_at_once(health: ServiceHealth) -> None:
    health.record_failure(BadCredentials("wrong"))
    health.use_new_credentials()
    assert health.next_call_at() is None


@pytest.mark.parametrize(
    ("error", "service"),
    [
        (Unreachable("u"), ServiceHealthState.UNREACHABLE),
        (Throttled("t"), ServiceHealthState.THROTTLED),
        (AccessDenied("d"), ServiceHealthState.DENIED),
        (BadCredentials("c"), ServiceHealthState.BAD_CREDENTIALS),
        (ServerFault("f"), ServiceHealthState.FAULTY),
        (BadResponse("b"), ServiceHealthState.FAULTY),
    ],
)
def test_every_console_can_read_what_is_wrong(
    health: ServiceHealth, store: Store, error: ApiError, service: ServiceHealthState
) -> None:
    health.record_failure(error)
    state = engine_state.read(store)
    assert state.service == service
    assert state.message == str(error)  # what a command says that ends, and tries nothing again
    assert (state.problem != state.message) is (service is ServiceHealthState.BAD_CREDENTIALS)


def limited(store: Store) -> float | None:
    return engine_state.read(store).rate_limit


def test_throttling_is_told_as_a_rate_until_it_is_over(health: ServiceHealth, clock: ManualClock, store: Store) -> None:
    for _ in range(8):
        assert health.begin_call()
    health.record_failure(Throttled("slow down"))
    assert (engine_state.read(store).service, limited(store)) == (ServiceHealthState.THROTTLED, 4)
    told = []
    for _ in range(12):
        clock.advance(seconds=1)
        health.record_success()
        told.append((str(engine_state.read(store).service), limited(store)))
    assert told[:3] == [("throttled", 4), ("throttled", 5), ("throttled", 6)]
    assert told[-1] == ("reached", None)


def test_while_throttled_calls_begin_one_by_one(health: ServiceHealth, clock: ManualClock) -> None:
    for _ in range(4):
        assert health.begin_call()
    health.record_failure(Throttled("slow down"))
    clock.advance(seconds=2)
    assert health.begin_call()
    health.record_success()
    begun = 0
    for _ in range(50):
        clock.advance(seconds=0.1)
        with health.reserve(4) as reservation:
            assert reservation.calls <= 3
            begun += sum(health.begin_call() for _ in range(reservation.calls))
    assert 13 <= begun <= 17, "5 seconds at 3 a second"
    next_call_at = health.next_call_at()
    assert next_call_at is None or next_call_at - clock.now < timedelta(seconds=0.5)


def test_in_trouble_one_call_alone_may_begin_whoever_asks(health: ServiceHealth, clock: ManualClock) -> None:
    health.record_failure(Unreachable("gone"))
    assert health.reserve(4).calls == 0
    clock.advance(seconds=2)
    with health.reserve(4) as probe:
        assert probe.calls == 1
        assert [health.reserve(4).calls for _ in range(3)] == [0, 0, 0]
        next_call_at = health.next_call_at()
        assert next_call_at is not None
        assert next_call_at.year == 9999, "nobody knows when; `changed` tells"
        health.changed.clear()
    assert health.changed.is_set()
    assert health.reserve(4).calls == 1


def test_after_the_probe_was_answered_all_may_begin(health: ServiceHealth, clock: ManualClock) -> None:
    health.record_failure(Unreachable("gone"))
    clock.advance(seconds=2)
    with health.reserve(4) as probe:
        health.changed.clear()
        health.record_success()
        assert health.changed.is_set()
        assert health.reserve(4).calls == 4
        probe.close()
    assert health.reserve(4).calls == 4


def test_one_refused_task_waits_and_a_second_one_is_the_services_word(
    health: ServiceHealth, clock: ManualClock, store: Store
) -> None:
    assert health.record_single_refusal(1, AccessDenied("no")) - clock.now == timedelta(seconds=SINGLE_REFUSAL_PAUSE_S)
    health.record_single_refusal(1, AccessDenied("no"))
    health.record_success()
    health.record_single_refusal(2, AccessDenied("no"))
    assert health.next_call_at() is None
    health.record_single_refusal(3, AccessDenied("no"))
    assert seconds_until_call(health, clock) >= 15
    assert engine_state.read(store).service == ServiceHealthState.DENIED


def test_tasks_that_the_service_does_not_know_hold_up_no_other_request(health: ServiceHealth, store: Store) -> None:
    health.record_success()
    for number in (1, 2, 3):
        health.record_single_refusal(number, NotFound("unknown"))
    assert (health.next_call_at(), health.reserve(4).calls) == (None, 4)
    assert engine_state.read(store).service == ServiceHealthState.REACHED


def test_a_rate_limit_that_time_has_lifted_is_shown_no_longer(
    health: ServiceHealth, clock: ManualClock, store: Store
) -> None:
    for _ in range(400):
        assert health.begin_call()
    health.record_failure(Throttled("slow down"))
    clock.advance(seconds=seconds_until_call(health, clock))
    health.record_success()
    health.drop_expired_limit()
    assert engine_state.read(store).service == ServiceHealthState.THROTTLED
    clock.advance(hours=1)
    health.drop_expired_limit()
    assert engine_state.read(store).service == ServiceHealthState.REACHED


def test_other_credentials_open_it(health: ServiceHealth, store: Store) -> None:
    health.record_failure(BadCredentials("wrong"))
    assert health.reserve().calls == 0
    health.use_new_credentials()
    assert (health.next_call_at(), health.reserve(4).calls) == (None, 4)
    assert engine_state.read(store).service == ServiceHealthState.UNTRIED


def test_a_clock_that_goes_back_does_not_keep_it_shut(health: ServiceHealth, clock: ManualClock) -> None:
    health.record_failure(Throttled("slow down", retry_after=45))
    clock.advance(hours=-3)
    health.shift_clock(timedelta(hours=3))
    assert abs(seconds_until_call(health, clock) - 45) < 1e-3


@pytest.mark.parametrize("error", [Unreachable, Throttled, AccessDenied, ServerFault, BadResponse])
def test_the_wait_that_any_answer_asks_for_is_honoured(
    health: ServiceHealth, clock: ManualClock, error: type[ApiError]
) -> None:
    health.record_failure(error("later", retry_after=300))
    assert seconds_until_call(health, clock) >= 300 - 1e-3


def test_a_calm_service_writes_nothing(health: ServiceHealth, store: Store) -> None:
    health.record_success()
    before = store.revision()
    for _ in range(10):
        health.record_success()
    assert store.revision() == before
