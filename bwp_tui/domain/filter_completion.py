"""Complete a filter while it is typed, and find the texts that it matches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bwp_tui.domain.filter import FILTER_WORD, OR, Filter, TextCondition, ValueCondition
from bwp_tui.domain.filter_fields import FIELDS, Match

MAX_COMPLETIONS: Final = 12
"""Maximum number of completions."""

_LAST_VALUE: Final = re.compile(r'(?:"[^"]*"?|[^,"])*\Z')
_END_OF_VALUE: Final = re.compile(r'[^\s,")]*')
_QUOTED: Final = re.compile(r"[\s,]")


def complete(text: str, cursor: int, tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return completions at the cursor: from where, to where, which text; none where any text may follow.

    `cursor` is from 0 to the length of `text`; `tags` are those in use.
    """
    word = next(match for match in FILTER_WORD.finditer(text, 0, cursor) if match.end() == cursor)
    end = next(_END_OF_VALUE.finditer(text, cursor)).end()
    if word["field"] is None:
        start = word.start("value")
        typed = text[start:cursor].casefold()
        # A word that goes on behind the cursor has its field already.
        if end != cursor or (typed and not typed.isalpha()):
            return []
        fields = (f"{spec.key}{spec.operator}" for spec in FIELDS.values())
        return [(start, end, offer) for offer in (*fields, *([OR] if typed else [])) if offer.startswith(typed)]
    start = next(_LAST_VALUE.finditer(text, word.start("value"), cursor)).start()
    typed = text[start:cursor].lstrip('"').casefold()
    spec = FIELDS.get(word["field"].casefold())
    known = () if spec is None else tags if spec.match is Match.TAG else spec.suggestions
    # The grammar has no way to write a quotation mark in a value.
    fitting = [value for value in known if value.casefold().startswith(typed) and '"' not in value]
    return [(start, end, f'"{value}"' if _QUOTED.search(value) else value) for value in fitting[:MAX_COMPLETIONS]]


def highlighted_texts(task_filter: Filter) -> tuple[str, ...]:
    """Return the texts to highlight: bare words, and the values of the fields of text."""
    texts: list[str] = []
    for condition, is_negated in task_filter.leaves():
        if isinstance(condition, TextCondition) and not is_negated:
            texts.append(condition.text)
        elif isinstance(condition, ValueCondition) and not is_negated and FIELDS[condition.field].is_text:
            texts += condition.values
    return tuple(dict.fromkeys(texts))


def highlight_spans(shown: str, texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return where `texts` occur in a shown text, ignoring case, as ordered disjoint (start, end)."""
    disjoint: list[tuple[int, int]] = []
    matches = (match.span() for text in texts if text for match in re.finditer(re.escape(text), shown, re.IGNORECASE))
    for start, end in sorted(matches):
        if disjoint and start <= disjoint[-1][1]:
            disjoint[-1] = (disjoint[-1][0], max(disjoint[-1][1], end))
        else:
            disjoint.append((start, end))
    return tuple(disjoint)
