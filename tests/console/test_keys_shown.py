"""The footer and the help, both made from the registry of actions."""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content
from textual.widget import Widget

from bwp_tui.console.bindings.actions import ACTIONS, ACTIONS_BY_NAME
from bwp_tui.console.bindings.key_names import shown_key
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.settings import Profile
from tests.console.past import HELD, READY
from tests.console.support import USUAL, Console, opened


def looks_of(console: Console, name: str) -> str:
    """The role in which the footer shows an action's key: `key` where it is possible, else `muted`."""
    footer = console.main.query_one(FooterLine)
    content = footer.render()
    entry = f"{shown_key(ACTIONS_BY_NAME[name].keys[0])} {ACTIONS_BY_NAME[name].label}  "
    at = content.plain.index(f" {entry}") + 1
    (style,) = {str(span.style) for span in content.spans if span.start == at}
    return "key" if style == str(footer.style_for("key")) else "muted"


async def test_the_footer_dims_what_is_not_possible_with_the_current_task(profile: Profile) -> None:
    async with opened(profile) as console:
        assert [looks_of(console, name) for name in ("download", "cancel", "resubmit", "new")] == [
            "key",
            "muted",
            "muted",
            "key",
        ]
        await console.go_to(HELD)
        await console.until(lambda: looks_of(console, "cancel") == "key")
        assert looks_of(console, "download") == "muted"


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


async def test_the_help_lists_every_action_with_its_keys_and_its_line(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("question_mark")
        await console.until(lambda: isinstance(console.app.screen, HelpScreen) and help_text(console))
        lines = help_text(console).splitlines()
        situation = console.main.context
        for action in ACTIONS:
            keys = " ".join(shown_key(key) for key in action.keys)
            (at,) = (n for n, line in enumerate(lines) if line.startswith(f"   {keys:<12}{action.help}"))
            why_not = action.disabled_reason(situation)
            if why_not:
                assert f"unavailable: {why_not}" in lines[at + 1]
            elif action.command:
                assert lines[at].endswith(f"bwp-tui {action.command}")
        assert any("status:failed,on_hold" in line for line in lines)


async def test_the_help_scrolls_fits_and_goes(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.press("question_mark")
        await console.until(lambda: isinstance(console.app.screen, HelpScreen) and "This task" in console.text)
        scroll = console.app.screen.query_one("#help-scroll", Widget)
        await console.press("pagedown", "j")
        await console.until(lambda: scroll.scroll_y > 0)
        await console.press("escape")
        await console.until(lambda: not isinstance(console.app.screen, HelpScreen))
