"""Copying: the task id reaches the operator's clipboard, and the console says by which way."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import stat
import sys
from pathlib import Path

import pytest

from bwp_tui.console.terminal.clipboard import MAX_OSC_52_BYTES, copy
from bwp_tui.domain.text import mask_email
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads
from tests.console.past_tasks import NOW, READY
from tests.console.support import make_profile, opened, plant
from tests.pty_terminal import Terminal

FAKE_TMUX = """#!/bin/sh
[ "$1 $2 $3" = "load-buffer -w -" ] && cat > "$0.buffer" && env > "$0.env"
"""
PROGRAM = """
import sys
from pathlib import Path
from bwp_tui.console.run import run_console
from tests.console.support import make_profile
sys.exit(run_console(make_profile(Path(sys.argv[1]), read_only=True), theme=None))
"""


def test_over_any_line_the_task_id_goes_to_the_terminals_clipboard(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "production")
    store = plant(profile)
    task_id = tasks.get(store, READY).task_id or ""
    store.close()
    with Terminal([sys.executable, "-c", PROGRAM, str(profile.folder)], columns=120, rows=40) as terminal:
        terminal.wait_for(f"#{READY} ──")
        mark = terminal.mark()
        terminal.send("y")
        terminal.wait_for("y task id")
        terminal.send("y")
        terminal.wait_for(f"Task id of {task_id[:8]}: sent to the terminal's clipboard (OSC 52).")
        wanted = b"\x1b]52;c;" + base64.b64encode(task_id.encode()) + b"\x07"
        assert wanted in terminal.bytes_since(mark)
        terminal.send("q")
        assert terminal.wait() == 0


async def test_in_tmux_it_goes_through_tmux(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tmux"
    program.write_text(FAKE_TMUX)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("BWP_CLIENT_SECRET", "hush-secret")
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    async with opened(profile) as console:
        await console.press("y", "y")
        task = console.task(READY)
        await console.sees(
            f"Task id of {task.name}: copied to tmux's buffer: prefix ] pastes it;", "where tmux may set that."
        )
        assert (tmp_path / "tmux.buffer").read_text() == task.task_id
        assert "BWP_" not in (tmp_path / "tmux.env").read_text()
        program.write_text('#!/bin/sh\n[ "$1 $2" = "load-buffer -" ] && cat > "$0.old"\n')
        await console.press("y", "y")
        await console.sees("copied to tmux's buffer: prefix ] pastes it.")
        assert (tmp_path / "tmux.old").read_text() == task.task_id
        program.write_text("#!/bin/sh\nexit 1\n")
        await console.press("y", "y")
        await console.sees("OSC 52")
        assert console.app.clipboard == task.task_id


async def test_the_ids_of_marked_tasks_are_copied_a_line_each(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("space", "space", "y", "y")
        await console.sees("2 task ids: sent to the terminal's clipboard (OSC 52).")
        numbers = list(console.main.table.numbers)[:2]
        assert console.app.clipboard.splitlines() == [console.task(number).task_id for number in numbers]


async def copied(text: str, folder: Path) -> tuple[str, list[str]]:
    """Copy a text: what is said of it, and what was sent to the terminal."""
    sent: list[str] = []
    return await copy(text, sent.append, folder), sent


def test_what_the_terminal_would_drop_goes_to_a_file_of_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, drops = "x" * (MAX_OSC_52_BYTES // 4 * 3), "x" * (MAX_OSC_52_BYTES // 4 * 3 + 3)
    assert asyncio.run(copied(fits, tmp_path)) == ("sent to the terminal's clipboard (OSC 52)", [fits])
    said, sent = asyncio.run(copied(drops, tmp_path))
    assert said.startswith("too long for the terminal's clipboard: written to ")
    assert not sent
    file = Path(said.rpartition(" ")[2])
    assert file.read_text() == f"{drops}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("TERM", "linux")
    assert "this terminal has no clipboard: written to" in asyncio.run(copied("x", tmp_path))[0]
    assert "cannot be written" in asyncio.run(copied("x", tmp_path / "none"))[0]


async def test_without_a_task_id_there_is_nothing_to_copy(profile: Profile) -> None:
    async with opened(profile, past=()) as console:
        await console.fill(email="new@example.com")
        await console.submit_form()
        await console.until(lambda: console.main.table.current)
        await console.press("y", "y")
        await console.sees("There is no task id of #1 to copy.")
        assert not console.app.clipboard


async def test_each_text_of_a_task_is_copied_and_it_is_said_which_emails_are_in_full(
    profile: Profile, tmp_path: Path
) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, str(tmp_path), "op")
        (job,) = downloads.ready(console.store, NOW, 1)
        older = str(tmp_path / f"retrieval-{job.email}-1.zip")
        downloads.record_success(console.store, job, older, 10, "ab" * 32)
        await console.go_to(READY)
        email, name = job.email, console.task(READY).name

        async def copied_by(key: str, sentence: str) -> str:
            await console.press("y", key)
            await console.sees(sentence)
            return console.app.clipboard

        assert await copied_by("a", f"Email of {name}, unmasked: sent") == email
        assert await copied_by("p", f"Path of {name}, unmasked: sent") == older
        heading, row = csv.reader((await copied_by("c", "CSV row")).splitlines())
        cells = dict(zip(heading, row, strict=True))
        assert (cells["number"], cells["masked"], email in str(cells)) == (str(READY), "yes", False)
        assert json.loads(await copied_by("j", f"JSON row of {name}, emails masked: sent")) == cells
        record = json.loads(await copied_by("r", "emails masked: sent"))
        assert (record["id"], record["email"], "next_try" in record) == (READY, mask_email(email), True)
        assert email not in json.dumps(record)
        await console.press("m")
        record = json.loads(await copied_by("r", f"Record of {name}: sent"))
        assert (record["email"], record["download"]["path"]) == (email, older)
        assert email in await copied_by("l", f"Letter of {name}: sent")
        await console.sees("No verification of the identity is recorded")
        assert console.store.integer("SELECT count(*) FROM timeline WHERE what = 'letter'") == 1
        await copied_by("e", f"There is no error of {name} to copy.")
        requests.download(console.store, READY, str(tmp_path), "op")
        assert await copied_by("p", f"Path of {name}: sent") == older, "until it is saved again"


async def test_rows_and_records_of_all_marked_tasks_are_copied(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("asterisk")
        numbers = sorted(console.main.table.numbers, reverse=True)
        await console.press("y", "c")
        await console.sees(f"{len(numbers)} CSV rows, emails masked: sent")
        rows = list(csv.DictReader(console.app.clipboard.splitlines()))
        assert [int(row["number"]) for row in rows] == numbers
        await console.press("y", "r")
        await console.sees(f"{len(numbers)} records")
        assert [record["id"] for record in json.loads(console.app.clipboard)] == numbers
        await console.press("y")
        await console.sees("Copy of the")
        assert "letter" not in console.text, "which is recorded of each task"
