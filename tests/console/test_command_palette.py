"""Commands by name: found as they are typed, run by enter, with the reason where they are not possible."""

from __future__ import annotations

from bwp_tui.console.bindings.actions import ACTIONS
from bwp_tui.console.widgets.command_palette import matching
from bwp_tui.settings import Profile
from tests.console.past import HELD, READY
from tests.console.support import opened


def test_every_action_is_found_by_its_name_and_by_its_sentence() -> None:
    for action in ACTIONS:
        assert action in matching(action.name.replace("_", " "))
        assert action in matching(action.what)
    assert len(matching("")) == len(ACTIONS)
    assert matching("no such thing") == []


def test_what_begins_as_typed_comes_first() -> None:
    assert matching("can")[0].name == "cancel"
    assert matching("mas")[0].name == "mask"


async def test_a_command_is_searched_picked_and_run(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", "a", "d", "d", "r")
        await console.sees("› m       Show or mask the addresses")
        await console.press("enter")
        await console.sees("jane.doe@example.com")
        assert not console.main.palette.display
        assert console.app.focused is console.main.table
        await console.press("ctrl+p", "v", "i", "e", "w", "down", "down", "up", "enter")
        await console.until(lambda: console.main.view_index == 1)


async def test_a_command_that_asks_something_can_ask_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("ctrl+p", "c", "a", "n", "enter")
        await console.sees("Cancel the deletion for b•••@example.com?")


async def test_what_is_not_possible_says_why_before_and_after_it_is_run(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", "c", "a", "n")
        await console.sees("Cancel a deletion that is on hold")
        assert "A retrieval runs at once and cannot be cancelled" in console.line("palette")
        await console.press("enter")
        await console.sees("x: A retrieval runs at once")
        assert not console.task(READY).cancel_asked


async def test_no_match_is_said_and_escape_closes(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", "z", "z")
        await console.sees("No command has these words.")
        await console.press("enter")
        await console.until(lambda: not console.main.prompt.is_open)
        await console.press("ctrl+p", "escape")
        await console.until(lambda: not console.main.prompt.is_open)
        assert not console.main.palette.display
