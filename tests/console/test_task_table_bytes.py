"""What the task table costs on the wire, in a real pty of 120x40: over SSH every byte is waited for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pty_terminal import Terminal

ROOT = Path(__file__).parents[2]
SYNC = len("\x1b[?2026h\x1b[?2026l")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    argv = [sys.executable, "-m", "tests.console.table_app", "10000"]
    with Terminal(argv, columns=120, rows=40, env={"PYTHONPATH": str(ROOT)}, cwd=str(ROOT)) as terminal:
        terminal.wait_for("s•••@example.com")
        terminal.wait_until_quiet(quiet=1.0)
        yield terminal


def cost(terminal: Terminal, key: str, shown: str | Callable[[str], bool]) -> int:
    mark = terminal.mark()
    terminal.send(key)
    terminal.wait_for(shown)
    terminal.wait_until_quiet(quiet=0.5)
    return len(terminal.bytes_since(mark))


def test_nothing_is_sent_while_nothing_happens(terminal: Terminal) -> None:
    mark = terminal.mark()
    terminal.wait_until_quiet(quiet=2.0)
    assert terminal.bytes_since(mark) == b""


def test_a_status_that_changes_in_sight_costs_the_line_up_to_it(terminal: Terminal) -> None:
    assert SYNC < cost(terminal, "x", "✓ COMPLETED ⇣") <= 200


def test_a_task_that_fails_in_sight_costs_300_bytes_at_most_with_its_reason(terminal: Terminal) -> None:
    assert SYNC < cost(terminal, "f", "DATA_SUBJECT_NOT_FOUND") <= 300


def test_a_task_that_changes_out_of_sight_costs_nothing(terminal: Terminal) -> None:
    alone = cost(terminal, "x", "✓ COMPLETED ⇣")
    cost(terminal, "x", lambda text: "COMPLETED" not in text)
    assert cost(terminal, "oooox", "✓ COMPLETED ⇣") == alone


def test_a_task_that_joins_the_view_out_of_sight_costs_nothing(terminal: Terminal) -> None:
    alone = cost(terminal, "x", "✓ COMPLETED ⇣")
    cost(terminal, "x", lambda text: "COMPLETED" not in text)
    assert cost(terminal, "ax", "✓ COMPLETED ⇣") == alone


def test_a_task_that_joins_the_view_above_the_lines_in_sight_costs_nothing(terminal: Terminal) -> None:
    terminal.send("G")
    terminal.wait_until_quiet()
    mark = terminal.mark()
    terminal.send("p")
    terminal.wait_until_quiet()
    assert terminal.bytes_since(mark) == b""
    assert cost(terminal, "k", lambda _text: True) > SYNC


def test_a_tick_that_changes_no_text_costs_nothing(terminal: Terminal) -> None:
    alone = cost(terminal, "x", "✓ COMPLETED ⇣")
    cost(terminal, "x", lambda text: "COMPLETED" not in text)
    assert cost(terminal, "tttx", "✓ COMPLETED ⇣") == alone


def test_a_cursor_move_repaints_two_lines(terminal: Terminal) -> None:
    pointer = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
    assert SYNC < cost(terminal, "j", f"\n{pointer}  ") <= 700
