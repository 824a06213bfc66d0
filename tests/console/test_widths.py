"""No line of any screen is broken, whatever the terminal's width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from textual.screen import Screen

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.background import run_in_background
from bwp_tui.console.presentation.breakpoints import NARROW, SIDE_BY_SIDE, TASK_WIDE, WIDE
from bwp_tui.console.presentation.dashboard import FIGURES_CELLS
from bwp_tui.console.presentation.task_row_cells import SMALL_TABLE
from bwp_tui.console.presentation.task_row_layout import GAP, place_columns
from bwp_tui.console.terminal.textual_compat import lay_out
from bwp_tui.console.widgets.bars import HeaderLine, TwoEndedLine, ViewsLine
from bwp_tui.console.widgets.styled_line import Heading, StyledLine
from bwp_tui.domain.views import VIEWS
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from tests.console.past_tasks import NOT_KNOWN, READY
from tests.console.support import opened, screen_lines

CHANGES: Final = {NARROW, WIDE, TASK_WIDE, SIDE_BY_SIDE, 2 * FIGURES_CELLS + 3, 3 * FIGURES_CELLS + 3}
WIDTHS: Final = range(60, 251)
STEP: Final = 45
"""Each screen is seen at some widths, beginning at another one, and at all of those where a layout changes."""
SCREENS: Final = {
    "main": [],
    "zoomed": ["z"],
    "form": ["n"],
    "form for a deletion": ["N"],
    "filter": ["slash"],
    "command": ["colon"],
    "question": ["R"],
    "task": ["enter"],
    "timeline": ["enter", "3"],
    "requests": ["enter", "4"],
    "letter": ["L"],
    "downloads": ["F"],
    "request log": ["H"],
    "dashboard": ["D"],
    "help": ["question_mark"],
}


def broken_lines(app: ConsoleApp) -> Iterator[str]:
    """Yield what is broken on the screen: a line that is cut without a sign, or a count that is alone on a line."""
    screen: Screen[object] = app.screen
    for widget in screen.query("*"):
        if widget.region.area and widget.show_horizontal_scrollbar:
            yield f"{widget} has a horizontal scrollbar"
        if widget.region.area and not screen.region.contains_region(widget.region) and widget.parent is screen:
            yield f"{widget} is outside of the screen"
    for line in screen.query(StyledLine):
        text, width = line.render(), line.size.width
        is_marked = isinstance(line, TwoEndedLine | Heading) or line.styles.text_overflow == "ellipsis"
        if line.region.area and not is_marked and text.get_height(line.styles.get_rules(), width) > line.size.height:
            yield f"{line} is cut: {text.plain}"
    for shown in screen_lines(app):
        if re.fullmatch(r"\s*\d+\s*", shown):
            yield f"a count is alone: {shown}"


@pytest.mark.parametrize(("first", "keys"), enumerate(SCREENS.values()), ids=SCREENS)
async def test_no_line_is_broken_at_any_width(profile: Profile, first: int, keys: list[str]) -> None:
    widths = {60, *WIDTHS[3 * first :: STEP], *CHANGES, *(width - 1 for width in CHANGES)}
    async with opened(profile, size=(250, 40)) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        await console.sees("no engine running")
        await console.go_to(NOT_KNOWN)
        await console.press(*keys)
        found = []
        for width in sorted(widths, reverse=True):
            await console.pilot.resize_terminal(width, 40)
            lay_out(console.app.screen)
            found += [f"{width}: {fault}" for fault in broken_lines(console.app)]
        assert found == []


def test_no_columns_of_the_table_overlap_at_any_width() -> None:
    for width in range(39, 251):
        placed = place_columns(width).placed
        ends = [place.x + place.width for place in placed]
        assert all(end < place.x for end, place in zip(ends, placed[1:], strict=False)), width
        assert ends[-1] <= width
        assert all(place.width >= (place.column.width or place.column.least) for place in placed), width
        assert (placed[1].column.id == "number") is (width in SMALL_TABLE)
        assert all(place.x - end >= GAP for end, place in zip(ends[1:], placed[2:], strict=False))


@pytest.mark.parametrize(
    ("width", "masked", "email"),
    [(79, True, 18), (99, True, 19), (119, True, 22), (79, False, 25), (99, False, 26), (119, False, 26)],
)
def test_what_usual_emails_leave_is_the_notes(width: int, masked: bool, email: int) -> None:
    widths = {place.column.id: place.width for place in place_columns(width, masked=masked).placed}
    assert widths["subject"] == email
    assert widths["note"] >= 27 or width < 119


@pytest.mark.parametrize(("size", "tasks"), [((60, 15), 60), ((80, 24), 60), ((60, 15), 12_345)])
async def test_the_header_names_marks_and_masking_and_the_views_are_all_named(
    profile: Profile, size: tuple[int, int], tasks: int
) -> None:
    async with opened(profile, size=size) as console:
        line = console.main.query_one(HeaderLine)
        events = ("events on · polling rarely", "muted")
        start = (("practice", "badge-green"), None, "● engine here")
        line.set_state(*start, None, events, ["8 marked", "masked"], "1/60")
        await console.until(lambda: console.line("header").split()[-3:] == ["8", "marked", "masked"])
        assert "events on" in console.line("header") or size[0] == 60
        line.set_state(*start, "service unreachable, next try 07:11:08", events, ["masked"], "1/60")
        await console.until(lambda: "next try 07:11:08" in console.line("header"))
        line.set_state(*start, "service unreachable, tried until 07:11", events, ["masked"], "1/60")
        await console.until(lambda: "tried until 07:11" in console.line("header"))
        assert console.line("header").endswith("masked")
        counts = (tasks, 0, 16, 32, 7, 9, 10)
        views = console.main.query_one(ViewsLine)
        views.set_views(VIEWS, counts, 0, "", tasks)
        await console.until(lambda: "7 due" in console.line("views") or "7due 10" in console.line("views"))
        views.set_views(VIEWS, counts, 3, VIEWS[3].filter, counts[3])
        assert VIEWS[3].filter not in views.content.plain
        assert re.search("4 ?answ 32 .*7 ?due", views.content.plain)
        if size[0] == 80:
            views.set_views(VIEWS, counts, None, "x" * 30, 5)  # no room for counts: no key may look like one
            assert "1all 2recv 3act 4answ" in views.content.plain


async def test_the_lines_of_a_long_sentence_or_question_begin_in_the_same_column(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        console.main.show_status("word " * 20)
        await console.until(lambda: len(console.line("status").splitlines()) > 1)
        assert all(line.startswith(" word") for line in console.line("status").splitlines())
        await console.go_to(NOT_KNOWN)

        async def ask() -> None:
            await console.main.prompt.ask_text("word " * 20)

        run_in_background(console.main, ask, group="question")
        await console.until(lambda: len(console.line("prompt-label").splitlines()) > 1)
        assert all(line.startswith(" word") for line in console.line("prompt-label").splitlines())
