"""Parse the parameters of `CSI … m` (ECMA-48, SGR), and compute the shortest change from one style to another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_ATTRIBUTES: Final = frozenset(("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53"))
_FOREGROUNDS: Final = frozenset(str(code) for code in (*range(30, 38), *range(90, 98)))
_BACKGROUNDS: Final = frozenset(str(code) for code in (*range(40, 48), *range(100, 108)))
_EXTENDED: Final = {"2": 3, "5": 1}
"""How many numbers follow `38;` and `48;`, by the first of them."""

_OFF: Final = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27"}
"""What ends an attribute, and with it all others that have the same."""

_SEEN_ON_BLANKS: Final = frozenset(("4", "7", "9", "21", "51", "52", "53"))
"""Underlined, reversed, struck out, framed, overlined."""


class CellStyle(NamedTuple):
    """Attributes (bold, dim, …) and colours, each as SGR parameters; an empty colour is the terminal's own."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""


DEFAULT_STYLE: Final = CellStyle()


@lru_cache(maxsize=1024)
def parse_style(parameters: str) -> CellStyle | None:
    """Return the style that SGR parameters set, or None where one of them is unknown."""
    attributes: set[str] = set()
    foreground = background = ""
    codes = iter(parameters.split(";"))
    for code in codes:
        if code in ("", "0"):
            attributes, foreground, background = set(), "", ""
        elif code in _ATTRIBUTES:
            attributes.add(code)
        elif code in _FOREGROUNDS:
            foreground = code
        elif code in _BACKGROUNDS:
            background = code
        elif code == "39":
            foreground = ""
        elif code == "49":
            background = ""
        elif code in ("38", "48") and (colour := _extended(code, codes)):
            foreground, background = (colour, background) if code == "38" else (foreground, colour)
        else:
            return None
    return CellStyle(frozenset(attributes), foreground, background)


def _extended(code: str, codes: Iterator[str]) -> str | None:
    kind = next(codes, "")
    numbers = [next(codes, "") for _ in range(_EXTENDED.get(kind, 0))]
    return ";".join((code, kind, *numbers)) if numbers and all(numbers) else None


def blank_style(style: CellStyle, around: CellStyle = DEFAULT_STYLE) -> CellStyle:
    """Return the style closest to `around` in which a blank looks as it does in `style`."""
    if style.attributes & _SEEN_ON_BLANKS:
        return style
    return CellStyle(around.attributes - _SEEN_ON_BLANKS, around.foreground, style.background)


@lru_cache(maxsize=4096)
def style_change(before: CellStyle, after: CellStyle) -> str:
    """Return the shortest sequence that changes the style `before` to `after`."""
    if before == after:
        return ""
    if after == DEFAULT_STYLE:
        return "\x1b[0m"
    reset = ["0", *sorted(after.attributes), *filter(None, (after.foreground, after.background))]
    candidates = [reset]
    ends = {_OFF.get(attribute, "") for attribute in before.attributes - after.attributes}
    if "" not in ends:
        kept = {attribute for attribute in before.attributes if _OFF.get(attribute) not in ends}
        delta = [*sorted(ends), *sorted(after.attributes - kept)]
        if after.foreground != before.foreground:
            delta.append(after.foreground or "39")
        if after.background != before.background:
            delta.append(after.background or "49")
        candidates.append(delta)
    return min((f"\x1b[{';'.join(candidate)}m" for candidate in candidates), key=len)
