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
from bwp_tui.domain.task import Status, TaskError
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import History
from bwp_tui.store.maintenance import backups, daily, integrity, purge
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, intent_outcomes
from tests.history import single
from tests.history.support import ACTOR, SOON, TODAY, FrozenClock, accepted, answer, request, scalar, sent

SECRETS = (b"zebra", b"Zebra", b"quagga")


def _finished(history: History, count: int = 30) -> None:
    """Tasks that ended now, each with personal data wherever there can be some."""
    for number in range(1, count + 1):
        email = f"zebra{number}@example.com"
        wanted = replace(request(email=email, note="Zebra called quagga", tags=("quagga",)))
        task = requests.submit(history, wanted, ACTOR)
        intent_outcomes.accepted(history, sent(history, task.number).id, f"task-{number}", SOON)
        single.set_note(history, task.number, "quagga again", ACTOR)
        failed = replace(answer("FAILED"), errors=(TaskError("DATA_SUBJECT_NOT_FOUND", f"{email} is nobody"),))
        ended = failed if number % 2 else answer("COMPLETED")
        single.answered(history, task.number, ended, SOON)
        if not number % 2:
            requests.download(history, task.number, "/home/quagga", ACTOR)
            (order,) = downloads.due(history, SOON + timedelta(days=999), 9)
            downloads.finished(history, order, f"/home/quagga/{email}.zip", 9, "abc123")


def _holding(folder: Path) -> set[str]:
    """The files with a secret anywhere in their bytes, read by another process for the sake of SQLite's locks."""
    found = set()
    for entry in folder.rglob("*"):
        if entry.is_file():
            content = subprocess.run(["cat", str(entry)], capture_output=True, check=True).stdout
            if any(secret in content for secret in SECRETS):
                found.add(entry.name)
    return found


def _purge_all(history: History, clock: FrozenClock, *, evidence_too: bool = False) -> purge.Purged:
    clock.forward(days=100)
    plan = purge.plan(history, parse(""), timedelta(days=90), TODAY, evidence_too=evidence_too, unanswered_too=True)
    return purge.purge(history, plan.numbers, ACTOR, TODAY, evidence_too=evidence_too, unanswered_too=True)


def test_no_byte_of_personal_data_is_left_in_any_file(path: Path, history: History, clock: FrozenClock) -> None:
    _finished(history)
    backups.back_up_daily(path, TODAY - timedelta(days=1), threading.Event())
    assert _holding(path.parent)
    done = _purge_all(history, clock)
    assert (done.tasks, len(done.backups)) == (30, 1)
    assert _holding(path.parent) == set()
    assert len(backups.daily(path)) == 1
    assert integrity.full(path) == []


def test_the_evidence_stays(history: History, clock: FrozenClock) -> None:
    _finished(history, 2)
    _purge_all(history, clock)
    failed, completed = tasks.window(history, [1, 2])
    assert (failed.status, failed.task_id, failed.errors) == (
        Status.FAILED,
        "task-1",
        (TaskError("DATA_SUBJECT_NOT_FOUND", ""),),
    )
    assert failed.received_on == TODAY
    assert failed.finished_at is not None
    assert completed.download is not None
    assert (completed.download.sha256, completed.download.path) == ("abc123", None)
    events = timeline.of_task(history, 1)
    assert {"recorded", "accepted", "status"} <= {event.what for event in events}
    assert events[-1].what == "purged"
    assert {event.detail for event in events} == {None}
    assert requests.cannot_resubmit(failed) is not None


def test_evidence_goes_only_when_it_is_told_to(path: Path, history: History, clock: FrozenClock) -> None:
    _finished(history, 6)
    accepted(history, "task-active")
    done = _purge_all(history, clock, evidence_too=True)
    assert done.tasks == 6
    assert scalar(history, "SELECT count(*) FROM tasks") == 1
    assert scalar(history, "SELECT count(*) FROM timeline WHERE task <= 6") == 0
    assert integrity.full(path) == []


def test_what_is_young_or_under_way_or_does_not_fit_stays(history: History, clock: FrozenClock) -> None:
    _finished(history, 4)
    accepted(history, "task-active")
    assert purge.plan(history, parse(""), timedelta(days=1), TODAY, evidence_too=False).numbers == ()
    clock.forward(days=2)
    plan = purge.plan(
        history, parse("status:failed zebra"), timedelta(days=1), TODAY, evidence_too=False, unanswered_too=True
    )
    assert plan.numbers == (1, 3)
    everything = purge.plan(history, parse(""), timedelta(days=1), TODAY, evidence_too=True, unanswered_too=True)
    assert everything.numbers == (1, 2, 3, 4)


def test_the_timeline_still_takes_no_change_and_loses_nothing(history: History) -> None:
    _finished(history, 2)
    with history.write() as transaction:
        transaction.run("UPDATE tasks SET purged_at = 'now' WHERE number = 1")
    for forbidden in (
        "UPDATE timeline SET detail = NULL WHERE task = 2",
        "UPDATE timeline SET detail = 'x' WHERE task = 1",
        "UPDATE timeline SET actor = 'x', detail = NULL WHERE task = 1",
        "UPDATE timeline SET after = 'x', detail = NULL WHERE task = 1",
        "DELETE FROM timeline WHERE task = 2",
    ):
        with pytest.raises(apsw.ConstraintError), history.write() as transaction:
            transaction.run(forbidden)


_KILLED = """
import os, signal, sys
from datetime import date, timedelta
from pathlib import Path
from bwp_tui.domain.filter import parse
from bwp_tui.store.maintenance import backups
from bwp_tui.store.maintenance import purge
from bwp_tui.store.database.connection import History

def die(*args, **named):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "before the backups":
    backups.renew = die
elif sys.argv[2] == "before the pages":
    purge._write_back = die
else:
    purge.timeline.append = die
history = History(Path(sys.argv[1]))
plan = purge.plan(history, parse(""), timedelta(0), date.today(), evidence_too=False, unanswered_too=True)
purge.purge(history, plan.numbers, "op", date.today(), evidence_too=False, unanswered_too=True)
"""


@pytest.mark.parametrize("when", ["inside the transaction", "before the pages", "before the backups"])
def test_killed_in_the_middle_the_rest_is_done_later(path: Path, clock: FrozenClock, when: str) -> None:
    clock.forward(days=-365 * 3)
    history = History(path, clock=clock)
    _finished(history)
    backups.back_up_daily(path, TODAY - timedelta(days=1), threading.Event())
    history.close()
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), when], check=False, timeout=50)
    assert ended.returncode == -9
    again = History(path, clock=clock)
    purged = scalar(again, "SELECT count(*) FROM tasks WHERE purged_at IS NOT NULL")
    assert purged == (0 if when == "inside the transaction" else 30)
    assert purge.traces_left(again) is (purged > 0)
    again.close()
    assert daily.look_after(path, clock, threading.Event()) is None
    assert (_holding(path.parent) == set()) is (purged > 0)
