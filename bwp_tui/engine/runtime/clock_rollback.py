"""Detect that the wall clock was set back, and correct the times that depend on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bwp_tui.engine.resilience.service_health import ServiceHealth
from bwp_tui.store.database import future_times
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import intent_outcomes, intents

TOLERANCE: Final = timedelta(minutes=1)
"""Ignore smaller steps back: no wait gets long by them, and the margin of client tokens covers them."""

_UNMEASURED: Final = "no response; the clock was set back since, so the age of the client token is unknown"


class ClockRollbackMonitor:
    """Compares the wall clock with the machine's uptime and with the newest record of the history."""

    def __init__(self, store: Store, health: ServiceHealth) -> None:
        self._store = store
        self._health = health
        self._seen: tuple[datetime, float] | None = None

    def check(self) -> None:
        """Correct recorded times if the clock was set back since the last check or the newest record.

        What could not be recorded then, the next check tries again.
        """
        store = self._store
        newest, uptime, now = future_times.newest_entry_at(store), store.uptime(), store.clock()
        expected = [now] if newest is None else [now, newest]
        if self._seen is not None:
            seen_at, seen_uptime_s = self._seen
            expected.append(seen_at + timedelta(seconds=max(0.0, uptime.seconds - seen_uptime_s)))
        rollback = max(expected) - now
        if rollback > TOLERANCE:
            for intent in intents.submissions_without_response(store):
                if uptime.boot is None or intent.first_sent_boot != uptime.boot:  # its age cannot be measured
                    intent_outcomes.record_unconfirmed(store, intent.id, _UNMEASURED)
            future_times.correct_future_times(store, rollback)
            self._health.shift_clock(rollback)
        self._seen = (now, uptime.seconds)
