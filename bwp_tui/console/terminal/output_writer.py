"""What is written to the terminal. One that stands still, as over a stalled link, stops a thread and no other."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

_PATIENCE_S: Final = 0.1
_AT_ONCE_S: Final = 0.003


class OutputWriter:
    """Asks `take` for what there is to write whenever it is woken and the terminal has taken what came before.

    What the terminal takes at once is written by the one who wakes it: a thread would get its turn a millisecond later.
    The rest waits in a thread until the terminal takes it.

    Args:
        take: returns the text to be written now, made of all that has happened since it was called last.
        lock: is held while `take` is called. The one who calls `stop` may hold it.
    """

    def __init__(self, file: TextIO, take: Callable[[], str], lock: threading.RLock) -> None:
        self._file = file
        self._take = take
        self._lock = lock
        self._due = threading.Event()
        self._left = b""
        self._is_writing = False
        self._stopped = True
        self._is_gone = False
        self._at_once: int | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        if self._stopped:
            self._stopped = False
            self._at_once = _not_waiting(self._file)
            self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Say that there is something to write."""
        if self._at_once is None or not self._is_written_at_once(self._at_once):
            self._due.set()

    def stop(self) -> None:
        """Write what is left, and stop."""
        self._stopped = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            with self._lock:
                self._left += self._taken()
                self._write()
                if self._at_once is not None:
                    os.close(self._at_once)
                    self._at_once = None

    def _run(self) -> None:
        while not self._stopped:
            self._due.wait()
            self._due.clear()
            # Not for ever: a signal may stop the console while it holds the lock, and wait for this thread.
            while not self._stopped:
                if self._lock.acquire(timeout=_PATIENCE_S):
                    try:
                        self._left += self._taken()
                        self._is_writing = True
                    finally:
                        self._lock.release()
                    self._write()
                    self._is_writing = False
                    break

    def _is_written_at_once(self, terminal: int) -> bool:
        with self._lock:
            if self._is_writing or self._left:
                return False
            self._left = self._taken()  # kept meanwhile: a signal may stop the console here, which writes what is left
            self._left = _not_taken_at_once(terminal, self._left)
            return not self._left

    def _taken(self) -> bytes:
        return self._take().encode(self._file.encoding, self._file.errors or "strict")

    def _write(self) -> None:
        """Write all that is left, however long the terminal takes."""
        try:
            while self._left and not self._is_gone:
                self._left = self._left[os.write(self._file.fileno(), self._left) :]
        except (OSError, ValueError):  # the terminal has gone, or the file was closed: others will notice and end
            self._is_gone = True
        if self._is_gone:
            self._left = b""


def _not_taken_at_once(terminal: int, data: bytes) -> bytes:
    """Write to a terminal that reads, and return what it has not taken: a large frame goes through a small buffer."""
    until = time.monotonic() + _AT_ONCE_S
    with suppress(OSError, ValueError):  # it has gone, or cannot be waited for: the thread does what can be done
        while data:
            with suppress(BlockingIOError):
                data = data[os.write(terminal, data) :]
            left = until - time.monotonic()
            if not data or left <= 0 or not select.select([], [terminal], [], left)[1]:
                break
    return data


def _not_waiting(file: TextIO) -> int | None:
    """Open a file's terminal once more, for writes that never wait; None where that cannot be.

    The flag is one of the open terminal and not of the descriptor: set on `file`, it would be set for the shell too.
    """
    try:
        return os.open(os.ttyname(file.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
