"""What the status lines have said since the console was opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

MAX_MESSAGES: Final = 500


class LoggedMessage(NamedTuple):
    """A sentence of a status line, its role, and when it came."""

    at: datetime
    role: str
    sentence: str


class MessageLog:
    """The last messages, the newest last.

    Attributes:
        changed: is called after each new message.
    """

    def __init__(self) -> None:
        self.messages: deque[LoggedMessage] = deque(maxlen=MAX_MESSAGES)
        self.changed: Callable[[], None] = lambda: None

    def add(self, at: datetime, role: str, sentence: str) -> None:
        """Add a message, unless the last one says the same: two screens may show one."""
        if sentence and (not self.messages or self.messages[-1].sentence != sentence):
            self.messages.append(LoggedMessage(at, role, sentence))
            self.changed()
