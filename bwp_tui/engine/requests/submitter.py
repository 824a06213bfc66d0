"""Sending what operators asked for: submissions and cancellations, each under its own client token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import ApiError, BadResponse, NotFound, Rejected, ServerFault, Unaccepted
from bwp_tui.api.response_errors import CANNOT_CANCEL
from bwp_tui.engine.requests.token_protection import is_token_valid
from bwp_tui.engine.requests.worker_pool import POOL_SIZE, WorkerCoroutine, WorkerPool, WorkQueue
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.resilience.service_health import SINGLE_REFUSAL_PAUSE_S
from bwp_tui.engine.worker import WorkerContext
from bwp_tui.store.worklog import intent_outcomes, intents
from bwp_tui.store.worklog.intents import Intent

_AHEAD: Final = 4 * POOL_SIZE
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


class Submitter:
    """Sends the intents that are due.

    Args:
        wake: ends a wait for the calls under way, to see what is due meanwhile.
    """

    def __init__(self, bench: WorkerContext, wake: asyncio.Event) -> None:
        self._bench = bench
        self._lanes = WorkerPool(wake)
        self._due = WorkQueue(self._read, lambda intent: intent.id)
        self._sync = SharedSync(bench.store.sync_tripwire)
        self._failures: dict[int, int] = {}

    async def run_due(self) -> None:
        """Send all that is due; when the service is in trouble, one alone until it answers."""
        self._due.reset()
        await self._lanes.run(self._start_workers)

    def next_at(self) -> datetime | None:
        """Return when the next intent may be sent."""
        due = intents.next_at(self._bench.store)
        opens = self._bench.health.available_at()
        return max(due, opens) if due is not None and opens is not None else due

    @property
    def busy(self) -> bool:
        """Never: `run_due` awaits all that it begins."""
        return False

    async def close(self) -> None:
        """Nothing is left under way: an intent that was cut off is sent again with its own token."""

    def _start_workers(self, most: int) -> list[WorkerCoroutine]:
        self._due.drop_read_ahead()
        found = self._due.take(most, _AHEAD) if self._bench.health.available_at() is None else []
        if not found:
            return []
        # Only now: a reservation that is given back unused has every desk look again whether it may call.
        reservation = self._bench.health.reserve(len(found))
        self._due.done(found[reservation.room :])
        return [self._send_intents(reservation, intent) for intent in found[: reservation.room]]

    async def _send_intents(self, reservation: Reservation, first: Intent) -> None:
        with reservation:
            intent = self._record_sending(first) if await self._knows_the_clock(first) else None
            while intent is not None:
                intent = await self._send_next(reservation, intent)

    async def _send_next(self, reservation: Reservation, intent: Intent) -> Intent | None:
        """Send what is marked; return what this lane sends next, marked as well.

        What came of the one and that the other is about to be sent are one transaction: each alone would wait for
        the disk.
        """
        if intent.action == "submit":
            await self._sync()  # a copy of the history from before is then known for one, wherever it comes back
        try:
            answer: str | ApiError = await self._call(intent)
        except ApiError as error:
            answer = error
        with self._bench.store.write():
            self._settle(intent, answer)
            reservation.close()
            self._due.done([intent])
            return self._next() if self._lanes.may_continue and self._bench.health.may_continue() else None

    def _next(self) -> Intent | None:
        for intent in self._due.take(1, _AHEAD):
            if intent.first_sent_at is None:
                return self._record_sending(intent)
            self._due.done([intent])  # a lane that begins with it looks at the service's clock first
        return None

    async def _knows_the_clock(self, intent: Intent) -> bool:
        """Have the service tell its time before a client token is used; put the intent off where it does not answer."""
        bench = self._bench
        try:
            await bench.api.look_at_clock(again=intent.first_sent_at is not None)
        except ApiError as error:
            with bench.store.write():
                # Nothing is known to be unsent by that: an earlier try may be open.
                intent_outcomes.reschedule(
                    bench.store, intent.id, str(error), bench.health.record_failure(error), never_sent=False
                )
            self._due.done([intent])
            return False
        return True

    def _record_sending(self, intent: Intent) -> Intent | None:
        """Return the intent if it is to be sent now, and then it must be: it is on disk before its first byte leaves.

        After a crash between the two, the same token is sent again.
        """
        bench, service_now = self._bench, self._bench.api.service_now()
        if intent.action == "submit" and not is_token_valid(intent, bench.now(), bench.store.uptime(), service_now):
            intent_outcomes.record_unconfirmed(bench.store, intent.id)
        elif bench.health.may_start() and intent_outcomes.record_sending(bench.store, intent.id, service_now):
            return intent
        self._due.done([intent])
        return None

    async def _call(self, intent: Intent) -> str:
        """Send the request; return the task id."""
        api = self._bench.api
        if intent.action == "submit":
            return await api.start(intent.kind, intent.email, intent.client_token, intent.holding_period, intent.reason)
        await api.cancel(intent.task_id or "")
        return intent.task_id or ""

    def _settle(self, intent: Intent, answer: str | ApiError) -> None:
        bench, submission = self._bench, intent.action == "submit"
        if isinstance(answer, Rejected) and submission:
            intent_outcomes.record_rejected(bench.store, intent.id, answer.code, str(answer))
        elif isinstance(answer, Rejected) and answer.code == CANNOT_CANCEL:
            intent_outcomes.record_cancel_refused(bench.store, intent.id, str(answer))
        elif isinstance(answer, ApiError):
            self._reschedule(intent, answer)
            return
        elif submission:
            intent_outcomes.record_accepted(bench.store, intent.id, answer, bench.pace.first_poll(bench.now()))
        else:
            intent_outcomes.record_cancelled(bench.store, intent.id)
        self._failures.pop(intent.id, None)
        bench.health.record_success()

    def _read(self, most: int) -> list[Intent]:
        bench = self._bench
        return intents.due(bench.store, bench.now(), most)

    def _reschedule(self, intent: Intent, error: ApiError) -> None:
        """Have an intent wait: for the service, and longer with each failure that may be about the intent itself."""
        bench, at = self._bench, self._bench.now()
        if isinstance(error, (*_ABOUT_THE_REQUEST, ServerFault, BadResponse)):
            failures = self._failures[intent.id] = self._failures.get(intent.id, 0) + 1
            at += timedelta(seconds=retry_delay(failures, bench.rng, cap=SINGLE_REFUSAL_PAUSE_S))
        if isinstance(error, _ABOUT_THE_REQUEST):
            at = max(at, bench.health.record_single_refusal(intent.number, error, wait=0.0))
        else:
            at = max(at, bench.health.record_failure(error))
        intent_outcomes.reschedule(bench.store, intent.id, str(error), at, never_sent=not error.outcome_unknown)
