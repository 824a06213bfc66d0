"""What the downloads screen costs on the wire: nothing while nothing happens, little for each second of a download."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bwp_tui.domain.task import SampleTask
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob
from tests.e2e.operator import Operator, unchanging_history
from tests.pty_terminal import Terminal

IDLE_S = 5.0
ONE_SECOND = 250
"""Bytes that a second of one download may cost: its bar, bytes, rate and time left."""

Count = Callable[[str, object], None]


def results(past: list[SampleTask]) -> list[int]:
    """Numbers of the planted retrievals that have a result, the newest first."""
    found = [
        number for number, task in enumerate(past, start=1) if task.kind == "RETRIEVAL" and task.status == "COMPLETED"
    ]
    return found[::-1]


@pytest.fixture
def past(shop: Operator) -> list[SampleTask]:
    past = unchanging_history(60)
    shop.plant(past)
    return past


@pytest.fixture
def store(shop: Operator) -> Iterator[Store]:
    """The history; the test holds the engine's lease, so that no engine takes up its downloads."""
    store = shop.store()
    lease = Lease(shop.folder / "engine.lock")
    assert lease.acquire()
    yield store
    store.close()
    lease.release()


@pytest.fixture
def orders(store: Store, past: list[SampleTask]) -> list[DownloadJob]:
    """Three downloads that run."""
    for number in results(past)[:3]:
        requests.download(store, number, "/srv/privacy", "op")
    orders = downloads.ready(store, store.clock(), 3)
    for order in orders:
        downloads.record_start(store, order)
        downloads.record_progress(store, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
    return orders


@pytest.fixture
def terminal(shop: Operator, orders: list[DownloadJob]) -> Iterator[Terminal]:
    with shop.console() as terminal:
        terminal.wait_for("follows")
        terminal.send("F")
        terminal.wait_for("3 running")
        terminal.wait_for(lambda screen: screen.count("64%") == len(orders))
        terminal.wait_until_quiet()
        yield terminal


def test_the_open_screen_sends_nothing_while_nothing_happens(terminal: Terminal) -> None:
    mark = terminal.mark()
    terminal.wait_until_quiet(quiet=IDLE_S, timeout=4 * IDLE_S)
    assert terminal.bytes_since(mark) == b""


def test_a_second_of_a_download_costs_the_cells_that_changed(
    terminal: Terminal, store: Store, orders: list[DownloadJob], record_property: Count
) -> None:
    mark = terminal.mark()
    downloads.record_progress(store, orders[0], 15_600_000, 19_300_000, 3_200_000.0, '"tag"')
    terminal.wait_for("80%    15.6 / 19.3 MB   3.2 MB/s    1s")
    terminal.wait_until_quiet()
    cost = len(terminal.bytes_since(mark))
    record_property("bytes of a second of a download", cost)
    print(f"one second of one download: {cost} bytes")
    assert 0 < cost < ONE_SECOND


def test_what_the_engine_writes_without_a_change_in_sight_costs_nothing(
    terminal: Terminal, store: Store, orders: list[DownloadJob]
) -> None:
    mark = terminal.mark()
    downloads.record_progress(store, orders[0], 12_400_001, 19_300_000, 3_100_001.0, '"tag"')
    number = orders[0].task_number
    assert tasks.get(store, number).download is not None
    terminal.wait_until_quiet(quiet=2.5)
    assert terminal.bytes_since(mark) == b""
