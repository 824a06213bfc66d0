"""Noticing that the register has changed, whoever changed it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from bwp_tui.store.database.connection import History
from bwp_tui.store.errors import HistoryError, HistoryMoved

INTERVAL_S: Final = 0.1
"""Seconds between two looks. A look reads a counter in shared memory, never the disk."""


class Watch:
    """A thread with a connection of its own that calls `changed` after each commit of any process.

    It calls it a last time when the history was moved, removed or replaced: whoever then reads it is told.
    `changed` runs in that thread and must not block. Changes closer together than a look are one call.
    """

    def __init__(self, history: History, changed: Callable[[], None]) -> None:
        self._history = history
        self._changed = changed
        self._seen = history.data_version()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="history-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, wait for the thread, and close its connection."""
        self._stopped.set()
        if self._thread.ident is None:
            self._history.close()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _look(self) -> None:
        try:
            while not self._stopped.wait(INTERVAL_S):
                try:
                    version = self._history.data_version()
                except HistoryMoved:
                    self._changed()
                    return
                except HistoryError:
                    continue
                if version != self._seen:
                    self._seen = version
                    self._changed()
        finally:
            self._history.close()
