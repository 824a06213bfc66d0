"""Asking the service about tasks, many in one document, each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import AccessDenied, ApiError, BadAnswer, NotFound, ServerFault, Throttled, Unaccepted
from bwp_tui.contract.payloads import TaskAnswer
from bwp_tui.engine.requests.worker_pool import AT_ONCE, Ahead, Lane, Lanes
from bwp_tui.engine.resilience.circuit_breaker import Reservation
from bwp_tui.engine.resilience.service_health import PUT_OFF_S
from bwp_tui.engine.worker import Bench
from bwp_tui.store.worklog import due_polls, poll_answers
from bwp_tui.store.worklog.due_polls import DuePoll
from bwp_tui.store.worklog.poll_answers import Answer

LARGEST_BATCH: Final = 20
SIZE_KEPT: Final = timedelta(hours=1)
"""For so long no request is larger than what was accepted after a refusal; then the bound may have changed."""

_AHEAD: Final = 2 * AT_ONCE
"""Requests that are filled by one read: the tasks of a backlog are sorted anew at each."""


class PollingDesk:
    """Polls the tasks that are due. How many one document may ask for is found by trying.

    Args:
        wake: ends a wait for the calls under way, to see what is due meanwhile.
    """

    def __init__(self, bench: Bench, wake: asyncio.Event) -> None:
        self._bench = bench
        self._batch = LARGEST_BATCH
        self._most, self._most_until = LARGEST_BATCH, bench.now()
        self._lanes = Lanes(wake)
        self._due = Ahead(self._read, lambda poll: poll.number)

    async def work(self) -> None:
        """Poll all that is due; when the service is in trouble, one batch alone until it answers."""
        self._due.start_over()
        await self._lanes.work(self._begin)

    def _begin(self, most: int) -> list[Lane]:
        self._due.forget()
        found = self._take(most) if self._bench.gate.opens_at() is None else []
        if not found:
            return []
        batches = [found[start : start + self._batch] for start in range(0, len(found), self._batch)]
        # Only now: a reservation that is given back unused has every desk look again whether it may call.
        reservation = self._bench.gate.reserve(len(batches))
        for batch in batches[reservation.room :]:
            self._due.put_away(batch)
        return [self._lane(reservation, batch) for batch in batches[: reservation.room]]

    async def _lane(self, reservation: Reservation, batch: list[DuePoll]) -> None:
        with reservation:
            while batch:
                await self._poll(batch)
                reservation.close()
                self._due.put_away(batch)
                batch = self._take(1) if self._lanes.go_on and self._bench.gate.goes_on() else []

    def _take(self, requests: int) -> list[DuePoll]:
        """Return what fills up to so many requests: what is due, and in the room that is left what soon will be."""
        found = self._due.take(requests * self._batch, _AHEAD * self._batch)
        room = -len(found) % self._batch
        return [*found, *self._due.take_along(room, self._read_soon)] if room else found

    def _read(self, most: int) -> list[DuePoll]:
        bench = self._bench
        return due_polls.due(bench.history, bench.now(), most, bench.sight.numbers)

    def _read_soon(self, most: int) -> list[DuePoll]:
        return due_polls.soon(self._bench.history, self._bench.now(), most)

    def next_at(self) -> datetime | None:
        """Return when the next poll is due."""
        due = due_polls.next_at(self._bench.history)
        opens = self._bench.gate.opens_at()
        return max(due, opens) if due is not None and opens is not None else due

    @property
    def busy(self) -> bool:
        """Never: `work` awaits all that it begins."""
        return False

    async def close(self) -> None:
        """Nothing is left under way: a poll that was cut off is still due."""

    async def _poll(self, batch: Sequence[DuePoll]) -> None:
        if not self._bench.gate.admits():
            return  # it stays due
        try:
            answered = await self._bench.api.poll([(poll.kind, poll.task_id) for poll in batch])
        except ApiError as error:
            if isinstance(error, Unaccepted) or (isinstance(error, BadAnswer) and error.outcome_unknown):
                await self._refused(batch, error)
                return
            if isinstance(error, ServerFault):
                self._batch = max(
                    1, len(batch) // 2
                )  # it may have been too much, and shows only when it is tried again
            self._not_answered(batch, error, self._bench.gate.failed(error))
        else:
            again_at = self._judge(batch, answered)
            with self._bench.history.write():  # one for all: each alone would wait for the disk
                self._record(batch, answered, again_at)

    def _judge(self, batch: Sequence[DuePoll], answered: Mapping[str, TaskAnswer | ApiError]) -> datetime:
        """Tell the gate how the service does; return when to ask again about what it did not answer."""
        found = list(answered.values())
        trouble = _trouble_of_service(found)
        if trouble is not None:
            return self._bench.gate.failed(trouble)
        alone = found[0] if len(found) == 1 else None
        if isinstance(alone, AccessDenied | ServerFault):
            return self._bench.gate.failed_alone(batch[0].number, alone)
        self._bench.gate.succeeded()
        most = self._most if self._bench.now() < self._most_until else LARGEST_BATCH
        self._batch = min(most, self._batch + 1)
        return self._bench.now() + timedelta(seconds=PUT_OFF_S)

    async def _refused(self, batch: Sequence[DuePoll], error: ApiError) -> None:
        """Ask for half as many at a time: how many root fields a document may hold is not documented.

        What is refused down to the single task was not refused for its size.
        """
        gate = self._bench.gate
        if len(batch) == 1:
            alone = isinstance(error, Unaccepted)
            again_at = gate.failed_alone(batch[0].number, error) if alone else gate.failed(error)
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
        poll_answers.not_answered(self._bench.history, [poll.number for poll in batch], str(error), again_at)

    def _record(
        self, batch: Sequence[DuePoll], answered: Mapping[str, TaskAnswer | ApiError], again_at: datetime
    ) -> None:
        bench, now = self._bench, self._bench.now()
        given: dict[int, tuple[Answer, datetime | None]] = {}
        for poll in batch:
            answer = answered.get(poll.task_id)
            if isinstance(answer, TaskAnswer):
                given[poll.number] = _told(answer), self._next_poll(poll, answer, now)
            elif isinstance(answer, NotFound):
                poll_answers.not_known(bench.history, poll.number, str(answer), bench.pace.next_after_unknown(now))
            else:
                words = str(answer) if answer is not None else "The service left this task out of its answer."
                poll_answers.not_answered(bench.history, [poll.number], words, again_at)
        poll_answers.all_answered(bench.history, given)

    def _next_poll(self, poll: DuePoll, answer: TaskAnswer, now: datetime) -> datetime:
        holding_period = answer.holding_period if answer.holding_period is not None else poll.holding_period
        return self._bench.pace.next_poll(poll, answer.status, holding_period, now)


def _told(answer: TaskAnswer) -> Answer:
    return Answer(
        status=answer.status,
        submitted_at=answer.submission_date,
        updated_at=answer.last_updated_date,
        email=answer.shown_email,
        holding_period=answer.holding_period,
        errors=answer.errors,
    )


def _trouble_of_service(found: Sequence[TaskAnswer | ApiError]) -> ApiError | None:
    """Return the error that concerns the service and not a task: an error of a field may be either.

    A throttled field is always the service's word; a fault or a denial of every task of a batch is, that of one
    alone may be about its id (contract: Errors).
    """
    throttled = next((answer for answer in found if isinstance(answer, Throttled)), None)
    if throttled is not None:
        return throttled
    shared = [answer for answer in found if isinstance(answer, AccessDenied | ServerFault)]
    return shared[0] if len(shared) == len(found) > 1 else None
