"""The mouse: rows, views, pages, keys of the footer, commands; and what a click never does."""

from __future__ import annotations

from typing import Final

import pytest
from textual.content import Content
from textual.widgets import Input

from bwp_tui.console.bindings.screen_actions import PAGE_NAMES
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.console.terminal.textual_compat import lay_out
from bwp_tui.console.widgets import bars
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.styled_line import key_at
from bwp_tui.domain.statuses import Status
from bwp_tui.settings import Profile
from tests.console.past_tasks import HELD, ORDERS_OPEN
from tests.console.support import Console, opened

FOOTER: Final = Content.assemble((" ", "plain"), ("n", "key"), (" new  ", "plain"), ("[ ]", "key"), (" task", "plain"))


async def click(console: Console, id: str, text: str, *, times: int = 1) -> None:
    """Click the first cell of a text in a widget of the screen in front."""
    await console.until(lambda: text in console.line(id))
    lay_out(console.app.screen)  # what is clicked must not move meanwhile
    lines = console.line(id).splitlines()
    row = next(row for row, line in enumerate(lines) if text in line)
    widget = console.app.screen.query_one(f"#{id}")
    await console.pilot.click(widget, offset=(lines[row].index(text), row), times=times)


@pytest.mark.parametrize(
    ("x", "key"),
    [
        *((0, None), (1, "n"), (3, "n"), (7, None), (8, "left_square_bracket"), (10, "right_square_bracket")),
        *((12, "left_square_bracket"), (16, None), (40, None)),
    ],
)
def test_a_cell_belongs_to_the_key_before_it(x: int, key: str | None) -> None:
    assert key_at(FOOTER, x, 0) == key


def test_a_dim_key_and_what_it_does_is_no_key() -> None:
    line = Content.assemble(("n", "key"), (" new  ", "plain"), ("d", "muted"), (" download", "muted"))
    assert key_at(line, 9, 0) is None


def test_a_cell_of_a_second_line_belongs_to_a_key_of_that_line() -> None:
    lines = Content.assemble(("n", "key"), (" newest", "plain"), ("\n ", "plain"), ("d", "key"), (" due", "plain"))
    assert [key_at(lines, 3, 0), key_at(lines, 0, 1), key_at(lines, 3, 1)] == ["n", None, "d"]


async def test_a_view_is_opened_by_a_click(profile: Profile) -> None:
    async with opened(profile) as console:
        await click(console, "views", "failed")
        await console.until(lambda: console.main.list_state.filter == "is:failed")


async def test_a_click_on_a_heading_sorts_and_the_next_one_reverses(profile: Profile) -> None:
    async with opened(profile) as console:
        for order in ("subject", "-subject"):
            await click(console, "table", "EMAIL")
            await console.until(lambda: console.main.list_state.sort == order)  # noqa: B023  awaited at once
        await console.press("e")
        await console.until(lambda: console.main.prompt.is_open)
        await click(console, "table", "STATUS")
        assert console.main.list_state.sort == "-subject"


async def test_a_page_of_a_task_is_opened_by_a_click(profile: Profile) -> None:
    async with opened(profile) as console:
        await click(console, "footer", "detail")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        page = console.app.screen
        assert isinstance(page, TaskScreen)
        await console.sees("timeline")
        await click(console, "task-tabs", "timeline")
        await console.until(lambda: PAGE_NAMES[page._page] == "timeline")
        await click(console, "footer", "back")
        await console.until(lambda: console.app.screen is console.main)


async def test_a_choice_of_the_prompt_is_made_by_a_click(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("s")
        await console.until(lambda: console.main.prompt.is_open)
        await click(console, "prompt-hint", "due")
        await console.until(lambda: console.main.list_state.sort == "due")


async def test_a_command_of_the_list_is_run_by_a_click(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("colon", *"dash")
        field = console.main.prompt.query_one(Input)
        await console.until(lambda: field.value == "dash" and console.line("commands").count("Show totals") == 1)
        await click(console, "commands", "Show totals")
        await console.until(lambda: console.app.screen is not console.main)


async def test_no_click_confirms_that_a_deletion_is_cancelled(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("x")
        await console.sees("[y/N]")
        await click(console, "footer", "yes")
        await click(console, "footer", "y yes", times=2)
        assert console.main.prompt.is_open
        await click(console, "footer", "no")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.task(HELD).status == Status.ON_HOLD
        assert not console.task(HELD).cancel_asked


async def test_a_click_beside_a_question_leaves_the_cursor_on_what_it_is_about(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("x")
        await console.sees("[y/N]")
        await click(console, "table", "IN_PROGRESS")
        await console.press("n")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.main.table.current_number == HELD


async def test_no_click_submits_a_deletion(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("n")
        await console.fill(kind="deletion", email="ann@example.com", hold="0", email_again="ann@example.com")
        await click(console, "footer", "submit")
        await console.sees("A click does not submit a deletion")
        assert console.main.form.display
        await console.press("escape")
        await console.go_to(ORDERS_OPEN)
        await console.press("R")
        await console.until(lambda: console.main.prompt.is_open)
        await console.press(*console.task(ORDERS_OPEN).email)
        await click(console, "footer", "OK")
        await console.press("end")
        assert console.main.prompt.is_open
        await click(console, "footer", "back")
        await console.until(lambda: not console.main.prompt.is_open)
        assert console.task(ORDERS_OPEN).resubmitted_as is None


@pytest.fixture
def slow_second_click(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine: the second click comes late, and counts as one."""
    monkeypatch.setattr(bars, "SECOND_CLICK_S", 3_600.0)


@pytest.mark.usefixtures("slow_second_click")
async def test_the_second_click_of_two_presses_no_key_that_came_there_meanwhile(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("n")
        await console.fill(kind="retrieval", email="ann@example.com")
        footer = console.app.screen.query_one(FooterLine)
        at = console.line("footer").index("submit")
        assert footer.clicked_key(at, 0) == "enter"
        await console.submit_form()
        await console.until(lambda: "submit" not in console.line("footer"))
        key = key_at(footer.content, at, 0)
        assert key is not None
        assert footer.clicked_key(at, 0) is None
        assert footer.clicked_key(at, 0) == key


@pytest.mark.usefixtures("slow_second_click")
async def test_the_second_click_presses_no_key_of_a_screen_that_the_first_one_opened(profile: Profile) -> None:
    async with opened(profile) as console:
        first = console.line("footer").index("detail")
        await click(console, "footer", "detail")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen) and console.line("footer").strip())
        footer = console.app.screen.query_one(FooterLine)
        at = next(x for x in range(first, first + 3) if key_at(footer.content, x, 0) is not None)
        assert footer.clicked_key(at, 0) is None
        assert footer.clicked_key(at, 0) is not None


async def test_a_click_beside_an_open_form_or_prompt_types_nothing_into_it(profile: Profile) -> None:
    async with opened(profile) as console:
        for key in ("n", "e"):
            await console.press(key)
            await console.until(lambda: isinstance(console.app.focused, Input))
            field = console.app.focused
            assert isinstance(field, Input)
            before = field.value
            await click(console, "views", "all")
            await click(console, "header", "bwp-tui")
            if key == "e":
                await click(console, "prompt-label", " ")
            await console.press("z")
            await console.until(lambda: console.app.focused is field and field.value == f"{before}z")  # noqa: B023  awaited at once
            await console.press("escape")
            await console.until(lambda: console.app.focused is console.main.table)
