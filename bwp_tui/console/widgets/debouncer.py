"""Delays the details of a row until the cursor stops: a held key must not send those of every row it passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from textual.message_pump import MessagePump

DEBOUNCE_S: Final = 0.06


class Debouncer:
    """Calls `callback` in `pump` once no move came for `DEBOUNCE_S` seconds.

    The loop's own timer: a timer of Textual is a task that each move would end and begin anew.
    """

    def __init__(self, pump: MessagePump, callback: Callable[[], None]) -> None:
        self._pump = pump
        self._callback = callback
        self._timer: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(DEBOUNCE_S, self._pump.call_later, self._callback)

    def stop(self) -> None:
        """Cancel the call until the next move."""
        if self._timer is not None:
            self._timer.cancel()
