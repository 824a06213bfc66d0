"""How the console uses its room: panes side by side, one at a time, or a sentence that there is too little."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual.containers import VerticalScroll

from bwp_tui.console.terminal.textual_compat import lay_out
from bwp_tui.console.widgets.styled_line import Heading
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, PAST, READY, WAITING
from tests.console.support import USUAL, WIDE, opened

SMALL = (60, 15)
TOO_SMALL = (39, 15)
SMALL_LISTS = ((59, 15), (60, 14), (40, 10))
"""Sizes at which the list is alone."""


async def test_a_wide_terminal_shows_table_details_and_keys_at_once(profile: Profile) -> None:
    async with opened(profile, size=WIDE) as console:
        await console.sees(
            "SUBMITTED", "jane" if not console.main.session.masked else "j•••@example.com", "7 due soon 3"
        )
        await console.sees("── COMPLETED · retrieval", "Received", "accepted", "? help  q quit")
        await console.fill(email="new@example.com")
        assert "SUBMITTED" in console.text
        assert "Received on" in console.text


@pytest.mark.parametrize("size", [WIDE, (100, 30), USUAL, SMALL])
async def test_the_filter_in_force_is_seen_whatever_the_room(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        await console.press("slash", *"kind:retrieval age<9000d due<9000d", "enter")
        await console.until(lambda: "/ kind:retrieval age<9000d due<9000d  " in console.line("views"))
        await console.until(lambda: "…" not in console.line("views"))


@pytest.mark.parametrize("size", [USUAL, SMALL])
async def test_less_room_shows_one_thing_at_a_time(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        assert "EMAIL" in console.text
        assert "Received" not in console.text
        assert all(len(line) <= size[0] for line in console.text.splitlines())
        await console.do("detail")
        await console.sees("Received", f"#{READY} ──")
        assert "EMAIL" not in console.text
        await console.press("escape")
        await console.sees("EMAIL")
        await console.fill(email="new@example.com")
        await console.sees("Email", "new@example.com", "✓")
        await console.do("back")
        await console.sees("EMAIL")


@pytest.mark.parametrize(("size", "beside"), [((160, 40), True), ((159, 40), False), ((160, 15), True)])
async def test_the_details_are_beside_the_list_of_a_wide_terminal(
    profile: Profile, size: tuple[int, int], beside: bool
) -> None:
    async with opened(profile, size=size) as console:
        table, detail = console.main.table.region, console.main.detail_pane.region
        assert (detail.x >= table.right) is beside
        assert (detail.y >= table.bottom) is not beside
        await console.sees("── COMPLETED · retrieval", "Received")
        await console.fill(email="new@example.com")
        assert console.main.form.region.width == size[0]


@pytest.mark.parametrize("size", [(160, 40), WIDE, USUAL, SMALL])
async def test_the_details_are_zoomed_and_hidden_by_keys(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        is_shown = console.main.detail_pane.display
        await console.press("z")
        await console.until(lambda: console.main.detail_pane.size.width == size[0] and not console.main.table.display)
        await console.press("j")
        await console.until(lambda: "#9" in console.main.query_one("#detail-heading", Heading)._rights[-1])
        await console.press("z")
        await console.until(lambda: console.main.table.display and console.main.table.has_focus)
        assert console.main.detail_pane.display is is_shown
        await console.press("Z")
        await console.until(lambda: not console.main.detail_pane.display and console.main.table.size.width == size[0])
        await console.press("Z")
        await console.until(lambda: console.main.detail_pane.display is is_shown)
        assert ("need 100x28" in console.line("status")) is not is_shown


async def test_the_details_under_the_list_take_the_lines_that_their_text_needs(profile: Profile) -> None:
    async with opened(profile, size=WIDE) as console:
        for number in (WAITING, ORDERS_OPEN, NOT_KNOWN, READY):
            await console.go_to(number)
            await console.pilot.pause()
            scroll = console.main.query_one("#detail-scroll", VerticalScroll)
            assert scroll.max_scroll_y == 0
            assert scroll.size.height - scroll.virtual_size.height <= 4 or console.main.detail_pane.size.height == 10


async def test_a_terminal_that_is_too_small_says_so_and_comes_back(profile: Profile) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        await console.fill(email="new@example.com")
        await console.sees("no engine running")
        await console.pilot.resize_terminal(*TOO_SMALL)
        await console.until(lambda: console.text.strip().startswith("bwp-tui needs 60x15"))
        assert "Email" not in console.text
        assert "no engine running" not in console.text
        await console.pilot.resize_terminal(*USUAL)
        await console.until(lambda: "Email" in console.text and "needs 60x15" not in console.text)
        assert console.field("email").value == "new@example.com"


@pytest.mark.parametrize("size", [TOO_SMALL, (60, 9), (20, 5), (1, 1)])
async def test_no_key_acts_while_nothing_is_shown(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.pilot.resize_terminal(*size)
        await console.until(lambda: console.main.has_class("-too-small"))
        assert not console.main.show_vertical_scrollbar
        before = console.store.revision()
        await console.press("n", *"blind@example.com", "enter", "x", "y", "enter", "t", *"blind", "enter", "space", "j")
        assert (console.store.revision(), console.main.table.current_number) == (before, HELD)
        assert not any((console.main.form.display, console.main.prompt.is_open, console.main.table.marks))
        await console.pilot.resize_terminal(*USUAL)
        await console.press("x")
        await console.until(lambda: console.main.prompt.is_open)
        await console.pilot.resize_terminal(*size)
        await console.until(lambda: console.main.has_class("-too-small"))
        await console.press("y", "enter", "q")
        assert console.main.prompt.is_open
        assert console.store.revision() == before
        await console.pilot.resize_terminal(*USUAL)
        await console.until(lambda: "[y/N]" in console.line("prompt"))
        await console.press("y")
        await console.until(lambda: console.store.revision() > before)


@pytest.mark.parametrize("size", SMALL_LISTS)
async def test_a_small_terminal_shows_the_list_alone_in_which_keys_only_move(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.pilot.resize_terminal(*size)
        await console.until(lambda: console.main.table.size == (size[0], size[1] - 1))
        await console.sees("STATUS", "◷ ON_HOLD 7d", "DUE", f"all {len(PAST)}")
        before = console.store.revision()
        for key in ("n", "x", "R", "r", "space", "enter", "colon", "slash", "F", "question_mark", "z"):
            await console.press(key)
            await console.until(lambda: "needs a terminal of 60x15" in console.text)
            assert not any((console.main.form.display, console.main.prompt.is_open, console.main.table.marks))
        console.app.post_message(events.Paste("blind"))
        assert (console.store.revision(), len(console.app.screen_stack)) == (before, 1)
        await console.press("j", "5")
        await console.until(lambda: console.main.view_index == 4 and "needs" not in console.text)
        await console.until(lambda: "fail" in console.line("views") and " 2" in console.line("views"))
        await console.pilot.resize_terminal(*USUAL)
        await console.sees("EMAIL", "? help")
        await console.pilot.resize_terminal(*size)
        await console.press("q")
        await console.until(lambda: console.app.return_code == 0)


async def test_a_list_alone_says_beside_its_view_that_the_service_is_in_trouble(profile: Profile) -> None:
    async with opened(profile, size=(40, 10)) as console:
        await console.sees(f"all {len(PAST)}")
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, "no route", None)
        await console.sees(f"all {len(PAST)}", "▲ service unreachable")
        engine_state.record_health(console.store, ServiceHealthState.REACHED, None, None)
        await console.until(lambda: "unreachable" not in console.line("views"))
        assert f"all {len(PAST)}" in console.line("views")


@pytest.mark.parametrize("size", SMALL_LISTS)
async def test_a_prompt_or_form_that_a_small_terminal_hides_can_only_be_closed(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        before = console.store.revision()
        for key in ("x", "n"):
            await console.press(key)
            await console.until(lambda: console.main.is_prompt_or_form_focused)
            await console.pilot.resize_terminal(*size)
            await console.sees("bwp-tui needs 60x15")
            await console.press("y", "enter")
            assert (console.store.revision(), console.main.is_prompt_or_form_focused) == (before, True)
            await console.press("escape")
            await console.sees("ON_HOLD")
            await console.pilot.resize_terminal(*USUAL)


async def test_a_form_that_is_not_shown_takes_no_text_and_keeps_its_own(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.do("new")
        await console.press(*"jane@")
        await console.pilot.resize_terminal(*TOO_SMALL)
        await console.until(lambda: console.main.has_class("-too-small"))
        await console.press(*"blind", "q", "tab")
        console.app.post_message(events.Paste("blind"))
        await console.press("enter")
        await console.pilot.resize_terminal(*USUAL)
        await console.press(*"example.com")
        assert console.field("email").value == "jane@example.com"
        await console.pilot.resize_terminal(*TOO_SMALL)
        await console.press("ctrl+c", "q")
        await console.until(lambda: console.app.return_code == 0)


@pytest.mark.parametrize("opening", [["D"], ["F"], ["H"], ["question_mark"], ["enter", "question_mark"]])
async def test_a_screen_in_front_is_covered_too_and_can_be_left(profile: Profile, opening: list[str]) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        for key in opening:
            await console.press(key)
        await console.until(lambda: len(console.app.screen_stack) == len(opening) + 1)
        await console.pilot.resize_terminal(*TOO_SMALL)
        for left in reversed(range(len(opening) + 1)):
            await console.until(lambda: console.text.strip().startswith("bwp-tui needs"))
            await console.press("x", "y", "escape", "enter")
            assert len(console.app.screen_stack) == left + 1
            await console.press("q")
        await console.until(lambda: console.app.return_code == 0)


async def test_a_storm_of_resizes_loses_neither_the_cursor_nor_the_lines(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(NOT_KNOWN)
        widths = (*range(130, 40, -9), *range(40, 130, 7))
        await asyncio.gather(*(console.pilot.resize_terminal(width, max(10, width // 4)) for width in widths))
        await console.pilot.resize_terminal(100, 30)
        await console.until(lambda: console.main.has_class("-split") and not console.main.has_class("-too-small"))
        assert console.main.table.current_number == NOT_KNOWN
        await console.sees("✗ FAILED", "DATA_SUBJECT_NOT_FOUND  The shopper", "? help  q quit")
        await console.until(lambda: all(len(line) <= 100 for line in console.text.splitlines()))
        assert console.main.table.row_count == len(PAST)


async def test_the_theme_goes_round_and_keeps_its_name_in_sight(profile: Profile) -> None:
    async with opened(profile, theme="light") as console:
        seen = [console.app.theme]
        for name in ("ansi-dark", "ansi-light", "dark", "light"):
            await console.press("T")
            assert f"Theme {name}." in console.line("status")
            seen.append(console.app.theme)
        assert seen == ["bwp-light", "ansi-dark", "ansi-light", "bwp-dark", "bwp-light"]


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({"NO_COLOR": "1"}, "ansi-dark"),
        ({"TERM": "linux", "COLORTERM": ""}, "ansi-dark"),
        ({"TERM": "screen-256color", "COLORTERM": ""}, "bwp-dark"),
    ],
)
async def test_a_terminal_of_few_colours_gets_its_own(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], theme: str
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with opened(profile) as console:
        assert console.app.theme == theme


async def test_a_notice_that_comes_before_the_first_layout_ended_has_the_lines_it_needs(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.status.refresh(layout=True)
        console.main._clear_arrangement_cache()
        lay_out(console.main)  # as when the history cannot be read just after the first frame
        console.main.show_notice("word " * 40, "bad")
        await console.until(lambda: console.main.status.size.height == 2)
