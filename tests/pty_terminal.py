"""A terminal for tests: runs a program in a real pty, answers its queries, and knows what the screen shows."""

from __future__ import annotations

import fcntl
import os
import re
import selectors
import signal
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import pyte

from tests.program_server import start_in_terminal
from tests.waiting import PATIENCE_S, eventually

_INHERITED: Final = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "SSL_CERT_FILE")
_MODERN: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}

ANSWERS: Final[tuple[tuple[re.Pattern[bytes], bytes], ...]] = (
    (re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22;52c"),  # DA1: what are you
    (re.compile(rb"\x1b\[>0?q"), b"\x1bP>|tests 1\x1b\\"),  # XTVERSION
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),  # synchronized output: known, off
    (re.compile(rb"\x1b\[\?2048\$p"), b"\x1b[?2048;0$y"),  # in-band resize: unknown
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),  # cursor position
    (re.compile(rb"\x1b\]11;\?(?:\x07|\x1b\\)"), b"\x1b]11;rgb:1212/1212/1212\x1b\\"),  # background
)
FOREIGN_TO_PYTE: Final = re.compile(rb"\x1b\[[<>=?][0-9;]*u|\x1b\[>[0-9;]*[mq]|\x1b\[[?0-9;]*\$p|\x1bP.*?\x1b\\")
UNFINISHED: Final = re.compile(rb"\x1b(?:\[[0-9;?<>=$]*|\][^\x07\x1b]*\x1b?|P[^\x1b]*\x1b?)?$")

_LAST_OUTPUT_S: Final = 10.0
"""Seconds to wait for the last output of an ended program: what it has started may keep the terminal open."""


def cells(screen: pyte.Screen) -> list[list[object]]:
    """Return the cells of a screen, a list a row: each a letter with its look, as far as it is seen."""
    return [[_as_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def _as_seen(cell: pyte.screens.Char) -> pyte.screens.Char:
    """Return a cell; a blank without the colour of its letter."""
    if cell.data != " " or cell.underscore or cell.strikethrough or cell.reverse:
        return cell
    return pyte.screens.Char(" ", bg=cell.bg)


class Terminal:
    """A program in a pty of its own, as its session's controlling terminal.

    The environment is a bare one (`TERM`, `COLORTERM`, `LANG`, where programs and modules are found) with
    `env` over it. Everything the program writes is kept. Use it as a context manager: the program ends with it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self._master, slave = os.openpty()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._output = bytearray()
        self._held_back = b""
        self._last_output = time.monotonic()
        self._ended = False
        self._stop_reading, self._stop_asked = socket.socketpair()
        _set_size(slave, columns, rows)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._process = start_in_terminal(argv, slave, {**inherited, **_MODERN, **(env or {})}, cwd)
        os.close(slave)
        self._reader = threading.Thread(target=self._read, name="pty reader", daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return self._process.pid

    def send(self, keys: str | bytes) -> None:
        """Type keys, as the bytes a terminal sends for them."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self._master, data) :]

    def wait_until_it_sleeps(self) -> None:
        """Wait until the program waits for a key: else Python's `input` may notice a signal at the next key only."""
        eventually(lambda: Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        with self._changed:
            self._screen.resize(rows, columns)
        _set_size(self._master, columns, rows)

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal under the program, as a lost SSH link does."""
        if self._master >= 0:
            self._stop_asked.send(b"x")
            self._reader.join()
            os.close(self._master)
            self._master = -1

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for the program's end; returns its exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        status = self._process.wait(timeout)
        with self._changed:
            self._changed.wait_for(lambda: self._ended, _LAST_OUTPUT_S)
        return status

    def close(self) -> None:
        """End the program, the hard way where it still runs, and give everything back."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.hang_up()
        self._stop_reading.close()
        self._stop_asked.close()

    def screen_text(self) -> str:
        """Return what the screen shows, a line a row, without blanks at the lines' ends."""
        with self._changed:
            return self._text()

    def cells(self) -> list[list[object]]:
        """Return the screen's cells."""
        with self._changed:
            return cells(self._screen)

    @property
    def is_stopped(self) -> bool:
        """Whether the program is stopped, as by ctrl+z."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def mark(self) -> int:
        """Return the number of bytes written up to now, for `bytes_since`."""
        with self._changed:
            return len(self._output)

    def bytes_since(self, mark: int = 0) -> bytes:
        """Return what the program has written since `mark`."""
        with self._changed:
            return bytes(self._output[mark:])

    def wait_for(self, wanted: str | Callable[[str], bool], timeout: float = PATIENCE_S) -> str:
        """Wait until the screen holds a text, or fulfils a predicate on its text; returns the screen's text.

        Raises:
            AssertionError: it did not come to be in time, or the program ended before. Holds the screen.
        """
        holds = wanted if callable(wanted) else lambda text: wanted in text
        with self._changed:
            self._changed.wait_for(lambda: holds(self._text()) or self._ended, timeout)
            text = self._text()
            assert holds(text), f"{wanted!r} is not on the screen:\n{text}"
            return text

    def wait_until_quiet(self, quiet: float = 0.3, timeout: float = PATIENCE_S) -> None:
        """Wait until the program has written nothing for `quiet` seconds, the first of which is now.

        Raises:
            AssertionError: it kept writing for `timeout` seconds.
        """
        called = time.monotonic()
        deadline = called + timeout
        with self._changed:
            while (left := max(called, self._last_output) + quiet - time.monotonic()) > 0:
                assert time.monotonic() < deadline, f"still writing after {timeout} s"
                self._changed.wait(left)

    def _text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._master, selectors.EVENT_READ)
            selector.register(self._stop_reading, selectors.EVENT_READ)
            while data := self._next_bytes(selector):
                self._take(data)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _next_bytes(self, selector: selectors.BaseSelector) -> bytes:
        ready = {key.fd for key, _ in selector.select()}
        if self._stop_reading.fileno() in ready:
            return b""
        try:
            return os.read(self._master, 1 << 16)
        except OSError:  # EIO: nobody has the other end open any more
            return b""

    def _take(self, data: bytes) -> None:
        with self._changed:
            self._output += data
            self._last_output = time.monotonic()
            data = self._held_back + data
            cut = match.start() if (match := UNFINISHED.search(data)) else len(data)
            data, self._held_back = data[:cut], data[cut:]
            for query, answer in ANSWERS:
                for _ in query.findall(data):
                    self.send(answer)
            self._stream.feed(FOREIGN_TO_PYTE.sub(b"", data))
            self._changed.notify_all()


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
