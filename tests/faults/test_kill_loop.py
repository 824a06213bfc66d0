from __future__ import annotations

from pathlib import Path

from tests.faults.kill_loop import AT_RANDOM, EVENT_PLACES, PLACES, KillLoop

KILLS = 2 * len(PLACES)


def test_whatever_the_instant_of_a_kill_no_request_is_lost_and_none_is_sent_twice(tmp_path: Path) -> None:
    outcome = KillLoop(tmp_path, seed=7).run(KILLS)
    assert outcome.verdict.sentences == []
    assert outcome.kills.total() == KILLS
    assert outcome.acknowledged > KILLS / 2  # on a busy machine a process acknowledges less before it ends
    assert outcome.verdict.starts > KILLS / 4
    assert len([place for place in outcome.kills if place != AT_RANDOM]) >= len(PLACES) - 3, outcome.table()


def test_whatever_the_instant_of_a_kill_no_event_is_deleted_unrecorded_and_no_task_is_adopted_twice(
    tmp_path: Path,
) -> None:
    kills = 2 * len(EVENT_PLACES)
    outcome = KillLoop(tmp_path, seed=7, with_events=True).run(kills)
    assert outcome.verdict.sentences == []
    assert outcome.kills.total() == kills
    assert outcome.adopted > 0
    assert outcome.events > outcome.adopted
