"""The queue of a practice API that remembers what it sent, and looks into the history when a message is deleted."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.contract.events import parse_event
from bwp_tui.contract.payloads import ContractViolation
from bwp_tui.domain.task import ServiceEvent
from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox.events.message_queue import Message, MessageQueue
from bwp_tui.sandbox.server import Sandbox

VISIBILITY: Final = timedelta(seconds=0.5)


class RecordingQueue(MessageQueue):
    """A queue whose messages soon come again, and which knows what must have been recorded."""

    def __init__(self, name: str, history: Path) -> None:
        super().__init__(name, utc_now, VISIBILITY, seed=1)
        self.announced: set[str] = set()
        """Task ids of the events that were sent."""
        self.reads = 0
        """How often it was looked at for messages; the events that are due are sent before each time."""
        self.deleted = 0
        self.unrecorded: list[str] = []
        """Sentences on events that were deleted and are not in the history."""
        self._history = history
        self._bodies: dict[str, str] = {}

    def send(self, body: str, delay: timedelta = timedelta()) -> None:
        """Send a message, and note the task that it is about."""
        super().send(body, delay)
        event = _event(body)
        if event is not None:
            self.announced.add(event.task_id)

    def receive(self, most: int) -> list[Message]:
        """Receive messages, and count the call."""
        self.reads += 1
        return super().receive(most)

    def delete(self, receipt: str) -> None:
        """Check that the event is in the history, then delete its message."""
        message = self._messages.get(receipt.partition("/")[0])
        event = None if message is None else _event(message.body)
        if event is None:
            self.unrecorded.append("a message that is no event was deleted")
        elif not self._is_recorded(event):
            self.unrecorded.append(f"the event of {event.task_id} was deleted and is not recorded")
        self.deleted += 1
        super().delete(receipt)

    @property
    def is_empty(self) -> bool:
        """Whether all events were deleted."""
        return all(_event(message.body) is None for message in list(self._messages.values()))

    def _is_recorded(self, event: ServiceEvent) -> bool:
        db = apsw.Connection(os.fspath(self._history), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            db.set_busy_timeout(10_000)
            sql = "SELECT 1 FROM service_events e JOIN tasks t ON t.number = e.task WHERE t.task_id = ? AND e.type = ?"
            return bool(db.execute(sql, (event.task_id, event.type)).fetchall())
        finally:
            db.close()


def use_recording_queue(sandbox: Sandbox, history: Path) -> RecordingQueue:
    """Have a practice API that is not started yet send its events to a recording queue."""
    queue = RecordingQueue(sandbox._queue.name, history)
    sandbox._queue = queue
    return queue


def _event(body: str) -> ServiceEvent | None:
    try:
        return parse_event(body)
    except ContractViolation:
        return None
