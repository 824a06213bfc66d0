"""Opening the history and writing to it, and the sentences when that fails."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from bwp_tui.store.database import open
from bwp_tui.store.database.connection import Store, as_int, as_text
from bwp_tui.store.database.file_lock import FileLock
from bwp_tui.store.errors import NotAHistory, StoreDamaged, StoreTooNew, StoreUnavailable
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.store.damage import overwrite_table
from tests.store.support import scalar, submitted

_TRY_EXCLUSIVE = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except BlockingIOError:
        sys.exit(7)
"""
"""Asks for the bytes on which every open connection holds a shared lock (SQLite file format: SHARED_FIRST)."""


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(int(request.param))
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_folders_are_0700_and_files_0600_whatever_the_umask(tmp_path: Path) -> None:
    root = tmp_path / "data"
    store = open_store(root / "bwp-tui" / "default" / "history.db")
    submitted(store)
    folder = store.path.parent
    modes = {entry.name: _mode(entry) for entry in folder.iterdir()}
    store.close()
    assert modes == dict.fromkeys(("history.db", "history.db-wal", "history.db-shm", "history.lock"), 0o600)
    assert [_mode(made) for made in (root, root / "bwp-tui", folder)] == [0o700] * 3


def test_loose_permissions_are_mended_and_the_folders_above_are_let_alone(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)
    path.touch()
    path.chmod(0o644)
    path.parent.parent.chmod(0o750)
    open_store(path).close()
    assert (_mode(path.parent), _mode(path), _mode(path.parent.parent)) == (0o700, 0o600, 0o750)


def test_it_writes_ahead_syncs_each_commit_and_keeps_foreign_keys(store: Store) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
    assert [store.rows(f"PRAGMA {name}") for name in pragmas] == [[("wal",)], [(2,)], [(1,)], [(0,)]]
    assert store.rows("PRAGMA busy_timeout") == [(open.BUSY_TIMEOUT_MS,)]
    with pytest.raises(apsw.ConstraintError), store.write() as transaction:
        transaction.run("INSERT INTO timeline (task, at, actor, what) VALUES (99, '', '', '')")


def test_every_transaction_raises_the_revision_by_one(store: Store) -> None:
    seen = []
    for _ in range(3):
        with store.write() as transaction:
            seen.append(transaction.revision)
        assert store.revision() == seen[-1]
    assert seen == [1, 2, 3]


def test_a_transaction_that_raises_leaves_nothing_behind(store: Store) -> None:
    task = submitted(store)
    before = store.revision()
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(store, task.number)
    assert store.revision() == before
    assert store.rows("SELECT note FROM tasks") == [("",)]
    assert submitted(store).revision == before + 1


def _fail_half_way(store: Store, number: int) -> None:
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET note = 'half' WHERE number = ?", (number,))
        raise ZeroDivisionError


def test_opening_a_second_connection_keeps_the_locks_of_the_first(path: Path) -> None:
    """POSIX drops every lock a process has on a file when it closes any descriptor of it."""
    first = open_store(path)
    submitted(first)
    second = open_store(path)
    outsider = subprocess.run([sys.executable, "-c", _TRY_EXCLUSIVE, str(path)], check=False, timeout=30)
    second.close()
    first.close()
    assert outsider.returncode == 7


def test_a_history_that_is_closed_and_opened_again_holds_what_was_written(path: Path) -> None:
    store = open_store(path)
    task = submitted(store)
    store.close()
    again = open_store(path)
    assert again.rows("SELECT number, email FROM tasks") == [(task.number, "jane@example.com")]
    again.close()


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_newer_history_is_refused_and_not_touched(path: Path, journal: str) -> None:
    path.parent.mkdir()
    newer = apsw.Connection(os.fspath(path))
    newer.execute(f"PRAGMA journal_mode = {journal}; CREATE TABLE future (x); PRAGMA user_version = 4711").fetchall()
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match=r"schema 4711.*Update bwp-tui; nothing was changed\."):
        open_store(path)
    assert path.read_bytes() == before
    assert {entry.name for entry in path.parent.iterdir()} == {"history.db", "history.lock"}


def test_a_damaged_file_that_others_use_is_told_in_a_sentence_and_not_touched(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"kind,email\nretrieval,jane@example.com\n" * 100)
    before = path.read_bytes()
    other = FileLock(path)
    other.lock_shared()
    with pytest.raises(StoreDamaged, match=r"damaged .*start one again: the file is kept"):
        open_store(path)
    other.release()
    assert path.read_bytes() == before


def test_a_damaged_page_met_in_use_is_told_in_a_sentence_and_the_file_is_not_touched(path: Path) -> None:
    store = open_store(path)
    for _ in range(50):
        submitted(store)
    store.close()
    overwrite_table(path, "tasks")
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="damaged"):
        _read_all(path)
    assert path.read_bytes() == before


def _read_all(path: Path) -> None:
    store = open_store(path)
    try:
        store.rows("SELECT * FROM tasks")
    finally:
        store.close()


def test_a_file_where_the_folder_belongs_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("a file")
    with pytest.raises(StoreUnavailable, match="Set BWP_DATA_DIR"):
        open_store(tmp_path / "profile" / "history.db")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_plain_file_is_refused(path: Path, make: object) -> None:
    assert callable(make)
    path.parent.mkdir()
    make(path)
    with pytest.raises(StoreUnavailable, match="not a regular file"):
        open_store(path)


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    target = tmp_path / "elsewhere.db"
    for _ in ("dangling", "pointing somewhere"):
        path.symlink_to(target)
        with pytest.raises(StoreUnavailable, match="not a regular file"):
            open_store(path)
        path.unlink()
        assert not target.exists() or target.read_bytes() == b""
        target.touch(mode=0o644)
    assert _mode(target) & 0o044 == 0o044


def test_a_full_disk_is_told_in_a_sentence_and_nothing_is_recorded(store: Store) -> None:
    submitted(store)
    store.rows(f"PRAGMA max_page_count = {scalar(store, 'PRAGMA page_count')}")
    before = (store.revision(), scalar(store, "SELECT count(*) FROM tasks"))
    with pytest.raises(StoreUnavailable, match=r"is full: nothing was recorded\. Free some space"):
        _fill(store)
    after = scalar(store, "SELECT count(*) FROM tasks")
    assert after == scalar(store, "SELECT count(*) FROM intents") == scalar(store, "SELECT count(*) FROM timeline")
    assert store.revision() - before[0] == after - before[1]
    store.rows("PRAGMA max_page_count = 100000")
    assert submitted(store).number == after + 1


def _fill(store: Store) -> None:
    for _ in range(500):
        submitted(store)


def test_a_history_that_cannot_be_written_is_told_in_a_sentence(store: Store) -> None:
    store.rows("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="cannot be written by this user"):
        submitted(store)


def test_a_history_kept_locked_is_told_in_a_sentence(path: Path, store: Store) -> None:
    other = open_store(path)
    other.rows("PRAGMA busy_timeout = 1")
    with (
        store.write(),
        pytest.raises(StoreUnavailable, match=r"keeps the history .* locked: nothing was recorded"),
        other.write(),
    ):
        pytest.fail("two transactions at once")
    other.close()


def test_an_error_of_the_caller_is_not_taken_for_the_disks(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.write():
        raise FileNotFoundError("of the caller")
    assert store.revision() == 0


def test_another_programs_database_is_told_apart_and_not_touched(path: Path) -> None:
    path.parent.mkdir()
    foreign = apsw.Connection(os.fspath(path))
    foreign.execute("CREATE TABLE tasks (x); CREATE TABLE other (y)").fetchall()
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(NotAHistory, match="another program"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_history_names_its_program(store: Store) -> None:
    assert store.rows("PRAGMA application_id") == [(int.from_bytes(b"BwPr", "big"),)]


def test_columns_of_another_type_are_damage() -> None:
    assert (as_int(3), as_text("x")) == (3, "x")
    with pytest.raises(StoreDamaged):
        as_int("3")
    with pytest.raises(StoreDamaged):
        as_text(None)


@pytest.mark.parametrize("table", ["tasks_by_subject", "words_config"])
def test_damage_that_only_a_write_meets_is_recovered_at_the_next_start(path: Path, table: str) -> None:
    store = open_store(path)
    task = submitted(store)
    store.close()
    if table == "words_config":  # a damaged version of the text index is an error of SQL to SQLite
        db = apsw.Connection(os.fspath(path))
        db.execute("UPDATE words_config SET v = 0")
        db.close()
    else:
        overwrite_table(path, table)
    store = open_store(path)
    with pytest.raises(StoreDamaged):
        submitted(store)
    store.close()
    store = open_store(path)
    assert store.opening_report is not None
    assert tasks.get(store, task.number).email == task.email
    submitted(store)
    store.close()
