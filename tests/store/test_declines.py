"""Declines: nothing is sent afterwards, a held deletion is cancelled first, and appeals have a clock of their own."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.decision_operations import APPEAL, DECLINE, is_cancelled_first
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.deadlines import latest_service_end, may_be_late, needs_answer, time_left_text
from bwp_tui.domain.filter import parse
from bwp_tui.domain.regulations import NO_REGULATION
from bwp_tui.domain.statuses import DeclineReason, Status
from bwp_tui.domain.task import Kind, Task, Verification
from bwp_tui.store.commands import answers, decisions, legal_records, requests
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import integrity, purge
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import dashboard, intent_log, tasks, timeline
from bwp_tui.store.queries.compliance_report import compliance_report
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import intent_outcomes, intents, ready_polls
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import (
    ACTOR,
    FAR,
    NOW,
    SOON,
    TODAY,
    accepted,
    answer,
    in_status,
    received,
    request,
    restored_both_ways,
    sent,
    submitted,
)

YESTERDAY = TODAY - timedelta(days=1)


def decline(store: Store, number: int, reason: str = "exempt", on: date = TODAY) -> Task:
    single.edit(store, number, lambda edit: decisions.decline(edit, reason, " told\nby email ", on), ACTOR, TODAY)
    return tasks.get(store, number)


def withdraw(store: Store, number: int) -> Task:
    single.edit(store, number, decisions.withdraw_decline, ACTOR, TODAY)
    return tasks.get(store, number)


def appeal(
    store: Store, number: int, on: date | None = None, answered: date | None = None, upheld: bool | None = None
) -> Task:
    single.edit(store, number, lambda edit: decisions.appeal(edit, on, answered, upheld), ACTOR, TODAY)
    return tasks.get(store, number)


def declined(store: Store, regulation: str = "us-co") -> Task:
    """A retrieval under a law with appeals that was declined today."""
    task = requests.submit(store, request(regulation=regulation)._replace(awaits_verification=True), ACTOR)
    return decline(store, task.number)


def is_nothing_due(store: Store) -> bool:
    return not intents.ready(store, FAR, 100) and not ready_polls.ready(store, FAR, 100)


def counts_agree(store: Store) -> bool:
    return store.rows(integrity.TASK_COUNTS) == sorted(store.rows(integrity.TALLIED_COUNTS))


@pytest.mark.parametrize("status", ["RECEIVED", "QUEUED", "FAILED", "REJECTED", "CANCELLED", "MISSING", "IN_PROGRESS"])
def test_a_declined_request_is_over_and_nothing_of_it_is_sent(store: Store, status: str) -> None:
    kind = Kind.DELETION if status == Status.CANCELLED else Kind.RETRIEVAL
    before = in_status(store, status, kind)
    task = decline(store, before.number)
    assert (task.status, task.is_final, needs_answer(task)) == (Status.DECLINED, True, False)
    assert (task.declined_on, task.decline_reason, task.decline_text) == (TODAY, "exempt", "told by email")
    assert is_nothing_due(store)
    assert intents.unfinished_work(store) is None
    event = timeline.of_task(store, task.number)[-1]
    unsent = "CANCELLED" if status == Status.QUEUED else status
    assert (event.what, event.before, event.after) == ("declined", unsent, "DECLINED")
    assert event.detail == f"on {TODAY}, exempt: told by email"
    for refused in (
        lambda: requests.resubmit(store, task.number, ACTOR),
        lambda: requests.send(store, task.number, ACTOR),
        lambda: single.answer(store, task.number, "by post", TODAY, ACTOR),
        lambda: decline(store, task.number),
    ):
        with pytest.raises(NotPossible, match=r"declined|Only a RECEIVED"):
            refused()
    assert legal_records.cannot_extend(task, TODAY)
    assert counts_agree(store)
    assert needs_answer(before) is (status != Status.CANCELLED)


def test_the_service_does_not_bring_a_declined_request_back(store: Store) -> None:
    number = decline(store, accepted(store).number).number
    single.answered(store, number, answer("COMPLETED"), SOON)
    assert tasks.get(store, number).status == Status.DECLINED
    task = tasks.get(store, number)
    assert "sent again" in (requests.cannot_resubmit(task) or ""), "a withdrawn decline may be sent, not resubmitted"
    assert "withdrawn" not in (requests.cannot_resubmit(task._replace(purged_at=NOW)) or ""), "nothing is any more"


@pytest.mark.parametrize(
    ("kind", "status", "why"),
    [
        (Kind.DELETION, "COMPLETED", "no longer declined"),
        (Kind.DELETION, "IN_PROGRESS", "cannot be cancelled, so it cannot be declined"),
        (Kind.RETRIEVAL, "UNCONFIRMED", "may have been started"),
    ],
)
def test_what_is_done_or_uncertain_is_not_declined(store: Store, kind: Kind, status: str, why: str) -> None:
    number = in_status(store, status, kind).number
    before, events = tasks.get(store, number), timeline.of_task(store, number)
    with pytest.raises(NotPossible, match=why):
        decline(store, number)
    assert (tasks.get(store, number), timeline.of_task(store, number)) == (before, events)


def test_a_retrieval_without_a_response_and_a_tracked_deletion_wait_for_it(store: Store) -> None:
    number = submitted(store).number
    sent(store, number)
    tracked = requests.track(store, Kind.DELETION, "task-12345", request(Kind.DELETION), ACTOR)
    for each in (number, tracked.number):
        with pytest.raises(NotPossible, match="has not responded"):
            decline(store, each)


@pytest.mark.parametrize("on", [YESTERDAY - timedelta(days=300), YESTERDAY])
def test_a_day_before_receipt_is_refused_and_nothing_recorded(store: Store, on: date) -> None:
    number = received(store).number
    with pytest.raises(NotPossible, match="was received on"):
        decline(store, number, on=on)
    assert tasks.get(store, number).declined_on is None
    with pytest.raises(NotPossible, match="told"):
        single.edit(store, number, lambda edit: decisions.decline(edit, "fraud", " "), ACTOR, TODAY)


def test_a_deletion_on_hold_is_declined_once_its_cancellation_is_confirmed(store: Store) -> None:
    number = accepted(store, kind=Kind.DELETION).number
    single.answered(store, number, answer("ON_HOLD", updated_at=NOW), SOON)
    task = decline(store, number)
    assert (task.status, task.cancel_asked, needs_answer(task)) == (Status.ON_HOLD, True, True)
    assert [event.what for event in timeline.of_task(store, task.number)][-2:] == ["decline asked", "cancel asked"]
    for reason in (
        decisions.cannot_withdraw_decline(task),
        decisions.cannot_decline(task),
        answers.cannot_answer(task),
    ):
        assert "waits for its cancellation" in (reason or "")
    intent_outcomes.record_cancelled(store, sent(store, task.number).id)
    task = tasks.get(store, task.number)
    assert (task.status, task.cancel_asked, needs_answer(task)) == (Status.DECLINED, False, False)
    *_, cancelled, last = timeline.of_task(store, task.number)
    assert (cancelled.what, last.what, last.before) == ("cancelled", "declined", "CANCELLED")
    assert is_nothing_due(store)
    assert DECLINE.alternative is not None
    assert Status.RECEIVED in DECLINE.alternative.operation.confirmation(tasks.get(store, task.number), {})
    task = withdraw(store, task.number)
    assert (task.status, task.declined_on, task.task_id, task.is_final) == (Status.RECEIVED, None, None, False)
    assert (task.submitted_at, task.updated_at, task.polled_at) == (None, None, None), "those were of another task id"
    assert needs_answer(task)
    assert is_nothing_due(store)
    assert "task-1 was cancelled" in (timeline.of_task(store, task.number)[-1].detail or "")
    assert f"#{task.number}" in (timeline.earlier_task_id_reason(store, "task-") or "")
    with pytest.raises(NotPossible, match=f"#{task.number}"):
        requests.track(store, Kind.DELETION, "task-1", request(), ACTOR)


def test_an_earlier_task_id_stays_with_what_was_sent_and_after_a_purge(store: Store, clock: ManualClock) -> None:
    number = decline(store, accepted(store, kind=Kind.DELETION).number).number
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    withdraw(store, number)
    assert [intent.task_id for intent in intent_log.of_task(store, number)] == ["task-1", "task-1"]
    clock.advance(hours=1)
    single.verify(store, number, Verification(TODAY, ACTOR, "order 17"), ACTOR)
    requests.send(store, number, ACTOR)
    intent_outcomes.record_accepted(store, sent(store, number).id, "task-2", SOON)
    assert [intent.task_id for intent in intent_log.of_task(store, number)] == ["task-1", "task-1", "task-2"]
    requests.cancel(store, number, ACTOR)
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    purge.purge(store, [number], ACTOR, TODAY, evidence_too=False)
    assert [intent.task_id for intent in intent_log.of_task(store, number)] == [None, None, "task-2", "task-2"]
    assert "task-1" in (timeline.of_task(store, number)[-1].detail or "")


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_never_sent_is_received_again_when_its_decline_is_withdrawn(store: Store, kind: Kind) -> None:
    task = decline(store, submitted(store, kind).number)
    assert DECLINE.alternative is not None
    withdrawal = DECLINE.alternative.operation
    assert Status.RECEIVED in withdrawal.confirmation(task, {})
    assert "1 request becomes RECEIVED" in bulk_plan.plan(store, withdrawal, [task.number], TODAY).warning
    task = withdraw(store, task.number)
    assert (task.status, needs_answer(task), is_nothing_due(store)) == (Status.RECEIVED, True, True)


@pytest.mark.parametrize("was_declined_before", [False, True])
def test_what_an_operator_has_cancelled_before_the_decline_stays_so(store: Store, *, was_declined_before: bool) -> None:
    number = accepted(store, kind=Kind.DELETION).number
    if was_declined_before:
        decline(store, number)
        intent_outcomes.record_cancel_refused(store, sent(store, number).id, "Not now.")
    requests.cancel(store, number, ACTOR)
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    assert DECLINE.alternative is not None
    task = decline(store, number)
    assert bulk_plan.plan(store, DECLINE.alternative.operation, [number], TODAY).is_sent_at_once
    assert withdraw(store, task.number).status == Status.CANCELLED


@pytest.mark.parametrize("refused_by", ["service", "poll"])
def test_the_decline_of_a_deletion_that_is_not_cancelled_any_more_is_dropped(store: Store, refused_by: str) -> None:
    task = decline(store, accepted(store, kind=Kind.DELETION).number)
    if refused_by == "service":
        intent_outcomes.record_cancel_refused(store, sent(store, task.number).id, "Too late.")
    else:
        single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    task = tasks.get(store, task.number)
    assert (task.declined_on, task.decline_reason, task.cancel_asked) == (None, None, False)
    assert needs_answer(task)
    refused, event = timeline.of_task(store, task.number)[-2:]
    assert "decline" in (refused.detail or "")
    assert (event.what, event.actor) == ("decline withdrawn", "bwp-tui")
    assert f"was on {TODAY}; it was not cancelled" in (event.detail or "")


def test_a_cancellation_that_was_asked_for_before_is_not_asked_for_twice(store: Store) -> None:
    number = accepted(store, kind=Kind.DELETION).number
    requests.cancel(store, number, ACTOR)
    decline(store, number)
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    assert tasks.get(store, number).status == Status.DECLINED
    assert is_nothing_due(store)


def test_a_deletion_that_was_sent_without_a_response_is_declined_with_its_cancellation(store: Store) -> None:
    number = submitted(store, Kind.DELETION).number
    intent = sent(store, number)
    assert decline(store, number).cancel_asked
    assert "has not responded" in str(answers.cannot_answer(tasks.get(store, number)))
    intent_outcomes.reschedule(store, intent.id, "no route", NOW, never_sent=True)
    task = tasks.get(store, number)
    assert (task.status, is_nothing_due(store)) == (Status.DECLINED, True)


def test_a_decline_that_waits_for_a_task_id_says_so(store: Store) -> None:
    number = submitted(store, Kind.DELETION).number
    intent = sent(store, number)
    decline(store, number)
    intent_outcomes.record_unconfirmed(store, intent.id)
    assert "once its task id is entered" in str(answers.cannot_answer(tasks.get(store, number)))


@pytest.mark.parametrize("status", ["RECEIVED", "IN_PROGRESS", "FAILED", "COMPLETED"])
def test_a_withdrawn_decline_leaves_the_task_as_it_was(store: Store, status: str) -> None:
    before = in_status(store, status)
    task = withdraw(store, decline(store, before.number).number)
    assert (task.status, task.is_final, task.finished_at) == (before.status, before.is_final, before.finished_at)
    assert (task.declined_on, task.decline_reason, task.decline_text) == (None, None, None)
    assert needs_answer(task)
    assert bool(ready_polls.ready(store, FAR, 9)) is (status == "IN_PROGRESS")
    event = timeline.of_task(store, task.number)[-1]
    assert (event.what, event.detail) == ("decline withdrawn", f"was on {TODAY}, exempt: told by email")
    assert counts_agree(store)


def test_an_appeal_runs_until_it_is_answered(store: Store) -> None:
    task = declined(store)
    due = task.due_on
    task = appeal(store, task.number, TODAY)
    assert (task.is_appeal_running, needs_answer(task)) == (True, True)
    assert task.due_on == TODAY + timedelta(days=45)
    assert list(tasks.matching_numbers(store, parse("is:open is:unanswered due<46d"), today=TODAY)) == [task.number]
    later = TODAY + timedelta(days=46)
    for today, late in ((later, True), (TODAY, False)):
        assert may_be_late(task, today) is late
        assert bool(tasks.count(store, parse("is:late"), today=today)) is late
        assert bool(tasks.count(store, parse("due:over"), today=today)) is late
    figures = dashboard.read_statistics(store, later)
    assert (figures.appeals, figures.overdue) == (1, 1)
    assert (figures.answers.in_time, figures.answers.late, figures.answered[-7]) == (1, 0, 1)
    for day, count in ((TODAY - timedelta(60), 1), (task.received_on, 0)):
        store.rows("UPDATE tasks SET received_on = ? WHERE number = ?", (str(day), task.number))
        assert dashboard.read_statistics(store, later).answers.late == count
    with pytest.raises(NotPossible, match="appeal"):
        single.answer(store, task.number, "by post", TODAY, ACTOR)
    task = appeal(store, task.number, None, TODAY, False)
    assert (task.is_appeal_running, needs_answer(task), task.due_on) == (False, False, due)
    assert (task.appealed_on, task.appeal_answered_on, task.is_appeal_upheld) == (TODAY, TODAY, False)
    assert APPEAL.disabled_reason(task, TODAY) is not None
    what = [(event.what, event.detail) for event in timeline.of_task(store, task.number)][-2:]
    assert what == [("appealed", f"on {TODAY}"), ("appeal answered", f"on {TODAY}: not upheld")]
    assert "upheld" in (requests.cannot_resubmit(task) or "")
    assert counts_agree(store)


def test_after_an_upheld_appeal_neither_answer_nor_extension_take_the_decline_for_the_answer(store: Store) -> None:
    task = appeal(store, declined(store).number, TODAY, TODAY, True)
    for reason in (
        answers.cannot_answer(task),
        legal_records.cannot_extend(task, TODAY),
        decisions.cannot_decline(task),
    ):
        assert isinstance(reason, Reason)
        assert reason.short == "appeal upheld"


def test_a_tracked_retrieval_is_declined_at_once_without_a_cancellation(store: Store) -> None:
    task = requests.track(store, Kind.RETRIEVAL, "task-12345", request(), ACTOR)
    assert (task.status, is_cancelled_first(task)) == (Status.QUEUED, False)
    assert bulk_plan.plan(store, DECLINE, [task.number], TODAY).cancelled_first == 0
    assert decline(store, task.number).status == Status.DECLINED


def test_an_upheld_appeal_lets_the_request_be_submitted_again_once_it_is_verified(store: Store) -> None:
    number = declined(store).number
    due = tasks.get(store, number).due_on
    appeal(store, number, TODAY, TODAY, True)
    upheld = tasks.get(store, number)
    assert (needs_answer(upheld), upheld.due_on) == (True, due)
    assert list(tasks.matching_numbers(store, parse("is:unanswered"), today=TODAY)) == [number]
    assert dashboard.read_statistics(store, TODAY).appeals == tasks.count(store, parse("is:appealed"), today=TODAY) == 0
    assert "(resubmit)" in (advice_for(upheld, None, str) or "")
    last = (due or TODAY) - ((latest_service_end(upheld, TODAY) or TODAY) - TODAY)
    for today, late in ((last, False), (last + timedelta(days=1), True)):
        assert may_be_late(upheld, today) is late
        assert bool(tasks.count(store, parse("is:late"), today=today)) is late
        assert time_left_text(upheld, today).endswith("!") is late
    again = requests.resubmit(store, number, ACTOR)
    assert list(tasks.matching_numbers(store, parse("is:open"), today=TODAY)) == [again.number]
    with pytest.raises(NotPossible, match="resubmitted"):
        single.edit(store, number, lambda edit: answers.withdraw(edit, LegalRecord.APPEAL), ACTOR)
    assert (again.status, again.declined_on, again.resubmit_of) == (Status.RECEIVED, None, number)
    failed = in_status(store, "FAILED").number
    store.rows("UPDATE tasks SET regulation = 'us-co' WHERE number = ?", (failed,))
    decline(store, failed)
    appeal(store, failed, TODAY, TODAY, True)
    assert requests.resubmit(store, failed, ACTOR).status == Status.QUEUED


def test_what_waited_for_verification_before_its_decline_waits_again_after_an_upheld_appeal(store: Store) -> None:
    number = accepted(store, "task-1", Kind.DELETION).number
    store.rows("UPDATE tasks SET status = 'RECEIVED', task_id = NULL, regulation = 'us-co' WHERE number = ?", (number,))
    decline(store, number)
    appeal(store, number, TODAY, TODAY, True)
    assert requests.resubmit(store, number, ACTOR).status == Status.RECEIVED


def test_what_is_answered_too_after_a_merge_takes_no_appeal_that_would_not_count(store: Store) -> None:
    number = declined(store).number
    store.rows("UPDATE tasks SET answered_on = ?, answered_how = 'told' WHERE number = ?", (TODAY.isoformat(), number))
    with pytest.raises(NotPossible, match="withdraw that answer"):
        appeal(store, number, TODAY)
    single.edit(store, number, lambda edit: answers.withdraw(edit, LegalRecord.ANSWER), ACTOR)
    appeal(store, number, TODAY)
    assert needs_answer(tasks.get(store, number))


def test_a_recorded_appeal_and_its_answer_are_not_overwritten(store: Store) -> None:
    number = declined(store).number
    appeal(store, number, TODAY)
    due = tasks.get(store, number).due_on
    plan = bulk_plan.plan(store, APPEAL, [number], TODAY, {"received": TODAY})
    assert dict(plan.skipped) == {"appealed already": 1}
    with pytest.raises(NotPossible, match="withdraw it"):
        appeal(store, number, TODAY)
    assert tasks.get(store, number).due_on == due
    appeal(store, number, None, TODAY, False)
    with pytest.raises(NotPossible, match="was answered on"):
        appeal(store, number, None, TODAY, True)
    assert tasks.get(store, number).is_appeal_upheld is False


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ((None, None, None), "Say when"),
        ((YESTERDAY, None, None), "was declined on"),
        ((None, TODAY, None), "whether the appeal"),
        ((None, TODAY, True), "No appeal of"),
        ((TODAY, YESTERDAY, True), "was received on"),
    ],
)
def test_an_impossible_appeal_is_refused_in_one_sentence(
    store: Store, days: tuple[date | None, date | None, bool | None], why: str
) -> None:
    before = declined(store)
    with pytest.raises(NotPossible, match=why) as refused:
        appeal(store, before.number, *days)
    assert str(refused.value).count(".") == 1
    assert tasks.get(store, before.number) == before


def test_only_a_declined_request_of_a_law_with_appeals_has_one(store: Store) -> None:
    with pytest.raises(NotPossible, match="Only a declined request"):
        appeal(store, received(store).number, TODAY)
    with pytest.raises(NotPossible, match="under us-ca the shop has to answer none"):
        appeal(store, declined(store, "us-ca").number, TODAY)
    with pytest.raises(NotPossible, match="without a regulation the shop has to answer none"):
        appeal(store, declined(store, NO_REGULATION).number, TODAY)


def test_an_appeal_is_withdrawn_and_then_the_decline(store: Store) -> None:
    task = declined(store)
    appeal(store, task.number, TODAY)
    with pytest.raises(NotPossible, match="withdraw that first"):
        withdraw(store, task.number)
    single.edit(store, task.number, lambda edit: answers.withdraw(edit, LegalRecord.APPEAL), ACTOR)
    found = tasks.get(store, task.number)
    assert (found.appealed_on, found.due_on, needs_answer(found)) == (None, task.due_on, False)
    assert withdraw(store, task.number).status == Status.RECEIVED


def test_plans_say_what_is_left_out(store: Store) -> None:
    numbers = [received(store).number, in_status(store, "COMPLETED", Kind.DELETION).number, declined(store).number]
    values = {"reason": DeclineReason.FRAUD, "text": "x"}
    plan = bulk_plan.plan(store, DECLINE, numbers, TODAY, values)
    assert plan.possible == (numbers[0],)
    assert dict(plan.skipped) == {"deletion COMPLETED": 1, "declined already": 1}
    assert bulk_plan.plan(store, APPEAL, numbers, TODAY, {"received": TODAY}).possible == (numbers[2],)


def test_the_report_counts_declines_with_the_days_until_the_shopper_was_told(store: Store) -> None:
    declined(store)
    (line,) = compliance_report(store, TODAY, TODAY)
    counted = (line.received, sum(line.declined.values()), line.unanswered, line.answered, line.median_days)
    assert counted == (1, 1, 0, 1, 0)


def test_a_purge_removes_the_text_and_keeps_the_reason(store: Store, clock: ManualClock) -> None:
    task = declined(store)
    clock.advance(days=800)
    purge.purge(store, [task.number], ACTOR, TODAY, evidence_too=False)
    found = tasks.get(store, task.number)
    assert found.is_purged
    assert (found.declined_on, found.decline_reason, found.decline_text) == (TODAY, "exempt", None)


@pytest.mark.parametrize("noted_in", ["early", "late"])
def test_a_decline_and_its_status_stay_together_in_a_merge(
    path: Path, clock: ManualClock, tmp_path: Path, noted_in: str
) -> None:
    store = open_store(path, clock=clock)
    number = submitted(store, Kind.DELETION).number
    store.close()
    shutil.copy(path, tmp_path / "early.db")
    clock.advance(minutes=1)
    store = open_store(path, clock=clock)
    decline(store, number)
    store.close()
    shutil.copy(path, tmp_path / "late.db")
    clock.advance(minutes=1)
    shutil.copy(tmp_path / f"{noted_in}.db", path)
    store = open_store(path, clock=clock)
    single.add_note(store, number, "called", ACTOR)
    store.close()
    shutil.copy(path, tmp_path / f"{noted_in}.db")
    for merged in restored_both_ways(path, clock, tmp_path / "early.db", tmp_path / "late.db"):
        task = tasks.get(merged, number)
        assert (task.status, task.declined_on, task.note) == (Status.DECLINED, TODAY, "called")
        assert is_nothing_due(merged)


def test_a_declined_row_that_has_lost_its_law_gets_it_back_and_its_appeal_is_answered_then(store: Store) -> None:
    number = declined(store).number
    law = tasks.get(store, number).regulation
    appeal(store, number, TODAY)
    due = tasks.get(store, number).due_on
    store.rows("UPDATE tasks SET regulation = 'none', due_on = NULL WHERE number = ?", (number,))
    with pytest.raises(NotPossible, match="correct the regulation"):
        appeal(store, number, None, TODAY, False)
    for refused in ("us-ca", "none"):  # without an appeal by law, and what it has
        with pytest.raises(NotPossible):
            single.edit(store, number, partial(legal_records.correct, regulation=refused), ACTOR)
    single.edit(store, number, partial(legal_records.correct, regulation=law), ACTOR)
    assert (tasks.get(store, number).regulation, tasks.get(store, number).due_on) == (law, due)
    with pytest.raises(NotPossible, match="withdraw that first"):
        single.edit(store, number, partial(legal_records.correct, regulation="us-tx"), ACTOR)
    appeal(store, number, None, TODAY, False)
    assert tasks.get(store, number).is_appeal_upheld is False


@pytest.mark.parametrize(("law", "sentence"), [("us-co", "60 days"), ("us-va", "waits for its answer")])
def test_why_an_appeal_cannot_be_extended_is_true(store: Store, law: str, sentence: str) -> None:
    task = appeal(store, declined(store).number, TODAY)
    assert sentence in (legal_records.cannot_extend(task._replace(regulation=law), TODAY) or "")


def test_a_failed_request_that_was_declined_is_not_advised_to_be_resubmitted(store: Store) -> None:
    number = in_status(store, Status.FAILED).number
    assert advice_for(tasks.get(store, number), "DATA_SUBJECT_NOT_FOUND", str)
    single.edit(store, number, lambda edit: decisions.decline(edit, "exempt", "told"), ACTOR, TODAY)
    assert advice_for(tasks.get(store, number), "DATA_SUBJECT_NOT_FOUND", str) is None


def test_an_appeal_that_waits_for_its_answer_is_advised_to_be_answered(store: Store) -> None:
    number = declined(store).number
    assert advice_for(tasks.get(store, number), None, str) is None
    appeal(store, number, TODAY)
    assert "(appeal)" in (advice_for(tasks.get(store, number), None, str) or "")
    appeal(store, number, None, TODAY, False)
    assert advice_for(tasks.get(store, number), None, str) is None
