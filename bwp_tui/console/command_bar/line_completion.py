"""Find the completions at the cursor of a command line."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from bwp_tui.console.bindings.actions import LETTER_KINDS
from bwp_tui.console.bindings.prompt_commands import CLI_LINES, COMMANDS_BY_NAME
from bwp_tui.console.controllers.filter_prompt import complete_filter
from bwp_tui.console.store_access.shop_list import profile_names
from bwp_tui.domain.task import Kind
from bwp_tui.domain.views import BUILT_IN_VIEWS, View
from bwp_tui.settings.checks import with_home
from bwp_tui.settings.profile import THEMES
from bwp_tui.store.queries.orders import SORTS

_LAST_WORD: Final = re.compile(r"\S*\Z")
_SPLITS_WORD: Final = re.compile(r"[\s\"']")
_MAX_ENTRIES: Final = 10_000
"""Entries of a folder that are looked at."""


def complete(views: Sequence[View], commands: Sequence[str], text: str, cursor: int) -> list[tuple[int, int, str]]:
    """Return the completions at the cursor, for a `TabCompleter`; `commands` are those that fit the text."""
    start = next(found.start() for found in _LAST_WORD.finditer(text, 0, cursor))
    typed, before = text[start:cursor].casefold(), text[:start].split()
    if not before:
        return [(start, cursor, f"{name} ") for name in commands if f"{name} " != text]
    if before[-1] in ("--sort", "sort"):
        known = tuple(SORTS)
    elif before[-1] in ("--view", "view"):
        known = tuple(view.name for view in views)
    elif before == ["submit"]:
        known = tuple(f"{kind.value.casefold()} " for kind in Kind)
    elif before == ["letter"]:
        known = tuple(f"{kind} " for kind in LETTER_KINDS)
    elif before == ["theme"]:
        known = THEMES
    elif before[0] in CLI_LINES:
        known = _completions_in_cli_line(CLI_LINES[before[0]].arguments, text[start:cursor], is_first=len(before) == 1)
        typed = ""
    elif before == ["profile"]:
        known = profile_names(os.environ)
    elif before == ["views"]:
        known = ("save ", "delete ", "list")
    elif before[:2] == ["views", "delete"]:
        start = text.index("delete") + len("delete ")
        typed = text[start:cursor].casefold()
        known = tuple(view.name for view in views if view not in BUILT_IN_VIEWS)
    elif before[0] in ("list", "filter"):
        behind = text.index(before[0]) + len(before[0]) + 1
        return [
            (behind + at, behind + end, insert) for at, end, insert in complete_filter(text[behind:], cursor - behind)
        ]
    else:
        known = COMMANDS_BY_NAME[before[0]].options if typed.startswith("-") and before[0] in COMMANDS_BY_NAME else ()
    return [(start, cursor, name) for name in known if name.casefold().startswith(typed) and name.strip() != typed]


def _completions_in_cli_line(arguments: str, typed: str, *, is_first: bool) -> tuple[str, ...]:
    """Return the completions of a word of a command line: its actions, and the paths of files."""
    if is_first and "|" in arguments:
        return tuple(action for action in arguments.split("|") if action.startswith(typed) and action != typed)
    return _paths(typed) if "FILE" in arguments or "/" in typed else ()


def _paths(typed: str) -> tuple[str, ...]:
    """Return the paths that begin so; one with blanks or quotation marks would not be one word."""
    folder, slash, start = typed.rpartition("/")
    try:
        with os.scandir(with_home(f"{folder}{slash}") or ".") as entries:
            names = sorted(f"{entry.name}{'/' if entry.is_dir() else ''}" for entry in islice(entries, _MAX_ENTRIES))
    except OSError:
        return ()
    fitting = (name for name in names if name.startswith(start) and name.startswith(".") <= start.startswith("."))
    return tuple(f"{folder}{slash}{name}" for name in fitting if not _SPLITS_WORD.search(name))
