"""The lines of the config file's `[keys]` table."""

from __future__ import annotations

from typing import NamedTuple


class KeySetting(NamedTuple):
    """Which keys are to do what. Whether there is such an action and such a key is the console's to know.

    Attributes:
        keys: empty where the file gives neither a text nor a list of texts.
        place: the file and the line, as a sentence about it begins.
    """

    action: str
    keys: tuple[str, ...]
    place: str
