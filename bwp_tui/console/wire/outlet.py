"""A thread that writes to the terminal. A terminal that stands still, as over a stalled link, stops it and no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TextIO

_PATIENCE_S: Final = 0.1


class Outlet:
    """Asks `take` for what there is to write whenever it is woken and the terminal has taken what came before.

    Args:
        take: returns the text to be written now, made of all that has happened since it was called last.
        lock: is held while `take` is called. The one who calls `stop` may hold it.
    """

    def __init__(self, file: TextIO, take: Callable[[], str], lock: threading.RLock) -> None:
        self._file = file
        self._take = take
        self._lock = lock
        self._due = threading.Event()
        self._stopped = True
        self._is_gone = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        if self._stopped:
            self._stopped = False
            self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Say that there is something to write."""
        self._due.set()

    def stop(self) -> None:
        """Write what is left, and stop."""
        self._stopped = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            with self._lock:
                self._write(self._take())

    def _run(self) -> None:
        while not self._stopped:
            self._due.wait()
            self._due.clear()
            # Not for ever: a signal may stop the console while it holds the lock, and wait for this thread.
            while not self._stopped:
                if self._lock.acquire(timeout=_PATIENCE_S):
                    try:
                        text = self._take()
                    finally:
                        self._lock.release()
                    self._write(text)
                    break

    def _write(self, text: str) -> None:
        if not text or self._is_gone:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError):  # the terminal has gone, or the file was closed: others will notice and end
            self._is_gone = True
