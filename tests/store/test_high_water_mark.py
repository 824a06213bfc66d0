"""An older copy of the history that is put back by hand is noticed, and what waits in it counts as sent."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import set_shop_zone, stamp
from bwp_tui.store.commands import requests
from bwp_tui.store.database import high_water_mark
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.high_water_mark import HighWaterMark, HistoryState
from bwp_tui.store.maintenance import backups, integrity, restore
from bwp_tui.store.open_store import older_copy_notes, open_store
from bwp_tui.store.queries import tasks
from tests.manual_clock import ManualClock
from tests.store.damage import PAGE, overwrite
from tests.store.support import ACTOR, TODAY, intent_of, received, scalar, sent, submitted


def _copy(path: Path) -> Path:
    copy = path.with_name("nightly.db")
    backups.back_up_to(path, copy)
    return copy


def _put_back(copy: Path, path: Path) -> None:
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copy(copy, path)


def _opened(path: Path, clock: ManualClock) -> tuple[Store, str | None]:
    store = open_store(path, clock=clock)
    return store, store.opening_report


def test_a_request_that_waits_in_an_older_copy_counts_as_sent_when_it_was_asked_for(
    path: Path, clock: ManualClock
) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store)
    copy = _copy(path)
    clock.advance(hours=1)
    until = clock.now
    sent(store, task.number)
    store.close()
    _put_back(copy, path)
    clock.advance(hours=1)
    store, report = _opened(path, clock)
    assert f"{path} is an older copy" in str(report)
    assert f"until {stamp(until)}. " in str(report)
    intent = intent_of(store, task.number)
    assert (intent.first_sent_at, intent.attempts) == (clock.now - timedelta(hours=2), 1)
    store.close()
    store, report = _opened(path, clock)
    assert report is None, "it is told once"
    store.close()
    (note,) = older_copy_notes(path)
    assert f"{path} is an older copy" in note.read_text()


def test_a_log_that_was_rolled_back_is_noticed(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    saved = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
    submitted(store, email="bob@example.com")
    store.close()
    for end, content in saved.items():
        path.with_name(path.name + end).write_bytes(content)
    store, report = _opened(path, clock)
    assert report is not None
    assert scalar(store, "SELECT count(*) FROM intents WHERE first_sent_at IS NOT NULL") == 1
    store.close()


def test_a_copy_without_an_identity_counts_as_another_history(path: Path, clock: ManualClock, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other" / "history.db", clock=clock)
    task = submitted(other)
    other.close()
    open_store(path, clock=clock).close()
    _put_back(other.path, path)
    store, report = _opened(path, clock)
    assert report is not None
    assert intent_of(store, task.number).attempts == 1
    store.close()


def test_nothing_is_said_of_a_history_as_it_was_left(path: Path, clock: ManualClock) -> None:
    for _ in range(3):
        store, report = _opened(path, clock)
        task = submitted(store)
        assert report is None
        assert intent_of(store, task.number).first_sent_at is None
        store.close()


def test_a_copy_of_the_whole_folder_and_a_lost_lock_file_are_no_older_copies(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    store.close()
    copied = shutil.copytree(path.parent, path.parent.with_name("copied")) / path.name
    path.with_name("history.lock").unlink()
    for at in (path, copied):
        store, report = _opened(at, clock)
        assert report is None
        store.close()


@pytest.mark.parametrize("is_later", [False, True])
def test_a_copy_on_which_another_machine_went_on_is_noticed(
    path: Path, clock: ManualClock, tmp_path: Path, is_later: bool
) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    store.close()
    other = shutil.copytree(path.parent, tmp_path / "other machine") / path.name
    for copy in (path, other) if is_later else (other, path):
        store = open_store(copy, clock=clock)
        for _ in range(5 if copy == other else 1):
            submitted(store, email=f"{copy.parent.name[:5]}@example.com")
        store.close()
        clock.advance(minutes=1)
    _put_back(other, path)
    store, report = _opened(path, clock)
    assert str(path) in str(report)
    store.close()


@pytest.mark.parametrize("how", ["restored", "recovered"])
def test_an_older_copy_is_noticed_also_right_after_the_history_was_replaced(
    path: Path, clock: ManualClock, how: str
) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    copy = _copy(path)
    submitted(store, email="later@example.com")
    store.close()
    clock.advance(seconds=1)
    if how == "restored":
        restore.restore(path, copy, clock())
    else:
        overwrite(path, 0, b"\0" * 4096)
        open_store(path, clock=clock).close()
    _put_back(copy, path)
    store, report = _opened(path, clock)
    assert str(path) in str(report)
    store.close()


@pytest.mark.parametrize("page", [0, 1, 2])
def test_an_older_copy_that_is_damaged_as_well_sends_nothing_that_may_have_been_withdrawn(
    path: Path, clock: ManualClock, page: int
) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store, Kind.DELETION)
    copy = _copy(path)
    clock.advance(minutes=1)
    requests.cancel(store, task.number, ACTOR)
    store.close()
    until = clock.now
    clock.advance(minutes=1)
    _put_back(copy, path)
    overwrite(path, page * PAGE, b"\xff" * PAGE)
    set_shop_zone("Asia/Tokyo")
    try:
        store, report = _opened(path, clock)
        assert f", until {stamp(until)}, is in no copy" in str(report)
    finally:
        set_shop_zone(None)
    assert tasks.get(store, task.number).status == Status.UNCONFIRMED
    store.close()


def test_all_is_said_to_be_there_where_the_page_of_the_state_alone_is_lost(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    received(store)
    backups.back_up_daily(path, TODAY, threading.Event())
    clock.advance(minutes=1)
    submitted(store, email="later@example.com")
    clock.advance(minutes=1)
    with store.write():
        pass  # as an engine does, whose row no task has
    store.close()
    overwrite(path, PAGE, b"\xff" * PAGE)
    clock.advance(minutes=1)
    store, report = _opened(path, clock)
    assert "in no copy" not in str(report)
    assert tasks.get(store, 1).status == Status.RECEIVED
    assert scalar(store, "SELECT count(*) FROM tasks") == 2
    store.close()


def test_a_lost_write_of_the_page_of_the_state_is_no_older_copy(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        received(store)
    page_of_state = path.read_bytes()[PAGE : 2 * PAGE]
    clock.advance(minutes=5)
    with closing(open_store(path, clock=clock)) as store:
        submitted(store)
    overwrite(path, PAGE, page_of_state)
    store, report = _opened(path, clock)
    assert report is not None
    assert "older" not in report
    assert "in no copy" not in report
    assert [status for (status,) in store.rows("SELECT status FROM tasks ORDER BY number")] == ["RECEIVED", "QUEUED"]
    store.close()
    assert integrity.full_check(path) == []


def test_a_restore_whose_new_file_a_loss_of_power_has_emptied_is_undone(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    store.close()
    path.rename(path.with_name("history.replaced-20261120T091400.000000Z.db"))
    path.with_name("history.incoming-replaced-20261120T091400.000000Z.db").touch()
    store, _ = _opened(path, clock)
    assert scalar(store, "SELECT count(*) FROM tasks") == 1
    store.close()
    assert not list(path.parent.glob("*.incoming-*"))


def test_what_the_program_itself_puts_back_is_no_older_copy(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    submitted(store)
    copy = _copy(path)
    backups.back_up_daily(path, TODAY, threading.Event())
    for _ in range(5):
        submitted(store)
    store.close()
    restore.restore(path, copy, clock())
    store, report = _opened(path, clock)
    assert report is None
    store.close()
    path.unlink()
    clock.advance(seconds=1)
    restore.restore(path, copy, clock())
    store, report = _opened(path, clock)
    assert report is None
    store.close()
    overwrite(path, 0, b"\0" * 4096)
    store, report = _opened(path, clock)
    assert report is not None
    assert "damaged" in report
    store.close()
    store, report = _opened(path, clock)
    assert report is None
    store.close()


@pytest.fixture
def record(tmp_path: Path) -> int:
    return os.open(tmp_path / "record", os.O_RDWR | os.O_CREAT)


def test_the_newest_of_the_records_that_are_whole_counts(record: int) -> None:
    kept = HighWaterMark(record)
    assert kept.read() is None
    for revision in range(1, 20):
        kept.write(HistoryState("ab" * 16, revision, "2026-11-20T09:14:00.000000Z"))
    assert kept.read() == HistoryState("ab" * 16, 19, "2026-11-20T09:14:00.000000Z")
    os.pwrite(record, b"torn", high_water_mark._SLOT_BYTES * (19 % high_water_mark._SLOT_COUNT) + 60)
    torn = kept.read()
    assert torn is not None
    assert torn.revision == 18
    kept.reset(HistoryState("cd" * 16, 1, ""))
    assert kept.read() == HistoryState("cd" * 16, 1, "")


@pytest.mark.parametrize("content", [b"\0" * 2000, b"\xff" * 2000, b"00000000 \n" * 300, b"5" * 1024])
def test_what_is_no_record_is_none(record: int, content: bytes) -> None:
    os.pwrite(record, content, 0)
    assert HighWaterMark(record).read() is None


def test_without_a_lock_file_there_is_none() -> None:
    nowhere = HighWaterMark(None)
    nowhere.write(HistoryState("", 1, ""))
    nowhere.sync()
    nowhere.reset(HistoryState("", 1, ""))
    assert nowhere.read() is None


def test_every_history_has_an_identity_of_its_own_that_its_copies_share(path: Path, tmp_path: Path) -> None:
    identities = []
    for at in (path, tmp_path / "other" / "history.db"):
        store = open_store(at)
        identities.append(store.rows("SELECT identity FROM meta"))
        store.close()
    assert identities[0] != identities[1]
    assert len(str(identities[0][0][0])) == 32
    db = apsw.Connection(str(_copy(path)))
    assert db.execute("SELECT identity FROM meta").fetchall() == identities[0]
    db.close()
