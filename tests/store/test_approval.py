"""Deletions that wait for the approval of another account: nothing sends them before, whatever happens to the file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.service_operations import APPROVE
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Verification
from bwp_tui.domain.views import APPROVAL_VIEW
from bwp_tui.store.commands import answers, bulk, csv_import, decisions, requests, saved_views
from bwp_tui.store.commands.csv_import import ImportDefaults
from bwp_tui.store.commands.decisions import approve
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import integrity, recover, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import intents
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import overwrite_table
from tests.store.support import (
    FAR,
    TODAY,
    assert_intent_is_not_sent,
    intent_of,
    received,
    request,
    restored_both_ways,
    scalar,
    submitted,
)

ANN, BOB = "ann (Ann Example, from 10.0.0.7)", "bob"


@contextmanager
def team(path: Path, clock: ManualClock) -> Iterator[Store]:
    store = open_store(path, clock=clock)
    try:
        store.require_shop(None, deletions_need_approval=True)
        yield store
    finally:
        store.close()


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[Store]:
    with team(path, clock) as opened:
        yield opened


def unapproved(store: Store, email: str = "jane@example.com") -> int:
    task = requests.submit(store, request(Kind.DELETION, email), ANN)
    assert task.status == Status.UNAPPROVED
    return task.number


def nothing_is_ready(store: Store) -> bool:
    return not intents.ready(store, FAR, 100) and not scalar(
        store, "SELECT count(*) FROM intents WHERE state = 'waiting'"
    )


def test_a_deletion_waits_and_another_account_has_it_sent_once(store: Store) -> None:
    number = unapproved(store)
    assert submitted(store).status == Status.QUEUED  # a retrieval
    assert len(intents.ready(store, FAR, 100)) == 1
    for own in (ANN, "ann", "ann (Bob)"):
        with pytest.raises(NotPossible, match="another person"):
            approve(store, number, own)
    task = approve(store, number, BOB)
    assert (task.status, intent_of(store, number).task_number) == (Status.QUEUED, number)
    event = timeline.of_task(store, number)[-1]
    assert (event.what, event.actor, event.before, event.after) == ("approved", BOB, "UNAPPROVED", "QUEUED")
    with pytest.raises(NotPossible, match="Only an UNAPPROVED"):
        approve(store, number, "cy")
    assert store.rows(integrity.TASK_COUNTS) == store.rows(integrity.TALLIED_COUNTS)


def test_a_withdrawn_deletion_that_waited_for_its_approval_waits_for_it_again(store: Store) -> None:
    number = unapproved(store)
    requests.cancel(store, number, ANN)
    assert requests.resubmit(store, number, ANN).status == Status.UNAPPROVED


def test_neither_import_nor_send_nor_resubmission_nor_another_connection_goes_round_it(store: Store) -> None:
    plan = csv_import.plan(store, b"kind,email\ndeletion,bob@example.com\n", ImportDefaults(TODAY, "us-co"))
    (imported,) = csv_import.import_requests(store, plan, ANN)
    held = received(store, Kind.DELETION, "held@example.com").number
    single.verify(store, held, Verification(TODAY, ANN, "order 17"), ANN)
    requests.send(store, held, BOB)
    repeated = approve(store, unapproved(store), BOB).number
    requests.cancel(store, repeated, BOB)
    again = requests.resubmit(store, repeated, BOB).number
    other = store.open_another()
    another = unapproved(other, "other@example.com")
    other.close()
    assert {task.status for task in tasks.by_numbers(store, [imported, held, again, another])} == {Status.UNAPPROVED}
    assert nothing_is_ready(store)
    for number in (held, again):
        with pytest.raises(NotPossible, match="bob asked"):
            approve(store, number, BOB)


def test_settings_without_approval_approve_nothing(store: Store, path: Path, clock: ManualClock) -> None:
    number = unapproved(store)
    store.close()
    outside = open_store(path, clock=clock)
    with pytest.raises(NotPossible, match="approve nothing"):
        approve(outside, number, BOB)
    assert nothing_is_ready(outside)
    assert requests.submit(outside, request(Kind.DELETION, "new@example.com"), ANN).status == Status.QUEUED
    outside.close()


def test_an_intent_that_is_there_all_the_same_is_not_sent(store: Store) -> None:
    number = unapproved(store)
    assert_intent_is_not_sent(store, number)


def test_it_is_listed_advised_on_and_approved_in_bulk_but_for_the_own_ones(store: Store) -> None:
    mine = unapproved(store)
    theirs = requests.submit(store, request(Kind.DELETION, "b@example.com"), BOB).number
    assert APPROVAL_VIEW in saved_views.all_views(store)
    assert set(tasks.matching_numbers(store, parse(APPROVAL_VIEW.filter), today=TODAY)) == {mine, theirs}
    assert mine not in tasks.matching_numbers(store, parse("is:active"), today=TODAY)
    assert "(approve)" in (advice_for(tasks.get(store, mine), None, str) or "")
    planned = bulk_plan.plan(store, APPROVE, [mine, theirs], TODAY, actor="ann (Ann)")
    assert (planned.possible, planned.skipped) == ((theirs,), (("own request", 1),))
    possible = bulk_plan.plan(store, APPROVE, [mine, theirs], TODAY).possible
    (results,) = bulk.apply_to_each(store, APPROVE.change_for(ANN), possible)
    assert {result.id: result.refused is None for result in results} == {mine: False, theirs: True}
    requests.cancel(store, mine, BOB)
    assert APPROVAL_VIEW not in saved_views.all_views(store)


def test_its_verification_stays_and_an_answered_one_is_not_approved(store: Store) -> None:
    number = received(store, Kind.DELETION).number
    single.verify(store, number, Verification(TODAY, ANN, "order 17"), ANN)
    requests.send(store, number, ANN)
    with pytest.raises(NotPossible, match="cancel it before"):
        single.edit(store, number, lambda edit: answers.withdraw(edit, LegalRecord.VERIFICATION), ANN, TODAY)
    single.answer(store, number, "told by mail that it is declined", TODAY, BOB)
    with pytest.raises(NotPossible, match="answered"):
        approve(store, number, BOB)
    assert advice_for(tasks.get(store, number), None, str) is None
    assert not tasks.matching_numbers(store, parse(APPROVAL_VIEW.filter), today=TODAY)
    assert APPROVAL_VIEW not in saved_views.all_views(store)


def test_a_declined_one_waits_again_once_the_decline_is_withdrawn(store: Store) -> None:
    number = unapproved(store)
    single.edit(store, number, lambda edit: decisions.decline(edit, "fraud", "told so"), BOB, TODAY)
    assert tasks.get(store, number).status == Status.DECLINED
    single.edit(store, number, decisions.withdraw_decline, "cy", TODAY)
    assert tasks.get(store, number).status == Status.UNAPPROVED
    assert nothing_is_ready(store)
    own = decisions.cannot_approve_own(store, tasks.get(store, number), ANN)
    withdrawn = decisions.cannot_approve_own(store, tasks.get(store, number), "cy")
    assert own is not None
    assert withdrawn is not None
    assert own.short != withdrawn.short
    for asked, what in ((ANN, "ann asked for"), ("cy", "cy withdrew the decline of")):
        with pytest.raises(NotPossible, match=f"{what} .*another person"):
            approve(store, number, asked)


def test_one_of_a_backup_or_of_an_older_copy_is_for_an_operator_to_decide_on(
    store: Store, path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    number = unapproved(store)
    store.close()
    shutil.copy(path, tmp_path / "older.db")
    with team(path, clock) as later:
        approve(later, number, BOB)
    shutil.copy(tmp_path / "older.db", path)
    for beside in ("history.db-wal", "history.db-shm"):
        path.with_name(beside).unlink(missing_ok=True)
    with team(path, clock) as older:
        assert tasks.get(older, number).status == Status.UNCONFIRMED
        assert nothing_is_ready(older)
    path.unlink()
    restore.restore(path, tmp_path / "older.db", clock())
    with team(path, clock) as restored:
        assert tasks.get(restored, number).status == Status.UNCONFIRMED
        assert requests.resubmit(restored, number, ANN).status in (Status.RECEIVED, Status.UNAPPROVED)
        assert nothing_is_ready(restored)


def test_a_recovered_history_sends_nothing_that_nobody_has_approved(
    store: Store, path: Path, clock: ManualClock
) -> None:
    numbers = [unapproved(store, f"shopper{number}@example.com") for number in range(60)]
    store.close()
    overwrite_table(path, "tasks")
    recover.recover(path, clock())
    with team(path, clock) as recovered:
        assert {task.status for task in tasks.by_numbers(recovered, numbers)} <= {Status.UNAPPROVED, Status.UNCONFIRMED}
        assert nothing_is_ready(recovered)
        waiting = [task.number for task in tasks.by_numbers(recovered, numbers) if task.status == Status.UNAPPROVED]
        with pytest.raises(NotPossible):
            approve(recovered, waiting[0], ANN)


def test_of_two_copies_the_one_with_the_approval_counts(
    store: Store, path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    number = unapproved(store)
    store.close()
    shutil.copy(path, tmp_path / "early.db")
    clock.advance(minutes=1)
    with team(path, clock) as later:
        approve(later, number, BOB)
    shutil.copy(path, tmp_path / "late.db")
    for merged in restored_both_ways(path, clock, tmp_path / "early.db", tmp_path / "late.db"):
        assert tasks.get(merged, number).status in (Status.QUEUED, Status.UNCONFIRMED)
        assert "approved" in [event.what for event in timeline.of_task(merged, number)]
