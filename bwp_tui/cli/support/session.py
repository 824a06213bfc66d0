"""Open the profile of a command and its history, and find the tasks that it names."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bwp_tui.cli.exit_codes import CommandError, Effect
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.downloads import Download
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

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed: the profile says so, or its history cannot be written."""
        return self.profile.read_only or self.store.read_only_reason is not None

    def has_engine(self) -> bool:
        """Return whether a process is the engine of the profile."""
        from bwp_tui.engine.runtime.lease import is_any_engine_running

        return is_any_engine_running(self.profile.lease_path)

    def has_sending_engine(self) -> bool:
        """Return whether a process is the engine of the profile and sends requests: a read-only one does not."""
        from bwp_tui.store.worklog import engine_state

        return self.has_engine() and engine_state.read(self.store).max_ability is engine_state.Ability.ALL

    def actual_download(self, download: Download) -> Download:
        from bwp_tui.engine.runtime.lease import misses_heartbeats

        is_stalled = partial(misses_heartbeats, self.profile.lease_path)
        return download.as_engine_left(has_engine=self.has_engine, is_stalled=is_stalled)


def chosen_profile(arguments: Namespace, *, changes: bool = True) -> Profile:
    """Load the profile of a command; the only place where a read-only profile refuses commands.

    `changes` is False if this use of the command changes nothing.
    """
    profile = load_profile(arguments.profile, os.environ)
    if profile.read_only and changes and arguments.effect is Effect.CHANGES:
        words = (arguments.command_name, getattr(arguments, "action", None))  # the rest of the command may be allowed
        raise CommandError(read_only_sentence(profile, " ".join(filter(None, words))))
    return profile


def read_only_sentence(profile: Profile, command: str) -> str:
    """Return the sentence that refuses a command in a read-only profile."""
    return f"Profile {profile.name} is read-only, so {command} is refused; see its setting read_only."


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
def without_engine(profile: Profile, error: CommandError) -> Iterator[None]:
    """Keep engines of the profile from starting during the block; raise `error` if one is running."""
    from bwp_tui.engine.runtime.lease import Lease
    from bwp_tui.store.database.open import create_folder

    create_folder(profile.folder)
    lease = Lease(profile.lease_path)
    if not lease.acquire():
        raise error
    try:
        yield
    finally:
        lease.release()


TASK_NUMBER: Final = re.compile(r"#?\d+")
"""A word that names a task by its number."""


def find_tasks(store: Store, names: Sequence[str]) -> list[int]:
    """Return the numbers of the named tasks, each once, in order; NoSuchTask names what fits no single task."""
    return list(dict.fromkeys(tasks.find_by_name(store, name).number for name in names))


def require_credentials(profile: Profile) -> None:
    """Refuse to record requests without credentials, which say for which shop they are."""
    if profile.missing():
        from bwp_tui.engine.runtime.engine_config import no_credentials

        raise no_credentials(profile)
