"""The footer and the help, both made from the registry of actions."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from textual.content import Content
from textual.widget import Widget

from bwp_tui.console.bindings.actions import ACTIONS
from bwp_tui.console.bindings.key_names import key_text
from bwp_tui.console.presentation.glyphs import UNICODE
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.domain.task import Kind, Request, Verification
from bwp_tui.settings import Profile
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.worklog import intent_outcomes, intents, poll_responses
from tests.console.past_tasks import HELD, NOT_KNOWN, ORDERS_OPEN, READY, TODAY
from tests.console.support import USUAL, Console, opened
from tests.store import single


def footer_keys(console: Console) -> list[str]:
    """The keys of the footer, in their order."""
    footer = console.main.query_one(FooterLine)
    content = footer.render()
    return [content.plain[span.start : span.end] for span in content.spans if span.style == footer.style_for("key")]


def has_footer(console: Console, *keys: str) -> bool:
    return footer_keys(console)[: len(keys)] == list(keys)


async def test_the_footer_begins_with_the_next_steps_of_the_current_task(profile: Profile) -> None:
    async with opened(profile) as console:
        store = console.store
        requests.submit(store, Request(Kind.RETRIEVAL, "sent@example.com", TODAY, "gdpr"), "op")
        [intent] = intents.ready(store, store.clock(), 5)
        assert intent_outcomes.record_sending(store, intent.id)
        intent_outcomes.record_unconfirmed(store, intent.id)
        received = Request(Kind.RETRIEVAL, "later@example.com", TODAY, "gdpr", awaits_verification=True)
        new = requests.submit(store, received, "op").number
        verified = requests.submit(store, received._replace(email="last@example.com"), "op").number
        single.verify(store, verified, Verification(TODAY, "op", "order 17"), "op")
        closed = requests.track(store, Kind.RETRIEVAL, "task-closed", received, "op").number
        poll_responses.record_unknown(store, closed, "no such task", store.clock())
        decisions.give_up(store, closed, "no such task", "op")
        single.inquire(store, closed, TODAY, "op")
        single.answer(store, closed, "by phone", TODAY, "op")
        console.main.session.feed.refresh()
        await console.until(lambda: closed in console.main.table.numbers)
        steps = {
            READY: ["d", "r"],
            HELD: ["x"],
            ORDERS_OPEN: ["R", "r"],
            NOT_KNOWN: ["r"],  # resubmitted with the same email it would fail again
            intent.task_number: ["i", "X"],
            new: ["c"],
            verified: ["S"],
            closed: [],
        }
        for number, keys in steps.items():
            await console.go_to(number)
            await console.until(partial(has_footer, console, *keys, "n"))


async def test_with_marks_the_footer_has_what_can_be_done_to_them(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("space")
        await console.go_to(READY)
        await console.press("space")
        await console.sees("2 marked", "d download  x cancel  r answer", "esc unmark  : command  ? help  q quit")
        assert "filter" not in console.line("footer")
        await console.press("escape")
        await console.until(lambda: "unmark" not in console.line("footer"))


async def test_on_a_small_terminal_the_next_steps_of_the_marked_tasks_come_first(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        await console.go_to(ORDERS_OPEN)
        await console.press("space")
        await console.until(lambda: has_footer(console, "R", "r", "esc"))


async def test_a_key_that_is_not_possible_says_why(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("x")
        assert "x: A retrieval runs at once and cannot be cancelled" in console.line("status")
        await console.press("R")
        assert f"R: Only a task that ended without a result can be resubmitted; {console.task(READY).name}" in (
            console.line("status")
        )
    async with opened(replace(profile, folder=profile.folder.with_name("empty")), past=()) as console:
        await console.press("d")
        assert "d: No task is selected." in console.line("status")


async def test_the_footer_keeps_help_and_quit_and_its_line_at_any_width(profile: Profile) -> None:
    async with opened(profile) as console:
        for width in (120, 80, 60, 100):
            await console.pilot.resize_terminal(width, 24)
            await console.until(lambda: console.main.size.width == console.app.size.width)
            await console.pilot.pause()
            assert "? help  q quit" in console.line("footer")
            assert len(console.line("footer")) <= width
            assert "…" not in console.line("footer")


async def test_the_footer_tells_the_keys_of_what_is_open(profile: Profile) -> None:
    async with opened(profile) as console:
        for action, words in {
            "new": "esc close, keep draft",
            "command": "enter run",
            "note": "enter OK",
            "filter": "enter keep",
        }.items():
            await console.do(action)
            await console.sees(words)
            await console.press("escape")
            await console.until(lambda: "q quit" in console.line("footer"))


def help_text(console: Console) -> str:
    content = console.app.screen.query_one("#help-text", Paragraphs).render()
    assert isinstance(content, Content)
    return content.plain


def shows_help(console: Console) -> bool:
    """Whether the help is in front and laid out: without a width each of its letters would have a line."""
    screen = console.app.screen
    return isinstance(screen, HelpScreen) and any(page.size.width for page in screen.query(Paragraphs))


async def test_the_help_lists_every_action_with_its_keys_its_name_and_its_line(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("question_mark")
        await console.until(lambda: shows_help(console))
        words, situation = " ".join(help_text(console).split()), console.main.context
        for action in ACTIONS:
            keys = " ".join(key_text(key) for key in action.keys)
            line = f" · bwp-tui {action.cli_usage}" if action.cli_usage else ""
            assert f" {keys} {action.help} {action.name}{line}" in words
            assert f"unavailable: {action.disabled_reason(situation) or ''}" in words
        assert all(sign in words for sign in ("in 6d!", UNICODE.fetch, UNICODE.paused, UNICODE.watched))
        assert "status:failed,on_hold -note:later any of several" in words


async def test_the_help_says_of_marked_tasks_what_the_keys_would_do(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.go_to(HELD)
        assert console.main.disabled_reason("download") is not None
        await console.go_to(READY)
        await console.press("space")
        await console.go_to(HELD)
        await console.press("question_mark")
        await console.until(lambda: shows_help(console))
        shown = " ".join(help_text(console).split())
        assert "bwp-tui inspect TASK unavailable: " in shown
        assert "bwp-tui download TASK " in shown
        assert "bwp-tui download TASK unavailable: " not in shown


async def test_the_help_has_as_many_columns_as_fit_and_keeps_its_groups_in_order(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        await console.press("question_mark")
        await console.until(lambda: shows_help(console))
        for width, columns in {60: 1, 80: 1, 120: 2, 200: 3}.items():
            await console.pilot.resize_terminal(width, 40)
            await console.until(partial(has_columns, console, width, columns))
            lines = help_text(console).splitlines()
            groups = [lines.index(group) for group in ("Requests", "Marking", "Views", "Moving", "Program")]
            assert groups == sorted(groups)
            assert max(map(len, lines)) <= width - 4


def has_columns(console: Console, width: int, columns: int) -> bool:
    """Whether the screen is so wide, and so many actions begin on one line of the help."""
    keys = "|".join(re.escape(" ".join(map(key_text, action.keys))) for action in ACTIONS)
    entry = re.compile(rf"(?:^| )  (?:{keys}) {{2,}}\S")
    most = max(len(entry.findall(line)) for line in help_text(console).splitlines())
    return console.app.screen.size.width == width and most == columns


async def test_the_help_scrolls_fits_and_goes(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("question_mark")
        await console.until(lambda: isinstance(console.app.screen, HelpScreen) and "This task" in console.text)
        scroll = console.app.screen.query_one("#help-scroll", Widget)
        await console.press("pagedown", "j")
        await console.until(lambda: scroll.scroll_y > 0)
        await console.press("escape")
        await console.until(lambda: not isinstance(console.app.screen, HelpScreen))
