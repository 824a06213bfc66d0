"""Run a program of the operator: without a shell, within a time, with a bounded output and without secrets."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from typing import Final, NamedTuple

from bwp_tui.domain.text import escaped
from bwp_tui.settings.profile import OperatorProgram
from bwp_tui.settings.secret import environment_of_children, why_not_started

LONGEST_OUTPUT: Final = 256 * 1024
"""Bytes of a program's output that are kept."""

_CHECK_S: Final = 0.1
_CHUNK: Final = 64 * 1024
_CUT: Final = "\n… (the rest of the output was discarded)"


class ProgramRun(NamedTuple):
    """How a program ended: in a few words, and what it wrote, without control characters."""

    outcome: str
    output: str
    succeeded: bool


def run_program(program: OperatorProgram, text: str, stop: threading.Event | None = None) -> ProgramRun:
    """Run a program with a text as its input, until it ends, its time is up, or `stop` is set.

    What it has started and left running is killed.
    """
    try:
        with tempfile.TemporaryFile() as stdin:  # a pipe that nobody reads would block
            stdin.write(text.encode())
            stdin.seek(0)
            process = subprocess.Popen(  # noqa: S603  the operator's own program, without a shell
                program.argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment_of_children(),
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        return ProgramRun(f"could not be started: {why_not_started(error)}", "", succeeded=False)
    try:
        output, why_killed = _read_until_end(process, program.timeout_s, stop)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started and left running, too
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    code = process.returncode
    ended = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
    shown = escaped(output[:LONGEST_OUTPUT].decode("utf-8", "replace")).rstrip("\n")
    cut = _CUT if len(output) > LONGEST_OUTPUT else ""
    return ProgramRun(why_killed or ended, f"{shown}{cut}", succeeded=not why_killed and code == 0)


def _read_until_end(
    process: subprocess.Popen[bytes], timeout_s: float, stop: threading.Event | None
) -> tuple[bytes, str]:
    """Return the output of a program, one byte more than is kept at most, and why it has to be killed, if it has."""
    output, deadline = b"", time.monotonic() + timeout_s
    pipe = process.stdout.fileno() if process.stdout is not None else -1
    while True:
        has_ended = process.poll() is not None  # before the look at the pipe: what it wrote last is in there
        ready, _, _ = select.select([pipe], [], [], 0 if has_ended else _CHECK_S)
        chunk = os.read(pipe, _CHUNK) if ready else b""
        output = (output + chunk)[: LONGEST_OUTPUT + 1]
        if has_ended and not chunk:
            return output, ""
        if time.monotonic() >= deadline:
            return output, "" if has_ended else f"took more than {timeout_s:g} s and was ended"
        if stop is not None and stop.is_set():
            return output, "was ended with bwp-tui"
        if ready and not chunk:  # it has closed its output, and goes on
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CHECK_S)
