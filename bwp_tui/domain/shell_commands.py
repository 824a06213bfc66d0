"""The commands of `bwp-tui NAME …`: what each does, and the words that find it."""

from __future__ import annotations

from typing import Final, NamedTuple


class ShellCommand(NamedTuple):
    """A command.

    Attributes:
        keywords: words that find it and are neither in its name nor in its help.
        arguments: how they are written, where the console runs it as a shell does.
        shell_only: why the console does not run it; empty where it does.
    """

    name: str
    help: str
    keywords: str = ""
    arguments: str = ""
    shell_only: str = ""


_ENGINE: Final = "The engine runs in this console, or in another process that this one follows."
_EVENTS: Final = "setup|subscribe|unsubscribe|status"
_CONFIG: Final = "show|path|validate|letters|adopt"
_OPEN_HERE: Final = "It replaces the history, which is open here."
_FOR_GOOD: Final = "It removes personal data for good, also from backups and downloads."
_TYPED: Final = "The secret of a profile is typed in a shell, never here."
_OWN_CONSOLE: Final = "It opens a console of its own."

SHELL_COMMANDS: Final = (
    ShellCommand("submit", "record a request, send it, and print its task", "new create file"),
    ShellCommand("track", "add an existing task by its ID", "adopt", "KIND TASK_ID"),
    ShellCommand("settle", "resolve an unconfirmed request", "adopt abandon"),
    ShellCommand("list", "list tasks, newest first", "search find query"),
    ShellCommand("show", "show the details and the timeline of a task", "open read events"),
    ShellCommand("dashboard", "show totals, due dates, durations, failures and downloads", "stats overview counts"),
    ShellCommand("sent", "show the API request log, newest first", "calls audit log history"),
    ShellCommand("wait", "wait until tasks finish; 0 if all are COMPLETED", "", "TASK…"),
    ShellCommand("downloads", "list, pause, resume, cancel, retry or prioritize downloads", "queue transfers"),
    ShellCommand("run", "run the engine without a screen", "daemon worker", "", _ENGINE),
    ShellCommand(
        "events", "set up, subscribe to and observe the service's events", "sqs eventbridge aws queue", _EVENTS
    ),
    ShellCommand("doctor", "check settings, credentials, engine, history, clock, files", "diagnose health"),
    ShellCommand("import", "record the requests of a CSV file, all of them or none", "load bulk", "FILE"),
    ShellCommand("export", "write the tasks that fit a filter to a file", "csv json excel save", "[FILTER…] FILE"),
    ShellCommand(
        "report", "count what was received in a period and what became of it", "stats metrics", "--from DATE --to DATE"
    ),
    ShellCommand(
        "regulations",
        "list the regulations: periods, citations, what is unsure",
        "laws states deadlines gdpr ccpa privacy",
    ),
    ShellCommand("views", "list, save, delete views", "filters"),
    ShellCommand("backup", "copy the history to a new file while it is in use", "save", "FILE"),
    ShellCommand("restore", "restore the history from a backup", "recover", "", _OPEN_HERE),
    ShellCommand(
        "purge", "remove personal data of finished tasks, keep the evidence", "erase delete forget", "", _FOR_GOOD
    ),
    ShellCommand("inspect", "list the contents of a downloaded archive", "unzip zip files"),
    ShellCommand("letter", "write a letter to a shopper; nothing is sent", "template mail reply text draft"),
    ShellCommand(
        "pack",
        "write an encrypted copy of a downloaded archive, with a receipt",
        "age zip encrypt",
        "TASK --recipient KEY",
    ),
    ShellCommand("evidence", "print the record of a request: steps, people, hashes", "audit proof", "TASK…"),
    ShellCommand(
        "login", "set up a profile: ask for its settings, try them, keep the secret", "credentials init", "", _TYPED
    ),
    ShellCommand("logout", "remove the secret of a profile", "credentials forget", "", _TYPED),
    ShellCommand(
        "config", "show, locate and check the configuration", "settings profile", "show|path|validate|letters|adopt"
    ),
    ShellCommand(
        "completion",
        "print the code that completes commands, tasks and filters in a shell",
        "",
        "bash|zsh|fish",
    ),
    ShellCommand("sandbox", "start a local mock API with sample data", "practice demo try", "", _OWN_CONSOLE),
)
"""All commands but those of operations on tasks, which declare them."""

HELP: Final = {command.name: command.help for command in SHELL_COMMANDS}
