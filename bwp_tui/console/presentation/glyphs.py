"""Choose the signs that a terminal can show."""

from __future__ import annotations

import locale
import os
from typing import Final, NamedTuple

from bwp_tui.domain.text import is_utf8, lacks_symbols, to_ascii


class Glyphs(NamedTuple):
    """Signs, each one cell wide and an addition to a word that says the same."""

    done: str = "✓"
    wrong: str = "✗"
    held: str = "◷"
    queued: str = "…"
    busy: str = "▸"
    unknown: str = "?"
    ended: str = "-"
    fetch: str = "⇣"
    paused: str = "‖"
    cursor: str = "›"
    mark: str = "+"
    watched: str = "◉"
    cut: str = "…"
    rising: str = "▲"
    falling: str = "▼"
    more_left: str = "«"
    more_right: str = "»"
    ascii_only: bool = False

    def drawable(self, text: str) -> str:
        """Return `text` as the terminal can show it."""
        return to_ascii(text) if self.ascii_only else text


UNICODE: Final = Glyphs()
ASCII: Final = Glyphs(
    done="+",
    wrong="x",
    held="~",
    queued=".",
    busy=">",
    fetch="v",
    paused="=",
    cursor=">",
    mark="*",
    watched="@",
    cut="~",
    rising="^",
    falling="v",
    more_left="<",
    more_right=">",
    ascii_only=True,
)


def glyphs_for(encoding: str) -> Glyphs:
    """Return the signs that a terminal of this character encoding can show."""
    return UNICODE if is_utf8(encoding) else ASCII


def locale_glyphs() -> Glyphs:
    """Return the signs for the locale and the terminal that this process runs in. `setlocale` is never called."""
    glyphs = glyphs_for(locale.getencoding())
    return ASCII._replace(ascii_only=glyphs.ascii_only) if lacks_symbols(os.environ.get("TERM", "")) else glyphs
