"""The shells complete the command line, with what the history and the settings have; the manual is made from it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bwp_tui.cli.setup.manual import manual
from tests.e2e.operator import Operator, unchanging_history

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
LOADED = {"bash": "", "zsh": "autoload -U compinit && compinit -u -D; "}


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_tab_completes_commands_tasks_filters_and_views(operator: Operator, shell: str) -> None:
    operator.plant(unchanging_history(3))
    task_id = json.loads(operator("list", "--json").out)[0]["task_id"]
    operator.env["PATH"] = f"{Path(sys.executable).parent}:{operator.env['PATH']}"
    with operator.in_terminal(SHELLS[shell], PS1="$ ") as terminal:
        terminal.wait_for("$")
        terminal.send(f'{LOADED[shell]}eval "$(bwp-tui completion {shell})"; echo rea""dy\r')
        terminal.wait_for("ready")
        for typed, completed in (
            ("bwp-tui acknow", "bwp-tui acknowledge"),
            (f"bwp-tui show {task_id[:6]}", f"bwp-tui show {task_id}"),
            ("bwp-tui list kin", "bwp-tui list kind:"),
            ("bwp-tui list --view fai", "bwp-tui list --view failed"),
        ):
            terminal.send(f"{typed}\t")
            terminal.wait_for(completed)
            terminal.send("\x15")


def rendered(words: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True, timeout=60)


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_renders_without_a_warning_and_names_every_command() -> None:
    page = rendered(["groff", "-man", "-Kutf8", "-Tutf8", "-P-c", "-ww"], manual())
    assert page.stderr == ""
    assert "bwp-tui submit" in page.stdout
    assert "--rotate" in page.stdout
    assert re.search(r"d\s+submit, track, .*import\n", page.stdout)
