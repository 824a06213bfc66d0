from __future__ import annotations

import itertools

import pytest

from bwp_tui.engine.resilience.rate_limiter import LOWEST_RATE, RateLimiter
from tests.engine.test_circuit_breaker import Seconds


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limiter(seconds: Seconds) -> RateLimiter:
    return RateLimiter(seconds)


def send(limiter: RateLimiter, seconds: Seconds, rate: float, length: float) -> None:
    for _ in range(round(rate * length)):
        limiter.record_start()
        seconds.now += 1 / rate


def sent_within(limiter: RateLimiter, seconds: Seconds, length: float) -> int:
    """How many requests go out, when as many as possible do."""
    end, sent = seconds.now + length, 0
    while seconds.now < end:
        if limiter.available(1):
            limiter.record_start()
            sent += 1
        else:
            seconds.now += limiter.seconds_until_ready()
    return sent


def test_nothing_is_bounded_before_the_service_asks_for_it(limiter: RateLimiter) -> None:
    for _ in range(1_000):
        limiter.record_start()
    assert (limiter.available(50), limiter.rate, limiter.seconds_until_ready()) == (50, None, 0)
    limiter.record_success()
    assert limiter.rate is None


@pytest.mark.parametrize(("rate", "halved"), [(20, 10), (4, 2), (0.8, 0.5), (0.1, 0.5)])
def test_throttling_halves_what_went_out_and_leaves_something(
    limiter: RateLimiter, seconds: Seconds, rate: float, halved: float
) -> None:
    send(limiter, seconds, rate, 20)
    limiter.record_throttled()
    assert limiter.rate == pytest.approx(halved, rel=0.15)


def test_throttling_again_and_again_ends_at_the_slowest(limiter: RateLimiter, seconds: Seconds) -> None:
    send(limiter, seconds, 30, 10)
    for _ in range(20):
        limiter.record_throttled()
    assert limiter.rate == LOWEST_RATE
    assert limiter.seconds_until_ready() == pytest.approx(2)


def test_a_burst_is_measured_over_a_second_at_least(limiter: RateLimiter) -> None:
    for _ in range(6):
        limiter.record_start()
    limiter.record_throttled()
    assert limiter.rate == 3


def test_no_more_goes_out_than_the_rate(limiter: RateLimiter, seconds: Seconds) -> None:
    send(limiter, seconds, 8, 10)
    limiter.record_throttled()
    assert 38 <= sent_within(limiter, seconds, 10) <= 44
    seconds.now += 3_600
    assert limiter.available(100) <= 4, "an hour of silence saves up no storm"


def test_one_that_there_was_no_room_for_is_made_up_for(limiter: RateLimiter, seconds: Seconds) -> None:
    send(limiter, seconds, 4, 10)
    limiter.record_throttled()
    for _ in range(6):
        limiter.record_start()
    assert limiter.seconds_until_ready() == pytest.approx(3.5)


def test_answers_raise_the_rate_step_by_step_until_it_is_off(limiter: RateLimiter, seconds: Seconds) -> None:
    send(limiter, seconds, 10, 10)
    limiter.record_throttled()
    rates = []
    while limiter.rate is not None:
        rates.append(limiter.rate)
        seconds.now += limiter.seconds_until_ready()
        limiter.record_start()
        limiter.record_success()
    gains = [after - before for before, after in itertools.pairwise(rates)]
    assert 0 < min(gains) <= max(gains) < 0.2
    assert seconds.now - 110 == pytest.approx(10, abs=1), "half a request a second is gained each second"


def test_after_a_long_silence_one_answer_takes_the_bound_off(limiter: RateLimiter, seconds: Seconds) -> None:
    send(limiter, seconds, 10, 10)
    limiter.record_throttled()
    seconds.now += 300
    limiter.record_success()
    assert limiter.rate is None


def test_a_clock_that_goes_back_stops_nothing(limiter: RateLimiter, seconds: Seconds) -> None:
    send(limiter, seconds, 4, 10)
    limiter.record_throttled()
    seconds.now -= 7_200
    limiter.shift_clock(7_200)
    assert limiter.seconds_until_ready() <= 1
