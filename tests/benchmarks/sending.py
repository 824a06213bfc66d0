"""Polls and submissions to a service 50 ms away, beside the time that the round trips alone take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import SampleTask
from bwp_tui.domain.times import local_day, parse_instant, utc_now
from bwp_tui.engine.requests.poller import LARGEST_BATCH
from bwp_tui.engine.requests.queue_worker import POOL_SIZE
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.settings import LiteralSecret, Profile
from bwp_tui.store.commands import csv_import
from bwp_tui.store.commands import requests as actions
from bwp_tui.store.commands.csv_import import ImportDefaults
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import intents, ready_polls
from tests.benchmarks.far_service import LONG_AGO, FarService, far_service
from tests.benchmarks.figures import Effort, Figure, Kind, Row
from tests.benchmarks.histories import Place, fresh

_ROUND_TRIP_S: Final = 0.05
_POLLED: Final = 10_000
_SUBMITTED: Final = 1_000
_LOOK_S: Final = 0.01
_LIMIT_S: Final = 300.0


def run(effort: Effort) -> Iterator[Row]:
    """Measure a backlog of polls, and a file of requests from its reading to the last answer."""
    count = _POLLED // (10 if effort.quick else 1)
    with far_service(_ROUND_TRIP_S) as service, fresh(under_way(count)) as place:
        make_due(place, count)
        seconds = worked(place, service, all_asked)
        requests = service.calls["poll"]
        floor = requests / POOL_SIZE * _ROUND_TRIP_S
    yield Figure(f"polling {count:,} active tasks", "s", (seconds,), 1.3, Kind.RATIO, "requests ÷ 4 × 50 ms", (floor,))
    yield Figure("requests for a task polled", "", (requests / count,), 1 / LARGEST_BATCH)
    count = _SUBMITTED // (10 if effort.quick else 1)
    with far_service(_ROUND_TRIP_S) as service, fresh() as place:
        seconds = imported(place, count) + worked(place, service, lambda store: intents.next_at(store) is None)
        floor = service.calls["start"] / POOL_SIZE * _ROUND_TRIP_S
    yield Figure(
        f"submitting {count:,} requests of a file", "s", (seconds,), 1.5, Kind.RATIO, "requests ÷ 4 × 50 ms", (floor,)
    )


def under_way(count: int) -> list[SampleTask]:
    """Return active tasks of two days ago: once polled, they are left alone for half an hour.

    Each was received on the day on which the service says that it was submitted: a later day would be corrected.
    """
    at, received_on = utc_now() - timedelta(days=2), local_day(parse_instant(LONG_AGO))
    return [
        task._replace(
            status=Status.IN_PROGRESS,
            received_on=received_on,
            submitted_at=at,
            updated_at=at,
            cancelled=False,
            errors=(),
        )
        for task in past_tasks(count, 1, utc_now())
    ]


def all_asked(store: Store) -> bool:
    """Return whether no poll is due any more. It is asked often, in the engine's own loop: a look at an index."""
    at = ready_polls.next_at(store)
    return at is None or at > utc_now()


def make_due(place: Place, count: int) -> None:
    """Have the history's first tasks due to be asked about."""
    store = place.store()
    actions.poll_now(store, list(range(1, count + 1)))
    store.close()


def imported(place: Place, count: int) -> float:
    """Record a file of requests; return the seconds it took."""
    sheet = "kind,email\n" + "".join(f"retrieval,jane{number}@example.com\n" for number in range(count))
    store = place.store()
    began = time.perf_counter()
    planned = csv_import.plan(store, sheet.encode(), ImportDefaults(local_day(utc_now()), "gdpr"))
    csv_import.import_requests(store, planned, "op")
    seconds = time.perf_counter() - began
    store.close()
    return seconds


def worked(place: Place, service: FarService, done: Callable[[Store], bool]) -> float:
    """Have an engine work until it is done; return the seconds it took."""
    return asyncio.run(_work(place, service, done))


async def _work(place: Place, service: FarService, done: Callable[[Store], bool]) -> float:
    env = service.env
    profile = Profile(
        name="default",
        folder=place.folder,
        api_url=env["BWP_API_URL"],
        token_url=env["BWP_TOKEN_URL"],
        client_id="client",
        target_id="target",
        secret=LiteralSecret("secret"),
        download_dir=place.folder / "downloads",
    )
    store = place.store()
    seen = place.store()
    api = connect(EngineConfig(profile, "client", "target", "secret"))
    began = time.perf_counter()
    working = asyncio.create_task(Engine(store, api, profile).run())
    try:
        async with asyncio.timeout(_LIMIT_S):
            while not done(seen):
                assert not working.done(), working.exception()
                await asyncio.sleep(_LOOK_S)
        return time.perf_counter() - began
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await api.aclose()
        seen.close()
        store.close()
