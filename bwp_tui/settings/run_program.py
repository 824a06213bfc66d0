"""Run a program of the operator: without a shell, within a time, with a bounded output and without secrets."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from typing import Final, NamedTuple

from bwp_tui.domain.text import escaped
from bwp_tui.settings.child_output import read_until_end
from bwp_tui.settings.profile import OperatorProgram
from bwp_tui.settings.secret import environment_of_children, start_failed_reason

LONGEST_OUTPUT: Final = 256 * 1024
"""Bytes of a program's output that are kept."""

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
        return ProgramRun(f"could not be started: {start_failed_reason(error)}", "", succeeded=False)
    try:
        output, why_killed = read_until_end(process, program.timeout_s, LONGEST_OUTPUT, stop, discards_rest=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started and left running, too
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    code = process.returncode
    ended = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
    text = escaped(output[:LONGEST_OUTPUT].decode("utf-8", "replace")).rstrip("\n")
    cut = _CUT if len(output) > LONGEST_OUTPUT else ""
    return ProgramRun(why_killed or ended, f"{text}{cut}", succeeded=not why_killed and code == 0)
