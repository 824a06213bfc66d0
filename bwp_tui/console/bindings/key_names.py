"""Names of keys: as operators write them, as Textual spells them, as they are shown."""

from __future__ import annotations

import string
import unicodedata
from typing import Final

from textual.keys import KEY_NAME_REPLACEMENTS


def _name_of(character: str) -> str:
    name = unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


_CHARACTERS: Final = {_name_of(character): character for character in string.punctuation}
_SHOWN: Final = {
    **_CHARACTERS,
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "delete": "del",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "shift+down": "⇧↓",
    "shift+up": "⇧↑",
    "shift+left": "⇧←",
    "shift+right": "⇧→",
}
_WRITTEN: Final = {
    **{character: name for name, character in _CHARACTERS.items()},
    " ": "space",
    "esc": "escape",
    "return": "enter",
    "pgdn": "pagedown",
    "pgup": "pageup",
    "del": "delete",
    "ins": "insert",
}
_NAMED: Final = frozenset(
    (
        *("space", "enter", "escape", "tab", "backspace", "delete", "insert", "home", "end"),
        *("pageup", "pagedown", "up", "down", "left", "right"),
        *(f"f{number}" for number in range(1, 13)),
    )
)
_WITH_MODIFIERS: Final = _NAMED - {"space", "enter", "escape", "backspace"}
_SAME_BYTES: Final = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+j": "enter",
    "ctrl+h": "backspace",
    "ctrl+[": "esc",
}
_RESERVED: Final = ("ctrl+c", "ctrl+q")


class InvalidKey(Exception):
    """A text names no key that a terminal sends and that is free; the message continues a sentence about it."""


def key_text(key: str) -> str:
    """Return a key of Textual's spelling as operators know it."""
    return _SHOWN.get(key, key)


def parse_key(text: str) -> str:
    """Return Textual's spelling of a key that an operator wrote: `/`, `R`, `ctrl+d`, `f5`, `pgdn`.

    Raises:
        InvalidKey: there is no such key, or the terminal sends the same bytes for another.
    """
    if len(text) == 1 and (text.isalnum() or text in _WRITTEN):
        return _WRITTEN.get(text, text)
    key = _WRITTEN.get(text.casefold(), text.casefold())
    if key in _NAMED or key in _CHARACTERS:
        return key
    if key in _SAME_BYTES:
        raise InvalidKey(f"reaches a program as {_SAME_BYTES[key]}; choose another key")
    if key in _RESERVED:
        raise InvalidKey("ends a program; choose another key")
    modifier, _, base = key.partition("+")
    base = _WRITTEN.get(base, base)
    if modifier == "ctrl" and (base in string.ascii_lowercase or base in _WITH_MODIFIERS) and base:
        return f"ctrl+{base}"
    if modifier == "shift" and base in _WITH_MODIFIERS:
        return f"shift+{base}"
    if modifier == "shift" and len(base) == 1 and base.isalpha():
        raise InvalidKey(f"is the capital letter; write {base.upper()}")
    if modifier == "alt":
        raise InvalidKey("reaches a program as esc and another key; choose another one")
    raise InvalidKey("is no key; write one such as d, R, /, ctrl+d, f5 or pgdn")
