"""The registry of actions: every key leads somewhere, and the CLI takes the line that stands beside an action."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import shlex
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.dom import DOMNode

import bwp_tui.console
from bwp_tui.actions.operation import TaskOperation
from bwp_tui.actions.record_operations import RECORD_OPERATIONS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS
from bwp_tui.cli.main import command_of
from bwp_tui.cli.parser import build_parser, parse
from bwp_tui.console.bindings.actions import ACTIONS, ACTIONS_BY_NAME, Action, ActionContext, Scope
from bwp_tui.console.bindings.prompt_commands import COMMANDS_BY_NAME
from bwp_tui.console.bindings.screen_actions import NAMES, REGISTRY, actions_of
from bwp_tui.domain.advice import KNOWN_CODES, advice_for
from bwp_tui.domain.statuses import FINAL_STATUSES, WITHHELD_STATUSES, Status
from bwp_tui.domain.task import Kind, Request, Verification
from bwp_tui.settings import Profile
from bwp_tui.store.commands import decisions, requests
from bwp_tui.store.worklog import intent_outcomes, intents
from tests.console.past_tasks import HELD, NOW, TODAY
from tests.console.support import opened
from tests.plain_task import plain_task
from tests.store import single

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
    "REASON": "fraud",
}
OF_THE_SCREEN = {
    "undo": "it takes back what this session did; a line of one's own does the contrary",
    "columns": "a printed list has its own, and --json has all",
    "copy": "the clipboard; show prints the task id",
    "mark": "every line takes several tasks",
    "mark_range": "every line takes several tasks",
    "mark_all": "every line takes --filter",
    "mark_others": "every line takes --filter",
    "scroll_left": "a printed list has the columns that fit",
    "scroll_right": "a printed list has the columns that fit",
    "freeze": "a printed list does not move",
    "zoom_details": "show prints a task alone",
    "hide_details": "list prints no details",
    "messages": "each command prints its own",
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
    "help": "--help, of the program and of each command",
    "quit": "a command ends by itself",
}
"""The actions that need no line of their own, and why."""

DOING = [action for action in ACTIONS if action.name != "quit" and not action.help.startswith("Saved view")]

PREPARED = {"view_1": ("view_2",), "back": ("view_2",), "detail_up": ("detail_down",), "undo": ("mark",)}
"""What is done first, for the actions that undo or leave something."""


@pytest.mark.parametrize("scope", Scope)
def test_names_and_keys_of_a_screen_are_unique(scope: Scope) -> None:
    actions = actions_of(REGISTRY, scope)
    keys = Counter(key for action in {*actions, *actions_of(REGISTRY, Scope.APP)} for key in action.keys)
    assert len({action.name for action in actions}) == len(actions)
    assert [key for key, count in keys.items() if count > 1] == []


OF_A_SHELL = {"--help", "--profile", "--json", "--mask", "--filter", "--yes", "--timeout", "--output"}
"""Options on what a shell selects, waits for and prints."""


def test_an_action_has_the_same_keys_on_all_screens() -> None:
    assert len({(action.name, action.keys) for action in REGISTRY}) == len(NAMES)


def test_leaving_a_screen_is_told_as_going_back_from_it() -> None:
    """Archives, letters and helps are opened from other screens too, and lead back to those."""
    helps = {name: {action.help for action in REGISTRY if action.name == name} for name in ("leave", "back")}
    assert helps["leave"] <= helps["back"]


def test_no_key_is_one_that_terminals_take_for_themselves() -> None:
    assert FORBIDDEN.isdisjoint(key for action in REGISTRY if action.scope is not Scope.APP for key in action.keys)


def test_every_binding_of_the_console_is_an_action_of_its_screen() -> None:
    for module in pkgutil.walk_packages(bwp_tui.console.__path__, "bwp_tui.console."):
        importlib.import_module(module.name)
    bound = {
        getattr(owner, "scope", Scope.APP): [
            (binding.id, binding.key) for binding in owner.__dict__["BINDINGS"] if isinstance(binding, Binding)
        ]
        for owner in _subclasses(DOMNode)
        if owner.__module__.startswith("bwp_tui.") and owner.__dict__.get("BINDINGS")
    }
    assert bound == {
        scope: [(action.name, ",".join(action.keys)) for action in actions_of(REGISTRY, scope)] for scope in Scope
    }


def _subclasses(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


@pytest.mark.parametrize("action", DOING, ids=lambda action: action.name)
async def test_every_action_changes_what_is_shown_or_recorded(profile: Profile, action: Action) -> None:
    async with opened(profile, size=(120, 30)) as console:
        main = console.main
        single.acknowledge(console.store, HELD, TODAY, "op")  # so that there is something to withdraw
        single.inquire(console.store, HELD, TODAY, "op")  # and to reply to
        single.add_note(console.store, HELD, "a long note " * 100, "op")  # and something to scroll
        requests.submit(console.store, Request(Kind.RETRIEVAL, "new@example.com", TODAY, "gdpr"), "op")
        [intent] = intents.ready(console.store, console.store.clock(), 5)
        assert intent_outcomes.record_sending(console.store, intent.id)
        intent_outcomes.record_unconfirmed(console.store, intent.id)
        received = Request(Kind.RETRIEVAL, "later@example.com", TODAY, "gdpr", awaits_verification=True)
        last = requests.submit(console.store, received, "op").number
        single.verify(console.store, last, Verification(TODAY, "op", "order 17"), "op")  # so that it can be sent
        law = Request(Kind.RETRIEVAL, "declined@example.com", TODAY, "us-co", awaits_verification=True)
        last = requests.submit(console.store, law, "op").number  # so that there is something to appeal against
        single.edit(console.store, last, lambda edit: decisions.decline(edit, "fraud", "not ours"), "op", TODAY)
        console.store.require_shop(None, deletions_need_approval=True)
        last = requests.submit(console.store, Request(Kind.DELETION, "erase@example.com", TODAY, "gdpr"), "ann").number
        main.session.feed.refresh()
        await console.until(lambda: last in main.table.numbers)
        for number in (HELD, *range(1, last + 1)):
            await console.go_to(number)
            if action.disabled_reason(main.context) is None:
                break
        else:
            assert action.name in ("archive", "earlier")
            pytest.skip("possible on no task of this history; its screen has tests")
        if action.name in ("detail_down", "detail_up"):
            await console.until(lambda: main.detail_pane.query_one(VerticalScroll).max_scroll_y > 0)
        for name in PREPARED.get(action.name, ()):
            await console.do(name)
        main.show_status("")
        await console.pilot.pause()

        def state() -> tuple[object, ...]:
            return len(console.app.screen_stack), main.prompt.is_open, console.store.revision(), console.text

        before = state()
        main.call_later(main.dispatch, action.name)
        await console.until(lambda: state() != before)


async def test_quit_ends_the_console(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.dispatch("quit")
        await console.until(lambda: not console.app.is_running)


def test_every_action_has_a_line_unless_it_is_about_the_screen_alone() -> None:
    assert {action.name for action in ACTIONS if action.cli_usage is None} == set(OF_THE_SCREEN)


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


@pytest.mark.parametrize(
    "action",
    [action for action in REGISTRY if action.cli_usage],
    ids=lambda action: f"{action.scope.name}-{action.name}",
)
def test_the_line_beside_an_action_is_one_that_the_command_line_takes(action: Action) -> None:
    assert action.cli_usage is not None
    line = " ".join(PLACES.get(word, word) for word in action.cli_usage.split(" "))
    lexer = shlex.shlex(line, posix=True, punctuation_chars="<>|&;")
    lexer.whitespace_split = True
    words = list(lexer)
    assert not set(words) & {"<", ">", "|", "&", ";"}
    assert parse(words).command[0]


@pytest.mark.parametrize("operation", [*SERVICE_OPERATIONS, *RECORD_OPERATIONS], ids=lambda operation: operation.name)
def test_an_operation_takes_the_same_options_in_the_console_as_in_a_shell(operation: TaskOperation) -> None:
    parser = build_parser()[1][operation.name]
    assert callable(command_of(Namespace(command=parser.get_default("command"))))
    words = parser.format_help().replace("[", " ").replace("]", " ").split()
    options = {word for word in words if word.startswith("--")}
    assert set(COMMANDS_BY_NAME[operation.name].options) == options - OF_A_SHELL


@pytest.mark.parametrize(
    ("status", "code", "email"),
    [
        *((status, None, "jane@example.com") for status in Status if status not in WITHHELD_STATUSES),
        *((Status.FAILED, code, "jane@example.com") for code in (*KNOWN_CODES, "NEW")),
        *((status, None, "") for status in (Status.UNCONFIRMED, Status.MISSING)),
    ],
)
def test_advice_names_only_actions_that_the_task_allows(status: Status, code: str | None, email: str) -> None:
    task = plain_task(1, NOW)._replace(status=status, email=email, is_final=status in FINAL_STATUSES, polled_at=NOW)
    if status in (Status.UNCONFIRMED, Status.MISSING):
        task = task._replace(submitted_at=None)
    context = ActionContext(task, today=TODAY)
    refused = {name: reason for name, action in ACTIONS_BY_NAME.items() if (reason := action.disabled_reason(context))}
    advice = advice_for(task, code, lambda name: f"{name}: {refused.get(name, 'possible')}") or ""
    assert [reason for reason in refused.values() if reason in advice] == []


@pytest.mark.parametrize(("kind", "action"), [(Kind.RETRIEVAL, "new"), (Kind.DELETION, "new_deletion")])
@pytest.mark.parametrize("code", [None, "DATA_SUBJECT_NOT_FOUND"])
def test_the_new_request_that_is_advised_is_of_the_same_kind(kind: Kind, action: str, code: str | None) -> None:
    task = plain_task(1, NOW)._replace(kind=kind, status=Status.FAILED if code else Status.REJECTED, is_final=True)
    assert f"({action})" in (advice_for(task, code, str) or "")
