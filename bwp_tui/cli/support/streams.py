"""Prepare stdin, stdout and stderr, which may be closed, full, without a reader, or without UTF-8.

The exit code reports what became of a request, so output that cannot be written does not end a command that acts. It
ends a command that only prints.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bwp_tui.domain.cli_commands import with_profile
from bwp_tui.domain.text import ASCII_FORMS, clean, escaped, lacks_symbols, spell_section_signs

if TYPE_CHECKING:
    from argparse import Namespace

AS_SENTENCES: Final = ContextVar("AS_SENTENCES", default=False)
"""Whether tasks and the rows of tables are printed as sentences, for a screen reader."""

_IN_PROFILE: Final[ContextVar[Callable[[str], str]]] = ContextVar("IN_PROFILE", default=str)

ROWS_ON_TERMINAL: Final = 100
"""Rows that `list`, `sent` and `downloads` print on a terminal unless told otherwise."""

_ERROR_HANDLER: Final = "bwp-tui-signs"


class _RawOutput(io.RawIOBase):
    """Accepts everything that is written to a file descriptor, even if it cannot be."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.lost: OSError | None = None
        self.ends_with_reader = False
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
            if self.ends_with_reader:
                raise
            return len(view)


class Output(io.TextIOWrapper):
    """Text output; a terminal is shown escapes in place of control characters.

    Attributes:
        draws: whether `draw` shows anything.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self.raw = _RawOutput(descriptor)
        self._is_terminal = self.raw.isatty()
        self.draws = self._is_terminal and os.environ.get("TERM", "dumb") != "dumb"
        self._drawn = False
        self._lacks_symbols = lacks_symbols(os.environ.get("TERM", ""))
        super().__init__(
            io.BufferedWriter(self.raw),
            encoding=encoding,
            errors=_ERROR_HANDLER,
            line_buffering=self._is_terminal or descriptor == 2,
        )

    def write(self, text: str, /) -> int:
        if not self._is_terminal:
            return super().write(text)
        draw("")  # on stderr, which is the same terminal
        super().write(self._drawable(text))
        return len(text)

    def _drawable(self, text: str) -> str:
        return escaped(text).translate(ASCII_FORMS if self._lacks_symbols else {})

    def draw(self, line: str) -> None:
        """Draw a line on a terminal in place of the last one; the next text wipes it."""
        if self.draws and (line or self._drawn):
            super().write(f"\r{self._drawable(line)}\x1b[K")
            self.flush()
            self._drawn = bool(line)


def prepare() -> None:
    """Replace Python's streams.

    A closed one becomes /dev/null; otherwise the next opened file would get its number and the output.
    """
    codecs.register_error(_ERROR_HANDLER, _as_plain_signs)
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  open until the process ends
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    sys.stdout = _output(1, sys.stdout)
    sys.stderr = _output(2, sys.stderr)


def end_with_reader(ends: bool) -> None:
    """Set whether output that cannot be written ends the command."""
    if isinstance(sys.stdout, Output):
        sys.stdout.raw.ends_with_reader = ends


def use_plain_output() -> None:
    """Print sentences from now on, and draw no progress."""
    AS_SENTENCES.set(True)
    if isinstance(sys.stderr, Output):
        sys.stderr.draws = False


def name_profile(profile: str, commands: Iterable[str]) -> None:
    """Let all that is printed from now on name the profile in these commands: without it they are about another one."""
    _IN_PROFILE.set(partial(with_profile, profile=profile, commands=tuple(commands)))


def name_no_profile() -> None:
    """Undo `name_profile`: what is printed from now on is for plain mode, whose commands are about its own profile."""
    _IN_PROFILE.set(str)


def in_profile(sentence: str) -> str:
    """Return a sentence with the profile in the commands that it names; see `name_profile`."""
    return _IN_PROFILE.get()(sentence)


def terminal_width() -> int | None:
    """Return the width of the terminal on stdout; None without one, and where its lines may be read out."""
    return None if AS_SENTENCES.get() or os.environ.get("TERM", "dumb") == "dumb" else _columns()


def _columns() -> int | None:
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def wrapped(sentence: str) -> str:
    """Return a sentence as it is printed: in plain mode the lines of the terminal end between words."""
    width = _columns() if AS_SENTENCES.get() else None
    if width is None:
        return sentence
    import textwrap  # the console does not need it

    return textwrap.fill(sentence, width, break_long_words=False, break_on_hyphens=False)


def print_message(sentence: str) -> None:
    """Print a message to the operator on stderr."""
    for line in clean(in_profile(sentence)).splitlines():
        print(wrapped(f"bwp-tui: {line}"), file=sys.stderr)


def draw(line: str) -> None:
    """Draw a progress line on stderr if that is a terminal; see `Output.draw`."""
    if isinstance(sys.stderr, Output):
        sys.stderr.draw(line)


def _output(descriptor: int, stream: object) -> Output:
    return Output(descriptor, stream.encoding if isinstance(stream, io.TextIOWrapper) else "utf-8")


def _as_plain_signs(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace characters that an encoding lacks with similar ones, or with escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = spell_section_signs(error.object[error.start : error.end]).translate(ASCII_FORMS)
    return re.sub("[^\x00-\x7f]", lambda sign: sign[0].encode("ascii", "backslashreplace").decode(), text), error.end


def print_if_cut(shown: int, total: int, what: str) -> None:
    """Say how many rows there are, where `most_rows` left some out."""
    if total > shown:
        print_message(f"{shown} of {total} {what} shown; --limit {total} shows all.")


def most_rows(arguments: Namespace) -> int:
    """Return how many rows a command prints at most: on a terminal not all, unless `--limit` says so."""
    is_shown = sys.stdout is not None and sys.stdout.isatty() and not arguments.json
    limit: int | None = arguments.limit
    return limit if limit is not None else ROWS_ON_TERMINAL if is_shown else sys.maxsize
