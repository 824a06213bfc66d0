"""`bwp-tui --plain`: a line at a time, for a screen reader or a terminal that cannot be drawn on.

It asks for the words of the command line and carries them out, with the engine at work beside it as in the console.
"""

from __future__ import annotations

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Final

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.plain.request_questions import Abandoned, ask_request
from bwp_tui.cli.support.context import print_note, today
from bwp_tui.cli.support.task_output import task_sentence
from bwp_tui.domain.filter import parse as parse_filter
from bwp_tui.domain.task import WATCHED, Task, has_ended
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import utc_now
from bwp_tui.engine.runtime.engine_config import config_loader
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.settings import Profile, actor, load_profile
from bwp_tui.store.commands import bulk
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks

Run = Callable[[Sequence[str]], int]
"""Carries out a command line and returns its exit code."""

_HELP: Final = """\
list FILTER       the tasks that fit, a sentence each; list alone tells all
show TASK         all about a task; TASK is its number, or its task id
new               file a request, question by question; quit leaves it
watch TASK        be told by news when it has ended
news              what became of the watched tasks since you last asked
help COMMAND      how any other command of bwp-tui is written; help commands lists them
quit              leave; what was asked for goes on at the next start
Every other command of bwp-tui works here without its first word, such as: download 3."""

_KEPT_OUT: Final = ("sandbox", "run")


def plain(arguments: Namespace, run: Run) -> ExitCode:
    """Ask for commands and carry them out with `run`, until `quit` or the end of the input."""
    profile = load_profile(arguments.profile, os.environ)
    # What is carried out here draws its progress by moving the cursor, unless the terminal says it cannot.
    os.environ["TERM"] = "dumb"
    store = open_store(profile.history_path)
    engine = EngineThread(profile, config_loader(profile))
    try:
        store.work_for(profile.shop)
        if not profile.missing():
            engine.start()
        _Repl(profile, store, run).run()
    finally:
        engine.stop()
        store.close()
    return ExitCode.DONE


class _Repl:
    """One conversation."""

    def __init__(self, profile: Profile, store: Store, run: Run) -> None:
        self._profile = profile
        self._store = store
        self._run = run
        self._seen: dict[int, str] = {}
        self._own: dict[str, Callable[[Sequence[str]], None]] = {
            "new": self._new,
            "watch": self._watch,
            "news": self._news,
            "help": self._help,
        }

    def run(self) -> None:
        """Greet, then ask and answer until it is over."""
        if sys.stdin.isatty():
            import readline  # noqa: F401  lets `input` edit its line, and bring back earlier ones
        self._greet()
        while True:
            try:
                words = shlex.split(input("bwp-tui> "))
            except KeyboardInterrupt:  # the line that is being typed is dropped, as in a shell
                print()
                continue
            except EOFError:
                print()
                return
            except ValueError:
                print_note("A quotation mark is not closed. Nothing was done.")
                continue
            if words[:1] in (["quit"], ["exit"], ["q"]):
                return
            if words:
                self._answer(words)

    def _answer(self, words: Sequence[str]) -> None:
        name, *rest = words
        if name in self._own:
            try:
                self._own[name](rest)
            except StoreError as error:
                print_note(str(error))
        elif name in _KEPT_OUT or name.startswith("-"):
            print_note(f"{clean_line(name)} is not for here; help tells what is.")
        elif name == "list" and "--json" not in rest:
            self._command("list", "--sentences", *rest)
        elif name == "download":
            # A path names its shopper; `show TASK --unmask` tells it in full.
            self._command("download", "--mask", *rest)
        else:
            self._command(*words)

    def _command(self, *words: str) -> int:
        return self._run(["--profile", self._profile.name, *words])

    def _greet(self) -> None:
        counts = {
            words: tasks.count(self._store, parse_filter(text), today=today())
            for words, text in (("active", "is:active"), ("ready", "is:ready"), ("failed", "is:failed"))
        }
        told = ", ".join(f"{count} {words}" for words, count in counts.items())
        print(f"bwp-tui, profile {self._profile.name}. Tasks: {told}.")
        if missing := self._profile.missing():
            print(f"Nothing can be sent until {', '.join(missing)} are set.")
        print("Type help for what can be asked, quit to leave.")

    def _help(self, rest: Sequence[str]) -> None:
        if rest == ["commands"]:
            self._run(["--help"])
        elif rest:
            self._run([*rest, "--help"])
        else:
            print(_HELP)

    def _new(self, _rest: Sequence[str]) -> None:
        try:
            words = ask_request()
        except Abandoned:
            print_note("Nothing was recorded.")
        else:
            self._command(*words)

    def _watch(self, rest: Sequence[str]) -> None:
        if not rest:
            print_note("Name the task, such as: watch 3.")
        else:
            self._command("tag", *rest, f"+{WATCHED}")

    def _look(self) -> list[Task]:
        """Return the watched tasks that say something else than when they were last looked at."""
        watched = tasks.tagged_since(self._store, WATCHED, 0)
        changed = [task for task in watched if self._seen.get(task.number) != task.status]
        self._seen.update((task.number, task.status) for task in watched)
        return changed

    def _news(self, _rest: Sequence[str]) -> None:
        found = self._look()
        for task in found:
            print(task_sentence(task, utc_now(), today()))
        ended = [task.number for task in found if has_ended(task.status)]
        if not self._profile.read_only:
            for _ in bulk.perform(self._store, bulk.tag([], [WATCHED], actor(os.environ, self._profile.actor)), ended):
                pass
        if not found:
            print("No news.")
