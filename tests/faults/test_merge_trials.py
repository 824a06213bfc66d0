"""The short form of `merge_trials`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.merge_trials import trial


# The last two: sent in both copies; unconfirmed in one and asked for again in the other.
@pytest.mark.parametrize("seed", [*range(8), 10_193, 30_046])
def test_what_two_copies_record_is_kept_when_they_are_merged(tmp_path: Path, seed: int) -> None:
    assert trial(tmp_path, seed) == []
