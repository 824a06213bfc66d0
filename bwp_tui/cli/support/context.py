"""Share what commands need: the profile with its open history, tasks by name, questions to the operator."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bwp_tui.cli.exit_codes import CommandError, Effect, ExitCode
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.deadlines import day_warning, future_everywhere_mistake
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Download
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import day_of_word, local_day, typed_day, utc_now, zone_name
from bwp_tui.settings import Profile, actor, load_profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks


@dataclass(frozen=True, slots=True)
class CommandSession:
    """The profile of a command, its open history, and the actor."""

    profile: Profile
    store: Store
    actor: str

    def has_engine(self) -> bool:
        """Return whether a process is the engine of the profile."""
        from bwp_tui.engine.runtime.lease import is_any_engine_running

        return is_any_engine_running(self.profile.lease_path)

    def actual_download(self, download: Download) -> Download:
        """Return a running download as queued where no engine runs, and without a rate where the engine stalls."""
        from bwp_tui.engine.runtime.lease import misses_heartbeats

        if download.state != DownloadState.RUNNING:
            return download
        if not self.has_engine():
            return download._replace(state=DownloadState.QUEUED, rate=None)  # as the next engine finds it
        return download._replace(rate=None) if misses_heartbeats(self.profile.lease_path) else download


def chosen_profile(arguments: Namespace, *, changes: bool = True) -> Profile:
    """Load the profile of a command; the only place where a read-only profile refuses commands.

    `changes` is False if this use of the command changes nothing.
    """
    profile = load_profile(arguments.profile, os.environ)
    if profile.read_only and changes and arguments.effect is Effect.CHANGES:
        raise CommandError(
            ExitCode.USAGE,
            f"Profile {profile.name} is read-only, so {arguments.command_name} is refused; see BWP_READ_ONLY.",
        )
    return profile


@contextmanager
def open_session(arguments: Namespace, *, changes: bool = True) -> Iterator[CommandSession]:
    """Open the history of the chosen profile during the block."""
    profile = chosen_profile(arguments, changes=changes)
    with ExitStack() as stack:
        path = profile.history_path
        reads = arguments.effect is Effect.READS or not changes
        if reads and not path.parent.exists():
            from tempfile import TemporaryDirectory  # rarely needed

            # Nothing is created: the folder may be on a disk that is not mounted now.
            print_message(f"There is no history yet at {path}.")
            path = Path(stack.enter_context(TemporaryDirectory())) / path.name
        store = open_store(path)
        stack.callback(store.close)
        if store.opening_report is not None:
            print_message(store.opening_report)
        store.require_shop(profile.shop, deletions_need_approval=profile.deletions_need_approval)
        yield CommandSession(profile, store, actor(os.environ, profile.actor, profile.is_team))


@contextmanager
def without_engine(profile: Profile, refusal: CommandError) -> Iterator[None]:
    """Keep engines of the profile from starting during the block; raise `refusal` if one is running."""
    from bwp_tui.engine.runtime.lease import Lease
    from bwp_tui.store.database.open import create_folder

    create_folder(profile.folder)
    lease = Lease(profile.lease_path)
    if not lease.acquire():
        raise refusal
    try:
        yield
    finally:
        lease.release()


def find_tasks(store: Store, names: Sequence[str]) -> list[int]:
    """Return the numbers of the named tasks, each once, in order; NoSuchTask names what fits no single task."""
    return list(dict.fromkeys(tasks.find_by_name(store, name).number for name in names))


def today() -> date:
    """Return the calendar day in the shop's time zone."""
    return local_day(utc_now())


def resolved_day(typed: date | str) -> date:
    """Return the day that an option names; for a word it is printed."""
    if not isinstance(typed, str):
        return typed
    day = typed_day(typed, today())
    if day is None:
        raise AssertionError(typed)  # `argument_types.any_day` has read it
    print_message(f"“{typed}” is {day_of_word(typed, today())}.")
    return day


def checked_day(typed: date | str) -> date:
    """Return the day of an event in the past that an option names; print its warning."""
    day = resolved_day(typed)
    if reason := future_everywhere_mistake(day, today()):
        raise CommandError(
            ExitCode.USAGE, f"{reason} In the shop's time zone it is {today()} ({zone_name()}). Nothing was recorded."
        )
    if warning := day_warning(day, today()):
        print_message(f"Warning: {warning}")
    return day


def can_ask() -> bool:
    """Return whether stdin is a terminal, so that a question can be answered."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str | None:
    """Ask on the terminal and return the answer; None at the end of input."""
    print(clean_line(question), end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.strip() if line else None


def ask_yes_no(question: str) -> bool:
    """Ask on the terminal; enter means no."""
    return (ask(f"{question} [y/N]") or "").casefold() in ("y", "yes")


def require_credentials(profile: Profile) -> None:
    """Refuse to record requests without credentials, which say for which shop they are."""
    if profile.missing():
        from bwp_tui.engine.runtime.engine_config import no_credentials

        raise no_credentials(profile)


@contextmanager
def _interrupt_as_refusal() -> Iterator[None]:
    """Take ctrl+c at a question of the block for a refusal."""
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)  # behind the question
        raise CommandError(ExitCode.INTERRUPTED, "Aborted. Nothing was changed.") from None


def require_yes(question: str) -> None:
    """Have a question answered with yes; enter means no."""
    require_interactive("use --yes to confirm")
    with _interrupt_as_refusal():
        is_yes = ask_yes_no(question)
    if not is_yes:
        raise CommandError(ExitCode.FAILED, "Aborted. Nothing was changed.")


def require_typed(question: str, expected: str, instead: str = "use --yes to confirm") -> None:
    """Have `expected` typed to confirm `question`; `instead` is what to do where no terminal is there."""
    require_interactive(instead)
    with _interrupt_as_refusal():
        typed = ask(f"{question} Type {expected} to confirm:")
    if typed != expected:
        raise CommandError(ExitCode.FAILED, "Aborted: the confirmation did not match. Nothing was changed.")


def require_interactive(instead: str) -> None:
    """Refuse to go on where stdin is no terminal to ask on; `instead` is what to do there."""
    if not can_ask():
        raise CommandError(ExitCode.USAGE, f"Not a terminal: {instead}. Nothing was changed.")
