"""How the console ends, and how it lives through a terminal that stops reading: nothing is lost, nothing is left."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.queries import tasks
from tests.e2e.operator import DOWN, RESULT_OFFERED, UP, Operator, process_state, submit_retrieval
from tests.pty_terminal import Terminal
from tests.waiting import eventually

LEFT_ALONE = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l")
"""The alternate screen left, the cursor shown, mouse and paste reporting off."""

GONE_S = 10.0

_MUCH = "T" * 8 + (DOWN + UP) * 40
"""Keys that have more painted than the system buffers for a terminal, and leave the console as it was.

Characters of several kinds would be dropped as a paste.
"""

_LFLAG = 3
_COOKED = termios.ICANON | termios.ECHO | termios.ISIG


@contextmanager
def other_end(terminal: Terminal) -> Iterator[int]:
    """The program's own end of the pty, to look at its modes, also after the program's end."""
    descriptor = os.open(Path(f"/proc/{terminal.pid}/fd/0").readlink(), os.O_RDWR | os.O_NOCTTY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_cooked(descriptor: int) -> bool:
    flags = termios.tcgetattr(descriptor)[_LFLAG]
    assert isinstance(flags, int)
    return flags & _COOKED == _COOKED


def tasks_in(shop: Operator) -> int:
    store = shop.store()
    count = len(tasks.changed_since(store, 0))
    store.close()
    return count


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_a_signal_ends_the_console_and_leaves_the_terminal_as_it_was(
    shop: Operator, number: signal.Signals, code: int
) -> None:
    with shop.console() as terminal, other_end(terminal) as modes:
        terminal.wait_for("engine here")
        assert not is_cooked(modes)
        submit_retrieval(terminal, "jane@example.com")
        mark = terminal.mark()
        terminal.signal(number)
        assert terminal.wait() == code
        terminal.wait_until_quiet()
        said = terminal.bytes_since(mark)
        assert all(sequence in said for sequence in LEFT_ALONE)
        assert b"Traceback" not in said
        assert is_cooked(modes)
    assert shop.lease_is_free
    assert tasks_in(shop) == 1


def test_a_signal_during_start_ends_the_console(shop: Operator) -> None:
    with shop.console() as terminal:
        terminal.wait_for("bwp-tui")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 143
    assert shop.lease_is_free


@pytest.mark.parametrize("start", ["exec", "exec setsid -w"], ids=["its own session's", "another session's"])
def test_a_terminal_that_hangs_up_leaves_no_process_even_where_sighup_is_ignored(shop: Operator, start: str) -> None:
    script = f"trap '' HUP; {start} \"$@\""
    with shop.in_terminal(["sh", "-c", script, "sh", *shop.argv()]) as terminal:
        terminal.wait_for("engine here")
        terminal.hang_up()
        terminal.wait(GONE_S)
    assert shop.lease_is_free


@contextmanager
def stalled(terminal: Terminal) -> Iterator[None]:
    """Take nothing from the program for the time of the block, as a dead SSH link does."""
    with other_end(terminal) as descriptor:
        termios.tcflow(descriptor, termios.TCOOFF)
        try:
            yield
        finally:
            termios.tcflow(descriptor, termios.TCOON)


def test_while_the_terminal_takes_nothing_the_work_goes_on_and_the_screen_catches_up(
    shop: Operator, practice: Sandbox
) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        terminal.wait_until_quiet()
        with stalled(terminal):
            mark = terminal.mark()
            terminal.send(_MUCH)
            for number in (1, 2):
                ended = shop("submit", "retrieval", f"jane+{number}@example.com")
                assert ended.code == 0, ended.err
                waited = shop("wait", str(number), "--timeout", "20")
                assert waited.code == 0, waited.err
            asked = practice.state.calls["personalDataRetrievalTask"]
            assert asked >= 2
            assert terminal.bytes_since(mark) == b""
        terminal.wait_for(lambda screen: screen.count(RESULT_OFFERED) == 2)
        assert "paste" not in terminal.wait_for("1 all 2")
        terminal.send("q")
        assert terminal.wait() == 0


def test_a_signal_ends_the_console_while_the_terminal_takes_nothing(shop: Operator) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        terminal.wait_until_quiet()
        with stalled(terminal):
            terminal.send(_MUCH)
            terminal.signal(signal.SIGTERM)
            assert terminal.wait(GONE_S) == 143
    assert shop.lease_is_free


def test_after_a_suspension_the_screen_is_painted_again(shop: Operator) -> None:
    with shop.console() as terminal, other_end(terminal) as modes:
        terminal.wait_for("engine here")
        terminal.wait_until_quiet()
        mark = terminal.mark()
        terminal.signal(signal.SIGTSTP)
        eventually(lambda: process_state(terminal.pid) == "T")
        eventually(lambda: b"\x1b[?1049l" in terminal.bytes_since(mark))
        assert is_cooked(modes)
        mark = terminal.mark()
        terminal.signal(signal.SIGCONT)
        eventually(lambda: b"engine here" in terminal.bytes_since(mark))
        terminal.wait_until_quiet()
        assert not is_cooked(modes)
        submit_retrieval(terminal, "jane@example.com")
        terminal.send("q")
        assert terminal.wait() == 0
