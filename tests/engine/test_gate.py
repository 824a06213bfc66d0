from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadAnswer,
    BadCredentials,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.engine.gate import Gate
from bwp_tui.history import engine_state
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import Service
from tests.engine.shop import ManualClock


@pytest.fixture
def history(clock: ManualClock, tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.db", clock=clock)
    yield history
    history.close()


@pytest.fixture
def gate(history: History) -> Gate:
    return Gate(history, random.Random(1))


def seconds_shut(gate: Gate, clock: ManualClock) -> float:
    opens_at = gate.opens_at()
    return 0.0 if opens_at is None else (opens_at - clock.now).total_seconds()


def test_it_stays_shut_longer_with_each_failure_up_to_a_minute(gate: Gate, clock: ManualClock) -> None:
    shut = []
    for _ in range(40):
        gate.failed(Unreachable("gone"))
        shut.append(seconds_shut(gate, clock))
        assert gate.troubled
        clock.advance(timedelta(seconds=61))
        assert gate.opens_at() is None
    assert shut[0] <= 1
    assert 30 < max(shut) <= 60


def test_failures_of_one_burst_count_as_one(gate: Gate, clock: ManualClock) -> None:
    for _ in range(20):
        gate.failed(Unreachable("gone"))
    assert seconds_shut(gate, clock) <= 1


def test_a_later_failure_does_not_open_it_earlier(gate: Gate, clock: ManualClock) -> None:
    gate.failed(Throttled("slow down", retry_after=45))
    gate.failed(Unreachable("gone"))
    assert seconds_shut(gate, clock) == 45


def test_an_answer_to_a_call_from_before_does_not_open_it(gate: Gate, clock: ManualClock) -> None:
    gate.failed(Throttled("slow down", retry_after=45))
    gate.succeeded()
    assert seconds_shut(gate, clock) == 45


def test_an_answer_after_the_wait_ends_the_trouble(gate: Gate, clock: ManualClock, history: History) -> None:
    gate.failed(Throttled("slow down", retry_after=45))
    clock.advance(timedelta(seconds=45))
    gate.succeeded()
    assert not gate.troubled
    state = engine_state.read(history)
    assert (state.service, state.message, state.next_try_at) == (Service.REACHED, None, None)


def test_a_denial_is_waited_on_for_long(gate: Gate, clock: ManualClock) -> None:
    gate.failed(AccessDenied("no"))
    assert seconds_shut(gate, clock) >= 15


def test_wrong_credentials_shut_it_for_good(gate: Gate, clock: ManualClock, history: History) -> None:
    gate.failed(BadCredentials("wrong"))
    gate.failed(Unreachable("gone"))
    gate.succeeded()
    clock.advance(timedelta(days=300))
    assert gate.opens_at() is not None
    assert engine_state.read(history).next_try_at is None


@pytest.mark.parametrize(
    ("error", "service"),
    [
        (Unreachable("u"), Service.UNREACHABLE),
        (Throttled("t"), Service.THROTTLED),
        (AccessDenied("d"), Service.DENIED),
        (BadCredentials("c"), Service.BAD_CREDENTIALS),
        (ServerFault("f"), Service.FAULTY),
        (BadAnswer("b"), Service.FAULTY),
    ],
)
def test_every_console_can_read_what_is_wrong(gate: Gate, history: History, error: ApiError, service: Service) -> None:
    gate.failed(error)
    state = engine_state.read(history)
    assert (state.service, state.message) == (service, str(error))


def test_a_calm_service_writes_nothing(gate: Gate, history: History) -> None:
    gate.succeeded()
    before = history.revision()
    for _ in range(10):
        gate.succeeded()
    assert history.revision() == before
