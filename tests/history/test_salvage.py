"""What is read of a damaged register's own pages: no row is lost that can be read, and none is made up."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.store.database import migrate
from bwp_tui.store.database.connection import History
from bwp_tui.store.database.schema_check import schema_of
from bwp_tui.store.maintenance import atomic_swap, backups, damaged_file, integrity, recover
from bwp_tui.store.maintenance.damage_flag import suspect
from bwp_tui.store.maintenance.row_writer import RowWriter
from tests.history import single
from tests.history.damage import overwrite
from tests.history.golden import write as golden
from tests.history.hand_reader import rows_of
from tests.history.support import TODAY, FrozenClock, accepted, scalar, submitted

GOLDEN = Path(golden.__file__).parent


def _closed(path: Path, clock: FrozenClock, count: int) -> None:
    history = History(path, clock=clock)
    for number in range(1, count + 1):
        accepted(history, f"task-{number}", email=f"shopper{number}@example.com")
    history.close()


def _back_up(path: Path) -> None:
    assert backups.back_up_daily(path, TODAY, threading.Event())


def _flip_number(path: Path, number: int, bit: int) -> None:
    """Flip a bit of a task's own number where it lies in its page: it is the byte before the record's header."""
    data = path.read_bytes()
    task_id = f"task-{number}RETRIEVAL".encode()
    record = data.index(task_id)
    (start,) = (
        at
        for at in range(record - 60, record)
        if data[at] == number and data[at + 1] == record - at - 1 and number < 128
    )
    overwrite(path, start, bytes([data[start] ^ bit]))


@pytest.mark.parametrize("bit", [1, 2, 8, 64])
@pytest.mark.parametrize("with_backup", [False, True])
def test_a_damaged_number_costs_neither_its_task_nor_another_one(
    path: Path, clock: FrozenClock, bit: int, with_backup: bool
) -> None:
    _closed(path, clock, 60)
    before = rows_of(path)["tasks"]
    if with_backup:
        _back_up(path)
    _flip_number(path, 40, bit)
    recover.mend(path, clock())
    recovered = rows_of(path)["tasks"]
    assert {number: row[:4] for number, row in recovered.items()} == {number: row[:4] for number, row in before.items()}
    assert integrity.full(path) == []
    _start(path, clock)


def _start(path: Path, clock: FrozenClock) -> None:
    """Open a recovered register: it is sound, so that nothing is said of it."""
    history = History(path, clock=clock)
    assert history.opened.report is None
    history.close()


def _copy_in_use(path: Path, folder: Path) -> Path:
    """Copy a register and its log while it is open, in another process: closing a file drops this one's locks."""
    folder.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        subprocess.run(["cp", path.with_name(name), folder], check=True)
    return folder / path.name


def test_a_log_beside_another_copy_of_the_file_is_noticed_and_both_are_read(
    path: Path, clock: FrozenClock, tmp_path: Path
) -> None:
    history = History(path, clock=clock)
    for number in range(1, 31):
        accepted(history, f"task-{number}", email=f"shopper{number}@example.com")
    history.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    older = _copy_in_use(path, tmp_path / "older")
    for number in range(31, 61):
        accepted(history, f"task-{number}", email=f"shopper{number}@example.com")
    history.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(1, 61):
        single.set_note(history, number, "later", "op")
    newer = _copy_in_use(path, tmp_path / "newer")
    history.close()
    shutil.copyfile(newer.with_name("history.db-wal"), older.with_name("history.db-wal"))
    opened = History(older, clock=clock)
    assert opened.opened.report is not None
    assert scalar(opened, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%' AND note = 'later'") == 60
    opened.close()
    assert integrity.full(older) == []
    with_its_own = History(newer, clock=clock)
    assert with_its_own.opened.report is None
    with_its_own.close()


def test_what_follows_a_damaged_frame_of_the_log_is_read(path: Path, clock: FrozenClock, tmp_path: Path) -> None:
    history = History(path, clock=clock)
    for number in range(1, 31):
        accepted(history, f"task-{number}", email=f"shopper{number}@example.com")
    crashed = _copy_in_use(path, tmp_path / "crashed")
    history.close()
    log = crashed.with_name("history.db-wal")
    whole = log.read_bytes()
    torn = bytearray(whole)
    torn[-100] ^= 1  # of the last transaction, as if power had failed in it: SQLite's own recovery is right there
    log.write_bytes(torn)
    with damaged_file.opened(crashed) as file:
        assert (file.log_is_cut, file.mixed) == (False, False)
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 1
    log.write_bytes(spoilt)
    opened = History(crashed, clock=clock)
    assert opened.opened.report is not None
    assert scalar(opened, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%' AND task_id IS NOT NULL") == 30
    opened.close()


@pytest.mark.parametrize("fault", [ValueError("x"), RecursionError(), apsw.ConstraintError("UNIQUE")])
@pytest.mark.parametrize("with_backup", [False, True])
def test_a_fault_of_recovery_itself_keeps_the_file_and_goes_on_with_the_backup(
    path: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, fault: Exception, with_backup: bool
) -> None:
    _closed(path, clock, 20)
    if with_backup:
        _back_up(path)
    overwrite(path, 0, b"\0" * 24)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(RowWriter, "write", fail)
    history = History(path, clock=clock)
    assert history.opened.report is not None
    assert "not all" in history.opened.report
    assert scalar(history, "SELECT count(*) FROM tasks") == (20 if with_backup else 0)
    history.close()
    assert [aside.read_bytes() for aside in atomic_swap.set_aside(path)] == [before]
    _start(path, clock)


def test_a_backup_that_is_damaged_within_its_values_is_not_trusted(path: Path, clock: FrozenClock) -> None:
    _closed(path, clock, 20)
    backups.back_up_daily(path, TODAY - timedelta(days=1), threading.Event())
    _back_up(path)
    newest, older = backups.daily(path)
    spoilt = newest.read_bytes().replace(b"RETRIEVALshopper7@", b"RETRIEVALshopper7\xff", 1)
    assert spoilt != newest.read_bytes()
    newest.write_bytes(spoilt)
    assert [integrity.is_sound(copy) for copy in (newest, older)] == [False, True]


@pytest.mark.parametrize("version", range(1, migrate.newest() + 1))
def test_a_register_of_an_older_schema_is_recovered_with_all_its_rows(
    tmp_path: Path, clock: FrozenClock, version: int
) -> None:
    path = tmp_path / "history.db"
    shutil.copyfile(GOLDEN / f"schema-{version}.db", path)
    before = rows_of(path)
    overwrite(path, 0, b"\0" * 24)
    History(path, clock=clock).close()
    after = rows_of(path)
    for table, rows in before.items():
        assert len(after[table]) >= len(rows)
    assert {number: row[:4] for number, row in after["tasks"].items()} == {
        number: row[:4] for number, row in before["tasks"].items()
    }
    assert {row[4] for row in after["intents"].values()} == {row[4] for row in before["intents"].values()}
    assert integrity.full(path) == []


def test_rows_that_were_deleted_do_not_come_back(path: Path, clock: FrozenClock) -> None:
    _closed(path, clock, 60)
    db = apsw.Connection(str(path))
    db.execute("PRAGMA secure_delete = OFF").fetchall()  # as another program may do
    db.execute("PRAGMA foreign_keys = OFF; DROP TRIGGER timeline_is_kept")
    for table, column in (("timeline", "task"), ("intents", "task"), ("tasks", "number")):
        db.execute(f"DELETE FROM {table} WHERE {column} BETWEEN 1 AND 40")
    db.execute("PRAGMA journal_mode = DELETE").fetchall()
    db.close()
    suspect(path)
    recovered = History(path, clock=clock)
    assert recovered.opened.report is not None  # the schema is not as this program made it
    assert scalar(recovered, "SELECT count(*) FROM tasks") == 20
    assert scalar(recovered, "SELECT min(task) FROM timeline") == 41
    recovered.close()


def test_a_request_whose_reference_is_damaged_is_never_sent_for_another_shopper(path: Path, clock: FrozenClock) -> None:
    history = History(path, clock=clock)
    for number in range(1, 13):
        submitted(history, email=f"shopper{number}@example.com")
    before = rows_of(path)["intents"]
    history.rows("UPDATE intents SET task = 10 WHERE id = 11")  # one bit away: it is given back
    history.rows("UPDATE intents SET task = 7 WHERE id = 8")  # four bits away: nobody knows whose it is
    history.close()
    overwrite(path, 0, b"\0" * 24)
    recovered = History(path, clock=clock)
    waiting = recovered.rows("SELECT task, client_token FROM intents WHERE state = 'waiting' ORDER BY id")
    assert waiting == [(number, row[4]) for number, row in before.items() if number not in (7, 8)]
    unsure = recovered.rows("SELECT number FROM tasks WHERE status = 'UNCONFIRMED' ORDER BY number")
    assert unsure == [(7,), (8,)]
    recovered.close()


@pytest.mark.parametrize("bit", [3, 4, 7, 15, 30])
def test_a_damaged_schema_number_is_not_taken_for_a_newer_program(path: Path, clock: FrozenClock, bit: int) -> None:
    _closed(path, clock, 5)
    version = int.from_bytes(path.read_bytes()[60:64], "big") ^ 1 << bit
    overwrite(path, 60, version.to_bytes(4, "big"))
    history = History(path, clock=clock)
    assert history.opened.report is not None
    assert scalar(history, "SELECT count(*) FROM tasks WHERE task_id IS NOT NULL") == 5
    history.close()
    _start(path, clock)


def test_each_migration_changes_the_schema_so_that_its_number_can_be_checked() -> None:
    db = apsw.Connection(":memory:")
    seen = set()
    for sql in migrate.steps():
        db.execute(sql).fetchall()
        seen.add(schema_of(db))
    assert len(seen) == migrate.newest()


@pytest.mark.parametrize("digit", [b"0", b"g"])
def test_a_request_with_a_damaged_client_token_is_left_to_the_operator(
    path: Path, clock: FrozenClock, digit: bytes
) -> None:
    history = History(path, clock=clock)
    for number in range(1, 6):
        submitted(history, email=f"shopper{number}@example.com")
    token = str(history.rows("SELECT client_token FROM intents WHERE id = 3")[0][0]).encode()
    history.close()
    data = path.read_bytes()
    record = data.index(b"submitwaiting" + token) + len(b"submitwaiting")
    overwrite(path, record, digit if token[:1] != digit else b"1")
    suspect(path)
    recovered = History(path, clock=clock)
    assert recovered.opened.report is not None
    waiting = recovered.rows("SELECT task FROM intents WHERE state = 'waiting' ORDER BY task")
    assert waiting == [(1,), (2,), (4,), (5,)]
    assert recovered.rows("SELECT number FROM tasks WHERE status = 'UNCONFIRMED'") == [(3,)]
    recovered.close()
