"""The words of the `:` line: those of the command line, with TASK left out for the marked tasks or the one here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bwp_tui.console.bindings.actions import ACTIONS, Action
from bwp_tui.store.commands.record_operations import RECORDS, WATCH


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the `:` line.

    Attributes:
        usage: how it is written; what stands in brackets may be left out.
        action: the action of the registry that it is, or that does the nearest to it.
        options: names of options, each with a value behind it.
    """

    name: str
    usage: str
    what: str
    action: str
    options: tuple[str, ...] = ()


_LISTING: Final = ("--view", "--sort")

COMMANDS: Final = (
    Command("list", "list [FILTER] [--view NAME] [--sort ORDER]", "List the tasks that fit", "filter", _LISTING),
    Command("filter", "filter FILTER", "List the tasks that fit", "filter"),
    Command("show", "show [TASK]", "Read all about a task", "detail"),
    Command("download", "download [TASK…]", "Download results", "download"),
    Command("inspect", "inspect [TASK]", "Look inside a saved result", "archive"),
    Command("submit", "submit retrieval|deletion [EMAIL]", "File a new request", "new"),
    Command("resubmit", "resubmit [TASK…] [--note TEXT]", "Submit failed requests again", "resubmit", ("--note",)),
    Command("cancel", "cancel [TASK…]", "Cancel deletions that are on hold", "cancel"),
    Command("refresh", "refresh [TASK…]", "Ask the service about tasks now", "poll"),
    *(
        Command(operation.name, operation.usage, operation.help, operation.name, operation.option_names)
        for operation in (*RECORDS, WATCH)
    ),
    Command(
        "settle",
        "settle [TASK] --task-id ID | --give-up REASON",
        "Decide about an unconfirmed request",
        "adopt",
        ("--task-id", "--give-up"),
    ),
    Command("mark", "mark TASK…", "Mark tasks", "mark"),
    Command("view", "view NAME", "Open a view by its name", "view_1"),
    Command(
        "views",
        "views save NAME [FILTER] | views delete NAME | views list",
        "Save or delete a view, or name them all",
        "save_view",
        ("--sort", "--columns"),
    ),
    Command("columns", "columns [NAME,…]", "Show these columns", "columns"),
    Command("sort", "sort ORDER", "Sort by a column", "sort"),
)
"""In the order in which they are offered."""

_OTHERS: Final = tuple(
    Command(name, name, action.what, action.name)
    for action in ACTIONS
    if (name := action.name.replace("_", "-")) not in {command.name for command in COMMANDS}
    and action.name not in {command.action for command in COMMANDS}
    and not action.name.startswith("view_")
)
EVERY: Final = (*COMMANDS, *_OTHERS)
"""All that the `:` line takes: its own words, and every other action by its name."""

BY_WORD: Final = {command.name: command for command in EVERY}

SHORT: Final = {"q": "quit"}
"""Aliases from vim, by what is typed: the name of the command."""

IN_THE_SHELL: Final = (
    *("track", "wait", "run", "doctor", "config", "import", "export", "report", "backup", "restore", "purge", "pack"),
    *("evidence", "sandbox"),
)
"""Commands of the command line that need a file, a terminal of their own, or time."""


def matching(text: str, actions: Sequence[Action]) -> list[Command]:
    """Return the commands that begin with the first word of `text`; of the registry, those that there are."""
    typed = text.split(" ", 1)[0].casefold()
    names = {action.name for action in actions}
    found = [command for command in EVERY if command.action in names]
    if " " in text:
        return [command for command in found if command.name == typed]
    return [command for command in found if command.name.startswith(typed)]
