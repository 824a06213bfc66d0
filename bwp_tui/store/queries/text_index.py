"""Search text by trigram indexes, without reading every row.

A row that the index finds may match and is then compared itself; a row that it does not find cannot match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from bwp_tui.store.database.connection import Store

TRIGRAM: Final = 3
"""Letters of a trigram, and so of the shortest text for which an index helps."""

MAX_MATCHES: Final = 20_000
"""Matches above which the index is not used: reading the rows finds a page of them as soon."""

_PLAIN: Final = r"[A-Za-z0-9_-]+"


class Index(StrEnum):
    """The index tables: of tasks by number, and of notes by their timeline event."""

    WORDS = "words"
    NOTES = "note_words"


IndexLookup = Callable[[Index, str], str | None]
"""Called with an index and a text; returns the FTS query, or None where all rows are to be read."""


REBUILD: Final = (
    "INSERT INTO words (words) VALUES ('delete-all')",
    "INSERT INTO words (rowid, text)"
    " SELECT number, email || char(10) || note || char(10) || tags || char(10) || errors FROM tasks",
    "INSERT INTO note_words (note_words) VALUES ('delete-all')",
    "INSERT INTO note_words (rowid, text) SELECT id, detail FROM timeline WHERE what = 'note' AND detail IS NOT NULL",
)
"""The statements that rebuild both indexes: deleting rows alone leaves trigrams of removed texts."""


def no_lookup(_index: Index, _text: str) -> None:
    """Use no index."""


def index_lookup(store: Store) -> IndexLookup:
    """Return the look-up that uses the indexes of this history where they help."""

    def look_up(index: Index, text: str) -> str | None:
        query = _fts_query(text)
        if query is None:
            return None
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH ? LIMIT ?)"
        return query if store.integer(sql, (query, MAX_MATCHES + 1)) <= MAX_MATCHES else None

    return look_up


def as_stored(value: str) -> str | None:
    """Return a tag or a code as its JSON column has it, or None if it can be spelled in several ways."""
    return f'"{value}"' if re.fullmatch(_PLAIN, value) else None


def _fts_query(text: str) -> str | None:
    """Return an FTS query for all trigrams of `text`, each as one token: the index keeps no positions."""
    trigrams = dict.fromkeys(text[at : at + TRIGRAM] for at in range(len(text) - TRIGRAM + 1))
    quoted = [trigram.replace('"', '""') for trigram in trigrams]
    return " AND ".join(f'"{trigram}"' for trigram in quoted) or None
