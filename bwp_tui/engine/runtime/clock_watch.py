"""Noticing that the wall clock was set back, and setting right what would hang or be trusted because of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.engine.resilience.service_health import ServiceHealth
from bwp_tui.store.database import clock_correction
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import intent_outcomes, intents

TOLERANCE: Final = timedelta(minutes=1)
"""A clock that goes back by less makes nothing hang, and the margin of client tokens covers it."""

_UNMEASURED: Final = "not answered; the clock was set back meanwhile, so nobody knows for how long"


class ClockWatch:
    """Compares the wall clock with the machine's uptime while it runs, and with the newest record of the history."""

    def __init__(self, store: Store, gate: ServiceHealth) -> None:
        self._store = store
        self._gate = gate
        self._seen: tuple[datetime, float] | None = None

    def check(self) -> None:
        """Look whether the clock went back since the last look, or since anything was recorded.

        Raises:
            HistoryError: what follows could not be recorded; the next look tries again.
        """
        store = self._store
        newest, uptime, now = clock_correction.newest(store), store.uptime(), store.clock()
        expected = [instant for instant in (newest, self._expected(uptime.seconds)) if instant is not None]
        back = max(expected, default=now) - now
        if back > TOLERANCE:
            self._distrust(uptime.boot)
            clock_correction.correct_future_times(store, back)
            self._gate.shift_clock(back)
        self._seen = (now, uptime.seconds)

    def _expected(self, uptime_s: float) -> datetime | None:
        if self._seen is None:
            return None
        wall, uptime_then = self._seen
        return wall + timedelta(seconds=max(0.0, uptime_s - uptime_then))

    def _distrust(self, boot: str | None) -> None:
        """Leave to an operator what was sent in an earlier run of the machine: its age cannot be known any more."""
        for intent in intents.sent_unsettled(self._store):
            if boot is None or intent.first_sent_boot != boot:
                intent_outcomes.record_unconfirmed(self._store, intent.id, _UNMEASURED)
