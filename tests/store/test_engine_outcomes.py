"""The outcomes that the engine records: of intents, and of polls."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bwp_tui.domain.statuses import UNKNOWN_TASK, Status
from bwp_tui.domain.task import Kind, TaskError
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import intent_outcomes, intents, poll_responses, ready_polls
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import (
    ACTOR,
    NOW,
    SOON,
    accepted,
    answer,
    in_status,
    intent_of,
    intent_state,
    request,
    sent,
    submitted,
)

LATER = NOW + timedelta(hours=1)


# Answers to polls


def test_an_answer_that_changes_nothing_moves_only_the_poll_times(store: Store, clock: ManualClock) -> None:
    task = accepted(store)
    assert single.answered(store, task.number, answer("IN_PROGRESS", updated_at=NOW), SOON)
    before = tasks.get(store, task.number)
    lines = timeline.of_task(store, task.number)
    clock.advance(minutes=5)
    assert not single.answered(store, task.number, answer("IN_PROGRESS", updated_at=NOW), LATER)
    after = tasks.get(store, task.number)
    assert after.revision == before.revision
    assert (after.polled_at, after.next_poll_at, after.polls_unchanged) == (
        clock.now,
        LATER,
        before.polls_unchanged + 1,
    )
    assert after._replace(polled_at=None, next_poll_at=None, polls_unchanged=0) == before._replace(
        polled_at=None, next_poll_at=None, polls_unchanged=0
    )
    assert timeline.of_task(store, task.number) == lines


def test_a_new_status_is_shown_and_put_on_the_timeline_and_its_pace_begins_anew(store: Store) -> None:
    task = accepted(store, kind=Kind.DELETION)
    single.answered(store, task.number, answer("ON_HOLD"), SOON)
    assert tasks.get(store, task.number).polls_unchanged == 1
    assert single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    changed = tasks.get(store, task.number)
    assert (changed.status, changed.polls_unchanged, changed.revision) == ("IN_PROGRESS", 0, store.revision())
    event = timeline.of_task(store, task.number)[-1]
    assert (event.actor, event.what, event.before, event.after) == ("service", "status", "ON_HOLD", "IN_PROGRESS")


def test_an_end_is_kept_with_its_instant_and_its_reason_and_not_asked_about_again(store: Store) -> None:
    task = accepted(store)
    errors = (TaskError("DATA_SUBJECT_NOT_FOUND", "no such shopper"), TaskError(None, "and “more”"))
    ended = NOW - timedelta(minutes=1)
    single.answered(store, task.number, replace(answer("FAILED", updated_at=ended), errors=errors), SOON)
    failed = tasks.get(store, task.number)
    assert (failed.status, failed.errors, failed.finished_at, failed.next_poll_at) == ("FAILED", errors, ended, None)
    assert timeline.of_task(store, task.number)[-1].detail == "DATA_SUBJECT_NOT_FOUND; and “more”"
    assert ready_polls.next_at(store) is None


def test_an_end_without_an_instant_is_dated_now(store: Store, clock: ManualClock) -> None:
    task = accepted(store)
    clock.advance(days=1)
    single.answered(store, task.number, answer("COMPLETED"), SOON)
    assert tasks.get(store, task.number).finished_at == clock.now


def test_a_task_that_comes_back_to_life_has_not_ended(store: Store) -> None:
    task = in_status(store, "FAILED")
    single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    alive = tasks.get(store, task.number)
    assert (alive.status, alive.finished_at, alive.next_poll_at) == ("IN_PROGRESS", None, SOON)


def test_a_status_never_heard_of_is_kept_as_it_came_and_asked_about_on(store: Store) -> None:
    task = accepted(store)
    single.answered(store, task.number, answer("SUSPENDED"), SOON)
    assert (tasks.get(store, task.number).status, ready_polls.next_at(store)) == ("SUSPENDED", SOON)


@pytest.mark.parametrize("status", ["ON_HOLD", "IN_PROGRESS", "COMPLETED", "FAILED"])
def test_a_cancelled_task_stays_cancelled_whatever_the_service_says(store: Store, status: str) -> None:
    task = in_status(store, "CANCELLED", Kind.DELETION)
    requests.poll_now(store, [task.number])
    single.answered(store, task.number, answer(status), SOON)
    kept = tasks.get(store, task.number)
    assert (kept.status, kept.next_poll_at, kept.finished_at) == ("CANCELLED", None, task.finished_at)


def test_what_the_operator_wrote_is_not_replaced_by_what_the_service_says(store: Store) -> None:
    task = accepted(store, kind=Kind.DELETION)
    single.answered(store, task.number, answer("ON_HOLD", email="x@example.org", holding_period=99), SOON)
    kept = tasks.get(store, task.number)
    assert (kept.email, kept.holding_period) == ("jane@example.com", 10)


def test_a_task_of_the_services_own_id_that_is_for_another_email_is_warned_about(store: Store) -> None:
    task = accepted(store)
    single.answered(store, task.number, answer("COMPLETED", email="JANE@example.com"), None)
    assert tasks.get(store, task.number).trouble is None
    single.answered(store, task.number, answer("COMPLETED", email="bob@example.com"), None)
    warned = tasks.get(store, task.number)
    assert (warned.status, warned.email, warned.task_id) == ("COMPLETED", task.email, task.task_id)
    assert "is for b•••@example.com" in str(warned.trouble)
    assert "result" not in str(warned.trouble), "a deletion has none"


def test_an_answer_clears_the_trouble_before_it(store: Store) -> None:
    task = accepted(store)
    poll_responses.record_failed_polls(store, [task.number], "The service cannot be reached.", SOON)
    assert tasks.get(store, task.number).trouble == "The service cannot be reached."
    assert single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    assert tasks.get(store, task.number).trouble is None


def test_an_answer_about_no_task_changes_nothing(store: Store) -> None:
    assert not single.answered(store, 7, answer("COMPLETED"), SOON)
    poll_responses.record_unknown(store, 7, "unknown", SOON)


def test_the_same_trouble_again_is_no_change_to_see(store: Store) -> None:
    task = accepted(store)
    poll_responses.record_failed_polls(store, [task.number], "The service cannot be reached.", SOON)
    before = tasks.get(store, task.number)
    poll_responses.record_failed_polls(store, [task.number], "The service cannot be reached.", LATER)
    after = tasks.get(store, task.number)
    assert (after.revision, after.next_poll_at) == (before.revision, LATER)


# Tasks the service does not know


def test_an_adopted_task_the_service_does_not_know_is_asked_about_again(store: Store) -> None:
    task = requests.track(store, Kind.RETRIEVAL, "task-9", request(), ACTOR)
    poll_responses.record_unknown(store, task.number, "no such task", SOON)
    unknown = tasks.get(store, task.number)
    assert (unknown.status, unknown.finished_at, unknown.next_poll_at) == ("QUEUED", None, SOON)
    assert unknown.trouble == "no such task"


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        ([0], "IN_PROGRESS"),
        ([0, 1, 2, 3], "IN_PROGRESS"),  # often, but within a day
        ([0, 30], "IN_PROGRESS"),  # over a day, but twice
        ([0, 12, 24], "MISSING"),
    ],
)
def test_a_task_once_known_is_missing_only_after_several_answers_over_a_day(
    store: Store, clock: ManualClock, hours: list[int], status: str
) -> None:
    task = accepted(store)
    for hour in hours:
        clock.now = NOW + timedelta(hours=hour)
        poll_responses.record_unknown(store, task.number, "no such task", clock.now + timedelta(hours=1))
    known = tasks.get(store, task.number)
    assert known.status == status
    assert (known.next_poll_at is None) == (status == "MISSING")


def test_one_answer_between_begins_the_count_anew(store: Store, clock: ManualClock) -> None:
    task = accepted(store)
    for _ in range(2):
        poll_responses.record_unknown(store, task.number, "no such task", SOON)
    clock.advance(days=2)
    single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    poll_responses.record_unknown(store, task.number, "no such task", SOON)
    assert tasks.get(store, task.number).status == "IN_PROGRESS"


@pytest.mark.parametrize("status", ["CANCELLED", "COMPLETED", "FAILED", "MISSING"])
def test_what_has_ended_stays_as_it_ended_when_the_service_forgets_it(
    store: Store, clock: ManualClock, status: str
) -> None:
    task = in_status(store, status, Kind.DELETION)
    for _ in range(4):
        clock.advance(days=1)
        requests.poll_now(store, [task.number])
        poll_responses.record_failed_polls(store, [task.number], "The service failed.", clock.now)
        poll_responses.record_unknown(store, task.number, "no such task", clock.now)
        assert ready_polls.ready(store, clock.now, 5) == []
    known = tasks.get(store, task.number)
    assert (known.status, known.trouble) == (status, "no such task")


def test_a_task_that_the_service_does_not_know_is_trouble_only_for_its_cancellation(store: Store) -> None:
    task = accepted(store, kind=Kind.DELETION)
    poll_responses.record_unknown(store, task.number, UNKNOWN_TASK, SOON)
    assert intents.unfinished_work(store) is None
    requests.cancel(store, task.number, "op")
    left = intents.unfinished_work(store)
    assert left is not None
    assert (left.unsent_cancellations, left.newest_failure) == (1, f"#{task.number}: {UNKNOWN_TASK}")


# Statuses of the service that are called as those given here

_GIVEN_HERE = ["QUEUED", "REJECTED", "UNCONFIRMED", "GIVEN_UP", "CANCELLED", "MISSING"]


@pytest.mark.parametrize("status", _GIVEN_HERE)
def test_a_status_of_the_service_has_no_meaning_that_is_given_here(
    store: Store, clock: ManualClock, status: str
) -> None:
    task = accepted(store, kind=Kind.DELETION)
    single.answered(store, task.number, answer(status), SOON)
    shown = tasks.get(store, task.number)
    assert (shown.status, shown.next_poll_at, shown.finished_at) == (f"SERVICE_{status}", SOON, None)
    clock.advance(minutes=1)
    poll_responses.record_unknown(store, task.number, "a slip", SOON)
    assert tasks.get(store, task.number).task_id == "task-1"
    single.answered(store, task.number, answer("COMPLETED"), SOON)
    assert tasks.get(store, task.number).status == "COMPLETED"


# Sending


def test_an_intent_is_marked_before_it_is_sent_and_keeps_the_first_instant(store: Store, clock: ManualClock) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    clock.advance(minutes=1)
    assert intent_outcomes.record_sending(store, intent.id)
    again = intent_of(store, task.number)
    assert (again.attempts, again.first_sent_at, again.client_token) == (2, NOW, intent.client_token)


@pytest.mark.parametrize("never_sent", [True, False])
def test_an_attempt_that_never_left_leaves_nothing_unknown(store: Store, never_sent: bool) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    intent_outcomes.reschedule(store, intent.id, "no network", SOON, never_sent=never_sent)
    assert intents.ready(store, NOW, 5) == []
    (put_off,) = intents.ready(store, SOON, 5)
    assert (put_off.attempts, put_off.first_sent_at) == ((0, None) if never_sent else (1, NOW))
    assert put_off.client_token == intent.client_token
    assert (tasks.get(store, task.number).trouble, intents.next_at(store)) == ("no network", SOON)


def test_an_attempt_that_never_left_after_one_that_may_have_keeps_what_is_unknown(store: Store) -> None:
    task = submitted(store)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "timed out", NOW, never_sent=False)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "no network", NOW, never_sent=True)
    assert (intent_of(store, task.number).first_sent_at, intent_of(store, task.number).attempts) == (NOW, 2)


def test_the_same_trouble_of_an_intent_again_is_no_change_to_see(store: Store) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    for _ in range(2):
        intent_outcomes.reschedule(store, intent.id, "no network", SOON, never_sent=True)
    assert tasks.changed_since(store, store.revision() - 1) == []


def test_a_withdrawn_request_is_not_put_off(store: Store) -> None:
    task = submitted(store)
    intent = intent_of(store, task.number)
    requests.cancel(store, task.number, ACTOR)
    intent_outcomes.reschedule(store, intent.id, "no network", SOON, never_sent=True)
    assert tasks.get(store, task.number).trouble is None


@pytest.mark.parametrize(
    ("kind", "holding_period", "status"),
    [(Kind.RETRIEVAL, None, "IN_PROGRESS"), (Kind.DELETION, 10, "ON_HOLD"), (Kind.DELETION, 0, "IN_PROGRESS")],
)
def test_an_accepted_request_has_its_task_id_and_is_asked_about(
    store: Store, kind: Kind, holding_period: int | None, status: str
) -> None:
    task = requests.submit(store, request(kind, holding_period=holding_period), ACTOR)
    intent = sent(store, task.number)
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    taken = tasks.get(store, task.number)
    assert (taken.task_id, taken.status, taken.submitted_at, taken.next_poll_at) == ("task-1", status, NOW, SOON)
    assert intent_state(store, intent.id) == "done"
    event = timeline.of_task(store, task.number)[-1]
    assert (event.what, event.before, event.after, event.detail) == ("accepted", "QUEUED", status, "task-1")


@pytest.mark.parametrize("days", [-9, 9])
def test_an_accepted_request_that_was_tracked_meanwhile_is_kept_once_with_the_earlier_due_date(
    store: Store, days: int
) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    asked = request()._replace(received_on=task.received_on + timedelta(days=days))
    by_hand = requests.track(store, Kind.RETRIEVAL, "task-1", asked, ACTOR)
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    found = tasks.find_by_name(store, "task-1")
    assert (found.number, found.status, found.next_poll_at) == (task.number, "IN_PROGRESS", SOON)
    assert (found.received_on, found.due_on) == min(
        ((row.received_on, row.due_on) for row in (task, by_hand)), key=lambda dates: dates[1] or date.max
    )
    with pytest.raises(NoSuchTask):
        tasks.get(store, by_hand.number)


def test_the_same_acceptance_twice_is_one(store: Store) -> None:
    """Two engines, one of them thought dead, send the same client token and get the same task id."""
    task = submitted(store)
    intent = sent(store, task.number)
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    once = tasks.get(store, task.number)
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    assert tasks.get(store, task.number) == once


def test_a_task_id_that_comes_late_is_not_lost(store: Store) -> None:
    task = in_status(store, "UNCONFIRMED")
    ((intent,),) = store.rows("SELECT id FROM intents")
    assert isinstance(intent, int)
    intent_outcomes.record_accepted(store, intent, "task-1", SOON)
    taken = tasks.get(store, task.number)
    assert (taken.task_id, taken.status, taken.next_poll_at) == ("task-1", "IN_PROGRESS", SOON)
    assert timeline.of_task(store, task.number)[-1].before == "UNCONFIRMED"


@pytest.mark.parametrize(("kind", "email"), [(Kind.RETRIEVAL, "ann@example.com"), (Kind.DELETION, "jane@example.com")])
def test_a_task_id_that_is_anothers_ends_no_request(store: Store, kind: Kind, email: str) -> None:
    other = accepted(store, "task-1", kind, email)
    task = submitted(store)
    intent_outcomes.record_accepted(store, sent(store, task.number).id, "task-1", SOON)
    doubtful = tasks.get(store, task.number)
    assert (doubtful.status, doubtful.task_id, doubtful.next_poll_at) == ("UNCONFIRMED", None, None)
    assert {"task-1", f"#{other.number}"} <= set(re.findall(r"#?[\w-]+", doubtful.trouble or ""))
    assert tasks.get(store, other.number) == other
    assert timeline.of_task(store, task.number)[-1].after == "UNCONFIRMED"


def test_a_refusal_or_a_lapse_after_the_acceptance_takes_nothing_back(store: Store) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    taken = tasks.get(store, task.number)
    intent_outcomes.record_rejected(store, intent.id, None, "not valid")
    intent_outcomes.record_unconfirmed(store, intent.id)
    intent_outcomes.record_cancel_refused(store, intent.id, "not on hold")
    assert tasks.get(store, task.number) == taken


def test_a_refused_request_is_rejected_in_the_words_of_the_service(store: Store) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    intent_outcomes.reschedule(store, intent.id, "no network", NOW, never_sent=True)
    intent_outcomes.record_rejected(store, intent.id, "UnspecifiedError", "must match")
    refused = tasks.get(store, task.number)
    assert (refused.status, refused.errors) == ("REJECTED", (TaskError("UnspecifiedError", "must match"),))
    assert (refused.finished_at, refused.trouble, intents.next_at(store)) == (NOW, None, None)


def test_a_request_never_answered_is_left_to_an_operator(store: Store) -> None:
    task = in_status(store, "UNCONFIRMED")
    assert (task.status, task.finished_at, intents.next_at(store)) == ("UNCONFIRMED", None, None)
    assert timeline.of_task(store, task.number)[-1].what == "no answer"


# Cancelling


def test_a_cancellation_the_service_made_is_final(store: Store) -> None:
    task = in_status(store, "CANCELLED", Kind.DELETION)
    assert (task.status, task.cancel_asked, task.finished_at, task.next_poll_at) == ("CANCELLED", False, NOW, None)
    event = timeline.of_task(store, task.number)[-1]
    assert (event.what, event.before, event.after) == ("cancelled", "ON_HOLD", "CANCELLED")


def test_a_cancellation_refused_lets_the_task_go_on_and_asks_about_it_at_once(store: Store) -> None:
    task = accepted(store, kind=Kind.DELETION)
    requests.cancel(store, task.number, ACTOR)
    intent = sent(store, task.number)
    intent_outcomes.record_cancel_refused(store, intent.id, "It is IN_PROGRESS.")
    kept = tasks.get(store, task.number)
    assert (kept.status, kept.cancel_asked, kept.trouble) == ("ON_HOLD", False, "It is IN_PROGRESS.")
    assert [poll.number for poll in ready_polls.ready(store, NOW, 5)] == [task.number]
    assert requests.cancel(store, task.number, ACTOR).cancel_asked


def test_a_cancellation_that_succeeded_after_another_engine_was_refused_is_recorded(store: Store) -> None:
    task = accepted(store, kind=Kind.DELETION)
    requests.cancel(store, task.number, ACTOR)
    intent = sent(store, task.number)
    intent_outcomes.record_cancel_refused(store, intent.id, "It is cancelled.")
    intent_outcomes.record_cancelled(store, intent.id)
    assert tasks.get(store, task.number).status == "CANCELLED"


def test_a_deletion_without_a_known_hold_is_on_hold_as_the_service_does_it(store: Store) -> None:
    task = submitted(store, Kind.DELETION)
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET holding_period = NULL WHERE number = ?", (task.number,))
    intent_outcomes.record_accepted(store, sent(store, task.number).id, "task-1", SOON)
    assert tasks.get(store, task.number).status == Status.ON_HOLD
