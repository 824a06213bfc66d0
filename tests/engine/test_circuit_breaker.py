from __future__ import annotations

import pytest

from bwp_tui.engine.resilience.circuit_breaker import CircuitBreaker


class Seconds:
    """A clock of seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def open_breaker(breaker: CircuitBreaker, seconds: float) -> bool:
    return breaker.record_failure(lambda _failures: seconds)


def test_a_host_that_is_well_takes_all_that_is_asked(seconds: Seconds) -> None:
    breaker = CircuitBreaker(seconds)
    assert [breaker.reserve(4).calls for _ in range(3)] == [4, 4, 4]
    assert not breaker.is_failing


def test_after_a_failure_nothing_begins_until_its_time_is_over(seconds: Seconds) -> None:
    breaker = CircuitBreaker(seconds)
    open_breaker(breaker, 5)
    assert (breaker.reserve(4).calls, breaker.seconds_until_retry()) == (0, 5)
    seconds.now += 5
    assert breaker.reserve(4).calls == 1


def test_a_rest_shorter_than_an_instant_can_express_is_over(seconds: Seconds) -> None:
    breaker = CircuitBreaker(seconds)
    seconds.now = 1_795_096_906.468771
    open_breaker(breaker, 2.4e-07)
    assert breaker.is_available
    assert breaker.reserve().calls == 1


def test_the_wait_grows_with_failures_in_a_row_and_a_burst_is_one(seconds: Seconds) -> None:
    breaker, counted = CircuitBreaker(seconds), []

    def delay(failures: int) -> float:
        counted.append(failures)
        return 1.0

    assert [breaker.record_failure(delay) for _ in range(3)] == [True, False, False]
    seconds.now += 1
    assert breaker.record_failure(delay)
    assert counted == [1, 1, 1, 2]


def test_a_probe_that_goes_on_for_long_holds_up_nobody_once_it_was_answered(seconds: Seconds) -> None:
    breaker = CircuitBreaker(seconds)
    open_breaker(breaker, 1)
    seconds.now += 1
    with breaker.reserve():
        assert breaker.is_probing
        assert breaker.record_success()
        assert breaker.reserve(3).calls == 3


def test_a_failed_probe_shuts_again(seconds: Seconds) -> None:
    breaker = CircuitBreaker(seconds)
    open_breaker(breaker, 1)
    seconds.now += 1
    with breaker.reserve():
        assert open_breaker(breaker, 2)
    assert breaker.reserve().calls == 0
    seconds.now += 2
    assert breaker.reserve().calls == 1


def test_a_reservation_that_failed_inside_is_given_back(seconds: Seconds) -> None:
    told: list[None] = []
    breaker = CircuitBreaker(seconds, lambda: told.append(None))
    open_breaker(breaker, 1)
    seconds.now += 1
    with pytest.raises(RuntimeError), breaker.reserve():
        raise RuntimeError
    assert breaker.reserve().calls == 1
    assert told == [None]


def test_closing_twice_gives_nothing_back_that_another_holds(seconds: Seconds) -> None:
    breaker = CircuitBreaker(seconds)
    open_breaker(breaker, 1)
    seconds.now += 1
    first = breaker.reserve()
    first.close()
    second = breaker.reserve()
    first.close()
    assert (second.calls, breaker.reserve().calls) == (1, 0)
