"""A theme that is chosen later looks as one that was chosen at the start, to the last cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from bwp_tui.console.presentation.themes import THEMES
from tests.console.support import Console, make_profile, opened

Cells = list[tuple[str, str]]


def cells(console: Console) -> Cells:
    """Every cell in sight with its look."""
    return [
        (letter, str(run.style))
        for strip in console.app.screen._compositor.render_strips()
        for run in strip
        for letter in run.text
    ]


async def form_over_a_sentence(console: Console) -> Cells:
    """The cells of a form that stands under the table, a sentence in the status line."""
    await console.press("N")
    console.main.show_status("A sentence that stays.", "warn")
    await console.sees("the shopper's email address", "A sentence that stays.")
    await console.pilot.pause()
    return cells(console)


_chosen_at_start: dict[str, tuple[Cells, Cells]] = {}
"""The main screen and the form in each theme, for all tests of this module."""


async def chosen_at_start(folder: Path, theme: str) -> tuple[Cells, Cells]:
    """The cells of the main screen and of the form in a console that was started in a theme."""
    if theme not in _chosen_at_start:
        async with opened(make_profile(folder), theme=theme) as console:
            console.main.show_status(f"Theme {theme}.")
            await console.pilot.pause()
            _chosen_at_start[theme] = cells(console), await form_over_a_sentence(console)
    return _chosen_at_start[theme]


@pytest.mark.xdist_group("themes")
@pytest.mark.parametrize("first", THEMES)
async def test_a_theme_chosen_later_looks_as_one_chosen_at_the_start(tmp_path: Path, first: str) -> None:
    seen = []
    async with opened(make_profile(tmp_path / "changed"), theme=first) as console:
        await form_over_a_sentence(console)
        for _ in range(len(THEMES) - 1):
            await console.press("escape")
            await console.do("theme")
            await console.pilot.pause()
            theme = console.app._theme_name
            main_then, form_then = await chosen_at_start(tmp_path / theme, theme)
            assert cells(console) == main_then
            assert await form_over_a_sentence(console) == form_then
            seen.append(theme)
    assert sorted([first, *seen]) == sorted(THEMES)


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_a_proposed_text_is_reversed_in_terminal_colours(tmp_path: Path, theme: str) -> None:
    async with opened(make_profile(tmp_path), theme=theme) as console:
        await console.press("A")
        await console.sees("was acknowledged", "enter OK")
        field = console.main.prompt.query_one(Input)
        await console.until(lambda: len(field.selected_text) == len("2026-11-20"))
        await console.pilot.pause()
        strip = console.app.screen._compositor.render_strips()[field.region.y]
        [look] = {run.style for run in strip if run.text == field.selected_text}
        assert look is not None
        assert look.reverse
        assert look.color is None or look.color.is_default
        assert look.bgcolor is None or look.bgcolor.is_default
