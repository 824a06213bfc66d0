"""Keep the practice API's tasks, the calls it received, and the client tokens."""

from __future__ import annotations

import heapq
import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, SampleTask, TaskError
from bwp_tui.domain.times import Clock
from bwp_tui.sandbox.task_outcomes import orders_not_closed, outcome_of, seeded_uuid

_QUICK_FINISHES: Final = 4
"""How many of the past tasks in progress end within the first 40 seconds."""


class UnknownTaskError(Exception):
    """No task of that kind has that id."""


class NotOnHoldError(Exception):
    """A deletion cannot be cancelled because its hold is over; `status` is what it is."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"not on hold but {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class StartedTask:
    """A start that was carried out: one that made a task."""

    client_token: str | None
    kind: Kind
    email: str
    task_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TaskSnapshot:
    """A task as the service shows it at one instant. What is None is left out of a response."""

    task_id: str
    kind: Kind
    email: str
    status: Status
    submitted_at: datetime
    updated_at: datetime | None
    holding_period: int | None
    errors: tuple[TaskError, ...] | None


@dataclass(frozen=True, slots=True)
class _SandboxTask:
    end: TaskSnapshot
    """The task as it will be once it has ended."""
    held_until: datetime
    ends_at: datetime
    cancelled: bool = False

    def status_at(self, now: datetime) -> Status:
        if now < self.held_until:
            return Status.ON_HOLD
        return Status.IN_PROGRESS if now < self.ends_at else self.end.status

    def snapshot_at(self, now: datetime) -> TaskSnapshot:
        status = self.status_at(now)
        changes = [at for at in (self.held_until, self.ends_at) if self.end.submitted_at < at <= now]
        errors = self.end.errors if status is self.end.status else None
        return replace(self.end, status=status, updated_at=max(changes, default=None), errors=errors)


class SandboxState:
    """All tasks of one practice shop. Every method may be called from any thread.

    `speed` divides holding periods: at 86,400 a day of hold lasts a second. Processing takes real seconds. Task ids
    follow from the seed, unless `new_ids` is set.
    """

    def __init__(self, *, seed: int, speed: float, clock: Clock, new_ids: bool = False) -> None:
        self._seed = seed
        self._speed = speed
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = random.SystemRandom() if new_ids else random.Random(f"{seed}/ids")  # noqa: S311  no secret
        self._tasks: dict[str, _SandboxTask] = {}
        self._starts_by_token: dict[str, StartedTask] = {}
        self._starts: list[StartedTask] = []
        self._ends: list[tuple[datetime, str]] = []
        self._calls: Counter[str] = Counter()

    @property
    def starts(self) -> list[StartedTask]:
        """Every start that was carried out, in order."""
        with self._lock:
            return list(self._starts)

    @property
    def calls(self) -> Counter[str]:
        """How often each operation ran, and each of `graphql`, `token`, `link`, `download` and `sqs` was asked for."""
        with self._lock:
            return self._calls.copy()

    def count_call(self, call: str) -> None:
        with self._lock:
            self._calls[call] += 1

    def start(
        self, kind: Kind, email: str, *, client_token: str | None = None, holding_period: int | None = None
    ) -> str:
        """Start a task and return its id, or the one that the client token started within `CLIENT_TOKEN_LIFETIME`."""
        with self._lock:
            now = self._clock()
            earlier = self._starts_by_token.get(client_token) if client_token is not None else None
            if earlier is not None and now - earlier.at < CLIENT_TOKEN_LIFETIME:
                return earlier.task_id
            task_id = seeded_uuid(self._ids)
            task = self._tasks[task_id] = self._new_task(task_id, kind, email, holding_period, now)
            heapq.heappush(self._ends, (task.ends_at, task_id))
            start = StartedTask(client_token, kind, email, task_id, now)
            self._starts.append(start)
            if client_token is not None:
                self._starts_by_token[client_token] = start
            return task_id

    def cancel(self, task_id: str) -> None:
        """Cancel a deletion on hold. Cancelling twice has no further effect."""
        with self._lock:
            now = self._clock()
            task = self._find(Kind.DELETION, task_id, now)
            status = task.status_at(now)
            if status is not Status.ON_HOLD:
                raise NotOnHoldError(status)
            self._tasks[task_id] = replace(task, cancelled=True)

    def find(self, kind: Kind, task_id: str) -> TaskSnapshot:
        """Return the task as it is now.

        What the service responds after a cancellation is unknown. Here a cancelled task
        stays ON_HOLD until its hold would have ended and is unknown from then on: bwp-tui must cope with either.
        """
        with self._lock:
            now = self._clock()
            return self._find(kind, task_id, now).snapshot_at(now)

    def add_past_tasks(self, past: Iterable[SampleTask]) -> None:
        """Add tasks of the past. Those in progress end within minutes, the first of them within seconds."""
        with self._lock:
            now = self._clock()
            running = 0
            for sample in past:
                if sample.status is Status.IN_PROGRESS:
                    running += 1
                task = self._tasks[sample.task_id] = self._past_task(sample, now, running)
                if task.ends_at > now:
                    heapq.heappush(self._ends, (task.ends_at, sample.task_id))

    def take_ended(self) -> list[TaskSnapshot]:
        """Return the tasks that have ended since the last call, in the order of their ends, without cancelled ones."""
        with self._lock:
            now = self._clock()
            ended = []
            while self._ends and self._ends[0][0] <= now:
                task = self._tasks[heapq.heappop(self._ends)[1]]
                if not task.cancelled:
                    ended.append(task.snapshot_at(now))
            return ended

    def _find(self, kind: Kind, task_id: str, now: datetime) -> _SandboxTask:
        task = self._tasks.get(task_id)
        if task is None or task.end.kind is not kind or (task.cancelled and now >= task.held_until):
            raise UnknownTaskError
        return task

    def _new_task(
        self, task_id: str, kind: Kind, email: str, holding_period: int | None, now: datetime
    ) -> _SandboxTask:
        days = None
        held_until = now
        if kind is Kind.DELETION:
            days = DEFAULT_HOLDING_PERIOD if holding_period is None else holding_period
            held_until = now + timedelta(days=days) / self._speed
        outcome = outcome_of(task_id, kind, email, self._seed)
        end = TaskSnapshot(task_id, kind, email, outcome.status, now, None, days, outcome.errors)
        return _SandboxTask(end, held_until, held_until + outcome.processing)

    def _past_task(self, sample: SampleTask, now: datetime, running: int) -> _SandboxTask:
        end = TaskSnapshot(
            sample.task_id, sample.kind, sample.email, sample.status,
            sample.submitted_at, sample.updated_at, sample.holding_period, sample.errors,
        )  # fmt: skip
        held_until = sample.submitted_at + timedelta(days=sample.holding_period or 0)
        if sample.status is Status.ON_HOLD:
            outcome = outcome_of(end.task_id, end.kind, end.email, self._seed)
            held_until = now + (held_until - now) / self._speed
            ends_at = held_until + outcome.processing
            return _SandboxTask(replace(end, status=outcome.status), held_until, ends_at, sample.cancelled)
        if sample.status is not Status.IN_PROGRESS:
            return _SandboxTask(end, held_until, sample.updated_at, sample.cancelled)
        rng = random.Random(f"{self._seed}/end/{end.task_id}")  # noqa: S311  repeatable, no secret
        seconds = rng.uniform(10, 40) if running <= _QUICK_FINISHES else rng.uniform(60, 600)
        fails = end.kind is Kind.DELETION and running % 2 == 0
        end = replace(
            end,
            status=Status.FAILED if fails else Status.COMPLETED,
            errors=(orders_not_closed(end.task_id),) if fails else (),
        )
        return _SandboxTask(end, min(held_until, now), now + timedelta(seconds=seconds), sample.cancelled)
