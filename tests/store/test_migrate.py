"""Bringing an older history to the schema of this program."""

from __future__ import annotations

import os
import shutil
import stat
from itertools import product
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import FINAL_STATUSES, Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import format_instant, set_shop_zone
from bwp_tui.store.database import migrate
from bwp_tui.store.database.connection import as_int
from bwp_tui.store.maintenance import integrity
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from tests.benchmarks import migration
from tests.store.golden import write as write_golden
from tests.store.support import TODAY, intent_of, submitted

KNOWN = len(migrate.migration_scripts())
GOLDEN = sorted(
    Path(write_golden.__file__).parent.glob("schema-*.db"), key=lambda golden: int(golden.stem.partition("-")[2])
)
AT, LATE = "2026-11-05T09:00:00.000000Z", "2026-11-10T20:00:00.000000Z"
_NEXT = "CREATE TABLE next_one (x TEXT) STRICT;"


def _extend(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    known = migrate.migration_scripts()
    monkeypatch.setattr(migrate, "migration_scripts", lambda: (*known, *more))


def _version(path: Path) -> int:
    db = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    version = int(db.pragma("user_version"))
    db.close()
    return version


def test_a_new_history_has_every_step_and_no_backup(path: Path) -> None:
    open_store(path).close()
    assert {entry.name for entry in path.parent.iterdir()} == {"history.db", "history.lock"}
    assert _version(path) == KNOWN >= 1


def test_an_older_history_is_backed_up_and_then_brought_forward(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = open_store(path)
    task = submitted(older)
    older.close()
    _extend(monkeypatch, _NEXT, "ALTER TABLE tasks ADD COLUMN brand_new TEXT NOT NULL DEFAULT 'x';")
    newer = open_store(path)
    assert newer.rows("SELECT number, brand_new FROM tasks") == [(task.number, "x")]
    newer.close()
    backup = path.with_name(f"history.before-schema-{KNOWN + 1}.db")
    assert sorted(entry.name for entry in path.parent.iterdir()) == sorted([backup.name, path.name, "history.lock"])
    assert _version(path) == KNOWN + 2
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert _version(backup) == KNOWN
    db = apsw.Connection(os.fspath(backup))
    assert db.execute("SELECT email FROM tasks").fetchall() == [(task.email,)]
    assert db.pragma("integrity_check") == "ok"
    db.close()


def test_a_step_that_fails_leaves_the_older_history_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = open_store(path)
    submitted(older)
    older.close()
    with monkeypatch.context() as during:
        _extend(during, _NEXT, "CREATE TABLE half_done (x TEXT) STRICT; SELECT * FROM nowhere;")
        with pytest.raises(apsw.SQLError):
            open_store(path)
    assert _version(path) == KNOWN
    again = open_store(path)
    assert again.rows("SELECT name FROM sqlite_schema WHERE name IN ('next_one', 'half_done')") == []
    submitted(again)
    again.close()


def test_a_step_runs_to_its_end_though_a_statement_of_it_returns_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _extend(monkeypatch, f"SELECT 1; {_NEXT}")
    store = open_store(path)
    assert store.rows("SELECT count(*) FROM next_one") == [(0,)]
    store.close()


def test_a_backup_cut_short_by_a_crash_is_made_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = open_store(path)
    submitted(older)
    older.close()
    backup = path.with_name(f"history.before-schema-{KNOWN + 1}.db")
    backup.with_suffix(".part").write_bytes(b"half a backup")
    _extend(monkeypatch, _NEXT)
    open_store(path).close()
    db = apsw.Connection(os.fspath(backup))
    assert db.execute("SELECT count(*) FROM tasks").fetchall() == [(1,)]
    db.close()
    assert not backup.with_suffix(".part").exists()


def test_a_backup_that_is_there_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(path).close()
    backup = path.with_name(f"history.before-schema-{KNOWN + 1}.db")
    backup.write_bytes(b"the first backup")
    _extend(monkeypatch, _NEXT)
    open_store(path).close()
    assert backup.read_bytes() == b"the first backup"
    assert _version(path) == KNOWN + 1


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.stem)
def test_the_golden_history_of_each_schema_opens_and_keeps_what_it_holds(path: Path, golden: Path) -> None:
    path.parent.mkdir()
    shutil.copyfile(golden, path)
    store = open_store(path)
    assert (store.opening_report, store.read_only_reason) == (None, None)
    found = tasks.matching_numbers(store, parse(""), today=TODAY)
    assert [(task.email, task.status) for task in tasks.by_numbers(store, found)] == [
        (f"{status.lower()}@example.com", status) for status in reversed(write_golden.STATUSES)
    ]
    assert [len(timeline.of_task(store, number)) > 0 for number in found] == [True] * len(found)
    assert intent_of(store, found[-1]).client_token
    store.close()
    assert integrity.full_check(path) == []
    assert _version(path) == KNOWN


def test_what_only_the_service_called_cancelled_is_asked_about_again(path: Path) -> None:
    path.parent.mkdir()
    shutil.copyfile(next(golden for golden in GOLDEN if golden.stem == "schema-5"), path)
    ours, theirs = (write_golden.STATUSES.index(status) + 1 for status in ("CANCELLED", "COMPLETED"))
    db = apsw.Connection(os.fspath(path))
    db.execute("UPDATE tasks SET status = 'CANCELLED' WHERE number = ?", (theirs,))
    db.execute(
        "INSERT INTO timeline (task, at, actor, what, after) VALUES (?, '2026', 'service', 'status', 'CANCELLED')",
        (theirs,),
    )
    db.close()
    store = open_store(path)
    assert tasks.get(store, ours).status == "CANCELLED"
    again = tasks.get(store, theirs)
    assert (again.status, again.finished_at, again.next_poll_at is None) == ("SERVICE_CANCELLED", None, False)
    store.close()


THEN = [status for status in Status if status not in (Status.RECEIVED, Status.DECLINED)]
"""The statuses of a history without answers."""


def test_what_had_stopped_a_clock_before_answers_were_recorded_becomes_one(path: Path) -> None:
    """No task opens or closes by the migration, and each answer has an event that says where it comes from."""
    path.parent.mkdir()
    shutil.copyfile(next(golden for golden in GOLDEN if golden.stem == "schema-12"), path)
    db = apsw.Connection(os.fspath(path))
    ((kept,),) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'timeline_is_kept'").fetchall()
    db.execute("DROP TRIGGER timeline_is_kept")
    db.execute("DELETE FROM timeline; DELETE FROM intents; DELETE FROM downloads; DELETE FROM tasks")
    db.execute(str(kept))
    columns = "kind, status, terminal, saved, resubmitted, purged_at, email, received_on, regulation, recorded_at"
    for kind, status, saved, resubmitted, purged in product(Kind, THEN, (0, 1), (0, 1), (None, AT)):
        row = (kind, status, status in FINAL_STATUSES, saved, resubmitted, purged, "a@b.de", "2026-11-01", "gdpr", AT)
        finished = LATE if status in FINAL_STATUSES and status != Status.GIVEN_UP else None
        db.execute(f"INSERT INTO tasks ({columns}, finished_at, revision) VALUES ({'?,' * 11} 1)", (*row, finished))
    before = {as_int(number): is_open for number, is_open in db.execute("SELECT number, open FROM tasks")}
    db.close()
    shutil.copyfile(path, old := path.with_name("old.db"))
    set_shop_zone("Asia/Tokyo")
    try:
        store = open_store(path)
        explained = migration.explained(old, path, TODAY)
    finally:
        set_shop_zone(None)
    assert {change for change, _ in explained} == {"open → open", "closed → closed"}
    assert {reason for _, reason in explained} == {
        "open",
        "cancelled",
        "purged",
        "resubmitted: the new task has the clock",
        "finished: it counts as answered on that day",
    }
    assert store.rows("SELECT number, open FROM tasks") == list(before.items())
    found = tasks.by_numbers(store, tasks.matching_numbers(store, parse(""), today=TODAY))
    assert {task.number: int(needs_answer(task)) for task in found} == before
    answered = {task.number: task for task in found if task.answered_on is not None}
    assert {(task.kind, task.status, task.was_downloaded) for task in answered.values()} == {
        *product(Kind, [Status.GIVEN_UP], [False, True]),
        *product([Kind.DELETION], [Status.COMPLETED], [False, True]),
        (Kind.RETRIEVAL, Status.COMPLETED, True),
    }
    for number, task in answered.items():
        [event] = timeline.of_task(store, number)
        at = AT if task.status == Status.GIVEN_UP else LATE
        assert (event.what, event.actor, format_instant(event.at)) == ("answered", timeline.PROGRAM, at)
        assert str(task.answered_on) == ("2026-11-05" if at == AT else "2026-11-11"), "the office's day"
        assert task.answered_how
        assert task.answered_how in (event.detail or "")
    assert [timeline.of_task(store, number) for number in before if number not in answered] == [[]] * (
        len(before) - len(answered)
    )
    store.close()
    assert integrity.full_check(path) == []


def test_there_is_a_golden_history_of_each_schema() -> None:
    assert [golden.name for golden in GOLDEN] == [f"schema-{number}.db" for number in range(1, KNOWN + 1)]


def test_the_steps_are_numbered_without_a_gap() -> None:
    names = sorted(entry.name for entry in (Path(migrate.__file__).parents[1] / "migrations").glob("*.sql"))
    assert [int(name[:4]) for name in names] == list(range(1, KNOWN + 1))
