"""backup, restore, purge."""

from __future__ import annotations

import stat

from bwp_tui.engine.lease import Lease
from tests.cli.conftest import Bwp
from tests.history.support import accepted, in_status, scalar


def _count(bwp: Bwp) -> int:
    history = bwp.history()
    try:
        return scalar(history, "SELECT count(*) FROM tasks")
    finally:
        history.close()


def _plant(bwp: Bwp, *task_ids: str) -> None:
    history = bwp.history()
    for task_id in task_ids:
        accepted(history, task_id, email=f"{task_id}@example.com")
    history.close()


def test_a_backup_is_restored_and_what_came_since_stays(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    made = bwp("backup", str(file))
    assert (made.code, made.out) == (0, f"{file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    _plant(bwp, "task-2")
    ended = bwp("restore", str(file), "--yes")
    assert ended.code == 0
    assert "2 tasks, 0 of them only in the backup and 1 not in it" in ended.out
    assert _count(bwp) == 2


def test_a_backup_overwrites_nothing(bwp: Bwp) -> None:
    file = bwp.data / "copy.db"
    bwp.data.mkdir()
    file.write_text("mine")
    ended = bwp("backup", str(file))
    assert (ended.code, file.read_text()) == (1, "mine")
    assert "is there already" in ended.err


def test_a_restore_is_refused_while_an_engine_runs_or_the_history_is_open(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    bwp("backup", str(file))
    lease = Lease(bwp.folder / "engine.lock")
    assert lease.take()
    ended = bwp("restore", str(file), "--yes")
    lease.release()
    assert (ended.code, "is running" in ended.err) == (1, True)
    history = bwp.history()
    ended = bwp("restore", str(file), "--yes")
    history.close()
    assert (ended.code, "has the history" in ended.err) == (1, True)


def test_restoring_without_anyone_to_ask_needs_a_yes(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    bwp("backup", str(file))
    ended = bwp("restore", str(file))
    assert (ended.code, "add --yes" in ended.err) == (2, True)
    assert bwp("restore", str(bwp.data / "nowhere.db"), "--yes").code == 4


def test_a_purge_tells_what_it_does_and_does_it(bwp: Bwp) -> None:
    history = bwp.history()
    in_status(history, "FAILED")
    history.close()
    refused = bwp("purge", "--older-than", "0d")
    assert (refused.code, "add --yes" in refused.err) == (2, True)
    sight = bwp.folder / "console.json"
    sight.write_text('{"filter": "jane"}')
    ended = bwp("purge", "--older-than", "0d", "--yes")
    assert ended.code == 0
    assert not sight.exists()
    assert "1 finished tasks lose address" in ended.err
    assert "Purged 1 tasks." in ended.out
    assert "jane@" not in bwp("show", "1", "--unmask").out
    assert "No finished task" in bwp("purge", "--older-than", "0d", "--yes").err
    gone = bwp("purge", "--older-than", "0d", "--all", "--yes")
    assert "§7101" in gone.err
    assert _count(bwp) == 0


def test_a_damaged_history_is_told_once_and_the_doctor_names_what_was_set_aside(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    path = bwp.folder / "history.db"
    path.write_bytes(b"\0" * 24 + path.read_bytes()[24:])
    ended = bwp("list")
    assert ended.code == 0
    assert "was damaged and is kept as history.damaged-" in ended.err
    assert "task-1"[:8] in ended.out
    assert bwp("list").err == ""
    assert "was set aside" in bwp("doctor").out
