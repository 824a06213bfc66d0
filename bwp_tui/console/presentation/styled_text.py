"""Text with roles, which the theme turns into styles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len

from bwp_tui.settings.profile import COLOURS, Profile

StyledText = tuple[str, str]
"""Text, and its role."""

HANGING_INDENT: Final[StyledText] = ("", "indent")
"""Stands in a line that wraps before the text under which its further lines begin."""

ENTRY_GAP: Final = "   "
"""Between the entries of a line that lists keys."""

_ROLES: Final = (
    *("plain", "muted", "strong", "good", "bad", "warn", "busy", "held"),
    *("accent", "key", "current", "found", "found-here"),
    *(f"badge-{colour}" for colour in COLOURS),
)
ROLES: Final = frozenset(f"role--{role}" for role in _ROLES)
"""Component classes of the roles. The app keeps their styles: Textual would match its rules anew for each widget."""


def badge_role(profile: Profile) -> str:
    """Return the role of a profile's name in the header: green in practice, else red, unless the profile says it."""
    return f"badge-{profile.colour or ('green' if profile.is_sandbox or profile.is_local else COLOURS[0])}"


def in_line_or_columns(entries: Sequence[str], width: int) -> Iterator[StyledText]:
    """Yield the entries, which begin with their keys, on one line, or in columns where they do not fit."""
    widest = max(map(cell_len, entries))
    is_line = cell_len(ENTRY_GAP.join(entries)) <= width
    columns = len(entries) if is_line else max(1, (width + len(ENTRY_GAP)) // (widest + len(ENTRY_GAP)))
    for place, entry in enumerate(entries):
        key, _, meaning = entry.partition(" ")
        if place:
            yield (ENTRY_GAP if place % columns else "\n ", "plain")
        yield (key, "key")
        yield (f" {meaning}{'' if is_line else ' ' * (widest - cell_len(entry))}", "plain")
