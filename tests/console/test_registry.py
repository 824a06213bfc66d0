"""The registry of actions: every key leads somewhere, and what the palette promises of the command line is so."""

from __future__ import annotations

import shlex
from collections import Counter

import pytest

from bwp_tui.cli.parser import parse
from bwp_tui.console.actions import ACTIONS, Action
from bwp_tui.console.screens.main import MainScreen
from bwp_tui.settings import Profile
from tests.console.support import opened

# tab, enter, backspace by another name; prefixes of screen and tmux; stop and suspend
FORBIDDEN = {f"ctrl+{letter}" for letter in "abhijmsz"}
PLACES = {
    "TASK": "17",
    "FILTER": "'status:failed'",
    "KIND": "retrieval",
    "EMAIL": "jane@example.com",
    "ID": "3556a10a-0001",
    "TEXT": "words",
    "WHO": "anna",
    "+NEW": "+vip",
    "-OLD": "-old",
}


def test_names_and_keys_are_unique() -> None:
    names = Counter(action.name for action in ACTIONS)
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [name for name, count in names.items() if count > 1] == []
    assert [key for key, count in keys.items() if count > 1] == []


def test_no_key_is_one_that_terminals_take_for_themselves() -> None:
    assert FORBIDDEN.isdisjoint(key for action in ACTIONS for key in action.keys)


def test_every_action_is_a_binding_with_its_name_as_id() -> None:
    bound = {binding.id: binding.key for binding in MainScreen.BINDINGS}  # type: ignore[union-attr]  # all are Binding
    assert bound == {action.name: ",".join(action.keys) for action in ACTIONS}


async def test_every_action_does_something(profile: Profile) -> None:
    async with opened(profile) as console:
        doing = console.main.doing
        for action in ACTIONS:
            beyond = action.name.startswith("view_") and action.why_not(console.main.situation)
            if action.name != "quit" and not beyond:
                doing.do(action.name)
                await console.pilot.pause()
                console.main.prompt.close()
                while len(console.app.screen_stack) > 2:
                    console.app.pop_screen()
        await console.app.workers.wait_for_complete()
        doing.do("quit")
        await console.until(lambda: not console.app.is_running)


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.command], ids=lambda action: action.name)
def test_the_line_beside_an_action_is_one_that_the_command_line_takes(action: Action) -> None:
    assert action.command is not None
    line = " ".join(PLACES.get(word, word) for word in action.command.split(" "))
    lexer = shlex.shlex(line, posix=True, punctuation_chars="<>|&;")
    lexer.whitespace_split = True
    words = list(lexer)
    assert not set(words) & {"<", ">", "|", "&", ";"}
    assert parse(words).command[0]
