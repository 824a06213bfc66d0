from __future__ import annotations

import asyncio

import pytest

from bwp_tui.engine.desk import all_of
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


async def test_all_calls_are_awaited_before_the_first_failure_is_raised() -> None:
    ended: list[int] = []

    async def call(number: int) -> None:
        await asyncio.sleep(0)
        if number < 2:
            raise ValueError(number)
        await asyncio.sleep(0)
        ended.append(number)

    with pytest.raises(ValueError, match="0"):
        await all_of(call(number) for number in range(4))
    assert ended == [2, 3]


async def test_calls_that_are_cancelled_end_before_the_cancellation_is_over() -> None:
    ended: list[int] = []

    async def call(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    waiting = asyncio.create_task(all_of(call(number) for number in range(3)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [0, 1, 2]
