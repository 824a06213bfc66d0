"""Answers to shoppers: recorded, corrected, imported from a file, and those that a profile counts by itself."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import apsw
import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.legal_operations import ANSWER
from bwp_tui.actions.service_operations import RESUBMIT
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.deadlines import is_clock_stopped, needs_answer
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import NEVER_SENT_PREFIX, Kind, Task
from bwp_tui.domain.times import format_instant
from bwp_tui.domain.views import VIEWS
from bwp_tui.store.commands import answer_import, answers, decisions, legal_records, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import chain_check, integrity, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import dashboard, tasks, timeline
from bwp_tui.store.queries.timeline import EventKind, LegalRecord
from bwp_tui.store.worklog import answers_at_completion, downloads, intent_outcomes, poll_responses
from tests.manual_clock import ManualClock
from tests.store import golden, single
from tests.store.damage import change_elsewhere
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
    scalar,
    sent,
    submitted,
)

SENT = "UPDATE tasks SET submitted_at = '2026-11-20T09:14:00.000000Z' WHERE number = ?"
YESTERDAY = TODAY - timedelta(days=1)


def _finished(store: Store, kind: Kind = Kind.DELETION, task_id: str = "task-1") -> Task:
    """A completed task that was sent today."""
    number = in_status(store, Status.COMPLETED, kind, task_id).number
    store.rows(SENT, (number,))
    return tasks.get(store, number)


def _table(*lines: str) -> bytes:
    return "\r\n".join(("task,kind,email,on,how", *lines)).encode()


def test_an_answer_stops_the_clock_and_the_end_at_the_service_does_not(store: Store) -> None:
    task = _finished(store)
    (to_answer,) = (view for view in VIEWS if view.name == "to answer")
    assert needs_answer(task)
    assert list(tasks.matching_numbers(store, parse(to_answer.filter), today=TODAY)) == [task.number]
    single.answer(store, task.number, " by\nemail ", TODAY, ACTOR)
    found = tasks.get(store, task.number)
    assert (found.answered_on, found.answered_how, needs_answer(found)) == (TODAY, "by email", False)
    assert tasks.count(store, parse(to_answer.filter), today=TODAY) == 0
    assert list(tasks.matching_numbers(store, parse("answered:today"), today=TODAY)) == [task.number]
    event = timeline.of_task(store, task.number)[-1]
    assert (event.what, event.actor, event.detail) == ("answered", ACTOR, f"on {TODAY}: by email")
    assert store.rows(integrity.TASK_COUNTS) == store.rows(integrity.TALLIED_COUNTS)


def test_another_answer_corrects_the_first_and_a_late_one_says_so(store: Store) -> None:
    task = _finished(store)
    due = task.due_on
    assert due is not None
    single.answer(store, task.number, "by email", TODAY, ACTOR)
    single.answer(store, task.number, "by post", due + timedelta(days=2), ACTOR)
    details = [event.detail for event in timeline.of_task(store, task.number) if event.what == "answered"]
    late = due + timedelta(days=2)
    assert details == [f"on {TODAY}: by email", f"on {late}, 2 days late, corrected from {TODAY}: by post"]


def test_the_same_answer_or_verification_again_leaves_no_event(store: Store) -> None:
    number = _finished(store).number
    for record in (
        partial(answers.answer, how="by post", in_part="card numbers"),
        partial(legal_records.verify, how="order 17", by="kim"),
    ):
        single.edit(store, number, record, ACTOR, TODAY)
        before = timeline.of_task(store, number)
        with pytest.raises(NotPossible, match=f"already recorded for {TODAY}"):
            single.edit(store, number, record, ACTOR, TODAY)
        assert timeline.of_task(store, number) == before


def test_a_withdrawn_answer_lets_the_clock_run_again(store: Store) -> None:
    task = _finished(store)
    single.answer(store, task.number, "by email", TODAY, ACTOR)
    single.edit(store, task.number, lambda edit: answers.withdraw(edit, LegalRecord.ANSWER), ACTOR)
    found = tasks.get(store, task.number)
    assert (found.answered_on, found.answered_how, needs_answer(found)) == (None, None, True)
    event = timeline.of_task(store, task.number)[-1]
    assert (event.what, event.detail) == ("answer withdrawn", f"was on {TODAY}: by email")
    assert scalar(store, "SELECT sum(tasks) FROM tallies WHERE open = 1") == 1


@pytest.mark.parametrize(("how", "on", "told"), [(" ", TODAY, "how"), ("x", YESTERDAY, "was received on")])
def test_an_answer_says_how_and_comes_after_the_receipt(store: Store, how: str, on: date, told: str) -> None:
    task = _finished(store)
    with pytest.raises(NotPossible, match=told):
        single.answer(store, task.number, how, on, ACTOR)
    assert tasks.get(store, task.number) == task


def test_of_a_resubmitted_request_the_new_task_is_answered_and_a_purged_one_is_closed(store: Store) -> None:
    failed = in_status(store, Status.FAILED)
    new = requests.resubmit(store, failed.number, ACTOR)
    with pytest.raises(NotPossible, match=f"#{new.number}"):
        single.answer(store, failed.number, "x", TODAY, ACTOR)
    store.rows("UPDATE tasks SET purged_at = '2026-11-20T09:14:00.000000Z' WHERE number = ?", (new.number,))
    with pytest.raises(NotPossible, match="purged"):
        single.answer(store, new.number, "x", TODAY, ACTOR)


def test_among_many_what_is_doubtful_is_left_out_and_counted(store: Store) -> None:
    done, unsent = _finished(store), submitted(store)
    answered = _finished(store, task_id="task-2")
    single.answer(store, answered.number, "x", TODAY, ACTOR)
    cancelled = in_status(store, Status.CANCELLED, Kind.DELETION, "task-3")
    numbers = [done.number, unsent.number, answered.number, cancelled.number]
    plan = bulk_plan.plan(store, ANSWER, numbers, TODAY, {"how": "by email"})
    assert plan.possible == (done.number,)
    assert dict(plan.skipped) == {"not sent yet": 1, "answered already": 1, "deletion CANCELLED": 1}
    store.rows("UPDATE tasks SET received_on = '2026-11-01' WHERE number = ?", (done.number,))
    early = bulk_plan.plan(store, ANSWER, [done.number], TODAY, {"how": "by email", "on": YESTERDAY})
    assert dict(early.skipped) == {"sent after that day": 1}


def test_a_single_doubtful_answer_is_asked_about(store: Store) -> None:
    unsent = submitted(store)
    assert "has not been sent" in ANSWER.question(unsent, {"how": "by email"})
    done = _finished(store, task_id="task-2")
    assert ANSWER.question(done, {"how": "by email"}) == ANSWER.question(done, {"how": "by email", "on": TODAY}) == ""
    assert f"sent to the service on {TODAY}" in ANSWER.question(done, {"how": "by email", "on": YESTERDAY})
    single.answer(store, unsent.number, "told at the counter", TODAY, ACTOR)
    assert tasks.get(store, unsent.number).answered_on == TODAY


def test_answers_of_a_file_are_all_recorded_by_task_or_by_email_and_kind(store: Store) -> None:
    done = _finished(store)
    other = _finished(store, Kind.RETRIEVAL, "task-2")
    store.rows("UPDATE tasks SET email = 'Bob@example.com' WHERE number = ?", (other.number,))
    planned = answer_import.plan(
        store, _table(f"{done.task_id},,,20261120,by email", ",access,bob@EXAMPLE.com,,by post"), TODAY
    )
    assert planned.wrong_lines == ()
    assert answer_import.record_answers(store, planned, ACTOR, TODAY) == [done.number, other.number]
    found = [tasks.get(store, number) for number in (done.number, other.number)]
    assert [(task.answered_on, task.answered_how) for task in found] == [(TODAY, "by email"), (TODAY, "by post")]


def test_all_mistakes_of_each_line_are_told_and_nothing_is_recorded(store: Store) -> None:
    done, unsent = _finished(store), submitted(store)
    _finished(store, task_id="task-2")
    email = done.email
    planned = answer_import.plan(
        store,
        _table(
            f"{done.number},,,,by email",
            f"{done.number},,,2099-01-01,,surplus",
            f",deletion,{email},,x",
            ",deletion,nobody@example.com,,x",
            f",nothing,{email},,x",
            f"{unsent.number},,,2026-11-19,x",
            "999,,,soon,",
            ",,,,x",
        ),
        TODAY,
    )
    told = [
        (),
        ("more cells", "in the future", "how the shopper was answered", "Line 2 answers the same task"),
        ("More than one deletion for this email waits for an answer; give the task.",),
        ("No deletion for this email waits for an answer.",),
        ("neither retrieval nor deletion",),
        ("was received on", "has not been sent"),
        ("There is no task", "is no date", "how the shopper was answered"),
        ("names no task",),
    ]
    assert [len(line.mistakes) for line in planned.lines] == [len(parts) for parts in told]
    for line, parts in zip(planned.lines, told, strict=True):
        assert all(part in mistake for part, mistake in zip(parts, line.mistakes, strict=True)), line
        assert not any("@example.com" in mistake for mistake in line.mistakes)
    with pytest.raises(NotPossible):
        answer_import.record_answers(store, planned, ACTOR, TODAY)
    assert tasks.count(store, parse("-answered:none"), today=TODAY) == 0


def test_a_file_cannot_answer_on_a_day_that_has_not_begun_in_the_office(store: Store) -> None:
    done = _finished(store)
    tomorrow = TODAY + timedelta(days=1)
    (line,) = answer_import.plan(store, _table(f"{done.number},,,{tomorrow},x"), TODAY).wrong_lines
    assert str(tomorrow) in line.mistakes[0]


def test_a_file_of_answers_is_recorded_once_even_if_two_import_it(store: Store) -> None:
    first, second = _finished(store), _finished(store, task_id="task-2")
    planned = answer_import.plan(store, _table(f"{first.number},,,,x", f"{second.number},,,,x"), TODAY)
    single.answer(store, second.number, "meanwhile", TODAY, ACTOR)
    with pytest.raises(NotPossible, match="already answered"):
        answer_import.record_answers(store, planned, ACTOR, TODAY)
    assert tasks.get(store, first.number).answered_on is None


def test_a_profile_can_count_what_is_completed_as_answered(store: Store, clock: ManualClock) -> None:
    deleted, ready = _finished(store), _finished(store, Kind.RETRIEVAL, "task-2")
    failed = in_status(store, Status.FAILED, task_id="task-3")
    seen = answers_at_completion.answer_completed(store, 0)
    assert not answers_at_completion.is_any_completed(store, seen)
    answered = [tasks.get(store, task.number).answered_on for task in (deleted, ready, failed)]
    assert answered == [TODAY, None, None]
    clock.advance(days=3)
    requests.download(store, ready.number, "/srv", ACTOR)
    (job,) = downloads.ready(store, clock(), 5)
    downloads.record_success(store, job, "/srv/a.zip", 1, "00")
    assert answers_at_completion.is_any_completed(store, seen)
    seen = answers_at_completion.answer_completed(store, seen)
    found = tasks.get(store, ready.number)
    assert (found.answered_on, needs_answer(found)) == (TODAY + timedelta(days=3), False)
    event = timeline.of_task(store, ready.number)[-1]
    assert (event.what, event.actor) == ("answered", timeline.PROGRAM)
    single.edit(store, ready.number, lambda edit: answers.withdraw(edit, LegalRecord.ANSWER), ACTOR)
    answers_at_completion.answer_completed(store, seen)
    assert tasks.get(store, ready.number).answered_on is None, "what a person took back is left to them"


def test_many_completed_tasks_are_answered_in_one_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_at_completion, "_CHUNK", 2)
    for number in range(5):
        _finished(store, task_id=f"task-{number}")
    answers_at_completion.answer_completed(store, 0)
    assert tasks.count(store, parse("is:unanswered"), today=TODAY) == 0


def test_what_may_have_been_sent_is_not_called_unsent(store: Store) -> None:
    given_up, unconfirmed = submitted(store), submitted(store)
    store.rows("UPDATE tasks SET status = 'UNCONFIRMED' WHERE number > 0")
    store.rows("UPDATE tasks SET status = 'GIVEN_UP', terminal = 1 WHERE number = ?", (given_up.number,))
    plan = bulk_plan.plan(store, ANSWER, [given_up.number, unconfirmed.number], TODAY, {"how": "by email"})
    assert (plan.possible, dict(plan.skipped)) == ((given_up.number,), {"perhaps not sent": 1})
    store.rows("UPDATE tasks SET trouble = ? WHERE number > 0", (f"{NEVER_SENT_PREFIX}changed.",))
    without_response, tracked = submitted(store), requests.track(store, Kind.RETRIEVAL, "task-12345", request(), ACTOR)
    sent(store, without_response.number)
    plan = bulk_plan.plan(store, ANSWER, [unconfirmed.number, without_response.number, tracked.number], TODAY, {})
    assert dict(plan.skipped) == {"not sent yet": 1, "perhaps not sent": 1, "not ended yet": 1}


def test_whoever_resubmits_an_answered_request_is_told_that_it_opens_again(store: Store) -> None:
    failed = in_status(store, Status.FAILED)
    assert RESUBMIT.question(failed, "it") == ""
    assert "message" not in (advice_for(failed, None, str) or "message")  # the service gave none
    single.answer(store, failed.number, "by email", TODAY, ACTOR)
    answered = tasks.get(store, failed.number)
    assert RESUBMIT.question(answered, "it") != ""
    assert advice_for(answered, None, str) is None
    assert bulk_plan.plan(store, RESUBMIT, [failed.number], TODAY).warning.startswith("1 request was answered")


@pytest.mark.parametrize("status", [Status.FAILED, Status.REJECTED, Status.UNCONFIRMED])
def test_an_answer_before_a_failure_is_withdrawn_and_one_after_it_counts(store: Store, status: Status) -> None:
    (failed_ones,) = (parse(view.filter) for view in VIEWS if view.name == "failed")
    task = submitted(store)
    single.edit(store, task.number, partial(legal_records.correct, regulation="uk-gdpr"), ACTOR)
    single.edit(store, task.number, partial(legal_records.inquire, on=TODAY), ACTOR)
    single.answer(store, task.number, "by post", TODAY, ACTOR)
    intent = sent(store, task.number)
    if status == Status.REJECTED:
        intent_outcomes.record_rejected(store, intent.id, "UnspecifiedError", "not valid")
    elif status == Status.UNCONFIRMED:
        intent_outcomes.record_unconfirmed(store, intent.id)
    else:
        intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
        single.answered(store, task.number, answer(status), SOON)
    found = tasks.get(store, task.number)
    assert (found.status, found.answered_on, found.answered_how, is_clock_stopped(found)) == (status, None, None, True)
    assert list(tasks.matching_numbers(store, failed_ones, today=TODAY)) == [task.number]
    event = timeline.of_task(store, task.number)[-1]
    assert (event.actor, event.what) == (timeline.PROGRAM, "answer withdrawn")
    assert "by post" in str(event.detail)
    single.answer(store, task.number, "by post", TODAY, ACTOR)
    if status == Status.FAILED:
        single.answered(store, task.number, replace(answer(status), updated_at=SOON), SOON)
    assert tasks.get(store, task.number).answered_how == "by post"
    assert chain_check.check_file(store.path)[1] == []


@pytest.mark.parametrize("way", ["unknown id", "other email", "id of another row", "changed row"])
def test_an_answer_is_withdrawn_when_it_becomes_unknown_whether_the_request_runs(
    path: Path, store: Store, way: str
) -> None:
    has_id = way in ("unknown id", "other email")
    number = (in_status(store, Status.UNCONFIRMED) if has_id else submitted(store)).number
    if has_id:
        decisions.enter_task_id(store, number, "task-id-1", ACTOR)
    single.answer(store, number, "by post", TODAY, ACTOR)
    if way == "unknown id":
        poll_responses.record_unknown(store, number, "no such task", SOON)
    elif way == "other email":
        single.answered(store, number, answer("COMPLETED", email="eve@example.com"), SOON)
    elif way == "id of another row":
        accepted(store, "task-1", Kind.DELETION)
        intent_outcomes.record_accepted(store, sent(store, number).id, "task-1", SOON)
    else:
        change_elsewhere(path, "UPDATE tasks SET email = 'lane@example.com'")
        assert not intent_outcomes.record_sending(store, intent_of(store, number).id)
    found = tasks.get(store, number)
    assert (found.status, found.answered_on) == (Status.UNCONFIRMED, None)
    assert timeline.of_task(store, number)[-1].what == EventKind.ANSWER_WITHDRAWN


def test_an_answer_from_before_a_wrong_task_id_was_entered_stays(store: Store) -> None:
    number = in_status(store, Status.UNCONFIRMED).number
    decisions.give_up(store, number, "no answer", ACTOR)
    single.answer(store, number, "by post", TODAY, ACTOR)
    decisions.enter_task_id(store, number, "task-id-1", ACTOR)
    poll_responses.record_unknown(store, number, "no such task", SOON)
    assert tasks.get(store, number).answered_on == TODAY


def test_the_dashboard_counts_a_resubmitted_request_once(store: Store) -> None:
    failed = in_status(store, Status.FAILED)
    before = dashboard.read_statistics(store, TODAY).received
    requests.resubmit(store, failed.number, ACTOR)
    assert dashboard.read_statistics(store, TODAY).received == before
    assert before[-1] == 1


@pytest.mark.parametrize(
    ("lengths", "expected"), [((3, 1), (2, 3)), (tuple(range(10, 0, -1)), (5.5, 9)), ((7,), (7, 7))]
)
def test_the_dashboard_gives_the_median_of_durations_and_what_nine_of_ten_do_not_exceed(
    store: Store, lengths: tuple[int, ...], expected: tuple[float, float]
) -> None:
    for at, length in enumerate(lengths):
        number = in_status(store, Status.COMPLETED, task_id=f"task-{at}").number
        values = (format_instant(NOW), format_instant(NOW + timedelta(seconds=length)), number)
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET submitted_at = ?, finished_at = ? WHERE number = ?", values)
    (duration,) = dashboard.read_statistics(store, TODAY).durations
    assert (duration.median, duration.p90) == pytest.approx(expected, abs=0.01)


def test_the_dashboard_counts_answers_in_time_and_late_and_their_median(store: Store) -> None:
    received = TODAY - timedelta(days=60)
    for place, days in enumerate((3, 5, 60)):
        task = accepted(store, f"task-{place}", email=f"s{place}@example.com")
        store.rows(
            "UPDATE tasks SET received_on = ?, due_on = ? WHERE number = ?",
            (str(received), str(received + timedelta(days=30)), task.number),
        )
        single.answer(store, task.number, "x", received + timedelta(days=days), ACTOR)
    figures = dashboard.read_statistics(store, TODAY).answers
    assert (figures.in_time, figures.late, figures.median_days) == (2, 1, 5)
    later = dashboard.read_statistics(store, TODAY + timedelta(days=60)).answers
    assert (later.in_time, later.late, later.median_days) == (0, 1, 60)
    empty = dashboard.read_statistics(store, TODAY + timedelta(days=900)).answers
    assert (empty.in_time, empty.late, empty.median_days) == (0, 0, None)


def test_nobody_waits_for_an_answer_to_a_cancelled_request(store: Store) -> None:
    cancelled = in_status(store, Status.CANCELLED, Kind.DELETION)
    assert "nobody waits" in (answers.cannot_answer_in_bulk(cancelled) or "")
    assert answers.cannot_answer(cancelled) is None


def test_a_backup_of_the_last_schema_brings_no_answer_back_and_none_twice(path: Path) -> None:
    """What a migration records is the same in a backup, and no later than what a person did."""
    path.parent.mkdir()
    shutil.copyfile(Path(golden.__file__).with_name("schema-12.db"), path)
    db = apsw.Connection(str(path))
    finished = "status = 'COMPLETED', terminal = 1, kind = 'DELETION', finished_at = '2026-11-10T09:00:00.000000Z'"
    db.execute(f"UPDATE tasks SET {finished} WHERE number IN (4, 5)")
    db.close()
    backup = path.with_name("mine.db")
    shutil.copyfile(path, backup)
    clock = ManualClock(NOW + timedelta(days=9))
    store = open_store(path, clock=clock)
    assert [str(tasks.get(store, number).answered_on) for number in (4, 5)] == ["2026-11-10"] * 2
    single.edit(store, 4, lambda edit: answers.withdraw(edit, LegalRecord.ANSWER), ACTOR)
    events = [timeline.of_task(store, number) for number in (4, 5)]
    store.close()
    clock.advance(days=1)
    restore.restore(path, backup, clock())
    again = open_store(path, clock=clock)
    assert [tasks.get(again, number).answered_on for number in (4, 5)] == [None, date(2026, 11, 10)]
    assert [timeline.of_task(again, number) for number in (4, 5)] == events
    again.close()
    assert integrity.full_check(path) == []


def test_a_completion_is_no_answer_to_a_shopper_who_was_told_of_a_decline(store: Store) -> None:
    number = accepted(store, kind=Kind.DELETION).number
    single.edit(store, number, lambda edit: decisions.decline(edit, "exempt", "kept"), ACTOR, TODAY)
    single.answered(store, number, answer("COMPLETED"), None)
    answers_at_completion.answer_completed(store, 0)
    task = tasks.get(store, number)
    assert (task.status, task.declined_on, task.answered_on) == (Status.COMPLETED, None, None)
