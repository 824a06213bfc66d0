"""Downloads that an operator steers while the engine works: it obeys what the history says."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.domain.downloads import Download
from bwp_tui.engine.downloads.part_cleanup import remove_unwanted_parts
from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.store.commands import download_queue
from bwp_tui.store.database.change_monitor import ChangeMonitor
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import ACTOR, Shop, names_in
from tests.faults.chaos_proxy import CLEAN, ChaosProxy, FrontedSandbox, Toxics
from tests.practice import profile_of
from tests.waiting import eventually_in_loop


@asynccontextmanager
async def at_work(shop: Shop) -> AsyncIterator[None]:
    """Have an engine run that is woken by changes of the history, as in the program."""
    loop = asyncio.get_running_loop()
    async with shop.engine() as engine:

        def changed() -> None:
            loop.call_soon_threadsafe(engine.wake)

        monitor = ChangeMonitor(open_store(shop.store.path), changed)
        monitor.start()
        run = asyncio.create_task(engine.run())
        try:
            yield
        finally:
            monitor.stop()
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run


async def under_way(shop: Shop, number: int) -> Download:
    await eventually_in_loop(lambda: shop.download_of(number).bytes > 0)
    return shop.download_of(number)


async def test_a_running_download_that_is_paused_stops_keeps_its_part_and_goes_on_there(
    slow: Shop, served_lengths: list[int]
) -> None:
    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    part = folder / f"{name_of(slow, number)}.part"
    async with at_work(slow):
        running = await under_way(slow, number)
        download_queue.pause(slow.store, [running.id], ACTOR)
        await eventually_in_loop(lambda: slow.download_of(number).state == "queued")
        paused = slow.download_of(number)
        assert (paused.paused, paused.rate, part.stat().st_size) == (True, None, paused.bytes)
        assert 0 < paused.bytes < slow.expected_archive(number)[0]
        slow.sandbox.rate = None
        download_queue.resume(slow.store, [running.id], ACTOR)
        await eventually_in_loop(lambda: slow.download_of(number).state == "done")
    assert_saved(slow, number, name_of(slow, number))
    assert sum(served_lengths) <= 1.2 * slow.expected_archive(number)[0] + 65_536


async def test_a_running_download_that_is_cancelled_stops_and_its_part_is_removed(slow: Shop) -> None:
    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    async with at_work(slow):
        running = await under_way(slow, number)
        assert names_in(folder) == [f"{name_of(slow, number)}.part"]
        download_queue.cancel(slow.store, [running.id], ACTOR)
        await eventually_in_loop(lambda: names_in(folder) == [])
    assert slow.download_of(number).state == "cancelled"


async def test_a_download_over_a_line_that_says_nothing_stops_all_the_same(shop: Shop) -> None:
    def choose(first: bytes) -> Toxics:
        return Toxics(limit_data=100_000) if first.startswith(b"GET") else CLEAN

    async with ChaosProxy(choose) as proxy:
        with FrontedSandbox(proxy.address, clock=shop.clock) as sandbox:
            proxy.target = sandbox.own_port
            shop.sandbox, shop.profile = sandbox, profile_of(sandbox, shop.profile.folder)
            number = await shop.completed("jane@example.com")
            shop.request_download(number)
            async with at_work(shop):
                stalled = await under_way(shop, number)
                began = asyncio.get_running_loop().time()
                download_queue.pause(shop.store, [stalled.id], ACTOR)
                await eventually_in_loop(lambda: shop.download_of(number).state == "queued")
                took = asyncio.get_running_loop().time() - began
    assert took < 20, "the watchdog on bytes alone would take 30 s"


async def test_a_download_cancelled_and_asked_for_again_at_once_waits_until_the_first_has_left(slow: Shop) -> None:
    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    async with at_work(slow):
        running = await under_way(slow, number)
        download_queue.cancel(slow.store, [running.id], ACTOR)
        (again,) = download_queue.retry(Path(folder))(slow.store, [running.id], ACTOR)
        await eventually_in_loop(lambda: slow.download_of(number).state == "running")
        slow.sandbox.rate = None
        await eventually_in_loop(lambda: slow.download_of(number).state in ("done", "failed"))
    assert (again.refused, slow.download_of(number).id) == (None, again.resulting_id)
    assert_saved(slow, number, name_of(slow, number))
    assert names_in(folder) == [name_of(slow, number)]


async def test_a_waiting_download_that_is_cancelled_leaves_no_part_of_an_earlier_try(slow: Shop) -> None:
    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    async with at_work(slow):
        await under_way(slow, number)
    waiting = slow.download_of(number)
    assert (waiting.state, len(names_in(folder))) == ("queued", 1)
    download_queue.cancel(slow.store, [waiting.id], ACTOR)
    await slow.work()
    assert names_in(folder) == []
    await slow.work()
    assert slow.store.row("SELECT part_unwanted FROM downloads") == (0,)


async def test_a_part_that_its_folder_does_not_let_go_is_removed_later(
    slow: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(_path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(missing_ok)

    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    async with at_work(slow):
        await under_way(slow, number)
    download_queue.cancel(slow.store, [slow.download_of(number).id], ACTOR)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stuck)
        await slow.work()
    assert len(names_in(folder)) == 1
    await slow.work()
    assert names_in(folder) == []


@pytest.mark.parametrize("named_before", [True, False])
async def test_a_file_that_is_just_getting_its_name_is_kept_though_its_download_is_cancelled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, named_before: bool
) -> None:
    at_it, go_on = threading.Event(), threading.Event()
    real = PartFile.publish

    def slow_publish(self: PartFile) -> Path:
        if named_before:
            real(self)
        at_it.set()
        go_on.wait(10)
        return real(self)

    looks: list[Collection[int]] = []

    async def look(store: Store, in_use: Collection[int]) -> None:
        await remove_unwanted_parts(store, in_use)
        looks.append(in_use)

    monkeypatch.setattr("bwp_tui.engine.downloads.downloader.remove_unwanted_parts", look)

    monkeypatch.setattr(PartFile, "publish", slow_publish)
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    async with at_work(shop):
        await eventually_in_loop(at_it.is_set)
        download_queue.cancel(shop.store, [shop.download_of(number).id], ACTOR)
        before = len(looks)
        await eventually_in_loop(lambda: len(looks) > before)
        go_on.set()
        await eventually_in_loop(lambda: shop.download_of(number).state == "done")
    assert_saved(shop, number, name_of(shop, number))
    assert names_in(folder) == [name_of(shop, number)]


async def test_with_one_slot_results_are_fetched_one_by_one_in_the_order_of_the_queue(shop: Shop) -> None:
    shop = shop.with_profile(replace(shop.profile, download_slots=1))
    numbers = [await shop.completed(f"shopper{number}@example.com") for number in range(3)]
    for number in numbers:
        shop.request_download(number)
    download_queue.move(shop.store, shop.download_of(numbers[2]).id, -2, ACTOR)
    await shop.work()
    began = [line[0] for line in shop.store.rows("SELECT task FROM timeline WHERE what = 'downloaded' ORDER BY id")]
    assert began == [numbers[2], numbers[0], numbers[1]]
