"""Listing and steering the downloads from the command line."""

from __future__ import annotations

import fcntl
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.cli.support.engine_wait import SENDS_NOTHING
from bwp_tui.domain.text import file_name, part_name
from bwp_tui.engine.runtime.lease import Lease, begin_term
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.engine_state import Ability
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.cli.saved import save
from tests.pty_terminal import Terminal
from tests.store.support import in_status

FOLDER = "/srv/results"


@pytest.fixture
def queue(bwp: Bwp) -> Bwp:
    """The program with three downloads that wait, of tasks 1 to 3, and a task 4 without one."""
    store = bwp.store()
    for number in range(1, 5):
        in_status(store, "COMPLETED", task_id=f"task-{number}-{'0' * 8}")
        if number < 4:
            requests.download(store, number, FOLDER, "op")
    store.close()
    return bwp


def _states(queue: Bwp) -> dict[int, str]:
    listed = json.loads(queue("downloads", "--json").out)
    return {one["id"]: "paused" if one["paused"] else one["state"] for one in listed}


def test_the_downloads_are_listed_as_they_come_with_addresses_masked(queue: Bwp) -> None:
    store = queue.store()
    (order, *_) = downloads.ready(store, store.clock(), 5)
    downloads.record_start(store, order)
    downloads.record_progress(store, order, 5_000_000, 10_000_000, 2_500_000.0, '"tag"')
    downloads.record_failure(store, order, "The disk is full: \x1b[2J.")
    store.close()
    ended = queue("downloads")
    assert (ended.code, ended.err) == (0, "")
    heading, second, third, first = ended.out.splitlines()
    assert heading.split() == ["#", "TASK", "EMAIL", "STATE", "DONE", "BYTES", "RATE", "REMARK"]
    assert second.split() == ["2", "task-2-0", "j•••@example.com", "queued", "-", "0", "B", "-"]
    assert third.startswith("3 ")
    assert first.split()[:4] == ["1", "task-1-0", "j•••@example.com", "failed"]
    assert "50%" in first
    assert "5.0 MB of 10.0 MB" in first
    assert r"The disk is full: \x1b[2J." in first
    assert "jane@example.com" in queue("downloads", "--unmask").out
    for limit, lines in ((1, 2), (0, 0)):
        cut = queue("downloads", "--limit", str(limit))
        assert len(cut.out.splitlines()) == lines
        assert cut.err == f"bwp-tui: {limit} of 3 downloads shown; --limit 3 shows all.\n"


def test_a_result_counts_as_done_only_while_its_file_is_on_disk(bwp: Bwp) -> None:
    number, path = save(bwp, bwp.data.parent / "results")
    for state, percent, saved in (("done", "100%", 1), ("gone or changed", "-", 0), ("purged", "-", 0)):
        _, line = bwp("downloads", "--unmask").out.splitlines()
        assert re.search(rf"  {state}  +{percent}  ", line)
        (record,) = json.loads(bwp("downloads", "--json").out)
        figures = json.loads(bwp("dashboard", "--json").out)["downloads"]
        assert (record["id"], record["gone"], figures["saved"]) == (number, state == "gone or changed", saved)
        assert figures["gone"] == (state == "gone or changed")
        gone = re.search(r"gone or changed +1\n", bwp("dashboard").out)
        assert bool(gone) is (state == "gone or changed")
        path.unlink(missing_ok=True)
        if state == "gone or changed":
            store = bwp.store()
            with store.write() as transaction:
                transaction.run("UPDATE downloads SET path = NULL")  # as a purge does
            store.close()


def test_a_lost_copy_of_a_result_that_was_saved_again_is_not_counted_as_gone(bwp: Bwp, tmp_path: Path) -> None:
    number, path = save(bwp, tmp_path / "results")
    again = path.rename(tmp_path / "again.zip")
    store = bwp.store()
    requests.download(store, number, str(tmp_path), "op")
    (order,) = downloads.ready(store, store.clock(), 9)
    downloads.record_success(store, order, str(again), again.stat().st_size, "abc123")
    store.close()
    figures = json.loads(bwp("dashboard", "--json").out)["downloads"]
    assert (figures["saved"], figures["gone"]) == (1, 0)


def test_the_list_as_json_holds_all_that_is_known(queue: Bwp) -> None:
    (only,) = json.loads(queue("downloads", "--json", "--limit", "1", "--mask").out)
    assert (only["id"], only["task_id"], only["kind"], only["email"]) == (
        1,
        "task-1-00000000",
        "RETRIEVAL",
        "j•••@example.com",
    )
    assert (only["state"], only["paused"], only["bytes"], only["total"], only["actor"]) == (
        "queued",
        False,
        0,
        None,
        "op",
    )
    assert only.keys() >= {"rate", "attempts", "trouble", "path", "sha256", "asked_at", "started_at", "finished_at"}


def test_an_empty_list_is_said_to_be_empty(bwp: Bwp) -> None:
    bwp("views", "save", "any")
    ended = bwp("downloads")
    assert (ended.code, ended.out, ended.err) == (0, "", "bwp-tui: No downloads yet.\n")
    assert bwp("downloads", "--json").out == "[]\n"


def test_downloads_are_paused_resumed_cancelled_and_tried_again(queue: Bwp) -> None:
    ended = queue("downloads", "pause", "1", "task-2")
    assert (ended.code, [line.split()[3] for line in ended.out.splitlines()[1:]]) == (0, ["paused", "paused"])
    assert queue("downloads", "resume", "1").code == 0
    assert _states(queue) == {1: "queued", 2: "paused", 3: "queued"}
    assert json.loads(queue("show", "2", "--json").out)["download"]["paused"] is True
    for command in (["show", "2"], ["list", "--sentences"], ["downloads", "retry", "2"]):
        ended = queue(*command)
        assert "paused" in ended.out + ended.err, command
    assert "queued" not in queue("show", "2").out
    assert queue("downloads", "cancel", "1", "2", "3").code == 0
    assert _states(queue) == {1: "cancelled", 2: "cancelled", 3: "cancelled"}
    assert "%" not in queue("downloads").out, "nothing of them is there"
    assert "cancelled, no partial file" in queue("show", "2").out
    ended = queue("downloads", "retry", "2", "--json")
    assert [(one["id"], one["state"]) for one in json.loads(ended.out)] == [(2, "queued")]
    store = queue.store()
    assert [one.task_number for one in download_queue.list_downloads(store, 10)] == [2, 3, 2, 1]
    store.close()


def test_downloads_are_brought_forward_in_the_order_in_which_they_are_named(queue: Bwp) -> None:
    assert queue("downloads", "first", "3", "2").code == 0
    assert list(_states(queue)) == [3, 2, 1]


def test_of_what_has_no_result_no_download_is_advised(shop: Bwp) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes")
    ended = shop("downloads", "pause", "1")
    assert (ended.code, "bwp-tui download" in ended.err) == (1, False)


def test_what_cannot_be_done_is_said_and_the_rest_is_done(queue: Bwp) -> None:
    ended = queue("downloads", "pause", "4", "1")
    assert ended.code == 1
    assert "has no download; see: bwp-tui download 4." in ended.err
    ended = queue("downloads", "pause", "1", "2")
    assert (ended.code, ended.err) == (1, "bwp-tui: The download of #1 is paused already.\n")
    assert _states(queue) == {1: "paused", 2: "paused", 3: "queued"}
    assert queue("downloads", "first", "3", "3").code == 0
    assert "is first already" in queue("downloads", "first", "3").err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["downloads", "pause"], 2, "Name the tasks: bwp-tui downloads pause TASK."),
        (["downloads", "stop", "1"], 2, "ACTION “stop” must be one of"),
        (["downloads", "pause", "99"], 4, "There is no task “99”"),
    ],
)
def test_a_wrong_line_changes_nothing(queue: Bwp, words: list[str], code: int, told: str) -> None:
    ended = queue(*words)
    assert ended.code == code
    assert told in ended.err
    assert set(_states(queue).values()) == {"queued"}


def test_a_read_only_profile_lists_and_does_not_steer(queue: Bwp) -> None:
    assert queue("downloads", env={"BWP_READ_ONLY": "1"}).code == 0
    ended = queue("downloads", "pause", "1", env={"BWP_READ_ONLY": "1"})
    assert (ended.code, "is read-only" in ended.err) == (2, True)
    assert _states(queue)[1] == "queued"


def test_asking_for_a_result_whose_download_is_paused_lets_it_go_on(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    assert shop("wait", "1", "--timeout", "40").code == 0
    store = shop.store()
    requests.download(store, 1, str(shop.folder / "downloads"), "op")
    download = tasks.get(store, 1).download
    assert download is not None
    download_queue.pause(store, [download.id], "op")
    store.close()
    ended = shop("download", "1", "--timeout", "40")
    assert (ended.code, ended.out.count("\n")) == (0, 1)


def test_the_time_limit_of_a_download_tells_what_the_service_responded(shop: Bwp) -> None:
    store = shop.store()
    in_status(store, "COMPLETED", task_id="of another shop")
    store.close()
    ended = shop("download", "1", "--timeout", "3")
    assert ended.code == 3
    waits, response = ended.err.splitlines()[:2]
    assert " waits: The service does not know this task" in waits
    assert "The next try is at " in waits
    assert response.startswith("bwp-tui: The service does not know this task")


def test_a_download_that_waits_after_a_failure_is_unfinished_work_until_it_is_paused(shop: Bwp) -> None:
    store = shop.store()
    requests.download(store, in_status(store, "COMPLETED", task_id="of another shop").number, FOLDER, "op")
    store.close()
    left = "1 download is not complete yet"
    for read_only in ("1", ""):
        variable = {"BWP_READ_ONLY": read_only}
        ended = shop("run", "--once", env=variable)
        assert (ended.code, left in ended.err) == (2 if read_only else 3, True)
        assert (SENDS_NOTHING in ended.err) is bool(read_only)
        (found,) = [line for line in shop("doctor", env=variable).out.splitlines() if left in line]
        assert found.startswith("warn")
    shop("downloads", "pause", "1")
    assert (shop("run", "--once").code, left in shop("doctor").out) == (0, False)


def test_why_a_download_did_not_end_in_time_is_told_without_the_email(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    assert shop("wait", "1", "--timeout", "40").code == 0
    store = shop.store()
    task = tasks.get(store, 1)
    store.close()
    folder = shop.folder / task.email
    folder.mkdir()
    with (folder / part_name(file_name(task.kind, task.task_id or ""))).open("w") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        ended = shop("download", "1", "--output", str(folder), "--timeout", "2", "--mask")
    assert (ended.code, "Another program is writing" in ended.err) == (3, True)
    assert task.email not in ended.err


def test_what_a_download_waits_for_is_masked_also_in_its_progress(queue: Bwp) -> None:
    store = queue.store()
    (order, *_) = downloads.ready(store, store.clock(), 5)
    downloads.record_start(store, order)
    reason = "Another program is writing retrieval-jane@example.com.zip.part; waiting for it."
    downloads.reschedule(store, order, reason, store.clock() + timedelta(hours=1))
    store.close()
    words = ("download", "1", "--mask", "--timeout", "1")
    with Terminal(queue.argv(*words), env=queue.env | CREDENTIALS, columns=160) as terminal:
        assert terminal.wait() == 3
        told = terminal.bytes_since().decode()
    progress = reason.replace("jane", "j•••")
    assert (f"0 B  {progress}" in told, "jane@" in told) == (True, False)


def test_without_an_engine_it_is_said_that_nobody_does_it_yet(queue: Bwp) -> None:
    def nobody(what: str) -> str:
        return f"bwp-tui: No engine runs for this profile: {what} as soon as bwp-tui run or the console does.\n"

    assert queue("downloads", "pause", "1").err == ""
    assert queue("downloads", "resume", "1").err == nobody("the downloads continue")
    assert queue("downloads", "first", "3").err == nobody("the downloads start")
    queue("downloads", "pause", "2")
    assert queue("downloads", "first", "2").err == "", "a paused one does not start"
    assert queue("downloads", "cancel", "3").err == "", "it has no partial file"
    store = queue.store()
    with store.write() as transaction:
        transaction.run("UPDATE downloads SET bytes = 5 WHERE task = 1")
    store.close()
    assert queue("downloads", "cancel", "1").err == nobody("the partial files are deleted")
    assert queue("downloads", "retry", "1").err == nobody("the downloads start")
    lease = Lease(queue.folder / "engine.lock")
    store = queue.store()
    assert begin_term(store, lease, Ability.POLLS)
    assert "Only a read-only engine runs" in queue("downloads", "first", "1").err
    lease.release()
    assert begin_term(store, lease, Ability.ALL)
    store.close()
    assert queue("downloads", "cancel", "1").err == ""
    lease.release()


def test_the_newest_download_is_retried_where_the_task_shows_one_that_was_saved_before(bwp: Bwp) -> None:
    number, path = save(bwp, bwp.data.parent / "results")
    store = bwp.store()
    requests.download(store, number, str(path.parent), "op")
    (order,) = downloads.ready(store, store.clock(), 9)
    downloads.record_failure(store, order, "The connection was lost.")
    store.close()
    assert json.loads(bwp("dashboard", "--json").out)["downloads"]["failed"] == 0, "its result is saved"
    (retried,) = json.loads(bwp("downloads", "retry", str(number), "--json").out)
    assert (retried["id"], retried["state"]) == (number, "queued")


def test_a_download_goes_to_one_folder_only(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    assert shop("wait", "1", "--timeout", "40").code == 0
    store = shop.store()
    requests.download(store, 1, FOLDER, "op")
    name = tasks.get(store, 1).name
    ended = shop("download", "1", "--output", str(shop.folder / "elsewhere"))
    assert ended.code == 1
    assert f"The download of {name} goes into {FOLDER}." in ended.err
    assert "bwp-tui downloads cancel 1" in ended.err
    download = tasks.get(store, 1).download
    store.close()
    assert download is not None
    assert (download.state, download.paused) == ("queued", False)


def test_a_download_runs_only_while_a_process_is_the_engine(queue: Bwp) -> None:
    store = queue.store()
    (first, *_) = downloads.ready(store, store.clock(), 5)
    downloads.record_start(store, first)
    downloads.record_progress(store, first, 5_000_000, 10_000_000, 2_500_000.0, '"tag"')
    store.close()
    lease = Lease(queue.folder / "engine.lock")
    assert lease.acquire()
    assert _states(queue)[1] == "running"
    assert json.loads(queue("show", "1", "--json").out)["download"]["state"] == "running"
    lease.release()  # as a killed process does
    assert _states(queue)[1] == "queued"
    assert "2.5 MB/s" not in queue("downloads").out
    assert json.loads(queue("show", "1", "--json").out)["download"]["state"] == "queued"
    (listed,) = json.loads(queue("list", "id:task-1", "--json").out)
    assert listed["download"]["state"] == "queued"
    assert "is first already" in queue("downloads", "first", "1").err, "what waits has a place in the queue"
