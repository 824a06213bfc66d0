"""Finding text without reading every row: the pieces of three letters that a text must have.

What the index of pieces finds may fit and is compared with the row itself; what it does not find cannot fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from bwp_tui.store.database.connection import Store, as_int

TRIGRAM: Final = 3
"""Letters of a piece: the tokenizer's own, and so the shortest text the index helps to find."""

MAX_MATCHES: Final = 20_000
"""A text that more rows may have is not looked up: it is found soon by reading, a page of them at once."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")


class Index(StrEnum):
    """The tables of pieces: of the tasks by local number, and of every note by its line of the timeline."""

    WORDS = "words"
    NOTES = "note_words"


Narrowing = Callable[[Index, str], str | None]
"""Returns the question to an index for the rows that may contain a text, or None where reading all is better."""


REBUILD: Final = (
    "INSERT INTO words (words) VALUES ('delete-all')",
    "INSERT INTO words (rowid, text)"
    " SELECT number, email || char(10) || note || char(10) || tags || char(10) || errors FROM tasks",
    "INSERT INTO note_words (note_words) VALUES ('delete-all')",
    "INSERT INTO note_words (rowid, text) SELECT id, detail FROM timeline WHERE what = 'note' AND detail IS NOT NULL",
)
"""What makes both indexes anew: no piece of a text that is gone is left, as it is where rows are only deleted."""


def full_scan(_index: Index, _text: str) -> None:
    """Use no index."""


def narrowing(store: Store) -> Narrowing:
    """Return what tells where the indexes of this register help."""

    def narrow(index: Index, text: str) -> str | None:
        question = _fts_query(text)
        return question if question is not None and _is_rare(store, index, question) else None

    return narrow


def as_stored(value: str) -> str | None:
    """Return how a tag or a code stands in its column, or None where that has more than one spelling."""
    return f'"{value}"' if _PLAIN.fullmatch(value) else None


def _fts_query(text: str) -> str | None:
    """Return a question for all pieces of `text`; each is one token, since the index keeps no places."""
    pieces = dict.fromkeys(text[at : at + TRIGRAM] for at in range(len(text) - TRIGRAM + 1))
    quoted = [piece.replace('"', '""') for piece in pieces]
    return " AND ".join(f'"{piece}"' for piece in quoted) or None


def _is_rare(store: Store, index: Index, question: str) -> bool:
    row = store.row(
        f"SELECT count(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH ? LIMIT ?)", (question, MAX_MATCHES + 1)
    )
    return row is not None and as_int(row[0]) <= MAX_MATCHES
