"""Log what an engine without a screen does: one line for each thing that happened, without emails."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.text import counted
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState, ServiceHealthState


class Severity(IntEnum):
    """How much a line matters, as syslog numbers it."""

    WARNING = 4
    INFO = 6


_LOGGED: Final = frozenset((EventKind.DOWNLOADED, EventKind.HOOK))
"""What is logged beside each change of a status."""

_LOGGED_OF_PROGRAM: Final = frozenset((EventKind.ANSWERED, EventKind.ANSWER_WITHDRAWN, EventKind.DECLINE_WITHDRAWN))
"""What is logged too where this program decided on it, and no person."""

_WARNED: Final = frozenset(
    (
        *(EventKind.REFUSED, EventKind.NO_RESPONSE, EventKind.TASK_ID_REJECTED, EventKind.HELD_BACK),
        *(EventKind.GIVEN_UP,),
        *(EventKind.CANCEL_REFUSED, EventKind.CONNECTION_LOST, EventKind.DOWNLOAD_FAILED),
    )
)
_BAD_STATUSES: Final = frozenset((Status.FAILED, Status.REJECTED, Status.MISSING, Status.UNCONFIRMED))

_HOOK_RUNS_OR_SUCCEEDED: Final = (": to be started", ": exit code 0")
"""How the text of a hook's event ends unless its program failed."""

_LONGEST_TRANSACTION: Final = timedelta(minutes=1)
"""An event is dated by the beginning of its transaction, which may be before the last call."""

WriteLine = Callable[[Severity, str], None]


class EngineLog:
    """Says what was done since the history was last read, by task numbers and ids alone."""

    def __init__(self, write_line: WriteLine) -> None:
        self._write_line = write_line
        self._last: int | None = None
        self._last_at = datetime.min.replace(tzinfo=UTC)
        self._trouble: str | None = None
        self._service: str = ServiceHealthState.UNTRIED
        self._term = 0
        self._lines = 0

    def log_new_events(self, store: Store) -> None:
        """Log what has happened since the last call; the first one only notes where the timelines end."""
        with suppress(StoreError):  # the engine says what is wrong with the history; the next call catches up
            last, now = timeline.newest_event_id(store), store.clock()
            if self._last is not None:
                for event in timeline.since(store, self._last, last, self._last_at - _LONGEST_TRANSACTION):
                    self._log(event)
                self._log_trouble(engine_state.read(store))
            self._last, self._last_at = last, now

    def _log(self, event: timeline.LoggedEvent) -> None:
        is_own_act = event.actor == timeline.PROGRAM and event.what in _LOGGED_OF_PROGRAM
        if event.status is None and not is_own_act and event.what not in _LOGGED | _WARNED:
            return
        self._lines += 1
        is_bad = event.what in _WARNED or event.status in _BAD_STATUSES
        is_bad = is_bad or (event.hook is not None and not event.hook.endswith(_HOOK_RUNS_OR_SUCCEEDED))
        statuses = " → ".join(filter(None, (event.before, event.status))) if event.status else ""
        name = f"Task {event.task_number}{f' ({event.task_id})' if event.task_id else ''}"
        severity, what = Severity.WARNING if is_bad else Severity.INFO, timeline.label_of(event.what)
        self._write_line(severity, f"{name}: {' '.join(filter(None, (what, statuses, event.hook)))}.")

    def _log_trouble(self, state: EngineState) -> None:
        """Log what is wrong once it begins, or is something else than before, and its end.

        Nothing has ended because another process is the engine now, or because this one is to try again.
        """
        is_to_try = state.term != self._term or self._service == ServiceHealthState.BAD_CREDENTIALS
        if state.pid != os.getpid() or (state.service == ServiceHealthState.UNTRIED and is_to_try):
            return
        trouble = state.service_problem
        if trouble and (not self._trouble or state.service != self._service):
            self._write_line(Severity.WARNING, f"Trouble: {trouble}")
        elif self._trouble and not trouble:
            self._write_line(Severity.INFO, "The trouble has ended.")
        self._trouble, self._service, self._term = trouble, state.service, state.term

    def log_alive(self, *, is_engine: bool) -> None:
        """Log that the process is alive, and how many events were logged since this was logged last.

        The state of the service is known only to the engine itself.
        """
        lines, self._lines = self._lines, 0
        state = f" Trouble: {self._trouble}" if self._trouble and is_engine else ""
        self._write_line(Severity.INFO, f"Alive: {counted(lines, 'event')} since the last heartbeat.{state}")
