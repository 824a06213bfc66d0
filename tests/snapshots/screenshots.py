"""Take screenshots of the console with a prepared history, and compare them with those that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot

from bwp_tui.console.app import ConsoleApp
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from tests.console.past_tasks import PAST, PastTask, clock
from tests.console.support import USUAL, WIDE, Console, plant, screen_lines

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


class TextFile(SingleFileSnapshotExtension):
    """A file of text for each snapshot."""

    _file_extension = "txt"
    _write_mode = WriteMode.TEXT


class Camera:
    """Opens the console on a planted history, does something, and compares the screen with the kept one.

    The wide screen and named themes are compared as pictures, with their colours. In other sizes only the layout
    differs: they are compared as text.
    """

    def __init__(self, compare: Compare, text: SnapshotAssertion, profile: Profile) -> None:
        self._compare = compare
        self._text = text.use_extension(TextFile)
        self._profile = profile

    def agrees(
        self,
        size: tuple[int, int],
        act: Act | None = None,
        *,
        past: tuple[PastTask, ...] = PAST,
        theme: str | None = None,
        prepare: Callable[[Store], None] | None = None,
        rows: int | None = None,
    ) -> bool:
        """Return whether the screen is the kept one; `rows` is how many tasks there are where `prepare` adds some."""
        with _planted(self._profile, past) as store:
            if prepare is not None:
                prepare(store)
            app = ConsoleApp(self._profile, theme=theme or "dark", clock=clock, with_engine=False)

            async def before(pilot: Pilot[int]) -> None:
                console = Console(app, pilot, store)
                await console.until(
                    lambda: console.main.is_ready and console.main.table.row_count == (rows or len(past))
                )
                await pilot.pause()
                if past:
                    await console.go_to(len(past))
                if act is not None:
                    await act(console)
                await pilot.pause()

            return self._is_as_kept(app, size, before, is_picture=size == WIDE or theme is not None)

    def missing_credentials_agree(self, size: tuple[int, int]) -> bool:
        """Compare the page that a profile without credentials is met with."""
        app = ConsoleApp(replace(self._profile, client_id=None, secret=None, target_id=None), clock=clock)

        async def before(pilot: Pilot[int]) -> None:
            await pilot.pause()

        return self._is_as_kept(app, size, before, is_picture=size == WIDE)

    def _is_as_kept(
        self,
        app: ConsoleApp,
        size: tuple[int, int],
        before: Callable[[Pilot[int]], Awaitable[None]],
        *,
        is_picture: bool,
    ) -> bool:
        async def text() -> str:
            async with app.run_test(size=size) as pilot:
                await before(pilot)
                return "\n".join(screen_lines(app)) + "\n"

        try:
            if is_picture:
                return self._compare(app, terminal_size=size, run_before=before)
            assert asyncio.run(text()) == self._text
            return True
        finally:
            app.close()


@contextmanager
def _planted(profile: Profile, past: tuple[PastTask, ...]) -> Iterator[Store]:
    store = plant(profile, past)
    try:
        yield store
    finally:
        store.close()


both_sizes = pytest.mark.parametrize("size", [WIDE, USUAL], ids=["wide", "usual"])
