from __future__ import annotations

import pytest

from bwp_tui.engine.downloads.transfer_rate import MIN_BYTES_PER_S, SPEED_WINDOW_S, SlowTransferDetector, TransferRate


def test_one_reading_is_no_rate() -> None:
    assert TransferRate().add(10.0, 5_000) is None


def test_two_readings_of_one_instant_are_no_rate() -> None:
    rate = TransferRate()
    rate.add(10.0, 0)
    assert rate.add(10.0, 5_000) is None


def test_the_rate_is_that_of_the_last_three_seconds() -> None:
    rate = TransferRate()
    for second in range(20):
        rate.add(float(second), second * 1_000)
    fast = [rate.add(20.0 + second, 19_000 + (second + 1) * 50_000) for second in range(4)]
    assert fast[-1] == pytest.approx(50_000)


def test_a_download_that_starts_again_has_no_negative_rate() -> None:
    rate = TransferRate()
    rate.add(0.0, 0)
    rate.add(1.0, 900_000)
    assert rate.add(2.0, 10) is None
    assert rate.add(3.0, 110) == pytest.approx(100)


def test_a_stall_brings_the_rate_to_zero() -> None:
    rate = TransferRate()
    for second, received in enumerate([0, 1_000, 1_000, 1_000, 1_000, 1_000]):
        last = rate.add(float(second), received)
    assert last == 0


def test_a_minute_without_a_byte_is_silent_and_one_with_few_is_slow() -> None:
    trickle = SlowTransferDetector(0, 500)
    trickle.add(SPEED_WINDOW_S - 1, 500)
    assert (trickle.is_silent, trickle.is_slow) == (False, False)
    trickle.add(SPEED_WINDOW_S, 500)
    assert (trickle.is_silent, trickle.is_slow) == (True, True)
    trickle.add(2 * SPEED_WINDOW_S, 501)
    assert (trickle.is_silent, trickle.is_slow) == (False, True)
    trickle.add(3 * SPEED_WINDOW_S, 501 + int(SPEED_WINDOW_S * MIN_BYTES_PER_S))
    assert (trickle.is_silent, trickle.is_slow) == (False, False)


def test_a_download_that_begins_anew_is_not_slow_for_that() -> None:
    trickle = SlowTransferDetector(0, 1 << 30)
    trickle.add(1, 0)
    trickle.add(SPEED_WINDOW_S, 10)
    assert (trickle.is_silent, trickle.is_slow) == (False, False)
    trickle.add(1 + SPEED_WINDOW_S, 10)
    assert (trickle.is_silent, trickle.is_slow) == (False, True)
