"""What the engine does for the register beside its work: a look at its pages, a copy a day, the end of a purge."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import Clock, local_day
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.database.error_translation import damage_error, translated_errors
from bwp_tui.store.errors import StoreDamaged, StoreError
from bwp_tui.store.maintenance import backups, integrity, purge
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state

EVERY_S: Final = 3_600.0
"""Seconds between two rounds: the day changes while an engine runs."""


def run_daily_maintenance(path: Path, clock: Clock, stop: threading.Event) -> str | None:
    """Check the pages, make today's copy, finish a purge; return a sentence on what is wrong, or None.

    Takes seconds for a big register, so it belongs in a thread of its own, with the engine's lease held. Ends soon
    once `stop` is set.
    """
    try:
        with translated_errors(path):
            found = integrity.quick_check(path, stop)
            if found:
                raise damage_error(path, found[0])
            _copy_and_clean(path, clock, local_day(clock()), stop)
    except backups.BackupCancelled:
        return None
    except (StoreError, apsw.Error) as error:
        if isinstance(error, StoreDamaged):
            flag_damage(path)
        return str(error)
    return None


def _copy_and_clean(path: Path, clock: Clock, today: date, stop: threading.Event) -> None:
    store = open_store(path, clock=clock)
    try:
        if store.read_only is not None or stop.is_set():
            return
        if purge.has_traces(store):
            purge.remove_traces(store, today, stop)
        backups.back_up_daily(path, today, stop)
    finally:
        store.close()


class MaintenanceThread:
    """A thread that looks after the register while its process holds the engine's lease.

    Args:
        told: is called in the thread with a sentence, or None when all is well, after each round.
        when_due: leave out the rounds on a day that has its copy.
    """

    def __init__(self, path: Path, clock: Clock, told: Callable[[str | None], None], *, when_due: bool = False) -> None:
        self._path = path
        self._clock = clock
        self._told = told
        self._when_due = when_due
        self._stopped = threading.Event()
        self._last = threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="history-keeper", daemon=True)

    def start(self) -> None:
        """Begin with the first round."""
        self._thread.start()

    def stop(self) -> None:
        """Break off what is under way and wait for the end of the thread."""
        self._stopped.set()
        self.finish()

    def finish(self) -> None:
        """Wait for the end of the round that is under way, which is the last."""
        self._last.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _record(self, words: str | None) -> None:
        with suppress(StoreError):
            store = open_store(self._path, clock=self._clock)
            try:
                engine_state.record_maintenance(store, words)
            finally:
                store.close()

    def _rounds(self) -> None:
        while True:
            if not self._when_due or not backups.has_todays(self._path, local_day(self._clock())):
                words = run_daily_maintenance(self._path, self._clock, self._stopped)
                if not self._stopped.is_set():
                    self._record(words)
                    self._told(words)
            if self._last.wait(EVERY_S):
                return
