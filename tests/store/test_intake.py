"""Requests that are recorded before they are sent: their clocks run, and nothing but `send` sends them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.service_operations import SEND
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.deadlines import fitting_hold, needs_answer
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Kind, Verification
from bwp_tui.domain.views import VIEWS
from bwp_tui.store.commands import answers, csv_import, decisions, legal_records, requests
from bwp_tui.store.commands.csv_import import ImportDefaults
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import integrity, recover, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import intent_outcomes, intents, ready_polls
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import overwrite_table
from tests.store.support import (
    ACTOR,
    FAR,
    TODAY,
    assert_intent_is_not_sent,
    intent_of,
    received,
    request,
    restored_both_ways,
    scalar,
    sent,
)

VERIFIED = Verification(TODAY, ACTOR, "order 17")


def nothing_is_ready(store: Store) -> bool:
    """Whether the engine has nothing to send or to poll, however late it is."""
    polls = ready_polls.ready(store, FAR, 100)
    return not intents.ready(store, FAR, 100) and not polls and intents.unfinished_work(store) is None


@pytest.mark.parametrize("kind", Kind)
def test_its_clocks_run_and_nothing_is_due_to_be_sent(store: Store, kind: Kind) -> None:
    task = received(store, kind)
    assert (task.status, task.is_final, needs_answer(task)) == (Status.RECEIVED, False, True)
    assert task.due_on is not None
    assert nothing_is_ready(store)
    assert scalar(store, "SELECT count(*) FROM intents") == 0
    (event,) = timeline.of_task(store, task.number)
    assert (event.what, event.before, event.after) == ("recorded", None, "RECEIVED")
    (waiting,) = (view for view in VIEWS if view.name == "received")
    assert list(tasks.matching_numbers(store, parse(waiting.filter), today=TODAY)) == [task.number]
    assert task.number in tasks.matching_numbers(store, parse("is:open -is:active"), today=TODAY)
    assert store.rows(integrity.TASK_COUNTS) == store.rows(integrity.TALLIED_COUNTS)


def test_no_other_path_sends_it(store: Store) -> None:
    task = received(store, Kind.DELETION)
    paths: tuple[Callable[[], object], ...] = (
        lambda: requests.resubmit(store, task.number, ACTOR),
        lambda: decisions.enter_task_id(store, task.number, "a-whole-task-id", ACTOR),
        lambda: decisions.give_up(store, task.number, "no", ACTOR),
        lambda: requests.download(store, task.number, "/tmp", ACTOR),
        lambda: requests.send(store, task.number, ACTOR),
    )
    for refused in paths:
        with pytest.raises(NotPossible):
            refused()
    requests.poll_now(store, [task.number])
    assert nothing_is_ready(store)
    assert tasks.get(store, task.number) == task


def test_a_submission_that_waits_for_it_is_not_sent_either(store: Store) -> None:
    number = received(store).number
    assert_intent_is_not_sent(store, number)


def test_what_is_recorded_of_any_task_is_recorded_of_it(store: Store) -> None:
    number = received(store).number
    single.acknowledge(store, number, TODAY, ACTOR)
    single.add_note(store, number, "called", ACTOR)
    single.set_tags(store, number, ["vip"], ACTOR)
    single.edit(store, number, lambda edit: legal_records.extend(edit, "many orders"), ACTOR, TODAY)
    single.edit(store, number, lambda edit: legal_records.correct(edit, TODAY - timedelta(days=2)), ACTOR, TODAY)
    task = tasks.get(store, number)
    assert (task.status, task.note, task.tags) == (Status.RECEIVED, "called", ("vip",))
    assert (task.acknowledged_on, task.extended_on, task.received_on) == (TODAY, TODAY, TODAY - timedelta(days=2))


@pytest.mark.parametrize("kind", Kind)
def test_a_verified_one_is_sent_once_with_a_token_of_its_own(store: Store, kind: Kind) -> None:
    number = received(store, kind).number
    with pytest.raises(NotPossible, match="identity is verified"):
        requests.send(store, number, ACTOR)
    single.verify(store, number, VERIFIED, ACTOR)
    task = requests.send(store, number, "anna")
    assert (task.status, task.verification) == (Status.QUEUED, VERIFIED)
    assert intent_of(store, number).client_token
    event = timeline.of_task(store, number)[-1]
    assert (event.what, event.actor, event.before, event.after) == ("send asked", "anna", "RECEIVED", "QUEUED")
    with pytest.raises(NotPossible, match="Only a RECEIVED request"):
        requests.send(store, number, ACTOR)
    assert scalar(store, "SELECT count(*) FROM intents") == 1
    assert sent(store, number).client_token == intent_of(store, number).client_token


def test_the_verification_of_one_that_is_about_to_be_sent_stays(store: Store) -> None:
    number = received(store, Kind.DELETION).number
    single.verify(store, number, VERIFIED, ACTOR)
    requests.send(store, number, ACTOR)
    with pytest.raises(NotPossible, match="cancel it before"):
        single.edit(store, number, lambda edit: answers.withdraw(edit, LegalRecord.VERIFICATION), ACTOR, TODAY)
    requests.cancel(store, number, ACTOR)
    single.edit(store, number, lambda edit: answers.withdraw(edit, LegalRecord.VERIFICATION), ACTOR, TODAY)
    assert tasks.get(store, number).verification is None


def test_one_that_was_answered_is_neither_sent_nor_still_listed(store: Store) -> None:
    number = received(store, Kind.DELETION).number
    single.verify(store, number, VERIFIED, ACTOR)
    single.answer(store, number, "told by mail that it is declined", TODAY, ACTOR)
    with pytest.raises(NotPossible, match="answered"):
        requests.send(store, number, ACTOR)
    assert bulk_plan.plan(store, SEND, [number], TODAY).possible == ()
    (waiting,) = (view for view in VIEWS if view.name == "received")
    assert list(tasks.matching_numbers(store, parse(waiting.filter), today=TODAY)) == []
    assert advice_for(tasks.get(store, number), None, str) is None


def test_the_advice_on_it_is_the_next_step(store: Store) -> None:
    number = received(store).number
    assert "verify" in (advice_for(tasks.get(store, number), None, str) or "")
    single.verify(store, number, VERIFIED, ACTOR)
    advice = advice_for(tasks.get(store, number), None, str) or ""
    assert "(send)" in advice
    assert "(verify)" not in advice


def test_a_deletion_is_sent_with_the_hold_that_still_fits(store: Store) -> None:
    old = request(Kind.DELETION, regulation="us-co")._replace(received_on=TODAY - timedelta(days=10))
    number = requests.submit(store, old._replace(awaits_verification=True), ACTOR).number
    single.verify(store, number, VERIFIED, ACTOR)
    plan = bulk_plan.plan(store, SEND, [number], TODAY)
    assert "1 deletion would end after its due date" in plan.warning
    assert plan.can_meet_due_dates
    assert requests.send(store, number, ACTOR, fitting_hold(TODAY)).holding_period == 5


def test_a_plan_leaves_out_what_cannot_be_sent_and_says_why(store: Store) -> None:
    ready, unverified = received(store), received(store, Kind.DELETION)
    other = requests.submit(store, request(), ACTOR)
    single.verify(store, ready.number, VERIFIED, ACTOR)
    plan = bulk_plan.plan(store, SEND, [ready.number, unverified.number, other.number], TODAY)
    assert plan.possible == (ready.number,)
    assert dict(plan.skipped) == {"not verified yet": 1, "retrieval QUEUED": 1}


def test_one_without_an_email_is_not_sent(store: Store) -> None:
    number = received(store).number
    store.rows("UPDATE tasks SET email = '' WHERE number = ?", (number,))
    single.verify(store, number, VERIFIED, ACTOR)
    assert bulk_plan.plan(store, SEND, [number], TODAY).possible == ()


def test_it_can_be_withdrawn_and_a_repetition_is_received_again(store: Store) -> None:
    number = received(store, Kind.DELETION).number
    task = requests.cancel(store, number, ACTOR)
    assert (task.status, needs_answer(task)) == (Status.CANCELLED, False)
    event = timeline.of_task(store, number)[-1]
    assert (event.what, event.before, event.after) == ("withdrawn", "RECEIVED", "CANCELLED")
    again = requests.resubmit(store, number, ACTOR)
    assert (again.status, again.resubmit_of) == (Status.RECEIVED, number)
    assert nothing_is_ready(store)


def test_a_file_is_imported_without_sending_anything(store: Store) -> None:
    data = b"kind,email\nretrieval,jane@example.com\ndeletion,bob@example.com\n"
    plan = csv_import.plan(store, data, ImportDefaults(TODAY, "us-co", awaits_verification=True))
    numbers = csv_import.import_requests(store, plan, ACTOR)
    assert {task.status for task in tasks.by_numbers(store, numbers)} == {Status.RECEIVED}
    assert nothing_is_ready(store)
    again = csv_import.plan(store, data, ImportDefaults(TODAY, "us-co"))
    assert (again.imported_before, again.duplicates) == (2, 2)


def test_one_that_only_a_backup_has_may_have_been_sent_since(path: Path, clock: ManualClock, tmp_path: Path) -> None:
    store = open_store(path, clock=clock)
    numbers = [received(store, kind).number for kind in Kind]
    store.close()
    shutil.copy(path, tmp_path / "backup.db")
    path.unlink()
    restored = restore.restore(path, tmp_path / "backup.db", clock())
    store = open_store(path, clock=clock)
    assert (restored.unconfirmed, restored.merged.added) == (2, 2)
    assert_unconfirmed(store, numbers)
    store.close()


def test_one_in_an_older_copy_put_back_by_hand_may_have_been_sent_since(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    store = open_store(path, clock=clock)
    numbers = [received(store, kind).number for kind in Kind]
    store.close()
    shutil.copy(path, tmp_path / "older.db")
    store = open_store(path, clock=clock)
    for number in numbers:
        single.verify(store, number, VERIFIED, ACTOR)
        requests.send(store, number, ACTOR)
    store.close()
    shutil.copy(tmp_path / "older.db", path)
    for beside in ("history.db-wal", "history.db-shm"):
        path.with_name(beside).unlink(missing_ok=True)
    store = open_store(path, clock=clock)
    assert_unconfirmed(store, numbers)
    store.close()


def assert_unconfirmed(store: Store, numbers: list[int]) -> None:
    """Check that requests are for the operator to decide on, and that a repetition is not sent by itself either."""
    assert {task.status for task in tasks.by_numbers(store, numbers)} == {Status.UNCONFIRMED}
    for number in numbers:
        changes = [(event.before, event.after) for event in timeline.of_task(store, number)]
        assert (Status.RECEIVED, Status.UNCONFIRMED) in changes
    assert requests.resubmit(store, numbers[0], ACTOR).status == Status.RECEIVED
    assert nothing_is_ready(store)


@pytest.mark.parametrize("later", ["sent", "withdrawn"])
def test_of_a_received_and_a_later_row_the_later_one_counts(
    path: Path, clock: ManualClock, tmp_path: Path, later: str
) -> None:
    store = open_store(path, clock=clock)
    number = received(store, Kind.RETRIEVAL).number
    single.verify(store, number, VERIFIED, ACTOR)
    store.close()
    shutil.copy(path, tmp_path / "early.db")
    clock.advance(minutes=1)
    store = open_store(path, clock=clock)
    if later == "sent":
        requests.send(store, number, ACTOR)
    else:
        requests.cancel(store, number, ACTOR)
    store.close()
    shutil.copy(path, tmp_path / "late.db")
    for merged in restored_both_ways(path, clock, tmp_path / "early.db", tmp_path / "late.db"):
        task = tasks.get(merged, number)
        assert task.status == (Status.QUEUED if later == "sent" else Status.CANCELLED)
        assert [intent.task_number for intent in intents.ready(merged, FAR, 9)] == ([number] if later == "sent" else [])


def test_a_recovered_history_sends_nothing_that_was_only_received(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    shoppers = [(kind, f"shopper{number}@example.com") for number in range(40) for kind in Kind]
    numbers = [received(store, kind, email).number for kind, email in shoppers]
    store.close()
    overwrite_table(path, "tasks")
    recover.recover(path, clock())
    store = open_store(path, clock=clock)
    found = tasks.by_numbers(store, numbers)
    assert len(found) == len(numbers)
    assert {task.status for task in found} == {Status.RECEIVED}
    assert nothing_is_ready(store)
    lost = [task.number for task in found if not task.email]
    for number in lost[:1]:
        single.verify(store, number, VERIFIED, ACTOR)
        assert bulk_plan.plan(store, SEND, [number], date.max).possible == ()
    store.close()


def test_one_that_was_sent_from_two_copies_becomes_two_tasks(path: Path, clock: ManualClock, tmp_path: Path) -> None:
    store = open_store(path, clock=clock)
    number = received(store, Kind.DELETION).number
    single.verify(store, number, VERIFIED, ACTOR)
    store.close()
    copy = tmp_path / "copy" / "history.db"
    copy.parent.mkdir()
    shutil.copy(path, copy)
    for file, task_id in ((path, "first-task"), (copy, "second-task")):
        clock.advance(minutes=1)
        store = open_store(file, clock=clock)
        requests.send(store, number, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, number).id, task_id, FAR)
        store.close()
    restored = restore.restore(copy, path, clock())
    assert restored.merged.added == 1
    store = open_store(copy, clock=clock)
    rows = [tasks.get(store, each) for each in tasks.matching_numbers(store, parse(""), today=TODAY)]
    assert {(task.task_id, task.status) for task in rows} == {("first-task", "ON_HOLD"), ("second-task", "ON_HOLD")}
    store.close()


@pytest.mark.parametrize("order", ["older into newer", "newer into older"])
def test_a_task_id_that_one_copy_has_counts_more_than_a_decision_without_it(
    path: Path, clock: ManualClock, tmp_path: Path, order: str
) -> None:
    store = open_store(path, clock=clock)
    number = received(store, Kind.DELETION).number
    single.verify(store, number, VERIFIED, ACTOR)
    store.close()
    older = tmp_path / "older" / "history.db"
    older.parent.mkdir()
    shutil.copy(path, older)
    store = open_store(path, clock=clock)
    requests.send(store, number, ACTOR)
    intent_outcomes.record_accepted(store, sent(store, number).id, "the-task", FAR)
    store.close()
    clock.advance(minutes=1)
    store = open_store(older, clock=clock)
    store.rows("UPDATE tasks SET status = 'UNCONFIRMED' WHERE number = ?", (number,))
    decisions.give_up(store, number, "lost", ACTOR)
    store.close()
    clock.advance(minutes=1)
    present, backup = (path, older) if order == "older into newer" else (older, path)
    restore.restore(present, backup, clock())
    store = open_store(present, clock=clock)
    task = tasks.get(store, number)
    assert (task.task_id, task.status, task.is_final) == ("the-task", "ON_HOLD", False)
    store.close()


def test_what_is_to_be_checked_is_not_called_ready_to_be_sent(store: Store) -> None:
    task = received(store)
    verified = task._replace(verification=VERIFIED)
    assert [each.intake_step for each in (task, verified, verified._replace(tags=(TO_CHECK,)))] == [
        "verify",
        "send",
        "check",
    ]
