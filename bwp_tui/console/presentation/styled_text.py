"""Text with roles, which the theme turns into styles."""

from __future__ import annotations

from typing import Final

from bwp_tui.settings.profile import COLOURS, Profile

StyledText = tuple[str, str]
"""Text, and its role."""

HANGING_INDENT: Final[StyledText] = ("", "indent")
"""Stands in a line that wraps before the text under which its further lines begin."""

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
