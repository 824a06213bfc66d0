"""Prepare stdin, stdout and stderr for whatever they are: closed, full, left by their reader, or without UTF-8.

What became of a request is told by the exit code. So a line that cannot be written ends no command that acts; one
whose only result is what it prints ends with the write.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from pathlib import Path
from typing import Final

from bwp_tui.domain.text import SIGNS, escaped

_FAULT: Final = "bwp-tui-signs"


class _Raw(io.RawIOBase):
    """A file descriptor that takes all that is written, whether or not it can be kept."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.lost: OSError | None = None
        self.ends_with_its_reader = False
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: object, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # whatever the buffer above hands down
        if self.lost is not None:
            return len(view)
        try:
            return os.write(self._descriptor, view)
        except OSError as error:
            self.lost = error
            if self.ends_with_its_reader:
                raise
            return len(view)


class Output(io.TextIOWrapper):
    """Text on its way out. On a terminal, characters that steer it are shown as escapes."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        self.raw = _Raw(descriptor)
        self._is_terminal = self.raw.isatty()
        self._drawn = False
        super().__init__(
            io.BufferedWriter(self.raw),
            encoding=encoding,
            errors=_FAULT,
            line_buffering=self._is_terminal or descriptor == 2,
        )

    def write(self, text: str, /) -> int:
        if not self._is_terminal:
            return super().write(text)
        if self._drawn:
            self.draw("")
        super().write(escaped(text))
        return len(text)

    def draw(self, line: str) -> None:
        """Show a line on a terminal in the place of the one before; the next text wipes it."""
        if self._is_terminal and os.environ.get("TERM", "dumb") != "dumb":
            super().write(f"\r{escaped(line)}\x1b[K")
            self.flush()
            self._drawn = bool(line)


def prepare() -> None:
    """Put streams of ours in the place of Python's.

    A closed one becomes /dev/null: else the next file that is opened would take its number, and what is printed.
    """
    codecs.register_error(_FAULT, _as_plain_signs)
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  as long as the process lives
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    sys.stdout = _output(1, sys.stdout)
    sys.stderr = _output(2, sys.stderr)


def end_with_reader(ends: bool) -> None:
    """Say whether the command that runs now is over when its output cannot be written any more."""
    if isinstance(sys.stdout, Output):
        sys.stdout.raw.ends_with_its_reader = ends


def draw(line: str) -> None:
    """Show on stderr how far something is, where a terminal is there; see `Output.draw`."""
    if isinstance(sys.stderr, Output):
        sys.stderr.draw(line)


def _output(descriptor: int, stream: object) -> Output:
    return Output(descriptor, stream.encoding if isinstance(stream, io.TextIOWrapper) else "utf-8")


def _as_plain_signs(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what an encoding lacks as the sign next to it, or as an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(SIGNS)
    return re.sub("[^\x00-\x7f]", lambda sign: sign[0].encode("ascii", "backslashreplace").decode(), text), error.end
