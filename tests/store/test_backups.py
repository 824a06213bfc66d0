"""Copies of the history, and going back to one."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Task, Verification
from bwp_tui.domain.times import stamp
from bwp_tui.domain.urls import Shop
from bwp_tui.engine.runtime import maintenance_thread
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.copy import CopyCancelled
from bwp_tui.store.database.future_times import correct_future_times
from bwp_tui.store.errors import NotAHistory, OtherShop, StoreDamaged, StoreError, StoreUnavailable
from bwp_tui.store.maintenance import atomic_swap, backups, integrity, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, intent_outcomes, poll_responses
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, overwrite, overwrite_first_page, overwrite_table
from tests.store.support import (
    ACTOR,
    SOON,
    TODAY,
    accepted,
    answer,
    closed_history,
    in_status,
    intent_of,
    request,
    scalar,
    sent,
    submitted,
)


def _never_stopped() -> threading.Event:
    return threading.Event()


def _count(path: Path) -> int:
    store = open_store(path)
    try:
        return scalar(store, "SELECT count(*) FROM tasks")
    finally:
        store.close()


def test_a_copy_a_day_is_made_for_this_user_alone_and_seven_are_kept(path: Path, store: Store) -> None:
    submitted(store)
    for day in range(10):
        assert backups.back_up_daily(path, TODAY + timedelta(days=day), _never_stopped())
    copies = backups.daily_backups(path)
    assert [copy.name for copy in copies] == [
        f"history-{(TODAY + timedelta(days=day)).isoformat()}.db" for day in range(9, 2, -1)
    ]
    assert {stat.S_IMODE(copy.stat().st_mode) for copy in copies} == {0o600}
    assert sorted(entry.name for entry in backups.folder(path).iterdir()) == sorted(copy.name for copy in copies)
    assert backups.back_up_daily(path, TODAY + timedelta(days=9), _never_stopped()) is None


def test_a_copy_holds_what_is_only_in_the_log_yet(path: Path, store: Store, tmp_path: Path) -> None:
    task = submitted(store)
    target = tmp_path / "copy.db"
    backups.back_up_to(path, target)
    assert integrity.full_check(target) == []
    assert not target.with_name("copy.db-wal").exists()
    copied = open_store(target)
    assert tasks.get(copied, task.number) == task
    copied.close()


def test_a_file_that_is_there_is_never_overwritten(path: Path, store: Store, tmp_path: Path) -> None:
    submitted(store)
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        backups.back_up_to(path, target)
    assert target.read_text() == "mine"
    assert [entry.name for entry in tmp_path.glob(".*.part")] == []


def test_a_damaged_history_replaces_no_good_copy(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for number in range(60):
        submitted(store, email=f"shopper{number}@example.com")
    for day in range(-8, -1):
        backups.back_up_daily(path, TODAY + timedelta(days=day), _never_stopped())
    store.close()
    before = backups.daily_backups(path)
    engine = open_store(path, clock=clock)
    overwrite_table(path, "timeline")
    with pytest.raises(StoreError):
        backups.back_up_daily(path, TODAY, _never_stopped())
    assert backups.daily_backups(path) == before
    assert "damaged" in (maintenance_thread.run_maintenance(engine, _never_stopped()) or "")
    engine.close()
    mended = open_store(path, clock=clock)
    assert mended.opening_report is not None
    assert scalar(mended, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%'") == 60
    mended.close()


def test_a_history_whose_row_and_index_differ_is_not_copied(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        submitted(store, email="shopper@example.com")
        ((page,),) = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'tasks'")
    begin = (int(str(page)) - 1) * PAGE
    overwrite(path, path.read_bytes().index(b"shopper@example.com", begin), b"xhopper")
    with pytest.raises(StoreError):
        backups.back_up_daily(path, TODAY, _never_stopped())
    assert backups.daily_backups(path) == []


def test_a_recovery_from_a_backup_says_what_is_in_no_copy(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        submitted(store)
        copied_at = stamp(clock())
        backups.back_up_daily(path, TODAY, _never_stopped())
        clock.advance(minutes=9)
        submitted(store, email="later@example.com")
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        report = str(store.opening_report)
        assert scalar(store, "SELECT count(*) FROM tasks") == 1
    assert copied_at in report
    assert stamp(clock()) in report


def test_a_newer_backup_has_the_response_to_what_a_recovery_took_for_lapsed(path: Path, clock: ManualClock) -> None:
    newer = path.with_name("newer.db")
    with closing(open_store(path, clock=clock)) as store:
        task = submitted(store, Kind.DELETION)
        backups.back_up_daily(path, TODAY, _never_stopped())
        intent_outcomes.record_accepted(store, sent(store, task.number).id, "task-1", SOON)
        backups.back_up_to(path, newer)
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows("SELECT state FROM intents WHERE task = 1") == [("lapsed",)]
    clock.advance(seconds=1)
    restore.restore(path, newer, clock())
    with closing(open_store(path, clock=clock)) as store:
        assert store.rows("SELECT state FROM intents WHERE task = 1") == [("done",)]
        assert tasks.get(store, 1).task_id == "task-1"


def test_of_the_copies_the_one_that_holds_the_latest_counts_whatever_its_name_says(
    path: Path, clock: ManualClock
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        submitted(store)
        backups.back_up_daily(path, TODAY + timedelta(days=900), _never_stopped())  # the clock was wrong
        clock.advance(minutes=1)
        submitted(store, email="second@example.com")
        backups.back_up_daily(path, TODAY, _never_stopped())
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 2


@pytest.mark.parametrize(
    "damage", [lambda _: None, lambda aside: overwrite_table(aside, "tasks_by_due"), overwrite_first_page]
)
def test_a_lost_history_comes_from_a_copy_that_was_set_aside_if_that_is_the_newest(
    path: Path, clock: ManualClock, damage: Callable[[Path], None]
) -> None:
    older = path.with_name("older.db")
    with closing(open_store(path, clock=clock)) as store:
        submitted(store)
        backups.back_up_daily(path, TODAY, _never_stopped())
        backups.back_up_to(path, older)
        clock.advance(minutes=1)
        for number in range(30):
            submitted(store, email=f"shopper{number}@example.com")
    clock.advance(minutes=1)
    restore.restore(path, older, clock())
    (aside,) = path.parent.glob("history.replaced-*.db")
    damage(aside)
    path.unlink()
    clock.advance(minutes=1)
    with closing(open_store(path, clock=clock)) as store:
        assert aside.name in str(store.opening_report)
        assert scalar(store, "SELECT count(*) FROM tasks WHERE email <> ''") == 31


@pytest.mark.parametrize("is_link", [True, False])
def test_no_history_is_begun_anew_while_the_backups_cannot_be_looked_at(
    path: Path, clock: ManualClock, is_link: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        submitted(store)
        backups.back_up_daily(path, TODAY, _never_stopped())
        kept = backups.folder(path).rename(path.with_name("disk"))
        if is_link:
            backups.folder(path).symlink_to(path.with_name("not mounted"))
        else:
            backups.folder(path).touch()
        assert "backups" in str(maintenance_thread.run_maintenance(store, _never_stopped()))
    path.unlink()
    with pytest.raises(StoreUnavailable, match="backups"):
        open_store(path, clock=clock)
    backups.folder(path).unlink()
    kept.rename(backups.folder(path))
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 1


def test_a_backup_whose_log_breaks_off_is_not_taken_for_whole(path: Path, clock: ManualClock) -> None:
    copy, log = path.with_name("copy.db"), path.with_name("copy.db-wal")
    with closing(open_store(path, clock=clock)) as store:
        for number in range(9):
            submitted(store, email=f"shopper{number}@example.com")
        for source, target in ((path, copy), (path.with_name(f"{path.name}-wal"), log)):
            target.write_bytes(subprocess.run(["cat", source], capture_output=True, check=True).stdout)
    overwrite(log, log.stat().st_size // 2, b"\xff" * 5000)
    clock.advance(minutes=1)
    with pytest.raises(StoreDamaged, match="log"):
        restore.restore(path, copy, clock())


def test_of_the_copies_of_one_history_the_later_revision_counts(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        clock.advance(days=900)
        submitted(store)
        backups.back_up_daily(path, TODAY, _never_stopped())
        clock.advance(days=-900)
        correct_future_times(store, timedelta(days=900))
        submitted(store, email="second@example.com")
        backups.back_up_daily(path, TODAY + timedelta(days=1), _never_stopped())
    path.unlink()
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 2


def test_a_lost_history_comes_from_a_copy_that_was_set_aside_where_there_is_no_backup(
    path: Path, clock: ManualClock
) -> None:
    older = path.with_name("older.db")
    with closing(open_store(path, clock=clock)) as store:
        backups.back_up_to(path, older)
        submitted(store)
    clock.advance(minutes=1)
    restore.restore(path, older, clock())
    path.unlink()
    clock.advance(minutes=1)
    with closing(open_store(path, clock=clock)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 1


def test_the_engines_round_makes_the_copy_and_says_nothing(path: Path, store: Store) -> None:
    submitted(store)
    assert maintenance_thread.run_maintenance(store, _never_stopped()) is None
    assert len(backups.daily_backups(path)) == 1


def test_a_round_that_is_not_wanted_any_more_leaves_no_copy(path: Path, store: Store) -> None:
    submitted(store)
    unwanted = threading.Event()
    unwanted.set()
    assert maintenance_thread.run_maintenance(store, unwanted) is None
    with pytest.raises(CopyCancelled):
        backups.back_up_daily(path, TODAY, unwanted)
    assert backups.daily_backups(path) == []


def test_restoring_brings_back_what_was_lost_and_keeps_what_came_since(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    first = submitted(store, email="first@example.com")
    second = submitted(store, email="second@example.com")
    backup = path.with_name("mine.db")
    backups.back_up_to(path, backup)
    clock.advance(hours=1)
    intent_outcomes.record_accepted(store, sent(store, first.number).id, "task-1", SOON)
    single.set_note(store, second.number, "called", ACTOR)
    third = submitted(store, email="third@example.com")
    store.close()
    restored = restore.restore(path, backup, clock())
    assert (restored.merged.added, restored.merged.only_here, restored.tasks) == (0, 1, 3)
    again = open_store(path, clock=clock)
    assert (tasks.get(again, first.number).task_id, tasks.get(again, second.number).note) == ("task-1", "called")
    assert scalar(again, "SELECT count(*) FROM intents WHERE state = 'waiting'") == 2
    assert intent_of(again, third.number).first_sent_at is None  # this history knows that it was never sent
    again.close()
    assert _count(restored.aside) == 3
    assert integrity.full_check(path) == []


def test_a_stay_on_another_machine_without_work_changes_no_task(path: Path, clock: ManualClock, tmp_path: Path) -> None:
    closed_history(path, clock, 3)
    there, back = tmp_path / "there.db", tmp_path / "back.db"
    backups.back_up_to(path, there)
    other = tmp_path / "other" / path.name
    other.parent.mkdir()
    for history, backup in ((other, there), (path, back)):
        clock.advance(hours=1)
        restored = restore.restore(history, backup, clock())
        if history is other:
            backups.back_up_to(other, back)
    assert (restored.merged.added, restored.merged.updated, restored.merged.only_here) == (0, 0, 0)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_download_that_had_not_ended_in_a_copy_has_failed_and_keeps_its_part(
    path: Path, clock: ManualClock, tmp_path: Path, *, is_lost: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        requests.download(store, 1, str(tmp_path), ACTOR)
        (job,) = downloads.ready(store, clock(), 1)
        downloads.record_start(store, job)
        downloads.record_progress(store, job, 5, 10, None, '"tag"')
        copy = backups.back_up_daily(path, TODAY, _never_stopped())
    assert copy is not None
    if is_lost:
        path.unlink()
    else:
        path = tmp_path / "other" / path.name
        path.parent.mkdir()
        assert restore.restore(path, copy, clock()).merged.stopped_downloads == 1
    with closing(open_store(path, clock=clock)) as store:
        assert not is_lost or "1 download" in (store.opening_report or "")
        stopped = tasks.get(store, 1).download
        assert stopped is not None
        assert (stopped.state, stopped.etag, copy.name in (stopped.trouble or "")) == ("failed", '"tag"', True)
        requests.download(store, 1, str(tmp_path), ACTOR)
        (again,) = downloads.ready(store, clock(), 1)
        assert again.etag == '"tag"'


def test_an_open_download_stays_the_newest_of_its_task_beside_one_of_a_backup(path: Path, clock: ManualClock) -> None:
    other = path.with_name("other.db")
    with closing(open_store(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        backups.back_up_to(path, other)
        with closing(open_store(other, clock=clock)) as copy:
            requests.download(copy, 1, "/srv", ACTOR)
        clock.advance(minutes=1)
        requests.download(store, 1, "/srv", ACTOR)
    restore.restore(path, other, clock())
    with closing(open_store(path, clock=clock)) as store:
        found = [(each.state, each.has_newer) for each in downloads.of_task(store, 1)]
        assert found == [("failed", True), ("queued", False)]


def test_an_unended_download_of_a_backup_is_not_counted_where_the_result_is_saved(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with closing(open_store(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        backups.back_up_to(path, other)
        requests.download(store, 1, str(tmp_path), ACTOR)
        clock.advance(minutes=1)
    with closing(open_store(other, clock=clock)) as store:
        requests.download(store, 1, str(tmp_path), ACTOR)
        (job,) = downloads.ready(store, clock(), 1)
        (tmp_path / "a.zip").write_bytes(b"ab")
        downloads.record_success(store, job, str(tmp_path / "a.zip"), 2, "ab" * 32)
    assert restore.restore(other, path, clock()).merged.stopped_downloads == 0


def test_a_backup_put_into_a_new_history_gives_each_task_a_number_of_its_own(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    old = open_store(tmp_path / "old" / "history.db", clock=clock)
    waiting = submitted(old, email="old@example.com")
    token = intent_of(old, waiting.number).client_token
    accepted(old, "task-old", email="older@example.com")
    old.close()
    clock.advance(hours=1)
    store = open_store(path, clock=clock)
    submitted(store, email="new@example.com")
    store.close()
    restored = restore.restore(path, tmp_path / "old" / "history.db", clock())
    assert (restored.merged.added, restored.merged.only_here, restored.tasks) == (2, 1, 3)
    again = open_store(path, clock=clock)
    rows = again.rows(
        "SELECT t.number, i.client_token FROM tasks t JOIN intents i ON i.task = t.number"
        " WHERE email = 'old@example.com'"
    )
    assert [row[1] for row in rows] == [token]
    number = rows[0][0]
    assert isinstance(number, int)
    # It may have been sent since the backup was made: only its own client token may go out, while it protects.
    assert intent_of(again, number).first_sent_at == clock() - timedelta(hours=1)
    assert scalar(again, "SELECT count(DISTINCT number) FROM tasks") == 3
    again.close()
    assert integrity.full_check(path) == []


def _completed_after_backup(path: Path, clock: ManualClock) -> tuple[Store, Task]:
    """Return a history whose daily copy has the task as it was before the service accepted and completed it."""
    store = open_store(path, clock=clock)
    task = submitted(store)
    backups.back_up_daily(path, TODAY, _never_stopped())
    clock.advance(hours=1)
    intent_outcomes.record_accepted(store, sent(store, task.number).id, "task-1", SOON)
    poll_responses.record_responses(store, {task.number: (answer(Status.COMPLETED), None)})
    return store, task


@pytest.mark.parametrize("noted", [False, True], ids=["untouched", "with a later note"])
def test_a_newer_backup_restores_task_ids_after_an_older_one_was_recovered(
    path: Path, clock: ManualClock, *, noted: bool
) -> None:
    store, task = _completed_after_backup(path, clock)
    newer = path.with_name("newer.db")
    backups.back_up_to(path, newer)
    store.close()
    path.unlink()
    clock.advance(hours=1)
    recovered = open_store(path, clock=clock)
    assert tasks.get(recovered, task.number).task_id is None
    if noted:
        single.set_note(recovered, task.number, "called", ACTOR)
    recovered.close()
    restored = restore.restore(path, newer, clock())
    assert (restored.merged.added, restored.merged.updated) == (0, 1)
    again = open_store(path, clock=clock)
    found = tasks.get(again, task.number)
    assert (found.task_id, found.status, found.note) == ("task-1", Status.COMPLETED, "called" if noted else "")
    again.close()
    assert integrity.full_check(path) == []


def test_a_row_whose_timeline_alone_is_damaged_stays_newer_than_its_backup(path: Path, clock: ManualClock) -> None:
    store, task = _completed_after_backup(path, clock)
    single.answer(store, task.number, "mailed", TODAY, ACTOR)
    store.close()
    overwrite_table(path, "timeline")
    recovered = open_store(path, clock=clock)  # which reads the newest event
    assert recovered.opening_report is not None
    found = tasks.get(recovered, task.number)
    assert (found.task_id, found.status, found.answered_on) == ("task-1", Status.COMPLETED, TODAY)
    recovered.close()


def test_a_deletion_that_was_withdrawn_after_the_backup_is_not_sent_when_it_is_recovered(
    path: Path, clock: ManualClock
) -> None:
    store = open_store(path, clock=clock)
    deletion, retrieval = submitted(store, Kind.DELETION), submitted(store)
    backups.back_up_daily(path, TODAY, _never_stopped())
    requests.cancel(store, deletion.number, ACTOR)
    assert tasks.get(store, deletion.number).status == Status.CANCELLED
    store.close()
    path.unlink()
    recovered = open_store(path, clock=clock)
    assert [task.status for task in tasks.by_numbers(recovered, [deletion.number, retrieval.number])] == [
        Status.UNCONFIRMED,
        Status.QUEUED,
    ]
    assert scalar(recovered, "SELECT count(*) FROM intents WHERE state = 'waiting'") == 1
    assert "1 UNCONFIRMED" in (recovered.opening_report or "")
    recovered.close()
    assert integrity.full_check(path) == []


def test_a_restore_counts_the_deletions_that_waited_in_the_backup(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    deletion, retrieval = submitted(store, Kind.DELETION), submitted(store)
    store.close()
    other = path.with_name("other.db")
    restored = restore.restore(other, path, clock())
    assert restored.unconfirmed == 1
    again = open_store(other, clock=clock)
    assert [task.status for task in tasks.by_numbers(again, [deletion.number, retrieval.number])] == [
        Status.UNCONFIRMED,
        Status.QUEUED,
    ]
    again.close()
    clock.advance(hours=1)
    assert restore.restore(other, path, clock()).unconfirmed == 0


def test_a_restore_counts_what_the_other_copy_had_made_unconfirmed_before(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    store.close()
    other = path.with_name("other.db")
    other.write_bytes(path.read_bytes())
    clock.advance(minutes=1)
    store = open_store(path, clock=clock)
    number = requests.submit(store, request(email="two@example.com")._replace(awaits_verification=True), ACTOR).number
    store.close()
    clock.advance(hours=1)
    assert restore.restore(other, path, clock()).unconfirmed == 1
    clock.advance(hours=1)
    assert restore.restore(path, other, clock()).unconfirmed == 1
    with closing(open_store(path, clock=clock)) as again:
        task = tasks.get(again, number)
        assert (task.status, task.is_sent_unconfirmed) == (Status.UNCONFIRMED, False)
        assert "another copy may have sent it" in (task.trouble or "")


def test_a_restore_counts_a_resubmitted_request_too_that_it_makes_unconfirmed(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    number = requests.submit(store, request()._replace(awaits_verification=True), ACTOR).number
    backup, other = path.with_name("backup.db"), path.with_name("other.db")
    backups.back_up_to(path, backup)
    clock.advance(hours=1)
    assert restore.restore(other, backup, clock()).unconfirmed == 1
    with closing(open_store(other, clock=clock)) as copy:
        requests.resubmit(copy, number, ACTOR)
    single.verify(store, number, Verification(TODAY, ACTOR, "order 17"), ACTOR)
    requests.send(store, number, ACTOR)
    store.close()
    clock.advance(hours=1)
    assert restore.restore(path, other, clock()).unconfirmed == 2
    with closing(open_store(path, clock=clock)) as again:
        assert scalar(again, "SELECT count(*) FROM tasks WHERE status = 'UNCONFIRMED'") == 2


@pytest.mark.parametrize("has_log", [False, True])
def test_the_report_on_a_missing_history_names_no_file_that_was_not_there(
    path: Path, clock: ManualClock, *, has_log: bool
) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    backups.back_up_daily(path, TODAY, _never_stopped())
    store.close()
    path.unlink()
    log = path.with_name(f"{path.name}-wal")
    if has_log:
        log.write_bytes(b"what is left of the log")
    open_store(path, clock=clock).close()
    (report,) = path.parent.glob("*.txt")
    named = set(re.findall(r"history\.damaged-\S+", report.read_text()))
    assert named == ({f"{report.stem}.db-wal."} if has_log else set())
    assert all(path.with_name(name.rstrip(".")).exists() for name in named)


def test_a_restore_beside_others_is_refused_and_changes_nothing(path: Path, store: Store) -> None:
    submitted(store)
    backup = path.with_name("mine.db")
    backups.back_up_to(path, backup)
    with pytest.raises(StoreUnavailable, match="open"):
        restore.restore(path, backup, store.clock())
    assert atomic_swap.histories_set_aside(path) == []


def test_a_restore_from_what_is_no_sound_backup_changes_nothing(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for number in range(60):
        submitted(store, email=f"shopper{number}@example.com")
    backup = path.with_name("mine.db")
    backups.back_up_to(path, backup)
    store.close()
    before = path.read_bytes()
    overwrite_table(backup, "timeline")
    foreign = path.with_name("foreign.db")
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, apsw; apsw.Connection(sys.argv[1]).execute('CREATE TABLE x (y)')",
            str(foreign),
        ],
        check=True,
        timeout=50,
    )
    with pytest.raises(StoreDamaged):
        restore.restore(path, backup, clock())
    with pytest.raises(NotAHistory):
        restore.restore(path, foreign, clock())
    assert path.read_bytes() == before


@pytest.mark.parametrize("other", [Shop("bp-other", None), Shop("bp-mine", "other.example.com")])
def test_a_backup_of_another_shop_is_not_restored(path: Path, clock: ManualClock, other: Shop) -> None:
    backup = path.with_name("other") / path.name
    backup.parent.mkdir(parents=True)
    for file, shop in ((path, Shop("bp-mine", "example.com")), (backup, other)):
        with closing(open_store(file, clock=clock)) as store:
            store.require_shop(shop)
            accepted(store)
            submitted(store, email="later@example.com")  # the host is known once a task was accepted
    before = path.read_bytes()
    with pytest.raises(OtherShop):
        restore.restore(path, backup, clock())
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"kind,email\nretrieval,jane@example.com\n" * 30, b"\0" * 9_000])
def test_what_is_no_backup_is_called_so(path: Path, clock: ManualClock, content: bytes) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    store.close()
    other = path.with_name("in.csv")
    other.write_bytes(content)
    with pytest.raises(NotAHistory, match="not a backup"):
        restore.restore(path, other, clock())
    assert atomic_swap.histories_set_aside(path) == []


def test_a_restore_counts_a_task_that_became_one_with_its_request_once(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        request_without_id = in_status(store, Status.UNCONFIRMED).number
        older = tmp_path / "other" / "history.db"
        older.parent.mkdir()
        backups.back_up_to(path, older)
        decisions.enter_task_id(store, request_without_id, "task-seen-1", ACTOR)
    with closing(open_store(older, clock=clock)) as store:
        requests.track(store, Kind.RETRIEVAL, "task-seen-1", request(), ACTOR)
    restored = restore.restore(older, path, clock())
    assert (restored.tasks, restored.joined, restored.merged.only_here) == (1, 1, 0)


def test_a_task_id_entered_here_and_tracked_there_stays_one_tasks(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    store = open_store(path, clock=clock)
    unsure = submitted(store)
    intent_outcomes.record_unconfirmed(store, sent(store, unsure.number).id)
    backup = tmp_path / "other" / "history.db"
    backup.parent.mkdir()
    backups.back_up_to(path, backup)
    other = open_store(backup, clock=clock)
    tracked = requests.track(other, Kind.RETRIEVAL, "task-seen-1", request(), ACTOR)
    other.close()
    decisions.enter_task_id(store, unsure.number, "task-seen-1", ACTOR)
    store.close()
    restored = restore.restore(path, backup, clock())
    assert (restored.merged.lost_ids, restored.tasks) == (0, 1)
    again = open_store(path, clock=clock)
    [task] = tasks.each(again, [unsure.number, tracked.number])
    assert (task.number, task.task_id) == (unsure.number, "task-seen-1")
    assert timeline.joined_into(again, tracked.number) == unsure.number
    again.close()
    assert integrity.full_check(path) == []


_KILLED = """
import os, signal, sys
from datetime import UTC, date, datetime
from pathlib import Path
import threading
from collections.abc import Callable
from bwp_tui.store.maintenance import backups
from bwp_tui.store.maintenance import restore as restoring
from bwp_tui.store.maintenance import atomic_swap as swap

steps = 0
def counted(call):
    def stop_before(*args, **named):
        global steps
        steps += 1
        if steps == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **named)
    return stop_before

backups.sync = swap.sync = counted(swap.sync)
Path.rename = counted(Path.rename)
Path.replace = counted(Path.replace)
path = Path(sys.argv[1])
if sys.argv[2] == "restore":
    restoring.restore(path, path.with_name("mine.db"), datetime.now(UTC))
else:
    backups.back_up_daily(path, date(2026, 11, 20), threading.Event())
"""


@pytest.mark.parametrize("step", range(1, 8))
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_killed_at_any_step_neither_tasks_nor_copies_are_lost(path: Path, what: str, step: int) -> None:
    store = open_store(path)
    for number in range(1, 11):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    backups.back_up_to(path, path.with_name("mine.db"))
    backups.back_up_daily(path, TODAY - timedelta(days=1), _never_stopped())
    accepted(store, "task-11", email="shopper11@example.com")
    store.close()
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), what, str(step)], check=False, timeout=50)
    assert ended.returncode in (0, -9)
    assert _count(path) == 11
    assert atomic_swap.interrupted_swap(path) is None
    assert all(integrity.is_sound(copy) for copy in backups.daily_backups(path))
    assert len(backups.daily_backups(path)) >= 1
    backups.back_up_daily(path, TODAY + timedelta(days=1), _never_stopped())
    overwrite(path, 0, b"\0" * 24)
    assert _count(path) == 11


def test_a_keeper_makes_its_round_at_once_and_ends_when_it_is_stopped(path: Path, store: Store) -> None:
    submitted(store)
    told: list[str | None] = []
    rung = threading.Event()

    def tell(words: str | None) -> None:
        told.append(words)
        rung.set()

    keeper = maintenance_thread.MaintenanceThread(store, tell)
    keeper.start()
    assert rung.wait(20)
    keeper.stop()
    assert told == [None]
    assert len(backups.daily_backups(path)) == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "history-maintenance"]
