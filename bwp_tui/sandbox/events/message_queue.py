"""A queue with the rules of a standard SQS queue: unordered, at least once, visibility time-out, dead letters."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.domain.times import Clock
from bwp_tui.sandbox.task_outcomes import seeded_uuid

MAX_RECEIVES: Final = 5
"""How often a message is received before it is moved to the dead-letter queue."""


@dataclass(slots=True)
class Message:
    """A message in a queue. `receipt_handle` is the handle of its last receipt, by which it is deleted."""

    message_id: str
    body: str
    sent_at: datetime
    visible_at: datetime
    receives: int = 0
    first_received_at: datetime | None = None
    receipt_handle: str = ""


class QueueDepth(NamedTuple):
    """How many messages are visible, received but not deleted, and delayed."""

    visible: int
    in_flight: int
    delayed: int


class MessageQueue:
    """One queue. Every method may be called from any thread; one that gets no receipt handle raises ValueError."""

    def __init__(
        self, name: str, clock: Clock, visibility: timedelta, seed: int, dead_letters: MessageQueue | None = None
    ) -> None:
        self.name = name
        self.visibility = visibility
        self.dead_letters = dead_letters
        self._clock = clock
        self._lock = threading.Lock()
        self._rng = random.Random(f"{seed}/{name}")  # noqa: S311  repeatable, no secret
        self._messages: dict[str, Message] = {}

    def send(self, body: str, delay: timedelta = timedelta()) -> None:
        """Add a message, which is not visible before `delay` has passed."""
        now = self._clock()
        self._add(Message(seeded_uuid(self._rng), body, now, now + delay))

    def receive(self, most: int) -> list[Message]:
        """Return up to `most` visible messages, in any order, and hide them for the visibility time-out.

        A message received too often goes to the dead-letter queue instead.
        """
        with self._lock:
            now = self._clock()
            visible = [message for message in self._messages.values() if message.visible_at <= now]
            self._rng.shuffle(visible)
            received: list[Message] = []
            for message in visible:
                if self.dead_letters is not None and message.receives >= MAX_RECEIVES:
                    self.dead_letters._add(self._messages.pop(message.message_id))
                elif len(received) < most:
                    received.append(message)
            for message in received:
                message.receives += 1
                message.first_received_at = message.first_received_at or now
                message.visible_at = now + self.visibility
                message.receipt_handle = f"{message.message_id}/{message.receives}"
            return received

    def delete(self, receipt_handle: str) -> None:
        """Delete the message of a receipt handle; one that was received again meanwhile stays."""
        message_id, slash, count = receipt_handle.partition("/")
        if not (slash and count.isdecimal()):
            raise ValueError(receipt_handle)
        with self._lock:
            message = self._messages.get(message_id)
            if message is not None and message.receipt_handle == receipt_handle:
                del self._messages[message_id]

    def depth(self) -> QueueDepth:
        with self._lock:
            now = self._clock()
            hidden = [message for message in self._messages.values() if message.visible_at > now]
            delayed = sum(1 for message in hidden if not message.receives)
            return QueueDepth(len(self._messages) - len(hidden), len(hidden) - delayed, delayed)

    def _add(self, message: Message) -> None:
        with self._lock:
            self._messages[message.message_id] = message
