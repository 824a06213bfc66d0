"""Whether and how fast the service may be called: what every desk of the engine shares about its health."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadCredentials,
    BadResponse,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.engine.resilience.backoff import BackoffPolicy, retry_delay
from bwp_tui.engine.resilience.circuit_breaker import NO_ROOM, CircuitBreaker, Reservation
from bwp_tui.engine.resilience.rate_limiter import RateLimiter
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceState

SINGLE_REFUSAL_PAUSE_S: Final = 600.0
"""How long one task waits whose request alone failed while the service answers others."""

REFUSED_PAUSES_S: Final = (60.0, 300.0, 900.0)
"""How long credentials that were refused are left alone: services have refused right ones for a moment."""

_SLOWED: Final = "The service asked for fewer requests: they go out more slowly for a while."
_SERVICES: Final[dict[type[ApiError], ServiceState]] = {
    Unreachable: ServiceState.UNREACHABLE,
    Throttled: ServiceState.THROTTLED,
    AccessDenied: ServiceState.DENIED,
    BadCredentials: ServiceState.BAD_CREDENTIALS,
    ServerFault: ServiceState.FAULTY,
    BadResponse: ServiceState.FAULTY,
}


class ServiceHealth:
    """Closes when the service cannot be used, for longer with each failure; a single call then tries it first.

    Token and API endpoint are one to it: no call works without both. `changed` is set when a call may begin that
    was refused before, `refused` while the credentials are, so that others are looked for.
    """

    def __init__(self, store: Store, rng: random.Random, policy: BackoffPolicy | None = None) -> None:
        self.changed = asyncio.Event()
        self.refused = asyncio.Event()
        self._store = store
        self._chance = rng
        self._patience = policy or BackoffPolicy()
        self._breaker = CircuitBreaker(self._seconds, self.changed.set)
        self._limiter = RateLimiter(self._seconds, self._patience.slowest)
        self._doubted: int | None = None
        self._refusals = 0

    @property
    def is_failing(self) -> bool:
        """Whether the last call failed, so that the next one goes alone."""
        return self._breaker.is_failing

    def available_at(self) -> datetime | None:
        """Return when the service may be called again, or None when it may be now.

        `datetime.max` stands for no known time: another call tries the service just now. `changed` tells of its end.
        """
        if self._breaker.is_probing and self._breaker.seconds_open() <= 0:
            return datetime.max.replace(tzinfo=self._store.clock().tzinfo)
        shut_for = max(self._breaker.seconds_open(), self._limiter.seconds_until_ready())
        return self._store.clock() + timedelta(seconds=shut_for) if shut_for > 0 else None

    def reserve(self, most: int = 1) -> Reservation:
        """Return room for up to `most` calls, to be held until they have ended."""
        room = self._limiter.available(most)
        return self._breaker.reserve(room) if room else NO_ROOM

    def may_continue(self) -> bool:
        """Say whether a call may follow one that has ended without a reservation: while nothing is in trouble."""
        return not self.is_failing and self.reserve().room > 0

    def may_start(self) -> bool:
        """Say whether a request may begin after all, which it then must: others may have failed meanwhile."""
        if self._breaker.seconds_open() > 0:
            return False
        self._limiter.record_start()
        return True

    def record_success(self) -> None:
        """Note that the service has answered. A call from before the gate closed does not open it again."""
        if not self._breaker.record_success():
            return
        self._doubted, self._refusals = None, 0
        self.refused.clear()
        self._limiter.record_success()
        rate = self._limiter.rate
        if rate is None:
            engine_state.record_health(self._store, ServiceState.REACHED, None, None)
        else:
            engine_state.record_health(self._store, ServiceState.THROTTLED, _SLOWED, None, _shown(rate))

    def record_failure(self, error: ApiError) -> datetime:
        """Note that a call failed; return when what it was for is due again.

        With refused credentials that is at once: only the gate waits, and other credentials open it.
        """
        new = self._breaker.record_failure(lambda failures: self._delay(error, failures))
        if new and isinstance(error, Throttled):
            self._limiter.record_throttled()
        opens_at = self._store.clock() + timedelta(seconds=self._breaker.seconds_open())
        service = next((name for kind, name in _SERVICES.items() if isinstance(error, kind)), ServiceState.FAULTY)
        words = str(error)
        if isinstance(error, BadCredentials):
            self._refusals += new
            self.refused.set()
            words = f"{error} New ones are noticed within a minute, and these are tried again."
        rate = self._limiter.rate
        engine_state.record_health(self._store, service, words, opens_at, None if rate is None else _shown(rate))
        return self._store.clock() if self.refused.is_set() else opens_at

    def record_single_refusal(self, number: int, error: ApiError, wait: float = SINGLE_REFUSAL_PAUSE_S) -> datetime:
        """Note that the one task of a request was refused, which may be about the task or about us; say when to retry.

        One task alone waits. A second one without an answer between them is the service's word on all of them.
        """
        if self.is_failing or self._doubted not in (None, number):
            return self.record_failure(error)
        self._doubted = number
        return self._store.clock() + timedelta(seconds=max(wait, error.retry_after or 0.0))

    def use_new_credentials(self) -> None:
        """Let calls begin again: they go out with credentials that were not refused."""
        self.refused.clear()
        self._refusals = 0
        self._breaker = CircuitBreaker(self._seconds, self.changed.set)
        engine_state.record_health(self._store, ServiceState.UNTRIED, None, None)
        self.changed.set()

    def shift_clock(self, by: timedelta) -> None:
        """Note that the clock went back by so much."""
        self._breaker.shift_clock(by.total_seconds())
        self._limiter.shift_clock(by.total_seconds())

    def _seconds(self) -> float:
        return self._store.clock().timestamp()

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
