"""Define the grammar of the operations on tasks, which derives from their declarations."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Final

from bwp_tui.actions.decision_operations import SETTLEMENTS
from bwp_tui.actions.operation import Argument, Position, TaskOperation
from bwp_tui.actions.record_operations import RECORD_OPERATIONS
from bwp_tui.actions.service_operations import DOWNLOAD, REFRESH, SERVICE_OPERATIONS
from bwp_tui.cli.argparse_base import (
    RESPONSE_TIMEOUT_S,
    RESULT_FOLDER_HELP,
    TASK_HELP,
    CommandParsers,
    Parser,
    add_timeout,
)
from bwp_tui.cli.argument_types import day, result_folder, value_of
from bwp_tui.cli.exit_codes import Effect

MINUS: Final = "\N{MINUS SIGN}"
"""Stands before a tag to be removed: argparse would take a hyphen for an option's."""

_WITH_SIGNED_WORDS: Final = frozenset(
    operation.name
    for operation in RECORD_OPERATIONS
    if operation.positional and operation.positional.position is Position.SIGNED_WORDS
)
_REMOVAL: Final = re.compile(r"-[^-].*")


def join_filters(words: Sequence[str]) -> list[str]:
    """Return the line with each `--filter` and its value in one word, since a filter may begin with a hyphen."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--filter":
            joined[-1] = f"--filter={word}"
        else:
            joined.append(word)
    return joined


def minus_signs(command: str, words: Sequence[str]) -> list[str]:
    """Return the words behind a command, with minus signs for the hyphens of those that are no options."""
    if command not in _WITH_SIGNED_WORDS:
        return list(words)
    return [MINUS + word[1:] if _REMOVAL.fullmatch(word) and word != "-h" else word for word in words]


def add_record_commands(commands: CommandParsers) -> None:
    """Add a command for each operation that is recorded in the history."""
    for operation in RECORD_OPERATIONS:
        _add_operation(commands, operation, "record_operations", "record")


def add_service_commands(commands: CommandParsers) -> None:
    """Add a command for each operation that the engine carries out, and its options on waiting and printing."""
    for operation in SERVICE_OPERATIONS:
        function = operation.name if operation.is_harmless else "ask_service"
        parser = _add_operation(commands, operation, "service_operations", function)
        add_timeout(parser, None if operation is DOWNLOAD else RESPONSE_TIMEOUT_S)
    download = commands.parsers[DOWNLOAD.name]
    download.option("--output", "DIR", result_folder, RESULT_FOLDER_HELP)
    download.flag("--mask", "mask emails in paths and JSON")

    settle = commands.add("settle", "submit")
    settle.add_argument("task", metavar="TASK", help=TASK_HELP)
    decision = settle.add_mutually_exclusive_group(required=True)
    for settlement in SETTLEMENTS:
        _add_option(decision, settlement.text)
    add_timeout(settle, RESPONSE_TIMEOUT_S)


def _add_operation(commands: CommandParsers, operation: TaskOperation, module: str, function: str) -> Parser:
    effect = Effect.CHANGES if operation.writes else Effect.RUNS
    note = operation.example
    parser = commands.add(operation.name, module, operation=operation, function=function, note=note, effect=effect)
    parser.set_defaults(operation=operation)
    if operation.positional is None:
        unnamed = " (all active ones)" if operation is REFRESH else ""
        parser.add_argument("tasks", metavar="TASK", nargs="*", help=f"{TASK_HELP}{unnamed}")
    else:
        metavar, purpose = f"TASK… {operation.positional.metavar}", f"tasks, then {operation.positional.help}"
        parser.add_argument("words", metavar=metavar, nargs="+", help=purpose)
    parser.add_argument("--filter", metavar="FILTER", help="all tasks that match, once their number is typed")
    parser.flag("--yes", "do not ask")
    for argument in operation.options:
        _add_option(parser, argument)
    if (alternative := operation.alternative) is not None:
        parser.add_argument(alternative.option, dest="alternative", action="store_true", help=alternative.help)
    return parser


def _add_option(parser: argparse._ActionsContainer, argument: Argument) -> None:
    read = day if argument.is_day else value_of(argument)
    parser.add_argument(argument.option, dest=argument.name, metavar=argument.metavar, type=read, help=argument.help)
