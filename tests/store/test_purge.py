"""Removing personal data, and every trace of it in files."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TaskError
from bwp_tui.engine.runtime import maintenance_thread
from bwp_tui.store.commands import answers, decisions, legal_records, requests
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import backups, integrity, purge
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, intent_outcomes
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import ACTOR, SOON, TODAY, accepted, answer, request, scalar, sent

SECRETS = (b"zebra", b"Zebra", b"quagga")


def _finished(store: Store, count: int = 30) -> None:
    """Tasks that ended now, each with personal data wherever there can be some."""
    for number in range(1, count + 1):
        email = f"zebra{number}@example.com"
        wanted = request(email=email, note="Zebra called quagga", tags=("quagga",))._replace()
        task = requests.submit(store, wanted, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, task.number).id, f"task-{number}", SOON)
        single.set_note(store, task.number, "quagga again", ACTOR)
        failed = replace(answer("FAILED"), errors=(TaskError("DATA_SUBJECT_NOT_FOUND", f"{email} is nobody"),))
        ended = failed if number % 2 else answer("COMPLETED")
        single.answered(store, task.number, ended, SOON)
        if not number % 2:
            requests.download(store, task.number, "/home/quagga", ACTOR)
            (order,) = downloads.ready(store, SOON + timedelta(days=999), 9)
            downloads.record_success(store, order, f"/home/quagga/{email}.zip", 9, "abc123")


def _holding(folder: Path) -> set[str]:
    """The files with a secret anywhere in their bytes, read by another process for the sake of SQLite's locks."""
    found = set()
    for entry in folder.rglob("*"):
        if entry.is_file():
            content = subprocess.run(["cat", str(entry)], capture_output=True, check=True).stdout
            if any(secret in content for secret in SECRETS):
                found.add(entry.name)
    return found


def _purge_all(store: Store, clock: ManualClock, *, evidence_too: bool = False) -> purge.PurgeResult:
    clock.advance(days=100)
    plan = purge.plan(store, parse(""), timedelta(days=90), TODAY, evidence_too=evidence_too, unanswered_too=True)
    return purge.purge(store, plan.numbers, ACTOR, TODAY, evidence_too=evidence_too, unanswered_too=True)


def test_no_byte_of_personal_data_is_left_in_any_file(path: Path, store: Store, clock: ManualClock) -> None:
    _finished(store)
    backups.back_up_daily(path, TODAY - timedelta(days=1), threading.Event())
    assert _holding(path.parent)
    done = _purge_all(store, clock)
    assert done.tasks == 30
    assert _holding(path.parent) == set()
    assert len(backups.daily_backups(path)) == 1
    assert integrity.full_check(path) == []


def test_the_evidence_stays(store: Store, clock: ManualClock) -> None:
    _finished(store, 2)
    _purge_all(store, clock)
    failed, completed = tasks.by_numbers(store, [1, 2])
    assert (failed.status, failed.task_id, failed.errors) == (
        Status.FAILED,
        "task-1",
        (TaskError("DATA_SUBJECT_NOT_FOUND", ""),),
    )
    assert failed.received_on == TODAY
    assert failed.finished_at is not None
    assert completed.download is not None
    assert (completed.download.sha256, completed.download.path) == ("abc123", None)
    events = timeline.of_task(store, 1)
    assert {"recorded", "accepted", "status"} <= {event.what for event in events}
    assert events[-1].what == "purged"
    assert {event.detail for event in events} == {None}
    assert requests.cannot_resubmit(failed) is not None


def test_a_purged_task_is_closed_and_what_an_earlier_version_added_is_purged(store: Store, clock: ManualClock) -> None:
    _finished(store, 2)
    _purge_all(store, clock)
    with pytest.raises(NotPossible):
        single.add_note(store, 1, "Jane Quagga called", ACTOR)
    with pytest.raises(NotPossible):
        single.set_tags(store, 1, ["quagga"], ACTOR)
    with pytest.raises(NotPossible):
        single.assign(store, 1, "Bob", ACTOR)
    assert _purge_all(store, clock).tasks == 0
    store.rows("UPDATE tasks SET note = 'Jane Quagga called' WHERE number = 1")
    assert _purge_all(store, clock).tasks == 1
    assert tasks.get(store, 1).note == ""


def test_no_task_that_stays_says_whose_request_a_purged_one_was(store: Store) -> None:
    first, second, third, fourth = (accepted(store, f"task-{number}").number for number in range(4))
    for number in (second, fourth):
        single.answered(store, number, answer("COMPLETED"), SOON)
        assert purge.purge(store, [number], ACTOR, TODAY, evidence_too=False, unanswered_too=True).tasks == 1
    earlier = [task.earlier_number for task in tasks.by_numbers(store, [first, second, third, fourth])]
    assert earlier == [None, None, first, None]


def test_evidence_goes_only_when_it_is_told_to(path: Path, store: Store, clock: ManualClock) -> None:
    _finished(store, 6)
    accepted(store, "task-active")
    done = _purge_all(store, clock, evidence_too=True)
    assert done.tasks == 6
    assert scalar(store, "SELECT count(*) FROM tasks") == 1
    assert scalar(store, "SELECT count(*) FROM timeline WHERE task <= 6") == 0
    assert integrity.full_check(path) == []


def test_an_original_whose_resubmission_is_gone_takes_neither_answer_nor_decline(store: Store) -> None:
    _finished(store, 1)
    new = requests.resubmit(store, 1, ACTOR).number
    intent_outcomes.record_accepted(store, sent(store, new).id, "task-new", SOON)
    single.answered(store, new, answer("FAILED"), SOON)
    purge.purge(store, [new], ACTOR, TODAY, evidence_too=True, unanswered_too=True)
    original = tasks.get(store, 1)
    assert (original.was_resubmitted, original.resubmitted_as) == (True, None)
    refusals = {answers.cannot_answer(original), decisions.cannot_decline(original)}
    refusals |= {legal_records.cannot_change_records(original), legal_records.cannot_extend(original, TODAY)}
    assert [reason.short for reason in refusals if isinstance(reason, Reason)] == ["resubmitted already"]


def test_what_is_young_or_under_way_or_does_not_fit_stays(store: Store, clock: ManualClock) -> None:
    _finished(store, 4)
    accepted(store, "task-active")
    assert purge.plan(store, parse(""), timedelta(days=1), TODAY, evidence_too=False).numbers == ()
    clock.advance(days=2)
    plan = purge.plan(
        store, parse("status:failed zebra"), timedelta(days=1), TODAY, evidence_too=False, unanswered_too=True
    )
    assert plan.numbers == (1, 3)
    everything = purge.plan(store, parse(""), timedelta(days=1), TODAY, evidence_too=True, unanswered_too=True)
    assert everything.numbers == (1, 2, 3, 4)


def test_the_timeline_still_takes_no_change_and_loses_nothing(store: Store) -> None:
    _finished(store, 2)
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET purged_at = 'now' WHERE number = 1")
    for forbidden in (
        "UPDATE timeline SET detail = NULL WHERE task = 2",
        "UPDATE timeline SET detail = 'x' WHERE task = 1",
        "UPDATE timeline SET actor = 'x', detail = NULL WHERE task = 1",
        "UPDATE timeline SET after = 'x', detail = NULL WHERE task = 1",
        "DELETE FROM timeline WHERE task = 2",
    ):
        with pytest.raises(apsw.ConstraintError), store.write() as transaction:
            transaction.run(forbidden)


_KILLED = """
import os, signal, sys
from datetime import date, timedelta
from pathlib import Path
from bwp_tui.domain.filter import parse
from bwp_tui.store.maintenance import backups
from bwp_tui.store.maintenance import purge
from bwp_tui.store.open_store import open_store

def die(*args, **named):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "before the backups":
    backups.replace_all = die
elif sys.argv[2] == "before the pages":
    purge._write_back = die
else:
    purge.timeline.append = die
store = open_store(Path(sys.argv[1]))
plan = purge.plan(store, parse(""), timedelta(0), date.today(), evidence_too=False, unanswered_too=True)
purge.purge(store, plan.numbers, "op", date.today(), evidence_too=False, unanswered_too=True)
"""


@pytest.mark.parametrize("when", ["inside the transaction", "before the pages", "before the backups"])
def test_killed_in_the_middle_the_rest_is_done_later(path: Path, clock: ManualClock, when: str) -> None:
    clock.advance(days=-365 * 3)
    store = open_store(path, clock=clock)
    _finished(store)
    backups.back_up_daily(path, TODAY - timedelta(days=1), threading.Event())
    store.close()
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), when], check=False, timeout=50)
    assert ended.returncode == -9
    again = open_store(path, clock=clock)
    purged = scalar(again, "SELECT count(*) FROM tasks WHERE purged_at IS NOT NULL")
    assert purged == (0 if when == "inside the transaction" else 30)
    assert purge.has_traces(again) is (purged > 0)
    assert maintenance_thread.run_maintenance(again, threading.Event()) is None
    again.close()
    assert (_holding(path.parent) == set()) is (purged > 0)
