"""Complete a filter while it is typed, and find the texts that it matches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bwp_tui.domain.advice import KNOWN_CODES
from bwp_tui.domain.deadlines import REGULATIONS
from bwp_tui.domain.filter import (
    AHEAD,
    BEHIND,
    FIELDS,
    NOBODY,
    STATES,
    YES_OR_NO,
    Filter,
    TextClause,
    ValueClause,
)
from bwp_tui.domain.task import Kind, Status

MOST: Final = 12
"""Maximum number of completions."""

_WHAT: Final = {
    "status": "status, such as failed",
    "kind": "retrieval or deletion",
    "age": "time since submission: age>2d",
    "due": "due date: due<7d; due:over is overdue",
    "is": "shortcut: is:active, is:failed",
    "error": "error code",
    "tag": "tag",
    "note": "text in a note",
    "email": "text in the email",
    "id": "beginning of the task id",
    "regulation": "regulation, such as gdpr",
    "assigned": "assignee: assigned:none",
    "verified": "whether the identity was verified",
    "extended": "whether the due date was extended",
    "ack": "receipt to be acknowledged: ack<3d",
    "received": "day of receipt: received<30d",
    "submitted": "day of submission: submitted>2026-11-01",
}
_OPERATOR: Final = {"age": ">", "due": "<", "ack": "<", "received": "<", "submitted": "<"}
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "status": tuple(status.value.casefold() for status in Status),
    "kind": tuple(kind.value.casefold() for kind in Kind),
    "is": STATES,
    "regulation": tuple(REGULATIONS),
    "verified": YES_OR_NO,
    "extended": YES_OR_NO,
    "error": KNOWN_CODES,
    "assigned": (NOBODY,),
    "age": ("1h", "1d", "2d", "1w"),
    "due": (*AHEAD["due"], "3d", "7d", "14d"),
    "ack": (*AHEAD["ack"], "3d"),
    "received": (*BEHIND, "7d", "30d"),
    "submitted": (*BEHIND, "7d", "30d"),
}
_TYPED: Final = re.compile(r'(?P<minus>-?)(?:(?P<field>[A-Za-z]+)(?P<op><=|>=|[:<>=]))?(?P<rest>(?:"[^"]*"?|[^\s"])*)')
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
        start = word.start("rest")
        typed = text[start:cursor]
        end = _END_OF_VALUE.match(text, cursor)
        # A word that goes on behind the cursor has its field already.
        return _fields(start, cursor, typed) if end is not None and end.end() == cursor else ()
    last = _LAST_VALUE.search(text, word.start("rest"), cursor)
    start = cursor if last is None else last.start()
    return _values(field.casefold(), start, cursor, text, tags)


def highlights(wanted: Filter) -> tuple[str, ...]:
    """Return the texts to highlight: bare words, and values of note, email, id and tag."""
    found: dict[str, None] = {}
    for clause in wanted.clauses:
        if isinstance(clause, TextClause) and not clause.negated:
            found[clause.text] = None
        elif isinstance(clause, ValueClause) and not clause.negated and clause.field in ("note", "email", "id", "tag"):
            found.update(dict.fromkeys(clause.values))
    return tuple(found)


def spans(shown: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return where `words` occur in a text, ignoring case, as ordered disjoint (start, end)."""
    found: list[tuple[int, int]] = []
    for match in _each(shown, words):
        if found and match[0] <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], match[1]))
        else:
            found.append(match)
    return tuple(found)


def _each(shown: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    found = (match.span() for word in words if word for match in re.finditer(re.escape(word), shown, re.IGNORECASE))
    return iter(sorted(found))


def _word_before(text: str, cursor: int) -> re.Match[str]:
    """Return the word of the filter that ends at the cursor; it may be empty."""
    return next(match for match in _TYPED.finditer(text, 0, cursor) if match.end() == cursor)


def _fields(start: int, end: int, typed: str) -> tuple[Completion, ...]:
    typed = typed.casefold()
    if typed and not typed.isalpha():
        return ()
    fitting = [name for name in FIELDS if name.startswith(typed)]
    return tuple(Completion(start, end, f"{name}{_OPERATOR.get(name, ':')}", _WHAT[name]) for name in fitting)


def _values(field: str, start: int, cursor: int, text: str, tags: Sequence[str]) -> tuple[Completion, ...]:
    typed = text[start:cursor].lstrip('"').casefold()
    match = _END_OF_VALUE.match(text, cursor)
    end = cursor if match is None else match.end()
    known = tuple(tags) if field == "tag" else _VALUES.get(field, ())
    # The grammar has no way to write a quotation mark in a value.
    fitting = [value for value in known if value.casefold().startswith(typed) and '"' not in value]
    return tuple(Completion(start, end, _quoted(value), field) for value in fitting[:MOST])


def _quoted(value: str) -> str:
    return f'"{value}"' if _QUOTED.search(value) else value
