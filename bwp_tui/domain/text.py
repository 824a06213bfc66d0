"""Foreign text made safe to show, and addresses made safe to be seen.

A terminal obeys control characters wherever they come from. Text of the service, of shoppers, of files and of
operators passes through `clean` once, where it enters the program.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 4_000
"""Characters kept of one foreign text, its escapes counted; the rest is replaced by an ellipsis."""

_UNSAFE: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # invisible fillers, the Arabic letter mark
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, separators, bidi
    "\ufeff\ufff0-\ufffc\ufe00-\ufe0f"  # byte-order mark, annotations, variation selectors
    "\ud800-\udfff"  # lone surrogates, which no terminal can be sent
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical formatting
    "\U000e0000-\U000e0fff"  # tags
    "]"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str) -> str:
    """Return `text` with every character that steers a terminal, or hides, written as an escape.

    Tabs become spaces, newlines stay, and no more than `LONGEST` characters and an ellipsis come back. Cleaning
    twice is cleaning once.
    """
    # Cut before, so that a huge text costs little, and after, since each escape is longer than its character.
    return _cut(escaped(_cut(text).replace("\t", "    ")))


def escaped(text: str) -> str:
    """Return `text`, however long, with every character that steers a terminal, or hides, written as an escape."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n"))


def unsafe_at(text: str) -> int | None:
    """Return where the first character stands that `clean` would write as an escape, or None."""
    found = _UNSAFE.search(text)
    return None if found is None else found.start()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def clean_line(text: str) -> str:
    """`clean` for a place of one line: runs of white space become one blank."""
    return " ".join(clean(text).split())


def mask_email(email: str) -> str:
    """Return `email` with all of its local part but the first letter hidden: `j•••@example.com`."""
    local, at, host = email.rpartition("@")
    return f"{local[:1]}•••{at}{host}" if at else f"{email[:1]}•••"


def veil(text: str, email: str) -> str:
    """Return `text` with `email` masked wherever it stands in it."""
    return text.replace(email, mask_email(email)) if email else text


def counted(count: int, noun: str) -> str:
    """Return a count with what is counted: `1 task`, `2 tasks`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """Return the one of `known` that `word` was probably meant to be, or None."""
    import difflib  # costs more than the rest of this module, and only a mistake needs it

    found = difflib.get_close_matches(word.casefold(), known, n=1, cutoff=0.5)
    return found[0] if found else None
