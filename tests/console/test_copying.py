"""Copying: the task id reaches the operator's clipboard, and the console says by which way."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from bwp_tui.history import tasks
from bwp_tui.settings import Profile
from tests.console.past import READY
from tests.console.support import make_profile, opened, plant
from tests.pty_terminal import Terminal

FAKE_TMUX = """#!/bin/sh
[ "$1 $2 $3" = "load-buffer -w -" ] && cat > "$0.buffer"
"""
PROGRAM = """
import sys
from pathlib import Path
from bwp_tui.console.app import run_console
from tests.console.support import make_profile
sys.exit(run_console(make_profile(Path(sys.argv[1]), read_only=True), theme=None))
"""


def test_over_any_line_the_task_id_goes_to_the_terminals_clipboard(tmp_path: Path) -> None:
    profile = make_profile(tmp_path / "production")
    history = plant(profile)
    task_id = tasks.get(history, READY).task_id or ""
    history.close()
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
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    async with opened(profile) as console:
        await console.press("y")
        task = console.task(READY)
        assert f"Task id {task.task_id}: copied to tmux's buffer" in console.line("status")
        assert (tmp_path / "tmux.buffer").read_text() == task.task_id
        program.write_text("#!/bin/sh\nexit 1\n")
        await console.press("y")
        assert "OSC 52" in console.line("status")
        assert console.app.clipboard == task.task_id


async def test_without_a_task_id_there_is_nothing_to_copy(profile: Profile) -> None:
    async with opened(profile, past=()) as console:
        await console.fill(email="new@example.com")
        await console.file()
        await console.until(lambda: console.main.task_here)
        await console.press("y")
        assert "y: Task #1 has not reached the service yet." in console.line("status")
