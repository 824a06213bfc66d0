"""The clock that stands still while a reply of the shopper is awaited, against reckonings of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import product

import pytest

from bwp_tui.actions import legal_operations
from bwp_tui.actions.operation import ChosenTasks
from bwp_tui.cli.support import task_output
from bwp_tui.domain import deadlines
from bwp_tui.domain.filter import parse
from bwp_tui.domain.regulations import IDS
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent, Task, Verification
from bwp_tui.store.commands import legal_records, requests
from bwp_tui.store.commands.answers import withdraw
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import dashboard, tasks, timeline
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import intent_outcomes
from bwp_tui.store.worklog.service_events import record_events
from tests.legal_dates import RECEIPTS, date_with_stop, dates_by_hand
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, TODAY, answer, in_status, request, sent

RECEIVED = date(2026, 10, 30)
ASKED, REPLIED = date(2026, 11, 10), date(2026, 11, 17)
DUE = date(2026, 11, 30)


def uk(store: Store, regulation: str = "uk-gdpr") -> int:
    return requests.submit(store, request(regulation=regulation)._replace(received_on=RECEIVED), ACTOR).number


@pytest.mark.parametrize("id", IDS)
def test_the_due_date_after_a_stop_equals_an_independent_reckoning(store: Store, id: str) -> None:
    task = tasks.get(store, uk(store, id))
    stops = list(product((0, 1, 12, 29, 30, 31, 100), (0, 1, 3, 28, 45), (False, True)))
    for at, received in enumerate(RECEIPTS if id == "uk-gdpr" else RECEIPTS[:40]):
        for asked_after, awaited, extended in (stops[at % len(stops)], stops[(at * 7 + 3) % len(stops)]):
            asked = received + timedelta(days=asked_after)
            replied = asked + timedelta(days=awaited)
            is_extended = extended and dates_by_hand(id, received)[1] is not None
            one = task._replace(received_on=received, inquired_on=asked, extended_on=received if is_extended else None)
            for reply in (None, replied):
                expected = date_with_stop(id, received, asked, reply, extended=is_extended)
                assert deadlines.task_due_date(one._replace(replied_on=reply)) == expected, (received, asked, reply)


def test_the_clock_stands_still_from_the_inquiry_to_the_reply(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, ASKED, ACTOR)
    waiting = tasks.get(store, number)
    assert (waiting.due_on, deadlines.is_clock_stopped(waiting), deadlines.needs_answer(waiting)) == (
        None,
        True,
        True,
    )
    assert deadlines.due_if_replied(waiting, REPLIED) == DUE + (REPLIED - ASKED)
    assert deadlines.due_if_replied(waiting, ASKED - timedelta(days=1)) == DUE
    assert "2026-11-10" in (legal_records.cannot_extend(waiting, ASKED) or "")
    single.reply(store, number, REPLIED, ACTOR)
    after = tasks.get(store, number)
    assert (after.due_on, deadlines.is_clock_stopped(after)) == (DUE + (REPLIED - ASKED), False)
    assert [(event.what, event.before, event.after) for event in timeline.of_task(store, number)][-2:] == [
        ("inquired", str(DUE), None),
        ("replied", None, str(after.due_on)),
    ]


def test_a_verification_is_the_reply_unless_it_was_before_the_inquiry(store: Store) -> None:
    for day, is_reply in ((REPLIED, True), (ASKED - timedelta(days=1), False)):
        number = uk(store)
        single.inquire(store, number, ASKED, ACTOR)
        single.verify(store, number, Verification(day, "anna", "order 17"), ACTOR)
        task = tasks.get(store, number)
        assert (task.replied_on == day, deadlines.is_clock_stopped(task)) == (is_reply, not is_reply)


def test_a_correction_moves_the_dates_and_another_regulation_does_not_stop(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, ASKED, ACTOR)
    single.reply(store, number, REPLIED, ACTOR)
    for received, law in ((RECEIVED - timedelta(days=3), "uk-gdpr"), (RECEIVED, "us-ca"), (RECEIVED, "uk-gdpr")):
        single.edit(store, number, partial(legal_records.correct, received=received, regulation=law), ACTOR)
        assert tasks.get(store, number).due_on == date_with_stop(law, received, ASKED, REPLIED)


def test_a_receipt_that_no_submission_may_have_is_refused_as_a_correction_too(store: Store) -> None:
    number = uk(store)
    with pytest.raises(NotPossible, match="is the year right"):
        single.edit(store, number, partial(legal_records.correct, received=RECEIVED.replace(year=2010)), ACTOR)
    assert tasks.get(store, number).received_on == RECEIVED


def test_a_receipt_after_the_inquiry_is_refused(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, ASKED, ACTOR)
    with pytest.raises(NotPossible, match="withdraw that inquiry first"):
        single.edit(store, number, partial(legal_records.correct, received=ASKED + timedelta(days=1)), ACTOR)
    assert tasks.get(store, number).received_on == RECEIVED


def test_the_receipt_of_an_extended_task_is_corrected_while_its_clock_is_stopped(store: Store) -> None:
    number = uk(store)
    single.extend(store, number, "many", ASKED - timedelta(days=2), ACTOR)
    single.inquire(store, number, ASKED, ACTOR)
    single.edit(store, number, partial(legal_records.correct, received=RECEIVED + timedelta(days=2)), ACTOR, TODAY)
    task = tasks.get(store, number)
    assert (task.received_on, task.due_on) == (RECEIVED + timedelta(days=2), None)
    with pytest.raises(NotPossible, match="does not allow"):
        single.edit(store, number, partial(legal_records.correct, regulation="ca-qc"), ACTOR, TODAY)


def test_an_answer_ends_the_stop_and_is_in_time_until_the_days_left_are_over(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, ASKED, ACTOR)
    single.answer(store, number, "nothing came", REPLIED, ACTOR)
    task = tasks.get(store, number)
    assert (task.due_on, deadlines.is_clock_stopped(task)) == (DUE + (REPLIED - ASKED), False)
    assert dashboard.read_statistics(store, TODAY).answers.in_time == 1
    single.edit(store, number, lambda one: withdraw(one, LegalRecord.ANSWER), ACTOR)
    assert deadlines.is_clock_stopped(tasks.get(store, number))


def test_withdrawals_put_the_due_date_back(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, ASKED, ACTOR)
    single.reply(store, number, REPLIED, ACTOR)
    single.edit(store, number, lambda one: withdraw(one, LegalRecord.REPLY), ACTOR)
    assert deadlines.is_clock_stopped(tasks.get(store, number))
    assert f"stopped from {ASKED}" in str(timeline.of_task(store, number)[-1].detail)
    single.reply(store, number, REPLIED, ACTOR)
    single.edit(store, number, lambda one: withdraw(one, LegalRecord.INQUIRY), ACTOR)
    task = tasks.get(store, number)
    assert (task.due_on, task.inquired_on, task.replied_on) == (DUE, None, None)


@pytest.mark.parametrize("id", [id for id in IDS if id != "uk-gdpr"])
def test_under_other_regulations_it_is_recorded_and_the_clock_runs_on(store: Store, id: str) -> None:
    number = uk(store, id)
    before = tasks.get(store, number)
    single.inquire(store, number, ASKED, ACTOR)
    task = tasks.get(store, number)
    assert (task.inquired_on, task.due_on) == (ASKED, before.due_on)
    assert ("does not stop" in legal_operations.inquiry_effect(task)) is (task.due_on is not None)


def test_an_inquiry_that_is_recorded_after_the_answer_stops_no_clock(store: Store) -> None:
    number = uk(store)
    single.answer(store, number, "by post", REPLIED, ACTOR)
    single.inquire(store, number, ASKED, ACTOR)
    asked = tasks.get(store, number)
    assert (asked.due_on, legal_operations.inquiry_effect(asked)) == (DUE + (REPLIED - ASKED), "")
    chosen = ChosenTasks((number,), asked.name, asked, ACTOR)
    assert "due" not in legal_operations.REPLY.result(chosen, {"on": REPLIED})
    question = legal_operations.withdrawal_of(LegalRecord.ANSWER).operation.confirmation(asked, {})
    assert question.endswith(f"stopped from {ASKED}."), "and it is not due"
    single.edit(store, number, lambda one: withdraw(one, LegalRecord.ANSWER), ACTOR)
    assert deadlines.is_clock_stopped(tasks.get(store, number))


def test_an_inquiry_after_the_due_date_stops_nothing(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, DUE + timedelta(days=1), ACTOR)
    task = tasks.get(store, number)
    assert (task.due_on, deadlines.is_clock_stopped(task)) == (DUE, False)
    assert "does not stop" in legal_operations.inquiry_effect(task)


def test_days_that_cannot_be_are_refused_and_nothing_is_recorded(store: Store) -> None:
    number = uk(store)
    with pytest.raises(NotPossible, match="No inquiry"):
        single.reply(store, number, REPLIED, ACTOR)
    with pytest.raises(NotPossible, match="received on"):
        single.inquire(store, number, RECEIVED - timedelta(days=1), ACTOR)
    single.inquire(store, number, ASKED, ACTOR)
    with pytest.raises(NotPossible, match="already asked"):
        single.inquire(store, number, ASKED, ACTOR)
    with pytest.raises(NotPossible, match="was asked on"):
        single.reply(store, number, ASKED - timedelta(days=1), ACTOR)
    assert tasks.get(store, number).replied_on is None
    single.inquire(store, number, ASKED + timedelta(days=1), ACTOR)  # which corrects the day
    single.reply(store, number, REPLIED, ACTOR)
    before = tasks.get(store, number)
    with pytest.raises(NotPossible, match="Withdraw that inquiry to record another"):
        single.inquire(store, number, REPLIED + timedelta(days=1), ACTOR)
    with pytest.raises(NotPossible, match="already recorded"):
        single.reply(store, number, REPLIED, ACTOR)
    assert tasks.get(store, number) == before


def test_the_filter_and_the_function_say_the_same_of_every_combination(store: Store) -> None:
    first = uk(store)
    columns = "email, kind, recorded_at, received_on, revision"
    with store.write() as transaction:
        for law, status, resubmitted, asked, replied, due, answered, purged in product(
            ("uk-gdpr", "gdpr", "us-ca", "none", "a law to come"),
            (Status.QUEUED, Status.COMPLETED, Status.CANCELLED),
            (0, 1),
            *((None, day) for day in ("2026-11-10", "2026-11-17", "2026-11-30", "2026-11-20")),
            (None, "2026-11-20T09:14:00.000000Z"),
        ):
            transaction.run(
                f"INSERT INTO tasks ({columns}, regulation, status, resubmitted, inquired_on, replied_on, due_on,"
                f" answered_on, purged_at) SELECT {columns}, ?, ?, ?, ?, ?, ?, ?, ? FROM tasks WHERE number = ?",
                (law, status, resubmitted, asked, replied, due, answered, purged, first),
            )
    every: list[Task] = list(tasks.each(store, tasks.matching_numbers(store, parse(""), today=TODAY)))
    stopped = {task.number for task in every if deadlines.is_clock_stopped(task)}
    assert stopped == {*tasks.matching_numbers(store, parse("is:stopped"), today=TODAY)}
    assert len(stopped) == 2, "one of each status whose clock runs"


def test_the_filter_finds_the_stopped_tasks_that_the_function_calls_late(store: Store) -> None:
    first = uk(store)
    columns = "email, recorded_at, regulation, revision"
    with store.write() as transaction:
        for received, asked, extended, hold, submitted, (status, upheld) in product(
            ("2026-10-31", "2026-11-01", "2026-11-20"),
            (0, 1, 20, 28),
            (None, "2026-11-20"),
            (None, 0, 40),
            (None, "2026-11-20T09:14:00.000000Z"),
            ((Status.RECEIVED, None), (Status.ON_HOLD, None), (Status.COMPLETED, None), (Status.DECLINED, 1)),
        ):
            transaction.run(
                f"INSERT INTO tasks ({columns}, kind, received_on, inquired_on, extended_on, holding_period,"
                " submitted_at, status, terminal, declined_on, appealed_on, appeal_answered_on, appeal_upheld)"
                f" SELECT {columns}, 'DELETION', ?1, date(?1, ?2 || ' days'), ?3, ?4, ?5, ?6,"
                " ?6 IN ('COMPLETED', 'DECLINED'), iif(?7, ?1, NULL), iif(?7, ?1, NULL), iif(?7, ?1, NULL), ?7"
                " FROM tasks WHERE number = ?8",
                (received, asked, extended, hold, submitted, status, upheld, first),
            )
    every = list(tasks.each(store, tasks.matching_numbers(store, parse(""), today=TODAY)))
    for today in (TODAY, TODAY + timedelta(days=3), date(2027, 1, 30), date(2027, 1, 31), date(2027, 2, 28)):
        late = {task.number for task in every if deadlines.may_be_late(task, today)}
        assert late == {*tasks.matching_numbers(store, parse("is:late"), today=today)}
        assert 0 < len(late) < len(every)


def test_a_stopped_request_that_cannot_be_done_in_time_is_marked_before_the_reply(store: Store) -> None:
    number = uk(store)
    single.inquire(store, number, DUE - timedelta(days=10), ACTOR)
    task = tasks.get(store, number)
    assert deadlines.time_left_text(task, TODAY) == "stopped!"
    sent_in_time = task._replace(submitted_at=NOW)
    assert deadlines.time_left_text(sent_in_time, TODAY) == "stopped", (
        "each day that the reply takes moves the due date"
    )
    context = task_output.display_context(task, NOW, TODAY, unmask=True)
    (line,) = [line for line in task_output.detail_lines(task, [], context) if line.startswith("Completes")]
    assert line.endswith("after the due date")


def test_a_row_that_is_merged_keeps_its_inquiry_and_the_clock_stays_stopped(store: Store) -> None:
    number = uk(store)
    intent = sent(store, number)
    record_events(store, [ServiceEvent("event-1", Kind.RETRIEVAL, Status.COMPLETED, "task-9", NOW)])
    adopted = tasks.find_by_name(store, "task-9").number
    single.inquire(store, adopted, TODAY, ACTOR)
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    found = tasks.get(store, number)
    assert (found.inquired_on, found.due_on, deadlines.is_clock_stopped(found)) == (TODAY, None, True)


@pytest.mark.parametrize("is_tracked", [True, False])
def test_an_answer_without_a_reply_keeps_its_due_date_when_rows_are_merged_or_a_receipt_moves(
    store: Store, is_tracked: bool
) -> None:
    known = request(regulation="uk-gdpr")._replace(received_on=ASKED)
    number = requests.track(store, Kind.RETRIEVAL, "task-9", known, ACTOR).number if is_tracked else uk(store)
    single.inquire(store, number, ASKED, ACTOR)
    single.answer(store, number, "nothing came", REPLIED, ACTOR)
    if is_tracked:
        at = NOW - (TODAY - RECEIVED)
        single.answered(store, number, replace(answer("COMPLETED", email=known.email), submitted_at=at), SOON)
    else:
        intent = sent(store, number)
        record_events(store, [ServiceEvent("event-1", Kind.RETRIEVAL, Status.COMPLETED, "task-9", NOW)])
        intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    found = tasks.get(store, number)
    assert (found.received_on, found.due_on) == (RECEIVED, DUE + (REPLIED - ASKED))


def test_a_resubmitted_request_takes_inquiry_and_reply_along(store: Store) -> None:
    task = in_status(store, Status.FAILED, task_id="task-1")
    single.edit(store, task.number, partial(legal_records.correct, regulation="uk-gdpr"), ACTOR)
    single.inquire(store, task.number, TODAY, ACTOR)
    new = requests.resubmit(store, task.number, ACTOR)
    assert (new.inquired_on, new.due_on, deadlines.is_clock_stopped(new)) == (TODAY, None, True)
