"""Sending what operators asked for: submissions and cancellations, each under its own client token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import ApiError, BadAnswer, NotFound, Rejected, ServerFault, Unaccepted
from bwp_tui.api.response_errors import CANNOT_CANCEL
from bwp_tui.engine.requests.token_protection import protects
from bwp_tui.engine.requests.worker_pool import AT_ONCE, Ahead, Lane, Lanes
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.resilience.service_health import PUT_OFF_S
from bwp_tui.engine.worker import Bench
from bwp_tui.store.worklog import intent_outcomes, intents
from bwp_tui.store.worklog.intents import Intent

_AHEAD: Final = 4 * AT_ONCE
"""Intents that one read takes."""

_ABOUT_THE_REQUEST: Final = (Unaccepted, Rejected, NotFound)
"""Errors that the next request may not meet: it is tried before anybody waits for it."""


class SharedSync:
    """Has what was written so far put on disk, in a thread; calls that come meanwhile share the next one.

    Args:
        sync: puts it on disk, and returns once it is there.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._one_at_a_time = asyncio.Lock()
        self._asked = 0
        self._done = 0

    async def __call__(self) -> None:
        """Return once all that was written before this call is on disk."""
        self._asked += 1
        mine = self._asked
        async with self._one_at_a_time:
            if self._done < mine:
                covered = self._asked
                await asyncio.to_thread(self._sync)
                self._done = covered


class SubmittingDesk:
    """Sends the intents that are due.

    Args:
        wake: ends a wait for the calls under way, to see what is due meanwhile.
    """

    def __init__(self, bench: Bench, wake: asyncio.Event) -> None:
        self._bench = bench
        self._lanes = Lanes(wake)
        self._due = Ahead(self._read, lambda intent: intent.id)
        self._sync = SharedSync(bench.history.sync_tripwire)
        self._failures: dict[int, int] = {}

    async def work(self) -> None:
        """Send all that is due; when the service is in trouble, one alone until it answers."""
        self._due.start_over()
        await self._lanes.work(self._begin)

    def next_at(self) -> datetime | None:
        """Return when the next intent may be sent."""
        due = intents.next_at(self._bench.history)
        opens = self._bench.gate.opens_at()
        return max(due, opens) if due is not None and opens is not None else due

    @property
    def busy(self) -> bool:
        """Never: `work` awaits all that it begins."""
        return False

    async def close(self) -> None:
        """Nothing is left under way: an intent that was cut off is sent again with its own token."""

    def _begin(self, most: int) -> list[Lane]:
        self._due.forget()
        found = self._due.take(most, _AHEAD) if self._bench.gate.opens_at() is None else []
        if not found:
            return []
        # Only now: a reservation that is given back unused has every desk look again whether it may call.
        reservation = self._bench.gate.reserve(len(found))
        self._due.put_away(found[reservation.room :])
        return [self._lane(reservation, intent) for intent in found[: reservation.room]]

    async def _lane(self, reservation: Reservation, first: Intent) -> None:
        with reservation:
            intent = self._marked(first) if await self._knows_the_clock(first) else None
            while intent is not None:
                intent = await self._turn(reservation, intent)

    async def _turn(self, reservation: Reservation, intent: Intent) -> Intent | None:
        """Send what is marked; return what this lane sends next, marked as well.

        What came of the one and that the other is about to be sent are one transaction: each alone would wait for
        the disk.
        """
        if intent.action == "submit":
            await self._sync()  # a copy of the history from before is then known for one, wherever it comes back
        try:
            answer: str | ApiError = await self._ask(intent)
        except ApiError as error:
            answer = error
        with self._bench.history.write():
            self._settle(intent, answer)
            reservation.close()
            self._due.put_away([intent])
            return self._next() if self._lanes.go_on and self._bench.gate.goes_on() else None

    def _next(self) -> Intent | None:
        for intent in self._due.take(1, _AHEAD):
            if intent.first_sent_at is None:
                return self._marked(intent)
            self._due.put_away([intent])  # a lane that begins with it looks at the service's clock first
        return None

    async def _knows_the_clock(self, intent: Intent) -> bool:
        """Have the service tell its time before a client token is used; put the intent off where it does not answer."""
        bench = self._bench
        try:
            await bench.api.look_at_clock(again=intent.first_sent_at is not None)
        except ApiError as error:
            with bench.history.write():
                # Nothing is known to be unsent by that: an earlier try may be open.
                intent_outcomes.put_off(
                    bench.history, intent.id, str(error), bench.gate.failed(error), never_sent=False
                )
            self._due.put_away([intent])
            return False
        return True

    def _marked(self, intent: Intent) -> Intent | None:
        """Return the intent if it is to be sent now, and then it must be: it is on disk before its first byte leaves.

        After a crash between the two, the same token is sent again.
        """
        bench, service_now = self._bench, self._bench.api.service_now()
        if intent.action == "submit" and not protects(intent, bench.now(), bench.history.uptime(), service_now):
            intent_outcomes.unconfirmed(bench.history, intent.id)
        elif bench.gate.admits() and intent_outcomes.sending(bench.history, intent.id, service_now):
            return intent
        self._due.put_away([intent])
        return None

    async def _ask(self, intent: Intent) -> str:
        """Send the request; return the task id."""
        api = self._bench.api
        if intent.action == "submit":
            return await api.start(intent.kind, intent.email, intent.client_token, intent.holding_period, intent.reason)
        await api.cancel(intent.task_id or "")
        return intent.task_id or ""

    def _settle(self, intent: Intent, answer: str | ApiError) -> None:
        bench, submission = self._bench, intent.action == "submit"
        if isinstance(answer, Rejected) and submission:
            intent_outcomes.refused(bench.history, intent.id, answer.code, str(answer))
        elif isinstance(answer, Rejected) and answer.code == CANNOT_CANCEL:
            intent_outcomes.cancel_refused(bench.history, intent.id, str(answer))
        elif isinstance(answer, ApiError):
            self._put_off(intent, answer)
            return
        elif submission:
            intent_outcomes.accepted(bench.history, intent.id, answer, bench.pace.first_poll(bench.now()))
        else:
            intent_outcomes.cancelled(bench.history, intent.id)
        self._failures.pop(intent.id, None)
        bench.gate.succeeded()

    def _read(self, most: int) -> list[Intent]:
        bench = self._bench
        return intents.due(bench.history, bench.now(), most)

    def _put_off(self, intent: Intent, error: ApiError) -> None:
        """Have an intent wait: for the service, and longer with each failure that may be about the intent itself."""
        bench, at = self._bench, self._bench.now()
        if isinstance(error, (*_ABOUT_THE_REQUEST, ServerFault, BadAnswer)):
            failures = self._failures[intent.id] = self._failures.get(intent.id, 0) + 1
            at += timedelta(seconds=retry_delay(failures, bench.chance, cap=PUT_OFF_S))
        if isinstance(error, _ABOUT_THE_REQUEST):
            at = max(at, bench.gate.failed_alone(intent.number, error, wait=0.0))
        else:
            at = max(at, bench.gate.failed(error))
        intent_outcomes.put_off(bench.history, intent.id, str(error), at, never_sent=not error.outcome_unknown)
