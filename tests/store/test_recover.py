"""A damaged history is set aside, and what can be read of it goes on."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import KIND_UNKNOWN, TO_CHECK, Kind
from bwp_tui.domain.times import local_day
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.errors import NotAHistory, StoreDamaged, StoreError, StoreTooNew, StoreUnavailable
from bwp_tui.store.maintenance import atomic_swap, backups, chain_check, integrity, recover, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import intent_log, tasks, timeline
from bwp_tui.store.worklog import intent_outcomes, intents, poll_responses
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, overwrite, overwrite_indexes, overwrite_leaf, overwrite_table
from tests.store.golden import write as golden
from tests.store.support import (
    ACTOR,
    NOW,
    SOON,
    TODAY,
    accepted,
    answer,
    back_up,
    closed_history,
    intent_of,
    request,
    scalar,
    sent,
    submitted,
)


@pytest.mark.parametrize("lost", ["row", "row and schema"])
def test_what_indexes_have_of_a_lost_row_is_recovered(path: Path, clock: ManualClock, lost: str) -> None:
    names = ("number", "email", "kind", "received_on", "regulation", "due_on", "task_id", "tags", "status")
    with closing(open_store(path, clock=clock)) as store:
        for number in range(1, 61):
            asked = request(Kind.DELETION, email=f"shopper{number}@example.com", regulation="uk-gdpr", tags=("vip",))
            requests.submit(store, asked._replace(received_on=TODAY - timedelta(number % 30)), ACTOR)
            intent_outcomes.record_accepted(store, sent(store, number).id, f"task-{number}", SOON)
        before = store.rows(f"SELECT {', '.join(names)} FROM tasks ORDER BY number")
    overwrite_leaf(path, "tasks")
    if lost == "row and schema":
        overwrite(path, 0, b"\xff" * PAGE)
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM timeline WHERE detail LIKE 'rebuilt from its timeline%'") > 2
        assert store.rows(f"SELECT {', '.join(names)} FROM tasks ORDER BY number") == before


def test_what_the_indexes_in_a_log_have_is_recovered_without_its_history(path: Path, clock: ManualClock) -> None:
    log = path.with_name(f"{path.name}-wal")
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        kept, rows = log.read_bytes(), store.rows("SELECT number, email, task_id FROM tasks ORDER BY number")
    path.unlink()
    log.write_bytes(kept)
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows("SELECT number, email, task_id FROM tasks ORDER BY number") == rows


def test_a_task_id_comes_from_the_index_of_a_damaged_backup(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        before = store.rows("SELECT number, email, task_id FROM tasks ORDER BY number")
    back_up(path)
    overwrite_leaf(backups.daily_backups(path)[0], "tasks")
    overwrite_leaf(path, "tasks")
    overwrite_indexes(path)
    overwrite_table(path, "timeline")
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows("SELECT number, email, task_id FROM tasks ORDER BY number") == before


def test_of_two_due_dates_of_a_lost_row_the_earlier_one_counts_until_it_is_checked(
    path: Path, clock: ManualClock
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        due_on = tasks.get(store, 20).due_on
        ((page,),) = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'tasks_by_due'")
        ((other,),) = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'tasks_due_order'")
    content = path.read_bytes()
    for begin in (int(str(page)) * PAGE - PAGE, int(str(other)) * PAGE - PAGE):
        overwrite(path, begin, content[begin : begin + PAGE].replace(b"2026-12-20", b"2027-12-20"))
    overwrite_leaf(path, "tasks")
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        rebuilt = [tasks.get(store, int(str(n))) for (n,) in store.rows("SELECT number FROM tasks") if n]
        assert {task.due_on for task in rebuilt} == {due_on}
        assert len([task for task in rebuilt if TO_CHECK in task.tags]) > 2


def test_the_numbers_of_which_nothing_is_left_are_named(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        pages = store.rows(
            "SELECT pageno FROM dbstat WHERE name GLOB '*_*' OR name IN ('timeline', 'intents', 'chains')"
        )
    overwrite_leaf(path, "tasks")
    for (page,) in pages:
        overwrite(path, (int(str(page)) - 1) * PAGE, b"\xff" * PAGE)
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        kept = {int(str(number)) for (number,) in store.rows("SELECT number FROM tasks")}
    report = next(path.parent.glob("*.txt")).read_text()
    gone = {number for number in range(1, 61) if number not in kept}
    assert len(gone) > 2
    (line,) = (line for line in report.splitlines() if line.startswith("Task numbers of which nothing is left"))
    runs = [
        (int(first), int(last or first)) for first, last in re.findall(r"#(\d+)(?: to #(\d+))?", line.partition(":")[2])
    ]
    assert {number for first, last in runs for number in range(first, last + 1)} == gone


@pytest.mark.parametrize("loss", ["the file is lost", "an older copy is put in its place", "an older copy is restored"])
def test_no_number_is_given_twice_and_a_copy_that_turns_up_brings_the_tasks_back(
    path: Path, clock: ManualClock, loss: str
) -> None:
    closed_history(path, clock, 3)
    back_up(path)
    older, newer = path.with_name("older.db"), path.with_name("newer.db")
    shutil.copy(path, older)
    with closing(open_store(path, clock=clock)) as store:
        numbers = [submitted(store, email=f"later{number}@example.com").number for number in range(3)]
    shutil.copy(path, newer)
    if loss == "an older copy is put in its place":
        shutil.copy(older, path)
    else:
        path.unlink()
    if loss == "an older copy is restored":
        restore.restore(path, older, clock())
    with closing(open_store(path, clock=clock)) as store:
        assert [number for (number,) in store.rows("SELECT number FROM tasks")] == [1, 2, 3]
        assert submitted(store).number == numbers[-1] + 1
    assert chain_check.check_file(path)[1] == []
    clock.advance(seconds=1)
    restore.restore(path, newer, clock())
    with closing(open_store(path, clock=clock)) as store:
        found = store.rows("SELECT number FROM tasks WHERE email LIKE 'later%' ORDER BY number")
    assert [number for (number,) in found] == numbers


def _of_uk(store: Store, count: int) -> None:
    for number in range(1, count + 1):
        asked = request(Kind.DELETION, email=f"shopper{number}@example.com", regulation="uk-gdpr")
        requests.submit(store, asked, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, number).id, f"task-{number}", SOON)


def test_what_indexes_have_of_a_file_that_was_cut_is_recovered(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        leaves = store.rows("SELECT pageno FROM dbstat WHERE name = 'tasks' AND pagetype = 'leaf' ORDER BY pageno")
    with path.open("r+b") as file:
        file.truncate((int(str(leaves[-2][0])) - 1) * PAGE)
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks WHERE email GLOB 'shopper*' AND task_id IS NOT NULL") == 60
        assert scalar(store, "SELECT count(DISTINCT due_on) FROM tasks") == 1


@pytest.mark.parametrize(("column", "damaged"), [("due_on", "3026-12-20"), ("email", "xhopper7@example.com")])
def test_a_changed_value_comes_from_an_index_if_the_digest_proves_it(
    path: Path, clock: ManualClock, column: str, damaged: str
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 10)
        ((value,),) = store.rows(f"SELECT {column} FROM tasks WHERE number = 7")
        pages = store.rows("SELECT pageno FROM dbstat WHERE name = 'tasks' AND pagetype = 'leaf'")
    start = (int(str(pages[-1][0])) - 1) * PAGE
    at = path.read_bytes().find(b"shopper7@example.com", start)
    at = at if column == "email" else path.read_bytes().find(str(value).encode(), at)
    overwrite(path, at, damaged.encode())
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows(f"SELECT {column} FROM tasks WHERE number = 7") == [(value,)]
        assert TO_CHECK not in tasks.get(store, 7).tags
    assert chain_check.check_file(path)[1] == []


def test_lost_rows_of_the_only_backup_come_from_its_timelines_and_indexes(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        before = store.rows("SELECT number, email, kind, due_on, task_id, status FROM tasks ORDER BY number")
    back_up(path)
    overwrite_leaf(backups.daily_backups(path)[0], "tasks")
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows("SELECT number, email, kind, due_on, task_id, status FROM tasks ORDER BY number") == before


def test_events_come_from_a_backup_that_has_lost_the_rows_of_their_tasks(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 60)
        columns = "task, at, actor, what, before, after, detail"
        events = f"SELECT {columns} FROM timeline WHERE what <> 'recovered' ORDER BY task, id"
        before = store.rows(events)
    back_up(path)
    overwrite_leaf(backups.daily_backups(path)[0], "tasks")
    overwrite_leaf(path, "timeline")
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows(events) == before
        assert scalar(store, "SELECT count(*) FROM tasks WHERE email GLOB 'shopper*' AND task_id IS NOT NULL") == 60


def test_a_changed_event_comes_from_the_backup_if_the_digest_proves_it(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        _of_uk(store, 10)
        before = store.rows("SELECT task, what, before, after, detail FROM timeline ORDER BY task, id")
        pages = store.rows("SELECT pageno FROM dbstat WHERE name = 'timeline' AND pagetype = 'leaf'")
    back_up(path)
    overwrite(path, path.read_bytes().index(b"ON_HOLDtask-7", (int(str(pages[0][0])) - 1) * PAGE), b"ON_HOMDtask-7")
    flag_damage(path)
    overwrite_table(path, "views")
    with closing(open_store(path, clock=clock)) as store:
        events = "SELECT task, what, before, after, detail FROM timeline ORDER BY task, id"
        assert [event for event in store.rows(events) if event[1] != "recovered"] == before
    assert chain_check.check_file(path)[1] == []


@pytest.mark.parametrize("count", [0, 1])
def test_the_backup_of_a_history_begun_anew_hides_no_older_one(path: Path, clock: ManualClock, count: int) -> None:
    closed_history(path, clock, 20)
    back_up(path)
    (older,) = backups.daily_backups(path)
    clock.advance(minutes=1)
    with closing(open_store(path.with_name("begun-anew.db"), clock=clock)) as anew:
        for _ in range(count):
            accepted(anew, "task-of-the-new-one", email="new@example.com")
        backups.back_up_to(anew.path, older.with_name(f"{path.stem}-2027-01-01.db"))
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 20 + count


def test_no_wait_of_a_recovered_history_is_longer_than_any_that_is_set(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        accepted(store, "task-1")
        submitted(store, email="b@example.com")
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET next_poll_at = replace(next_poll_at, '2026-', '3026-')")
            transaction.run("UPDATE intents SET not_before = replace(not_before, '2026-', '3026-')")
    flag_damage(path)
    overwrite_table(path, "views")
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        assert (tasks.get(store, 1).next_poll_at or clock()) <= clock()
        assert [intent.task_number for intent in intents.ready(store, clock(), 9)] == [2]


@pytest.mark.parametrize("table", ["tasks", "timeline", "chains"])
def test_what_the_backup_has_as_the_digests_prove_it_keeps_its_digests(
    path: Path, clock: ManualClock, table: str
) -> None:
    closed_history(path, clock, 60)
    back_up(path)
    overwrite_leaf(path, table)
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert "60 tasks" in (store.opening_report or "")
        assert not scalar(store, "SELECT count(*) FROM timeline WHERE detail LIKE 'digests begun anew%'")
    assert chain_check.check_file(path)[1] == []


def test_what_the_timeline_says_of_lost_events_is_of_before_the_copy_brought_some_back(
    path: Path, clock: ManualClock
) -> None:
    closed_history(path, clock, 1)
    back_up(path)
    with closing(open_store(path, clock=clock)) as store:
        single.answer(store, 1, "by email", local_day(clock()), "op")
    overwrite_table(path, "timeline")
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        events = timeline.of_task(store, 1)
        assert events[0].what == timeline.EventKind.RECORDED
        (begun,) = [event.detail for event in events if (event.detail or "").startswith("digests begun anew")]
        assert begun is not None
        assert "as found, #1, event 1 to " in begun


@pytest.mark.parametrize("is_older_sound", [False, True])
def test_what_can_be_read_of_a_damaged_backup_is_recovered(
    path: Path, clock: ManualClock, *, is_older_sound: bool
) -> None:
    closed_history(path, clock, 60)
    back_up(path)
    (backup,) = backups.daily_backups(path)
    if is_older_sound:
        shutil.copy(backup, backup.with_name(f"{path.stem}-2026-01-01.db"))
    overwrite_table(backup, "timeline")
    assert not integrity.is_sound(backup)
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        assert backup.name in (store.opening_report or "")
        assert scalar(store, "SELECT count(*) FROM tasks WHERE email GLOB 'shopper*' AND task_id IS NOT NULL") == 60
    assert {file.suffix for file in path.parent.iterdir()} <= {".db", ".db-wal", ".db-shm", ".lock", ".txt", ""}


def _aside(path: Path) -> Path:
    (aside,) = atomic_swap.histories_set_aside(path)
    return aside


def test_a_file_that_is_no_database_is_set_aside_untouched_and_told(path: Path, clock: ManualClock) -> None:
    path.parent.mkdir()
    path.write_bytes(b"kind,email\nretrieval,jane@example.com\n" * 300)
    before = path.read_bytes()
    store = open_store(path, clock=clock)
    aside = _aside(path)
    assert aside.read_bytes() == before
    report = aside.with_suffix(".txt")
    assert store.opening_report is not None
    assert str(report) in store.opening_report
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert submitted(store).number == 1
    store.close()
    again = open_store(path, clock=clock)
    assert again.opening_report is None
    again.close()


def test_a_broken_header_alone_loses_nothing(path: Path, clock: ManualClock) -> None:
    closed_history(path, clock, 200)
    overwrite(path, 0, b"\0" * 24)
    store = open_store(path, clock=clock)
    assert scalar(store, "SELECT count(*) FROM tasks WHERE task_id IS NOT NULL") == 200
    assert scalar(store, "SELECT count(*) FROM timeline") == 400
    store.close()
    assert integrity.full_check(path) == []


class UnreadableSector(apsw.VFS):
    """The file system of this machine, on a disk that cannot read the first page of the file at a path."""

    def __init__(self, path: Path) -> None:
        self.path, self.inode = path, path.stat().st_ino
        super().__init__(f"unreadable-{self.inode}", "unix", makedefault=True)

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  SQLite's
        file_name = name.filename() if isinstance(name, apsw.URIFilename) else name
        is_history = file_name == os.fspath(self.path) and self.path.stat().st_ino == self.inode
        return UnreadableFile(name, flags) if is_history else apsw.VFSFile("unix", name, flags)

    def pread(self, descriptor: int, size: int, at: int, read: Callable[..., bytes] = os.pread) -> bytes:
        if at < PAGE and os.fstat(descriptor).st_ino == self.inode:
            raise OSError(errno.EIO, "Input/output error")
        return read(descriptor, size, at)


class UnreadableFile(apsw.VFSFile):
    def __init__(self, name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)

    def xRead(self, size: int, at: int) -> bytes:  # noqa: N802  SQLite's
        if at < PAGE:
            raise apsw.IOError
        return super().xRead(size, at)


def test_a_first_page_that_the_disk_cannot_read_loses_nothing(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_history(path, clock, 200)
    disk = UnreadableSector(path)
    monkeypatch.setattr(os, "pread", disk.pread)
    try:
        store = open_store(path, clock=clock)
        assert scalar(store, "SELECT count(*) FROM tasks WHERE task_id IS NOT NULL") == 200
        store.close()
    finally:
        disk.unregister()
    assert integrity.full_check(path) == []


@pytest.mark.parametrize("keep", [0, 1, 511, PAGE, 5 * PAGE + 100, 40 * PAGE])
def test_a_truncated_file_goes_on_with_what_is_left_and_the_backup(path: Path, clock: ManualClock, keep: int) -> None:
    closed_history(path, clock, 200)
    back_up(path)
    with path.open("r+b") as file:
        file.truncate(keep)
    store = open_store(path, clock=clock)
    assert store.opening_report is not None
    assert scalar(store, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%'") == 200
    assert scalar(store, "SELECT count(DISTINCT task_id) FROM tasks") == 200
    store.close()
    assert integrity.full_check(path) == []
    aside = atomic_swap.histories_set_aside(path)
    assert [file.stat().st_size for file in aside] == ([keep] if keep else [])


def test_a_recovered_history_that_is_lost_before_its_first_backup_comes_from_what_was_set_aside(
    path: Path, clock: ManualClock
) -> None:
    closed_history(path, clock, 20)
    path.rename(path.with_name(f"{path.stem}.{atomic_swap.REPLACED}-20261120T090000.000000Z.db"))
    for _ in range(3):  # each time the recovered one has another identity
        clock.advance(hours=1)
        store = open_store(path, clock=clock)
        assert scalar(store, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%'") == 20
        assert "nothing is left" not in str(store.opening_report)
        assert [task.number for task in tasks.by_numbers(store, range(1, 21))] == list(range(1, 21))
        store.close()
        path.unlink()


def test_a_recovery_waits_for_a_backup_that_cannot_be_read(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_history(path, clock, 20)
    back_up(path)
    overwrite_table(path, "tasks")
    flag_damage(path)
    before = path.read_bytes()
    with monkeypatch.context() as denied:
        denied.setattr(os, "access", lambda *_args, **_options: False)
        with pytest.raises(StoreUnavailable, match="cannot be read by this user"):
            open_store(path, clock=clock)
    assert path.read_bytes() == before
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%'") == 20


def test_without_the_tasks_table_the_task_ids_are_read_from_the_timeline(path: Path, clock: ManualClock) -> None:
    closed_history(path, clock, 200)
    overwrite_table(path, "tasks")
    with pytest.raises(StoreError):
        _read(path, clock)
    store = open_store(path, clock=clock)
    assert store.opening_report is not None
    assert scalar(store, "SELECT count(DISTINCT task_id) FROM tasks WHERE status = 'IN_PROGRESS'") == 200
    assert scalar(store, "SELECT count(*) FROM tasks WHERE next_poll_at IS NOT NULL") == 200
    store.close()
    assert integrity.full_check(path) == []


def _read(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    try:
        tasks.by_numbers(store, list(range(1, 201)))
    finally:
        store.close()


def test_a_lost_page_costs_only_what_no_index_has(path: Path, clock: ManualClock) -> None:
    closed_history(path, clock, 200)
    store = open_store(path, clock=clock)
    (leaf,) = store.rows("SELECT pageno FROM dbstat WHERE name = 'tasks' AND pagetype = 'leaf' LIMIT 1 OFFSET 3")[0]
    store.close()
    assert isinstance(leaf, int)
    overwrite(path, (leaf - 1) * PAGE, b"\xff" * PAGE)
    recover.recover(path, clock())
    recovered = open_store(path, clock=clock)
    assert scalar(recovered, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%'") == 200
    assert scalar(recovered, "SELECT count(DISTINCT task_id) FROM tasks") == 200
    recovered.close()


def test_a_request_that_waits_keeps_its_client_token_and_counts_as_sent(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store)
    token = intent_of(store, task.number).client_token
    store.close()
    overwrite(path, 0, b"\0" * 16)
    recovered = open_store(path, clock=clock)
    intent = intent_of(recovered, task.number)
    assert (intent.client_token, intent.first_sent_at, intent.attempts) == (token, clock(), 1)
    (request,) = intent_log.of_task(recovered, task.number)
    assert (request.is_assumed_sent, request.attempts, request.first_sent_at) == (True, 0, None)
    intent_outcomes.record_sending(recovered, intent.id)
    (request,) = intent_log.of_task(recovered, task.number)
    assert (request.is_assumed_sent, request.attempts, request.first_sent_at) == (True, 1, None)
    intent_outcomes.record_unconfirmed(recovered, intent.id)
    detail = str(timeline.of_task(recovered, task.number)[-1].detail)
    assert detail.startswith("tried 1 time, and perhaps before the history was recovered")
    recovered.close()


def test_a_request_that_lost_its_client_token_is_left_to_the_operator(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store)
    store.close()
    overwrite_table(path, "intents")
    recover.recover(path, clock())
    recovered = open_store(path, clock=clock)
    assert tasks.get(recovered, task.number).status == Status.UNCONFIRMED
    assert timeline.of_task(recovered, task.number)[-1].detail == "its client token is lost"
    recovered.close()


def test_the_backup_does_not_undo_what_was_answered_since(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 60):
        submitted(store, email=f"shopper{number}@example.com")
    intents = [sent(store, number).id for number in range(1, 60)]
    back_up(path)
    clock.advance(minutes=1)
    for number, intent in enumerate(intents, start=1):
        intent_outcomes.record_accepted(store, intent, f"task-{number}", SOON)
    store.close()
    overwrite(path, 0, b"\0" * 16)
    recovered = open_store(path, clock=clock)
    assert scalar(recovered, "SELECT count(*) FROM tasks WHERE status = 'IN_PROGRESS'") == 59
    assert scalar(recovered, "SELECT count(*) FROM intents WHERE state = 'waiting'") == 0
    recovered.close()


def test_a_history_emptied_behind_our_back_comes_from_the_backup(path: Path, clock: ManualClock) -> None:
    closed_history(path, clock, 5)
    back_up(path)
    path.write_bytes(b"")
    store = open_store(path, clock=clock)
    assert scalar(store, "SELECT count(*) FROM tasks") == 5
    store.close()


def test_a_history_whose_log_is_lost_is_still_a_sound_one(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 50):
        accepted(store, f"task-{number}")
    copied = path.with_name("elsewhere") / "history.db"
    copied.parent.mkdir()
    copied.write_bytes(subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout)
    store.close()
    without = open_store(copied, clock=clock)
    assert submitted(without).number >= 1
    without.close()
    assert integrity.full_check(copied) == []


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "history.db"
    golden.fill(path)
    with closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA journal_mode = WAL")  # as each history that was opened once
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(flips=[(63, 1)])  # the number of the schema, here and below: each of the older ones
@example(flips=[(63, 4)])
@example(flips=[(63, 6)])
@example(flips=[(63, 7)])
@example(flips=[(4096 + 3, 3)])  # the number of rows of `meta`
@given(flips=st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_end_in_a_sentence_or_a_sound_history_and_never_lose_the_file(
    filled: Path, tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("flipped") / "history.db"
    spoilt = bytearray(filled.read_bytes())
    for offset, bits in flips:
        spoilt[offset % len(spoilt)] ^= bits
    path.write_bytes(spoilt)
    before = _opened_twice(path)
    if before is None:
        assert path.read_bytes() == bytes(spoilt)  # refused: another program's, or a newer one's
    elif atomic_swap.histories_set_aside(path):
        assert _aside(path).read_bytes() in before
        assert integrity.full_check(path) == []


def _opened_twice(path: Path) -> list[bytes] | None:
    """Open twice, reading everything: the second time mends what the first one met. Return the file before each."""
    before = []
    for _ in range(2):
        before.append(path.read_bytes())
        try:
            store = open_store(path, clock=ManualClock(NOW))
        except (NotAHistory, StoreTooNew):
            return None
        try:
            tasks.by_numbers(store, list(range(1, 20)))
            for number in range(1, 20):
                timeline.of_task(store, number)
            store.rows("PRAGMA integrity_check(1)")
        except StoreError:
            continue
        finally:
            store.close()
    return before


_MEND = """
import os, signal, sys
from pathlib import Path
from bwp_tui.store.maintenance import atomic_swap as swap
from bwp_tui.store.open_store import open_store

steps = 0
def counted(call):
    def stop_before(*args, **named):
        global steps
        steps += 1
        if steps == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **named)
    return stop_before

swap.sync = counted(swap.sync)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
open_store(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("step", range(1, 9))
def test_killed_at_any_step_of_mending_nothing_is_lost(path: Path, clock: ManualClock, step: int) -> None:
    closed_history(path, clock, 20)
    overwrite(path, 0, b"\0" * 24)
    before = path.read_bytes()
    ended = subprocess.run([sys.executable, "-c", _MEND, str(path), str(step)], check=False, timeout=50)
    assert ended.returncode in (0, -9)
    store = open_store(path, clock=clock)
    assert scalar(store, "SELECT count(*) FROM tasks") == 20
    store.close()
    assert before in [aside.read_bytes() for aside in atomic_swap.histories_set_aside(path)]
    assert atomic_swap.interrupted_swap(path) is None
    assert integrity.full_check(path) == []


def test_deletions_stay_deletions_when_only_traces_are_left(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 40):
        accepted(store, f"task-{number}", Kind.DELETION)
    store.close()
    overwrite_table(path, "tasks")
    recover.recover(path, clock())
    recovered = open_store(path, clock=clock)
    assert scalar(recovered, "SELECT count(*) FROM tasks WHERE kind = 'DELETION' AND status = 'ON_HOLD'") == 39
    recovered.close()


def test_the_operators_views_are_kept(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    store.rows("INSERT INTO views (name, filter, sort, position) VALUES ('mine', 'tag:vip', 'due', 1)")
    store.close()
    overwrite(path, 0, b"\0" * 24)
    recovered = open_store(path, clock=clock)
    assert recovered.rows("SELECT name, filter FROM views") == [("mine", "tag:vip")]
    recovered.close()


def test_the_root_of_each_index_is_read_since_sqlite_takes_an_empty_one_of_a_wrong_kind_for_sound(
    path: Path, clock: ManualClock
) -> None:
    open_store(path, clock=clock).close()
    with closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        roots = db.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'index'").fetchall()
    for name, root in roots:
        assert isinstance(root, int)
        damaged = path.with_name("damaged.db")
        damaged.write_bytes(path.read_bytes())
        overwrite(damaged, (root - 1) * PAGE, b"\x02")  # the leaf of an index is an inner page then
        assert integrity.full_check(damaged) != [], name


@pytest.mark.parametrize("is_settled", [True, False])
def test_an_index_of_waiting_requests_that_the_disk_did_not_write_is_noticed(
    path: Path, clock: ManualClock, is_settled: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        ((root,),) = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'intents_waiting'")
        submitted(store) if is_settled else accepted(store, "task-1")
    begin = (int(str(root)) - 1) * PAGE
    before = path.read_bytes()[begin : begin + PAGE]
    with closing(open_store(path, clock=clock)) as store:
        if is_settled:
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
        else:
            submitted(store, email="second@example.com")
    overwrite(path, begin, before)
    assert integrity.quick_check(path, threading.Event()) != []
    assert integrity.full_check(path) != []
    with closing(open_store(path, clock=clock)) as store:
        if is_settled:
            with pytest.raises(StoreDamaged):
                intent_outcomes.record_sending(store, 1)


@pytest.mark.parametrize("kind", Kind)
def test_a_row_that_is_only_on_the_timeline_keeps_its_kind(path: Path, clock: ManualClock, kind: Kind) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 40):
        task = requests.submit(store, request(kind, holding_period=0 if kind is Kind.DELETION else None), "op")
        intent_outcomes.record_accepted(store, sent(store, task.number).id, f"task-{number}", SOON)
    store.close()
    overwrite_table(path, "tasks")
    recover.recover(path, clock())
    recovered = open_store(path, clock=clock)
    assert recovered.rows("SELECT DISTINCT kind, tags FROM tasks") == [(kind, "[]")]
    recovered.close()


def _without_kind(path: Path, clock: ManualClock, number: int | None = None) -> Store:
    """A history whose one task is known from a timeline that does not name its kind, as of an older version."""
    store = open_store(path, clock=clock)
    task = submitted(store, Kind.DELETION) if number is None else tasks.get(store, number)
    intent_outcomes.record_unconfirmed(store, sent(store, task.number).id)
    store.rows("UPDATE tasks SET purged_at = recorded_at")  # the timeline of a purged task alone may be removed
    store.rows("DELETE FROM timeline WHERE what = 'recorded'")
    store.close()
    overwrite_indexes(path)
    overwrite_table(path, "tasks")
    recover.recover(path, clock())
    return open_store(path, clock=clock)


def test_the_kind_of_a_row_that_nothing_names_is_said_to_be_unknown_and_settled_by_the_service(
    path: Path, clock: ManualClock
) -> None:
    store = _without_kind(path, clock)
    task = tasks.get(store, 1)
    assert (task.kind_name, task.tags, task.status) == ("unknown", (KIND_UNKNOWN, TO_CHECK), "UNCONFIRMED")
    assert task.due_on is not None
    checked = task._replace(tags=(KIND_UNKNOWN,), email="jane@example.com")
    assert "{resubmit}" not in str(advice_for(checked, None, "{{{}}}".format))
    for refused in (requests.cannot_cancel(task), requests.cannot_download(task), requests.cannot_resubmit(checked)):
        assert refused is not None
        assert "retrieval or a deletion is not known" in refused
    assert "decide on: 1." in _aside(path).with_suffix(".txt").read_text()

    decisions.enter_task_id(store, 1, "task-id-1", "op")
    first = tasks.get(store, 1).kind
    poll_responses.record_unknown(store, 1, "no such task", SOON)
    other = tasks.get(store, 1)
    assert (other.kind is first, other.task_id, other.next_poll_at) == (False, "task-id-1", clock())

    single.answered(store, 1, answer("IN_PROGRESS", email="jane@example.com"), SOON)
    settled = tasks.get(store, 1)
    assert (settled.kind, settled.kind_name, settled.tags) == (other.kind, other.kind.lower(), (TO_CHECK,))
    assert "kind unknown → " in str(timeline.of_task(store, 1)[-2].detail)
    store.close()


def test_an_id_that_the_service_knows_as_neither_kind_is_dropped(path: Path, clock: ManualClock) -> None:
    store = _without_kind(path, clock)
    decisions.enter_task_id(store, 1, "task-id-1", "op")
    poll_responses.record_unknown(store, 1, "no such task", SOON)
    poll_responses.record_unknown(store, 1, "no such task", SOON)
    task = tasks.get(store, 1)
    assert (task.task_id, task.status, task.kind_name) == (None, "UNCONFIRMED", "unknown")
    store.close()


def test_a_row_rebuilt_from_its_timeline_gets_its_values_back_from_a_backup(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store, Kind.DELETION)
    backup = path.with_name("older.db")
    backups.back_up_to(path, backup)
    store.close()
    clock.advance(seconds=1)
    again = _without_kind(path, clock, task.number)
    assert tasks.get(again, task.number).email == ""
    again.close()
    restore.restore(path, backup, clock())
    restored = open_store(path, clock=clock)
    whole = tasks.get(restored, task.number)
    assert (whole.kind, whole.email, whole.due_on, whole.tags) == (Kind.DELETION, task.email, task.due_on, ())
    assert (whole.status, scalar(restored, "SELECT count(*) FROM tasks")) == (Status.UNCONFIRMED, 1)
    restored.close()
