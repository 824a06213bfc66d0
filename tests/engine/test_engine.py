from __future__ import annotations

import asyncio

import pytest

from bwp_tui.store.commands import requests
from tests.engine.shop import ACTOR, Shop


async def test_an_engine_that_is_stopped_just_when_it_is_woken_stops(shop: Shop) -> None:
    async with shop.engine() as engine:
        run = asyncio.create_task(engine.run())
        for _ in range(20):  # rounds of the loop, until it waits for something to do
            await asyncio.sleep(0)
        engine.wake()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(run, 5)


async def test_an_engine_with_nothing_to_do_rests_although_the_service_was_in_trouble(shop: Shop) -> None:
    shop.sandbox.stop()
    number = shop.submit("jane@example.com")
    async with shop.engine() as engine:
        await engine.run_once()
        requests.cancel(shop.store, number, ACTOR)
        shop.clock.advance(minutes=2)
        looks = 0
        real = engine.wake

        def counted() -> None:
            nonlocal looks
            looks += 1
            real()

        engine.wake = counted  # type: ignore[method-assign]  # counted
        run = asyncio.create_task(engine.run())
        for _ in range(200):  # rounds of the loop
            await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert looks <= 3
