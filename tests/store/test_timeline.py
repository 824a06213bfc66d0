"""The timeline, and what the engine says of itself."""

from __future__ import annotations

import apsw
import pytest

from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, submitted


def test_a_line_of_the_timeline_is_never_rewritten(store: Store) -> None:
    task = submitted(store)
    lines = timeline.of_task(store, task.number)
    with pytest.raises(apsw.ConstraintError, match="append-only"), store.write() as transaction:
        transaction.run("UPDATE timeline SET actor = 'someone else'")
    assert timeline.of_task(store, task.number) == lines


def test_the_timeline_is_told_from_the_oldest_line_on_though_the_clock_went_back(
    store: Store, clock: ManualClock
) -> None:
    task = submitted(store)
    clock.advance(hours=-2)
    single.set_note(store, task.number, "VIP", "other")
    submitted(store)
    events = timeline.of_task(store, task.number)
    assert [(event.what, event.actor, event.detail) for event in events] == [
        ("recorded", ACTOR, "retrieval"),
        ("note", "other", "VIP"),
    ]
    assert events[1].at < events[0].at == NOW


def test_an_engine_says_who_and_how_it_is_and_writes_nothing_while_that_stays(store: Store) -> None:
    assert engine_state.read(store).service == ServiceHealthState.UNTRIED
    engine_state.record_new_term(store, 4711, "host")
    engine_state.record_health(store, ServiceHealthState.UNREACHABLE, "No route.", SOON)
    before = store.revision()
    engine_state.record_health(store, ServiceHealthState.UNREACHABLE, "No route.", SOON)
    assert store.revision() == before
    said = engine_state.read(store)
    assert (said.pid, said.host, said.service, said.message) == (4711, "host", "unreachable", "No route.")
    assert said.next_try_at == SOON
    engine_state.record_new_term(store, None, None)
    assert engine_state.read(store).pid is None
