"""Typing a filter: the mistake stands under its word, tab completes and mends, what was found is made out."""

from __future__ import annotations

from array import array

import pytest
from rich.style import Style
from textual.widgets import Input

from bwp_tui.settings import Profile
from tests.console.past_tasks import HELD, ORDERS_OPEN, PAST
from tests.console.support import USUAL, Console, opened


def typed(console: Console) -> str:
    return console.main.prompt.query_one(Input).value


def underlined_texts(console: Console) -> list[str]:
    """The runs of text in the table that are underlined."""
    table = console.main.table
    lines = [table.render_line(y) for y in range(1, table.size.height)]
    return [run.text for line in lines for run in line if isinstance(run.style, Style) and run.style.underline]


async def test_what_is_wrong_is_marked_under_its_word_and_enter_loses_nothing(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("slash", *"bob statsu:failed")
        await console.sees("Unknown field “statsu”. Did you mean “status”?")
        line, under = console.line("prompt"), console.line("footer")
        at = line.index("statsu")
        assert under[at : at + 7] == "^^^^^^ "
        await console.press("enter")
        assert typed(console) == "bob statsu:failed"
        await console.press("tab")
        await console.until(lambda: typed(console) == "bob status:failed")
        assert "^" not in console.line("footer")


async def test_the_sentence_stands_left_of_a_word_at_the_end_of_a_long_line(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("slash")
        console.main.prompt.set_text("kind:deletion is:failed age>2d error:ORDERS_NOT_CLOSED is:faild")
        await console.sees("Unknown value of is: “faild”. Did you mean “failed”? ^^^^^")
        await console.until(lambda: console.is_marked_in_footer("faild"))


async def test_tab_completes_fields_and_values_where_the_cursor_is_and_goes_round(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"re", "tab")
        await console.until(lambda: typed(console) == "regulation:")
        await console.press("tab")
        await console.until(lambda: typed(console) == "received<")
        await console.press("tab")
        await console.until(lambda: typed(console) == "regulation:")
        console.main.prompt.set_text("kind: tag:vip", cursor=5)
        await console.press("tab")
        await console.until(lambda: typed(console) == "kind:retrieval tag:vip")


async def test_the_tags_in_use_are_offered(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"tag:")
        await console.sees("tab phone  vip")


async def test_the_words_of_a_filter_are_made_out_in_the_table(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("m", "slash", *"vip", "enter")
        await console.until(lambda: underlined_texts(console) == ["VIP"])
        await console.press("slash", "ctrl+u", *"frank", "enter")
        await console.until(lambda: console.main.table.numbers == array("q", [ORDERS_OPEN]))
        await console.until(lambda: underlined_texts(console) == ["frank"])
        await console.press("escape")
        await console.until(lambda: console.main.table.row_count > 1 and not underlined_texts(console))


async def test_either_of_two_is_found_and_made_out_and_nothing_is_wrong_while_it_is_typed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("m", "slash")
        for key in "(frank or vip) -is:act":
            await console.press(key)
            await console.until(lambda: console.main.has_all_rows)
            assert console.main.prompt.mistake is None
        await console.press("tab", "enter")
        await console.until(lambda: console.main.list_state.filter == "(frank or vip) -is:active")
        await console.until(lambda: underlined_texts(console) == ["frank"])
        await console.press("slash", "ctrl+u", *"is:failed or ", "enter")
        await console.sees("A condition is missing after “or”.")


async def test_a_match_within_a_masked_address_is_not_made_out(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"bob", "enter")
        await console.until(lambda: console.main.table.numbers == array("q", [HELD]))
        assert underlined_texts(console) == []
        await console.press("slash", "ctrl+u", *"example.com", "enter")
        await console.until(lambda: set(underlined_texts(console)) == {"example.com"})


@pytest.mark.parametrize("unfinished", ["age>2x", "is:", "status:faild", "statsu:", "stat"])
async def test_a_word_that_is_unfinished_or_wrong_is_left_out_of_what_is_listed(
    profile: Profile, unfinished: str
) -> None:
    async with opened(profile) as console:
        await console.press("slash", *"kind:deletion ")
        await console.until(lambda: console.main.has_all_rows and 0 < console.main.table.row_count < len(PAST))
        before = list(console.main.table.numbers)
        await console.press(*unfinished)
        await console.until(lambda: typed(console).endswith(unfinished) and console.main.has_all_rows)
        assert console.main.list_state.filter == "kind:deletion"
        assert list(console.main.table.numbers) == before


async def test_the_marks_stay_under_the_word_in_a_line_that_scrolls(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("slash")
        await console.press(*"statsu:failed ", *["n", "o"] * 30, *["home"])
        await console.until(lambda: "statsu" in console.line("prompt") and "^" in console.line("footer"))
        at = console.line("prompt").index("statsu")
        await console.until(lambda: console.line("footer").index("^") == at)
        await console.press("end")
        await console.until(lambda: "statsu" not in console.line("prompt"))
        console.main.prompt.set_text("note:later " * 8 + "statsu:failed tag:vip")
        await console.until(lambda: "statsu" in console.line("prompt"))
        await console.until(lambda: console.line("footer").find("^") == console.line("prompt").index("statsu"))


async def test_a_long_filter_leaves_its_count_and_the_way_back_in_sight(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("slash")
        console.main.prompt.set_text("-note:" + "x" * 200)
        await console.press("enter")
        await console.sees("esc all tasks")
        assert f"…  {len(PAST)} " in console.line("views")


async def test_the_end_of_a_filter_keeps_the_chosen_order_and_a_word_for_a_state_is_explained(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("s", "d")
        await console.until(lambda: console.main.list_state.sort == "due")
        await console.press("slash", *"failed", "enter")
        await console.sees("No tasks match the filter.", "is:failed is the filter")
        await console.press("escape")
        await console.until(lambda: console.main.list_state.filter == "")
        assert console.main.list_state.sort == "due"
