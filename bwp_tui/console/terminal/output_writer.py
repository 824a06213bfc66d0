"""Write to the terminal; one that does not read, as over a stalled link, blocks only a thread of its own."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

_LOCK_TIMEOUT_S: Final = 0.1
_AT_ONCE_S: Final = 0.003


class OutputWriter:
    """Writes the output of `take` whenever it is woken and the terminal has taken the last write.

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
        self._rest = b""
        self._is_writing = False
        self._stopped = True
        self._is_gone = False
        self._nonblocking_fd: int | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._stopped:
            self._stopped = False
            self._nonblocking_fd = _open_nonblocking(self._file)
            self._thread = threading.Thread(target=self._run, name="terminal-writer", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Report that there is output."""
        if self._nonblocking_fd is None or not self._write_nonblocking(self._nonblocking_fd):
            self._due.set()

    def stop(self) -> None:
        """Write the rest, and stop."""
        self._stopped = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            with self._lock:
                self._rest += self._new_output()
                self._write()
                if self._nonblocking_fd is not None:
                    os.close(self._nonblocking_fd)
                    self._nonblocking_fd = None

    def _run(self) -> None:
        while not self._stopped:
            self._due.wait()
            self._due.clear()
            # Not for ever: a signal may stop the console while it holds the lock, and wait for this thread.
            while not self._stopped:
                if self._lock.acquire(timeout=_LOCK_TIMEOUT_S):
                    try:
                        self._rest += self._new_output()
                        self._is_writing = True
                    finally:
                        self._lock.release()
                    self._write()
                    self._is_writing = False
                    break

    def _write_nonblocking(self, fd: int) -> bool:
        with self._lock:
            if self._is_writing or self._rest:
                return False
            # Kept meanwhile: a signal may stop the console here, which writes the rest.
            self._rest = self._new_output()
            self._rest = _write_while_read(fd, self._rest)
            return not self._rest

    def _new_output(self) -> bytes:
        return self._take().encode(self._file.encoding, self._file.errors or "strict")

    def _write(self) -> None:
        """Write the rest, however long the terminal takes."""
        try:
            while self._rest and not self._is_gone:
                self._rest = self._rest[os.write(self._file.fileno(), self._rest) :]
        except (OSError, ValueError):  # the terminal has gone, or the file was closed: others will notice and end
            self._is_gone = True
        if self._is_gone:
            self._rest = b""


def _write_while_read(fd: int, data: bytes) -> bytes:
    """Write to a terminal while it reads, and return the rest: a large frame goes through a small buffer."""
    until = time.monotonic() + _AT_ONCE_S
    with suppress(OSError, ValueError):  # it has gone, or cannot be waited for: the thread does what can be done
        while data:
            with suppress(BlockingIOError):
                data = data[os.write(fd, data) :]
            remaining = until - time.monotonic()
            if not data or remaining <= 0 or not select.select([], [fd], [], remaining)[1]:
                break
    return data


def _open_nonblocking(file: TextIO) -> int | None:
    """Open a file's terminal again for non-blocking writes; None where that is impossible.

    The flag is one of the open terminal and not of the descriptor: set on `file`, it would be set for the shell too.
    """
    try:
        return os.open(os.ttyname(file.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
