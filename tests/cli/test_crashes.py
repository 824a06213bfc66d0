"""What an operator sees of a fault of this program, and what its report holds."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bwp_tui import crashlog
from bwp_tui.cli import main as cli
from bwp_tui.cli.exit_codes import ExitCode
from tests.cli.conftest import Bwp

SECRETS = {
    "https://b.s3.amazonaws.com/x.zip?X-Amz-Signature=hush&X-Amz-Date=1": "hush",
    "Authorization: Bearer hush.hush-hush": "hush",
    "client_id=a&client_secret=hush": "hush",
    '{"access_token": "hush"}': "hush",
    "BWP_CLIENT_SECRET='hush'": "hush",
    "X-Amz-Security-Token: hush": "hush",
    "https://user:hush@example.com/": "hush",
    "no task for jane.doe+x@example.com": "jane.doe",
    "\x1b]52;c;x\x07": "\x1b",
}


def failure(message: str) -> Exception:
    local = "a local variable with hush-local"
    try:
        raise ValueError(message) from KeyError(message)
    except ValueError as error:
        assert local
        return error


@pytest.mark.parametrize("message", SECRETS)
def test_a_report_holds_the_traceback_without_secrets_or_local_variables(tmp_path: Path, message: str) -> None:
    path = crashlog.write_report(tmp_path / "log", failure(message))
    assert path is not None
    text = path.read_text(encoding="utf-8")
    assert "ValueError" in text
    assert "KeyError" in text
    assert "test_crashes.py" in text
    assert SECRETS[message] not in text.replace("hush-local", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_fault_that_comes_again_is_reported_once(tmp_path: Path) -> None:
    paths = {crashlog.write_report(tmp_path, failure(f"at {number}")) for number in range(5)}
    assert len(paths) == len(list(tmp_path.iterdir())) == 1
    other = crashlog.write_report(tmp_path, RuntimeError("another fault"))
    assert other not in paths


def test_the_last_few_reports_are_kept(tmp_path: Path) -> None:
    faults = [type(f"Fault{number}", (Exception,), {})() for number in range(crashlog.KEPT_REPORTS + 5)]
    paths = [crashlog.write_report(tmp_path, fault) for fault in faults]
    assert sorted(tmp_path.iterdir()) == paths[5:]


def test_a_report_that_cannot_be_written_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = failure("x")
    assert crashlog.write_report(tmp_path / "file" / "log", error) is None
    assert "ValueError" in crashlog.sentence(error, None)


def test_an_interrupt_while_the_command_line_is_read_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parse_arguments", interrupted)
    assert cli.run(["list"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.count("\n") == 1


def test_a_fault_of_a_command_is_a_sentence_and_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: object) -> ExitCode:
        raise failure("token=hush for jane@example.com")

    monkeypatch.setenv("BWP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(cli, "command_of", lambda _arguments: broken)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    assert cli.run(["list"]) == ExitCode.FAILED
    said = capsys.readouterr().err
    reports = list((tmp_path / "default" / "log").iterdir())
    assert len(reports) == 1
    assert said.count("\n") == 1
    assert str(reports[0]) in said
    assert "hush" not in said
    assert "jane" not in said


def test_what_nothing_catches_is_told_alike_in_every_thread(bwp: Bwp, tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, threading; from bwp_tui import crashlog; crashlog.install(pathlib.Path(sys.argv[1]))\n"
        "def fail(): raise ValueError('client_secret=hush')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")], env=bwp.env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.count("met a fault of its own (ValueError)") == 2
    assert "Traceback" not in ended.stderr
    assert len(list((tmp_path / "log").iterdir())) == 2


def test_no_core_dump_can_hold_a_secret(bwp: Bwp) -> None:
    code = (
        "import resource, sys; sys.argv = ['bwp-tui', '--version']; from bwp_tui.__main__ import main; main();"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=bwp.env, capture_output=True, text=True, check=True)
    assert ended.stdout.endswith("(0, 0)\n")
