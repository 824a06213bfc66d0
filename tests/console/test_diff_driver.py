"""What the operator sees through the diff driver is what Textual painted, cell by cell, whatever happens."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyte
import pytest

from bwp_tui.console.terminal.key_bursts import GAP_S
from tests.console.past_tasks import PAST
from tests.console.support import make_profile, plant
from tests.pty_terminal import FOREIGN_TO_PYTE, Terminal, cells
from tests.waiting import eventually

ROOT: Final = Path(__file__).parents[2]
ESCAPE: Final = "\x1b[27u"
KEYS: Final = (
    *"jjkkGg?:/nDfmsTp 1234",
    *"abe1",
    ESCAPE,
    ESCAPE,
    ESCAPE,
    "\x1b[B",
    "\x1b[A",
    "\x1b[6~",
    "\r",
    "\t",
    "\x7f",
)


class Watched:
    """A console in a terminal, and beside it a terminal that gets all that Textual writes."""

    def __init__(self, folder: Path, columns: int, rows: int, *, below: tuple[str, ...] = ()) -> None:
        self._copy = folder / "copy"
        self._read = 0
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        plant(make_profile(folder), PAST).close()
        argv = [*below, sys.executable, "-m", "tests.console.driver_app", str(folder), str(self._copy)]
        self.terminal = Terminal(argv, columns, rows, env={"PYTHONPATH": str(ROOT)}, cwd=str(ROOT))

    def shows_what_is_painted(self) -> bool:
        with self._copy.open("rb") as copy:
            copy.seek(self._read)
            data = copy.read()
        self._read += len(data)
        self._stream.feed(FOREIGN_TO_PYTE.sub(b"", data.replace(b"\n", b"\r\n")))
        return self.terminal.cells() == cells(self._screen)

    def resize(self, columns: int, rows: int) -> None:
        self.terminal.wait_until_quiet()
        eventually(self.shows_what_is_painted)
        self._screen.resize(rows, columns)
        self.terminal.resize(columns, rows)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path, 120, 40)
    with watched.terminal as terminal:
        terminal.wait_for(f"1 all {len(PAST)}")
        terminal.wait_until_quiet()
        yield watched


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_screen_is_the_painted_one_after_any_walk_over_the_keys(watched: Watched, seed: int) -> None:
    walk = random.Random(seed)
    for _ in range(8):
        for key in walk.choices(KEYS, k=8):
            watched.terminal.send(key)
            watched.terminal.wait_until_quiet(quiet=2 * GAP_S)  # or they would be a paste
        eventually(watched.shows_what_is_painted)


def test_the_screen_is_the_painted_one_after_changes_of_size(watched: Watched) -> None:
    for columns, rows in ((80, 24), (100, 30), (59, 14), (120, 40)):
        watched.terminal.send("j")
        watched.resize(columns, rows)
        watched.terminal.wait_for("EMAIL")
        watched.terminal.wait_until_quiet()
        eventually(watched.shows_what_is_painted)


def test_a_resize_to_the_same_size_sends_the_screen_anew(watched: Watched) -> None:
    mark = watched.terminal.mark()
    watched.terminal.signal(signal.SIGWINCH)
    eventually(lambda: b"bwp-tui" in watched.terminal.bytes_since(mark))
    watched.terminal.wait_until_quiet()
    eventually(watched.shows_what_is_painted)


def test_the_screen_is_sent_anew_after_the_console_was_suspended(watched: Watched) -> None:
    terminal = watched.terminal
    mark = terminal.mark()
    terminal.signal(signal.SIGTSTP)
    eventually(lambda: b"\x1b[?1049l" in terminal.bytes_since(mark))
    before = terminal.bytes_since(mark).partition(b"\x1b[?1049l")[0]
    assert before.endswith(b"\x1b[m\x1b[H\x1b[2J")  # nothing stays in a terminal that has grown
    mark = terminal.mark()
    eventually(lambda: terminal.is_stopped)
    terminal.signal(signal.SIGCONT)
    eventually(lambda: b"bwp-tui" in terminal.bytes_since(mark) and b"detail" in terminal.bytes_since(mark))
    terminal.wait_until_quiet()
    eventually(watched.shows_what_is_painted)
    terminal.send("j")
    terminal.wait_until_quiet()
    eventually(watched.shows_what_is_painted)


def test_a_frame_that_changes_nothing_sends_nothing(watched: Watched) -> None:
    terminal = watched.terminal

    def sent_after(*keys: str) -> bytes:
        mark = terminal.mark()
        terminal.send("".join(keys))
        eventually(lambda: terminal.mark() > mark)
        terminal.wait_until_quiet()
        return terminal.bytes_since(mark)

    sent_after("j")  # the console has started once this is shown
    sent_after("k")
    expected = sent_after("j")
    sent_after("k")
    assert sent_after("g", "j") == expected


def test_an_escape_in_a_paste_types_nothing_into_other_fields(watched: Watched) -> None:
    terminal = watched.terminal
    terminal.send("n")
    terminal.wait_for("the shopper's email address")
    terminal.send("\x1b[200~jane\x1b[Bq\x1b[201~")
    terminal.wait_for("jane\\x1b[Bq")
