"""The keys of the downloads screen over an engine at work and a practice API that sends slowly."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Kind, Request
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.console.support import Console
from tests.e2e.operator import Clock
from tests.practice import profile_of

RATE = 20_000
"""Bytes a second, until a test sets `slow.rate` to None."""

PROCESSED = timedelta(seconds=9)


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """A practice API with one retrieval that has ended, and whose archive takes half a minute."""
    clock = Clock()
    with Sandbox(clock=clock, rate=RATE) as sandbox:
        sandbox.state.start(Kind.RETRIEVAL, "jane@example.com")
        clock.advance(PROCESSED)
        yield sandbox


@pytest.fixture
def profile(slow: Sandbox, tmp_path: Path) -> Profile:
    return profile_of(slow, tmp_path / "shop")


@pytest.fixture
def store(profile: Profile, slow: Sandbox) -> Iterator[Store]:
    store = open_store(profile.history_path)
    request = Request(Kind.RETRIEVAL, "", date(2026, 11, 20), "gdpr")
    requests.track(store, Kind.RETRIEVAL, slow.state.starts[0].task_id, request, "op")
    yield store
    store.close()


@asynccontextmanager
async def at_work(profile: Profile, store: Store) -> AsyncIterator[Console]:
    """The console with its engine, from its start to its end."""
    app = ConsoleApp(profile)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            yield Console(app, pilot, store)
    finally:
        app.close()


async def open_downloads(console: Console) -> None:
    await console.press("F")
    await console.until(lambda: isinstance(console.app.screen, DownloadsScreen) and console.app.screen.listed)


def download(store: Store) -> Download:
    found = tasks.get(store, 1).download
    assert found is not None
    return found


def sha256_of(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


async def start(console: Console) -> None:
    """Ask for the result by its key, and wait on the downloads screen until some of it has come."""
    await console.until(lambda: console.task(1).status == "COMPLETED")
    await console.sees("COMPLETED ⇣")
    await console.press("d")
    await console.until(lambda: console.task(1).download)
    await open_downloads(console)
    await console.until(lambda: download(console.store).bytes > 0)
    await console.sees("1 running", "kB/s")


async def test_a_paused_download_gets_no_byte_over_a_restart_and_ends_with_the_right_hash(
    profile: Profile, store: Store, slow: Sandbox, served_lengths: list[int]
) -> None:
    async with at_work(profile, store) as console:
        await start(console)
        await console.press("p")
        await console.until(lambda: download(store).state == DownloadState.QUEUED)
        await console.sees("paused at ", "1 paused")
    kept, sent = download(store).bytes, sum(served_lengths)
    [part] = profile.download_dir.iterdir()
    assert part.stat().st_size == kept
    async with at_work(profile, store) as console:
        await console.until(lambda: "engine here" in console.text)
        await open_downloads(console)
        await console.sees("paused at ", "p resumes it")
        assert (download(store).bytes, sum(served_lengths)) == (kept, sent)
        slow.rate = None
        await console.press("p")
        await console.until(lambda: download(store).state == DownloadState.DONE)
        await console.sees("done ", "idle", download(store).sha256 or "?")
    done = download(store)
    assert done.path is not None
    assert sha256_of(done.path) == done.sha256
    assert sum(served_lengths) <= 1.2 * done.bytes + 65_536


async def test_a_cancelled_download_leaves_nothing_and_is_asked_for_again_with_its_key(
    profile: Profile, store: Store, slow: Sandbox
) -> None:
    async with at_work(profile, store) as console:
        await start(console)
        await console.press("x")
        await console.sees("fetched so far?")
        await console.press("y")
        await console.sees("is cancelled; its partial file is to be deleted.", "cancelled ", "idle")
        await console.until(lambda: list(profile.download_dir.iterdir()) == [])
        first = download(store).id
        slow.rate = None
        await console.press("R")
        await console.sees("is asked for again.")
        await console.until(lambda: download(store).id != first and download(store).state == DownloadState.DONE)
        await console.sees("done ", "cancelled ")
    assert [path.suffix for path in profile.download_dir.iterdir()] == [".zip"]


async def test_each_press_counts_however_fast_they_come(profile: Profile, store: Store) -> None:
    async with at_work(profile, store) as console:
        await start(console)
        await console.press(*"ppppppppp")
        await console.until(lambda: _turns(store) == 9)
        assert download(store).paused
        await console.until(lambda: download(store).state == DownloadState.QUEUED)


def _turns(store: Store) -> int:
    row = store.row("SELECT count(*) FROM timeline WHERE what IN ('download paused', 'download resumed')")
    return 0 if row is None else as_int(row[0])
