"""`bwp-tui --plain`: read and run commands line by line, for screen readers, while the engine runs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bwp_tui.actions.record_operations import UNWATCH
from bwp_tui.actions.service_operations import DOWNLOAD
from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.main import run
from bwp_tui.cli.parser import build_parser
from bwp_tui.cli.plain.request_questions import QuestionsCancelled, ask_request
from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.session import read_only_sentence
from bwp_tui.cli.support.streams import name_no_profile, print_message, wrapped
from bwp_tui.cli.support.task_output import task_sentence
from bwp_tui.console.state.saved_state import SavedStateFile
from bwp_tui.domain.filter import parse as parse_filter
from bwp_tui.domain.statuses import engine_is_done_with
from bwp_tui.domain.task import WATCHED
from bwp_tui.domain.text import clean_line, did_you_mean
from bwp_tui.domain.times import utc_now
from bwp_tui.domain.views import VIEWS
from bwp_tui.engine.runtime.engine_config import config_loader
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.engine.runtime.exit_message import exit_message
from bwp_tui.settings import Profile, actor
from bwp_tui.settings.checks import SANDBOX_PROFILE
from bwp_tui.store.commands import bulk
from bwp_tui.store.commands.work_records import cannot_watch
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks

_MAIN_COMMANDS: Final = ("list", "show", DOWNLOAD.name)
"""Commands of the CLI that the help begins with."""

_QUIT: Final = "quit"
_USAGE_WIDTH: Final = 20
_UNAVAILABLE: Final = ("restore", "run", "sandbox")
"""Commands that need the profile's engine or the whole terminal for themselves."""


def open_plain(profile: Profile) -> ExitCode:
    """Read commands and run them, until `quit` or the end of input."""
    os.environ["TERM"] = "dumb"  # the line that is typed is edited without control sequences
    store = open_store(profile.history_path)
    engine = EngineThread(profile, config_loader(profile))
    try:
        if store.opening_report is not None:
            print_message(store.opening_report)
        store.require_shop(profile.shop, deletions_need_approval=profile.deletions_need_approval)
        if not profile.missing():
            engine.start()
        _Repl(profile, store).run()
    finally:
        engine.stop()
        store.close()
    if message := exit_message(profile):
        print_message(message)
    return ExitCode.DONE


def _print_entry(name: str, arguments: str, purpose: str) -> None:
    print(wrapped(f"{f'{name} {arguments}':<{_USAGE_WIDTH - 1}} {purpose}"))


def _print_unavailable(name: str, profile: str) -> None:
    words = f"{name} --plain" if name == "sandbox" else f"--profile {profile} {name}"
    is_elsewhere = profile != SANDBOX_PROFILE or name == "sandbox"  # no shell has the practice's history
    instead = f"; quit, then start it as: bwp-tui {words}." if is_elsewhere else ": it is left out of the practice."
    print_message(f"{name} isn't available here{instead}")


class _PlainCommand(NamedTuple):
    """A command of plain mode alone."""

    arguments: str
    help: str
    run: Callable[[Sequence[str]], None]


class _Repl:
    """One session of commands."""

    def __init__(self, profile: Profile, store: Store) -> None:
        self._profile = profile
        self._store = store
        self._unavailable = (*_UNAVAILABLE, "purge") if profile.is_sandbox else _UNAVAILABLE  # it makes a backup
        self._typed: list[str] = []
        self._watched: dict[int, str | None] = {}
        """The watched tasks that this session has found, with the statuses that are no news; None of an end to tell."""
        self._is_running = True
        self._own_commands = {
            "new": _PlainCommand(
                "", "submit a request, question by question; quit leaves the questions", self._submit_request
            ),
            "watch": _PlainCommand("TASK", "include the task in news when it finishes", self._watch),
            "news": _PlainCommand("", "print the changes of the watched tasks since the last news", self._print_news),
            "help": _PlainCommand("COMMAND", "show the help of a command; help commands lists them", self._print_help),
            _QUIT: _PlainCommand("", "leave", self._quit),
        }

    def run(self) -> None:
        """Print a greeting, then read and run commands, with those of earlier sessions to go back to on a terminal."""
        name_no_profile()
        self._greet()
        if not sys.stdin.isatty():
            self._read_lines()
            return
        import readline  # gives `input` line editing and history

        saved = SavedStateFile(self._profile)
        for line in saved.read().command_history:
            readline.add_history(line)
        try:
            self._read_lines()
        finally:
            saved.add_commands(self._typed)
            saved.close()

    def _read_lines(self) -> None:
        while self._is_running:
            try:
                self._run_line(input("bwp-tui> "))
            except KeyboardInterrupt:  # drops the line or the command, as a shell does
                print()
            except EOFError:
                print()
                return

    def _run_line(self, line: str) -> None:
        line = line.strip().removeprefix("bwp-tui ")  # as messages name commands
        try:
            words = shlex.split(line)
        except ValueError:
            print_message("A quotation mark is not closed. Nothing was changed.")
            return
        if words and self._dispatch(_QUIT if words[0] in ("exit", "q") else words[0], words[1:]):
            self._typed.append(line)

    def _dispatch(self, name: str, rest: Sequence[str]) -> bool:
        """Run a command; return whether it is one of the CLI, and its usage was right."""
        known = build_parser()[1]
        if name in self._own_commands:
            try:
                self._own_commands[name].run(rest)
            except StoreError as error:
                print_message(str(error))
        elif name in self._unavailable:
            _print_unavailable(name, self._profile.name)
        elif name.startswith("-"):
            print_message(f"{clean_line(name)} isn't available here; type help.")
        elif name not in known:
            closest = did_you_mean(name, (*self._own_commands, *known))
            print_message(f"There is no command “{clean_line(name)}”{closest or '.'} help commands lists them all.")
        else:
            # The path of a result may contain the email, which JSON has in full; `show TASK --unmask` prints it.
            mask = ("--mask",) if name == DOWNLOAD.name and "--json" not in rest else ()
            return self._run_command(name, *mask, *rest) != ExitCode.USAGE
        return False

    def _run_command(self, *words: str) -> int:
        return run(["--profile", self._profile.name, *words])

    def _greet(self) -> None:
        counts = {view.name: self._count(view.filter) for view in VIEWS}
        unverified = self._count("status:received is:open verified:no")
        waiting = f" ({unverified} to verify, {counts['received'] - unverified} to send)" if counts["received"] else ""
        of_them = ", ".join(
            f"{count} {name}{waiting if name == 'received' else ''}" for name, count in counts.items() if name != "all"
        )
        print(wrapped(f"bwp-tui, profile {self._profile.name}. Tasks: {counts['all']}, of them {of_them}."))
        if missing := self._profile.missing():
            print(wrapped(f"Nothing can be sent: {', '.join(missing)} not set."))
        print("Type help for the commands, quit to leave.")

    def _count(self, filter_text: str) -> int:
        return tasks.count(self._store, parse_filter(filter_text), today=today())

    def _print_help(self, rest: Sequence[str]) -> None:
        if len(rest) == 1 and rest[0] in self._own_commands:
            own = self._own_commands[rest[0]]
            _print_entry(rest[0], own.arguments, own.help)
        elif rest and rest[0] in self._unavailable:
            _print_unavailable(rest[0], self._profile.name)
        elif rest and rest != ["commands"]:
            run([*rest, "--help"])
        else:
            self._list_commands(every=bool(rest))

    def _list_commands(self, *, every: bool) -> None:
        for name, parser in build_parser()[1].items():
            if name in _MAIN_COMMANDS or (every and name not in self._unavailable):
                _print_entry(name, parser.arguments, parser.purpose)
        for name, own in self._own_commands.items():
            _print_entry(name, own.arguments, own.help)
        if not every:
            others = "Other bwp-tui commands work here without “bwp-tui”, such as: refresh 3. help commands lists them."
            print(wrapped(others))

    def _quit(self, _rest: Sequence[str]) -> None:
        self._is_running = False

    def _submit_request(self, _rest: Sequence[str]) -> None:
        if self._profile.read_only:
            print_message(read_only_sentence(self._profile, "new"))  # before six questions
            return
        try:
            words = ask_request()
        except QuestionsCancelled:
            print_message("Nothing was recorded.")
        else:
            self._run_command(*words)

    def _watch(self, rest: Sequence[str]) -> None:
        if not rest:
            print_message("Name a task, such as: watch 3.")
        elif self._profile.read_only:
            print_message(read_only_sentence(self._profile, "watch"))
        else:
            reasons = {name: cannot_watch(tasks.find_by_name(self._store, name)) for name in rest}
            for reason in filter(None, reasons.values()):
                print_message(reason)
            if watched := [name for name, reason in reasons.items() if reason is None]:
                self._run_command("tag", *watched, f"+{WATCHED}")
                self._find_watched()  # a console takes the tag away once it has told of the end

    def _print_news(self, _rest: Sequence[str]) -> None:
        self._find_watched()
        changed = [
            task
            for task in tasks.by_numbers(self._store, [*self._watched])
            if self._watched[task.number] != task.status and (WATCHED in task.tags or engine_is_done_with(task.status))
        ]
        for task in changed:
            self._watched[task.number] = task.status
            print(task_sentence(task, utc_now(), today(), read_only=self._profile.read_only))
        ended = [task.number for task in changed if engine_is_done_with(task.status) and WATCHED in task.tags]
        if not self._profile.read_only:
            name = actor(os.environ, self._profile.actor, self._profile.is_team)
            list(bulk.apply_to_each(self._store, UNWATCH.change_for(name, today()), ended))
        if not changed:
            print("No news.")

    def _find_watched(self) -> None:
        for task in tasks.tagged_since(self._store, WATCHED, 0):
            self._watched.setdefault(task.number, None if engine_is_done_with(task.status) else task.status)
