from __future__ import annotations

import pytest

from bwp_tui.engine.downloads.transfer_rate import MIN_BYTES_PER_S, SPEED_WINDOW_S, SlowTransferDetector, TransferRate


def test_one_reading_is_no_rate() -> None:
    assert TransferRate().record(10.0, 5_000) is None


def test_two_readings_of_one_instant_are_no_rate() -> None:
    rate = TransferRate()
    rate.record(10.0, 0)
    assert rate.record(10.0, 5_000) is None


def test_the_rate_is_that_of_the_last_three_seconds() -> None:
    rate = TransferRate()
    for second in range(20):
        rate.record(float(second), second * 1_000)
    fast = [rate.record(20.0 + second, 19_000 + (second + 1) * 50_000) for second in range(4)]
    assert fast[-1] == pytest.approx(50_000)


def test_a_download_that_starts_again_has_no_negative_rate() -> None:
    rate = TransferRate()
    rate.record(0.0, 0)
    rate.record(1.0, 900_000)
    assert rate.record(2.0, 10) is None
    assert rate.record(3.0, 110) == pytest.approx(100)


def test_a_stall_brings_the_rate_to_zero() -> None:
    rate = TransferRate()
    for second, received in enumerate([0, 1_000, 1_000, 1_000, 1_000, 1_000]):
        last = rate.record(float(second), received)
    assert last == 0


def test_a_minute_without_a_byte_is_silent_and_one_with_few_is_slow() -> None:
    trickle = SlowTransferDetector(0, 500)
    trickle.record(SPEED_WINDOW_S - 1, 500)
    assert (trickle.is_silent, trickle.is_slow) == (False, False)
    trickle.record(SPEED_WINDOW_S, 500)
    assert (trickle.is_silent, trickle.is_slow) == (True, True)
    trickle.record(2 * SPEED_WINDOW_S, 501)
    assert (trickle.is_silent, trickle.is_slow) == (False, True)
    trickle.record(3 * SPEED_WINDOW_S, 501 + int(SPEED_WINDOW_S * MIN_BYTES_PER_S))
    assert (trickle.is_silent, trickle.is_slow) == (False, False)


def test_a_download_that_begins_anew_is_not_slow_for_that() -> None:
    trickle = SlowTransferDetector(0, 1 << 30)
    trickle.record(1, 0)
    trickle.record(SPEED_WINDOW_S, 10)
    assert (trickle.is_silent, trickle.is_slow) == (False, False)
    trickle.record(1 + SPEED_WINDOW_S, 10)
    assert (trickle.is_silent, trickle.is_slow) == (False, True)
