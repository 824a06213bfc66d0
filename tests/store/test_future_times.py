"""What is recorded of time, and what becomes of it when a clock goes back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.times import Uptime, parse_instant
from bwp_tui.store.commands import requests
from bwp_tui.store.database import future_times
from bwp_tui.store.database.connection import Store, as_text
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, engine_state, intent_outcomes, intents, poll_responses
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, accepted, answer, in_status, intent_of, sent, submitted


def test_the_newest_instant_stays_when_the_clock_goes_back(store: Store, clock: ManualClock) -> None:
    assert future_times.newest_entry_at(store) is None
    submitted(store)
    clock.advance(hours=-3)
    submitted(store)
    assert future_times.newest_entry_at(store) == NOW


def test_what_is_due_comes_as_much_nearer_and_what_is_due_now_stays(store: Store, clock: ManualClock) -> None:
    task, now = accepted(store), submitted(store)
    waiting = submitted(store)
    intent_outcomes.reschedule(store, sent(store, waiting.number).id, "later", SOON, never_sent=True)
    done = in_status(store, "COMPLETED", task_id="task-2")
    requests.download(store, done.number, "/srv", ACTOR)
    (order,) = downloads.ready(store, NOW, 5)
    downloads.record_start(store, order)
    downloads.reschedule(store, order, "later", SOON)
    clock.advance(hours=-3)
    future_times.correct_future_times(store, timedelta(hours=3))
    three_earlier = SOON - timedelta(hours=3)
    assert tasks.get(store, task.number).next_poll_at == three_earlier
    assert downloads.next_at(store) == three_earlier
    by_number = {intent.task_number: intent for intent in intents.ready(store, clock.now, 9)}
    assert list(by_number) == [now.number]
    assert [intent.task_number for intent in intents.ready(store, three_earlier, 9)] == [now.number, waiting.number]
    assert future_times.newest_entry_at(store) == clock.now


def test_due_times_keep_the_form_that_sorts(store: Store, clock: ManualClock) -> None:
    task = accepted(store)
    poll_responses.record_failed_polls(store, [task.number], "later", SOON + timedelta(microseconds=123_456))
    clock.advance(seconds=-90.5)
    future_times.correct_future_times(store, timedelta(seconds=90.5))
    ((text,),) = store.rows("SELECT next_poll_at FROM tasks")
    assert as_text(text) == "2026-11-20T09:17:29.623000Z"
    assert parse_instant(as_text(text)) == SOON - timedelta(seconds=90.377)


def test_the_first_attempt_is_dated_by_the_uptime_too(path: Path, clock: ManualClock) -> None:
    uptime = [Uptime("boot-1", 10.5)]
    store = open_store(path, clock=clock, uptime=lambda: uptime[0])
    task = submitted(store)
    sent(store, task.number)
    uptime[0] = Uptime("boot-2", 3.0)
    intent = sent(store, task.number)
    again = intent_of(store, task.number)
    assert (again.first_sent_boot, again.first_sent_uptime, again.attempts) == ("boot-1", 10.5, 2)
    assert intents.submissions_without_response(store) == [again]
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    assert intents.submissions_without_response(store) == []
    store.close()


def test_an_attempt_that_never_left_is_dated_anew_when_it_does(path: Path, clock: ManualClock) -> None:
    uptime = [Uptime("boot-1", 10.5)]
    store = open_store(path, clock=clock, uptime=lambda: uptime[0])
    task = submitted(store)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "no network", NOW, never_sent=True)
    uptime[0] = Uptime("boot-2", 3.0)
    sent(store, task.number)
    assert intent_of(store, task.number).first_sent_boot == "boot-2"
    store.close()


def test_a_transaction_within_another_is_a_part_of_it(store: Store) -> None:
    task = accepted(store)
    before = store.revision()
    with store.write() as outer:
        single.answered(store, task.number, answer("COMPLETED"), None)
        single.set_note(store, task.number, "seen", ACTOR)
    assert store.revision() == before + 1 == outer.revision == tasks.get(store, task.number).revision


def test_what_is_raised_around_a_transaction_undoes_those_within(store: Store) -> None:
    task = accepted(store)

    def fail_around() -> None:
        with store.write():
            single.answered(store, task.number, answer("COMPLETED"), None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_around()
    assert tasks.get(store, task.number) == task
    submitted(store)


def test_a_bound_on_requests_is_told_until_it_is_taken_off(store: Store) -> None:
    engine_state.record_health(store, ServiceHealthState.THROTTLED, "slowly", None, 2)
    assert engine_state.read(store).rate_limit == 2
    before = store.revision()
    engine_state.record_health(store, ServiceHealthState.THROTTLED, "slowly", None, 2)
    assert store.revision() == before
    engine_state.record_health(store, ServiceHealthState.THROTTLED, "slowly", None, 4)
    assert engine_state.read(store).rate_limit == 4
    engine_state.record_new_term(store, 1, "here")
    assert engine_state.read(store).rate_limit is None
