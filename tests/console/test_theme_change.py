"""A theme that is chosen later looks as one that was chosen at the start, to the last cell."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from bwp_tui.console.presentation.themes import THEMES
from tests.console.support import Console, make_profile, opened


def cells(console: Console) -> list[tuple[str, str]]:
    """Every cell in sight with its look."""
    return [
        (letter, str(run.style))
        for strip in console.app.screen._compositor.render_strips()
        for run in strip
        for letter in run.text
    ]


async def form_over_a_sentence(console: Console) -> list[tuple[str, str]]:
    """The cells of a form that stands under the table, a sentence in the status line."""
    await console.press("N")
    console.main.show_status("A sentence that stays.", "warn")
    await console.sees("the shopper's email address", "A sentence that stays.")
    await console.pilot.pause()
    return cells(console)


@pytest.mark.parametrize(("before", "after"), list(permutations(THEMES, 2)))
async def test_a_theme_chosen_later_looks_as_one_chosen_at_the_start(tmp_path: Path, before: str, after: str) -> None:
    async with opened(make_profile(tmp_path / "new"), theme=after) as console:
        console.main.show_status(f"Theme {after}.")
        await console.pilot.pause()
        main_then = cells(console)
        form_then = await form_over_a_sentence(console)
    async with opened(make_profile(tmp_path / "changed"), theme=before) as console:
        await form_over_a_sentence(console)
        await console.press("escape")
        while console.app._looks != after:
            await console.do("theme")
        await console.pilot.pause()
        assert cells(console) == main_then
        assert await form_over_a_sentence(console) == form_then
