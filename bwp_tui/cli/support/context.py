"""What commands share: the profile and its register, naming tasks, asking, refusing."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from bwp_tui.cli.exit_codes import CommandError, Effect, ExitCode
from bwp_tui.domain.deadlines import doubt_about, why_not_yet
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import clean, clean_line
from bwp_tui.domain.times import local_day, utc_now, zone_name
from bwp_tui.settings import Profile, actor, load_profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks


@dataclass(frozen=True, slots=True)
class Session:
    """The profile a command works with, its open register, and who is at the keyboard."""

    profile: Profile
    store: Store
    actor: str


def chosen_profile(arguments: Namespace, *, changes: bool = True) -> Profile:
    """Return the profile of a command; the one place where a read-only profile refuses the commands that change it.

    Args:
        changes: False where the command, as it is written, changes nothing although others of its name do.

    Raises:
        SettingsError: the settings are wrong.
        Stop: the profile is read-only, and the command would change something.
    """
    profile = load_profile(arguments.profile, os.environ)
    if profile.read_only and changes and arguments.effect is Effect.CHANGES:
        raise CommandError(
            ExitCode.USAGE, f"Profile {profile.name} is read-only, so {arguments.chosen} is refused; see BWP_READ_ONLY."
        )
    return profile


@contextmanager
def open_session(arguments: Namespace, *, changes: bool = True) -> Iterator[Session]:
    """Open the register of the chosen profile for the time of the block.

    Raises:
        SettingsError, Stop: see `chosen_profile`.
        HistoryError: the register cannot be opened, or holds another shop's requests.
    """
    profile = chosen_profile(arguments, changes=changes)
    store = open_store(profile.history_path)
    if store.opening_report is not None:
        print_note(store.opening_report)
    try:
        store.work_for(profile.shop)
        yield Session(profile, store, actor(os.environ, profile.actor))
    finally:
        store.close()


def find_tasks(store: Store, names: Sequence[str]) -> list[int]:
    """Return the local numbers of the tasks that an operator names, each once, in order.

    Raises:
        NoSuchTask: a name fits no task, or more than one.
    """
    return list(dict.fromkeys(tasks.find_by_name(store, name).number for name in names))


def read(store: Store, numbers: Sequence[int]) -> list[Task]:
    """Return the tasks with these local numbers, in order, however many there are."""
    size = 500  # bound values of one statement are limited
    return [task for at in range(0, len(numbers), size) for task in tasks.window(store, numbers[at : at + size])]


def today() -> date:
    """Return the calendar day here."""
    return local_day(utc_now())


def checked_day(day: date) -> date:
    """Return a day on which something has happened; say what is odd about it.

    Raises:
        Stop: it has not begun anywhere.
    """
    if why_not := why_not_yet(day, today()):
        raise CommandError(
            ExitCode.USAGE, f"{why_not} In the office it is {today()} ({zone_name()}). Nothing was recorded."
        )
    if doubt := doubt_about(day, today()):
        print_note(f"Warning: {doubt}")
    return day


def print_note(sentence: str) -> None:
    """Tell the operator something that is no data: it goes to stderr."""
    for line in clean(sentence).splitlines():
        print(f"bwp-tui: {line}", file=sys.stderr)


def can_ask() -> bool:
    """Say whether someone is there to answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """Ask on the terminal and return the answer, without a question mark of our own; nothing where input ends."""
    print(clean_line(question), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def confirm(question: str) -> bool:
    """Ask for a yes or no; no is what enter means."""
    return ask(f"{question} [y/N]").casefold() in ("y", "yes")


def require_yes(question: str) -> None:
    """Have a question answered with yes.

    Raises:
        CommandError: no terminal is there to ask on, or the answer was no.
    """
    _require_terminal("use --yes to confirm")
    if not confirm(question):
        raise CommandError(ExitCode.FAILED, "Aborted. Nothing was changed.")


def require_typed(question: str, expected: str, instead: str = "use --yes to confirm") -> None:
    """Have `expected` typed as the confirmation.

    Args:
        question: what is about to be done, as a sentence.
        expected: what to type, such as a number of tasks.
        instead: what to do where no terminal is there.

    Raises:
        CommandError: no terminal is there to ask on, or something else was typed.
    """
    _require_terminal(instead)
    if ask(f"{question} Type {expected} to confirm:") != expected:
        raise CommandError(ExitCode.FAILED, "Aborted: the confirmation did not match. Nothing was changed.")


def _require_terminal(instead: str) -> None:
    if not can_ask():
        raise CommandError(ExitCode.USAGE, f"Not a terminal: {instead}. Nothing was changed.")
