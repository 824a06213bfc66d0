"""What is written to a terminal: at once where it takes it, else later, and never in the way of the one who writes."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from typing import TextIO

import pytest

from bwp_tui.console.terminal.output_writer import OutputWriter
from tests.waiting import eventually

_MUCH = 200_000
"""Bytes that no terminal takes before they are read."""


class Line:
    """A terminal, and a writer to it."""

    def __init__(self, file: TextIO, master: int) -> None:
        self.file, self.master = file, master
        self.waiting: list[str] = []
        self.writer = OutputWriter(file, self._take, threading.RLock())
        self.writer.start()

    def _take(self) -> str:
        text = "".join(self.waiting)
        self.waiting.clear()
        return text

    def write(self, text: str) -> None:
        self.waiting.append(text)
        self.writer.wake()

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.master, size)
        return data


@pytest.fixture
def line() -> Iterator[Line]:
    master, slave = os.openpty()
    tty.setraw(slave)
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        line = Line(file, master)
        yield line
        reader = threading.Thread(target=_read_all, args=(master,), daemon=True)
        reader.start()
        line.writer.stop()
    reader.join()  # else it would read from the next test's terminal, which gets the same number
    os.close(master)


def _read_all(master: int) -> None:
    try:
        while os.read(master, 65_536):
            pass
    except OSError:
        pass


def test_what_a_terminal_takes_is_written_before_the_call_returns(line: Line) -> None:
    line.write("é")
    os.set_blocking(line.master, False)
    assert os.read(line.master, 100) == "é".encode()


def test_a_terminal_that_stands_still_holds_up_nobody_and_gets_all_in_order(line: Line) -> None:
    line.write("a" * _MUCH)
    line.write("b")
    line.write("c")
    assert line.read(_MUCH + 2) == b"a" * _MUCH + b"bc"
    line.write("d")
    assert line.read(1) == b"d"


def test_the_shell_s_own_way_of_writing_stays_as_it_was(line: Line) -> None:
    line.write("a")
    assert os.get_blocking(line.file.fileno())


def test_a_terminal_that_has_gone_is_written_to_no_more() -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        line = Line(file, master)
        os.close(master)
        for letter in "abc":
            line.write(letter)
            eventually(lambda: not line.waiting)
        line.writer.stop()


def test_what_is_no_terminal_is_written_to_as_well() -> None:
    source, sink = os.pipe()
    with os.fdopen(sink, "w", encoding="utf-8") as file:
        line = Line(file, source)
        line.write("a")
        assert line.read(1) == b"a"
        line.write("b")
        line.writer.stop()
    assert os.read(source, 10) == b"b"
    os.close(source)
