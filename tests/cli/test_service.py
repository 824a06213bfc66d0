"""Refreshing, waiting, downloading and running the engine, against the practice API."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from bwp_tui.cli.support.engine_wait import SENDS_NOTHING
from bwp_tui.cli.support.progress_line import progress_text
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.poll_responses import record_failed_polls
from tests.cli.conftest import Bwp, variables
from tests.cli.test_submit import NOWHERE
from tests.engine.shop import submit
from tests.pty_terminal import Terminal
from tests.waiting import PATIENCE_S, eventually

UNREACHED = {"BWP_TOKEN_URL": NOWHERE["BWP_TOKEN_URL"]}
"""The same shop, whose tokens cannot be had."""


def test_waiting_ends_when_all_are_completed(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    shop("submit", "retrieval", "eve@example.com")
    ended = shop("wait", "1", "2", "--json", "--timeout", "40")
    assert ended.code == 0
    assert [task["status"] for task in json.loads(ended.out)] == ["COMPLETED", "COMPLETED"]


def test_waiting_says_when_its_time_is_up(shop: Bwp) -> None:
    shop("submit", "retrieval", "slow@example.com")
    ended = shop("wait", "1", "--timeout", "1")
    assert ended.code == 3
    assert "1 task not finished; wait again, or see: bwp-tui list is:active." in ended.err


def test_waiting_without_end_ends_when_the_credentials_are_refused(shop: Bwp) -> None:
    shop("submit", "retrieval", "slow@example.com")
    ended = shop("wait", "1", env={"BWP_CLIENT_SECRET": "wrong"})
    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_refresh_asks_about_the_active_ones_at_once(shop: Bwp, practice: Sandbox) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes")
    shop("submit", "deletion", "eve@example.com", "--yes")
    before = practice.state.calls["personalDataDeletionTask"]
    ended = shop("refresh")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 2
    assert practice.state.calls["personalDataDeletionTask"] >= before + 2


@pytest.mark.parametrize("task", ["deletion", "retrieval"])
def test_refresh_without_the_service_says_to_try_later(shop: Bwp, task: str) -> None:
    shop("submit", task, "bob@example.com", *(["--yes"] if task == "deletion" else ["--wait"]))
    ended = shop("refresh", "1", env=UNREACHED)
    assert ended.code == 3
    assert ended.err.count("\n") == 1


def test_refresh_says_what_the_service_responded_about_one_of_several(shop: Bwp) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes")
    shop("track", "retrieval", "no-such-task")
    ended = shop("refresh", "1", "2")
    assert (ended.code, "does not know this task" in ended.err) == (4, True)


def test_a_refresh_of_what_the_service_cannot_be_asked_about_fails(shop: Bwp) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes")
    shop("submit", "retrieval", "eve@example.com", "--hold")
    assert shop("refresh", "2").code == 1
    ended = shop("refresh", "1", "2")
    assert (ended.code, ended.out.startswith("#1 "), "#2" in ended.err) == (1, True, True)


def test_refresh_of_an_empty_history_has_nothing_to_do(shop: Bwp) -> None:
    assert shop("refresh").code == 0


@pytest.fixture
def result(shop: Bwp) -> Bwp:
    """The program with one completed retrieval, #1."""
    shop("submit", "retrieval", "jane@example.com")
    assert shop("wait", "1", "--timeout", "40").code == 0
    return shop


def test_a_result_is_saved_where_it_is_asked_for_and_its_path_printed(result: Bwp, tmp_path: Path) -> None:
    ended = result("download", "1", "--output", str(tmp_path / "results"))
    assert (ended.code, ended.err) == (0, "")
    path = Path(ended.out.strip())
    assert path.parent == tmp_path / "results"
    assert zipfile.ZipFile(path).testzip() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    task = json.loads(result("show", "1", "--json").out)
    assert task["download"] == {
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "state": "done",
        "paused": False,
        "gone": False,
        "remarks": [],
    }
    path.unlink()
    assert json.loads(result("show", "1", "--json").out)["download"]["gone"] is True


def test_download_asks_the_service_whether_the_task_has_ended_since(shop: Bwp, practice: Sandbox) -> None:
    number = str(json.loads(shop("submit", "retrieval", "jane@example.com", "--json").out)["id"])
    (start,) = practice.state.starts
    eventually(lambda: practice.state.find(Kind.RETRIEVAL, start.task_id).status == Status.COMPLETED)
    assert json.loads(shop("show", number, "--json").out)["status"] == "IN_PROGRESS"
    ended = shop("download", number)
    assert (ended.code, ended.err, Path(ended.out.strip()).exists()) == (0, "", True)


def test_download_of_what_has_not_ended_says_so_and_of_what_is_not_known_says_to_try_later(shop: Bwp) -> None:
    shop("submit", "retrieval", "slow@example.com")
    ended = shop("download", "1")
    assert (ended.code, ended.out, "IN_PROGRESS" in ended.err) == (1, "", True)
    ended = shop("download", "1", env=UNREACHED)
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)


def test_one_line_submits_waits_and_downloads(shop: Bwp, tmp_path: Path) -> None:
    line = ("submit", "retrieval", "jane@example.com", "--wait", "--download", "--output", str(tmp_path / "results"))
    ended = shop(*line)
    assert ended.code == 0
    path = Path(ended.out.splitlines()[-1])
    assert path.parent == tmp_path / "results"
    assert zipfile.ZipFile(path).testzip() is None
    task = json.loads(shop(*line, "--json").out)
    assert (task["status"], task["download"]["state"]) == ("COMPLETED", "done")


def test_a_submission_that_waits_ends_as_the_task_does(shop: Bwp) -> None:
    failed = shop("submit", "retrieval", "nobody@example.com", "--wait", "--download", "--json")
    assert (failed.code, json.loads(failed.out)["status"]) == (1, "FAILED")
    late = shop("submit", "retrieval", "slow@example.com", "--wait", "--timeout", "2", "--json")
    assert (late.code, json.loads(late.out)["status"], "Timed out." in late.err) == (3, "IN_PROGRESS", True)
    assert "bwp-tui download" not in failed.err + late.err
    unsent = shop("submit", "retrieval", "eve@example.com", "--download", "--json", env=UNREACHED)
    assert "bwp-tui download 3" in unsent.err
    assert (unsent.code, json.loads(unsent.out)["status"]) == (3, "QUEUED")


@pytest.mark.parametrize("options", [("--hold", "--wait"), ("--output", "/tmp"), ("--hold", "--download")])
def test_options_of_a_submission_that_contradict_each_other_record_nothing(shop: Bwp, options: tuple[str, ...]) -> None:
    ended = shop("submit", "retrieval", "jane@example.com", *options)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert json.loads(shop("list", "--json").out) == []


def test_no_link_is_ever_written_down(result: Bwp) -> None:
    ended = result("download", "1")
    everything = b"".join(
        path.read_bytes() for path in result.data.rglob("*") if path.suffix != ".zip" and path.is_file()
    )
    assert b"X-Amz" not in everything
    assert b"practice-" not in everything
    assert "X-Amz" not in ended.out + ended.err


def test_progress_is_drawn_on_a_terminal_and_wiped_when_the_download_is_interrupted(bwp: Bwp) -> None:
    with Sandbox(rate=20_000) as slow:
        bwp.env |= variables(slow)
        bwp("submit", "retrieval", "jane@example.com")
        assert bwp("wait", "1", "--timeout", "40").code == 0
        with Terminal(bwp.argv("download", "1"), env=bwp.env, columns=150) as terminal:
            terminal.wait_for("%  ")
            terminal.send("\x03")
            terminal.wait_for("Interrupted.")
            assert terminal.wait() == 130
            assert "%" not in terminal.screen_text()


@pytest.mark.parametrize(
    ("received", "total", "rate", "words"),
    [
        (0, None, None, "0 B"),
        (999, 2000, None, "49%  999 B of 2.0 kB"),
        (12_400_000, 19_300_000, 3_100_000.0, "64%  12.4 MB of 19.3 MB  3.1 MB/s  2s left"),
        (5_000_000_000, None, 0.0, "5.0 GB"),
    ],
)
def test_progress_tells_what_is_known(received: int, total: int | None, rate: float | None, words: str) -> None:
    assert progress_text([running(received, total, rate)]) == words


def test_progress_of_several_is_their_sum() -> None:
    both = [running(100_000, 1_000_000, 50_000.0), running(300_000, 1_000_000, 50_000.0)]
    assert progress_text(both) == "2 downloads  20%  400 kB of 2.0 MB  100 kB/s  16s left"


def running(received: int, total: int | None, rate: float | None) -> Download:
    return Download(
        id=1,
        task_number=1,
        state=DownloadState.RUNNING,
        path=None,
        bytes=received,
        total=total,
        rate=rate,
        sha256=None,
        etag=None,
        trouble=None,
        attempts=0,
        asked_at=datetime.now(UTC),
        started_at=None,
        finished_at=None,
        actor="op",
    )


def test_what_has_no_result_says_why_and_the_others_are_fetched(result: Bwp) -> None:
    result("submit", "deletion", "bob@example.com", "--yes")
    ended = result("download", "1", "2")
    assert ended.code == 1
    assert ended.out.endswith(".zip\n")
    assert "A deletion has no result to download." in ended.err


def test_a_read_only_profile_downloads_nothing(result: Bwp) -> None:
    ended = result("download", "1", env={"BWP_READ_ONLY": "yes"})
    assert (ended.code, ended.out) == (2, "")


def test_a_running_engine_is_used_by_other_commands_and_ends_cleanly(shop: Bwp, practice: Sandbox) -> None:
    with subprocess.Popen(shop.argv("run"), env=shop.env, stderr=subprocess.PIPE, text=True) as engine:
        assert engine.stderr is not None
        assert engine.stderr.readline().endswith(" info    This process is the engine of profile default.\n")
        submitted = shop("submit", "retrieval", "jane@example.com")
        assert submitted.code == 0
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(20) == 0
    assert len(practice.state.starts) == 1
    store = shop.store()
    assert store.row("SELECT pid FROM engine") == (None,)
    store.close()


def test_running_once_brings_all_up_to_date(shop: Bwp, practice: Sandbox) -> None:
    known = practice.state.start(Kind.DELETION, "bob@example.com", holding_period=9)
    shop("track", "deletion", known, env=NOWHERE)
    store = shop.store()
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET next_poll_at = ?", (transaction.now_text,))
    store.close()
    assert shop("run", "--once").code == 0
    assert "ON_HOLD" in shop("show", "1").out


def test_a_read_only_profile_says_that_it_sends_nothing(shop: Bwp, practice: Sandbox) -> None:
    store = shop.store()
    number = submit(store, "jane@example.com")
    store.close()
    for words, code in ((("run", "--once"), 2), (("wait", str(number), "--timeout", "0.1"), 3)):
        ended = shop(*words, env={"BWP_READ_ONLY": "1"})
        assert (ended.code, SENDS_NOTHING in ended.err) == (code, True)
    assert not practice.state.starts


@pytest.mark.parametrize("full", [False, True], ids=["nobody reads", "a full disk"])
def test_an_engine_goes_on_where_its_lines_cannot_be_printed(shop: Bwp, full: bool) -> None:
    reader, gone = os.pipe()
    os.close(reader)
    out = os.open("/dev/full", os.O_WRONLY) if full else gone
    store = shop.store()
    with subprocess.Popen(shop.argv("run"), env=shop.env, stdout=subprocess.PIPE, stderr=out) as engine:
        try:
            eventually(lambda: engine_state.read(store).pid == engine.pid)
            number = submit(store, "jane@example.com")
            eventually(lambda: tasks.get(store, number).task_id)
            engine.terminate()
            assert engine.communicate(timeout=PATIENCE_S)[0] == b""
            assert engine.returncode == 0
        finally:
            engine.kill()
    store.close()


def test_running_once_without_the_service_says_to_try_later(shop: Bwp) -> None:
    shop("submit", "deletion", "bob@example.com", "--yes", "--timeout", "0")
    ended = shop("run", "--once", env=UNREACHED)
    assert ended.code == 3
    assert ended.err.count("\n") == 1
    assert "1 request is not submitted yet." in ended.err
    assert "refreshed" not in ended.err


def test_a_task_that_the_service_does_not_know_is_no_work_left_undone(shop: Bwp) -> None:
    assert shop("submit", "deletion", "bob@example.com", "--holding-period", "9", "--yes").code == 0
    assert shop("track", "deletion", str(uuid4())).code == 4
    assert shop("run", "--once").code == 0
    assert "could not be refreshed" not in shop("doctor").out
    assert shop("refresh", "2").code == 4
    trouble = json.loads(shop("show", "2", "--json").out)["trouble"]
    listed = {line.split()[0]: trouble in line for line in shop("list").out.splitlines()[1:]}
    assert listed == {"1": False, "2": True}
    with closing(shop.store()) as store:
        record_failed_polls(store, [2], "The service cannot be reached.", datetime.now(UTC))
    ended = shop("run", "--once", env=UNREACHED)
    assert ended.code == 3
    assert "#2: " in ended.err


def test_running_once_with_refused_credentials_fails_as_the_other_commands_do(shop: Bwp) -> None:
    shop("submit", "retrieval", "bob@example.com", "--timeout", "0", env=UNREACHED)
    refused = {"BWP_CLIENT_SECRET": "wrong"}
    assert [shop(*words, env=refused).code for words in (["run", "--once"], ["submit", "retrieval", "a@b.cd"])] == [
        2,
        2,
    ]


def test_what_is_saved_is_not_fetched_again_without_another_word(result: Bwp, practice: Sandbox) -> None:
    first = result("download", "1")
    path = Path(first.out.strip())
    links = practice.state.calls["link"]
    again = result("download", "1")
    assert (again.code, again.out) == (0, first.out)
    assert f"is already downloaded: {path}. Use --again" in again.err
    assert practice.state.calls["link"] == links
    folder = path.parent / "elsewhere"
    for extra in ("", "--json"):
        elsewhere = result("download", "1", "--output", str(folder), *filter(None, [extra]))
        assert (elsewhere.code, "--again" in elsewhere.err, folder.exists()) == (1, True, False)
    assert result("download", "1", "--output", str(path.parent)).code == 0
    assert result("download", "1", "--output", str(folder / "result.zip")).code == 2
    planned = result("download", "--filter", "is:retrieval", "--yes")
    assert planned.code != 0
    anew = result("download", "1", "--again")
    assert (anew.code, anew.err) == (0, "")
    assert Path(anew.out.strip()) != path
    Path(anew.out.strip()).unlink()
    assert result("download", "1").code == 0, "what is gone is fetched"
    assert practice.state.calls["link"] == links + 2
