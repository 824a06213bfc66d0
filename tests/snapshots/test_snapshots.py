"""What the console looks like. New pictures: pytest tests/snapshots --snapshot-update, and look at each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from bwp_tui.console.app import ConsoleApp
from bwp_tui.history import actions, downloads
from bwp_tui.history.connection import History
from bwp_tui.settings import Profile
from tests.console.past import NOT_KNOWN, NOW, PAST, READY, Planted, clock
from tests.console.support import USUAL, WIDE, Console, plant

SMALL: Final = (60, 15)
Act = Callable[[Console], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot, as these tests use it."""

    def __call__(
        self,
        app: ConsoleApp,
        *,
        terminal_size: tuple[int, int],
        run_before: Callable[[Pilot[int]], Awaitable[None]],
    ) -> bool: ...


class Camera:
    """Opens the console on a planted history, does something, and compares the picture with the kept one."""

    def __init__(self, compare: Compare, profile: Profile) -> None:
        self._compare = compare
        self._profile = profile

    def agrees(
        self,
        size: tuple[int, int],
        act: Act | None = None,
        *,
        past: tuple[Planted, ...] = PAST,
        theme: str = "dark",
        prepare: Callable[[History], None] | None = None,
    ) -> bool:
        with _planted(self._profile, past) as history:
            if prepare is not None:
                prepare(history)
            app = ConsoleApp(self._profile, theme=theme, clock=clock, with_engine=False)

            async def before(pilot: Pilot[int]) -> None:
                console = Console(app, pilot, history)
                await console.until(lambda: console.main.table.row_count == len(past))
                await pilot.pause()
                if past:
                    await console.go_to(len(past))
                if act is not None:
                    await act(console)
                await pilot.pause()

            try:
                return self._compare(app, terminal_size=size, run_before=before)
            finally:
                app.close()

    def setup_agrees(self, size: tuple[int, int]) -> bool:
        """Compare the page that a profile without credentials is met with."""
        app = ConsoleApp(replace(self._profile, client_id=None, secret=None, target_id=None), clock=clock)

        async def before(pilot: Pilot[int]) -> None:
            await pilot.pause()

        try:
            return self._compare(app, terminal_size=size, run_before=before)
        finally:
            app.close()


@contextmanager
def _planted(profile: Profile, past: tuple[Planted, ...]) -> Iterator[History]:
    history = plant(profile, past)
    try:
        yield history
    finally:
        history.close()


@pytest.fixture
def camera(snap_compare: Compare, profile: Profile) -> Camera:
    return Camera(snap_compare, profile)


both_sizes = pytest.mark.parametrize("size", [WIDE, USUAL], ids=["wide", "usual"])


@pytest.mark.parametrize("theme", ["dark", "light", "ansi-dark"])
@both_sizes
def test_main(camera: Camera, size: tuple[int, int], theme: str) -> None:
    assert camera.agrees(size, theme=theme)


def test_main_small(camera: Camera) -> None:
    assert camera.agrees(SMALL)


@both_sizes
def test_failed_task(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.go_to(NOT_KNOWN)
        if size == USUAL:
            await console.do("detail")

    assert camera.agrees(size, act)


@both_sizes
def test_form_for_a_retrieval(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.fill(email="new@example.com", note="asked by phone")

    assert camera.agrees(size, act)


@both_sizes
def test_form_for_a_deletion_that_would_end_too_late(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.fill(kind="deletion", email="bob@example.com", regulation="ccpa", hold="30", again="bob@")

    assert camera.agrees(size, act)


@both_sizes
def test_filter_with_a_mistake(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.do("filter")
        console.main.prompt.query_one(Input).value = "status:faild"
        await console.sees("Did you mean “failed”?")

    assert camera.agrees(size, act)


@both_sizes
def test_palette(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.do("palette")
        console.main.prompt.query_one(Input).value = "re"
        await console.sees("› ")

    assert camera.agrees(size, act)


@both_sizes
def test_question(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.go_to(NOT_KNOWN)
        await console.do("resubmit")
        await console.sees("y yes   n no")

    assert camera.agrees(size, act)


@both_sizes
def test_help(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.do("help")
        await console.sees("File a new request")

    assert camera.agrees(size, act)


@both_sizes
def test_download_under_way(camera: Camera, size: tuple[int, int]) -> None:
    def prepare(history: History) -> None:
        for number in (READY, 1):
            actions.download(history, number, "/srv/privacy", "op")
        order = next(order for order in downloads.due(history, NOW, 9) if order.number == READY)
        downloads.started(history, order)
        downloads.progressed(history, order, 12_400_000, 19_300_000, 3_100_000.0, '"etag"')

    async def act(console: Console) -> None:
        await console.sees("64 %", "waiting for a slot")

    assert camera.agrees(size, act, prepare=prepare)


@both_sizes
def test_empty_history(camera: Camera, size: tuple[int, int]) -> None:
    assert camera.agrees(size, past=())


@both_sizes
def test_setup(camera: Camera, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BWP_CONFIG_FILE", "/home/op/.config/bwp-tui/config.toml")
    assert camera.setup_agrees(size)
