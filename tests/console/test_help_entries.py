"""Each screen explains its own keys, and no other ones."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from textual.containers import VerticalScroll

from bwp_tui.console.controllers.find import ScrolledText
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.worklog import downloads
from tests.console.past_tasks import READY
from tests.console.support import Console, opened


async def opens_own_help(console: Console, *words: str) -> None:
    before = console.app.screen
    await console.press("question_mark")
    await console.until(lambda: isinstance(console.app.screen, HelpScreen))
    await console.sees(*words)
    assert "Submit a new retrieval" not in console.text
    await console.press("escape")
    await console.until(lambda: console.app.screen is before)


@pytest.mark.parametrize(("key", "words"), [("D", "Half a page down"), ("H", "Open the task"), ("F", "Cancel it")])
async def test_a_screen_of_its_own_has_a_help_of_its_own(profile: Profile, key: str, words: str) -> None:
    async with opened(profile) as console:
        await console.press(key)
        await console.until(lambda: console.app.screen is not console.main)
        await opens_own_help(console, words)


async def test_the_archive_has_a_help_of_its_own(profile: Profile, tmp_path: Path) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, str(tmp_path), "op")
        (download,) = downloads.of_task(console.store, READY)
        console.app.push_screen(ArchiveScreen(console.main.session, console.task(READY), download))
        await console.until(lambda: isinstance(console.app.screen, ArchiveScreen))
        await opens_own_help(console, "Extract into a new folder", "Go back")


@pytest.mark.parametrize(("end", "top"), [("G", "g"), ("end", "home")])
async def test_the_help_goes_to_its_ends(profile: Profile, end: str, top: str) -> None:
    async with opened(profile, size=(60, 15)) as console:
        await console.press("question_mark")
        await console.sees("Submit a new retrieval")
        scroll = console.app.screen.query_one(VerticalScroll)
        await console.press(end)
        await console.until(lambda: scroll.max_scroll_y > 0 and scroll.scroll_y == scroll.max_scroll_y)
        await console.press(top)
        await console.until(lambda: scroll.scroll_y == 0)


async def test_a_reason_in_the_help_continues_under_its_own_text(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        await console.press("question_mark")
        await console.sees("Submit a new retrieval")
        await console.press("slash", *"unavailable: only a task", "enter")
        await console.sees("unavailable: Only a task")
        lines = console.line("help-scroll").splitlines()
        first, second = next(pair for pair in pairwise(lines) if "unavailable: Only a task" in pair[0])
        at = first.index("unavailable:")
        assert not second[:at].strip()
        assert second[at : at + 1].strip()


async def test_keys_that_come_before_the_next_repaint_scroll_from_where_the_last_one_went(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        await console.press("question_mark")
        await console.sees("Submit a new retrieval")
        screen = console.app.screen
        assert isinstance(screen, HelpScreen)
        scroll = screen.query_one(VerticalScroll)
        text = ScrolledText(lambda: scroll)
        screen.moves["down"]()
        screen.moves["down"]()
        await console.pilot.pause()
        assert scroll.scroll_y == 2
        first, last = text.place(None), text.matches(re.compile("Go back"))[-1]
        text.go_to(last)
        text.go_to(first)
        await console.pilot.pause()
        assert text.place(None) <= first
