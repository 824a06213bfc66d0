"""Parse the filter language of the console, the command line and the views.

    status:failed,on_hold kind:deletion age>2d due<7d error:ORDERS_NOT_CLOSED tag:vip -note:"left message" jane
    received<30d submitted>2026-11-01 due:over ack:over assigned:none verified:no extended:yes

`due:over` and `ack:over` match open tasks only: an answered request is not overdue. A comparison with a day, such as
`due<2026-12-01`, matches answered ones too.

Clauses are joined by *and*, values by *or*; `-` negates a clause. A bare word searches the email, the task id and the
newest note; `note:` searches every note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.domain.filter_fields import FIELDS, STATES, FieldSpec, Match
from bwp_tui.domain.task import ADOPTED
from bwp_tui.domain.text import nearest, unsafe_at
from bwp_tui.domain.times import DAY, HOUR, MINUTE, parse_day, typed_day

_OTHER_NAMES: Final = {"subject": "email", "address": "email", "shopper": "email"}
"""Wrong names of fields, and the field that each probably means."""

LONGEST_FILTER: Final = 1_500
"""Longest filter in characters; a longer one could exceed the limits of SQLite."""

_LONGEST_SPAN: Final = 36_500 * DAY  # a hundred years, which keeps every date within the calendar
_UNITS: Final = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
WORD: Final = re.compile(r'(?P<minus>-?)(?:(?P<field>[A-Za-z]+)(?P<op><=|>=|[:<>=]))?(?P<value>(?:"[^"]*"?|[^\s"])*)')
"""One clause of a filter, or the beginning of one."""

_VALUE: Final = re.compile(r'"([^"]*)"?|([^,"]+)')
_SPAN: Final = re.compile(r"(\d{1,9})([smhdw])")
_AGE_TO_DATE: Final = str.maketrans("<>", "><")


class FilterError(Exception):
    """A mistake in a filter, its place (`start`, `end` in the text), and the nearest valid word."""

    def __init__(self, message: str, start: int, end: int, suggestion: str | None = None) -> None:
        super().__init__(f"{message} Did you mean “{suggestion}”?" if suggestion else message)
        self.start = start
        self.end = end
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class TextClause:
    """Text to search in the email, the task id and the note."""

    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ValueClause:
    """A field that has one of some values, or contains one (note, email, id)."""

    field: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AgeClause:
    """The time since an instant of a task, compared with a number of seconds."""

    field: str
    op: str
    seconds: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class DayClause:
    """A day of a task, compared with a day, a number of days from today, or a word such as `mon` or `-3`.

    None is no day, or for the field `ack` any day.
    """

    field: str
    op: str
    bound: int | date | str | None
    negated: bool = False
    open_only: bool = False
    """Whether answered tasks are excluded, which are never overdue."""


Clause = TextClause | ValueClause | AgeClause | DayClause


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: a task matches if all clauses hold."""

    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
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


def meaning(view: View) -> str:
    """Return which tasks a view lists that a shortcut alone filters, as the end of `3 tasks …`; else nothing."""
    return STATES.get(view.filter.removeprefix("is:"), "")


def view_named(views: Iterable[View], name: str) -> View | None:
    """Return the view with this name, whatever the case of its letters, or None."""
    return next((view for view in views if view.name.casefold() == name.casefold()), None)


DUE_SOON: Final = 7
"""Days before the due date from which an open task is due soon: shown so, and polled first."""

VIEWS: Final = (
    View("all", ""),
    View("to verify", "status:received is:open", sort="due"),
    View("active", "is:active"),
    View("to answer", "is:unanswered", sort="due"),
    View("failed", "is:failed"),
    View("on hold", "status:on_hold"),
    View("due soon", f"is:open due<{DUE_SOON + 1}d", sort="due"),
)
"""The built-in views, at the keys 1 to 7."""

ADOPTED_VIEW: Final = View("adopted by event", f"tag:{ADOPTED}")
"""The view of the tasks that were submitted elsewhere, behind all others while there are any."""

_SHORT: Final = 5
"""Characters of a name in narrow places."""

_SHORT_NAMES: Final = {
    "active": "act",
    "to verify": "vrfy",
    "to answer": "answ",
    "failed": "fail",
    "on hold": "hold",
    "due soon": "due",
    ADOPTED_VIEW.name: "adopt",
}

MAX_VIEWS: Final = 9
"""Views that have a key, the built-in ones first."""


def parse(text: str) -> Filter:
    """Parse a filter.

    Raises:
        FilterError: it has a mistake.
    """
    _check_text(text)
    clauses: list[Clause] = []
    for match in WORD.finditer(text):
        if match.group():
            clauses.append(_clause(match))
    return Filter(tuple(clauses))


def _check_text(text: str) -> None:
    if len(text) > LONGEST_FILTER:
        raise FilterError(f"A filter has at most {LONGEST_FILTER} characters.", LONGEST_FILTER, len(text))
    at = unsafe_at(text)
    if at is not None:
        raise FilterError("Invisible or control character; no task contains one.", at, at + 1)


def _clause(match: re.Match[str]) -> Clause:
    negated = bool(match["minus"])
    field = match["field"]
    if field is None:
        return TextClause(_bare_text(match), negated)
    spec = FIELDS.get(field.casefold())
    if spec is None:
        guess = _OTHER_NAMES.get(field.casefold()) or nearest(field, tuple(FIELDS))
        raise FilterError(f"Unknown field “{field}”.", match.start("field"), match.end("field"), guess)
    if spec.is_compared:
        return _comparison(spec, match, negated)
    if match["op"] not in (":", "="):
        raise FilterError(f"“{spec.key}” cannot be compared; use {spec.key}:value.", match.start("op"), match.end("op"))
    stored = (name for value in _values(match) for name in _stored(spec, *value))
    return ValueClause(spec.key, tuple(dict.fromkeys(stored)), negated)


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
    """Return `value`, or the only known one that begins with it, in each way in which the history stores it."""
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


def _comparison(spec: FieldSpec, match: re.Match[str], negated: bool) -> Clause:
    values = _values(match)
    if len(values) != 1:
        raise FilterError(f"“{spec.key}” takes one value.", match.start("value"), match.end("value"))
    value, start, end = values[0]
    op = match["op"]
    if value.casefold() in spec.day_words:
        own_op, days = spec.day_words[value.casefold()]
        is_plain = op in ":="
        return DayClause(
            spec.key, own_op if is_plain else op, days, negated, open_only=is_plain and value.casefold() == "over"
        )
    seconds = _seconds(value, start, end)
    if seconds is None:
        return DayClause(spec.key, "=" if op == ":" else op, _day(spec, value, start, end), negated)
    if spec.match in (Match.AGE, Match.INSTANT):
        own_op = ">=" if spec.match is Match.AGE else "<="
        return AgeClause(spec.key, own_op if op == ":" else op, seconds, negated)
    op, days = "<=" if op == ":" else op, seconds // DAY
    # A duration is an age: the younger, the later the day.
    return DayClause(spec.key, *((op.translate(_AGE_TO_DATE), -days) if spec.counts_back else (op, days)), negated)


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
    if spec.match is Match.AGE:
        raise FilterError(f"Invalid duration “{value}”; use 30m, 5h, 2d or 1w.", start, end)
    if typed_day(value, date(2000, 1, 1)) is None:
        message = f"Invalid date “{value}”; use {', '.join((spec.values[-1], *spec.day_words))}, mon or 2026-12-31."
        raise FilterError(message, start, end, nearest(value, tuple(spec.day_words)))
    return parse_day(value) or value
