"""Parse and complete the filter language of the console, the command line and the views.

    status:failed,on_hold kind:deletion age>2d due<7d error:ORDERS_NOT_CLOSED tag:vip -note:"left message" jane
    received<30d submitted>2026-11-01 due:over ack:over assigned:none verified:no extended:yes

`due:over` and `ack:over` match open tasks only: an answered request is not overdue. A comparison with a day, such as
`due<2026-12-01`, matches answered ones too.

Conditions are joined by *and*, written or not, values by *or*; `-` negates a condition. The word `or`
joins the conditions before it and those behind it; parentheses, which `-` may precede, hold conditions together:
`is:failed -(tag:vip or age<1d)`. A bare word searches the email, the beginning of the task id and the newest note;
`note:` searches every note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from bwp_tui.domain.filter_fields import CONDITIONS_BY_STATE, FIELDS, FieldSpec, Match
from bwp_tui.domain.text import nearest, unsafe_at
from bwp_tui.domain.times import DAY, HOUR, MINUTE, parse_day, typed_day

_OTHER_NAMES: Final = {"subject": "email", "address": "email", "shopper": "email", "law": "regulation"}
"""Wrong names of fields, and the field that each probably means."""

LONGEST_FILTER: Final = 1_500
"""Longest filter in characters; a longer one could exceed the limits of SQLite."""

_LONGEST_SPAN: Final = 36_500 * DAY  # a hundred years, which keeps every date within the calendar
_UNITS: Final = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_FIELD: Final = "|".join((*(key for key in FIELDS if "_" in key), "[A-Za-z]+"))
FILTER_WORD: Final = re.compile(
    rf'(?P<open>(?:-?\()*)(?P<minus>-?)(?:(?P<field>{_FIELD})(?P<op><=|>=|[:<>=]))?(?P<value>(?:"[^"]*"?|[^\s"])*)'
)
"""One condition of a filter, or the beginning of one, with the parentheses that it opens."""

OR: Final = "or"
_AND: Final = "and"
"""The words that join conditions; in quotation marks they are text."""

MAX_DEPTH: Final = 20
"""Parentheses within parentheses at most."""

_VALUE: Final = re.compile(r'"([^"]*)"?|([^,"]+)')
_SPAN: Final = re.compile(r"(\d{1,9})([smhdw])")
MIRRORED_OPERATORS: Final = str.maketrans("<>", "><")
"""The operators for a day or instant, by those for the time since it; for `str.translate`."""

_OPERATORS: Final = {Match.AGE: ">=", Match.INSTANT: "<=", Match.HOLD: "="}
"""What a colon before a duration means, by what is compared."""


class FilterError(Exception):
    """A mistake in a filter, its place (`start`, `end` in the text), and the nearest valid word."""

    def __init__(self, message: str, start: int, end: int, suggestion: str | None = None) -> None:
        super().__init__(f"{message} Did you mean “{suggestion}”?" if suggestion else message)
        self.start = start
        self.end = end
        self.suggestion = suggestion


class TextCondition(NamedTuple):
    """Text to search in the email and the newest note, or the beginning of the task id."""

    text: str
    negated: bool = False


class ValueCondition(NamedTuple):
    """A field that has one of some values, or contains one (note, email, assigned), or begins with one (id)."""

    field: str
    values: tuple[str, ...]
    negated: bool = False


class DurationCondition(NamedTuple):
    """A duration of a task, or the time since one of its instants, compared with a number of seconds."""

    field: str
    op: str
    seconds: int
    negated: bool = False


class DayCondition(NamedTuple):
    """A day of a task, compared with a day, a number of days from today, or a word such as `mon` or `-3`.

    None is no day, or for the field `ack` any day.
    """

    field: str
    op: str
    bound: int | date | str | None
    negated: bool = False
    open_only: bool = False
    """Whether answered tasks are excluded, which are never overdue."""


class AnyCondition(NamedTuple):
    """Alternatives, of which one holds."""

    alternatives: tuple[Filter, ...]
    negated: bool = False


Condition = TextCondition | ValueCondition | DurationCondition | DayCondition | AnyCondition


class Filter(NamedTuple):
    """A parsed filter: a task matches if all conditions hold."""

    conditions: tuple[Condition, ...] = ()

    def leaves(self, *, negated: bool = False) -> Iterator[tuple[Condition, bool]]:
        """Yield each condition without parts, also those in parentheses, and whether it is negated in the end."""
        for condition in self.conditions:
            is_negated = condition.negated is not negated
            if isinstance(condition, AnyCondition):
                for alternative in condition.alternatives:
                    yield from alternative.leaves(negated=is_negated)
            else:
                yield condition, is_negated


def parse(text: str, *, is_whole: bool = False) -> Filter:
    """Parse a filter; FilterError says what is wrong with it, and where.

    Args:
        is_whole: whether nothing more is typed: each parenthesis and quotation mark has to be closed.
    """
    _check_text(text)
    groups = [_Group(None)]
    for word in filter(re.Match.group, FILTER_WORD.finditer(text)):
        for opened in re.finditer(r"-?\(", word["open"]):
            groups.append(_Group(word.start() + opened.start(), negated=len(opened.group()) > 1))
        if len(groups) > MAX_DEPTH:
            raise FilterError(f"Parentheses are nested {MAX_DEPTH} deep at most.", word.start(), word.end())
        closed = min(len(groups) - 1, closing_parentheses(word["value"]))
        typed = FILTER_WORD.match(text, word.end("open"), word.end() - closed)
        joiner = typed.group().casefold() if typed is not None else ""
        if typed is not None and joiner in (OR, _AND):
            groups[-1].join(joiner, *typed.span())
        elif typed is not None and typed.group():
            groups[-1].alternatives[-1].append(_condition(typed))
        for _ in range(closed):
            groups[-2].alternatives[-1].extend(groups.pop().conditions(word.end()))
    if is_whole and len(groups) > 1:
        raise groups[-1].unclosed_error()
    if is_whole and text.count('"') % 2:
        raise FilterError("This quotation mark is not closed.", at := text.rindex('"'), at + 1)
    while len(groups) > 1:  # as typed, before the closing parenthesis
        groups[-2].alternatives[-1].extend(groups.pop().conditions(len(text)))
    return Filter(groups[0].conditions(len(text)))


def joined(first: str, second: str) -> str:
    """Return the filter of the tasks that match both; an `or` in one of them does not reach into the other."""
    parts = (f"({text})" if OR in text.casefold().split() else text for text in (first, second))
    return " ".join(filter(None, parts))


def condition_for_word(text: str) -> str:
    """Return the condition on state, status or kind that a searched word names; empty for every other text."""
    word = text.casefold()
    return next((f"{field}:{word}" for field in ("is", "status", "kind") if word in FIELDS[field].suggestions), "")


class _Group:
    """The alternatives in parentheses, or in a whole filter, while they are parsed."""

    def __init__(self, start: int | None, *, negated: bool = False) -> None:
        self._start = start
        self._negated = negated
        self._last_or: int | None = None
        self.alternatives: list[list[Condition]] = [[]]

    def unclosed_error(self) -> FilterError:
        start = self._start or 0
        return FilterError("This parenthesis is not closed.", start, start + 1 + self._negated)

    def join(self, joiner: str, start: int, end: int) -> None:
        """Begin an alternative at the word `or`; `and` changes nothing."""
        if not self.alternatives[-1]:
            raise FilterError(f"A condition is missing before “{joiner}”.", start, end, f'"{joiner}"')
        if joiner == OR:
            self.alternatives.append([])
            self._last_or = start

    def conditions(self, end: int) -> tuple[Condition, ...]:
        """Return the conditions for what stands before `end`."""
        if not self.alternatives[-1] and self._last_or is not None:
            raise FilterError(f"A condition is missing after “{OR}”.", self._last_or, end)
        if not self.alternatives[-1] and self._start is not None:
            raise FilterError("These parentheses are empty.", self._start, end)
        if len(self.alternatives) == 1 and not self._negated:
            return tuple(self.alternatives[0])
        return (AnyCondition(tuple(Filter(tuple(conditions)) for conditions in self.alternatives), self._negated),)


def closing_parentheses(value: str) -> int:
    """Return how many parentheses at the end of a word close what stands before it: those that it did not open."""
    plain = re.sub(r'"[^"]*"?', '""', value)
    return max(0, min(len(plain) - len(plain.rstrip(")")), plain.count(")") - plain.count("(")))


def _check_text(text: str) -> None:
    if len(text) > LONGEST_FILTER:
        raise FilterError(f"A filter has at most {LONGEST_FILTER} characters.", LONGEST_FILTER, len(text))
    at = unsafe_at(text)
    if at is not None:
        raise FilterError("Invisible or control character; no task contains one.", at, at + 1)


def _condition(match: re.Match[str]) -> Condition:
    negated = bool(match["minus"])
    field = match["field"]
    if field is None:
        return TextCondition(_bare_text(match), negated)
    spec = FIELDS.get(field.casefold())
    if spec is None:
        raise FilterError(f"Unknown field “{field}”.", match.start("field"), match.end("field"), _nearest_field(field))
    if spec.is_compared:
        return _comparison(spec, match, negated)
    if match["op"] not in (":", "="):
        raise FilterError(f"“{spec.key}” cannot be compared; use {spec.key}:value.", match.start("op"), match.end("op"))
    values = _values(match)
    if spec.match is Match.STATE and len(values) == 1 and (meant := _condition_meant(values[0][0], negated=negated)):
        message = f"Unknown value of {spec.key}: “{values[0][0]}”."
        raise FilterError(message, match.start("minus"), match.end(), meant)
    stored = (name for value in values for name in _stored(spec, *value))
    return ValueCondition(spec.key, tuple(dict.fromkeys(stored)), negated)


def _nearest_field(name: str) -> str | None:
    """Return the field that an unknown name probably means: the only one that begins with it, or the closest."""
    beginning = [key for key in FIELDS if key.startswith(name.casefold())]
    return _OTHER_NAMES.get(name.casefold()) or (beginning[0] if len(beginning) == 1 else nearest(name, tuple(FIELDS)))


def _condition_meant(value: str, *, negated: bool) -> str | None:
    """Return the condition of another field that a value of `is:` probably means, or None; negated as that is."""
    condition = CONDITIONS_BY_STATE.get(value.casefold()) or condition_for_word(value)
    if not condition or condition.startswith("is:"):
        return None
    return condition if not negated else condition[1:] if condition.startswith("-") else f"-{condition}"


def _bare_text(match: re.Match[str]) -> str:
    text = match["value"].replace('"', "")
    if not text:
        raise FilterError("A word is missing here.", match.start(), match.end())
    return text


def _values(match: re.Match[str]) -> list[tuple[str, int, int]]:
    offset = match.start("value")
    found = [
        (part[1] if part[1] is not None else part[2], offset + part.start(), offset + part.end())
        for part in _VALUE.finditer(match["value"])
    ]
    if not any(value for value, _, _ in found):
        raise FilterError(f"A value is missing after “{match['field']}{match['op']}”.", match.start(), match.end())
    return [(value, start, end) for value, start, end in found if value]


def _stored(spec: FieldSpec, value: str, start: int, end: int) -> tuple[str, ...]:
    """Return what the history stores for `value`, or for the only known value that begins with it."""
    if not spec.is_closed or (spec.accepts_unknown_values and value.isupper()):
        return (value,)
    typed = value.casefold().replace("-", "_")
    stored = {word: (word,) for word in spec.values} | dict(spec.synonyms)
    known = {word.casefold().replace("-", "_"): names for word, names in stored.items()}
    beginning = {names for word, names in known.items() if word.startswith(typed)}
    if typed in known or len(beginning) == 1:
        return known.get(typed) or beginning.pop()
    guess = nearest(value, (*spec.suggestions, *spec.synonyms))
    raise FilterError(f"Unknown value of {spec.key}: “{value}”.", start, end, guess)


def _comparison(spec: FieldSpec, match: re.Match[str], negated: bool) -> Condition:
    values = _values(match)
    if len(values) != 1:
        raise FilterError(f"“{spec.key}” takes one value.", match.start("value"), match.end("value"))
    value, start, end = values[0]
    op = match["op"]
    if value.casefold() in spec.day_words:
        own_op, days = spec.day_words[value.casefold()]
        is_plain = op in ":="
        return DayCondition(
            spec.key, own_op if is_plain else op, days, negated, open_only=is_plain and value.casefold() == "over"
        )
    seconds = _seconds(value, start, end)
    if seconds is None:
        return DayCondition(spec.key, "=" if op == ":" else op, _day(spec, value, start, end), negated)
    if spec.match in _OPERATORS:
        return DurationCondition(spec.key, _OPERATORS[spec.match] if op == ":" else op, seconds, negated)
    op, days = "<=" if op == ":" else op, seconds // DAY
    # A duration is an age: the younger, the later the day.
    return DayCondition(
        spec.key, *((op.translate(MIRRORED_OPERATORS), -days) if spec.counts_back else (op, days)), negated
    )


def _seconds(value: str, start: int, end: int) -> int | None:
    """Read a duration; None if `value` is none."""
    span = _SPAN.fullmatch(value.casefold())
    if span is None:
        return None
    seconds = int(span[1]) * _UNITS[span[2]]
    if seconds > _LONGEST_SPAN:
        raise FilterError(f"“{value}” is more than a hundred years.", start, end)
    return seconds


def _day(spec: FieldSpec, value: str, start: int, end: int) -> date | str:
    if spec.match in (Match.AGE, Match.HOLD):
        examples = "30m, 5h, 2d or 1w" if spec.match is Match.AGE else "5d or 10d"
        raise FilterError(f"Invalid duration “{value}”; use {examples}.", start, end)
    if typed_day(value, date(2000, 1, 1)) is None:
        message = f"Invalid date “{value}”; use {', '.join((spec.values[-1], *spec.day_words))}, mon or 2026-12-31."
        raise FilterError(message, start, end, nearest(value, tuple(spec.day_words)))
    return parse_day(value) or value


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


def highlight_spans(line: str, texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return where `texts` occur in a shown text, ignoring case, as ordered disjoint (start, end)."""
    disjoint: list[tuple[int, int]] = []
    matches = (match.span() for text in texts if text for match in re.finditer(re.escape(text), line, re.IGNORECASE))
    for start, end in sorted(matches):
        if disjoint and start <= disjoint[-1][1]:
            disjoint[-1] = (disjoint[-1][0], max(disjoint[-1][1], end))
        else:
            disjoint.append((start, end))
    return tuple(disjoint)
