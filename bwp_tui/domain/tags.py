"""Check tags."""

from __future__ import annotations

import unicodedata
from typing import Final

from bwp_tui.domain.text import clean_line


def tag_error(word: str) -> str | None:
    """Return why `word` cannot be a tag, or None."""
    if any(letter.isalnum() or unicodedata.category(letter) == _PICTURE for letter in word):
        return None
    return f"“{clean_line(word)}” is not a tag: a tag needs a letter or a digit."


_PICTURE: Final = "So"
"""The category of stars and of emoji."""
