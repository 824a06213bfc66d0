"""How the console ends: by the operator, in the middle of things, and by a fault of its own."""

from __future__ import annotations

import stat
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.engine.runtime.exit_message import exit_message
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.settings import Profile
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.worklog import downloads
from tests.console.past_tasks import HELD, READY
from tests.console.support import make_profile, opened, plant
from tests.engine.shop import request
from tests.pty_terminal import Terminal
from tests.waiting import eventually

BROKEN = """
import sys
from pathlib import Path
from bwp_tui.console.run import run_console
from bwp_tui.console.store_access.task_commands import TaskCommands
from bwp_tui.console.screens.main_handlers import MainHandlers
from tests.console.support import make_profile
def broken(*_):
    local = "hush-local"
    raise ValueError("client_secret=hush-message for jane.doe@example.com" + local[:0])
setattr(*{"key": (MainHandlers, "_back", broken), "worker": (TaskCommands, "apply", broken)}[sys.argv[2]])
sys.exit(run_console(make_profile(Path(sys.argv[1])), theme=None))
"""

CLOSED_FOLDER = """
import os, sys
from dataclasses import replace
from errno import EACCES
from pathlib import Path
from bwp_tui.console.run import run_console
from tests.console.support import make_profile
folder = sys.argv[1]
def refuse(path, *, real=os.stat, **options):
    if str(path).startswith(folder) and os.path.lexists(f"{folder}.closed"):
        raise PermissionError(EACCES, "Permission denied", str(path))
    return real(path, **options)
os.stat = refuse
sys.exit(run_console(replace(make_profile(Path(folder)), read_only=True), theme=None))
"""

OPEN = """
import sys
from pathlib import Path
from bwp_tui.console.run import run_console
from tests.console.support import make_profile
sys.exit(run_console(make_profile(Path(sys.argv[1])), theme=None))
"""


@pytest.mark.parametrize(("where", "key"), [("key", "\x1b"), ("worker", "u")])
def test_a_fault_ends_with_a_sentence_code_1_and_a_private_report_without_secrets(
    tmp_path: Path, where: str, key: str
) -> None:
    profile = make_profile(tmp_path / "production")
    plant(profile).close()
    argv = [sys.executable, "-c", BROKEN, str(profile.folder), where]
    with Terminal(argv, columns=120, rows=40) as terminal:
        terminal.wait_for("#10 ──")
        mark = terminal.mark()
        terminal.send(key)
        assert terminal.wait() == 1
        eventually(lambda: b"taken out of it." in terminal.bytes_since(mark))
        last = terminal.bytes_since(mark).rpartition(b"\x1b[?1049l")[2].decode()
    assert "a fault of its own (ValueError)" in last
    reports = list(profile.log_dir.iterdir())
    assert len(reports) == 1, [report.read_text() for report in reports]
    (report,) = reports
    assert report.name in last.replace("\r\n", "")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(profile.log_dir.stat().st_mode) == 0o700
    text = report.read_text()
    assert "in broken" in text
    for secret in ("hush", "jane.doe"):
        assert secret not in text.replace('local = "hush-local"', "")
        assert secret not in last
    assert "Traceback" not in last


async def test_after_the_end_no_thread_and_no_open_file_of_the_history_is_left(profile: Profile) -> None:
    before = set(threading.enumerate())
    async with opened(profile) as console:
        assert any(thread.name == "feed" for thread in threading.enumerate())
        await console.press("q")
        await console.until(lambda: not console.app.is_running)
    eventually(lambda: not any(thread.name in ("feed", "engine") for thread in set(threading.enumerate()) - before))
    assert open_files(profile.folder) == []


def open_files(folder: Path) -> list[str]:
    """The files in a folder that this process holds open."""
    links = [descriptor for descriptor in Path("/proc/self/fd").iterdir() if descriptor.is_symlink()]
    return [name for link in links if (name := str(link.readlink())).startswith(str(folder))]


@pytest.mark.parametrize("action", ["cancel", "command"])
async def test_leaving_while_something_is_asked_is_clean_and_records_nothing(profile: Profile, action: str) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        revision = console.store.revision()
        await console.do(action)
        await console.until(lambda: console.main.prompt.is_open)
        console.app.exit()
        await console.until(lambda: not console.app.is_running)
        assert console.store.revision() == revision
        assert console.app.crash is None
        assert console.app.return_code == 0


async def test_a_history_that_changes_while_the_console_ends_disturbs_nothing(profile: Profile) -> None:
    async with opened(profile) as console:
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                with console.store.write() as transaction:
                    transaction.run("UPDATE tasks SET revision = ?", (transaction.revision,))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            console.app.exit()
            await console.until(lambda: not console.app.is_running)
        finally:
            stop.set()
            writer.join()
        assert console.app.crash is None


def test_what_goes_on_at_the_next_start_is_said_at_the_end(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "shop")
    store = plant(profile)
    assert exit_message(profile) is None
    requests.download(store, READY, str(tmp_path), "op")
    assert "1 download is not complete yet" in (exit_message(profile) or "")
    assert exit_message(replace(profile, is_sandbox=True)) is None, "the next practice begins anew"
    lease = Lease(profile.lease_path)
    assert lease.acquire()
    assert exit_message(profile) is None, "an engine elsewhere goes on with it now"
    lease.release()
    (order,) = downloads.ready(store, store.clock(), 9)
    download_queue.pause(store, [order.id], "op")
    assert exit_message(profile) is None
    for email in ("ann@example.com", "bob@example.com"):
        requests.submit(store, request(email), "op")
    message = exit_message(profile)
    assert message is not None
    assert message.startswith("2 requests are not submitted yet")
    store.close()


def test_the_words_at_the_end_stand_below_the_screen_that_was_left(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "shop")
    store = plant(profile)
    requests.download(store, READY, str(tmp_path), "op")
    store.close()
    with Terminal([sys.executable, "-c", OPEN, str(profile.folder)], columns=120, rows=40) as terminal:
        terminal.wait_for("#10 ──")
        terminal.send("q")
        assert terminal.wait() == 0
        eventually(lambda: b"1 download is not complete yet" in terminal.bytes_since().rpartition(b"\x1b[?1049l")[2])


def test_a_console_whose_folder_was_closed_to_this_user_ends_without_a_fault(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "production")
    plant(profile).close()
    argv = [sys.executable, "-c", CLOSED_FOLDER, str(profile.folder)]
    with Terminal(argv, columns=120, rows=40) as terminal:
        terminal.wait_for("#10 ──")
        Path(f"{profile.folder}.closed").touch()
        terminal.wait_for("fix its permissions")
        terminal.send("q")
        assert terminal.wait() == 0
