"""What was asked of the service is listed with its outcome, and never with what repeats it."""

from __future__ import annotations

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store, as_text
from bwp_tui.store.queries import intent_log
from bwp_tui.store.worklog import intent_outcomes
from tests.manual_clock import ManualClock
from tests.store.support import ACTOR, accepted, in_status, intent_of, submitted
from tests.store.support import sent as send


def token_of(store: Store, number: int) -> str:
    ((token,),) = store.rows("SELECT client_token FROM intents WHERE task = ? AND action = 'submit'", (number,))
    return as_text(token)


def test_the_newest_comes_first_and_each_has_its_outcome(store: Store, clock: ManualClock) -> None:
    done = accepted(store, kind=Kind.DELETION)
    clock.advance(hours=1)
    waiting = submitted(store, email="b@example.com")
    clock.advance(hours=1)
    requests.cancel(store, done.number, ACTOR)
    cancel = send(store, done.number)
    clock.advance(minutes=1)
    intent_outcomes.record_cancel_refused(store, cancel.id, "too late")
    found = intent_log.newest(store, 10)
    assert [(one.task_number, one.action, one.state, one.attempts) for one in found] == [
        (done.number, "cancel", "refused", 1),
        (waiting.number, "submit", "waiting", 0),
        (done.number, "submit", "done", 1),
    ]
    assert [one.outcome_event for one in found] == [
        ("cancellation refused", "too late"),
        (None, None),
        ("accepted", "task-1"),
    ]
    assert [one.next_at is not None for one in found] == [False, True, False]
    assert [one.id for one in intent_log.of_task(store, done.number)] == [found[2].id, found[0].id]
    assert list(intent_log.intent_ids(store)) == [one.id for one in found]
    assert intent_log.by_ids(store, [found[1].id, 999]) == [found[1]]
    assert len(intent_log.newest(store, 2)) == 2


def test_of_a_client_token_no_more_is_given_than_its_start(store: Store) -> None:
    task = submitted(store)
    (one,) = intent_log.of_task(store, task.number)
    token = token_of(store, task.number)
    assert one.client_token_start == token[:8]
    assert token not in repr(one)


def test_a_refusal_and_a_withdrawal_are_told_as_such(store: Store) -> None:
    refused = in_status(store, Status.REJECTED)
    withdrawn = submitted(store, email="b@example.com")
    assert intent_of(store, withdrawn.number).attempts == 0
    requests.cancel(store, withdrawn.number, ACTOR)
    (first,) = intent_log.of_task(store, refused.number)
    (second,) = intent_log.of_task(store, withdrawn.number)
    assert (first.state, first.outcome_event) == ("refused", ("refused", "not valid"))
    assert (second.state, second.outcome_event) == ("withdrawn", ("cancelled unsent", None))


def test_what_the_log_shows_of_an_outcome_finds_it(store: Store) -> None:
    done = accepted(store, kind=Kind.DELETION)
    requests.cancel(store, done.number, ACTOR)
    intent_outcomes.record_cancel_refused(store, send(store, done.number).id, "too late")
    withdrawn = submitted(store, email="b@example.com")
    requests.cancel(store, withdrawn.number, ACTOR)
    for sent in intent_log.newest(store, 10):
        event, detail = sent.outcome_event
        words = (f"#{sent.task_number}", sent.action, sent.state, *(event or "").split(), *(detail or "").split())
        assert list(intent_log.intent_ids(store, words)) == [sent.id], words
