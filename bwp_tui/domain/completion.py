"""Complete a filter while it is typed, and find the texts that it matches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from bwp_tui.domain.filter import WORD, Filter, TextClause, ValueClause
from bwp_tui.domain.filter_fields import FIELDS, Match

MOST: Final = 12
"""Maximum number of completions."""

_LAST_VALUE: Final = re.compile(r'(?:"[^"]*"?|[^,"])*\Z')
_END_OF_VALUE: Final = re.compile(r'[^\s,"]*')
_QUOTED: Final = re.compile(r"[\s,]")


class Completion(NamedTuple):
    """A replacement of the text from `start` to `end` by `insert`; `what` says what it is."""

    start: int
    end: int
    insert: str
    what: str


def complete(text: str, cursor: int, tags: Sequence[str]) -> tuple[Completion, ...]:
    """Return completions at the cursor; none where any text may follow.

    Args:
        cursor: where in `text`, from 0 to its length.
        tags: those in use.
    """
    word = _word_before(text, cursor)
    field = word["field"]
    if field is None:
        start = word.start("value")
        typed = text[start:cursor]
        end = _END_OF_VALUE.match(text, cursor)
        # A word that goes on behind the cursor has its field already.
        return _fields(start, cursor, typed) if end is not None and end.end() == cursor else ()
    last = _LAST_VALUE.search(text, word.start("value"), cursor)
    start = cursor if last is None else last.start()
    return _values(field.casefold(), start, cursor, text, tags)


def highlights(task_filter: Filter) -> tuple[str, ...]:
    """Return the texts to highlight: bare words, and the values of the fields of text."""
    texts: list[str] = []
    for clause in task_filter.clauses:
        if isinstance(clause, TextClause) and not clause.negated:
            texts.append(clause.text)
        elif isinstance(clause, ValueClause) and not clause.negated and FIELDS[clause.field].is_text:
            texts += clause.values
    return tuple(dict.fromkeys(texts))


def spans(shown: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return where `words` occur in a text, ignoring case, as ordered disjoint (start, end)."""
    disjoint: list[tuple[int, int]] = []
    matches = (match.span() for word in words if word for match in re.finditer(re.escape(word), shown, re.IGNORECASE))
    for start, end in sorted(matches):
        if disjoint and start <= disjoint[-1][1]:
            disjoint[-1] = (disjoint[-1][0], max(disjoint[-1][1], end))
        else:
            disjoint.append((start, end))
    return tuple(disjoint)


def _word_before(text: str, cursor: int) -> re.Match[str]:
    """Return the word of the filter that ends at the cursor; it may be empty."""
    return next(match for match in WORD.finditer(text, 0, cursor) if match.end() == cursor)


def _fields(start: int, end: int, typed: str) -> tuple[Completion, ...]:
    typed = typed.casefold()
    if typed and not typed.isalpha():
        return ()
    specs = [spec for spec in FIELDS.values() if spec.key.startswith(typed)]
    return tuple(Completion(start, end, f"{spec.key}{spec.operator}", spec.help) for spec in specs)


def _values(field: str, start: int, cursor: int, text: str, tags: Sequence[str]) -> tuple[Completion, ...]:
    typed = text[start:cursor].lstrip('"').casefold()
    match = _END_OF_VALUE.match(text, cursor)
    end = cursor if match is None else match.end()
    spec = FIELDS.get(field)
    known = () if spec is None else tags if spec.match is Match.TAG else spec.offers
    # The grammar has no way to write a quotation mark in a value.
    fitting = [value for value in known if value.casefold().startswith(typed) and '"' not in value]
    return tuple(Completion(start, end, _quoted(value), field) for value in fitting[:MOST])


def _quoted(value: str) -> str:
    return f'"{value}"' if _QUOTED.search(value) else value
