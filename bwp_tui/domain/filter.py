"""Parse the filter language of the console, the command line and the views.

    status:failed,on_hold kind:deletion age>2d due<7d error:ORDERS_NOT_CLOSED tag:vip -note:"left message" jane
    received<30d submitted>2026-11-01 due:over ack:over assigned:none verified:no extended:yes

`due:over` and `ack:over` match open tasks only: an answered request is not overdue. A comparison with a day, such as
`due<2026-12-01`, matches answered ones too.

Conditions are joined by *and*, written or not, values by *or*; `-` negates a condition. The word `or`
joins the conditions before it and those behind it; parentheses, which `-` may precede, hold conditions together:
`is:failed -(tag:vip or age<1d)`. A bare word searches the email, the task id and the newest note; `note:` searches
every note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple

from bwp_tui.domain.filter_fields import FIELDS, STATES, FieldSpec, Match
from bwp_tui.domain.task import ADOPTED
from bwp_tui.domain.text import clean_line, nearest, unsafe_at
from bwp_tui.domain.times import DAY, HOUR, MINUTE, parse_day, typed_day

_OTHER_NAMES: Final = {"subject": "email", "address": "email", "shopper": "email"}
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
MIRRORED: Final = str.maketrans("<>", "><")
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
    """Text to search in the email, the task id and the note."""

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


class View(NamedTuple):
    """A named filter with a sort order."""

    name: str
    filter: str
    sort: str = "newest"
    columns: tuple[str, ...] = ()
    """Ids of its columns; empty means the default ones."""

    @property
    def short_name(self) -> str:
        """Its name in narrow places."""
        return _SHORT_NAMES.get(self.name, self.name if len(self.name) <= _SHORT else f"{self.name[: _SHORT - 1]}…")


def listed_tasks_clause(view: View) -> str:
    """Return which tasks a view lists that a shortcut alone filters, as the end of `3 tasks …`; else nothing."""
    return STATES.get(view.filter.removeprefix("is:"), "")


def view_named(views: Iterable[View], name: str) -> View | None:
    """Return the view with this name, whatever the case of its letters, or None."""
    return next((view for view in views if view.name.casefold() == name.casefold()), None)


COLUMN_IDS: Final = (
    *("kind", "status", "submitted", "received", "updated", "age", "due", "done_by", "answered", "assigned"),
    *("tags", "id", "problem", "note"),
)
"""The columns of the task table that settings, views and commands can name, in its order."""


def columns_named(text: str) -> tuple[str, ...]:
    """Return the ids of the columns named in `text`, between commas, in the order of the table, or raise ValueError."""
    names = {name for name in text.casefold().replace(" ", "").split(",") if name not in ("", "subject")}
    for name in sorted(names.difference(COLUMN_IDS)):
        raise ValueError(f"There is no column “{clean_line(name)}”; there are {', '.join(COLUMN_IDS)}.")
    return tuple(id for id in COLUMN_IDS if id in names)


DUE_SOON_DAYS: Final = 7
"""Days before the due date from which an open task is due soon: shown so, and polled first."""

VIEWS: Final = (
    View("all", ""),
    View("received", "status:received is:open", sort="due"),
    View("active", "is:active"),
    View("to answer", "is:unanswered", sort="due"),
    View("failed", "is:failed"),
    View("on hold", "status:on_hold"),
    View("due soon", f"is:open due<{DUE_SOON_DAYS + 1}d", sort="due"),
)
"""The built-in views, at the keys 1 to 7."""

ADOPTED_VIEW: Final = View("adopted by event", f"tag:{ADOPTED}")
"""The view of the tasks that were submitted elsewhere, behind all others while there are any."""

APPROVAL_VIEW: Final = View("to approve", "is:unapproved", sort="due")
"""The view of the deletions that wait for another person's approval, behind the built-in ones while any do."""

_SHORT: Final = 5
"""Characters of a name in narrow places."""

_SHORT_NAMES: Final = {
    "active": "act",
    "received": "recv",
    "to answer": "answ",
    "failed": "fail",
    "on hold": "hold",
    "due soon": "due",
    ADOPTED_VIEW.name: "adopt",
    APPROVAL_VIEW.name: "appr",
}

MAX_VIEWS: Final = 9
"""Views that have a key, the built-in ones first."""


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
        guess = _OTHER_NAMES.get(field.casefold()) or nearest(field, tuple(FIELDS))
        raise FilterError(f"Unknown field “{field}”.", match.start("field"), match.end("field"), guess)
    if spec.is_compared:
        return _comparison(spec, match, negated)
    if match["op"] not in (":", "="):
        raise FilterError(f"“{spec.key}” cannot be compared; use {spec.key}:value.", match.start("op"), match.end("op"))
    stored = (name for value in _values(match) for name in _stored(spec, *value))
    return ValueCondition(spec.key, tuple(dict.fromkeys(stored)), negated)


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
    return DayCondition(spec.key, *((op.translate(MIRRORED), -days) if spec.counts_back else (op, days)), negated)


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
