"""Receive the service's events: record them and make their tasks ready, then delete their messages.

A message is deleted only once its event is on disk. A message that is no event of the service stays in the queue, which
moves it to its dead-letter queue.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from bwp_tui.contract.events import parse_event
from bwp_tui.contract.payloads import ContractViolation
from bwp_tui.domain.regulations import DEFAULT_REGULATION
from bwp_tui.engine.daemon_thread import in_daemon_thread
from bwp_tui.engine.events.poll_relaxation import PollRelaxation
from bwp_tui.engine.events.queue_errors import EventQueueError
from bwp_tui.engine.events.sqs_queue import LONG_POLL_S, Message
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.poll_schedule import PollSchedule
from bwp_tui.engine.worker import Worker
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import service_events
from bwp_tui.store.worklog.engine_state import QUEUE_IS_READ

_MIN_INTERVAL_S: Final = 1.0
"""Seconds between two receptions that find no event: the queue may return messages for others at once."""


class MessageQueue(Protocol):
    """The queue of the events; see `SqsQueue`."""

    def receive(self, wait_s: int = LONG_POLL_S) -> list[Message]:
        """Return messages, after `wait_s` seconds at the latest."""

    def delete(self, receipt_handles: Sequence[str]) -> None:
        """Delete messages."""


class EventReceiver(Worker):
    """A worker that receives events. The queue's calls block, so a thread makes them; the engine's loop records.

    Args:
        messages: the queue; without one, polls that were relaxed by another engine become as frequent as usual.
        regulation: that of the tasks that an event makes known.
    """

    def __init__(
        self,
        store: Store,
        schedule: PollSchedule,
        messages: MessageQueue | None,
        rng: random.Random,
        regulation: str = DEFAULT_REGULATION,
    ) -> None:
        self._store = store
        self._relaxation = PollRelaxation(store, schedule)
        self._messages = messages
        self._rng = rng
        self._regulation = regulation
        self._received: list[Message] = []
        """Messages whose events are not recorded yet: to receive them again brings them nearer to the dead letters."""
        self._failures = 0
        self._wait_s = 0  # the first response is to come soon: it says whether the queue can be used

    async def run_ready(self) -> None:
        """Receive once, and wait until the queue may be asked again.

        A call that is cancelled goes on in its thread: messages that it receives return after their visibility
        time-out.
        """
        began = time.monotonic()
        found = await self._receive(self._wait_s)
        if self._messages is not None:
            self._wait_s = 0 if self._failures else LONG_POLL_S
            pause = retry_delay(self._failures, self._rng) if self._failures else 0.0 if found else _MIN_INTERVAL_S
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))

    def next_at(self) -> datetime | None:
        """Return the present instant, or None without a queue."""
        return None if self._messages is None else self._store.clock()

    async def receive_waiting(self) -> None:
        """Receive the messages that wait in the queue now."""
        while await self._receive(0):
            pass

    async def _receive(self, wait_s: int) -> bool:
        """Receive once, and record the state of the queue; return whether events were recorded and deleted."""
        messages = self._messages
        if messages is None:
            self._relaxation.update(None)
            return False
        state, receipts = QUEUE_IS_READ, list[str]()
        try:
            if not self._received:
                self._received = await in_daemon_thread(lambda: messages.receive(wait_s), "event-queue")
            receipts, self._received = self._record(self._received), []
            if receipts:
                await in_daemon_thread(lambda: messages.delete(receipts), "event-queue")
            self._failures = 0
        except EventQueueError as error:
            state = str(error)
            self._failures += 1
        self._relaxation.update(state)
        return bool(receipts) and not self._failures

    def _record(self, messages: Sequence[Message]) -> list[str]:
        """Record the events among the messages; return the receipts of those that may be deleted."""
        events, receipts, foreign = [], [], 0
        for message in messages:
            try:
                events.append(parse_event(message.body))
            except ContractViolation:
                foreign += message.receives <= 1  # it is received again until the queue gives it up
            else:
                receipts.append(message.receipt_handle)
        if events or foreign:
            service_events.record_events(self._store, events, foreign, self._regulation)
        return receipts
