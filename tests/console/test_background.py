"""Work beside a screen that ends before it begins, or while it waits."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
from textual.app import App
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import WorkerFailed

from bwp_tui.console.background import run_in_background
from tests.waiting import eventually_in_loop


async def test_work_that_is_ended_before_its_first_step_leaves_nothing_unawaited() -> None:
    done: list[str] = []

    async def work(word: str) -> None:
        done.append(word)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with App[None]().run_test() as pilot:
            run_in_background(pilot.app, lambda: work("first"), exclusive=True)
            run_in_background(pilot.app, lambda: work("second"), exclusive=True)
            await eventually_in_loop(lambda: done)
            run_in_background(pilot.app, lambda: work("third"))
            pilot.app.workers.cancel_all()
        gc.collect()
    assert done == ["second"]
    assert not [str(warning.message) for warning in warned]


async def test_work_ends_with_its_node() -> None:
    waits, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with App[None]().run_test() as pilot:
        run_in_background(pilot.app, work)
        await waits.wait()
    assert ended.is_set()


async def _end_while_filling(*, close: bool) -> None:
    """Close a screen, or cancel the work on the open one, while that work waits; it then looks for a widget in vain."""
    began = asyncio.Event()

    async def fill() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # the step between the end of the widgets and that of the work
            screen.query_one(Static)

    async with App[None]().run_test() as pilot:
        screen = Screen[None]()
        await pilot.app.push_screen(screen)
        run_in_background(screen, fill)
        await began.wait()
        if close:
            await pilot.app.pop_screen()
        else:
            pilot.app.workers.cancel_all()
        await pilot.pause()


async def test_work_that_finds_the_widgets_of_a_closed_screen_gone_ends_quietly() -> None:
    await _end_while_filling(close=True)


async def test_work_that_misses_a_widget_of_an_open_screen_fails() -> None:
    with pytest.raises(WorkerFailed) as failed:
        await _end_while_filling(close=False)
    assert isinstance(failed.value.error, NoMatches)
