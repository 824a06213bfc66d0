"""Run a command line of this program in a process of its own, on a pseudo-terminal.

So it is the very command of the shell, with its questions, and what it does cannot disturb the screen.
"""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bwp_tui.settings import Profile
from bwp_tui.settings.load import practice_environment
from bwp_tui.settings.profile import CONSOLE_SIZE_VARIABLE

MAX_LINES: Final = 5_000
"""Lines of output that are kept: the first ones."""

INTERRUPTED: Final = 130
"""The exit code of a command that was interrupted."""

_QUESTION: Final = re.compile(r"(\[y/N\]|to confirm:) \Z")
"""The end of a line that waits for an answer."""

_CHUNK: Final = 65_536


class CommandProcess:
    """One command line and its output.

    Args:
        changed: called when there is more output, or none any more.
        asked: called with each question of the command.

    Attributes:
        lines: the first lines of the output, without the last one while it is not ended.
        line_count: how many lines there were.
        exit_code: None while it runs.
    """

    def __init__(self, changed: Callable[[], None], asked: Callable[[str], None]) -> None:
        self.lines: list[str] = []
        self.line_count = 0
        self.exit_code: int | None = None
        self._changed = changed
        self._asked = asked
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished_line = ""
        self._terminal = -1
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, words: Sequence[str], profile: Profile, size: tuple[int, int], margin: int) -> None:
        """Run the line until it ends, beside a margin of the console's size; where this is cancelled, interrupt it."""
        columns, rows = size
        try:
            self._terminal, end = pty.openpty()
        except OSError as error:
            self.lines, self.exit_code = [f"It cannot be run here: {error.strerror or error}."], 1
            self._changed()
            return
        os.set_blocking(self._terminal, False)
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns - margin, 0, 0))
        environ = practice_environment(profile, os.environ) if profile.is_sandbox else dict(os.environ)
        environ |= {"COLUMNS": str(columns - margin), CONSOLE_SIZE_VARIABLE: f"{columns}x{rows}"}
        loop = asyncio.get_running_loop()
        try:
            with _interrupts_blocked():
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bwp_tui", "--profile", profile.name, *words),
                    stdin=end,
                    stdout=end,
                    stderr=end,
                    env=environ,
                    start_new_session=True,
                )
            os.close(end)
            loop.add_reader(self._terminal, self._read)
            code = await self._process.wait()
            self._read()
            self.exit_code = INTERRUPTED if code == -signal.SIGINT else code
        finally:
            self.interrupt()
            loop.remove_reader(self._terminal)
            os.close(self._terminal)
            self._changed()

    def answer(self, text: str) -> None:
        """Answer the question of the command; it echoes the answer."""
        if self.exit_code is None:
            os.write(self._terminal, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Interrupt the command as ctrl+c would, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, _CHUNK)
        except OSError:  # BlockingIOError, or EIO once the process has closed its end
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
            return
        *ended, self._unfinished_line = f"{self._unfinished_line}{self._decoder.decode(data)}".split("\n")
        self.lines += map(_last_drawn, ended[: MAX_LINES - len(self.lines)])
        self.line_count += len(ended)
        self._changed()
        if _QUESTION.search(self._unfinished_line):
            self._asked(_last_drawn(self._unfinished_line))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT, also in a process that starts meanwhile, until `cli.main` there can say that it was interrupted.

    Interrupted while it starts, the interpreter would print a traceback, and end with any exit code.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _last_drawn(line: str) -> str:
    """Return what a terminal shows of a line in the end: progress is drawn over what stood there."""
    return line.rstrip("\r").rpartition("\r")[2].replace("\x1b[K", "")
