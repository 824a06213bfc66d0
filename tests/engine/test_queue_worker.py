from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.requests.poller import LARGEST_BATCH
from bwp_tui.engine.requests.queue_worker import POOL_SIZE, CoroutinePool, WorkerCoroutine, WorkQueue
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.store.commands import requests
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import intents
from tests.engine.shop import ACTOR, Shop


class Held:
    """Calls of a client that wait to be let go, in the order in which they came."""

    def __init__(self, api: PrivacyApi, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.under_way: list[asyncio.Event] = []
        self.begun = 0
        self._came = asyncio.Event()
        real: Callable[..., Awaitable[object]] = getattr(api, name)

        async def held(*arguments: object) -> object:
            self.begun += 1
            let_go = asyncio.Event()
            self.under_way.append(let_go)
            self._came.set()
            await let_go.wait()
            return await real(*arguments)

        monkeypatch.setattr(api, name, held)

    async def until(self, begun: int) -> None:
        """Wait until so many calls have begun."""
        async with asyncio.timeout(30):
            while self.begun < begun:
                self._came.clear()
                await self._came.wait()

    def let_go(self, place: int = 0) -> None:
        """Let a call go on."""
        self.under_way.pop(place).set()


async def test_a_call_that_ends_is_followed_while_others_are_still_under_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(POOL_SIZE + 5):
        shop.submit(f"shopper{number}@example.com")
    async with shop.api() as api:
        held = Held(api, "start", monkeypatch)
        working = asyncio.create_task(Engine(shop.store, api, shop.profile).run_once())
        await held.until(POOL_SIZE)
        for more in range(1, 6):
            held.let_go(-1)  # the first three are never answered meanwhile
            await held.until(POOL_SIZE + more)
            assert len(held.under_way) == POOL_SIZE
        while held.under_way:
            held.let_go()
        await working
    assert len({start.client_token for start in shop.sandbox.state.starts}) == POOL_SIZE + 5
    assert shop.sandbox.state.calls["startPersonalDataRetrievalTask"] == POOL_SIZE + 5


async def test_no_task_is_asked_about_twice_while_one_of_its_requests_is_under_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7 * LARGEST_BATCH):
        shop.track(f"shopper{number}@example.com")
    async with shop.api() as api:
        held = Held(api, "poll", monkeypatch)
        working = asyncio.create_task(Engine(shop.store, api, shop.profile).run_once())
        await held.until(POOL_SIZE)
        for more in range(1, 4):
            held.let_go(-1)
            await held.until(POOL_SIZE + more)
        while held.under_way:
            held.let_go()
        await working
    assert shop.sandbox.state.calls["graphql"] == 7
    assert shop.sandbox.state.calls["personalDataRetrievalTask"] == 7 * LARGEST_BATCH


async def test_what_is_asked_for_while_a_call_hangs_does_not_wait_for_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.submit("jane@example.com")
    async with shop.api() as api:
        held = Held(api, "start", monkeypatch)
        engine = Engine(shop.store, api, shop.profile)
        working = asyncio.create_task(engine.run())
        await held.until(1)
        shop.submit("eve@example.com")
        engine.wake()
        await held.until(2)
        assert len(held.under_way) == 2
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working


async def test_every_request_is_on_disk_as_sent_before_its_call_begins(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_store(shop.store.path, clock=shop.clock)  # sees what is committed, and nothing else
    seen: list[tuple[object, ...]] = []
    for number in range(3 * POOL_SIZE):
        shop.submit(f"shopper{number}@example.com")
    async with shop.api() as api:
        real = api.start

        async def watched(*arguments: object) -> str:
            seen.extend(
                other.rows("SELECT attempts, first_sent_at NOTNULL FROM intents WHERE client_token = ?", [arguments[2]])  # type: ignore[list-item]  # the client token
            )
            return await real(*arguments)  # type: ignore[arg-type]  # it passes on what it is given

        monkeypatch.setattr(api, "start", watched)
        await Engine(shop.store, api, shop.profile).run_once()
    other.close()
    assert seen == [(1, 1)] * (3 * POOL_SIZE)


async def test_what_came_of_a_request_and_the_mark_on_the_next_are_one_transaction(shop: Shop) -> None:
    for number in range(20):
        shop.submit(f"shopper{number}@example.com")
    before = shop.store.revision()
    await shop.work()
    # One for each answer, one for each lane's first mark, and: downloads taken up, the service reached.
    assert shop.store.revision() - before <= 20 + POOL_SIZE + 2


async def test_one_that_was_withdrawn_while_it_was_read_ahead_is_not_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [shop.submit(f"shopper{number}@example.com") for number in range(POOL_SIZE + 3)]
    async with shop.api() as api:
        held = Held(api, "start", monkeypatch)
        working = asyncio.create_task(Engine(shop.store, api, shop.profile).run_once())
        await held.until(POOL_SIZE)
        requests.cancel(shop.store, numbers[POOL_SIZE], ACTOR)
        for more in range(POOL_SIZE + 2):
            held.let_go()
            await held.until(min(POOL_SIZE + 1 + more, POOL_SIZE + 2))
        await working
    assert shop.task(numbers[POOL_SIZE]).status == "CANCELLED"
    assert len(shop.sandbox.state.starts) == POOL_SIZE + 2
    assert intents.next_at(shop.store) is None


def coroutines_once(*coroutines: WorkerCoroutine) -> Callable[[int], Sequence[WorkerCoroutine]]:
    """Return what begins these coroutines, once, however many there is room for."""
    left = list(coroutines)

    def begin(most: int) -> Sequence[WorkerCoroutine]:
        begun, left[:] = left[:most], left[most:]
        return begun

    return begin


async def test_the_first_failure_is_raised_when_all_lanes_have_ended_and_no_other_begins() -> None:
    ended: list[int] = []

    async def lane(number: int) -> None:
        await asyncio.sleep(0)
        if number < 2:
            raise ValueError(number)
        await asyncio.sleep(0)
        ended.append(number)

    calls = [lane(number) for number in range(POOL_SIZE + 2)]
    with pytest.raises(ValueError, match=r"[01]"):
        await CoroutinePool(asyncio.Event()).run(coroutines_once(*calls))
    assert sorted(ended) == [2, 3]
    for call in calls:
        call.close()


async def test_where_none_can_begin_those_under_way_end_before_that_is_raised() -> None:
    ended: list[int] = []

    async def lane() -> None:
        await asyncio.sleep(0)
        ended.append(1)

    calls = [lane()]

    def begin(_most: int) -> list[WorkerCoroutine]:
        if not calls:
            raise ValueError("no more")
        return [calls.pop()]

    wake = asyncio.Event()
    asyncio.get_running_loop().call_soon(wake.set)
    with pytest.raises(ValueError, match="no more"):
        await CoroutinePool(wake).run(begin)
    assert ended == [1]


async def test_lanes_that_are_cancelled_end_before_the_cancellation_is_over() -> None:
    ended: list[int] = []

    async def lane(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    waiting = asyncio.create_task(CoroutinePool(asyncio.Event()).run(coroutines_once(*map(lane, range(3)))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert sorted(ended) == [0, 1, 2]


def test_what_is_under_way_is_not_handed_out_until_it_is_put_away() -> None:
    asked: list[int] = []

    def read(most: int) -> list[int]:
        asked.append(most)
        return list(range(most))

    due = WorkQueue(read, lambda piece: piece)
    assert due.take(2, 4) == [0, 1]
    assert due.take(2, 4) == [2, 3]
    assert asked == [4], "the second was read with the first"
    due.release([1])
    assert due.take(2, 4) == [1, 4]
    due.drop_read_ahead()
    assert due.take(1, 1) == [5]
    due.reset()
    assert due.take(1, 1) == [0]
