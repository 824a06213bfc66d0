"""Copying: the task id reaches the operator's clipboard, and the console says by which way."""

from __future__ import annotations

import asyncio
import base64
import stat
import sys
from pathlib import Path

import pytest

from bwp_tui.console.terminal.clipboard import MAX_OSC_52_BYTES, copy
from bwp_tui.settings import Profile
from bwp_tui.store.queries import tasks
from tests.console.past import READY
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
        terminal.wait_for(f"Task id {task_id}: sent to the terminal's clipboard (OSC 52).")
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
        await console.press("y")
        task = console.task(READY)
        await console.sees(
            f"Task id {task.task_id}: copied to tmux's buffer: prefix ] pastes it;", "where tmux may set that."
        )
        assert (tmp_path / "tmux.buffer").read_text() == task.task_id
        assert "BWP_" not in (tmp_path / "tmux.env").read_text()
        program.write_text('#!/bin/sh\n[ "$1 $2" = "load-buffer -" ] && cat > "$0.old"\n')
        await console.press("y")
        await console.sees("copied to tmux's buffer: prefix ] pastes it.")
        assert (tmp_path / "tmux.old").read_text() == task.task_id
        program.write_text("#!/bin/sh\nexit 1\n")
        await console.press("y")
        await console.sees("OSC 52")
        assert console.app.clipboard == task.task_id


async def test_the_ids_of_marked_tasks_are_copied_a_line_each(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("space", "space", "y")
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
        await console.until(lambda: console.main.current_task)
        await console.press("y")
        assert "y: Task #1 has not reached the service yet." in console.line("status")
