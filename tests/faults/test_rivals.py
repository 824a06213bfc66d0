from __future__ import annotations

from pathlib import Path

from tests.faults.rivals import FEWEST_TAKE_OVERS, SILENT_S, TAKE_OVER_S, RivalRun

SECONDS = 10.0


def test_of_engines_that_fight_die_and_stand_still_one_works_at_a_time_and_another_takes_over_soon(
    tmp_path: Path,
) -> None:
    outcome = RivalRun(tmp_path, seed=5).run(SECONDS)
    print(outcome.table())
    assert outcome.overlaps == []
    assert outcome.verdict.sentences == []
    assert max(outcome.take_overs) <= TAKE_OVER_S
    assert len(outcome.take_overs) >= FEWEST_TAKE_OVERS
    assert len(outcome.supersessions) >= 1
    assert max(outcome.supersessions) <= SILENT_S + TAKE_OVER_S
    assert outcome.polls > 0
