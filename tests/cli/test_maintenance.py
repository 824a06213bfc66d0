"""backup, restore, purge."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import file_name, part_name
from bwp_tui.domain.urls import Shop
from bwp_tui.domain.views import View
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.store.commands import download_queue, requests, saved_views, work_records
from bwp_tui.store.maintenance import purge
from bwp_tui.store.worklog import downloads
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.store import single
from tests.store.damage import overwrite_table
from tests.store.support import SOON, TODAY, accepted, answer, in_status, scalar, submitted


def _count(bwp: Bwp) -> int:
    store = bwp.store()
    try:
        return scalar(store, "SELECT count(*) FROM tasks")
    finally:
        store.close()


def _plant(bwp: Bwp, *task_ids: str) -> None:
    store = bwp.store()
    for task_id in task_ids:
        accepted(store, task_id, email=f"{task_id}@example.com")
    store.close()


def test_a_backup_is_restored_and_what_came_since_stays(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    made = bwp("backup", str(file))
    assert (made.code, made.out) == (0, f"{file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    _plant(bwp, "task-2")
    ended = bwp("restore", str(file), "--yes")
    assert ended.code == 0
    assert "2 tasks, 0 of them only in the backup and 1 only in the history" in ended.out
    assert _count(bwp) == 2


def test_a_restore_that_is_not_confirmed_makes_nothing(bwp: Bwp) -> None:
    store = bwp.store()
    submitted(store)
    store.close()
    file = bwp.data / "copy.db"
    bwp("backup", str(file))
    assert bwp("restore", str(file), "--profile", "other").code != 0
    assert not (bwp.data / "other").exists()


def test_a_restore_says_how_many_requests_wait_for_a_decision(bwp: Bwp) -> None:
    store = bwp.store()
    submitted(store, Kind.DELETION)
    submitted(store)
    store.close()
    file = bwp.data / "copy.db"
    bwp("backup", str(file))
    ended = bwp("restore", str(file), "--yes", "--profile", "other")
    assert (ended.code, ended.err) == (0, "")
    assert "1 request is now UNCONFIRMED" in ended.out
    assert "bwp-tui --profile other list status:unconfirmed" in ended.out
    assert "kept" not in ended.out  # there was nothing
    assert not [found for found in (bwp.data / "other").iterdir() if "replaced" in found.name]
    listed = bwp("list", "status:unconfirmed", "--json", "--profile", "other").out
    assert [task["id"] for task in json.loads(listed)] == [1]


@pytest.mark.parametrize("has_history", [False, True])
def test_a_backup_of_another_shop_than_the_settings_name_is_not_restored(bwp: Bwp, has_history: bool) -> None:
    store = bwp.store()
    store.require_shop(Shop("bp-ours", None))
    submitted(store)
    store.close()
    file, text = bwp.data / "copy.db", bwp.data / "text.db"
    bwp("backup", str(file))
    text.write_text("kind,email\n", encoding="utf-8")
    other = replace(bwp, profile="other", env=bwp.env | CREDENTIALS | {"BWP_PROFILE": "other"})
    if has_history:
        other.store().close()
    for wrong in (file, text):
        ended = other("restore", str(wrong), "--yes")
        assert (ended.code, "othing was changed" in ended.err) == (2 if wrong is file else 1, True)
    assert other.folder.exists() is has_history
    assert other("restore", str(file), "--yes", env={"BWP_TARGET_ID": "bp-ours"}).code == 0
    assert _count(other) == 1


def test_a_backup_overwrites_nothing(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    file.write_text("mine")
    ended = bwp("backup", str(file))
    assert (ended.code, file.read_text()) == (1, "mine")
    assert "exists already" in ended.err


def test_there_is_no_backup_of_a_history_that_does_not_exist(bwp: Bwp) -> None:
    file = bwp.data.parent / "copy.db"
    ended = bwp("backup", str(file))
    assert (ended.code, ended.out, file.exists(), bwp.data.exists()) == (4, "", False, False)
    assert f"There is no history at {bwp.folder / 'history.db'}" in ended.err


def test_a_backup_names_a_missing_folder_rather_than_the_history(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    folder = bwp.data / "missing"
    ended = bwp("backup", str(folder / "copy.db"))
    assert (ended.code, folder.exists()) == (1, False)
    assert str(folder) in ended.err
    assert "BWP_DATA_DIR" not in ended.err


def test_a_restore_is_refused_while_an_engine_runs_or_the_history_is_open(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    bwp("backup", str(file))
    lease = Lease(bwp.folder / "engine.lock")
    assert lease.acquire()
    ended = bwp("restore", str(file), "--yes")
    lease.release()
    assert (ended.code, "is running" in ended.err) == (1, True)
    store = bwp.store()
    ended = bwp("restore", str(file), "--yes")
    store.close()
    assert (ended.code, "has the history" in ended.err) == (1, True)


def test_restoring_without_anyone_to_ask_needs_a_yes(bwp: Bwp) -> None:
    _plant(bwp, "task-1")
    file = bwp.data / "copy.db"
    bwp("backup", str(file))
    ended = bwp("restore", str(file))
    assert (ended.code, "--yes" in ended.err) == (2, True)
    assert bwp("restore", str(bwp.data / "nowhere.db"), "--yes").code == 4
    file.write_text("kind,email\n", encoding="utf-8")
    ended = bwp("restore", str(file))
    assert (ended.code, "is not a backup" in ended.err, "replaces" in ended.err) == (1, True, False)


def test_a_purge_tells_what_it_does_and_does_it(bwp: Bwp) -> None:
    store = bwp.store()
    single.answer(store, in_status(store, "COMPLETED", Kind.DELETION).number, "by email", TODAY, "op")
    store.close()
    refused = bwp("purge", "--older-than", "0d")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    sight = bwp.folder / "console.json"
    sight.write_text('{"filter": "jane"}')
    ended = bwp("purge", "--older-than", "0d", "--yes")
    assert ended.code == 0
    assert "jane" not in sight.read_text()
    assert "1 finished task to purge of email" in ended.err
    assert "Purged 1 task and removed 0 files." in ended.out
    assert "jane@" not in bwp("show", "1", "--unmask").out
    for words in ([], ["--unmask"], ["--json"]):
        logged = bwp("sent", *words).out
        assert ("(purged)" in logged, "•••" in logged) == (True, False)
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
    assert "was kept aside" in bwp("doctor").out


@pytest.mark.parametrize("words", [("evidence", "1"), ("evidence", "--verify"), ("backup", "copy.db")], ids=" ".join)
def test_damage_that_any_command_finds_is_recovered_by_the_next(bwp: Bwp, words: tuple[str, ...]) -> None:
    _plant(bwp, *(f"task-{number}" for number in range(60)))
    path = bwp.folder / "history.db"
    overwrite_table(path, "chains")
    before = path.read_bytes()
    ended = bwp(*words)
    assert (ended.code, "is damaged" in ended.err) == (1, True)
    assert path.read_bytes() == before
    assert "was damaged and is kept as history.damaged-" in bwp("list").err
    assert bwp("evidence", "--verify").code == 0
    assert _count(bwp) == 60


def test_a_purge_leaves_out_what_is_still_to_be_answered_unless_it_is_told_to(bwp: Bwp) -> None:
    store = bwp.store()
    ready = in_status(store, "COMPLETED").number
    failed = in_status(store, "FAILED", task_id="task-2").number
    store.close()
    kept = bwp("purge", "--older-than", "0", "--yes")
    assert kept.code == 0
    assert f"2 tasks (#{ready} retrieval COMPLETED, #{failed} retrieval FAILED)" in kept.err
    assert "No finished task" not in kept.err
    assert len(json.loads(bwp("list", "is:open", "--json").out)) == 2
    assert bwp("purge", "--older-than", "0", "--yes", "--unanswered").code == 0
    assert json.loads(bwp("list", "is:open", "--json").out) == []
    for words in (
        ("inspect", str(ready)),
        ("acknowledge", str(failed)),
        ("correct", str(failed), "--regulation", "ccpa"),
    ):
        refused = bwp(*words)
        assert (refused.code, "purged" in refused.err) == (1, True)
    assert "for (purged)" in bwp("show", str(ready)).out


def test_a_purge_takes_numbers_as_every_command_does_and_names_what_goes(bwp: Bwp) -> None:
    store = bwp.store()
    named = in_status(store, "COMPLETED").number
    other = in_status(store, "COMPLETED", task_id=f"task-{named}{named}").number
    waiting = in_status(store, "IN_PROGRESS", task_id="task-3").number
    store.close()
    ended = bwp("purge", str(named), f"#{waiting}", "--older-than", "0", "--yes", "--unanswered")
    assert f"To purge: #{named} retrieval COMPLETED.\n" in ended.err
    assert f"1 task (#{waiting} retrieval IN_PROGRESS)" in ended.err
    kept = [task["id"] for task in json.loads(bwp("list", "--json").out) if task["email"]]
    assert sorted(kept) == [other, waiting]
    assert bwp("purge", "99", "--older-than", "0", "--yes").code == 4
    skipped = bwp("purge", f"#{waiting}", "--older-than", "0", "--yes")
    assert f"(#{waiting} " in skipped.err
    assert "No finished task" not in skipped.err


def test_a_purge_by_a_filter_names_what_an_engine_has_left_to_do(bwp: Bwp) -> None:
    store = bwp.store()
    number = in_status(store, "COMPLETED").number
    part = requests.download(store, number, "/results", "op")
    download_queue.cancel(store, [part], "op")
    store.close()
    for words in ((), (str(number),)):
        skipped = bwp("purge", *words, "--older-than", "0", "--yes", "--unanswered")
        assert (f"1 task (#{number} retrieval COMPLETED)" in skipped.err, "No finished" in skipped.err) == (True, False)
        assert skipped.err.count(f"#{number} ") == 1


def test_a_purge_removes_the_result_of_a_task_whose_downloads_a_recovery_has_lost(bwp: Bwp) -> None:
    store = bwp.store()
    task = in_status(store, "COMPLETED")
    store.close()
    folder = bwp.folder / "downloads"
    folder.mkdir()
    name = file_name(task.kind, task.task_id or "")
    for file in (name, name.replace(".zip", " (2).zip"), "of-another.zip"):
        (folder / file).write_text("result")
    assert bwp("purge", "--older-than", "0", "--yes", "--unanswered").code == 0
    assert [file.name for file in folder.iterdir()] == ["of-another.zip"]


def _zebra(bwp: Bwp, outside: Path) -> None:
    """Tasks with personal data and files wherever they can be: saved, in part, elsewhere, unpacked, copied."""
    store = bwp.store()
    own = bwp.folder / "downloads"
    for folder in (own, outside):
        folder.mkdir(parents=True)
    for number, folder in enumerate((own, outside, own), start=1):
        email = f"zebra{number}@example.com"
        task = accepted(store, f"task-{number}", email=email)
        single.answered(store, task.number, answer("COMPLETED"), SOON)
        requests.download(store, task.number, str(folder), "op")
        (order,) = downloads.ready(store, SOON + timedelta(days=999), 9)
        name = file_name(order.kind, order.task_id)
        if number == 3:
            name = file_name(order.kind, order.task_id, email)
            (folder / part_name(name)).write_text("zebra, a half")
            downloads.record_failure(store, order, "zebra could not be fetched")
        else:
            (folder / name).write_text("zebra")
            downloads.record_success(store, order, str(folder / name), 5, "abc123")
    work_records.record_unpacked(store, 1, outside / "unpacked", "op")
    saved_views.save(store, View("hers", "zebra", "newest"))
    store.close()
    (bwp.folder / "copied-x1.txt").write_text("zebra")
    (bwp.folder / "history.incoming-replaced-20261129T162657.854914Z.part-other").write_text("zebra")
    (bwp.folder / "console.json").write_text('{"filter": "zebra"}')
    (bwp.folder / "console.json.4711").write_text('{"filter": "zebra"}')


def test_a_purge_leaves_nothing_in_the_folder_and_names_what_it_leaves_elsewhere(bwp: Bwp, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    _zebra(bwp, outside)
    assert "history.incoming-replaced" in bwp("doctor").out
    ended = bwp("purge", "--older-than", "0", "--yes", "--unanswered")
    assert ended.code == 0
    (left,) = outside.iterdir()
    for named in (str(left), str(outside / "unpacked"), "“hers”"):
        assert named in ended.err
    assert "Purged 3 tasks and removed 4 files." in ended.out
    assert [*map(int, re.findall(r"to delete.*: (\d+) files", ended.err))] == [2, 2], "all that is removed is planned"
    assert bwp("views", "delete", "hers").code == 0
    assert bwp("views", "delete", "hers").code == 4
    store = bwp.store()
    purge.remove_traces(store, TODAY, threading.Event())
    store.close()
    found = [
        file.name
        for file in bwp.folder.rglob("*")
        if "zebra" in file.name or (file.is_file() and b"zebra" in _bytes(file))
    ]
    assert found == []


def test_archives_stay_where_they_are_to(bwp: Bwp, tmp_path: Path) -> None:
    _zebra(bwp, tmp_path / "outside")
    ended = bwp("purge", "--older-than", "0", "--yes", "--unanswered", "--keep-archives")
    assert ended.code == 0
    kept = list((bwp.folder / "downloads").iterdir())
    assert len(kept) == 2
    assert all(str(file) in ended.err for file in kept)


def _bytes(file: Path) -> bytes:
    """Read by another process, for the sake of SQLite's locks."""
    return subprocess.run(["cat", str(file)], capture_output=True, check=True).stdout
