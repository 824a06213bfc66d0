"""Sizes at which a screen's layout changes."""

from __future__ import annotations

from typing import Final

from textual.geometry import Size

NARROW: Final = 76
"""Columns of the terminal below which bars are shortened as far as they can be."""

WIDE: Final = 100
"""Columns of the terminal from which two columns of text fit side by side."""

LIST_NARROW: Final = 74
"""Cells of a list's line below which a column is left out."""

LIST_WIDE: Final = 98
"""Cells of a list's line from which it has all its columns."""

LOW: Final = 18
"""Lines of the terminal below which no line is left blank."""

TALL: Final = 28
"""Lines of the terminal from which details are shown under a list, else instead of it."""


def is_split(size: Size) -> bool:
    """Say whether a terminal has room for the task table and the details."""
    return size.width >= WIDE and size.height >= TALL
