"""Cancellations of deletions that were sent and have no response yet: they wait for the task id."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.service_operations import RESUBMIT
from bwp_tui.cli.support.task_output import detail_lines, display_context
from bwp_tui.domain.task import Kind
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import intent_log, tasks, timeline
from bwp_tui.store.worklog import intent_outcomes, intents
from bwp_tui.store.worklog.intents import Intent
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, TODAY, answer, has_waiting_intent, request, sent, submitted

FAR = NOW + timedelta(days=1)


def early(store: Store) -> tuple[int, Intent]:
    """A deletion that was sent, has no response, and whose cancellation was asked for; and its submission."""
    number = submitted(store, Kind.DELETION).number
    submission = sent(store, number)
    requests.cancel(store, number, ACTOR)
    return number, submission


def due(store: Store) -> list[tuple[int, str, str | None]]:
    return [(intent.task_number, intent.action, intent.task_id) for intent in intents.ready(store, FAR, 10)]


def reasons(store: Store, number: int) -> list[str | None]:
    return [event.detail for event in timeline.of_task(store, number) if event.what == "cancel refused"]


def test_it_is_due_as_soon_as_the_task_id_is_known_and_not_before(store: Store) -> None:
    number, submission = early(store)
    assert due(store) == [(number, "submit", None)]
    intent_outcomes.reschedule(store, submission.id, "timed out", SOON, never_sent=False)
    assert intents.next_at(store) == SOON
    with pytest.raises(NotPossible, match="asked for already"):
        requests.cancel(store, number, ACTOR)
    intent_outcomes.record_accepted(store, submission.id, "task-1", SOON)
    assert due(store) == [(number, "cancel", "task-1")]
    assert intents.next_at(store) == NOW
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    cancelled = tasks.get(store, number)
    assert (cancelled.status, cancelled.cancel_asked) == ("CANCELLED", False)


def test_it_lapses_where_the_request_is_rejected(store: Store) -> None:
    number, submission = early(store)
    intent_outcomes.record_rejected(store, submission.id, "UnspecifiedError", "not valid")
    task = tasks.get(store, number)
    assert (task.status, task.cancel_asked) == ("REJECTED", False)
    assert not has_waiting_intent(store, number)
    (event,) = (line for line in timeline.of_task(store, number) if line.what == "cancel refused")
    assert event.actor == timeline.PROGRAM, "the service was not asked"


def test_a_request_that_was_never_sent_after_all_is_withdrawn(store: Store) -> None:
    number, submission = early(store)
    intent_outcomes.reschedule(store, submission.id, "no network", SOON, never_sent=True)
    task = tasks.get(store, number)
    assert (task.status, task.cancel_asked) == ("CANCELLED", False)
    assert not has_waiting_intent(store, number)
    assert (timeline.of_task(store, number)[-1].what, timeline.of_task(store, number)[-1].actor) == ("withdrawn", ACTOR)
    assert not intent_outcomes.record_sending(store, submission.id)


def test_it_outlasts_unconfirmed_and_trusts_a_typed_task_id_only_once_the_service_knows_it(store: Store) -> None:
    number, submission = early(store)
    intent_outcomes.record_unconfirmed(store, submission.id)
    assert tasks.get(store, number).cancel_asked
    assert due(store) == []
    assert intents.next_at(store) is None
    assert intents.unfinished_work(store) is None
    decisions.enter_task_id(store, number, "task-by-hand", ACTOR)
    assert due(store) == [], "a mistyped id would cancel another task"
    single.answered(store, number, answer("ON_HOLD"), SOON)
    assert due(store) == [(number, "cancel", "task-by-hand")]


def test_it_lapses_where_the_request_is_given_up(store: Store) -> None:
    number, submission = early(store)
    intent_outcomes.record_unconfirmed(store, submission.id)
    decisions.give_up(store, number, "no trace of it", ACTOR)
    assert not tasks.get(store, number).cancel_asked
    assert not has_waiting_intent(store, number)
    assert reasons(store, number)


def test_while_it_waits_the_request_is_not_resubmitted(store: Store) -> None:
    number, submission = early(store)
    intent_outcomes.record_unconfirmed(store, submission.id)
    with pytest.raises(NotPossible, match="cancellation"):
        requests.resubmit(store, number, ACTOR)
    plan = bulk_plan.plan(store, RESUBMIT, [number], TODAY, {})
    assert (plan.possible, plan.skipped) == ((), (("cancellation waits for the task id", 1),))
    task = tasks.get(store, number)
    shown = "\n".join(detail_lines(task, [], display_context(task, NOW, TODAY, unmask=False)))
    assert "--task-id" in shown
    assert "bwp-tui resubmit" not in shown
    decisions.give_up(store, number, "no trace of it", ACTOR)
    assert requests.resubmit(store, number, ACTOR).status == "QUEUED"


@pytest.mark.parametrize("is_cancelled_too", [False, True])
def test_it_is_sent_once_where_an_operator_tracked_the_same_task(store: Store, is_cancelled_too: bool) -> None:
    number, submission = early(store)
    twin = requests.track(store, Kind.DELETION, "task-1", request(Kind.DELETION), ACTOR).number
    single.answered(store, twin, answer("ON_HOLD", email="jane@example.com"), SOON)
    if is_cancelled_too:
        requests.cancel(store, twin, ACTOR)
    intent_outcomes.record_accepted(store, submission.id, "task-1", SOON)
    assert tasks.get(store, number).cancel_asked
    assert due(store) == [(number, "cancel", "task-1")]


def test_a_deletion_without_a_hold_cannot_be_cancelled_once_it_was_sent(store: Store) -> None:
    number = requests.submit(store, request(Kind.DELETION, holding_period=0), ACTOR).number
    sent(store, number)
    with pytest.raises(NotPossible, match="without a hold"):
        requests.cancel(store, number, ACTOR)


def test_the_log_of_requests_names_no_next_try_of_a_cancellation_that_cannot_be_sent(store: Store) -> None:
    number, submission = early(store)
    intent_outcomes.reschedule(store, submission.id, "timed out", SOON, never_sent=False)
    assert [(found.action, found.next_at) for found in intent_log.of_task(store, number)] == [
        ("submit", SOON),
        ("cancel", None),
    ]
