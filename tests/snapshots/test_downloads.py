"""What the downloads screen looks like."""

from __future__ import annotations

import pytest

from bwp_tui.console.screens.downloads import DownloadsScreen
from tests.console.past_downloads import PAST, run_all
from tests.console.support import Console
from tests.snapshots.screenshots import SMALL, Camera, both_sizes


async def open_downloads(console: Console) -> None:
    await console.do("downloads")
    await console.until(lambda: isinstance(console.app.screen, DownloadsScreen) and console.app.screen.listed)
    await console.sees("retry at 09:32:00")


@pytest.mark.parametrize("theme", ["dark", "light", "ansi-dark"])
@both_sizes
def test_downloads(camera: Camera, size: tuple[int, int], theme: str) -> None:
    async def act(console: Console) -> None:
        await open_downloads(console)
        await console.press("space", "j", "space")
        await console.sees("2 marked", "── retrieval for t•••@example.com")

    assert camera.agrees(size, act, past=PAST, theme=theme, prepare=run_all)


def test_downloads_small(camera: Camera) -> None:
    assert camera.agrees(SMALL, open_downloads, past=PAST, prepare=run_all)


@both_sizes
def test_a_saved_download(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await open_downloads(console)
        await console.press("G")
        await console.sees("19 300 000 bytes")

    assert camera.agrees(size, act, past=PAST, prepare=run_all)
