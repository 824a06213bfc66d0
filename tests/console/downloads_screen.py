"""The downloads screen for tests: opened over a queue, and read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.domain.downloads import Download
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads, engine_state
from tests.console.past_downloads import NAMES, PAST, ask, run_all
from tests.console.past_tasks import PastTask
from tests.console.support import WIDE, Console, opened


@asynccontextmanager
async def at_downloads(
    profile: Profile, *asked: str, size: tuple[int, int] = WIDE, past: tuple[PastTask, ...] = PAST
) -> AsyncIterator[Console]:
    """The downloads screen over retrievals whose results were asked for, or over all states without any."""
    async with opened(profile, past, size=size) as console:
        engine_state.record_new_term(console.store, 4711, "desk")
        for name in asked:
            ask(console.store, name)
        if not asked:
            run_all(console.store)
        await console.press("F")
        await console.until(lambda: isinstance(console.app.screen, DownloadsScreen) and console.app.screen.listed)
        await console.pilot.pause()
        yield console


def screen_of(console: Console) -> DownloadsScreen:
    assert isinstance(console.app.screen, DownloadsScreen)
    return console.app.screen


def line_of(console: Console, start: str) -> str:
    """The list's line about a data subject, whose masked address begins so."""
    return next((line for line in console.line("download-rows").splitlines() if f"{start}•••@" in line), "")


def download_of(console: Console, name: str) -> Download:
    download = console.task(NAMES.index(name) + 1).download
    assert download is not None
    return download


def waiting(store: Store) -> list[str]:
    """The names of the downloads that have not ended, in the order of the queue."""
    return [NAMES[download.task_number - 1] for download in downloads.unfinished(store)]


async def go_to(console: Console, name: str) -> None:
    """Move the cursor to the download of a task, and wait until its details are shown."""
    wanted, screen = download_of(console, name).id, screen_of(console)
    await console.press("g")
    for _ in range(screen.rows.row_count):
        if screen.rows.current != wanted:
            await console.press("j")
    assert screen.rows.current == wanted
    await console.until(lambda: f"#{NAMES.index(name) + 1} " in console.line("download-heading"))
