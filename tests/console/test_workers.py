"""Work beside a screen that ends before it begins, or while it waits."""

from __future__ import annotations

import asyncio
import gc
import warnings

from textual.app import App

from bwp_tui.console.workers import start_worker
from tests.waiting import eventually_in_loop


async def test_work_that_is_ended_before_its_first_step_leaves_nothing_unawaited() -> None:
    done: list[str] = []

    async def work(word: str) -> None:
        done.append(word)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with App[None]().run_test() as pilot:
            start_worker(pilot.app, lambda: work("first"), exclusive=True)
            start_worker(pilot.app, lambda: work("second"), exclusive=True)
            await eventually_in_loop(lambda: done)
            start_worker(pilot.app, lambda: work("third"))
            pilot.app.workers.cancel_all()
        gc.collect()
    assert done == ["second"]
    assert not [str(warning.message) for warning in warned]


async def test_work_ends_with_its_node() -> None:
    waits, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with App[None]().run_test() as pilot:
        start_worker(pilot.app, work)
        await waits.wait()
    assert ended.is_set()
