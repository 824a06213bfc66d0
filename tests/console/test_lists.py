"""What is listed: the views with their counts, and the filter that works while it is typed."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import Kind, Request
from bwp_tui.domain.views import VIEWS
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.queries import tasks
from tests.console.past_tasks import NOT_KNOWN, PAST, READY, TODAY
from tests.console.support import USUAL, Console, opened


def numbers(console: Console) -> list[int]:
    table = console.main.table
    return [int(number) for number in table.numbers]


async def lists(console: Console, expected: list[int]) -> None:
    await console.until(lambda: numbers(console) == expected)


async def test_each_view_lists_its_tasks_under_a_count_that_is_right(profile: Profile) -> None:
    async with opened(profile) as console:
        views = console.line("views")
        for key, view in enumerate(VIEWS, start=1):
            expected = list(tasks.matching_numbers(console.store, parse(view.filter), today=TODAY, sort=view.sort))
            assert f"{key} {view.name} {len(expected)}" in views
            await console.press(str(key))
            await lists(console, expected)
        await console.press("f")
        failed = list(tasks.matching_numbers(console.store, parse("is:failed"), today=TODAY))
        await console.until(lambda: numbers(console) == failed)
        await console.press("escape")
        await console.until(lambda: len(numbers(console)) == len(PAST))


async def test_a_filter_lists_what_matches_while_it_is_typed_and_stays_after_enter(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", "e", "v", "e", "at")
        await console.until(lambda: numbers(console) == [NOT_KNOWN])
        await console.press("enter")
        assert console.app.focused is console.main.table
        await console.sees("/ eve@  1")
        await console.press("escape")
        await console.until(lambda: len(numbers(console)) == len(PAST))
        await console.until(lambda: "/ eve" not in console.text)


async def test_escape_brings_back_what_was_listed_before_the_filter(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("4")
        await console.until(lambda: READY in numbers(console) and len(numbers(console)) < len(PAST))
        ready = numbers(console)
        await console.press("slash", *["backspace"] * len("is:unanswered"), "b", "o", "b")
        await console.until(lambda: numbers(console) != ready)
        await console.press("escape")
        await console.until(lambda: numbers(console) == ready)
        assert console.main.view_index == 3


MISTAKES = {
    "status:faild": ("Unknown value of status: “faild”.", "Did you mean “failed”?"),
    "stats:failed": ("Unknown field “stats”.", "Did you mean “status”?"),
    "age>soon": ("Invalid duration “soon”; use 30m, 5h, 2d or 1w.",),
}


async def test_a_mistake_in_a_filter_names_the_nearest_word_and_leaves_the_list(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        for typed, words in MISTAKES.items():
            await console.do("filter")
            await console.until(lambda: console.main.prompt.is_open)
            console.main.prompt.query_one(Input).value = typed
            await console.sees(*words)
            assert len(numbers(console)) == len(PAST)
            await console.press("enter")
            assert console.main.prompt.query_one(Input).value == typed
            assert words[0] in console.line("footer")
            await console.press("escape")
            await console.until(lambda: "q quit" in console.line("footer"))
            assert len(numbers(console)) == len(PAST)


async def test_a_list_that_is_empty_says_what_to_do(profile: Profile) -> None:
    async with opened(profile, past=()) as console:
        await console.sees("No tasks yet.", "Press n to create the first one.")
        await console.press("5")
        await console.sees("view “failed”", "Press esc")
        await console.do("filter")
        await console.press("x", "enter")
        await console.sees("No tasks match the filter.", "Press esc to clear it.")


async def test_the_place_of_the_cursor_is_shown_where_there_is_room_and_hides_no_state(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(profile, size=(60, 15)) as console:
        await console.press("j", "j")
        await console.until(lambda: f"3/{len(PAST)}  masked" in console.line("header"))
        monkeypatch.setattr(console.main.session, "engine_label", lambda _: "x" * 36)
        console.main.update_header()
        await console.until(lambda: "xxx" in console.line("header"))
        assert "masked" in console.line("header")
        assert "3/" not in console.line("header")


async def test_the_submissions_list_what_is_submitted_meanwhile_and_the_cursor_stays(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("H")
        await console.sees("No submission is recorded.")
        rows = console.app.screen.query_one(VirtualList)
        for count, name in enumerate(("ann", "bob", "cid"), start=1):
            request = Request(Kind.RETRIEVAL, f"{name}@example.com", TODAY, "gdpr")
            requests.submit(console.store, request, "op")
            await console.until(lambda: rows.row_count == count)  # noqa: B023  awaited at once
            assert f"{name[0]}•••@example.com" in rows.text_of(0)
            assert "a•••@example.com" in rows.text_of(rows.cursor_row)
