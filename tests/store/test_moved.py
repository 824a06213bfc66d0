"""A file that is moved, removed or replaced while it is open: nothing is recorded there, nothing is read of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from bwp_tui.store.database.change_monitor import ChangeMonitor
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreMoved
from bwp_tui.store.maintenance import backups, integrity
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.store.support import TODAY, scalar, submitted
from tests.waiting import eventually

Move = Callable[[Path], None]


def _move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def _remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _remove_file(path: Path) -> None:
    path.unlink()


def _replace_file(path: Path) -> None:
    copy = path.with_name("copy.db")
    backups.back_up_to(path, copy)
    copy.replace(path)


moves = pytest.mark.parametrize("move", [_move_folder, _remove_folder, _remove_file, _replace_file])


@moves
def test_nothing_is_recorded_or_read_once_it_is_gone_from_its_place(store: Store, path: Path, move: Move) -> None:
    submitted(store)
    move(path)
    with pytest.raises(StoreMoved, match=str(path)):
        submitted(store)
    with pytest.raises(StoreMoved):
        tasks.get(store, 1)
    with pytest.raises(StoreMoved):
        store.integers("SELECT number FROM tasks")


_SUBMIT: Final = """
import sys
from pathlib import Path
from bwp_tui.store.open_store import open_store
from tests.store.support import submitted
store = open_store(Path(sys.argv[1]))
submitted(store)
store.close()
"""


def _submit_elsewhere(path: Path) -> str:
    """Record a request in another process; return what it says where it cannot."""
    command = [sys.executable, "-c", _SUBMIT, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_nothing_is_recorded_once_the_shared_memory_that_others_find_is_another_one(path: Path) -> None:
    with closing(open_store(path)) as store:
        submitted(store)
        path.with_name(f"{path.name}-shm").unlink()
        assert _submit_elsewhere(path) == ""
        with pytest.raises(StoreMoved):
            submitted(store)
    with closing(open_store(path)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 2


@pytest.mark.parametrize("is_other_tried", [False, True])
def test_a_program_whose_log_was_removed_writes_it_back_when_it_closes(path: Path, is_other_tried: bool) -> None:
    with closing(open_store(path)) as store:
        submitted(store)
    with closing(open_store(path)) as store:
        submitted(store, email="later@example.com")
        for ending in ("-wal", "-shm"):
            path.with_name(f"{path.name}{ending}").unlink()
        if is_other_tried:
            assert "StoreMoved" in _submit_elsewhere(path)
            integrity.full_check(path)
    with closing(open_store(path)) as store:
        assert store.opening_report is None
        assert scalar(store, "SELECT count(*) FROM tasks") == 2


def test_a_copy_in_place_of_an_open_history_and_its_log_takes_what_others_record(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(open_store(path)) as store:
        submitted(store)
    shutil.copyfile(path, copy)
    with closing(open_store(path)) as store:
        submitted(store, email="later@example.com")
        for ending in ("-wal", "-shm"):
            path.with_name(f"{path.name}{ending}").unlink()
        copy.replace(path)
        assert _submit_elsewhere(path) == ""
        with pytest.raises(StoreMoved):
            submitted(store)
    with closing(open_store(path)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 2


def test_others_say_that_the_log_was_removed(path: Path) -> None:
    with closing(open_store(path)) as store:
        submitted(store)
        path.with_name(f"{path.name}-wal").unlink()
        assert f"its log, {path.name}-wal" in _submit_elsewhere(path)
    with closing(open_store(path)) as store:
        assert scalar(store, "SELECT count(*) FROM tasks") == 1


def test_a_transaction_that_is_open_meanwhile_is_undone(store: Store, path: Path) -> None:
    def record() -> None:
        with store.write() as transaction:
            transaction.run("UPDATE engine SET message = 'kept'")
            _move_folder(path)

    with pytest.raises(StoreMoved):
        record()
    path.parent.with_name("elsewhere").rename(path.parent)
    assert scalar(store, "SELECT count(*) FROM engine WHERE message IS NOT NULL") == 0


def test_it_goes_on_once_the_file_is_back(store: Store, path: Path) -> None:
    _move_folder(path)
    with pytest.raises(StoreMoved):
        submitted(store)
    path.parent.with_name("elsewhere").rename(path.parent)
    assert submitted(store).number == 1


@moves
def test_closing_it_touches_nothing_that_is_at_its_path_now(path: Path, move: Move) -> None:
    """SQLite removes the log at the path with the last connection, though it be another history's by then."""
    store = open_store(path)
    submitted(store)
    move(path)
    path.parent.mkdir(exist_ok=True)
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(b"another's")
    store.close()
    assert log.read_bytes() == b"another's"


def test_what_was_recorded_before_is_all_in_the_file_that_was_moved(path: Path) -> None:
    store = open_store(path)
    for number in range(20):
        submitted(store, email=f"shopper{number}@example.com")
    _move_folder(path)
    store.close()
    moved = open_store(path.parent.with_name("elsewhere") / path.name)
    assert scalar(moved, "SELECT count(*) FROM tasks") == 20
    moved.close()


def test_a_watch_tells_of_it(path: Path) -> None:
    told = threading.Event()
    monitor = ChangeMonitor(open_store(path), told.set)
    monitor.start()
    _move_folder(path)
    eventually(told.is_set)
    monitor.stop()


def test_a_link_to_the_file_is_followed(tmp_path: Path) -> None:
    open_store(tmp_path / "real" / "history.db").close()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store = open_store(tmp_path / "link" / "history.db")
    assert submitted(store).number == 1
    store.close()


def test_no_second_history_is_begun_while_others_have_the_first_one_open(path: Path) -> None:
    store = open_store(path)
    submitted(store)
    moved = path.rename(path.with_name("moved.db"))
    with pytest.raises(StoreMoved):
        open_store(path)
    assert not path.exists()
    moved.rename(path)
    with closing(open_store(path)) as again:
        assert scalar(again, "SELECT count(*) FROM tasks") == 1
    store.close()


def test_a_history_that_vanished_is_recovered_once_the_last_program_has_closed_it(path: Path) -> None:
    store = open_store(path)
    submitted(store, email="first@example.com")
    backups.back_up_daily(path, TODAY, threading.Event())
    submitted(store, email="second@example.com")
    path.unlink()
    store.close()
    again = open_store(path)
    assert scalar(again, "SELECT count(*) FROM tasks") == 2  # the second one from the log that was left
    again.close()
