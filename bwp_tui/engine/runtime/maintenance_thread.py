"""Maintain the history beside the engine's work: check its pages, back it up once a day, finish a purge."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import local_day
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.copy import CopyCancelled
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.database.error_translation import damage_error, translated_errors
from bwp_tui.store.errors import StoreDamaged, StoreError
from bwp_tui.store.maintenance import backups, integrity, purge
from bwp_tui.store.worklog import engine_state

INTERVAL_S: Final = 3_600.0
"""Seconds between two rounds: each checks the pages, and the first of a day makes the backup."""


def run_maintenance(store: Store, stop: threading.Event, *, is_brief: bool = False) -> str | None:
    """Check the pages, make today's backup, finish a purge, and clean up; return what is wrong as a sentence, or None.

    Takes seconds for a large history, so call it in a thread of its own, with the engine's lease held. Ends soon once
    `stop` is set.

    Args:
        is_brief: check the index by which requests are sent and nothing else: with a wrong one they are not sent.
    """
    try:
        with translated_errors(store.path):
            found = integrity.quick_check(store.path, stop, with_pages=not is_brief)
            if found:
                raise damage_error(store.path, found[0])
            if not is_brief:
                with closing(store.open_another()) as own:
                    _back_up_and_clean(own, local_day(store.clock()), stop)
    except CopyCancelled:
        return None
    except (StoreError, apsw.Error) as error:
        if isinstance(error, StoreDamaged):
            flag_damage(store.path)
        return str(error)
    return None


def _back_up_and_clean(store: Store, today: date, stop: threading.Event) -> None:
    if store.read_only_reason is not None or stop.is_set():
        return
    if purge.has_traces(store):
        purge.remove_traces(store, today, stop)
    backups.back_up_daily(store.path, today, stop)
    _remove_edited_texts(store.path.parent)


def _remove_edited_texts(folder: Path) -> None:
    """Remove the texts that a killed console left behind while an editor was open."""
    for edited in folder.glob("edited-*"):
        with suppress(OSError):
            descriptor = os.open(edited, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the console whose editor is open holds it
                if any(edited.iterdir()):  # an empty one was made just now
                    shutil.rmtree(edited)
            finally:
                os.close(descriptor)


class MaintenanceThread:
    """A thread that maintains the history while its process holds the engine's lease.

    Args:
        store: the engine's connection; the thread opens others to the same file, and never another file in its place.
        report: called in the thread after each round, with a sentence on what is wrong, or None.
        brief_with_backup: whether the maintenance is brief on a day that has its backup, unless a purge left traces.
    """

    def __init__(self, store: Store, report: Callable[[str | None], None], *, brief_with_backup: bool = False) -> None:
        self._store = store
        self._report = report
        self._brief_with_backup = brief_with_backup
        self._stopped = threading.Event()
        self._finishing = threading.Event()
        self._thread = threading.Thread(target=self._run_rounds, name="history-maintenance", daemon=True)

    def start(self) -> None:
        """Start the thread with its first round."""
        self._thread.start()

    def stop(self) -> None:
        """Cancel the present round and wait for the end of the thread."""
        self._stopped.set()
        self.finish()

    def finish(self) -> None:
        """Begin no further round, and wait for the end of the present one."""
        self._finishing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _record(self, sentence: str | None) -> None:
        with suppress(StoreError), closing(self._store.open_another()) as store:
            engine_state.record_maintenance(store, sentence)

    def _is_done_today(self) -> bool:
        """Return whether today's backup is made, and nothing of purged tasks is left in it."""
        with suppress(StoreError), closing(self._store.open_another()) as store:  # the maintenance reports why not
            today = backups.todays_path(store.path, local_day(store.clock()))
            return today in backups.daily_backups(store.path) and not purge.has_traces(store)
        return False

    def _run_rounds(self) -> None:
        while True:
            is_brief = self._brief_with_backup and self._is_done_today()
            sentence = run_maintenance(self._store, self._stopped, is_brief=is_brief)
            if not self._stopped.is_set() and (sentence or not is_brief):
                self._record(sentence)
                self._report(sentence)
            if self._finishing.wait(INTERVAL_S):
                return
