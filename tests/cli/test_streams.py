"""Streams that are closed, full or left by their reader: the exit code tells what was done."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.store.open_store import open_store
from tests.cli.conftest import CREDENTIALS, Bwp
from tests.cli.test_submit import recorded
from tests.pty_terminal import Terminal
from tests.waiting import eventually

LOST = ["<&- >&- 2>&-", ">&-", "2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "| true", "2>&1 | true"]


def _shell(bwp: Bwp, streams: str, *words: str) -> int:
    """Run a command with its streams as a shell makes them; return its own exit code, a pipe's end left aside."""
    line = f"set -o pipefail; {shlex.join(bwp.argv(*words))} {streams}"
    ended = subprocess.run(["bash", "-c", line], env=bwp.env, capture_output=True, timeout=50, check=False)
    assert b"Traceback" not in ended.stderr
    assert b"Exception ignored" not in ended.stderr
    return ended.returncode


@pytest.mark.parametrize("streams", LOST)
def test_a_request_that_was_sent_is_a_success_whatever_became_of_the_output(shop: Bwp, streams: str) -> None:
    assert _shell(shop, streams, "submit", "retrieval", "jane@example.com") == ExitCode.DONE
    assert recorded(shop) == 1


def test_the_sign_of_a_section_is_spelt_where_the_encoding_lacks_it(bwp: Bwp) -> None:
    env = {**bwp.env, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(bwp.argv("purge", "--help"), env=env, capture_output=True, timeout=50, check=False)
    assert b"(Sec. 7101)" in ended.stdout


@pytest.mark.parametrize("streams", LOST)
def test_a_request_that_was_refused_is_none(shop: Bwp, streams: str) -> None:
    assert _shell(shop, streams, "submit", "retrieval", "jane@example") == ExitCode.USAGE


@pytest.mark.parametrize(
    ("streams", "code"), [("| true", ExitCode.DONE), (">/dev/full", ExitCode.FAILED), ("2>/dev/full", ExitCode.DONE)]
)
def test_what_is_printed_for_its_own_sake_fails_where_it_cannot_be_kept(bwp: Bwp, streams: str, code: ExitCode) -> None:
    for number in range(3):
        bwp("import", str(_file(bwp, number)), env=CREDENTIALS)
    assert _shell(bwp, streams, "export", "-") == code
    assert _shell(bwp, streams, "list", "--json") == code


def _file(bwp: Bwp, number: int) -> Path:
    file = bwp.data.parent / f"{number}.csv"
    file.write_text(f"kind,email\nretrieval,jane+{number}@example.com\n")
    return file


@pytest.mark.parametrize("closed", [True, False], ids=["reader gone", "disk full"])
def test_the_engine_goes_on_when_its_output_cannot_be_written(shop: Bwp, closed: bool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    full = os.open("/dev/full", os.O_WRONLY)
    out = writer if closed else full
    with subprocess.Popen(shop.argv("run"), env=shop.env, stdout=out, stderr=out) as engine:
        try:
            shop("import", str(_file(shop, 1)))
            eventually(lambda: _sent(shop) == 1)
            engine.send_signal(signal.SIGTERM)
            assert engine.wait(20) == ExitCode.DONE
        finally:
            engine.kill()
    os.close(writer)
    os.close(full)


def _sent(bwp: Bwp) -> int:
    store = open_store(bwp.folder / "history.db")
    try:
        row = store.row("SELECT count(*) FROM tasks WHERE task_id IS NOT NULL")
        assert row is not None
        assert isinstance(row[0], int)
        return row[0]
    finally:
        store.close()


def test_no_file_takes_the_number_of_a_closed_stream(bwp: Bwp) -> None:
    """A history at descriptor 2 would be written over by the first warning of a library."""
    code = (
        "import sys; from bwp_tui.__main__ import main; sys.argv = ['bwp-tui', 'list']; main(); import os;"
        "sys.exit([os.readlink(f'/proc/self/fd/{n}') for n in range(3)] != ['/dev/null'] * 3)"
    )
    line = shlex.join([*bwp.argv()[:1], "-c", code])
    ended = subprocess.run(["bash", "-c", f"{line} <&- >&- 2>&-"], env=bwp.env, timeout=50, check=False)
    assert ended.returncode == 0


def test_a_terminal_is_steered_by_no_file_name(bwp: Bwp) -> None:
    bwp.data.parent.joinpath("evil\x1b]0;PWN\x07.csv").write_text("kind,email\nretrieval,jane@example.com\n")
    env = {**bwp.env, **CREDENTIALS}
    with Terminal(bwp.argv("import", "evil\x1b]0;PWN\x07.csv"), env=env, cwd=str(bwp.data.parent)) as terminal:
        assert terminal.wait(20) == ExitCode.DONE
        said = terminal.bytes_since()
    assert b"\x07" not in said
    assert b"\x1b]0" not in said
    assert b"evil\\x1b]0;PWN\\x07" in said.replace(b"\r\n", b"")


def test_a_message_is_free_of_control_characters_in_a_file_too(bwp: Bwp) -> None:
    ended = bwp("import", "evil\x1b]0;PWN\x07.csv")
    assert ended.code == ExitCode.NOT_FOUND
    assert "\x1b" not in ended.err
    assert "\x07" not in ended.err
