"""Running a program of the operator: its time, its output and what it leaves running are bounded."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from bwp_tui.settings.profile import OperatorProgram
from bwp_tui.settings.run_program import LONGEST_OUTPUT, run_program
from tests.waiting import eventually


def shell(script: str, timeout_s: float = 60.0) -> OperatorProgram:
    return OperatorProgram(("sh", "-c", script), timeout_s)


def test_what_is_too_long_is_cut_and_the_program_goes_on_to_its_end() -> None:
    ended = run_program(shell("head -c 1000000 /dev/zero | tr '\\0' x; echo end; exit 4"), "")
    assert (ended.outcome, ended.succeeded) == ("exit code 4", False)
    assert ended.output.startswith("xxx")
    assert len(ended.output) < LONGEST_OUTPUT + 100
    assert "discarded" in ended.output


def test_an_input_that_nobody_reads_and_one_that_is_long_hold_up_nothing() -> None:
    assert run_program(shell("exit 0"), "x" * 1_000_000).succeeded
    assert run_program(shell("wc -c"), "x" * 1_000_000).output.strip() == "1000000"


def test_control_characters_and_bytes_that_are_no_text_are_escaped() -> None:
    assert run_program(shell("printf 'a\\033[2J\\377'"), "").output == "a\\x1b[2J\ufffd"


def test_what_it_leaves_running_is_killed(tmp_path: Path) -> None:
    ended = run_program(shell(f"sleep 1000 & echo $! > {tmp_path}/pid"), "")
    assert ended.outcome == "exit code 0"
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text())


def test_it_is_ended_when_its_time_is_up_or_it_is_to_stop() -> None:
    assert run_program(shell("exec sleep 1000", 0.2), "").outcome == "took more than 0.2 s and was ended"
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    assert run_program(shell("exec sleep 1000"), "", stop).outcome == "was ended with bwp-tui"
    assert time.monotonic() - started < 30


def test_a_program_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    ended = run_program(shell(f"exec >&- 2>&-; sleep 0.3; touch {tmp_path}/done; exit 5"), "")
    assert (ended.outcome, (tmp_path / "done").exists()) == ("exit code 5", True)


def test_it_has_no_secret_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BWP_CLIENT_SECRET", "hush")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    output = run_program(OperatorProgram(("env",)), "").output
    assert "hush" not in output
    assert f"PATH={os.environ['PATH']}" in output
