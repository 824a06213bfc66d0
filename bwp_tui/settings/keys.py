"""Hold the lines of the config file's `[keys]` table."""

from __future__ import annotations

from typing import NamedTuple


class KeySetting(NamedTuple):
    """The keys of an action as the file has them; the console checks both.

    Attributes:
        keys: empty if the file has neither a text nor a list of texts.
        place: the file and the line, for messages.
    """

    action: str
    keys: tuple[str, ...]
    place: str
