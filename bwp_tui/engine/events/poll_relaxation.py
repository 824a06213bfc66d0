"""Poll rarely while events announce the ends of tasks, and in the usual rhythm as soon as they do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bwp_tui.engine.resilience.poll_schedule import PollSchedule
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state, ready_polls
from bwp_tui.store.worklog.service_events import events_are_reliable

UNREACHABLE_AFTER: Final = timedelta(minutes=5)
"""How long the queue may be unreachable before all tasks are polled in the usual rhythm again."""

_CHUNK: Final = 500
"""Tasks that are rescheduled in one transaction."""


class PollRelaxation:
    """Decides whether polls are relaxed, and records it with the state of the event queue.

    They are relaxed while the queue is read and an event has come since the last end that only a poll found.
    """

    def __init__(self, store: Store, schedule: PollSchedule) -> None:
        self._store = store
        self._schedule = schedule
        self._last_read_at = store.clock()

    def update(self, state: str | None) -> None:
        """Record the state of the queue: `QUEUE_IS_READ`, or what is wrong with it, or None without a queue."""
        store, now = self._store, self._store.clock()
        if state == engine_state.QUEUE_IS_READ or now < self._last_read_at:  # the clock was set back
            self._last_read_at = now
        was_relaxed = engine_state.read(store).polls_relaxed
        is_reachable = state == engine_state.QUEUE_IS_READ or (
            was_relaxed and now - self._last_read_at < UNREACHABLE_AFTER
        )
        self._schedule.relaxed = state is not None and is_reachable and events_are_reliable(store)
        if was_relaxed and not self._schedule.relaxed:
            self._reschedule()
        engine_state.record_event_queue(store, state, polls_relaxed=self._schedule.relaxed)

    def _reschedule(self) -> None:
        """Make the tasks ready that would wait for longer than in the usual rhythm."""
        store, now, number = self._store, self._store.clock(), 0
        while polls := ready_polls.ready_after(store, now, number, _CHUNK):
            ready_polls.reschedule(store, {poll.number: self._schedule.catch_up_times(poll, now) for poll in polls})
            number = polls[-1].number
