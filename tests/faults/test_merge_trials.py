"""The short form of `merge_trials`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.merge_trials import CLOCK, DISPUTES, HOLD, ONE, trial


# The last eleven: sent in both copies; unconfirmed in one and asked for again in the other; adopted in one and merged
# with its request in the other; recorded in one and adopted in the other, which lacked it;
# adopted and ended in the older row; declined in one and resubmitted in the other;
# declined and appealed in one, and sent again by the other's engine; resubmitted from other numbers; a reply undone;
# a correction undone in an adopted row, and a declined request with another row, that became one with their requests.
@pytest.mark.parametrize(
    "seed", [*range(8), 10_193, 30_046, 301, 306, 88_034, 88_142, 99_070, 99_108, 120_192, 16, 1114]
)
def test_what_two_copies_record_is_kept_when_they_are_merged(tmp_path: Path, seed: int) -> None:
    assert trial(tmp_path, seed) == []


@pytest.mark.parametrize("seed", [6, 28, 64, 66, 81, 126, 88_079, 99_033])
def test_what_two_copies_decide_otherwise_leaves_the_request_open_or_is_marked(tmp_path: Path, seed: int) -> None:
    assert trial(tmp_path, seed, DISPUTES) == []


@pytest.mark.parametrize("seed", [1001, 1005, 1021, 1052, 5045])
def test_what_two_copies_decide_on_a_deletion_on_hold_is_kept_or_marked(tmp_path: Path, seed: int) -> None:
    assert trial(tmp_path, seed, HOLD) == []


@pytest.mark.parametrize("seed", [1, 4, 115, 1003, 1017])
def test_the_clock_that_two_copies_stopped_does_not_run_longer_than_in_either(tmp_path: Path, seed: int) -> None:
    assert trial(tmp_path, seed, CLOCK) == []


@pytest.mark.parametrize("seed", [2, 5, 12, 41, 219])
def test_what_two_copies_record_of_one_request_is_marked(tmp_path: Path, seed: int) -> None:
    assert trial(tmp_path, seed, ONE) == []
