"""How the console uses its room: panes side by side, one at a time, or a sentence that there is too little."""

from __future__ import annotations

import asyncio

import pytest

from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from tests.console.past import NOT_KNOWN, PAST, READY
from tests.console.support import USUAL, WIDE, opened

SMALL = (60, 15)
TOO_SMALL = (59, 15)


async def test_a_wide_terminal_shows_table_details_and_keys_at_once(profile: Profile) -> None:
    async with opened(profile, size=WIDE) as console:
        await console.sees(
            "SUBMITTED", "jane" if not console.main.session.masked else "j•••@example.com", "6 due soon 3"
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


async def test_a_terminal_that_is_too_small_says_so_and_comes_back(profile: Profile) -> None:
    async with opened(profile) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        await console.fill(email="new@example.com")
        await console.sees("no engine running")
        await console.pilot.resize_terminal(*TOO_SMALL)
        sentence = "bwp-tui needs 60x15; this terminal has 59x15."
        await console.until(lambda: console.text.strip() == sentence)
        await console.pilot.resize_terminal(*USUAL)
        await console.until(lambda: "Email" in console.text and sentence not in console.text)
        assert console.field("email").value == "new@example.com"


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
