"""Poll tasks, many in one document, each at its own interval."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import AccessDenied, ApiError, BadResponse, NotFound, RequestNotAccepted, ServerFault, Throttled
from bwp_tui.contract.payloads import TaskPayload
from bwp_tui.engine.requests.queue_worker import POOL_SIZE, QueueWorker
from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.resilience.service_health import SINGLE_REFUSAL_PAUSE_S
from bwp_tui.engine.worker import WorkerContext
from bwp_tui.store.worklog import poll_responses, ready_polls, service_events
from bwp_tui.store.worklog.poll_responses import PollResponse
from bwp_tui.store.worklog.ready_polls import PolledTask

LARGEST_BATCH: Final = 20
BATCH_LIMIT_LIFETIME: Final = timedelta(hours=1)
"""How long a batch size found after a refusal is kept; then larger ones are tried again."""

_REQUESTS_PER_READ: Final = 2 * POOL_SIZE
"""How many requests each read of ready polls is to fill: reads are few, since each sorts all polls that are ready."""


class Poller(QueueWorker[PolledTask]):
    """Polls the tasks that are ready. It finds the largest accepted batch by trying."""

    def __init__(self, context: WorkerContext, wake: asyncio.Event) -> None:
        super().__init__(context, wake, lambda poll: poll.number)
        self._batch_size = LARGEST_BATCH
        self._max_batch, self._max_batch_until = LARGEST_BATCH, context.now()

    async def _make_calls(self, reservation: Reservation, first: list[PolledTask]) -> None:
        batch = first
        with reservation:
            while batch:
                await self._poll(batch)
                reservation.close()
                self._queue.release(batch)
                batch = next(iter(self._take_batches(1)), []) if self._may_continue else []

    def _take_batches(self, calls: int) -> list[list[PolledTask]]:
        """Take the batches of up to `calls` requests: what is ready, then what is ready soon to fill the last one."""
        polls = self._queue.take(calls * self._batch_size, _REQUESTS_PER_READ * self._batch_size)
        if free := -len(polls) % self._batch_size:
            polls = [*polls, *self._queue.take_before_ready(free, self._read_before_ready)]
        return [polls[start : start + self._batch_size] for start in range(0, len(polls), self._batch_size)]

    def _read(self, most: int) -> list[PolledTask]:
        context = self._context
        return ready_polls.ready(context.store, context.now(), most, context.polled_first.numbers)

    def _read_before_ready(self, most: int) -> list[PolledTask]:
        context = self._context
        return ready_polls.ready_within(context.store, context.now(), most, context.poll_schedule.lead_time)

    def _next_ready_at(self) -> datetime | None:
        return ready_polls.next_at(self._context.store)

    async def _poll(self, batch: Sequence[PolledTask]) -> None:
        if not self._context.health.begin_call():
            return  # it stays ready
        try:
            results = await self._context.api.poll([(poll.kind, poll.task_id) for poll in batch])
        except ApiError as error:
            if isinstance(error, RequestNotAccepted) or (isinstance(error, BadResponse) and error.outcome_unknown):
                await self._split_refused(batch, error)
                return
            if isinstance(error, ServerFault):
                self._batch_size = max(1, len(batch) // 2)  # perhaps the batch was too large
            self._record_failed_polls(batch, error, self._context.health.record_failure(error))
        else:
            again_at = self._record_health(batch, results)
            with self._context.store.write():  # one transaction: each would wait for the disk
                self._record_results(batch, results, again_at)

    def _record_health(self, batch: Sequence[PolledTask], results: Mapping[str, TaskPayload | ApiError]) -> datetime:
        """Record the service's health, and let batches grow; return when to poll the tasks again that had no result."""
        outcomes = list(results.values())
        service_error = _service_error(outcomes)
        if service_error is not None:
            return self._context.health.record_failure(service_error)
        single = outcomes[0] if len(outcomes) == 1 else None
        if isinstance(single, AccessDenied | ServerFault):
            return self._context.health.record_single_refusal(batch[0].number, single)
        self._context.health.record_success()
        most = self._max_batch if self._context.now() < self._max_batch_until else LARGEST_BATCH
        self._batch_size = min(most, self._batch_size + 1)
        return self._context.now() + timedelta(seconds=SINGLE_REFUSAL_PAUSE_S)

    async def _split_refused(self, batch: Sequence[PolledTask], error: ApiError) -> None:
        """Poll a refused batch again in halves: the highest number of root fields is not documented.

        A batch of one was not refused for its size.
        """
        health = self._context.health
        if len(batch) == 1:
            alone = isinstance(error, RequestNotAccepted)
            again_at = health.record_single_refusal(batch[0].number, error) if alone else health.record_failure(error)
            self._record_failed_polls(batch, error, again_at)
            self._max_batch = LARGEST_BATCH
            return
        half = len(batch) // 2
        self._batch_size = max(1, min(self._batch_size, half))
        if isinstance(error, RequestNotAccepted):
            self._max_batch, self._max_batch_until = len(batch) - 1, self._context.now() + BATCH_LIMIT_LIFETIME
        for part in (batch[:half], batch[half:]):
            await self._poll(part)

    def _record_failed_polls(self, batch: Sequence[PolledTask], error: ApiError, again_at: datetime) -> None:
        poll_responses.record_failed_polls(self._context.store, [poll.number for poll in batch], str(error), again_at)

    def _record_results(
        self, batch: Sequence[PolledTask], results: Mapping[str, TaskPayload | ApiError], again_at: datetime
    ) -> None:
        context, now = self._context, self._context.now()
        responses: dict[int, tuple[PollResponse, datetime | None]] = {}
        # An event that came while the poll was on its way asks for another one soon.
        announced = service_events.tasks_with_event(
            context.store, [poll.number for poll in batch if not poll.is_announced]
        )
        for poll in batch:
            result = results.get(poll.task_id)
            if poll.number in announced:
                poll = poll._replace(is_announced=True, polls_unchanged=0)
            if isinstance(result, TaskPayload):
                hold = poll.holding_period if result.holding_period is None else result.holding_period
                next_poll_at = context.poll_schedule.next_poll(poll, result.status, hold, now)
                responses[poll.number] = _to_poll_response(result), next_poll_at
            elif isinstance(result, NotFound):
                poll_responses.record_unknown(
                    context.store, poll.number, str(result), context.poll_schedule.next_after_unknown(now)
                )
            else:
                message = str(result) if result is not None else "The service left this task out of its response."
                poll_responses.record_failed_polls(context.store, [poll.number], message, again_at)
        poll_responses.record_responses(context.store, responses)


def _to_poll_response(result: TaskPayload) -> PollResponse:
    return PollResponse(
        status=result.status,
        submitted_at=result.submission_date,
        updated_at=result.last_updated_date,
        email=result.cleaned_email,
        holding_period=result.holding_period,
        errors=result.errors,
    )


def _service_error(outcomes: Sequence[TaskPayload | ApiError]) -> ApiError | None:
    """Return the error that concerns the service rather than a single task, or None.

    Throttling always concerns the service; a fault or a denial does if all tasks of a batch have it.
    """
    throttled = next((result for result in outcomes if isinstance(result, Throttled)), None)
    if throttled is not None:
        return throttled
    shared = [result for result in outcomes if isinstance(result, AccessDenied | ServerFault)]
    return shared[0] if len(shared) == len(outcomes) > 1 else None
