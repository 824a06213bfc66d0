"""Downloads whose end is disturbed: faults of ours, a stop or a crash while the file gets its name, dead servers."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bwp_tui.api.errors import ConnectionLost
from bwp_tui.api.transfer import open_transfer
from bwp_tui.domain.text import file_name
from bwp_tui.engine.downloads import transfer_thread as pump_module
from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.errors import StoreUnavailable
from bwp_tui.store.worklog import downloads, engine_state
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import Shop, names_in
from tests.practice import profile_of
from tests.waiting import PATIENCE_S, eventually_in_loop


async def test_a_fault_of_ours_ends_the_download_and_is_told_to_whoever_runs_the_engine(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> str:
        raise ZeroDivisionError

    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    monkeypatch.setattr("bwp_tui.engine.downloads.downloader.file_name", broken)
    async with shop.engine() as engine:
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(engine.run(), 10)
    assert caught.group_contains(ZeroDivisionError)
    download = shop.download_of(number)
    assert (download.state, download.trouble) == ("failed", "bwp-tui failed. Download it again.")


async def test_one_fault_of_ours_holds_up_no_other_download(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real = file_name
    broken, sound = [await shop.completed(f"{name}@example.com") for name in ("broken", "sound")]

    def sometimes(kind: str, task_id: str, email: str = "") -> str:
        if task_id == shop.task(broken).task_id:
            raise ZeroDivisionError
        return real(kind, task_id, email)

    monkeypatch.setattr("bwp_tui.engine.downloads.downloader.file_name", sometimes)
    for number in (broken, sound):
        shop.request_download(number)
    with pytest.raises(ZeroDivisionError):
        await shop.work()
    await shop.work()
    assert (shop.download_of(broken).state, shop.download_of(sound).state) == ("failed", "done")


async def test_stopping_while_the_file_gets_its_name_leaves_one_file_and_its_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, go_on = threading.Event(), threading.Event()
    real = PartFile.publish

    def slow(self: PartFile) -> Path:
        path = real(self)
        named.set()
        go_on.wait(10)
        return path

    monkeypatch.setattr(PartFile, "publish", slow)
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    async with shop.engine() as engine:
        run = asyncio.create_task(engine.run())
        await eventually_in_loop(named.is_set)
        run.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await run
    assert_saved(shop, number, name_of(shop, number))
    await shop.work()
    assert names_in(folder) == [name_of(shop, number)]


async def test_a_crash_between_the_name_and_its_record_is_mended_without_a_second_copy(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, served_lengths: list[int]
) -> None:
    def full(*_arguments: object) -> None:
        raise StoreUnavailable("The disk is full.")

    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "record_success", full)
        async with shop.engine() as engine:
            run = asyncio.create_task(engine.run())
            await eventually_in_loop(lambda: name_of(shop, number) in names_in(folder))
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
    assert shop.download_of(number).state != "done"
    before = len(served_lengths)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))
    assert names_in(folder) == [name_of(shop, number)]
    assert len(served_lengths) == before, "it was whole: nothing is fetched again"


async def test_a_crash_after_the_record_makes_the_next_download_no_part_of_the_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    name = name_of(shop, number)
    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "discard", lambda _self: None)
        await shop.work()
    assert names_in(folder) == [name, f"{name}.part"]
    shop.request_download(number)
    await shop.work()
    again = name.replace(".zip", " (2).zip")
    assert_saved(shop, number, again)
    assert names_in(folder) == sorted([name, again])
    assert (folder / name).read_bytes() == (folder / again).read_bytes()


async def test_a_dead_archive_server_stops_no_poll_and_loses_no_download(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_arguments: object, **_more: object) -> None:
        raise ConnectionLost("The archive's server cannot be reached: check the network.")

    real, delays = open_transfer, [0.0]
    monkeypatch.setattr(pump_module, "open_transfer", dead)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", lambda *_arguments: delays[0])
    numbers = [await shop.completed(f"shopper{number}@example.com") for number in range(5)]
    for number in numbers:
        shop.request_download(number)
    tracked = shop.track("eve@example.com")
    delays[0] = 0.001
    async with shop.engine() as engine:
        run = asyncio.create_task(engine.run())
        await eventually_in_loop(lambda: any(shop.download_of(number).attempts for number in numbers))
        assert shop.task(tracked).status == "IN_PROGRESS"
        assert engine_state.read(shop.store).service == "reached"
        assert all(shop.download_of(number).state in ("queued", "running") for number in numbers)
        monkeypatch.setattr(pump_module, "open_transfer", real)

        def all_done() -> bool:
            shop.clock.advance(milliseconds=50)
            engine.wake()
            return all(shop.download_of(number).state == "done" for number in numbers)

        await eventually_in_loop(all_done)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run


async def test_one_alone_tries_an_archive_server_in_trouble(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    under_way, widest = 0, 0
    guard = threading.Lock()

    def dead(*_arguments: object, **_more: object) -> None:
        nonlocal under_way, widest
        with guard:
            begun.append("try")
            under_way += 1
            widest = max(widest, under_way) if len(begun) > 4 else 0
        threading.Event().wait(0.02)
        with guard:
            under_way -= 1
        raise ConnectionLost("The archive's server cannot be reached: check the network.")

    monkeypatch.setattr(pump_module, "open_transfer", dead)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", lambda *_arguments: 0.005)
    numbers = [await shop.completed(f"shopper{number}@example.com") for number in range(3)]
    for number in numbers:
        shop.request_download(number)
    async with shop.engine() as engine:
        run = asyncio.create_task(engine.run())
        await eventually_in_loop(lambda: len(begun) >= 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert widest == 1


async def test_an_engine_that_cannot_record_its_end_stops_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise StoreUnavailable("The disk is full.")

    with Sandbox(clock=shop.clock, rate=20_000) as sandbox:
        shop.sandbox, shop.profile = sandbox, profile_of(sandbox, shop.profile.folder)
        number = await shop.completed("jane@example.com")
        shop.request_download(number)
        async with shop.engine() as engine:
            run = asyncio.create_task(engine.run())
            await eventually_in_loop(lambda: shop.download_of(number).bytes > 0)
            monkeypatch.setattr(downloads, "record_progress", full)
            monkeypatch.setattr(downloads, "record_interruption", full)
            run.cancel()
            await asyncio.wait([run], timeout=PATIENCE_S)
            assert run.cancelled()
