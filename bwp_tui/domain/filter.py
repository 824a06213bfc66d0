"""Parse the filter language of the console, the command line and the views.

    status:failed,on_hold kind:deletion age>2d due<7d error:ORDERS_NOT_CLOSED tag:vip -note:"left message" jane
    received<30d submitted>2026-11-01 due:over ack:over assigned:none verified:no extended:yes

`due:over` and `ack:over` match open tasks only: an answered request is not overdue. `due<2026-12-01` matches
every task.

Clauses are joined by *and*, values by *or*; `-` negates a clause. A bare word searches the email, the task id and the
newest note; `note:` searches every note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.domain.deadlines import REGULATIONS
from bwp_tui.domain.task import Kind, Status
from bwp_tui.domain.text import nearest, unsafe_at
from bwp_tui.domain.times import day_of

FIELDS: Final = (
    *("status", "kind", "age", "due", "is", "error", "tag", "note", "email", "id", "regulation"),
    *("assigned", "verified", "extended", "ack", "received", "submitted"),
)
"""Names of the fields."""

_ALIASES: Final = {"subject": "email", "address": "email", "shopper": "email"}
"""Other names of the field `email`."""

STATES: Final = ("active", "open", "ready", "failed", "unsent", "resubmitted", "duplicate")
"""Values of `is:`."""

YES_OR_NO: Final = ("yes", "no")
"""Values of `verified:` and `extended:`."""

AHEAD: Final[dict[str, dict[str, tuple[str, int | None]]]] = {
    "due": {"today": ("=", 0), "tomorrow": ("=", 1), "over": ("<", 0), "none": ("=", None)},
    "ack": {"today": ("=", 0), "tomorrow": ("=", 1), "over": ("<", 0), "pending": ("=", None)},
}
"""Words for future dates, each a comparison with a number of days from today."""

BEHIND: Final = {"today": 0, "yesterday": 1}
"""Words of `received:` and `submitted:`, in days before today."""

NOBODY: Final = "none"
"""The value of `assigned:` that matches unassigned tasks."""

LONGEST_FILTER: Final = 1_500
"""Longest filter in characters; a longer one could exceed the limits of SQLite."""

_LONGEST_SPAN: Final = 36_500 * 86_400  # a hundred years, which keeps every date within the calendar
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WORD: Final = re.compile(r'(?P<minus>-?)(?:(?P<field>[A-Za-z]+)(?P<op><=|>=|[:<>=]))?(?P<value>(?:"[^"]*"?|[^\s"])*)')
_VALUE: Final = re.compile(r'"([^"]*)"?|([^,"]+)')
_SPAN: Final = re.compile(r"(\d{1,9})([smhdw])")
_COMPARED: Final = ("age", "due", "ack", "received", "submitted")
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
    """Time since submission, compared with a number of seconds."""

    op: str
    seconds: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class DueClause:
    """The due date, compared with a number of days from today, with a day, or with None for *has none*.

    `still_open` excludes answered tasks, which are never overdue.
    """

    op: str
    bound: int | date | None
    negated: bool = False
    still_open: bool = False


@dataclass(frozen=True, slots=True)
class AcknowledgeClause:
    """The day by which receipt is still to be acknowledged, compared like `DueClause`; None is any day."""

    op: str
    bound: int | date | None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class DateClause:
    """The day of receipt or of submission, compared with a day or with a number of days before today."""

    field: str
    op: str
    bound: int | date
    negated: bool = False


Clause = TextClause | ValueClause | AgeClause | DueClause | AcknowledgeClause | DateClause


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: a task matches if all clauses hold."""

    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A named filter with a sort order; `short` is its name in narrow places."""

    name: str
    short: str
    filter: str
    sort: str = "newest"
    columns: tuple[str, ...] = ()
    """Ids of its columns; empty means the default ones."""


VIEWS: Final = (
    View("all", "all", ""),
    View("active", "act", "is:active"),
    View("ready", "ready", "is:ready"),
    View("failed", "fail", "is:failed"),
    View("on hold", "hold", "status:on_hold"),
    View("due soon", "due", "is:open due<8d", sort="due"),
)
"""The built-in views, at the keys 1 to 6."""

MOST_VIEWS: Final = 9
"""Views that have a key, the built-in ones first."""


def parse(text: str) -> Filter:
    """Parse a filter.

    Raises:
        FilterError: it has a mistake.
    """
    _check_text(text)
    clauses: list[Clause] = []
    for match in _WORD.finditer(text):
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
        return TextClause(_plain(match), negated)
    field = field.casefold()
    if field not in FIELDS:
        start = match.start("field")
        guess = _ALIASES.get(field) or nearest(field, FIELDS)
        raise FilterError(f"Unknown field “{field}”.", start, match.end("field"), guess)
    if field in _COMPARED:
        return _comparison(field, match, negated)
    if match["op"] not in (":", "="):
        raise FilterError(f"“{field}” cannot be compared; use {field}:value.", match.start("op"), match.end("op"))
    return ValueClause(
        field, tuple(_checked(field, value, start, end) for value, start, end in _values(match)), negated
    )


def _plain(match: re.Match[str]) -> str:
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


def _checked(field: str, value: str, start: int, end: int) -> str:
    """Return `value` as the history stores it."""
    if field == "status":
        # The service may send new statuses: in capitals, any is accepted.
        return value if value.isupper() else _known(value.replace("-", "_"), _names(Status), field, start, end).upper()
    if field == "kind":
        return _known(value, _names(Kind), field, start, end).upper()
    if field == "is":
        return _known(value, STATES, field, start, end)
    if field == "regulation":
        return _known(value, tuple(REGULATIONS), field, start, end)
    if field in ("verified", "extended"):
        return _known(value, YES_OR_NO, field, start, end)
    return value


def _names(values: type[Status] | type[Kind]) -> tuple[str, ...]:
    return tuple(value.value.casefold() for value in values)


def _known(value: str, known: tuple[str, ...], field: str, start: int, end: int) -> str:
    value = value.casefold()
    if value in known:
        return value
    beginning = [name for name in known if name.startswith(value)]
    if len(beginning) == 1:
        return beginning[0]
    raise FilterError(
        f"Unknown value of {field}: “{value}”.",
        start,
        end,
        nearest(value, known),
    )


def _comparison(field: str, match: re.Match[str], negated: bool) -> Clause:
    values = _values(match)
    if len(values) != 1:
        raise FilterError(f"“{field}” takes one value.", match.start("value"), match.end("value"))
    value, start, end = values[0]
    op = match["op"]
    span = _SPAN.fullmatch(value.casefold())
    seconds = int(span[1]) * _UNITS[span[2]] if span else None
    if seconds is not None and seconds > _LONGEST_SPAN:
        raise FilterError(f"“{value}” is more than a hundred years.", start, end)
    if field == "age":
        if seconds is None:
            raise FilterError(f"Invalid duration “{value}”; use 30m, 5h, 2d or 1w.", start, end)
        return AgeClause(">=" if op == ":" else op, seconds, negated)
    if field in AHEAD:
        op, bound = _ahead(AHEAD[field], op, value, seconds, start, end)
        if field == "ack":
            return AcknowledgeClause(op, bound, negated)
        return DueClause(op, bound, negated, still_open=value.casefold() == "over" and match["op"] in ":=")
    if field == "submitted" and seconds is not None:
        return AgeClause("<=" if op == ":" else op, seconds, negated)
    return _behind(field, op, value, seconds, start, end, negated)


def _ahead(
    words: dict[str, tuple[str, int | None]], op: str, value: str, seconds: int | None, start: int, end: int
) -> tuple[str, int | date | None]:
    if value.casefold() in words:
        word_op, bound = words[value.casefold()]
        return (word_op if op in ":=" else op), bound
    if seconds is not None:
        return ("<=" if op == ":" else op), seconds // 86_400
    return ("=" if op == ":" else op), _date(value, ("7d", *words), start, end)


def _behind(field: str, op: str, value: str, seconds: int | None, start: int, end: int, negated: bool) -> DateClause:
    if seconds is not None:
        # A duration is an age: the younger, the later the day.
        return DateClause(field, ("<=" if op == ":" else op).translate(_AGE_TO_DATE), seconds // 86_400, negated)
    op = "=" if op == ":" else op
    if value.casefold() in BEHIND:
        return DateClause(field, op, BEHIND[value.casefold()], negated)
    return DateClause(field, op, _date(value, ("30d", *BEHIND), start, end), negated)


def _date(value: str, others: tuple[str, ...], start: int, end: int) -> date:
    day = day_of(value)
    if day is None:
        message = f"Invalid date “{value}”; use {', '.join(others)} or 2026-12-31."
        raise FilterError(message, start, end, nearest(value, others[1:]))
    return day
