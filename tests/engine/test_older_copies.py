"""A copy of the history that is put back by hand sends nothing a second time."""

from __future__ import annotations

import asyncio
import shutil
import threading
from datetime import timedelta

import pytest

from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.engine.requests.submitter import SharedFlush
from bwp_tui.store.database.high_water_mark import HighWaterMark, HistoryState
from bwp_tui.store.maintenance import backups
from bwp_tui.store.open_store import open_store
from tests.engine.shop import Shop


async def _put_back_after_sending(shop: Shop, age: timedelta) -> Shop:
    """Record a request, copy the history, have it sent, and put the copy back after so long."""
    shop.submit("jane@example.com")
    path = shop.store.path
    backups.back_up_to(path, path.with_name("nightly.db"))
    await shop.work()
    assert len(shop.sandbox.state.starts) == 1
    shop.store.close()
    shutil.copy(path.with_name("nightly.db"), path)
    shop.clock.advance(age)
    shop.store = open_store(path, clock=shop.clock)
    assert shop.store.opening_report is not None
    await shop.work()
    return shop


async def test_while_its_token_protects_it_is_repeated_and_finds_the_one_task(shop: Shop) -> None:
    shop = await _put_back_after_sending(shop, timedelta(hours=7))
    [start] = shop.sandbox.state.starts
    assert shop.task(1).task_id == start.task_id


async def test_after_that_it_is_left_to_the_operator(shop: Shop) -> None:
    shop = await _put_back_after_sending(shop, CLIENT_TOKEN_LIFETIME + timedelta(hours=1))
    assert len(shop.sandbox.state.starts) == 1
    assert shop.task(1).status == "UNCONFIRMED"


async def test_it_is_on_disk_how_far_the_history_has_come_before_a_request_leaves(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk: list[HistoryState | None] = []
    monkeypatch.setattr(HighWaterMark, "sync", lambda mark: on_disk.append(mark.read()))
    sent_at: list[tuple[int, int]] = []
    state = shop.sandbox.state
    real = state.start

    def start(*args: object, **kwargs: object) -> str:
        last = on_disk[-1]
        assert last is not None
        sent_at.append((last.revision, shop.store.revision()))
        return real(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(state, "start", start)
    shop.submit("jane@example.com")
    await shop.work()
    assert [synced == sent for synced, sent in sent_at] == [True]


async def test_calls_that_come_while_one_is_under_way_share_the_next() -> None:
    rounds: list[int] = []
    begun, goes_on = threading.Event(), threading.Event()

    def put_on_disk() -> None:
        rounds.append(1)
        begun.set()
        goes_on.wait()

    sync = SharedFlush(put_on_disk)
    first = asyncio.create_task(sync())
    await asyncio.to_thread(begun.wait)
    later = [asyncio.create_task(sync()) for _ in range(10)]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(first, *later)
    assert len(rounds) == 2
