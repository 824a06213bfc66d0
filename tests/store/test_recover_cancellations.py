"""Cancellations that wait while a history is recovered, restored or put back: none is lost or sent to another task."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import backups, integrity, recover, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import intent_outcomes, intents
from bwp_tui.store.worklog.intents import Intent
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import overwrite, overwrite_table
from tests.store.support import ACTOR, NOW, SOON, TODAY, accepted, answer, sent, submitted

Damage = Callable[[Path, ManualClock], None]


def _early(path: Path, clock: ManualClock) -> tuple[int, Intent]:
    """A history with a deletion that was sent, has no response, and whose cancellation waits; and its submission."""
    with closing(open_store(path, clock=clock)) as store:
        number = submitted(store, Kind.DELETION).number
        submission = sent(store, number)
        clock.advance(minutes=1)
        requests.cancel(store, number, ACTOR)
    return number, submission


def _held(path: Path, clock: ManualClock) -> tuple[int, int]:
    """A history with two deletions on hold, the first of which is to be cancelled."""
    with closing(open_store(path, clock=clock)) as store:
        first, second = (accepted(store, task_id, Kind.DELETION).number for task_id in ("task-1", "task-2"))
        clock.advance(minutes=1)
        requests.cancel(store, first, ACTOR)
    return first, second


def _due(store: Store) -> list[tuple[int, str, str | None]]:
    return [(due.task_number, due.action, due.task_id) for due in intents.ready(store, NOW + timedelta(days=1), 10)]


def _change(path: Path, *statements: str) -> None:
    with closing(apsw.Connection(str(path))) as db:
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)  # one of them keeps the timeline
        db.execute("PRAGMA secure_delete = ON")
        for sql in statements:
            db.execute(sql)


def _break_header(path: Path, _clock: ManualClock) -> None:
    overwrite(path, 0, b"\0" * 16)


def _lose_all_but_backup(path: Path, clock: ManualClock) -> None:
    assert backups.back_up_daily(path, TODAY, threading.Event())
    path.unlink()
    clock.advance(hours=1)


def _lose_tasks(path: Path, clock: ManualClock) -> None:
    overwrite_table(path, "tasks")
    recover.recover(path, clock())


def _lose_intents(path: Path, clock: ManualClock) -> None:
    overwrite_table(path, "intents")
    recover.recover(path, clock())


def _put_older_copy_back(path: Path, clock: ManualClock) -> None:
    copy = path.read_bytes()
    clock.advance(hours=1)
    with closing(open_store(path, clock=clock)) as store:
        submitted(store)
    path.write_bytes(copy)


def _restore_elsewhere(path: Path, clock: ManualClock) -> None:
    backup = path.with_name("mine.db")
    path.rename(backup)
    restore.restore(path, backup, clock())


@pytest.mark.parametrize(
    "damage", [_lose_all_but_backup, _lose_tasks, _lose_intents, _put_older_copy_back, _restore_elsewhere]
)
def test_a_deletion_that_becomes_unconfirmed_keeps_its_cancellation_until_its_task_id_is_confirmed(
    path: Path, clock: ManualClock, damage: Damage
) -> None:
    number, _ = _early(path, clock)
    damage(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        task = tasks.get(store, number)
        assert (task.status, task.kind, task.cancel_asked) == (Status.UNCONFIRMED, Kind.DELETION, True)
        assert _due(store) == []
        decisions.enter_task_id(store, number, "task-by-hand", ACTOR)
        assert _due(store) == [], "a mistyped id would cancel another task"
        single.answered(store, number, answer("ON_HOLD", email="jane@example.com"), SOON)
        assert _due(store) == [(number, "cancel", "task-by-hand")]
    assert integrity.full_check(path) == []


def test_it_follows_the_response_where_the_submission_still_waits(path: Path, clock: ManualClock) -> None:
    number, submission = _early(path, clock)
    _break_header(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        assert _due(store) == [(number, "submit", None)]
        intent_outcomes.record_sending(store, submission.id)
        intent_outcomes.reschedule(store, submission.id, "no network", SOON, never_sent=True)
        assert tasks.get(store, number).status == Status.QUEUED, "what was sent before the damage may have arrived"
        intent_outcomes.record_accepted(store, submission.id, "task-1", SOON)
        assert _due(store) == [(number, "cancel", "task-1")]


@pytest.mark.parametrize("damage", [_break_header, _lose_all_but_backup, _lose_tasks, _lose_intents])
def test_a_held_deletion_is_still_cancelled(path: Path, clock: ManualClock, damage: Damage) -> None:
    first, second = _held(path, clock)
    damage(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        assert _due(store) == [(first, "cancel", "task-1")]
        assert [tasks.get(store, number).cancel_asked for number in (first, second)] == [True, False]
        (cancellation,) = intents.ready(store, NOW + timedelta(days=1), 10)
        intent_outcomes.record_cancelled(store, cancellation.id)
    assert integrity.full_check(path) == []


def test_one_that_refers_to_another_task_goes_back_to_the_one_whose_timeline_has_it(
    path: Path, clock: ManualClock
) -> None:
    first, second = _held(path, clock)
    _change(path, f"UPDATE intents SET task = {second} WHERE action = 'cancel'")
    _break_header(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        assert _due(store) == [(first, "cancel", "task-1")]
        assert [tasks.get(store, number).cancel_asked for number in (first, second)] == [True, False]


@pytest.mark.parametrize(
    "loss",
    [
        ["DELETE FROM timeline WHERE what = 'cancel asked'", "UPDATE tasks SET cancel_asked = 0"],
        ["DELETE FROM timeline WHERE what = 'cancel asked'", "DELETE FROM intents WHERE action = 'cancel'"],
    ],
    ids=["the intent alone", "the task's row alone"],
)
def test_one_that_a_single_row_speaks_for_is_left_to_the_operator(
    path: Path, clock: ManualClock, loss: list[str]
) -> None:
    first, _ = _held(path, clock)
    _change(path, *loss)
    _break_header(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        assert _due(store) == []
        task = tasks.get(store, first)
        assert not task.cancel_asked
        assert timeline.of_task(store, first)[-1].what == "recovered"
        requests.cancel(store, first, ACTOR)
        assert _due(store) == [(first, "cancel", "task-1")]


@pytest.mark.parametrize("status", ["ON_HOLD", "CANCELLED"])
def test_one_that_waits_in_a_backup_and_was_settled_since_is_not_sent_again(
    path: Path, clock: ManualClock, status: str
) -> None:
    first, _ = _held(path, clock)
    backup = path.with_name("mine.db")
    backups.back_up_to(path, backup)
    clock.advance(hours=1)
    with closing(open_store(path, clock=clock)) as store:
        cancellation = sent(store, first)
        if status == "CANCELLED":
            intent_outcomes.record_cancelled(store, cancellation.id)
        else:
            intent_outcomes.record_cancel_refused(store, cancellation.id, "not now")
    restore.restore(path, backup, clock())
    with closing(open_store(path, clock=clock)) as store:
        assert _due(store) == []
        assert (tasks.get(store, first).status, tasks.get(store, first).cancel_asked) == (status, False)
