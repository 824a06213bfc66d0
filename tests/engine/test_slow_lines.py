"""Lines that bring next to nothing hold no slot that another download could have, and none goes on without end."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from socket import socket

import pytest

from bwp_tui.engine.downloads.progress_recorder import SLOW_TEXT
from bwp_tui.engine.downloads.resume_loop import TooSlow
from bwp_tui.store.worklog import downloads
from tests.api.server import Received, ScriptedServer
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import Shop
from tests.engine.test_download_steering import at_work, under_way
from tests.waiting import eventually_in_loop


@pytest.fixture(autouse=True)
def short_speed_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge the speed of a connection by 1.5 s instead of a minute: a busy machine may send nothing for a while."""
    monkeypatch.setattr("bwp_tui.engine.downloads.transfer_rate.SPEED_WINDOW_S", 1.5)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.PROGRESS_INTERVAL_S", 0.1)


async def test_a_slow_download_gives_its_slot_to_one_that_waits_and_keeps_its_part(
    slow: Shop, monkeypatch: pytest.MonkeyPatch, served_lengths: list[int]
) -> None:
    shop = slow.with_profile(replace(slow.profile, download_slots=1))
    first, second = [await shop.completed(f"{name}@example.com") for name in ("ann", "bob")]
    size = shop.expected_archive(first)[0] + shop.expected_archive(second)[0]
    shop.request_download(first)
    async with at_work(shop):
        await under_way(shop, first)
        monkeypatch.setattr("bwp_tui.engine.downloads.transfer_rate.MIN_BYTES_PER_S", 1 << 40)
        await eventually_in_loop(lambda: shop.download_of(first).trouble == f"{SLOW_TEXT}.")
        before = shop.download_of(first).bytes
        await eventually_in_loop(lambda: shop.download_of(first).bytes > before + 5_000)
        assert shop.download_of(first).attempts == 0, "while nobody waits, it goes on"
        shop.request_download(second)
        await eventually_in_loop(lambda: shop.download_of(second).state == "running")
        put_off = shop.download_of(first)
        assert (put_off.state, put_off.trouble) == ("queued", str(TooSlow()))
        assert put_off.bytes > 0
        monkeypatch.setattr("bwp_tui.engine.downloads.transfer_rate.MIN_BYTES_PER_S", 0)
        shop.sandbox.rate = None
        await eventually_in_loop(lambda: shop.download_of(first).state == "done")
    for number in (first, second):
        assert_saved(shop, number, name_of(shop, number))
    assert sum(served_lengths) < 1.5 * size


async def test_one_that_is_queued_again_stands_behind_those_that_wait(shop: Shop) -> None:
    numbers = [await shop.completed(f"{name}@example.com") for name in ("ann", "bob", "cat")]
    for number in numbers:
        shop.request_download(number)
    [order, *_] = downloads.ready(shop.store, shop.clock(), 3)
    assert downloads.record_start(shop.store, order)
    downloads.requeue_last(shop.store, order, "Too slow.")
    due = downloads.ready(shop.store, shop.clock(), 3)
    assert [waiting.task_number for waiting in due] == [*numbers[1:], numbers[0]]


async def test_an_answer_that_never_comes_to_its_end_is_given_up(shop: Shop, archive_server: ScriptedServer) -> None:
    def drip(server: ScriptedServer, line: socket, _: Received) -> None:
        with contextlib.suppress(OSError):
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not server.closing.wait(0.02):
                line.sendall(b"x")

    archive_server.script("/archive", drip)
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    async with at_work(shop):
        await eventually_in_loop(lambda: shop.download_of(number).attempts > 1)
        assert "nothing for too long" in (shop.download_of(number).trouble or "")
