"""Decide whether and how fast the service may be called; all workers of an engine share it."""

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
    NotFound,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.engine.resilience.backoff import RETRY_BASE_S, RETRY_CAP_S, retry_delay
from bwp_tui.engine.resilience.circuit_breaker import NO_RESERVATION, CircuitBreaker, Reservation
from bwp_tui.engine.resilience.rate_limiter import RateLimiter
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState

SINGLE_REFUSAL_PAUSE_S: Final = 600.0
"""Seconds before a retry for a single task whose request failed while others succeed."""

DENIAL_BOUNDS_S: Final = (30.0, 900.0)
"""Seconds before a retry after access was denied: the first wait, and the longest."""

CREDENTIAL_RETRY_S: Final = (60.0, 300.0, 900.0)
"""Seconds before refused credentials are tried again: services have refused valid ones for a moment."""

_SLOWED: Final = "Rate limit hit: requests are sent more slowly for a while."
_STATE_OF_ERROR: Final[dict[type[ApiError], ServiceHealthState]] = {
    Unreachable: ServiceHealthState.UNREACHABLE,
    Throttled: ServiceHealthState.THROTTLED,
    AccessDenied: ServiceHealthState.DENIED,
    BadCredentials: ServiceHealthState.BAD_CREDENTIALS,
    ServerFault: ServiceHealthState.FAULTY,
    BadResponse: ServiceHealthState.FAULTY,
}


class ServiceHealth:
    """Stops calls after failures, for longer with each one, then lets a single probe through.

    Token and API endpoint count as one service, since a call needs both. `changed` is set when calls may start again,
    `credentials_refused` while the service refuses the credentials.
    """

    def __init__(self, store: Store, rng: random.Random) -> None:
        self.changed = asyncio.Event()
        self.credentials_refused = asyncio.Event()
        self._store = store
        self._rng = rng
        self._breaker = CircuitBreaker(self._seconds, self.changed.set)
        self._limiter = RateLimiter(self._seconds)
        self._single_refusal_task: int | None = None
        self._credential_refusals = 0

    @property
    def is_failing(self) -> bool:
        """Whether the last call failed, so that the next one is a single probe."""
        return self._breaker.is_failing

    def next_call_at(self) -> datetime | None:
        """Return when the service may be called again, or None if it may be now.

        `datetime.max` means unknown: a probe is running, and `changed` is set when it ends.
        """
        if self._breaker.is_probing and self._breaker.seconds_until_retry() <= 0:
            return datetime.max.replace(tzinfo=self._store.clock().tzinfo)
        wait_s = max(self._breaker.seconds_until_retry(), self._limiter.seconds_until_ready())
        return self._store.clock() + timedelta(seconds=wait_s) if wait_s > 0 else None

    def reserve(self, most: int = 1) -> Reservation:
        """Reserve up to `most` calls; hold the reservation until they have ended."""
        allowed = self._limiter.available(most)
        return self._breaker.reserve(allowed) if allowed else NO_RESERVATION

    def may_continue(self) -> bool:
        """Return whether another call may follow without a reservation: only while the service is healthy."""
        return not self.is_failing and self.reserve().calls > 0

    def begin_call(self) -> bool:
        """Check again, immediately before sending, that the service is usable, and take a token of the rate limit.

        If it returns True, the caller must send.
        """
        if self._breaker.seconds_until_retry() > 0:
            return False
        self._limiter.record_start()
        return True

    def record_success(self) -> None:
        """Record a success. A call from before the last failure does not end the wait."""
        if not self._breaker.record_success():
            return
        self._single_refusal_task, self._credential_refusals = None, 0
        self.credentials_refused.clear()
        self._limiter.record_success()
        if self._limiter.rate is None:
            engine_state.record_health(self._store, ServiceHealthState.REACHED, None, None)
        else:
            engine_state.record_health(self._store, ServiceHealthState.THROTTLED, _SLOWED, None, self._rounded_rate)

    def drop_expired_limit(self) -> None:
        """Drop a rate limit that the next success will drop, which may be a day away: it is shown until then."""
        if not self.is_failing and self._limiter.drop_if_expired():
            engine_state.record_health(self._store, ServiceHealthState.REACHED, None, None)

    def record_failure(self, error: ApiError) -> datetime:
        """Record a failed call; return when its work is ready again.

        After refused credentials that is now: only `next_call_at` waits, and new credentials end that wait.
        """
        new = self._breaker.record_failure(lambda failures: self._delay(error, failures))
        if new and isinstance(error, Throttled):
            self._limiter.record_throttled()
        retry_at = self._store.clock() + timedelta(seconds=self._breaker.seconds_until_retry())
        service = next(
            (name for kind, name in _STATE_OF_ERROR.items() if isinstance(error, kind)), ServiceHealthState.FAULTY
        )
        if isinstance(error, BadCredentials):
            self._credential_refusals += new
            self.credentials_refused.set()
        engine_state.record_health(self._store, service, str(error), retry_at, self._rounded_rate)
        return self._store.clock() if self.credentials_refused.is_set() else retry_at

    def record_single_refusal(self, number: int, error: ApiError, wait: float = SINGLE_REFUSAL_PAUSE_S) -> datetime:
        """Record that a request for a single task was refused; return when to retry.

        The first one makes only that task wait. A second one without a success in between counts as a failure of the
        service. A service that says that it does not know the task is no such failure: it has looked the task up.
        """
        if isinstance(error, NotFound):
            self.record_success()
        elif self.is_failing or self._single_refusal_task not in (None, number):
            return self.record_failure(error)
        else:
            self._single_refusal_task = number
        return self._store.clock() + timedelta(seconds=max(wait, error.retry_after or 0.0))

    def use_new_credentials(self) -> None:
        """Let calls start again, with new credentials."""
        self.credentials_refused.clear()
        self._credential_refusals = 0
        self._breaker = CircuitBreaker(self._seconds, self.changed.set)
        engine_state.record_health(self._store, ServiceHealthState.UNTRIED, None, None)
        self.changed.set()

    def shift_clock(self, rollback: timedelta) -> None:
        """Adjust recorded times after the clock went back by `rollback`."""
        self._breaker.shift_clock(rollback.total_seconds())
        self._limiter.shift_clock(rollback.total_seconds())

    @property
    def _rounded_rate(self) -> float | None:
        """The limit, rounded as the header shows it, so that small changes do not write to the history."""
        rate = self._limiter.rate
        return rate if rate is None else round(rate) if rate >= 1 else round(rate, 1)

    def _seconds(self) -> float:
        return self._store.clock().timestamp()

    def _delay(self, error: ApiError, failures: int) -> float:
        if isinstance(error, BadCredentials):
            pause = CREDENTIAL_RETRY_S[min(self._credential_refusals, len(CREDENTIAL_RETRY_S) - 1)]
            return pause * self._rng.uniform(1.0, 1.1)
        base, cap = DENIAL_BOUNDS_S if isinstance(error, AccessDenied) else (RETRY_BASE_S, RETRY_CAP_S)
        return max(error.retry_after or 0.0, retry_delay(failures, self._rng, base=base, cap=cap))
