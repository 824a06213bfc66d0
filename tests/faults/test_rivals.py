from __future__ import annotations

from pathlib import Path

from tests.faults.rivals import TAKE_OVER_S, Fight

SECONDS = 6.0


def test_of_engines_that_fight_and_die_one_works_at_a_time_and_another_takes_over_within_five_seconds(
    tmp_path: Path,
) -> None:
    outcome = Fight(tmp_path, seed=5).run(SECONDS)
    print(outcome.table())
    assert outcome.trespasses == []
    assert outcome.verdict.sentences == []
    assert max(outcome.take_overs) <= TAKE_OVER_S
    assert len(outcome.take_overs) >= 3
    assert outcome.polls > 0
