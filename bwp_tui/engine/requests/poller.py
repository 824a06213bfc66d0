"""Asking the service about tasks, many in one document, each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import AccessDenied, ApiError, BadResponse, NotFound, ServerFault, Throttled, Unaccepted
from bwp_tui.contract.payloads import TaskPayload
from bwp_tui.engine.requests.worker_pool import POOL_SIZE, WorkerCoroutine, WorkerPool, WorkQueue
from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.resilience.service_health import SINGLE_REFUSAL_PAUSE_S
from bwp_tui.engine.worker import WorkerContext
from bwp_tui.store.worklog import due_polls, poll_answers
from bwp_tui.store.worklog.due_polls import DuePoll
from bwp_tui.store.worklog.poll_answers import PollAnswer

LARGEST_BATCH: Final = 20
SIZE_KEPT: Final = timedelta(hours=1)
"""For so long no request is larger than what was accepted after a refusal; then the bound may have changed."""

_AHEAD: Final = 2 * POOL_SIZE
"""Requests that are filled by one read: the tasks of a backlog are sorted anew at each."""


class Poller:
    """Polls the tasks that are due. How many one document may ask for is found by trying.

    Args:
        wake: ends a wait for the calls under way, to see what is due meanwhile.
    """

    def __init__(self, bench: WorkerContext, wake: asyncio.Event) -> None:
        self._bench = bench
        self._batch = LARGEST_BATCH
        self._most, self._most_until = LARGEST_BATCH, bench.now()
        self._lanes = WorkerPool(wake)
        self._due = WorkQueue(self._read, lambda poll: poll.number)

    async def run_due(self) -> None:
        """Poll all that is due; when the service is in trouble, one batch alone until it answers."""
        self._due.reset()
        await self._lanes.run(self._start_workers)

    def _start_workers(self, most: int) -> list[WorkerCoroutine]:
        self._due.drop_read_ahead()
        found = self._take(most) if self._bench.health.available_at() is None else []
        if not found:
            return []
        batches = [found[start : start + self._batch] for start in range(0, len(found), self._batch)]
        # Only now: a reservation that is given back unused has every desk look again whether it may call.
        reservation = self._bench.health.reserve(len(batches))
        for batch in batches[reservation.room :]:
            self._due.done(batch)
        return [self._poll_batches(reservation, batch) for batch in batches[: reservation.room]]

    async def _poll_batches(self, reservation: Reservation, batch: list[DuePoll]) -> None:
        with reservation:
            while batch:
                await self._poll(batch)
                reservation.close()
                self._due.done(batch)
                batch = self._take(1) if self._lanes.may_continue and self._bench.health.may_continue() else []

    def _take(self, requests: int) -> list[DuePoll]:
        """Return what fills up to so many requests: what is due, and in the room that is left what soon will be."""
        found = self._due.take(requests * self._batch, _AHEAD * self._batch)
        room = -len(found) % self._batch
        return [*found, *self._due.take_early(room, self._read_soon)] if room else found

    def _read(self, most: int) -> list[DuePoll]:
        bench = self._bench
        return due_polls.due(bench.store, bench.now(), most, bench.visible.numbers)

    def _read_soon(self, most: int) -> list[DuePoll]:
        return due_polls.soon(self._bench.store, self._bench.now(), most)

    def next_at(self) -> datetime | None:
        """Return when the next poll is due."""
        due = due_polls.next_at(self._bench.store)
        opens = self._bench.health.available_at()
        return max(due, opens) if due is not None and opens is not None else due

    @property
    def busy(self) -> bool:
        """Never: `run_due` awaits all that it begins."""
        return False

    async def close(self) -> None:
        """Nothing is left under way: a poll that was cut off is still due."""

    async def _poll(self, batch: Sequence[DuePoll]) -> None:
        if not self._bench.health.may_start():
            return  # it stays due
        try:
            answered = await self._bench.api.poll([(poll.kind, poll.task_id) for poll in batch])
        except ApiError as error:
            if isinstance(error, Unaccepted) or (isinstance(error, BadResponse) and error.outcome_unknown):
                await self._refused(batch, error)
                return
            if isinstance(error, ServerFault):
                self._batch = max(
                    1, len(batch) // 2
                )  # it may have been too much, and shows only when it is tried again
            self._not_answered(batch, error, self._bench.health.record_failure(error))
        else:
            again_at = self._record_outcomes(batch, answered)
            with self._bench.store.write():  # one for all: each alone would wait for the disk
                self._record(batch, answered, again_at)

    def _record_outcomes(self, batch: Sequence[DuePoll], answered: Mapping[str, TaskPayload | ApiError]) -> datetime:
        """Tell the gate how the service does; return when to ask again about what it did not answer."""
        found = list(answered.values())
        trouble = _trouble_of_service(found)
        if trouble is not None:
            return self._bench.health.record_failure(trouble)
        alone = found[0] if len(found) == 1 else None
        if isinstance(alone, AccessDenied | ServerFault):
            return self._bench.health.record_single_refusal(batch[0].number, alone)
        self._bench.health.record_success()
        most = self._most if self._bench.now() < self._most_until else LARGEST_BATCH
        self._batch = min(most, self._batch + 1)
        return self._bench.now() + timedelta(seconds=SINGLE_REFUSAL_PAUSE_S)

    async def _refused(self, batch: Sequence[DuePoll], error: ApiError) -> None:
        """Ask for half as many at a time: how many root fields a document may hold is not documented.

        What is refused down to the single task was not refused for its size.
        """
        gate = self._bench.health
        if len(batch) == 1:
            alone = isinstance(error, Unaccepted)
            again_at = gate.record_single_refusal(batch[0].number, error) if alone else gate.record_failure(error)
            self._not_answered(batch, error, again_at)
            self._most = LARGEST_BATCH
            return
        half = len(batch) // 2
        self._batch = max(1, min(self._batch, half))
        if isinstance(error, Unaccepted):
            self._most, self._most_until = len(batch) - 1, self._bench.now() + SIZE_KEPT
        for part in (batch[:half], batch[half:]):
            await self._poll(part)

    def _not_answered(self, batch: Sequence[DuePoll], error: ApiError, again_at: datetime) -> None:
        poll_answers.record_unanswered(self._bench.store, [poll.number for poll in batch], str(error), again_at)

    def _record(
        self, batch: Sequence[DuePoll], answered: Mapping[str, TaskPayload | ApiError], again_at: datetime
    ) -> None:
        bench, now = self._bench, self._bench.now()
        given: dict[int, tuple[PollAnswer, datetime | None]] = {}
        for poll in batch:
            answer = answered.get(poll.task_id)
            if isinstance(answer, TaskPayload):
                given[poll.number] = _to_poll_answer(answer), self._next_poll(poll, answer, now)
            elif isinstance(answer, NotFound):
                poll_answers.record_unknown(bench.store, poll.number, str(answer), bench.pace.next_after_unknown(now))
            else:
                words = str(answer) if answer is not None else "The service left this task out of its answer."
                poll_answers.record_unanswered(bench.store, [poll.number], words, again_at)
        poll_answers.record_answers(bench.store, given)

    def _next_poll(self, poll: DuePoll, answer: TaskPayload, now: datetime) -> datetime:
        holding_period = answer.holding_period if answer.holding_period is not None else poll.holding_period
        return self._bench.pace.next_poll(poll, answer.status, holding_period, now)


def _to_poll_answer(answer: TaskPayload) -> PollAnswer:
    return PollAnswer(
        status=answer.status,
        submitted_at=answer.submission_date,
        updated_at=answer.last_updated_date,
        email=answer.shown_email,
        holding_period=answer.holding_period,
        errors=answer.errors,
    )


def _trouble_of_service(found: Sequence[TaskPayload | ApiError]) -> ApiError | None:
    """Return the error that concerns the service and not a task: an error of a field may be either.

    A throttled field is always the service's word; a fault or a denial of every task of a batch is, that of one
    alone may be about its id (contract: Errors).
    """
    throttled = next((answer for answer in found if isinstance(answer, Throttled)), None)
    if throttled is not None:
        return throttled
    shared = [answer for answer in found if isinstance(answer, AccessDenied | ServerFault)]
    return shared[0] if len(shared) == len(found) > 1 else None
