"""What an operator decides about a request whose outcome nobody knows."""

from __future__ import annotations

import pytest

from bwp_tui.actions.decision_operations import DECLINE
from bwp_tui.actions.service_operations import CANCEL
from bwp_tui.cli.support.task_output import display_context
from bwp_tui.console.presentation.task_detail import fact_lines
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import stamp
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.commands.request_validation import BadRequest, Reason
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, intent_outcomes, intents, poll_responses, ready_polls
from tests.store import single
from tests.store.support import (
    ACTOR,
    NOW,
    SOON,
    TODAY,
    accepted,
    answer,
    in_status,
    intent_of,
    request,
    sent,
    submitted,
)

ID = "3556a10a-0000-4000-8000-000000000001"


def unconfirmed(store: Store) -> int:
    return in_status(store, "UNCONFIRMED", Kind.DELETION).number


def what_happened(store: Store, number: int) -> list[tuple[str, str | None, str | None]]:
    return [(event.what, event.before, event.after) for event in timeline.of_task(store, number)]


def test_what_was_known_is_on_the_timeline_of_an_unconfirmed_request(store: Store) -> None:
    task = submitted(store)
    for _ in range(3):
        intent_outcomes.reschedule(store, sent(store, task.number).id, "timed out", NOW, never_sent=False)
    intent_outcomes.record_unconfirmed(store, intent_of(store, task.number).id)
    event = timeline.of_task(store, task.number)[-1]
    assert event.detail == f"tried 3 times, first at {stamp(NOW)}, no response while its client token was valid"
    assert event.actor == timeline.PROGRAM, "the service said nothing"
    trouble = tasks.get(store, task.number).trouble or ""
    assert intent_outcomes.NO_RESPONSE_REASON in trouble.lower(), "not the last call's: it is not sent again"


def test_the_advice_on_an_unconfirmed_request_is_not_that_of_the_code_it_was_refused_with(store: Store) -> None:
    task = submitted(store)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "timed out", NOW, never_sent=False)
    intent_outcomes.record_rejected(store, sent(store, task.number).id, "ORDERS_NOT_CLOSED", "open orders")
    refused = tasks.get(store, task.number)
    advice = advice_for(refused, refused.errors[0].code, str) or ""
    assert (refused.status, "(enter_task_id)" in advice) == ("UNCONFIRMED", True)


def test_an_entered_task_id_is_taken_onto_the_very_request_and_asked_about_at_once(store: Store) -> None:
    number = unconfirmed(store)
    decisions.enter_task_id(store, number, ID, ACTOR)
    task = tasks.get(store, number)
    assert (task.task_id, task.status, task.next_poll_at, task.email) == (ID, "QUEUED", NOW, "jane@example.com")
    assert [poll.number for poll in ready_polls.ready(store, NOW, 5)] == [number]
    single.answered(store, number, answer("ON_HOLD", email="Jane@Example.com", holding_period=7), SOON)
    held = tasks.get(store, number)
    assert (held.status, held.holding_period) == ("ON_HOLD", 7), "another copy may have sent it with another hold"
    assert what_happened(store, number)[-2:] == [
        ("tracked", "UNCONFIRMED", "QUEUED"),
        ("status", "QUEUED", "ON_HOLD"),
    ]


def test_a_task_id_that_the_service_does_not_know_is_taken_off_again(store: Store) -> None:
    number = unconfirmed(store)
    decisions.enter_task_id(store, number, ID, ACTOR)
    poll_responses.record_unknown(store, number, "no such task", SOON)
    task = tasks.get(store, number)
    assert (task.task_id, task.status, task.next_poll_at) == (None, "UNCONFIRMED", None)
    assert task.trouble == f"{ID} is not the id of this request: the service does not know it."
    assert what_happened(store, number)[-1] == ("disowned", "QUEUED", "UNCONFIRMED")
    assert decisions.enter_task_id(store, number, ID, ACTOR).task_id == ID


def test_a_task_id_of_another_shopper_is_taken_off_again(store: Store) -> None:
    number = unconfirmed(store)
    decisions.enter_task_id(store, number, ID, ACTOR)
    assert single.answered(store, number, answer("COMPLETED", email="eve@example.com"), SOON)
    task = tasks.get(store, number)
    assert (task.task_id, task.status, task.email) == (None, "UNCONFIRMED", "jane@example.com")
    assert "another email" in (task.trouble or "")


def test_a_mistyped_id_can_be_corrected_before_the_service_has_confirmed_it(store: Store) -> None:
    number = unconfirmed(store)
    decisions.enter_task_id(store, number, "wrong-task-id", ACTOR)
    poll_responses.record_failed_polls(store, [number], "denied", SOON)
    assert decisions.enter_task_id(store, number, ID, ACTOR).task_id == ID


def test_the_address_of_a_request_in_the_ordinary_way_is_not_compared(store: Store) -> None:
    task = accepted(store)
    single.answered(store, task.number, answer("COMPLETED", email="someone@example.org"), SOON)
    assert tasks.get(store, task.number).status == "COMPLETED"


@pytest.mark.parametrize("task_id", ["", "abc", "a b c d", ID[:8], "x" * 129, "id\x1b[2J"])
def test_what_is_no_task_id_is_not_entered(store: Store, task_id: str) -> None:
    number = unconfirmed(store)
    with pytest.raises(BadRequest) as caught:
        decisions.enter_task_id(store, number, task_id, ACTOR)
    assert caught.value.field == "task_id"
    assert str(caught.value).isprintable()
    assert tasks.get(store, number).task_id is None


def test_a_task_id_that_the_history_holds_is_not_entered_twice(store: Store) -> None:
    accepted(store, ID)
    number = unconfirmed(store)
    with pytest.raises(NotPossible, match="already, as #1"):
        decisions.enter_task_id(store, number, ID, ACTOR)


@pytest.mark.parametrize("status", ["QUEUED", "ON_HOLD", "COMPLETED", "FAILED", "REJECTED", "CANCELLED", "MISSING"])
def test_what_is_not_in_doubt_is_neither_given_an_id_nor_given_up(store: Store, status: str) -> None:
    number = in_status(store, status, Kind.DELETION).number
    before = store.revision()
    with pytest.raises(NotPossible, match=f"is {status}"):
        decisions.enter_task_id(store, number, ID, ACTOR)
    with pytest.raises(NotPossible, match=f"is {status}"):
        decisions.give_up(store, number, "why", ACTOR)
    assert store.revision() == before


def test_what_is_given_up_has_ended_and_keeps_its_reason(store: Store) -> None:
    number = unconfirmed(store)
    decisions.give_up(store, number, "shopper\nwithdrew", ACTOR)
    task = tasks.get(store, number)
    assert (task.status, task.finished_at, intents.next_at(store)) == ("GIVEN_UP", NOW, None)
    event = timeline.of_task(store, number)[-1]
    assert (event.what, event.actor, event.detail) == ("given up", ACTOR, "shopper withdrew")
    assert store.row("SELECT terminal, open FROM tasks") == (1, 1), "the shopper still needs an answer"


def test_nothing_is_given_up_without_a_reason(store: Store) -> None:
    number = unconfirmed(store)
    with pytest.raises(BadRequest):
        decisions.give_up(store, number, " \n", ACTOR)
    assert tasks.get(store, number).status == "UNCONFIRMED"


def test_what_was_given_up_can_be_taken_up_again(store: Store) -> None:
    first, second = unconfirmed(store), unconfirmed(store)
    for number in (first, second):
        decisions.give_up(store, number, "no answer", ACTOR)
    decisions.enter_task_id(store, first, ID, ACTOR)
    assert store.row("SELECT status, terminal, finished_at FROM tasks WHERE number = ?", (first,)) == (
        "QUEUED",
        0,
        None,
    )
    assert requests.resubmit(store, second, ACTOR).resubmit_of == second


def test_a_tracked_task_that_nobody_knows_is_corrected_or_given_up(store: Store) -> None:
    task = requests.track(store, Kind.RETRIEVAL, ID, request(email=""), ACTOR)
    with pytest.raises(NotPossible, match="is QUEUED"):
        decisions.give_up(store, task.number, "not asked about yet", ACTOR)
    poll_responses.record_unknown(store, task.number, "no such task", SOON)
    assert decisions.enter_task_id(store, task.number, f"{ID}-2", ACTOR).task_id == f"{ID}-2"
    poll_responses.record_unknown(store, task.number, "no such task", SOON)
    assert decisions.give_up(store, task.number, "a typo", ACTOR).status == "GIVEN_UP"


# Refusals behind a try without an answer


@pytest.mark.parametrize(
    ("tries", "status"), [(1, "CANCELLED"), (2, "CANCELLED"), (2, "IN_PROGRESS"), (2, "COMPLETED")]
)
def test_a_refused_cancellation_hides_not_that_an_earlier_one_may_have_worked(
    store: Store, tries: int, status: str
) -> None:
    task = accepted(store, kind=Kind.DELETION)
    requests.cancel(store, task.number, ACTOR)
    for _ in range(tries - 1):
        intent_outcomes.reschedule(store, sent(store, task.number).id, "timed out", NOW, never_sent=False)
    intent_outcomes.record_cancel_refused(store, sent(store, task.number).id, f"It is {status}.")
    doubt = (
        ""
        if tries == 1 or status != "CANCELLED"
        else " An earlier attempt had no response: it may have been cancelled."
    )
    kept = tasks.get(store, task.number)
    assert (kept.status, kept.trouble) == ("ON_HOLD", f"It is {status}.{doubt}")
    assert timeline.of_task(store, task.number)[-1].detail == kept.trouble
    assert intents.unfinished_work(store) is None, "no poll has failed"


@pytest.mark.parametrize("never_sent", [True, False])
def test_a_refused_request_hides_not_that_an_earlier_try_may_have_started_it(store: Store, never_sent: bool) -> None:
    task = submitted(store)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "no network", NOW, never_sent=never_sent)
    intent_outcomes.record_rejected(store, sent(store, task.number).id, None, "not valid")
    detail = timeline.of_task(store, task.number)[-1].detail or ""
    assert ("may have been started" in detail) is not never_sent


def test_without_a_task_id_nothing_is_ever_due(store: Store) -> None:
    """A merge may take the task id of a row that waited for a poll and a download."""
    number = in_status(store, "COMPLETED").number
    requests.download(store, number, "/srv", ACTOR)
    store.rows("UPDATE tasks SET status = 'UNCONFIRMED', terminal = 0, next_poll_at = recorded_at")
    assert ready_polls.next_at(store) is not None
    assert downloads.next_at(store) is not None
    store.rows("UPDATE tasks SET task_id = NULL")
    assert (ready_polls.next_at(store), ready_polls.ready(store, SOON, 9)) == (None, [])
    assert (downloads.next_at(store), downloads.ready(store, SOON, 9)) == (None, [])


def test_the_question_before_a_resubmission_is_cancelled_names_the_original_that_may_run(store: Store) -> None:
    number = unconfirmed(store)
    again = requests.resubmit(store, number, ACTOR)
    questions = CANCEL.question(again, again.name), DECLINE.confirmation(again, {})
    assert all(f"#{number}" in question for question in questions)
    assert f"#{number}" not in CANCEL.question(tasks.get(store, number), again.name)


def test_what_may_run_is_not_cancelled_before_its_task_id_is_known(store: Store) -> None:
    task = tasks.get(store, unconfirmed(store))
    at_once = task._replace(holding_period=0)
    assert at_once.is_sent_unconfirmed
    from_older_copy = at_once._replace(is_sent_unconfirmed=False)
    cases = ((task, "of unknown task id"), (at_once, "sent without a hold"), (from_older_copy, "of unknown task id"))
    for each, short in cases:
        reason = requests.cannot_cancel(each)
        assert isinstance(reason, Reason)
        assert reason.short == short


def test_no_answer_is_awaited_of_a_request_that_was_resubmitted(store: Store) -> None:
    number = unconfirmed(store)

    def labels() -> set[str]:
        return {str(line[0][0]).strip() for line in fact_lines(tasks.get(store, number), context, complete=True)}

    context = display_context(tasks.get(store, number), NOW, TODAY, unmask=False, read_only=False)
    assert "Answered" in labels()
    requests.resubmit(store, number, ACTOR)
    assert "Answered" not in labels()
