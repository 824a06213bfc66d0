from __future__ import annotations

import asyncio

import pytest

from tests.engine.shop import Shop


async def test_an_engine_that_is_stopped_just_when_it_is_woken_stops(shop: Shop) -> None:
    async with shop.engine() as engine:
        run = asyncio.create_task(engine.run())
        for _ in range(20):  # rounds of the loop, until it waits for something to do
            await asyncio.sleep(0)
        engine.wake()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(run, 5)
