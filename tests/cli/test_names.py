"""Names of files that are no text, or steer a terminal: one sentence before anything is recorded."""

from __future__ import annotations

import os
import subprocess

import pytest

from bwp_tui.cli.exit_codes import ExitCode
from tests.cli.conftest import Bwp
from tests.cli.test_submit import recorded

BROKEN = os.fsdecode(b"/tmp/d\xe9")
STEERING = "/tmp/evil\x1b]0;PWN\x07"
COMMANDS = {
    "download": ["download", "1", "--output"],
    "backup": ["backup"],
    "restore": ["restore", "--yes"],
    "export": ["export"],
    "pack": ["pack", "1", "--recipient", "age1x", "--output"],
    "receipt": ["import", "requests.csv", "--receipt"],
}


def _run(bwp: Bwp, *words: str, env: dict[str, str] | None = None) -> tuple[int, bytes]:
    ended = subprocess.run(
        bwp.argv(*words),
        env={**bwp.env, **(env or {})},
        cwd=bwp.data.parent,
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert b"\x1b" not in ended.stdout + ended.stderr
    assert ended.stderr.count(b"\n") == 1
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("name", [BROKEN, STEERING], ids=["no UTF-8", "ESC"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_cannot_be_kept_or_shown_is_refused(bwp: Bwp, command: str, name: str) -> None:
    code, said = _run(bwp, *COMMANDS[command], name)
    assert (code, b"fault of its own" in said) == (ExitCode.USAGE, False)
    assert not bwp.folder.exists()


@pytest.mark.parametrize("words", [["list"], ["show"], ["submit", "retrieval"], ["note", "1"], ["tag", "1"]])
def test_a_word_that_is_no_text_is_refused(bwp: Bwp, words: list[str]) -> None:
    code, said = _run(bwp, *words, BROKEN)
    assert (code, b"fault of its own" in said) == (ExitCode.USAGE, False)
    assert recorded(bwp) == 0


@pytest.mark.parametrize("variable", ["BWP_DATA_DIR", "BWP_DOWNLOAD_DIR"])
def test_a_folder_of_the_environment_that_is_no_text_is_refused(bwp: Bwp, variable: str) -> None:
    code, said = _run(bwp, "submit", "retrieval", "jane@example.com", env={variable: BROKEN})
    assert (code, variable.encode() in said) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("name", ["b.db", "./b.db"])
def test_a_backup_may_lie_in_the_working_folder(bwp: Bwp, name: str) -> None:
    bwp("views", "save", "any")
    ended = subprocess.run(bwp.argv("backup", name), env=bwp.env, cwd=bwp.data.parent, capture_output=True, check=False)
    assert ended.returncode == ExitCode.DONE
    assert (bwp.data.parent / "b.db").is_file()
