"""`bwp-tui completion`: complete commands, options, tasks, filters, views and profiles in a shell."""

from __future__ import annotations

import os
from argparse import Action, Namespace, _SubParsersAction
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from typing import Final

from bwp_tui.cli.parser import build_parser
from bwp_tui.cli.support.days import today
from bwp_tui.domain.filter import complete as complete_filter
from bwp_tui.domain.filter import parse
from bwp_tui.settings import SettingsError, config_path, load_profile
from bwp_tui.settings.configfile import read_config
from bwp_tui.store.commands.saved_views import all_views
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import is_flagged
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks

_OFFERED_TASKS: Final = 100

_Completer = Callable[[str, Namespace], Mapping[str, str]]
"""Returns the words that begin so, each with what it is."""


def completion(arguments: Namespace) -> None:
    """Print the code that a shell runs to complete the words of `bwp-tui`."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["bwp-tui"], shell=arguments.shell))


def answer_shell() -> None:
    """Print the words that complete the command line in the environment, and end the process."""
    import argcomplete

    parser, _ = build_parser()
    for action in _actions(parser._actions):
        form = str(action.metavar or "").split()
        completer = _COMPLETERS.get(action.dest) or (_COMPLETERS.get(form[0].strip("…")) if form else None)
        if completer is not None:
            vars(action)["completer"] = _called_by_keywords(completer)
    argcomplete.autocomplete(parser, always_complete_options=False, exclude=["-h"])


def _called_by_keywords(completer: _Completer) -> Callable[..., Mapping[str, str]]:
    def call(*, prefix: str, parsed_args: Namespace, **_: object) -> Mapping[str, str]:
        with suppress(SettingsError, StoreError, OSError):
            return completer(prefix, parsed_args)
        return {}

    return call


def _actions(actions: list[Action]) -> Iterator[Action]:
    for action in actions:
        yield action
        if isinstance(action, _SubParsersAction):
            for parser in action.choices.values():
                yield from _actions(parser._actions)


def _tasks(prefix: str, arguments: Namespace) -> Mapping[str, str]:
    with closing(_history(arguments)) as store:
        newest = tasks.matching(store, parse(""), today=today(), limit=_OFFERED_TASKS)
    names = {str(task.number): task for task in newest} | {task.task_id or "": task for task in newest if prefix}
    return {
        name: f"{task.kind_name} {task.status} {task.email_text(masked=True)}"
        for name, task in names.items()
        if name.startswith(prefix)
    }


def _filters(prefix: str, arguments: Namespace) -> Mapping[str, str]:
    with closing(_history(arguments)) as store:
        tags = tasks.tags_in_use(store)
    return {f"{prefix[:start]}{text}": "" for start, _, text in complete_filter(prefix, len(prefix), tags)}


def _views(_prefix: str, arguments: Namespace) -> Mapping[str, str]:
    with closing(_history(arguments)) as store:
        return {view.name: view.filter for view in all_views(store)}


def _profiles(_prefix: str, _arguments: Namespace) -> Mapping[str, str]:
    return dict.fromkeys(read_config(config_path(os.environ), required=False).profiles, "")


def _history(arguments: Namespace) -> Store:
    profile = load_profile(getattr(arguments, "profile", None), os.environ)
    if not profile.history_path.exists() or is_flagged(profile.history_path):  # a command that says so recovers it
        raise FileNotFoundError(profile.history_path)
    return open_store(profile.history_path)


_COMPLETERS: Final[Mapping[str, _Completer]] = {
    "profile": _profiles,
    "view": _views,
    "TASK": _tasks,
    "TASK|FILE": _tasks,
    "FILTER": _filters,
}
"""What completes an argument, by its name or by how it is written in the help."""
