"""Commands are found by their names, descriptions and keywords as they are typed, and run by enter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from bwp_tui.cli.parser import build_parser
from bwp_tui.console.bindings.actions import ACTIONS
from bwp_tui.console.bindings.prompt_commands import CLI_LINES, COMMANDS, matching
from bwp_tui.domain.views import VIEWS, View
from bwp_tui.settings import Profile
from tests.console.past_tasks import HELD, READY
from tests.console.support import Console, opened


def typed(console: Console) -> str:
    return console.main.prompt.query_one(Input).value


def test_every_action_is_found_by_its_name_and_by_its_sentence() -> None:
    views = [*VIEWS, *(View(f"own{key}", "") for key in range(len(VIEWS), 9))]
    for action in ACTIONS:
        for text in (action.name.replace("_", " "), action.help):
            if not action.name.startswith("view_"):
                assert action.name in {command.action for command in matching(text, views)}
    for key, view in enumerate(views, start=1):
        assert f"view_{key}" in {command.action for command in matching(f"view {view.name}", views)}
    assert len(matching("", views)) == len(COMMANDS) + len(CLI_LINES) + len(views)
    assert matching("no such thing") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("can", "cancel"),
        ("mas", "mask"),
        ("sort", "sort"),
        ("dwnl", "download"),
        ("downlod", "download"),
        ("search", "filter"),
        ("identity", "verify"),
        ("owner", "assign"),
        ("csv", "export"),
        ("stats", "dashboard"),
        ("export", "export"),
        ("audit", "sent"),
        ("log", "sent"),
        ("proof", "evidence"),
        ("remind", "watch"),
        ("gdpr", "regulations"),
        ("credentials", "login"),
        ("unzip", "inspect"),
        ("note call me", "note"),
        ("shortcuts", "help"),
        ("hold", "view on hold"),
        ("view on", "view on hold"),
        ("list fai", "list"),
        ("half page", "half-page-down"),
    ],
)
def test_the_best_match_comes_first(text: str, name: str) -> None:
    assert matching(text, VIEWS)[0].name == name


def test_a_name_that_begins_with_the_word_comes_before_one_that_ends_with_it() -> None:
    assert [command.name for command in matching("down")][:3] == ["down", "download", "downloads"]


def test_commands_of_the_cli_have_its_help_and_options_that_it_takes() -> None:
    parsers = build_parser()[1]
    helps = {name: (parser.description or "").removesuffix(".") for name, parser in parsers.items()}
    for command in (*COMMANDS, *CLI_LINES.values()):
        if command.name in parsers:
            assert command.description == helps[command.name]
            taken = {option for action in parsers[command.name]._actions for option in action.option_strings}
            assert command.name == "views" or set(command.options) <= taken


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_a_command_is_searched_selected_and_run(profile: Profile, key: str) -> None:
    async with opened(profile) as console:
        await console.press(key, "m", "a", "s", "k")
        await console.sees("› m       mask           Show or mask emails")
        await console.press("enter")
        await console.sees("jane.doe@example.com")
        assert not console.main.command_list.display
        assert console.app.focused is console.main.table
        assert console.main.command_history == ("mask",)
        await console.press(key, *"active", "down", "down", "up", "up")
        await console.sees("› 3       view active")
        await console.press("enter")
        await console.until(lambda: console.main.view_index == 2)


async def test_arrows_choose_and_tab_completes_what_is_chosen(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", "down", "down")
        await console.sees("› /       list")
        await console.press("up", "up", "down", *"re", "down", "tab")
        await console.until(lambda: typed(console) == "refresh ")
        console.main.prompt.set_text("half page")
        await console.sees("› ctrl+d  half-page-down")
        await console.press("tab")
        await console.until(lambda: typed(console) == "half-page-down ")


async def test_a_command_that_asks_something_can_ask_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("ctrl+p", "c", "a", "n", "enter")
        await console.sees("Cancel the deletion ", " of b•••@example.com?")


async def test_a_command_that_needs_arguments_is_completed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", *"abandon", "enter")
        await console.until(lambda: typed(console) == "settle ")
        await console.sees("settle [TASK] --task-id ID | --give-up REASON")
        assert console.main.prompt.is_open


async def test_what_is_not_possible_says_why_before_and_after_it_is_run(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", "c", "a", "n")
        await console.sees("Cancel deletions while they are on hold")
        assert "A retrieval runs at once" in console.line("commands")
        await console.press("enter")
        await console.sees("x: A retrieval runs at once")
        assert not console.task(READY).cancel_asked


async def test_what_is_for_the_shell_is_found_and_says_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", *"recover")
        await console.sees("in the shell")
        await console.press("enter")
        await console.sees("which is open here. In the shell: bwp-tui --profile production restore FILE.")
        assert typed(console) == "recover"


async def test_the_line_for_the_shell_has_the_options_that_the_command_needs(profile: Profile) -> None:
    async with opened(profile) as console:
        for typed_line, named in (
            ("purge 8", "purge --older-than D"),
            ("purge 8 --older-than 90", "purge 8 --older-than 90"),
            ("restore", "restore FILE"),
            ("restore old.db", "restore old.db"),
        ):
            await console.press("colon", *typed_line, "enter")
            line = f"In the shell: bwp-tui --profile production {named}."
            await console.until(lambda: line in " ".join(console.line("footer").split()))  # noqa: B023  awaited at once
            await console.press("escape")


async def test_in_the_practice_no_line_for_the_shell_is_named_which_has_another_history(profile: Profile) -> None:
    async with opened(replace(profile, is_sandbox=True)) as console:
        await console.press("colon", *"purge -all", "enter")
        await console.sees("It removes personal data for good, with daily backups and downloads.")
        assert "In the shell" not in console.text


async def test_no_match_is_said_and_escape_closes(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("ctrl+p", "z", "z")
        await console.sees("No command has these words.")
        await console.press("enter")
        await console.sees("There is no command “zz”.")
        await console.press("escape")
        await console.until(lambda: not console.main.prompt.is_open)
        assert not console.main.command_list.display


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_the_list_leaves_rows_of_the_table(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        await console.press("ctrl+p")
        await console.sees("download ", "enter run")
        assert console.main.table.size.height >= 2
        assert all(len(line) <= size[0] for line in console.text.splitlines())
