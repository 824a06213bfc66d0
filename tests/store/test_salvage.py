"""What is read of a damaged history's own pages: no row is lost that can be read, and none is made up."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import apsw
import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.commands import requests
from bwp_tui.store.database import migrate
from bwp_tui.store.database.connection import Store, as_int, as_text
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.database.file_lock import lock_path
from bwp_tui.store.database.schema_check import schema_of
from bwp_tui.store.errors import StoreDamaged, StoreTooNew
from bwp_tui.store.maintenance import atomic_swap, backups, integrity, purge
from bwp_tui.store.maintenance.salvage import damaged_file
from bwp_tui.store.maintenance.salvage.row_writer import RowWriter
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import intent_outcomes, intents
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, overwrite, overwrite_table
from tests.store.golden import write as golden
from tests.store.independent_reader import rows_of
from tests.store.support import ACTOR, FAR, NOW, TODAY, accepted, back_up, closed_history, intent_of, scalar, submitted

GOLDEN = Path(golden.__file__).parent


def _start(path: Path, clock: ManualClock) -> None:
    """Open a recovered history: it is sound, so that nothing is said of it."""
    store = open_store(path, clock=clock)
    assert store.opening_report is None
    store.close()


def _copy_in_use(path: Path, folder: Path) -> Path:
    """Copy a history and its log while it is open, in another process: closing a file drops this one's locks."""
    folder.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        subprocess.run(["cp", path.with_name(name), folder], check=True)
    return folder / path.name


def test_a_log_beside_another_copy_of_the_file_is_noticed_and_both_are_read(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 31):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    older = _copy_in_use(path, tmp_path / "older")
    for number in range(31, 61):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(1, 61):
        single.set_note(store, number, "later", "op")
    newer = _copy_in_use(path, tmp_path / "newer")
    store.close()
    shutil.copyfile(newer.with_name("history.db-wal"), older.with_name("history.db-wal"))
    opened = open_store(older, clock=clock)
    assert opened.opening_report is not None
    assert scalar(opened, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%' AND note = 'later'") == 60
    opened.close()
    assert integrity.full_check(older) == []
    with_its_own = open_store(newer, clock=clock)
    assert with_its_own.opening_report is None
    with_its_own.close()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999, 1.0])
def test_sqlite_and_the_check_without_it_find_the_same_end_of_a_log(
    path: Path, clock: ManualClock, tmp_path: Path, part: float
) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 11):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    crashed = _copy_in_use(path, tmp_path / "crashed")
    store.close()
    log = crashed.with_name("history.db-wal")
    damaged = bytearray(log.read_bytes())
    if part < 1:
        damaged[int(len(damaged) * part)] ^= 1
        log.write_bytes(damaged)
    with damaged_file.open_damaged(crashed) as file:
        is_damaged = file.wal_has_damaged_frame or file.wal_is_unrelated
        assert damaged_file.is_wal_damaged(crashed) == is_damaged == (part < 0.99)
    assert log.read_bytes() == damaged


def test_what_follows_a_damaged_frame_of_the_log_is_read(path: Path, clock: ManualClock, tmp_path: Path) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 31):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    crashed = _copy_in_use(path, tmp_path / "crashed")
    store.close()
    log = crashed.with_name("history.db-wal")
    whole = log.read_bytes()
    torn = bytearray(whole)
    torn[-100] ^= 1  # of the last transaction, as if power had failed in it: SQLite's own recovery is right there
    log.write_bytes(torn)
    with damaged_file.open_damaged(crashed) as file:
        assert (file.wal_has_damaged_frame, file.wal_is_unrelated) == (False, False)
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 1
    log.write_bytes(spoilt)
    opened = open_store(crashed, clock=clock)
    assert opened.opening_report is not None
    assert scalar(opened, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%' AND task_id IS NOT NULL") == 30
    opened.close()


@pytest.mark.parametrize("damage", ["a bit", "a frame's header", "a frame"])
def test_the_last_transaction_of_a_log_counts_where_the_lock_file_knows_it_to_be_committed(
    path: Path, clock: ManualClock, tmp_path: Path, damage: str
) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 4):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    single.set_note(store, 1, "the last", "op")
    crashed = _copy_in_use(path, tmp_path / "crashed")
    subprocess.run(["cp", lock_path(path), lock_path(crashed)], check=True)
    store.close()
    log = crashed.with_name("history.db-wal")
    spoilt = bytearray(log.read_bytes())
    match damage:
        case "a bit":
            spoilt[-100] ^= 1
        case "a frame's header":
            spoilt[-PAGE - 24 : -PAGE] = bytes(24)
        case "a frame":
            del spoilt[-PAGE - 24 :]
    log.write_bytes(spoilt)
    with closing(open_store(crashed, clock=clock)) as opened:
        assert "was damaged" in (opened.opening_report or "")
        assert tasks.get(opened, 1).note == "the last"


def test_a_request_is_not_sent_with_a_client_token_that_damage_has_changed(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        token = intent_of(store, submitted(store).number).client_token.encode()
        (page,) = store.row("SELECT pageno FROM dbstat WHERE name = 'intents' AND pagetype = 'leaf'") or (0,)
    at = path.read_bytes().index(token, (as_int(page) - 1) * PAGE)
    overwrite(path, at, b"0" if token[:1] != b"0" else b"1")
    with closing(open_store(path, clock=clock)) as store:
        (intent,) = intents.ready(store, FAR, 1)
        assert intent.client_token.encode() != token
        with pytest.raises(StoreDamaged):
            intent_outcomes.record_sending(store, intent.id)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        assert tasks.get(store, 1).status == Status.UNCONFIRMED
        assert not intents.ready(store, FAR, 1)


def test_a_request_is_not_sent_again_of_which_nobody_knows_when_it_was_sent_first(
    path: Path, clock: ManualClock
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        intent_outcomes.record_sending(store, intent_of(store, submitted(store).number).id)
        (page,) = store.row("SELECT pageno FROM dbstat WHERE name = 'intents' AND pagetype = 'leaf'") or (0,)
        ((first,),) = store.rows("SELECT first_sent_at FROM intents")
    start = path.read_bytes().index(b"submitwaiting", (as_int(page) - 1) * PAGE)
    overwrite(path, path.read_bytes().index(as_text(first).encode(), start), b"?" * 27)
    flag_damage(path)
    overwrite_table(path, "views")
    with closing(open_store(path, clock=clock)) as store:
        assert (tasks.get(store, 1).status, intents.ready(store, FAR, 9)) == (Status.UNCONFIRMED, [])


def test_a_request_of_which_damage_has_changed_the_task_is_not_sent(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        for number in range(1, 4):
            submitted(store, email=f"shopper{number}@example.com")
        (page,) = store.row("SELECT pageno FROM dbstat WHERE name = 'intents' AND pagetype = 'leaf'") or (0,)
    at = path.read_bytes().index(b"\3submitwaiting", (as_int(page) - 1) * PAGE)
    overwrite(path, at, b"\2")
    with closing(open_store(path, clock=clock)) as store:
        doubled = [intent for intent in intents.ready(store, FAR, 9) if intent.task_number == 2]
        assert len(doubled) == 2
        assert intent_outcomes.record_sending(store, doubled[0].id)
        with pytest.raises(StoreDamaged):
            intent_outcomes.record_sending(store, doubled[1].id)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        waiting = {intent.task_number for intent in intents.ready(store, FAR, 9)}
        assert {task.number for task in tasks.by_numbers(store, [1, 2, 3]) if task.status == Status.QUEUED} == waiting


@pytest.mark.parametrize(
    ("table", "value", "damaged"), [("intents", b"waiting", b"waitinf"), ("tasks", b"DELETION", b"DELETIOO")]
)
def test_a_value_that_is_none_of_its_column_is_damage(
    path: Path, clock: ManualClock, table: str, value: bytes, damaged: bytes
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        number = submitted(store, Kind.DELETION).number
        (page,) = store.row("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)) or (0,)
    overwrite(path, path.read_bytes().index(value, (as_int(page) - 1) * PAGE), damaged)
    assert integrity.full_check(path) != []
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        task = tasks.get(store, number)
        assert (task.kind, task.email) == (Kind.DELETION, "jane@example.com")
        assert task.status == Status.UNCONFIRMED or [each.task_number for each in intents.ready(store, FAR, 9)] == [
            number
        ]


def test_a_log_without_its_file_is_recovered(path: Path, clock: ManualClock, tmp_path: Path) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 31):
        accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
    crashed = _copy_in_use(path, tmp_path / "crashed")
    store.close()
    crashed.unlink()
    with closing(open_store(crashed, clock=clock)) as opened:
        assert opened.opening_report is not None
        assert scalar(opened, "SELECT count(*) FROM tasks WHERE email LIKE 'shopper%' AND task_id IS NOT NULL") == 30
    assert [aside.suffix for aside in atomic_swap.histories_set_aside(crashed)] == [".db-wal"]


@pytest.mark.parametrize("fault", [ValueError("x"), RecursionError(), apsw.ConstraintError("UNIQUE")])
@pytest.mark.parametrize("with_backup", [False, True])
def test_a_fault_of_recovery_itself_keeps_the_file_and_goes_on_with_the_backup(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, fault: Exception, with_backup: bool
) -> None:
    closed_history(path, clock, 20)
    if with_backup:
        back_up(path)
    overwrite(path, 0, b"\0" * 24)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(RowWriter, "write", fail)
    store = open_store(path, clock=clock)
    assert store.opening_report is not None
    assert "not all" in store.opening_report
    assert scalar(store, "SELECT count(*) FROM tasks") == (20 if with_backup else 0)
    store.close()
    assert [aside.read_bytes() for aside in atomic_swap.histories_set_aside(path)] == [before]
    _start(path, clock)


def test_a_backup_that_is_damaged_within_its_values_is_not_trusted(path: Path, clock: ManualClock) -> None:
    closed_history(path, clock, 20)
    backups.back_up_daily(path, TODAY - timedelta(days=1), threading.Event())
    back_up(path)
    newest, older = backups.daily_backups(path)
    spoilt = newest.read_bytes().replace(b"RETRIEVALshopper7@", b"RETRIEVALshopper7\xff", 1)
    assert spoilt != newest.read_bytes()
    newest.write_bytes(spoilt)
    assert [integrity.is_sound(copy) for copy in (newest, older)] == [False, True]


@pytest.mark.parametrize("version", range(1, migrate.newest_version() + 1))
def test_a_history_of_an_older_schema_is_recovered_with_all_its_rows(
    tmp_path: Path, clock: ManualClock, version: int
) -> None:
    path = tmp_path / "history.db"
    shutil.copyfile(GOLDEN / f"schema-{version}.db", path)
    db = apsw.Connection(os.fspath(path))
    db.execute("UPDATE tasks SET kind = 'DELETION' WHERE status = 'COMPLETED'")
    db.execute("UPDATE tasks SET status = 'GIVEN_UP', terminal = 1 WHERE status = 'UNCONFIRMED'")
    db.close()
    before = rows_of(path)
    migrated = tmp_path / "migrated" / "history.db"
    migrated.parent.mkdir()
    shutil.copyfile(path, migrated)
    overwrite(path, 0, b"\0" * 24)
    clocks = []
    for history in (migrated, path):
        store = open_store(history, clock=clock)
        clocks.append(store.rows("SELECT number, open, answered_on FROM tasks ORDER BY number"))
        store.close()
    assert clocks[0] == clocks[1]
    assert sum(answered_on is not None for *_, answered_on in clocks[0]) == (2 if version < 13 else 0)
    after = rows_of(path)
    for table, rows in before.items():
        assert len(after[table]) >= len(rows)
    assert {number: row[:4] for number, row in after["tasks"].items()} == {
        number: row[:4] for number, row in before["tasks"].items()
    }
    assert {row[4] for row in after["intents"].values()} == {row[4] for row in before["intents"].values()}
    assert integrity.full_check(path) == []


def test_rows_that_were_deleted_do_not_come_back(path: Path, clock: ManualClock) -> None:
    closed_history(path, clock, 60)
    db = apsw.Connection(str(path))
    db.execute("PRAGMA secure_delete = OFF").fetchall()  # as another program may do
    db.execute("PRAGMA foreign_keys = OFF; DROP TRIGGER timeline_is_kept")
    for table, column in (("timeline", "task"), ("intents", "task"), ("tasks", "number")):
        db.execute(f"DELETE FROM {table} WHERE {column} BETWEEN 1 AND 40")
    db.execute("PRAGMA journal_mode = DELETE").fetchall()
    db.close()
    flag_damage(path)
    recovered = open_store(path, clock=clock)
    assert recovered.opening_report is not None  # the schema is not as this program made it
    assert scalar(recovered, "SELECT count(*) FROM tasks") == 20
    assert scalar(recovered, "SELECT min(task) FROM timeline") == 41
    recovered.close()


@pytest.mark.parametrize("place", range(3))
def test_older_copies_of_pages_that_were_split_since_give_no_row_another_number(
    path: Path, clock: ManualClock, place: int
) -> None:
    """A disk that lost some writes, or a copy made while the file was written."""
    with closing(open_store(path, clock=clock)) as store:
        for number in range(1, 101):
            submitted(store, email=f"shopper{number}@example.com")
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        older, pages = path.read_bytes(), _leaves_of_tasks(store)
        for number in range(1, 101):
            single.add_note(store, number, "rows that grow split their page " * 6, ACTOR)
        truth = _emails(store)
        kept = [page for page in pages if page in _leaves_of_tasks(store)]
    overwrite(path, (kept[place] - 1) * PAGE, older[(kept[place] - 1) * PAGE : kept[place] * PAGE])
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        found = _emails(store)
    assert found.keys() == truth.keys()
    # A row that was on the lost page alone is made again from its timeline, which has no email.
    assert {number: email for number, email in found.items() if email}.items() <= truth.items()


def _emails(store: Store) -> dict[int, str]:
    return {as_int(number): as_text(email) for number, email in store.rows("SELECT number, email FROM tasks")}


def _leaves_of_tasks(store: Store) -> list[int]:
    return [as_int(page) for (page,) in store.rows("SELECT pageno FROM dbstat WHERE name='tasks' AND pagetype='leaf'")]


def test_a_request_whose_reference_is_damaged_is_never_sent_for_another_shopper(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 13):
        submitted(store, email=f"shopper{number}@example.com")
    before = rows_of(path)["intents"]
    store.rows("UPDATE intents SET task = 10 WHERE id = 11")  # one bit away: it is given back
    store.rows("UPDATE intents SET task = 7 WHERE id = 8")  # four bits away: nobody knows whose it is
    store.close()
    overwrite(path, 0, b"\0" * 24)
    recovered = open_store(path, clock=clock)
    waiting = recovered.rows("SELECT task, client_token FROM intents WHERE state = 'waiting' ORDER BY id")
    assert waiting == [(number, row[4]) for number, row in before.items() if number not in (7, 8)]
    unsure = recovered.rows("SELECT number FROM tasks WHERE status = 'UNCONFIRMED' ORDER BY number")
    assert unsure == [(7,), (8,)]
    recovered.close()


@pytest.mark.parametrize("bit", [3, 4, 7, 15, 30])
def test_a_damaged_schema_number_is_not_taken_for_a_newer_program(path: Path, clock: ManualClock, bit: int) -> None:
    closed_history(path, clock, 5)
    version = int.from_bytes(path.read_bytes()[60:64], "big") ^ 1 << bit
    overwrite(path, 60, version.to_bytes(4, "big"))
    store = open_store(path, clock=clock)
    assert store.opening_report is not None
    assert scalar(store, "SELECT count(*) FROM tasks WHERE task_id IS NOT NULL") == 5
    store.close()
    _start(path, clock)


def _of_a_newer_program(path: Path, clock: ManualClock, sql: str) -> None:
    closed_history(path, clock, 30)
    db = apsw.Connection(os.fspath(path))
    db.execute(sql)
    db.close()


_NEXT = migrate.newest_version() + 1
_NEWER = (
    "PRAGMA user_version = 999",
    f"ALTER TABLE tasks ADD COLUMN brand_new TEXT; PRAGMA user_version = {_NEXT}",
    f"ALTER TABLE engine DROP COLUMN term; PRAGMA application_id = 7; PRAGMA user_version = {_NEXT}",
)


@pytest.mark.parametrize("sql", _NEWER)
@pytest.mark.parametrize("damage", ["none", "flagged", "schema", "pages", "log"])
def test_a_history_of_a_newer_program_is_left_alone_even_if_it_is_damaged(
    path: Path, clock: ManualClock, sql: str, damage: str
) -> None:
    _of_a_newer_program(path, clock, sql)
    if damage == "flagged":
        flag_damage(path)
    elif damage == "schema":
        overwrite(path, 100, b"\xff" * (PAGE - 100))
    elif damage == "pages":
        overwrite(path, PAGE, b"\xff" * PAGE * 10)
        flag_damage(path)
    elif damage == "log":
        path.with_name("history.db-wal").write_bytes(_log_of_another_history(path.with_name("other") / "history.db"))
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreTooNew):
            open_store(path, clock=clock)
    assert path.read_bytes() == before
    assert atomic_swap.histories_set_aside(path) == []


def _log_of_another_history(path: Path) -> bytes:
    other = open_store(path, clock=ManualClock(NOW))
    other.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    for _ in range(3):
        submitted(other)
    log = path.with_name(f"{path.name}-wal").read_bytes()
    other.close()
    return log


def test_each_migration_changes_the_schema_so_that_its_number_can_be_checked() -> None:
    db = apsw.Connection(":memory:")
    seen = set()
    for sql in migrate.migration_scripts():
        migrate.run_script(db, sql)
        seen.add(schema_of(db))
    assert len(seen) == migrate.newest_version()


@pytest.mark.parametrize("digit", [b"0", b"g"])
def test_a_request_with_a_damaged_client_token_is_left_to_the_operator(
    path: Path, clock: ManualClock, digit: bytes
) -> None:
    store = open_store(path, clock=clock)
    for number in range(1, 6):
        submitted(store, email=f"shopper{number}@example.com")
    token = str(store.rows("SELECT client_token FROM intents WHERE id = 3")[0][0]).encode()
    store.close()
    data = path.read_bytes()
    record = data.index(b"submitwaiting" + token) + len(b"submitwaiting")
    overwrite(path, record, digit if token[:1] != digit else b"1")
    flag_damage(path)
    recovered = open_store(path, clock=clock)
    assert recovered.opening_report is not None
    waiting = recovered.rows("SELECT task FROM intents WHERE state = 'waiting' ORDER BY task")
    assert waiting == [(1,), (2,), (4,), (5,)]
    assert recovered.rows("SELECT number FROM tasks WHERE status = 'UNCONFIRMED'") == [(3,)]
    recovered.close()


@pytest.mark.parametrize("longer", [40, 100, 300])
def test_a_page_of_tasks_that_the_disk_did_not_write_costs_and_doubles_no_task(
    path: Path, clock: ManualClock, tmp_path: Path, longer: int
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        for number in range(90):
            submitted(store, Kind.DELETION, f"shopper{number}@example.com")
    before = path.read_bytes()
    clock.advance(minutes=1)
    with closing(open_store(path, clock=clock)) as store:
        for number in range(1, 91, 2):
            single.add_note(store, number, "x" * longer, ACTOR)  # rows move to other pages
        pages = store.rows("SELECT pageno, pagetype FROM dbstat WHERE name = 'tasks'")
        rows = store.rows(_REQUESTS)
    after = path.read_bytes()
    for page, kind in pages:
        part = slice((int(str(page)) - 1) * PAGE, int(str(page)) * PAGE)
        if not before[part] or before[part] == after[part]:
            continue
        damaged = tmp_path / str(part.start) / "history.db"
        damaged.parent.mkdir()
        damaged.write_bytes(after[: part.start] + before[part] + after[part.stop :])
        flag_damage(damaged)
        clock.advance(seconds=1)
        with closing(open_store(damaged, clock=clock)) as store:
            found = store.rows(_REQUESTS)
        assert [row[:2] for row in found] == [row[:2] for row in rows], page
        if kind == "internal":
            assert found == rows


_REQUESTS: Final = "SELECT number, email, holding_period FROM tasks ORDER BY number"


def test_what_a_purge_removed_does_not_come_back_with_a_page_that_the_disk_did_not_write(
    path: Path, clock: ManualClock
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        for number in range(90):
            submitted(store, Kind.DELETION, f"shopper{number}@example.com")
            if number % 2:
                requests.cancel(store, number + 1, ACTOR)
    before = path.read_bytes()
    clock.advance(days=9)
    with closing(open_store(path, clock=clock)) as store:
        purge.purge(store, range(2, 91, 2), ACTOR, TODAY, evidence_too=True, unanswered_too=True)
        assert scalar(store, "SELECT count(*) FROM tasks") == 45
        used = {int(str(page)) for (page,) in store.rows("SELECT pageno FROM dbstat WHERE name NOT IN ('tasks')")}
    after = path.read_bytes()
    for begin in range(0, len(after), PAGE):
        was_leaf = before[begin : begin + 1] == b"\x0d" and b"shopper" in before[begin : begin + PAGE]
        if begin // PAGE + 1 in used and was_leaf:
            path.write_bytes(after[:begin] + before[begin : begin + PAGE] + after[begin + PAGE :])
            flag_damage(path)
            clock.advance(seconds=1)
            with closing(open_store(path, clock=clock)) as store:
                assert scalar(store, "SELECT count(*) FROM tasks") == 45, begin // PAGE + 1
