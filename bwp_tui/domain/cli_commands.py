"""The commands of `bwp-tui NAME …`: what each does, and the words that find it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

CommandGroup: TypeAlias = Literal["send", "read", "work", "record", "hand over", "set up", "maintain"]
"""What commands are for."""

COMMAND_GROUPS: Final[tuple[CommandGroup, ...]] = get_args(CommandGroup)
"""The groups in the order of the help."""


class CliCommand(NamedTuple):
    """A command.

    Attributes:
        group: where the help of the command line lists it; None for what is no command of a shell.
        keywords: words that find it and are neither in its name nor in its help.
        arguments: how they are written, where the console runs it as a shell does, or names a line for the shell.
        disabled_in_console_reason: why the console does not run it; empty where it does.
    """

    name: str
    group: CommandGroup | None
    help: str
    keywords: str = ""
    arguments: str = ""
    disabled_in_console_reason: str = ""


_ENGINE: Final = "The engine runs in this console, or in another process that this one follows."
SHELLS: Final = ("bash", "zsh", "fish")
"""The shells that `completion` knows."""

CONFIG_SUBCOMMANDS: Final = {
    "show": "print the effective settings, without the secret",
    "path": "print the path of the config file",
    "init": "write a config file that has every setting as a comment",
    "keys": "list the names of all actions with their keys",
    "validate": "list mistakes in the file and the environment",
    "letters": "list the templates of letters to shoppers; with a name, print one",
    "adopt": "bind the history to the shop of these settings",
}
EVENT_SUBCOMMANDS: Final = {
    "setup": "print the steps that bring the events to an SQS queue, as a shell script; it changes nothing",
    "subscribe": "subscribe to the four event types of privacy requests",
    "unsubscribe": "end subscriptions",
    "status": "print subscriptions, queue, dead letters, and the last event",
}
"""The subcommands of `config` and of `events`, and what each does."""

_OPEN_HERE: Final = "It replaces the history, which is open here."
_FOR_GOOD: Final = "It removes personal data for good, with daily backups and downloads."
_TYPED: Final = "The secret of a profile is typed in a shell, never here."
_REMOVED: Final = "The secret of a profile is removed in a shell, never here."
_OWN_CONSOLE: Final = "It opens a console of its own."

CLI_COMMANDS: Final = (
    CliCommand("submit", "send", "record a request, send it, and print its task", "new create file"),
    CliCommand("track", "send", "add an existing task by its ID", "adopt", "KIND TASK_ID"),
    CliCommand("settle", "send", "resolve an unconfirmed request", "adopt abandon"),
    CliCommand("list", "read", "list tasks, the last recorded here first", "search find query"),
    CliCommand("show", "read", "show the details and the timeline of a task", "open read events"),
    CliCommand(
        "dashboard", "read", "show totals, due dates, durations, failures and downloads", "stats overview counts"
    ),
    CliCommand(
        "sent", "read", "list submissions and cancellations, the last recorded here first", "calls audit log history"
    ),
    CliCommand("wait", "work", "wait until tasks finish; 0 if all are COMPLETED", "", "TASK…"),
    CliCommand("downloads", "work", "list, pause, resume, cancel, retry or prioritize downloads", "queue transfers"),
    CliCommand("run", "work", "run the engine without a screen", "daemon worker", "", _ENGINE),
    CliCommand(
        "events",
        "set up",
        "set up, subscribe to and observe the service's events",
        "sqs eventbridge aws queue",
        "|".join(EVENT_SUBCOMMANDS),
    ),
    CliCommand("doctor", "set up", "check settings, credentials, engine, history, clock, files", "diagnose health"),
    CliCommand("import", "send", "record the requests of a CSV file, all of them or none", "load bulk", "FILE"),
    CliCommand(
        "export", "hand over", "write the tasks that fit a filter to a file", "csv json excel save", "[FILTER…] FILE"
    ),
    CliCommand(
        "report",
        "read",
        "count what was received in a period and what became of it",
        "stats metrics",
        "--from DATE --to DATE",
    ),
    CliCommand(
        "regulations",
        "read",
        "list the regulations: periods, citations, what is unsure",
        "laws states deadlines gdpr ccpa privacy",
    ),
    CliCommand("views", "read", "list, save, delete views", "filters"),
    CliCommand("backup", "maintain", "copy the history to a new file while it is in use", "save", "FILE"),
    CliCommand("restore", "maintain", "restore the history from a backup", "recover", "FILE", _OPEN_HERE),
    CliCommand(
        "purge",
        "maintain",
        "remove personal data of finished tasks, keep the evidence",
        "erase delete forget",
        "--older-than D",
        _FOR_GOOD,
    ),
    CliCommand("inspect", "read", "list the contents of a downloaded archive", "unzip zip files"),
    CliCommand("letter", "hand over", "write a letter to a shopper; nothing is sent", "template mail reply text draft"),
    CliCommand(
        "pack",
        "hand over",
        "write an encrypted copy of a downloaded archive, with a receipt",
        "age zip encrypt",
        "TASK --recipient KEY",
    ),
    CliCommand("evidence", "read", "print the record of a request: steps, people, hashes", "audit proof", "TASK…"),
    CliCommand(
        "login",
        "set up",
        "set up a profile: ask for its settings, try them, keep the secret",
        "credentials init",
        "",
        _TYPED,
    ),
    CliCommand("logout", "set up", "remove the secret of a profile", "credentials forget", "", _REMOVED),
    CliCommand(
        "config",
        "set up",
        "show, locate and check the configuration",
        "settings profile",
        "|".join(CONFIG_SUBCOMMANDS),
    ),
    CliCommand(
        "completion",
        "set up",
        "print the code that completes commands, tasks and filters in a shell",
        "",
        "|".join(SHELLS),
    ),
    CliCommand("sandbox", "maintain", "start a local mock API with sample data", "practice demo try", "", _OWN_CONSOLE),
)
"""All commands but those of operations on tasks, which declare them."""

CLI_COMMANDS_BY_NAME: Final = {command.name: command for command in CLI_COMMANDS}


def with_profile(sentence: str, profile: str, commands: Iterable[str]) -> str:
    """Return a sentence in which these commands name the profile: without it a shell may run them for another shop.

    One that names a profile already, before the clause ends, stays as it is.
    """
    named = f"bwp-tui --profile {shlex.quote(profile)} "
    return re.sub(rf"\bbwp-tui (?=(?:{'|'.join(commands)})\b)(?![^.,:;]*--profile)", lambda _: named, sentence)
