"""A terminal that keeps time: it notes when each byte came, and draws what came only when it is asked to."""

from __future__ import annotations

import os
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import pyte

from tests.pty_terminal import ANSWERS, FOREIGN_TO_PYTE, UNFINISHED

ROOT: Final = Path(__file__).parents[2]
SIZE: Final = (120, 40)

_MODERN: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
_INHERITED: Final = ("PATH", "VIRTUAL_ENV")
_READ: Final = 1 << 16
_BURST_S: Final = 0.1
"""Drawing takes us longer than a terminal: bytes that come so close to others are read before any is drawn."""


class _Drawing:
    """What a terminal shows after some bytes."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._held_back = b""

    def feed(self, data: bytes) -> None:
        data = self._held_back + data
        cut = match.start() if (match := UNFINISHED.search(data)) else len(data)
        data, self._held_back = data[:cut], data[cut:]
        self._stream.feed(FOREIGN_TO_PYTE.sub(b"", data))

    def holds(self, texts: Sequence[str]) -> bool:
        shown = str(self)
        return all(text in shown for text in texts)

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came after a key: seconds to its last byte, and how many bytes."""

    seconds: float
    size: int


class TimedPty:
    """A program in a pty of its own; use it as a context manager, with which the program ends.

    Nothing is read but within a call: to a program that writes much meanwhile the link is stalled.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = SIZE) -> None:
        self._master, slave = os.openpty()
        columns, rows = self._size = size
        termios.tcsetwinsize(slave, (rows, columns))
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.size = 0
        self._chunks: list[tuple[float, bytes]] = []
        self._drawing, self._drawn = _Drawing(size), 0
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            argv,
            env={**inherited, **_MODERN, **env},
            cwd=ROOT,
            pass_fds=(slave,),
            preexec_fn=lambda: os.login_tty(slave),
        )
        os.close(slave)

    def __enter__(self) -> TimedPty:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return self._process.pid

    def until(self, *texts: str, timeout: float = 60.0) -> None:
        """Read until the screen holds the texts.

        Raises:
            AssertionError: they did not come; holds the screen.
        """
        deadline = time.monotonic() + timeout
        while not self._draw().holds(texts):
            assert self._read(deadline - time.monotonic()) is not None, f"{texts} did not come:\n{self._drawing}"
            while self._read(_BURST_S) is not None:
                pass

    def when(self, *texts: str) -> float:
        """Return how many seconds after the start the screen first held all of the texts, of what was read so far.

        Raises:
            AssertionError: it never did.
        """
        drawing = _Drawing(self._size)
        for at, data in self._chunks:
            drawing.feed(data)
            if drawing.holds(texts):
                return at - self.began
        raise AssertionError(f"{texts} did not come:\n{drawing}")

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[float, str]]:
        """Yield, for each time that something was read, when that was, and what the pattern's group then matched."""
        drawing = _Drawing(self._size)
        for at, data in self._chunks:
            drawing.feed(data)
            if found := pattern.search(str(drawing)):
                yield at, found[1]

    def wait_until_quiet(self, quiet: float = 0.5, timeout: float = 60.0) -> None:
        """Read until nothing comes for `quiet` seconds, the first byte excepted, which may take its time.

        Raises:
            AssertionError: it kept coming.
        """
        deadline = time.monotonic() + timeout
        while self._read(quiet if self._chunks else timeout) is not None:
            assert time.monotonic() < deadline, f"still writing after {timeout} s"

    def read_for(self, seconds: float) -> int:
        """Read for so long, and return how many bytes came."""
        before, end = self.size, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)
        return self.size - before

    def send(self, keys: str) -> None:
        """Type keys."""
        os.write(self._master, keys.encode())

    def press(self, keys: str, quiet: float = 0.04, timeout: float = 10.0) -> Answer:
        """Type keys, and read until the answer has come: bytes, and then none for `quiet` seconds.

        Raises:
            AssertionError: nothing came.
        """
        before, began = self.size, time.monotonic()
        self.send(keys)
        last = at = self._read(timeout)
        assert last is not None, f"no answer to {keys!r}"
        while (at := self._read(quiet)) is not None:
            last = at
        return Answer(last - began, self.size - before)

    def answer_to(self, keys: str, lines: slice, columns: slice, quiet: float = 0.6) -> float:
        """Type keys, and return the seconds until this part of the screen was as it is at the end of the answer.

        The answer ends with `quiet` seconds without a byte. 0 means that the part stayed as it was.
        """
        self._draw()
        shown, began = self._part(lines, columns), time.monotonic()
        seen = [(began, shown)]
        self.send(keys)
        self.wait_until_quiet(quiet)
        for at, data in self._chunks[self._drawn :]:
            self._drawing.feed(data)
            self._drawn += 1
            seen.append((at, self._part(lines, columns)))
        last = max((place for place, (_, what) in enumerate(seen) if what != seen[-1][1]), default=-1) + 1
        return seen[last][0] - began

    def _part(self, lines: slice, columns: slice) -> list[str]:
        return [line[columns].rstrip() for line in str(self._drawing).split("\n")[lines]]

    def screen(self) -> str:
        """Return what the screen shows of what was read."""
        return str(self._draw())

    def _draw(self) -> _Drawing:
        for _, data in self._chunks[self._drawn :]:
            self._drawing.feed(data)
        self._drawn = len(self._chunks)
        return self._drawing

    def _read(self, timeout: float) -> float | None:
        """Read once, and return when that was; None where nothing came in time."""
        if timeout < 0 or not select.select([self._master], [], [], timeout)[0]:
            return None
        data = b""
        with suppress(OSError):  # EIO: the program has ended
            data = os.read(self._master, _READ)
        at = time.monotonic()
        if not data:
            return None
        self._chunks.append((at, data))
        self.size += len(data)
        for query, answer in ANSWERS:
            for _ in query.findall(data):
                os.write(self._master, answer)
        return at


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, all of its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
