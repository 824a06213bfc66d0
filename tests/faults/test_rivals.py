from __future__ import annotations

from pathlib import Path

from tests.faults.rivals import FEWEST_TAKE_OVERS, LATE_S, SILENT_S, TAKE_OVER_S, Call, RivalRun, Term, overlaps

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


def _call(engine: int, at: float) -> Call:
    return Call(engine, (f"{engine} {at}",), is_poll=True, started_at=at, ended_at=at)


def test_an_engine_that_became_it_again_worked_in_its_own_terms() -> None:
    terms = [Term(1, 1, 0.0), Term(2, 2, 10.0), Term(3, 1, 20.0)]
    calls = [_call(1, 5.0), _call(2, 15.0), _call(1, 25.0)]
    assert overlaps(calls, {}, terms) == (0, [])


def test_an_engine_that_goes_on_after_its_term_is_a_second_one_unless_it_soon_ends() -> None:
    terms = [Term(1, 1, 0.0), Term(2, 2, 10.0)]
    assert overlaps([_call(2, 11.0), _call(1, 12.0), _call(1, 12.5)], {}, terms) == (2, [])
    late, (sentence,) = overlaps([_call(1, 12.0), _call(2, 13.0), _call(1, 12.0 + LATE_S)], {}, terms)
    assert (late, "engine 1 called 2 times" in sentence) == (2, True)
    assert len(overlaps([_call(3, 1.0)], {}, terms)[1]) == 1
