"""The commands of `bwp-tui NAME …`: what each does, and the words that find it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class CommandGroup(StrEnum):
    """What commands are for, in the order of the help."""

    SEND = "send"
    READ = "read"
    WORK = "work"
    RECORD = "record"
    HAND_OVER = "hand over"
    SET_UP = "set up"
    MAINTAIN = "maintain"


class ShellCommand(NamedTuple):
    """A command.

    Attributes:
        group: where the help of the command line lists it; None for what is no command of a shell.
        keywords: words that find it and are neither in its name nor in its help.
        arguments: how they are written, where the console runs it as a shell does.
        shell_only: why the console does not run it; empty where it does.
    """

    name: str
    group: CommandGroup | None
    help: str
    keywords: str = ""
    arguments: str = ""
    shell_only: str = ""


_SEND, _READ, _WORK, _, _HAND_OVER, _SET_UP, _MAINTAIN = CommandGroup
_ENGINE: Final = "The engine runs in this console, or in another process that this one follows."
_EVENTS: Final = "setup|subscribe|unsubscribe|status"
_CONFIG: Final = "show|path|init|keys|validate|letters|adopt"
_OPEN_HERE: Final = "It replaces the history, which is open here."
_FOR_GOOD: Final = "It removes personal data for good, also from backups and downloads."
_TYPED: Final = "The secret of a profile is typed in a shell, never here."
_OWN_CONSOLE: Final = "It opens a console of its own."

SHELL_COMMANDS: Final = (
    ShellCommand("submit", _SEND, "record a request, send it, and print its task", "new create file"),
    ShellCommand("track", _SEND, "add an existing task by its ID", "adopt", "KIND TASK_ID"),
    ShellCommand("settle", _SEND, "resolve an unconfirmed request", "adopt abandon"),
    ShellCommand("list", _READ, "list tasks, newest first", "search find query"),
    ShellCommand("show", _READ, "show the details and the timeline of a task", "open read events"),
    ShellCommand(
        "dashboard", _READ, "show totals, due dates, durations, failures and downloads", "stats overview counts"
    ),
    ShellCommand("sent", _READ, "show the API request log, newest first", "calls audit log history"),
    ShellCommand("wait", _WORK, "wait until tasks finish; 0 if all are COMPLETED", "", "TASK…"),
    ShellCommand("downloads", _WORK, "list, pause, resume, cancel, retry or prioritize downloads", "queue transfers"),
    ShellCommand("run", _WORK, "run the engine without a screen", "daemon worker", "", _ENGINE),
    ShellCommand(
        "events", _SET_UP, "set up, subscribe to and observe the service's events", "sqs eventbridge aws queue", _EVENTS
    ),
    ShellCommand("doctor", _SET_UP, "check settings, credentials, engine, history, clock, files", "diagnose health"),
    ShellCommand("import", _SEND, "record the requests of a CSV file, all of them or none", "load bulk", "FILE"),
    ShellCommand(
        "export", _HAND_OVER, "write the tasks that fit a filter to a file", "csv json excel save", "[FILTER…] FILE"
    ),
    ShellCommand(
        "report",
        _READ,
        "count what was received in a period and what became of it",
        "stats metrics",
        "--from DATE --to DATE",
    ),
    ShellCommand(
        "regulations",
        _READ,
        "list the regulations: periods, citations, what is unsure",
        "laws states deadlines gdpr ccpa privacy",
    ),
    ShellCommand("views", _READ, "list, save, delete views", "filters"),
    ShellCommand("backup", _MAINTAIN, "copy the history to a new file while it is in use", "save", "FILE"),
    ShellCommand("restore", _MAINTAIN, "restore the history from a backup", "recover", "", _OPEN_HERE),
    ShellCommand(
        "purge",
        _MAINTAIN,
        "remove personal data of finished tasks, keep the evidence",
        "erase delete forget",
        "",
        _FOR_GOOD,
    ),
    ShellCommand("inspect", _READ, "list the contents of a downloaded archive", "unzip zip files"),
    ShellCommand(
        "letter", _HAND_OVER, "write a letter to a shopper; nothing is sent", "template mail reply text draft"
    ),
    ShellCommand(
        "pack",
        _HAND_OVER,
        "write an encrypted copy of a downloaded archive, with a receipt",
        "age zip encrypt",
        "TASK --recipient KEY",
    ),
    ShellCommand("evidence", _READ, "print the record of a request: steps, people, hashes", "audit proof", "TASK…"),
    ShellCommand(
        "login",
        _SET_UP,
        "set up a profile: ask for its settings, try them, keep the secret",
        "credentials init",
        "",
        _TYPED,
    ),
    ShellCommand("logout", _SET_UP, "remove the secret of a profile", "credentials forget", "", _TYPED),
    ShellCommand(
        "config",
        _SET_UP,
        "show, locate and check the configuration",
        "settings profile",
        _CONFIG,
    ),
    ShellCommand(
        "completion",
        _SET_UP,
        "print the code that completes commands, tasks and filters in a shell",
        "",
        "bash|zsh|fish",
    ),
    ShellCommand(
        "sandbox", _MAINTAIN, "start a local mock API with sample data", "practice demo try", "", _OWN_CONSOLE
    ),
)
"""All commands but those of operations on tasks, which declare them."""

SHELL_COMMANDS_BY_NAME: Final = {command.name: command for command in SHELL_COMMANDS}
