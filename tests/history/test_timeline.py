"""The timeline, and what the engine says of itself."""

from __future__ import annotations

import apsw
import pytest

from bwp_tui.store.database.connection import History
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Service
from tests.history import single
from tests.history.support import ACTOR, NOW, SOON, FrozenClock, submitted


def test_a_line_of_the_timeline_is_never_rewritten(history: History) -> None:
    task = submitted(history)
    lines = timeline.of_task(history, task.number)
    with pytest.raises(apsw.ConstraintError, match="append-only"), history.write() as transaction:
        transaction.run("UPDATE timeline SET actor = 'someone else'")
    assert timeline.of_task(history, task.number) == lines


def test_the_timeline_is_told_from_the_oldest_line_on_though_the_clock_went_back(
    history: History, clock: FrozenClock
) -> None:
    task = submitted(history)
    clock.forward(hours=-2)
    single.set_note(history, task.number, "VIP", "other")
    submitted(history)
    events = timeline.of_task(history, task.number)
    assert [(event.what, event.actor, event.detail) for event in events] == [
        ("recorded", ACTOR, None),
        ("note", "other", "VIP"),
    ]
    assert events[1].at < events[0].at == NOW


def test_an_engine_says_who_and_how_it_is_and_writes_nothing_while_that_stays(history: History) -> None:
    assert engine_state.read(history).service == Service.UNTRIED
    engine_state.announce(history, 4711, "host")
    engine_state.report(history, Service.UNREACHABLE, "No route.", SOON)
    before = history.revision()
    engine_state.report(history, Service.UNREACHABLE, "No route.", SOON)
    assert history.revision() == before
    said = engine_state.read(history)
    assert (said.pid, said.host, said.service, said.message) == (4711, "host", "unreachable", "No route.")
    assert said.next_try_at == SOON
    engine_state.announce(history, None, None)
    assert engine_state.read(history).pid is None
