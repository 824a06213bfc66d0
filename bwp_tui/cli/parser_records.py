"""Define the grammar of what names many tasks: selections, records, import, export, reports, views."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bwp_tui.actions.operation import Argument, Place, TaskOperation
from bwp_tui.actions.record_operations import BY_NAME, RECORDS
from bwp_tui.actions.service_operations import DOWNLOAD, REFRESH, SERVICE_OPERATIONS
from bwp_tui.actions.settlements import SETTLEMENTS
from bwp_tui.cli.argparse_base import RESPONSE_TIMEOUT_S, TASK_HELP, Commands, Parser, add_action, add_timeout
from bwp_tui.cli.argument_types import any_day, day, new_path, one_line, result_folder, value_of
from bwp_tui.cli.exit_codes import Effect
from bwp_tui.domain.deadlines import DEFAULT_REGULATION, REGULATIONS

MINUS: Final = "\N{MINUS SIGN}"
"""Stands before a tag to be removed: argparse would take a hyphen for an option's."""

FORMATS: Final = ("csv", "jsonl", "json")

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
    positional = BY_NAME[command].positional if command in BY_NAME else None
    if positional is None or positional.place is not Place.SIGNED:
        return list(words)
    return [MINUS + word[1:] if _REMOVAL.fullmatch(word) and word != "-h" else word for word in words]


def add_regulation(parser: Parser, purpose: str) -> None:
    """Add which regulation sets due dates."""
    names, default = tuple(REGULATIONS), DEFAULT_REGULATION
    parser.add_argument("--regulation", choices=names, default=default, help=f"{purpose} ({default})")


def add_sort(parser: Parser) -> None:
    """Add the option for the order of tasks; the command checks its names, which the parser does not import."""
    parser.add_argument("--sort", metavar="ORDER", type=one_line, help="newest, oldest, due, subject, status, …")


def add_record_commands(commands: Commands) -> None:
    """Add a command for each operation that is recorded in the history."""
    for operation in RECORDS:
        _add_operation(commands, operation, "records", "record")


def add_service_commands(commands: Commands) -> None:
    """Add a command for each operation that the engine carries out, and its options on waiting and printing."""
    for operation in SERVICE_OPERATIONS:
        parser = _add_operation(commands, operation, "engine_commands", operation.name)
        add_timeout(parser, None if operation is DOWNLOAD else RESPONSE_TIMEOUT_S)
    download = commands.parsers[DOWNLOAD.name]
    download.add_argument("--output", metavar="DIR", type=result_folder, help="folder for the files (BWP_DOWNLOAD_DIR)")
    download.add_argument("--mask", action="store_true", help="mask emails in paths and JSON")

    settle = commands.add("settle", "submit")
    settle.add_argument("task", metavar="TASK", help=TASK_HELP)
    decision = settle.add_mutually_exclusive_group(required=True)
    for settlement in SETTLEMENTS:
        _add_option(decision, settlement.text)
    add_timeout(settle, RESPONSE_TIMEOUT_S)


def _add_operation(commands: Commands, operation: TaskOperation, module: str, function: str) -> Parser:
    effect = Effect.CHANGES if operation.writes else Effect.WORKS
    purpose, note = operation.purpose, operation.example
    parser = commands.add(operation.name, module, purpose=purpose, function=function, note=note, effect=effect)
    if operation.positional is None:
        unnamed = " (all active ones)" if operation is REFRESH else ""
        parser.add_argument("tasks", metavar="TASK", nargs="*", help=f"{TASK_HELP}{unnamed}")
    else:
        metavar, purpose = f"TASK {operation.positional.metavar}", f"tasks, then {operation.positional.help}"
        parser.add_argument("words", metavar=metavar, nargs="+", help=purpose)
    parser.add_argument("--filter", metavar="FILTER", help="all tasks that match, once their number is typed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    for argument in operation.options:
        _add_option(parser, argument)
    if (variant := operation.variant) is not None:
        parser.add_argument(variant.option, dest="variant", action="store_true", help=variant.help)
    return parser


def _add_option(parser: argparse._ActionsContainer, argument: Argument) -> None:
    if argument.choices:
        parser.add_argument(argument.option, choices=argument.choices, help=argument.help)
    else:
        read = day if argument.is_day else value_of(argument)
        parser.add_argument(argument.option, metavar=argument.metavar, type=read, help=argument.help)


def add_tables(commands: Commands) -> None:
    """Add the commands that import, export and report many requests, and the views."""
    _add_import(commands)
    export = commands.add("export", "export", json=False, effect=Effect.READS)
    export.add_argument("words", metavar="FILTER… FILE", nargs="+", help="which tasks (all), then a new file, or -")
    export.add_argument("--format", choices=FORMATS, default="csv", help="csv, JSON lines, or one JSON array (csv)")
    export.add_argument("--bom", action="store_true", help="begin CSV with a byte-order mark, which Excel wants")
    export.add_argument("--unmask", action="store_true", help="write emails in full")

    report = commands.add("report", "report", effect=Effect.READS)
    report.add_argument(
        "--from", dest="first", metavar="DATE", type=any_day, required=True, help="first day of receipt"
    )
    report.add_argument("--to", dest="last", metavar="DATE", type=any_day, required=True, help="last day of receipt")

    views = commands.add("views", "list_show", function="list_views", effect=Effect.READS)
    actions = views.add_subparsers(metavar="ACTION", parser_class=Parser)
    add_action(actions, "list", "print them, the built-in ones first", ("list_show", "list_views"))
    save = add_action(actions, "save", "save a filter under a name", ("list_show", "save_view"), Effect.CHANGES)
    save.add_argument("name", metavar="NAME", type=one_line)
    save.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks (all)")
    add_sort(save)
    save.add_argument("--columns", metavar="A,B", type=one_line, default="", help="the columns the console shows")
    save.add_argument("--replace", action="store_true", help="replace the view of this name")
    delete = add_action(actions, "delete", "remove a saved view", ("list_show", "delete_view"), Effect.CHANGES)
    delete.add_argument("name", metavar="NAME", type=one_line)


def _add_import(commands: Commands) -> None:
    importing = commands.add(
        "import",
        "import_csv",
        function="import_file",
        json=False,
        note="The first line names the columns: kind and email, and any of received, regulation, holding_period, "
        "reason, note, tags. A kind is retrieval (retrieve, access, copy, dsar) or deletion (delete, erasure, erase). "
        "Commas, semicolons or bars are between tags. The requests are sent while a bwp-tui runs.",
    )
    importing.add_argument("file", metavar="FILE.csv", type=Path, help="a file or a pipe; - is stdin")
    importing.add_argument("--dry-run", action="store_true", help="check the file and record nothing")
    importing.add_argument("--receipt", metavar="FILE", type=new_path, help="a new file for the result of each line")
    add_regulation(importing, "for lines that name none")
    importing.add_argument("--again", action="store_true", help="import a file that was imported before")
    importing.add_argument("--yes", action="store_true", help="do not ask for the number of deletions")
