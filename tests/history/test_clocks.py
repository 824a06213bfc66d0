"""What is recorded of time, and what becomes of it when a clock goes back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.times import from_text
from bwp_tui.domain.uptime import Uptime
from bwp_tui.store.commands import requests
from bwp_tui.store.database import clock_correction
from bwp_tui.store.database.connection import History, as_text
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, engine_state, intent_outcomes, intents, poll_answers
from bwp_tui.store.worklog.engine_state import Service
from tests.history import single
from tests.history.support import ACTOR, NOW, SOON, FrozenClock, accepted, answer, in_status, intent_of, sent, submitted


def test_the_newest_instant_stays_when_the_clock_goes_back(history: History, clock: FrozenClock) -> None:
    assert clock_correction.newest(history) is None
    submitted(history)
    clock.forward(hours=-3)
    submitted(history)
    assert clock_correction.newest(history) == NOW


def test_what_is_due_comes_as_much_nearer_and_what_is_due_now_stays(history: History, clock: FrozenClock) -> None:
    task, now = accepted(history), submitted(history)
    waiting = submitted(history)
    intent_outcomes.put_off(history, sent(history, waiting.number).id, "later", SOON, never_sent=True)
    done = in_status(history, "COMPLETED", task_id="task-2")
    requests.download(history, done.number, "/srv", ACTOR)
    (order,) = downloads.due(history, NOW, 5)
    downloads.started(history, order)
    downloads.put_off(history, order, "later", SOON)
    clock.forward(hours=-3)
    clock_correction.went_back(history, timedelta(hours=3))
    three_earlier = SOON - timedelta(hours=3)
    assert tasks.get(history, task.number).next_poll_at == three_earlier
    assert downloads.next_at(history) == three_earlier
    by_number = {intent.number: intent for intent in intents.due(history, clock.now, 9)}
    assert list(by_number) == [now.number]
    assert [intent.number for intent in intents.due(history, three_earlier, 9)] == [now.number, waiting.number]
    assert clock_correction.newest(history) == clock.now


def test_due_times_keep_the_form_that_sorts(history: History, clock: FrozenClock) -> None:
    task = accepted(history)
    poll_answers.not_answered(history, [task.number], "later", SOON + timedelta(microseconds=123_456))
    clock.forward(seconds=-90.5)
    clock_correction.went_back(history, timedelta(seconds=90.5))
    ((text,),) = history.rows("SELECT next_poll_at FROM tasks")
    assert as_text(text) == "2026-11-20T09:17:29.623000Z"
    assert from_text(as_text(text)) == SOON - timedelta(seconds=90.377)


def test_the_first_attempt_is_dated_by_the_uptime_too(path: Path, clock: FrozenClock) -> None:
    uptime = [Uptime("boot-1", 10.5)]
    history = History(path, clock=clock, uptime=lambda: uptime[0])
    task = submitted(history)
    sent(history, task.number)
    uptime[0] = Uptime("boot-2", 3.0)
    intent = sent(history, task.number)
    again = intent_of(history, task.number)
    assert (again.first_sent_boot, again.first_sent_uptime, again.attempts) == ("boot-1", 10.5, 2)
    assert intents.sent_and_waiting(history) == [again]
    intent_outcomes.accepted(history, intent.id, "task-1", SOON)
    assert intents.sent_and_waiting(history) == []
    history.close()


def test_an_attempt_that_never_left_is_dated_anew_when_it_does(path: Path, clock: FrozenClock) -> None:
    uptime = [Uptime("boot-1", 10.5)]
    history = History(path, clock=clock, uptime=lambda: uptime[0])
    task = submitted(history)
    intent_outcomes.put_off(history, sent(history, task.number).id, "no network", NOW, never_sent=True)
    uptime[0] = Uptime("boot-2", 3.0)
    sent(history, task.number)
    assert intent_of(history, task.number).first_sent_boot == "boot-2"
    history.close()


def test_a_transaction_within_another_is_a_part_of_it(history: History) -> None:
    task = accepted(history)
    before = history.revision()
    with history.write() as outer:
        single.answered(history, task.number, answer("COMPLETED"), None)
        single.set_note(history, task.number, "seen", ACTOR)
    assert history.revision() == before + 1 == outer.revision == tasks.get(history, task.number).revision


def test_what_is_raised_around_a_transaction_undoes_those_within(history: History) -> None:
    task = accepted(history)

    def fail_around() -> None:
        with history.write():
            single.answered(history, task.number, answer("COMPLETED"), None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_around()
    assert tasks.get(history, task.number) == task
    submitted(history)


def test_a_bound_on_requests_is_told_until_it_is_taken_off(history: History) -> None:
    engine_state.report(history, Service.THROTTLED, "slowly", None, 2)
    assert engine_state.read(history).most_a_second == 2
    before = history.revision()
    engine_state.report(history, Service.THROTTLED, "slowly", None, 2)
    assert history.revision() == before
    engine_state.report(history, Service.THROTTLED, "slowly", None, 4)
    assert engine_state.read(history).most_a_second == 4
    engine_state.announce(history, 1, "here")
    assert engine_state.read(history).most_a_second is None
