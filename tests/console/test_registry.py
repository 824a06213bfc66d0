"""The registry of actions: every key leads somewhere, and what the palette promises of the command line is so."""

from __future__ import annotations

import ast
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.cli.parser import parse
from bwp_tui.console.bindings.actions import ACTIONS, Action
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
    "NAME": "light",
    "DATE": "2026-01-02",
}
OF_THE_SCREEN = {
    "undo": "it takes back what this session did; a line of one's own does the contrary",
    "columns": "a printed list has its own, and --json has all",
    "copy": "the clipboard; show prints the task id",
    "mark": "every line takes several tasks",
    "mark_range": "every line takes several tasks",
    "mark_all": "every line takes --filter",
    "freeze": "a printed list does not move",
    "back": "there is nothing open to close",
    "down": "the cursor",
    "up": "the cursor",
    "half_page_down": "the cursor",
    "half_page_up": "the cursor",
    "page_down": "the cursor",
    "page_up": "the cursor",
    "first": "the cursor",
    "last": "the cursor",
    "detail_down": "the pane",
    "detail_up": "the pane",
    "command": "the command line itself",
    "palette": "the command line itself",
    "help": "--help, of the program and of each command",
    "quit": "a command ends by itself",
}
"""The actions that need no line of their own, and why."""


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
        doing = console.main.dispatcher
        for action in ACTIONS:
            beyond = action.name.startswith("view_") and action.disabled_reason(console.main.context)
            if action.name != "quit" and not beyond:
                doing.dispatch(action.name)
                await console.pilot.pause()
                console.main.prompt.close()
                while len(console.app.screen_stack) > 2:
                    console.app.pop_screen()
        await console.app.workers.wait_for_complete()
        doing.dispatch("quit")
        await console.until(lambda: not console.app.is_running)


def test_every_action_has_a_line_unless_it_is_about_the_screen_alone() -> None:
    assert {action.name for action in ACTIONS if action.command is None} == set(OF_THE_SCREEN)


def test_every_action_is_pressed_by_a_test() -> None:
    pressed = {word for file in Path(__file__).parent.glob("test_*.py") for word in _pressed(file)}
    assert [action.name for action in ACTIONS if not pressed & {action.name, *action.keys}] == []


def _pressed(file: Path) -> Iterator[object]:
    """Yield the keys given to `press` and the names given to `dispatch`, without the letters of typed texts."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("press", "dispatch")
        ):
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.command], ids=lambda action: action.name)
def test_the_line_beside_an_action_is_one_that_the_command_line_takes(action: Action) -> None:
    assert action.command is not None
    line = " ".join(PLACES.get(word, word) for word in action.command.split(" "))
    lexer = shlex.shlex(line, posix=True, punctuation_chars="<>|&;")
    lexer.whitespace_split = True
    words = list(lexer)
    assert not set(words) & {"<", ">", "|", "&", ";"}
    assert parse(words).command[0]
