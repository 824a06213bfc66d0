"""Find a text in pages, entries and lists."""

from __future__ import annotations

import re

import pytest
from textual.containers import VerticalScroll
from textual.content import Content

from bwp_tui.console.screens import intent_log
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.screens.intent_log import IntentLogScreen
from bwp_tui.console.screens.letter import LetterScreen
from bwp_tui.console.screens.task import TaskScreen
from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from tests.console.downloads_screen import at_downloads, screen_of
from tests.console.past_tasks import HELD, NOT_KNOWN, READY
from tests.console.support import USUAL, Console, opened
from tests.console.test_archive_screen import look_inside, save, shown
from tests.store import single


def underlined(console: Console) -> list[str]:
    """The texts of the page that are shown as matches, the current one in brackets."""
    paragraphs = console.app.screen.query_one(Paragraphs)
    content = paragraphs.render()
    assert isinstance(content, Content)
    here, other = paragraphs.style_for("found-here"), paragraphs.style_for("found")
    found = [span for span in content.spans if span.style in (here, other)]
    texts = [(content.plain[span.start : span.end], span.style) for span in found]
    return [f"[{text}]" if style == here else text for text, style in texts]


def is_asking(console: Console) -> bool:
    screen = console.app.screen
    return isinstance(screen, ActionScreen) and screen.is_asking


async def find(console: Console, text: str) -> None:
    await console.press("slash", *text)
    await console.press("enter")
    await console.until(lambda: not is_asking(console))


async def test_a_page_of_a_task_is_searched_up_and_down_and_round(profile: Profile) -> None:
    async with opened(profile, size=(80, 16)) as console:
        for count in range(30):
            single.add_note(console.store, HELD, f"the parcel {count} came back", "op")
        await console.go_to(HELD)
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        await console.press("3")
        scroll = console.app.screen.query_one(VerticalScroll)
        await find(console, "PARCEL 7 ")
        await console.until(lambda: underlined(console) == ["[parcel 7 ]"])
        await console.press("g")
        await find(console, "parcel 1")
        await console.sees("n N 1/11", "esc end search")
        for key, at in (("", 0), ("n", 1), ("n", 2), ("N", 1), ("N", 0), ("N", 10)):
            await console.press(*key)
            await console.until(lambda: underlined(console)[at : at + 1] == ["[parcel 1]"])  # noqa: B023  awaited at once
        assert scroll.scroll_y > 0
        await console.press("n")
        await console.sees("n N 1/11")
        single.add_note(console.store, HELD, "parcel 1 is the newest", "op")
        await console.sees("/12")
        await console.press("escape")
        await console.until(lambda: underlined(console) == [])
        assert isinstance(console.app.screen, TaskScreen)
        await console.press("n")
        await console.sees("Nothing is searched for: press /.")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


async def test_a_search_that_is_given_up_leaves_the_page_as_it_was(profile: Profile) -> None:
    async with opened(profile, size=(80, 20)) as console:
        await console.press("question_mark")
        await console.until(lambda: isinstance(console.app.screen, HelpScreen))
        await console.press("slash", *"clipboard of nobody")
        await console.sees("no match")
        await console.press("escape")
        await console.until(lambda: not is_asking(console))
        assert underlined(console) == []
        await find(console, "resubmit a failed")
        await console.until(lambda: underlined(console) == ["[Resubmit a failed]"])
        await console.sees("Resubmit a failed")


async def test_a_letter_is_searched(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("L")
        await console.until(lambda: isinstance(console.app.screen, LetterScreen))
        await console.sees("Kind regards")
        await find(console, "kind r")
        await console.until(lambda: underlined(console) == ["[Kind r]"])


MEMBERS = {
    "orders.json": b'{"orders": [{"id": 1, "to": {"name": "Jane", "towns": ["Ulm"]}}, {"id": 2}], "town": "Bonn"}',
    "wide.csv": b"id,a,b,c,town\n" + b"".join(b"%d,%s,%s,%s,Ulm %d\n" % (n, *(b"x" * 39,) * 3, n) for n in range(60)),
    "notes.txt": b"one\ntwo\nthree about Ulm\n",
}


async def test_what_is_folded_in_json_is_found_and_folded_again(profile: Profile) -> None:
    async with opened(profile) as console:
        save(console, profile, MEMBERS)
        await look_inside(console, "orders.json")
        await console.press("enter")
        await console.sees("town", "orders")
        assert "name" not in shown(console)
        await find(console, "ulm")
        await console.sees('"Ulm"', "n N 1/1", "name")
        await console.press("escape")
        await console.until(lambda: "name" not in shown(console))
        assert isinstance(console.app.screen, ArchiveScreen)


async def test_a_column_that_is_not_in_sight_is_found(profile: Profile) -> None:
    async with opened(profile, size=(80, 24)) as console:
        save(console, profile, MEMBERS)
        await look_inside(console, "wide.csv")
        await console.press("j", "enter")
        await console.sees("xxx")
        assert "Ulm" not in shown(console)
        await find(console, "ulm 5")
        await console.sees("Ulm 5", "n N 1/11")
        await console.press("n")
        await console.sees("Ulm 50", "n N 2/11")
        await console.press("k", "k", "n")  # from where the cursor is
        await console.sees("n N 2/11")


async def test_the_entries_are_filtered_by_name(profile: Profile) -> None:
    async with opened(profile) as console:
        save(console, profile, MEMBERS)
        await look_inside(console, "orders.json", "wide.csv")
        await console.press("slash", *"note")
        await console.until(lambda: "wide.csv" not in shown(console))
        await console.press("enter")
        await console.sees("/ note: 1")
        await console.press("enter")
        await console.sees("three about Ulm")
        await find(console, "about")
        await console.sees("n N 1/1")
        await console.press("escape", "escape", "escape")
        await console.until(lambda: "wide.csv" in shown(console))
        assert isinstance(console.app.screen, ArchiveScreen)


async def test_the_request_log_is_filtered(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intent_log, "_CHUNK", 1)  # what the filter finds was not among the rows read before
    async with opened(profile) as console:
        requests.cancel(console.store, HELD, "op")
        requests.resubmit(console.store, NOT_KNOWN, "op")
        await console.press("H")
        await console.until(lambda: isinstance(console.app.screen, IntentLogScreen))
        await console.sees("submit")
        rows = console.app.screen.query_one(VirtualList)
        before = rows.row_count
        await console.press("slash", *"bob cancel")
        await console.sees("/ bob cancel: 1")
        assert rows.row_count == 1
        await console.sees("cancel deletion")
        await console.press("escape")
        await console.until(lambda: rows.row_count == before)


async def test_the_downloads_are_filtered_and_what_is_hidden_is_unmarked(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        screen = screen_of(console)
        await console.until(lambda: len(screen.listed) > 1)
        before = len(screen.listed)
        number = screen.listed[-1][1].number
        await console.press("asterisk")
        await console.press("slash", *f"#{number}")
        await console.until(lambda: {task.number for _, task in screen.listed} == {number})
        assert screen.marks <= {download.id for download, _ in screen.listed}
        await console.press(*"nobody")
        await console.sees("No download has these words.")
        assert screen.disabled_reason("pause") == "No download is selected."
        assert "3 running · 3 waiting · 1 paused" in console.line("downloads-heading")
        await console.press("escape")
        await console.until(lambda: len(screen.listed) == before)


@pytest.mark.parametrize("number", [NOT_KNOWN, READY])
async def test_a_page_keeps_its_search_on_the_next_page(profile: Profile, number: int) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.go_to(number)
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        await console.press("3")
        await find(console, "recorded")
        await console.press("1")
        await console.sees("no match")
        await console.press("3")
        await console.until(lambda: "[recorded]" in underlined(console))


@pytest.mark.parametrize("size", [(60, 15), USUAL])
async def test_lines_wrap_under_their_text_and_each_match_is_where_the_page_has_it(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile, size=size) as console:
        path = "/".join(f"folder{n}" for n in range(20))
        single.add_note(console.store, HELD, "every word of this note is looked for, the last too " + path, "op")
        await console.go_to(HELD)
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, TaskScreen))
        await console.press("3")
        await console.sees("every word", "folder19")
        paragraphs = console.app.screen.query_one(Paragraphs)
        content = paragraphs.render()
        assert isinstance(content, Content)
        shown = content.plain.splitlines()
        stamp = len("2026-11-20 09:30:00  ")
        assert all(line[:stamp].isspace() != line.startswith("2026-") and line[stamp] != " " for line in shown)
        assert any(line[:stamp].isspace() for line in shown)
        for number, line in enumerate(paragraphs.lines):
            for word in re.finditer(r"\w+", line):
                assert word.group() in shown[paragraphs.y_of(number, word.start())]
