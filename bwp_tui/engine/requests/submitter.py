"""Send submissions and cancellations, each under its own client token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import ApiError, BadResponse, NotFound, Rejected, RequestNotAccepted, ServerFault
from bwp_tui.api.response_errors import CANNOT_CANCEL
from bwp_tui.domain.statuses import IntentAction
from bwp_tui.engine.requests.queue_worker import POOL_SIZE, QueueWorker
from bwp_tui.engine.requests.token_protection import is_client_token_valid
from bwp_tui.engine.resilience.backoff import retry_delay
from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.resilience.service_health import SINGLE_REFUSAL_PAUSE_S
from bwp_tui.engine.worker import WorkerContext
from bwp_tui.store.worklog import intent_outcomes, intents
from bwp_tui.store.worklog.intents import Intent

_INTENTS_PER_READ: Final = 4 * POOL_SIZE
"""Intents read at a time."""

_ERRORS_OF_ONE_REQUEST: Final = (RequestNotAccepted, Rejected, NotFound)
"""Errors that may concern this request alone: the next one is sent without a wait."""


class SharedFlush:
    """Calls `flush`, which syncs a file to disk, in a thread; calls that arrive meanwhile share the next sync."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._one_at_a_time = asyncio.Lock()
        self._asked = 0
        self._done = 0

    async def __call__(self) -> None:
        """Return once all that was written to the file before this call is on disk."""
        self._asked += 1
        own = self._asked
        async with self._one_at_a_time:
            if self._done < own:
                covered = self._asked
                await asyncio.to_thread(self._flush)
                self._done = covered


class Submitter(QueueWorker[Intent]):
    """Sends the intents that are ready. An interrupted intent is sent again under its own client token."""

    def __init__(self, context: WorkerContext, wake: asyncio.Event) -> None:
        super().__init__(context, wake, lambda intent: intent.id)
        self._flush_high_water_mark = SharedFlush(context.store.flush_high_water_mark)
        self._failures: dict[int, int] = {}

    def _read(self, most: int) -> list[Intent]:
        return intents.ready(self._context.store, self._context.now(), most)

    def _next_ready_at(self) -> datetime | None:
        return intents.next_at(self._context.store)

    def _take_batches(self, calls: int) -> list[list[Intent]]:
        return [[intent] for intent in self._queue.take(calls, _INTENTS_PER_READ)]

    async def _make_calls(self, reservation: Reservation, first: list[Intent]) -> None:
        with reservation:
            intent = self._begin_sending(first[0]) if await self._obtain_service_time(first[0]) else None
            while intent is not None:
                intent = await self._send_next(reservation, intent)

    async def _send_next(self, reservation: Reservation, intent: Intent) -> Intent | None:
        """Send an intent recorded as being sent; return the next one to send, recorded as well.

        The outcome of the one and the sending of the next are one transaction, to wait for the disk only once.
        """
        if intent.action == IntentAction.SUBMIT:
            await self._flush_high_water_mark()  # so that an older copy of the history is recognized if it is restored
        try:
            outcome: str | ApiError = await self._send(intent)
        except ApiError as error:
            outcome = error
        with self._context.store.write():
            self._record_outcome(intent, outcome)
            reservation.close()
            self._queue.release([intent])
            return self._take_next() if self._may_continue else None

    def _take_next(self) -> Intent | None:
        for intent in self._queue.take(1, _INTENTS_PER_READ):
            if intent.first_sent_at is None:
                return self._begin_sending(intent)
            self._queue.release([intent])  # it needs the service's clock first
        return None

    async def _obtain_service_time(self, intent: Intent) -> bool:
        """Obtain the service's time, to judge client tokens by; without a response, reschedule and return False."""
        context = self._context
        try:
            await context.api.refresh_clock(if_stale=intent.first_sent_at is not None)
        except ApiError as error:
            with context.store.write():
                # That does not prove that it was never sent: an earlier attempt may be open.
                again = (
                    "" if intent.first_sent_at is None else "Not sent again yet: the service's time is needed first. "
                )
                retry_at = context.health.record_failure(error)
                intent_outcomes.reschedule(context.store, intent.id, f"{again}{error}", retry_at, never_sent=False)
            self._queue.release([intent])
            return False
        return True

    def _begin_sending(self, intent: Intent) -> Intent | None:
        """Record an intent as being sent and return it; None if it is not to be sent now, or its token has expired.

        The caller must send what is returned. It is on disk before the first byte leaves; after a crash the same token
        is sent again.
        """
        context, service_now = self._context, self._context.api.service_now()
        is_submission = intent.action == IntentAction.SUBMIT
        if is_submission and not is_client_token_valid(intent, context.now(), context.store.uptime(), service_now):
            intent_outcomes.record_unconfirmed(context.store, intent.id)
        elif context.health.begin_call() and intent_outcomes.record_sending(context.store, intent.id, service_now):
            return intent
        self._queue.release([intent])
        return None

    async def _send(self, intent: Intent) -> str:
        """Send the request; return the task id."""
        api = self._context.api
        if intent.action == IntentAction.SUBMIT:
            return await api.start(intent.kind, intent.email, intent.client_token, intent.holding_period, intent.reason)
        await api.cancel(intent.task_id or "")
        return intent.task_id or ""

    def _record_outcome(self, intent: Intent, outcome: str | ApiError) -> None:
        context, submission = self._context, intent.action == IntentAction.SUBMIT
        if isinstance(outcome, Rejected) and submission:
            intent_outcomes.record_rejected(context.store, intent.id, outcome.code, str(outcome))
        elif isinstance(outcome, Rejected) and outcome.code == CANNOT_CANCEL:
            intent_outcomes.record_cancel_refused(context.store, intent.id, str(outcome))
        elif isinstance(outcome, ApiError):
            self._reschedule(intent, outcome)
            return
        elif submission:
            intent_outcomes.record_accepted(
                context.store, intent.id, outcome, context.poll_schedule.first_poll(context.now())
            )
        else:
            intent_outcomes.record_cancelled(context.store, intent.id)
        self._failures.pop(intent.id, None)
        context.health.record_success()

    def _reschedule(self, intent: Intent, error: ApiError) -> None:
        """Retry an intent once the service is available, and after a growing wait if it may itself be at fault."""
        context, at = self._context, self._context.now()
        if isinstance(error, (*_ERRORS_OF_ONE_REQUEST, ServerFault, BadResponse)):
            failures = self._failures[intent.id] = self._failures.get(intent.id, 0) + 1
            at += timedelta(seconds=retry_delay(failures, context.rng, cap=SINGLE_REFUSAL_PAUSE_S))
        if isinstance(error, _ERRORS_OF_ONE_REQUEST):
            at = max(at, context.health.record_single_refusal(intent.task_number, error, wait=0.0))
        else:
            at = max(at, context.health.record_failure(error))
        intent_outcomes.reschedule(context.store, intent.id, str(error), at, never_sent=not error.outcome_unknown)
