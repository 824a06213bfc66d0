"""Notice commits of any process to a history."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError, StoreMoved

INTERVAL_S: Final = 0.1
"""Seconds between two polls of SQLite's data version, a counter in shared memory."""


class ChangeMonitor:
    """A thread with a connection of its own that calls `changed` after each commit of any process.

    It calls it a last time when the history was moved, removed or replaced: the next read then raises the error.
    `changed` runs in that thread and must not block. Commits between two polls are one call.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._seen = store.data_version()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._check, name="history-monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, wait for its end, and close its connection."""
        self._stopped.set()
        if self._thread.ident is None:
            self._store.close()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _check(self) -> None:
        try:
            while not self._stopped.wait(INTERVAL_S):
                try:
                    version = self._store.data_version()
                except StoreMoved:
                    self._changed()
                    return
                except StoreError:
                    continue
                if version != self._seen:
                    self._seen = version
                    self._changed()
        finally:
            self._store.close()
