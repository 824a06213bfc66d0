"""Whether the service may be called now: what every desk of the engine shares about its health."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadAnswer,
    BadCredentials,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.engine.pace import retry_delay
from bwp_tui.history import engine_state
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import Service

DENIED_BASE_S: Final = 30.0
DENIED_CAP_S: Final = 900.0

_SERVICES: Final[dict[type[ApiError], Service]] = {
    Unreachable: Service.UNREACHABLE,
    Throttled: Service.THROTTLED,
    AccessDenied: Service.DENIED,
    BadCredentials: Service.BAD_CREDENTIALS,
    ServerFault: Service.FAULTY,
    BadAnswer: Service.FAULTY,
}


class Gate:
    """Closes when the service cannot be used, for longer with each failure; a single call then tries it first."""

    def __init__(self, history: History, chance: random.Random) -> None:
        self._history = history
        self._chance = chance
        self._failures = 0
        self._opens_at: datetime | None = None
        self._shut = False

    @property
    def troubled(self) -> bool:
        """Whether the last call failed, so that the next one should go alone."""
        return self._failures > 0

    def opens_at(self) -> datetime | None:
        """Return when the service may be called again, or None when it may be now.

        `datetime.max` stands for never: the credentials are wrong, and asking again does not make them right.
        """
        if self._shut:
            return datetime.max.replace(tzinfo=self._history.clock().tzinfo)
        if self._opens_at is not None and self._opens_at > self._history.clock():
            return self._opens_at
        return None

    def succeeded(self) -> None:
        """Note that the service has answered. A call from before the gate closed does not open it again."""
        if self.opens_at() is not None:
            return
        self._failures = 0
        self._opens_at = None
        engine_state.report(self._history, Service.REACHED, None, None)

    def failed(self, error: ApiError) -> datetime:
        """Note that a call failed; return when to try again."""
        if self.opens_at() is None:
            self._failures += 1  # calls that were under way when the first of them failed are the same failure
        self._shut = self._shut or isinstance(error, BadCredentials)
        opens_at = self._history.clock() + timedelta(seconds=self._delay(error))
        if self._opens_at is not None:
            opens_at = max(opens_at, self._opens_at)
        self._opens_at = opens_at
        service = next((name for kind, name in _SERVICES.items() if isinstance(error, kind)), Service.FAULTY)
        engine_state.report(self._history, service, str(error), None if self._shut else opens_at)
        return opens_at

    def _delay(self, error: ApiError) -> float:
        if isinstance(error, AccessDenied):
            return retry_delay(self._failures, self._chance, base=DENIED_BASE_S, cap=DENIED_CAP_S)
        return max(error.retry_after or 0.0, retry_delay(self._failures, self._chance))
