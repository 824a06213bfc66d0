"""Plans and deeds on many tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.bulk_plan import PlannedOperation
from bwp_tui.actions.decision_operations import DECLINE
from bwp_tui.actions.legal_operations import ACKNOWLEDGE, CORRECT, EXTEND, INQUIRE, REPLY, VERIFY, withdrawal_of
from bwp_tui.actions.operation import ChosenTasks, RecordOperation, Values
from bwp_tui.actions.record_operations import ASSIGN, NOTE, TAG
from bwp_tui.actions.service_operations import CANCEL, DOWNLOAD, REFRESH, RESUBMIT, SEND
from bwp_tui.domain.deadlines import fitting_hold, fixed_hold
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, TaskError, Verification
from bwp_tui.store.commands import answers, bulk, decisions, legal_records, requests
from bwp_tui.store.commands.bulk import ChangeResult
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import intent_outcomes, intents
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, TODAY, accepted, answer, in_status, request, sent, submitted

AT_ONCE = "1 deletion begins at once and cannot be cancelled"


def _results(store: Store, deed: bulk.TaskChange, numbers: list[int]) -> list[ChangeResult]:
    return [result for results in bulk.apply_to_each(store, deed, numbers) for result in results]


def test_a_plan_tells_what_is_possible_and_counts_why_the_rest_is_skipped(store: Store) -> None:
    failed = [in_status(store, Status.FAILED, task_id=f"f{number}").number for number in range(3)]
    done = [in_status(store, Status.COMPLETED, task_id=f"c{number}").number for number in range(2)]
    requests.resubmit(store, failed[0], ACTOR)
    revision = store.revision()
    planned = bulk_plan.plan(store, RESUBMIT, [*failed, *done, 999], TODAY)
    assert planned.possible == tuple(failed[1:])
    assert planned.skipped == (("retrieval COMPLETED", 2), ("resubmitted already", 1), ("gone", 1))
    assert (
        planned.summary
        == "2 to resubmit: 2 retrievals FAILED, 4 skipped: 2 retrievals COMPLETED, 1 resubmitted already, 1 gone"
    )
    assert bulk_plan.plan(store, RESUBMIT, done, TODAY).skipped_clause == ", 2 skipped: retrievals COMPLETED"
    assert store.revision() == revision


def test_a_plan_to_cancel_leaves_out_a_retrieval_that_was_sent_and_has_no_response(store: Store) -> None:
    unsent, unanswered, deletion = submitted(store), submitted(store), submitted(store, Kind.DELETION)
    sent(store, unanswered.number)
    sent(store, deletion.number)
    planned = bulk_plan.plan(store, CANCEL, [unsent.number, unanswered.number, deletion.number], TODAY)
    assert (planned.possible, planned.skipped) == ((unsent.number, deletion.number), (("retrieval QUEUED", 1),))


def test_what_an_engine_is_to_do_is_told_as_asked_for_and_never_as_done(store: Store) -> None:
    ready = [in_status(store, Status.COMPLETED, task_id=f"c{number}").number for number in range(3)]
    requests.download(store, ready[0], "/srv/results", ACTOR)
    planned = bulk_plan.plan(store, DOWNLOAD, ready, TODAY)
    assert str(planned) == "2 to download, 1 skipped: download asked for already"
    assert (DOWNLOAD.outcome(1), DOWNLOAD.outcome(2)) == (
        "1 download asked for",
        "2 downloads asked for",
    )
    assert REFRESH.outcome(3) == "3 refreshes asked for"
    assert CANCEL.outcome(0) == "0 cancellations asked for"


@pytest.mark.parametrize(
    ("operation", "given", "taken"),
    [
        (TAG, {"add": ["a"], "remove": ["b"]}, {"add": [], "remove": ["b"]}),
        (ASSIGN, {"assignee": "ann"}, {"assignee": None}),
    ],
)
def test_what_many_tasks_are_given_and_what_is_taken_from_them_are_told_apart(
    operation: RecordOperation, given: Values, taken: Values
) -> None:
    assert operation.outcome(given) != operation.outcome(taken)


def test_a_plan_to_resubmit_names_failures_that_are_to_be_expected_again(store: Store) -> None:
    unknown, failure = accepted(store, "a").number, TaskError("DATA_SUBJECT_NOT_FOUND", "not known")
    single.answered(store, unknown, replace(answer(Status.FAILED), errors=(failure,)), SOON)
    other = in_status(store, Status.FAILED, task_id="b").number
    assert "1 request failed since" in bulk_plan.plan(store, RESUBMIT, [unknown, other], TODAY).warning
    assert not bulk_plan.plan(store, RESUBMIT, [other], TODAY).warning


def test_a_plan_of_deletions_tells_how_many_would_end_too_late_and_the_hold_that_fits_them(store: Store) -> None:
    for number, hold in enumerate((0, None, 40), start=1):
        in_status(store, Status.FAILED, Kind.DELETION, task_id=f"d{number}")
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET holding_period = ? WHERE number = ?", (hold, number))
    in_status(store, Status.FAILED, task_id="r")

    def warning(day: date, numbers: Sequence[int] = (1, 2, 3, 4)) -> str:
        return bulk_plan.plan(store, RESUBMIT, numbers, day).warning.removesuffix(AT_ONCE).removesuffix(". ")

    # Received on 2026-11-20, so all are due on Monday 2026-12-21: 31 days, 30 of which the service may take.
    assert warning(TODAY) == (
        "2 deletions would end after their due date; the longest hold that fits them all is 1 day"
    )
    assert warning(TODAY, [3]) == "1 deletion would end after its due date; the longest hold that fits is 1 day"
    assert warning(TODAY, [1, 4]) == ""
    assert warning(TODAY + timedelta(days=9)) == "3 deletions would end after their due date, even without a hold"
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET due_on = '2027-01-01' WHERE number = 3")
    assert warning(TODAY + timedelta(days=9)) == (
        "3 deletions would end after their due date, 2 of them even without a hold; "
        "the longest hold that fits the others is 3 days"
    )


def test_holds_are_shortened_until_deletions_end_in_time(store: Store) -> None:
    later = TODAY + timedelta(days=1)
    for number, hold in enumerate((0, None, 40), start=1):
        in_status(store, Status.FAILED, Kind.DELETION, task_id=f"d{number}")
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET holding_period = ? WHERE number = ?", (hold, number))
    in_status(store, Status.FAILED, task_id="r")
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET due_on = ? WHERE number = 2", (later.isoformat(),))
        transaction.run("UPDATE tasks SET regulation = 'none', due_on = NULL WHERE number = 1")
    fit = fitting_hold(TODAY)
    assert "1 of them even without a hold" in bulk_plan.plan(store, RESUBMIT, (1, 2, 3, 4), TODAY).warning
    fitted = bulk_plan.plan(store, RESUBMIT, (1, 2, 3, 4), TODAY, {"hold_rule": fit})
    assert (
        fitted.warning
        == f"1 deletion would end after its due date, even without a hold. 1 of 3 holds shortened to 1 day; {AT_ONCE}"
    )
    assert not fitted.can_meet_due_dates
    results = _results(store, RESUBMIT.change_for(ACTOR, hold_rule=fit), [1, 2, 3, 4])
    assert [tasks.get(store, result.resulting_id).holding_period for result in results] == [0, 10, 1, None]


def test_a_plan_counts_what_is_resubmitted_by_kind_and_status(store: Store) -> None:
    for number, (status, kind) in enumerate(
        ((Status.FAILED, Kind.DELETION), (Status.CANCELLED, Kind.DELETION), (Status.FAILED, Kind.DELETION)), start=1
    ):
        in_status(store, status, kind, task_id=f"d{number}")
    in_status(store, Status.FAILED, task_id="r")
    planned = bulk_plan.plan(store, RESUBMIT, (1, 2, 3, 4), TODAY)
    assert planned.summary == "4 to resubmit: 2 deletions FAILED, 1 deletion CANCELLED, 1 retrieval FAILED"


def test_a_plan_says_which_holds_are_shortened_and_what_begins_at_once(store: Store) -> None:
    in_status(store, Status.FAILED, Kind.DELETION, task_id="d")
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET due_on = ? WHERE number = 1", ((TODAY + timedelta(days=30)).isoformat(),))
    late = bulk_plan.plan(store, RESUBMIT, [1], TODAY)
    assert late.can_meet_due_dates
    fitted = bulk_plan.plan(store, RESUBMIT, [1], TODAY, {"hold_rule": fitting_hold(TODAY)})
    assert fitted.warning == f"Hold shortened to 0 days; {AT_ONCE}"


@pytest.mark.parametrize("days", [3, 40])
def test_a_plan_says_what_begins_at_once_without_a_shorter_hold(store: Store, days: int) -> None:
    requests.submit(store, request(Kind.DELETION, holding_period=0)._replace(awaits_verification=True), ACTOR)
    requests.submit(store, request(Kind.DELETION, holding_period=3)._replace(awaits_verification=True), ACTOR)
    for number in (1, 2):
        single.verify(store, number, Verification(TODAY, ACTOR, "by phone"), ACTOR)
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET due_on = ?", ((TODAY + timedelta(days=days)).isoformat(),))
    assert bulk_plan.plan(store, SEND, [1, 2], TODAY).warning.endswith(AT_ONCE)


def test_one_hold_is_given_to_deletions_alone(store: Store) -> None:
    in_status(store, Status.FAILED, Kind.DELETION, task_id="d")
    in_status(store, Status.FAILED, task_id="r")
    results = _results(store, RESUBMIT.change_for(ACTOR, hold_rule=fixed_hold(5)), [1, 2])
    assert [tasks.get(store, result.resulting_id).holding_period for result in results] == [5, None]


def test_a_plan_of_extensions_names_the_new_due_dates(store: Store) -> None:
    numbers = [requests.submit(store, request(regulation=regulation), ACTOR).number for regulation in ("gdpr", "ccpa")]
    assert str(bulk_plan.plan(store, EXTEND, numbers[:1], TODAY)) == "1 to extend, due 2026-12-21 → 2027-02-22"
    plan = bulk_plan.plan(store, EXTEND, numbers, TODAY)
    assert str(plan) == "2 to extend, due 2026-12-21 to 2027-01-04 → 2027-02-18 to 2027-02-22"


def test_a_plan_of_corrections_names_the_due_dates_and_what_is_no_longer_overdue(store: Store) -> None:
    laws = ("us-ca", "us-ca", "none", "uk-gdpr")
    asked = [
        request(email=f"r{at}@example.com", regulation=law)._replace(received_on=TODAY - timedelta(days=50 + at))
        for at, law in enumerate(laws)
    ]
    numbers = [requests.submit(store, one, ACTOR).number for one in asked]
    single.edit(store, numbers[3], lambda one: legal_records.inquire(one, TODAY - timedelta(days=50)), ACTOR, TODAY)
    assert bulk_plan.plan(store, CORRECT, numbers, TODAY).due_dates_clause == ""
    plan = bulk_plan.plan(store, CORRECT, numbers[:3], TODAY, {"received": TODAY})
    assert str(plan) == (
        "3 to correct, due 2026-11-14 to 2026-11-15 → 2027-01-04. 2 that are overdue would no longer be overdue"
    )
    plan = bulk_plan.plan(store, CORRECT, numbers[1:], TODAY, {"regulation": "us-tx"})
    assert plan.due_dates_clause == ", due after the reply or never → 2026-11-12 to 2026-11-13"
    assert plan.warning == ""
    # So it is with each action that moves due dates.
    plan = bulk_plan.plan(store, REPLY, numbers, TODAY, {"on": TODAY})
    assert plan.due_dates_clause.startswith(", due after the reply → 2026-12-")
    plan = bulk_plan.plan(store, VERIFY, numbers, TODAY, {"how": "by phone", "on": TODAY})
    assert plan.due_dates_clause.startswith(", due after the reply → 2026-12-")
    plan = bulk_plan.plan(store, withdrawal_of(LegalRecord.INQUIRY).operation, numbers, TODAY)
    assert plan.due_dates_clause.startswith(", due after the reply → 2026-1")
    single.reply(store, numbers[3], TODAY, ACTOR)
    replied = tasks.get(store, numbers[3])
    assert REPLY.values_warning(replied, {"on": TODAY}) is None
    assert REPLY.values_warning(replied, {"on": TODAY - timedelta(days=1)}) is not None
    plan = bulk_plan.plan(store, withdrawal_of(LegalRecord.REPLY).operation, numbers, TODAY)
    assert plan.due_dates_clause.endswith(" → after the reply")


def test_a_plan_to_withdraw_answers_says_that_the_requests_are_open_again(store: Store) -> None:
    days = (TODAY - timedelta(days=60), TODAY)
    numbers = [requests.submit(store, request()._replace(received_on=day), ACTOR).number for day in days]
    for number in numbers:
        single.edit(store, number, lambda one: answers.answer(one, "by email"), ACTOR, TODAY)
    plan = bulk_plan.plan(store, withdrawal_of(LegalRecord.ANSWER).operation, numbers, TODAY)
    assert plan.warning == "2 requests would be open again, 1 of them overdue"
    assert not bulk_plan.plan(store, withdrawal_of(LegalRecord.ANSWER).operation, [], TODAY).warning


def test_a_plan_names_no_due_date_of_what_is_closed_afterwards(store: Store) -> None:
    number = requests.submit(store, request(regulation="us-co")._replace(awaits_verification=True), ACTOR).number
    single.edit(store, number, lambda one: decisions.decline(one, "exempt", "told"), ACTOR, TODAY)
    single.edit(store, number, lambda one: decisions.appeal(one, TODAY), ACTOR, TODAY)
    plan = bulk_plan.plan(store, withdrawal_of(LegalRecord.APPEAL).operation, [number], TODAY)
    assert (plan.possible, plan.due_dates_clause) == ((number,), "")


@pytest.mark.parametrize(
    ("operation", "status", "kind", "skipped"),
    [
        (CANCEL, Status.ON_HOLD, Kind.DELETION, ()),
        (CANCEL, Status.IN_PROGRESS, Kind.RETRIEVAL, (("retrieval IN_PROGRESS", 1),)),
        (DOWNLOAD, Status.COMPLETED, Kind.RETRIEVAL, ()),
        (DOWNLOAD, Status.COMPLETED, Kind.DELETION, (("deletion COMPLETED", 1),)),
        (REFRESH, Status.CANCELLED, Kind.DELETION, (("deletion CANCELLED", 1),)),
        (EXTEND, Status.FAILED, Kind.RETRIEVAL, ()),
        (TAG, Status.CANCELLED, Kind.DELETION, ()),
    ],
)
def test_each_action_is_planned_by_its_own_rule(
    store: Store, operation: PlannedOperation, status: Status, kind: Kind, skipped: tuple[tuple[str, int], ...]
) -> None:
    task = in_status(store, status, kind)
    planned = bulk_plan.plan(store, operation, [task.number], TODAY)
    assert planned.skipped == skipped
    assert planned.possible == (() if skipped else (task.number,))


def test_every_task_has_a_result_and_one_that_is_refused_stops_no_other(store: Store) -> None:
    first, second = (in_status(store, Status.FAILED, task_id=f"f{number}").number for number in range(2))
    fine = in_status(store, Status.COMPLETED, task_id="c").number
    results = _results(store, RESUBMIT.change_for(ACTOR, note="checked the orders"), [first, fine, 999, second])
    assert [result.id for result in results] == [first, fine, 999, second]
    assert [result.refused is None for result in results] == [True, False, False, True]
    new = tasks.get(store, results[0].resulting_id)
    assert (new.resubmit_of, new.note) == (first, "checked the orders")
    tokens = {intent.client_token for intent in intents.ready(store, NOW, 10)}
    assert len(tokens) == 2


def test_many_are_done_in_few_transactions_and_what_was_yielded_stays(store: Store) -> None:
    numbers = [submitted(store, email=f"s{number}@example.com").number for number in range(bulk.CHUNK_SIZE + 5)]
    before = store.revision()
    steps = bulk.apply_to_each(store, TAG.change_for(ACTOR, TODAY, add=("vip",)), numbers)
    assert len(next(steps)) == bulk.CHUNK_SIZE
    steps.close()  # type: ignore[attr-defined]  # a generator, which its type does not promise
    tagged = [task.number for task in tasks.by_numbers(store, numbers) if task.tags == ("vip",)]
    assert tagged == numbers[: bulk.CHUNK_SIZE]
    _results(store, ASSIGN.change_for(ACTOR, TODAY, assignee="jane"), numbers)
    assert store.revision() == before + 3


def test_cancelling_downloading_asking_and_noting_do_what_their_single_forms_do(store: Store) -> None:
    held = in_status(store, Status.ON_HOLD, Kind.DELETION, "h").number
    ready = in_status(store, Status.COMPLETED, task_id="c").number
    assert _results(store, CANCEL.change_for(ACTOR), [held])[0].refused is None
    assert _results(store, DOWNLOAD.change_for(ACTOR, "/srv"), [ready])[0].refused is None
    assert _results(store, REFRESH.change_for(ACTOR), [held])[0].refused is None
    assert _results(store, NOTE.change_for(ACTOR, TODAY, text="x"), [held])[0].refused is None
    found = tasks.get(store, held)
    assert (found.cancel_asked, found.polls_unchanged, found.note) == (True, 0, "x")
    assert tasks.get(store, ready).download is not None
    assert [note.text for note in single.notes(store, held)] == ["x"]


def test_what_a_plan_would_skip_is_refused_where_the_plan_acts(store: Store) -> None:
    saved = in_status(store, Status.COMPLETED, task_id="c1")
    check = bulk_plan.plan_check(ACKNOWLEDGE, TODAY)
    assert bulk_plan.plan(store, ACKNOWLEDGE, [saved.number], TODAY).possible == (saved.number,)
    single.acknowledge(store, saved.number, TODAY, "kim")
    command = bulk.with_check(ACKNOWLEDGE.change_for(ACTOR, TODAY, on=TODAY), check)
    (result,) = _results(store, command, [saved.number])
    assert result.refused
    assert "already acknowledged" in result.refused


def test_a_plan_replaces_no_verification_and_one_alone_says_that_it_does(store: Store) -> None:
    first, second = (submitted(store, email=f"{name}@example.com").number for name in "ab")
    single.verify(store, first, Verification(TODAY - timedelta(days=2), "kim", "order 17"), ACTOR)
    planned = bulk_plan.plan(store, VERIFY, [first, second], TODAY, {"how": "by phone"})
    assert (planned.possible, planned.skipped) == ((second,), (("verified already", 1),))
    command = bulk.with_check(
        VERIFY.change_for(ACTOR, TODAY, how="by phone"),
        bulk_plan.plan_check(VERIFY, TODAY, {"how": "by phone"}),
    )
    assert [bool(result.refused) for result in _results(store, command, [first, second])] == [True, False]
    assert [task.verification and task.verification.how for task in tasks.each(store, [first, second])] == [
        "order 17",
        "by phone",
    ]
    seen = tasks.get(store, first)
    chosen = ChosenTasks((first,), seen.name, seen, ACTOR)
    for sentence in (VERIFY.arguments[0].question(chosen), VERIFY.notice_of_replaced(seen)):
        assert f"the verification of {TODAY - timedelta(days=2)}" in sentence


def test_a_plan_of_inquiries_says_for_which_laws_the_clock_goes_on(store: Store) -> None:
    laws = ["uk-gdpr", "uk-gdpr", "us-ca", "us-ca", "us-tx", "us-co", "none"]
    numbers = [
        requests.submit(
            store, request(email=f"r{at}@example.com", regulation=law)._replace(received_on=TODAY), ACTOR
        ).number
        for at, law in enumerate(laws)
    ]
    single.answer(store, numbers[4], "by email", TODAY, ACTOR)  # its clock does not run
    plan = bulk_plan.plan(store, INQUIRE, numbers, TODAY)
    assert plan.warning == "The clock does not stop for 3 of them: 2 under us-ca, 1 under us-co"  # none sets no clock
    after = TODAY + timedelta(days=60)
    plan = bulk_plan.plan(store, INQUIRE, numbers[:2], TODAY, {"on": after})
    assert plan.warning == "The clock does not stop for 2 of them: 2 under uk-gdpr (after the due date)"
    assert bulk_plan.plan(store, INQUIRE, numbers[:2], TODAY).warning == ""


@pytest.mark.parametrize(
    ("operation", "values", "reasons"),
    [
        (
            CORRECT,
            {"received": TODAY},
            {"received then under that law already": 1, "acknowledged before that day": 1},
        ),
        (CORRECT, {"regulation": "none"}, {"extended, which none does not allow": 1}),
        (CORRECT, {"received": TODAY - timedelta(days=300)}, {"extended too late for that day": 1}),
        (ACKNOWLEDGE, {"on": TODAY - timedelta(days=3)}, {"received after that day": 2, "acknowledged already": 1}),
    ],
)
def test_a_plan_skips_what_its_values_are_refused_for(
    store: Store, operation: RecordOperation, values: Values, reasons: dict[str, int]
) -> None:
    fresh, acknowledged, extended = (submitted(store, email=f"{name}@example.com").number for name in "abc")
    earlier = TODAY - timedelta(days=2)
    for number in (acknowledged, extended):
        single.edit(store, number, lambda one: legal_records.correct(one, earlier), ACTOR, TODAY)
    single.acknowledge(store, acknowledged, earlier, ACTOR)
    single.extend(store, extended, "many requests", TODAY, ACTOR)
    numbers = [fresh, acknowledged, extended]
    planned = bulk_plan.plan(store, operation, numbers, TODAY, values)
    assert dict(planned.skipped) == reasons
    check = bulk_plan.plan_check(operation, TODAY, values)
    assert [number for number in numbers if check(tasks.get(store, number)) is None] == list(planned.possible)
    results = _results(store, operation.change_for(ACTOR, TODAY, **values), numbers)
    refused = {result.id for result in results if result.refused}
    assert refused == set(numbers) - set(planned.possible)


def test_a_plan_skips_a_resubmission_that_the_service_would_refuse(store: Store) -> None:
    numbers = [in_status(store, Status.FAILED, Kind.DELETION, task_id=f"f{number}").number for number in range(2)]
    store.rows("UPDATE tasks SET email = 'nobody' WHERE number = ?", (numbers[0],))
    planned = bulk_plan.plan(store, RESUBMIT, numbers, TODAY)
    assert (planned.possible, planned.skipped) == ((numbers[1],), (("whose email the service would refuse", 1),))
    assert bulk_plan.plan(store, RESUBMIT, numbers, TODAY, {"hold_rule": fixed_hold(181)}).possible == ()


def test_a_request_that_was_to_be_withdrawn_is_not_cancelled_at_the_service(store: Store) -> None:
    seen = submitted(store, Kind.DELETION)
    check = bulk.unchanged_check(seen, requests.cannot_cancel, requests.cancellation_phrase)
    assert check(seen) is None
    intent_outcomes.record_accepted(store, sent(store, seen.number).id, "task-1", SOON)
    (result,) = _results(store, bulk.with_check(CANCEL.change_for(ACTOR), check), [seen.number])
    assert result.refused
    assert not tasks.get(store, seen.number).cancel_asked


def test_a_plan_to_decline_names_what_is_cancelled_first_and_a_second_one_that_it_waits(store: Store) -> None:
    held = submitted(store, Kind.DELETION).number
    intent_outcomes.record_accepted(store, sent(store, held).id, "task-1", SOON)
    single.answered(store, held, answer("ON_HOLD"), SOON)
    unsent = submitted(store, Kind.DELETION, email="b@example.com").number
    planned = bulk_plan.plan(store, DECLINE, [held, unsent], TODAY)
    assert (planned.possible, planned.cancelled_first) == ((held, unsent), 1)
    assert "1 deletion is cancelled first" in str(planned)
    for number in (held, unsent):
        single.edit(store, number, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
    again = bulk_plan.plan(store, DECLINE, [held, unsent], TODAY)
    assert dict(again.skipped) == {"to be declined once cancelled": 1, "declined already": 1}


def test_a_correction_without_values_is_planned_for_all_so_that_the_values_are_asked_for(store: Store) -> None:
    numbers = [submitted(store, email=f"{name}@example.com").number for name in "ab"]
    assert bulk_plan.plan(store, CORRECT, numbers, TODAY).possible == tuple(numbers)
    values = {"received": tasks.get(store, numbers[0]).received_on}
    assert bulk_plan.plan(store, CORRECT, numbers, TODAY, values).possible == ()
