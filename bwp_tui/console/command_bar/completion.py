"""Find the completions at the cursor of a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bwp_tui.console.bindings.actions import LETTERS
from bwp_tui.console.bindings.commands import COMMANDS_BY_NAME
from bwp_tui.console.controllers.filter_prompt import complete_filter
from bwp_tui.domain.filter import VIEWS, View
from bwp_tui.domain.task import Kind
from bwp_tui.store.queries.filter_sql import SORTS

_LAST: Final = re.compile(r"\S*\Z")


def complete(views: Sequence[View], commands: Sequence[str], text: str, cursor: int) -> list[tuple[int, int, str]]:
    """Return the completions at the cursor, for a `TabCompleter`; `commands` are those that fit the text."""
    start = next(found.start() for found in _LAST.finditer(text, 0, cursor))
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
        known = tuple(f"{kind} " for kind in LETTERS)
    elif before == ["views"]:
        known = ("save ", "delete ", "list")
    elif before[:2] == ["views", "delete"]:
        start = text.index("delete") + len("delete ")
        typed = text[start:cursor].casefold()
        known = tuple(view.name for view in views if view not in VIEWS)
    elif before[0] in ("list", "filter"):
        behind = text.index(before[0]) + len(before[0]) + 1
        return [
            (behind + at, behind + end, insert) for at, end, insert in complete_filter(text[behind:], cursor - behind)
        ]
    else:
        known = COMMANDS_BY_NAME[before[0]].options if typed.startswith("-") and before[0] in COMMANDS_BY_NAME else ()
    return [(start, cursor, name) for name in known if name.casefold().startswith(typed) and name.strip() != typed]
