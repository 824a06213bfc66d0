"""Whether and how fast the service may be called: what every desk of the engine shares about its health."""

from __future__ import annotations

import asyncio
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
from bwp_tui.engine.resilience.backoff import Patience, retry_delay
from bwp_tui.engine.resilience.circuit_breaker import NO_ROOM, Breaker, Reservation
from bwp_tui.engine.resilience.rate_limiter import Limiter
from bwp_tui.store.database.connection import History
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Service

PUT_OFF_S: Final = 600.0
"""How long one task waits whose request alone failed while the service answers others."""

REFUSED_PAUSES_S: Final = (60.0, 300.0, 900.0)
"""How long credentials that were refused are left alone: services have refused right ones for a moment."""

_SLOWED: Final = "The service asked for fewer requests: they go out more slowly for a while."
_SERVICES: Final[dict[type[ApiError], Service]] = {
    Unreachable: Service.UNREACHABLE,
    Throttled: Service.THROTTLED,
    AccessDenied: Service.DENIED,
    BadCredentials: Service.BAD_CREDENTIALS,
    ServerFault: Service.FAULTY,
    BadAnswer: Service.FAULTY,
}


class Gate:
    """Closes when the service cannot be used, for longer with each failure; a single call then tries it first.

    Token and API endpoint are one to it: no call works without both. `changed` is set when a call may begin that
    was refused before, `refused` while the credentials are, so that others are looked for.
    """

    def __init__(self, history: History, chance: random.Random, patience: Patience | None = None) -> None:
        self.changed = asyncio.Event()
        self.refused = asyncio.Event()
        self._history = history
        self._chance = chance
        self._patience = patience or Patience()
        self._breaker = Breaker(self._seconds, self.changed.set)
        self._limiter = Limiter(self._seconds, self._patience.slowest)
        self._doubted: int | None = None
        self._refusals = 0

    @property
    def troubled(self) -> bool:
        """Whether the last call failed, so that the next one goes alone."""
        return self._breaker.troubled

    def opens_at(self) -> datetime | None:
        """Return when the service may be called again, or None when it may be now.

        `datetime.max` stands for no known time: another call tries the service just now. `changed` tells of its end.
        """
        if self._breaker.probing and self._breaker.shut_for() <= 0:
            return datetime.max.replace(tzinfo=self._history.clock().tzinfo)
        shut_for = max(self._breaker.shut_for(), self._limiter.ready_in())
        return self._history.clock() + timedelta(seconds=shut_for) if shut_for > 0 else None

    def reserve(self, most: int = 1) -> Reservation:
        """Return room for up to `most` calls, to be held until they have ended."""
        room = self._limiter.room(most)
        return self._breaker.reserve(room) if room else NO_ROOM

    def goes_on(self) -> bool:
        """Say whether a call may follow one that has ended without a reservation: while nothing is in trouble."""
        return not self.troubled and self.reserve().room > 0

    def admits(self) -> bool:
        """Say whether a request may begin after all, which it then must: others may have failed meanwhile."""
        if self._breaker.shut_for() > 0:
            return False
        self._limiter.began()
        return True

    def succeeded(self) -> None:
        """Note that the service has answered. A call from before the gate closed does not open it again."""
        if not self._breaker.succeeded():
            return
        self._doubted, self._refusals = None, 0
        self.refused.clear()
        self._limiter.answered()
        rate = self._limiter.rate
        if rate is None:
            engine_state.report(self._history, Service.REACHED, None, None)
        else:
            engine_state.report(self._history, Service.THROTTLED, _SLOWED, None, _shown(rate))

    def failed(self, error: ApiError) -> datetime:
        """Note that a call failed; return when what it was for is due again.

        With refused credentials that is at once: only the gate waits, and other credentials open it.
        """
        new = self._breaker.failed(lambda failures: self._delay(error, failures))
        if new and isinstance(error, Throttled):
            self._limiter.throttled()
        opens_at = self._history.clock() + timedelta(seconds=self._breaker.shut_for())
        service = next((name for kind, name in _SERVICES.items() if isinstance(error, kind)), Service.FAULTY)
        words = str(error)
        if isinstance(error, BadCredentials):
            self._refusals += new
            self.refused.set()
            words = f"{error} New ones are noticed within a minute, and these are tried again."
        rate = self._limiter.rate
        engine_state.report(self._history, service, words, opens_at, None if rate is None else _shown(rate))
        return self._history.clock() if self.refused.is_set() else opens_at

    def failed_alone(self, number: int, error: ApiError, wait: float = PUT_OFF_S) -> datetime:
        """Note that the one task of a request was refused, which may be about the task or about us; say when to retry.

        One task alone waits. A second one without an answer between them is the service's word on all of them.
        """
        if self.troubled or self._doubted not in (None, number):
            return self.failed(error)
        self._doubted = number
        return self._history.clock() + timedelta(seconds=max(wait, error.retry_after or 0.0))

    def admit_new_credentials(self) -> None:
        """Let calls begin again: they go out with credentials that were not refused."""
        self.refused.clear()
        self._refusals = 0
        self._breaker = Breaker(self._seconds, self.changed.set)
        engine_state.report(self._history, Service.UNTRIED, None, None)
        self.changed.set()

    def set_back(self, by: timedelta) -> None:
        """Note that the clock went back by so much."""
        self._breaker.set_back(by.total_seconds())
        self._limiter.set_back(by.total_seconds())

    def _seconds(self) -> float:
        return self._history.clock().timestamp()

    def _delay(self, error: ApiError, failures: int) -> float:
        patience = self._patience
        if isinstance(error, BadCredentials):
            pause = REFUSED_PAUSES_S[min(self._refusals, len(REFUSED_PAUSES_S) - 1)]
            return pause * self._chance.uniform(1.0, 1.1)
        denied = isinstance(error, AccessDenied)
        base, cap = (patience.denied_base_s, patience.denied_cap_s) if denied else (patience.base_s, patience.cap_s)
        return max(error.retry_after or 0.0, retry_delay(failures, self._chance, base=base, cap=cap))


def _shown(rate: float) -> float:
    """Round to what a header has room for, so that the register is not written at each small gain."""
    return round(rate) if rate >= 1 else round(rate, 1)
