"""Requests whose rows another program, or damage, has changed: none is sent for an address that nobody typed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.service_operations import RESUBMIT
from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Verification
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.digest_chain import OUTSIDE_CHANGE
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import intent_log, tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import intent_outcomes
from tests.store import single
from tests.store.damage import change_elsewhere
from tests.store.support import (
    ACTOR,
    SOON,
    TODAY,
    accepted,
    has_waiting_intent,
    in_status,
    intent_of,
    received,
    scalar,
    sent,
    submitted,
)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE tasks SET email = 'lane@example.com'", "email"),
        ("UPDATE tasks SET holding_period = 3", "holding_period"),
        ("DELETE FROM chains", "digests"),
        ("UPDATE chains SET links = CAST(links || zeroblob(32) AS BLOB)", "row"),
    ],
)
def test_a_request_that_was_changed_elsewhere_is_withheld(
    path: Path, store: Store, kind: Kind, change: str, named: str
) -> None:
    task = submitted(store, kind)
    intent = intent_of(store, task.number)
    change_elsewhere(path, change)
    assert not intent_outcomes.record_sending(store, intent.id)
    withheld = tasks.get(store, task.number)
    assert withheld.status == Status.UNCONFIRMED
    assert withheld.trouble is not None
    assert f"its {named}." in withheld.trouble
    assert str(advice_for(withheld, None, str)).startswith("Nothing was sent")
    assert timeline.of_task(store, task.number)[-1].what == EventKind.HELD_BACK
    (asked,) = intent_log.of_task(store, task.number)
    assert (asked.attempts, asked.first_sent_at) == (0, None)
    assert not has_waiting_intent(store, task.number)
    again = requests.resubmit(store, task.number, ACTOR)  # decided on with that in sight
    sent(store, again.number)


def test_a_received_deletion_that_was_changed_elsewhere_is_withheld_once_it_is_sent(path: Path, store: Store) -> None:
    task = received(store, Kind.DELETION)
    change_elsewhere(path, "UPDATE tasks SET email = 'lane@example.com'")
    single.verify(store, task.number, Verification(TODAY, ACTOR, "by phone"), ACTOR)
    requests.send(store, task.number, ACTOR)
    assert not intent_outcomes.record_sending(store, intent_of(store, task.number).id)
    withheld = tasks.get(store, task.number)
    assert (withheld.status, withheld.may_have_started) == (Status.UNCONFIRMED, False)
    assert "was not sent" in (decisions.cannot_decline(withheld) or "")
    assert "already run" not in bulk_plan.plan(store, RESUBMIT, [task.number], TODAY).warning


def test_one_that_may_have_been_sent_before_says_so(path: Path, store: Store) -> None:
    task = submitted(store, Kind.DELETION)
    intent = sent(store, task.number)
    change_elsewhere(path, "UPDATE tasks SET email = 'lane@example.com'")
    assert not intent_outcomes.record_sending(store, intent.id)
    withheld = tasks.get(store, task.number)
    assert "may have been started" in (withheld.trouble or "")
    assert "may have been started" in str(advice_for(withheld, None, str))
    assert withheld.may_have_started
    assert "1 request may already run" in bulk_plan.plan(store, RESUBMIT, [task.number], TODAY).warning


def test_a_changed_task_is_not_resubmitted_before_its_operator_has_learned_what_was_changed(
    path: Path, store: Store
) -> None:
    task = in_status(store, Status.REJECTED, Kind.DELETION)
    change_elsewhere(path, "UPDATE tasks SET email = 'lane@example.com'")
    with pytest.raises(NotPossible, match="has changed its email"):
        requests.resubmit(store, task.number, ACTOR)
    assert not tasks.get(store, task.number).was_resubmitted


def test_a_cancellation_is_sent_whatever_was_changed(path: Path, store: Store) -> None:
    task = accepted(store, kind=Kind.DELETION)
    requests.cancel(store, task.number, ACTOR)
    change_elsewhere(path, "UPDATE tasks SET email = 'lane@example.com'")
    sent(store, task.number)


def test_what_this_program_changes_in_the_same_transaction_is_sent(store: Store) -> None:
    task, intent = submitted(store), None
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET note = 'later' WHERE number = ?", (task.number,))
        new = submitted(store, Kind.DELETION, "bob@example.com")
        for number in (task.number, new.number):
            intent = sent(store, number)
    assert intent is not None
    intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
    assert scalar(store, "SELECT count(*) FROM intents WHERE attempts = 1") == 2


def test_the_comparison_takes_less_than_a_millisecond(store: Store) -> None:
    task = submitted(store)
    for count in range(200):
        single.set_note(store, task.number, f"note {count}", ACTOR)
    with store.write() as transaction:
        begin = time.thread_time()
        for _ in range(100):
            assert transaction.row(OUTSIDE_CHANGE, (task.number,)) == ("",)
        assert (time.thread_time() - begin) / 100 < 0.001
