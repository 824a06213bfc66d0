"""Deletions on hold that end at random: how soon a console shows it, and how many requests it takes, with events."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Final
from unittest.mock import patch

from bwp_tui.domain.regulations import DEFAULT_REGULATION
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind as TaskKind
from bwp_tui.domain.task import SampleTask
from bwp_tui.domain.times import DAY, local_day
from bwp_tui.engine.resilience import poll_schedule
from bwp_tui.engine.runtime.engine_config import config_loader, engine_config
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.sandbox.sandbox_state import StartedTask
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.sandbox.task_outcomes import PROCESSING_SECONDS
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog.ready_polls import LEAD_TIME
from tests.benchmarks.figures import Effort, Figure, Kind, Row
from tests.benchmarks.histories import Place, fresh
from tests.practice import profile_of, queue_of
from tests.waiting import eventually

_LOOK_S: Final = 0.05
_LIMIT_S: Final = 3_600.0
_ACTIVE: Final = re.compile(r"active ([\d,]+)")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Deletions on hold for a day, which are then processed for `first` to `last` days; a day lasts `day_s` seconds.

    All intervals of polls are shortened alike, and how early a task may be polled, or each engine would poll in other
    batches than in real days.
    """

    count: int
    day_s: float
    first: float
    last: float


def run(effort: Effort) -> Iterator[Row]:
    """Measure the delay until a console shows an end, and the requests beside those of an engine without events."""
    scenario = Scenario(50, day_s=24, first=1, last=2) if effort.quick else Scenario(1_000, day_s=96, first=1, last=15)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        polling = pool.submit(_polling_alone, scenario)
        requests, delays = _with_events(scenario)
        alone = polling.result()
    ends = f"{scenario.count:,} deletions on hold that end at random"
    yield Figure(f"{ends}: from the event to COMPLETED on the screen, median", "s", (statistics.median(delays),), 2)
    yield Figure(f"{ends}: requests", "", (requests,), 0.1, Kind.RATIO, "polling alone", (alone,))


def _with_events(scenario: Scenario) -> tuple[int, list[float]]:
    """Return the requests, and the seconds from each end at the service until the screen counted it."""
    with _worked(scenario, events=True) as (sandbox, place, store), place.console() as console:
        to_clock = time.time() - time.monotonic()
        while _active(store):
            console.read_for(_LOOK_S)
        requests = sandbox.state.calls["graphql"]
        console.until("active 0")
        tasks = [sandbox.state.find(start.kind, start.task_id) for start in sandbox.state.starts]
        ends = sorted(task.updated_at.timestamp() for task in tasks if task.updated_at is not None)
        shown: list[float] = []
        for at, active in console.matches(_ACTIVE):
            shown += [at + to_clock] * (len(tasks) - int(active.replace(",", "")) - len(shown))
    return requests, [at - end for at, end in zip(shown, ends, strict=True)]


def _polling_alone(scenario: Scenario) -> int:
    """Return the requests until all ends are known."""
    with _worked(scenario, events=False) as (sandbox, _, store):
        eventually(lambda: not _active(store), _LIMIT_S)
        return sandbox.state.calls["graphql"]


def _active(store: Store) -> int:
    return store.integer("SELECT count(*) FROM tasks WHERE status IN (?, ?)", (Status.ON_HOLD, Status.IN_PROGRESS))


@contextmanager
def _worked(scenario: Scenario, *, events: bool) -> Iterator[tuple[Sandbox, Place, Store]]:
    """Run a service that has just started the deletions, and an engine whose history holds them.

    A retrieval is there too: it ends at once, so that events have proven to come before the deletions end.
    """
    processing = {TaskKind.DELETION: (scenario.first * scenario.day_s, scenario.last * scenario.day_s)}
    speed = DAY / scenario.day_s
    with (
        patch.object(poll_schedule, "FIRST_INTERVAL_S", poll_schedule.INTERVAL_AFTER_FIRST_DAY_S / speed),
        patch.object(poll_schedule, "LEAD_TIME", LEAD_TIME / speed),
        patch.dict(PROCESSING_SECONDS, processing),
        Sandbox(speed=speed) as sandbox,
    ):
        for number in range(scenario.count):
            sandbox.state.start(TaskKind.DELETION, f"shopper{number}@example.com", holding_period=1)
        sandbox.state.start(TaskKind.RETRIEVAL, "first@example.com")
        env = {"BWP_API_URL": sandbox.api_url, "BWP_TARGET_ID": sandbox.target_id}
        with fresh([_sample(start) for start in sandbox.state.starts], env) as place, closing(place.store()) as store:
            queue = queue_of(sandbox) if events else None
            profile = replace(profile_of(sandbox, place.folder), is_sandbox=False, speed=speed, events=queue)
            engine = EngineThread(profile, config_loader(profile, engine_config(profile)))
            engine.start()
            try:
                yield sandbox, place, store
            finally:
                engine.stop()


def _sample(start: StartedTask) -> SampleTask:
    return SampleTask(
        task_id=start.task_id,
        kind=start.kind,
        email=start.email,
        status=Status.ON_HOLD if start.kind is TaskKind.DELETION else Status.IN_PROGRESS,
        submitted_at=start.at,
        updated_at=start.at,
        errors=(),
        holding_period=1 if start.kind is TaskKind.DELETION else None,
        reason=None,
        note="",
        tags=(),
        received_on=local_day(start.at),
        regulation=DEFAULT_REGULATION,
        cancelled=False,
    )
