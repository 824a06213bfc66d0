"""What is told of a row once the cursor rests on it: a held key must not have the details of all it passes sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from textual.message_pump import MessagePump

DEBOUNCE_S: Final = 0.06


class Debouncer:
    """Has `pump` call `callback` when `DEBOUNCE_S` seconds have gone by since the last move.

    The loop's own timer: a timer of Textual is a task that each move would end and begin anew.
    """

    def __init__(self, pump: MessagePump, callback: Callable[[], None]) -> None:
        self._pump = pump
        self._tell = callback
        self._due: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        """Say that the cursor has moved."""
        self.stop()
        self._due = asyncio.get_running_loop().call_later(DEBOUNCE_S, self._pump.call_later, self._tell)

    def stop(self) -> None:
        """Tell nothing any more until the next move."""
        if self._due is not None:
            self._due.cancel()
