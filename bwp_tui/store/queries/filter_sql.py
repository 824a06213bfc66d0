"""Translate filters to SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import PROCESSING_DAYS, latest_receipt
from bwp_tui.domain.filter import (
    MIRRORED_OPERATORS,
    AnyCondition,
    Condition,
    DayCondition,
    DurationCondition,
    Filter,
    TextCondition,
    ValueCondition,
)
from bwp_tui.domain.filter_fields import FIELDS, NOBODY, FieldSpec, Match
from bwp_tui.domain.regulations import REGULATIONS, Regulation
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD
from bwp_tui.domain.times import DAY, format_instant, midnight, typed_day
from bwp_tui.store.database.connection import SqlValue
from bwp_tui.store.database.shared_sql import WITHHELD_STATUS_LIST
from bwp_tui.store.queries.orders import TO_ANSWER
from bwp_tui.store.queries.text_index import Index, IndexLookup, as_stored, no_lookup

SqlCondition = tuple[str, tuple[SqlValue, ...]]

_DAY: Final = timedelta(days=1)
_LATEST_WEEK_S: Final = 7 * DAY
"""Seconds; a lower age matches few tasks of a large history."""


class _StateCondition(NamedTuple):
    """The condition of a value of `is:`, with `{today}`, and whether the columns of `tallies` determine it."""

    condition: str
    is_tallied: bool = True


_STOPPED: Final = (
    "(t.open = 1 AND t.inquired_on IS NOT NULL AND t.replied_on IS NULL AND t.due_on IS NULL AND t.regulation IN"
    f" ({', '.join(repr(name) for name, law in REGULATIONS.items() if law.stops_for_identity)}))"
)
_UPHELD: Final = "(t.status = 'DECLINED' AND coalesce(t.appeal_upheld, 0) = 1)"
_HOLD: Final = f"coalesce(t.holding_period, iif(t.kind = 'DELETION', {DEFAULT_HOLDING_PERIOD}, NULL))"
_DONE_BY: Final = (
    f"max('{{today}}', date(iif({_UPHELD}, '{{today}}', coalesce(local_day(t.submitted_at), '{{today}}')),"
    f" (coalesce({_HOLD}, 0) + {PROCESSING_DAYS}) || ' days'))"
)
"""As `deadlines.latest_service_end` of a task that is not final, or whose appeal was upheld."""


def _due_if_replied(law: Regulation) -> str:
    """Return the due date of a task whose clock a regulation has stopped, as `deadlines.due_if_replied`."""

    def due(received_on: str) -> str:
        months = f"iif(t.extended_on IS NULL, {law.months}, {law.months + law.extension_months}) || ' months'"
        days = f"iif(t.extended_on IS NULL, {law.days}, {law.days + law.extension_days}) || ' days'"
        return f"date({received_on}, {months}, 'floor', {days})"

    reply = "max('{today}', t.inquired_on)"
    wait = f"(julianday({reply}) - julianday(t.inquired_on)) || ' days'"
    return f"min(date({due('t.received_on')}, {wait}), {due(reply)})"


_LATE_WHILE_STOPPED: Final = " OR ".join(
    f"(t.regulation = '{name}' AND {_due_if_replied(law)} < {_DONE_BY})"
    for name, law in REGULATIONS.items()
    if law.stops_for_identity
)

_STATES: Final = {
    "active": _StateCondition(f"(t.terminal = 0 AND t.status NOT IN ({WITHHELD_STATUS_LIST}))"),
    "open": _StateCondition("t.open = 1"),
    "ready": _StateCondition("(t.status = 'COMPLETED' AND t.kind = 'RETRIEVAL' AND t.saved = 0 AND t.open = 1)"),
    "unanswered": _StateCondition(f"({TO_ANSWER})"),
    "failed": _StateCondition("(t.open = 1 AND t.status IN ('FAILED', 'REJECTED', 'MISSING', 'UNCONFIRMED'))"),
    "appealed": _StateCondition(
        "(t.open = 1 AND t.status = 'DECLINED' AND t.appeal_answered_on IS NULL)", is_tallied=False
    ),
    "late": _StateCondition(
        f"(t.open = 1 AND (((t.terminal = 0 OR {_UPHELD}) AND t.due_on < {_DONE_BY})"
        f" OR (t.status = 'DECLINED' AND NOT {_UPHELD} AND t.due_on < '{{today}}')"
        f" OR ({_STOPPED} AND ((t.terminal = 0 AND t.submitted_at IS NULL) OR {_UPHELD})"
        f" AND ({_LATE_WHILE_STOPPED}))))",
        is_tallied=False,
    ),
    "stopped": _StateCondition(_STOPPED, is_tallied=False),
    "unsent": _StateCondition("t.task_id IS NULL", is_tallied=False),
    "unapproved": _StateCondition("(t.open = 1 AND t.status = 'UNAPPROVED')"),
    "resubmitted": _StateCondition("t.resubmitted = 1"),
    "duplicate": _StateCondition("t.earlier IS NOT NULL", is_tallied=False),
}

_IN_TEXT_INDEX: Final = frozenset({"email"})
"""The columns that `Index.WORDS` contains as they are."""


def is_tallied(task_filter: Filter) -> bool:
    """Return whether `tallies` can count the matches: it has all columns of the filter."""
    return all(
        isinstance(leaf, ValueCondition)
        and (
            leaf.field in ("status", "kind")
            or (leaf.field == "is" and all(_STATES[value].is_tallied for value in leaf.values))
        )
        for leaf, _ in task_filter.leaves()
    )


def condition(task_filter: Filter, now: datetime, today: date, look_up: IndexLookup = no_lookup) -> SqlCondition:
    """Return the condition of a filter, on the table alias `t`, with its values.

    `look_up` decides where a text index is used.
    """
    parts: list[str] = []
    values: list[SqlValue] = []
    for item in task_filter.conditions:
        sql, bound = _condition_sql(item, now, today, look_up)
        parts.append(f"NOT coalesce({sql}, 0)" if item.negated else f"({sql})")
        values.extend(bound)
    return " AND ".join(parts) or "1", tuple(values)


def _condition_sql(item: Condition, now: datetime, today: date, look_up: IndexLookup) -> SqlCondition:
    match item:
        case TextCondition(text):
            return _text_condition(text, look_up)
        case ValueCondition(field, values):
            return _value_condition(FIELDS[field], values, today, look_up)
        case DurationCondition(field, op, seconds) if FIELDS[field].match is Match.HOLD:
            return f"{_HOLD} * {DAY} {op} ?", (seconds,)
        case DurationCondition(field, op, seconds):
            # An older task has an earlier instant, so the comparison turns around.
            sql = f"t.{FIELDS[field].column} {op.translate(MIRRORED_OPERATORS)} ?"
            if op in ("<", "<=") and seconds <= _LATEST_WEEK_S:
                sql = f"likelihood({sql}, 0.001)"  # few rows: the planner does not see bound values
            return sql, (format_instant(now - timedelta(seconds=seconds)),)
        case DayCondition(field, op, bound, open_only=open_only):
            spec, day = FIELDS[field], bound
            if isinstance(day, str):
                day = typed_day(day, today, ahead=not spec.counts_back)
            elif isinstance(day, int):
                day = today + timedelta(days=day)
            sql, bounds = _day_condition(spec, op, day, today)
            return f"{sql}{' AND t.open = 1' if open_only else ''}", bounds
        case AnyCondition(alternatives):
            conditions = [condition(alternative, now, today, look_up) for alternative in alternatives]
            return " OR ".join(f"({sql})" for sql, _ in conditions), tuple(
                value for _, values in conditions for value in values
            )


def _day_condition(spec: FieldSpec, op: str, day: date | None, today: date) -> SqlCondition:
    """Return the condition that the day of a field compares with `day`, or that it has none."""
    if spec.match is Match.ACKNOWLEDGE_BY:
        return _acknowledge_by_condition(op, day)
    if spec.match is Match.DONE_BY:
        is_awaited = f"((t.terminal = 0 AND t.resubmitted = 0) OR ({_UPHELD} AND t.open = 1))"
        if day is None:
            return f"NOT {is_awaited}", ()
        return f"{is_awaited} AND {_DONE_BY.format(today=today)} {op} ?", (day.isoformat(),)
    if day is None:
        return f"t.{spec.column} IS NULL", ()
    if spec.match is Match.INSTANT:
        return _in_range(f"t.{spec.column}", op, _midnight(day), _midnight(min(day, date.max - _DAY) + _DAY))
    return f"t.{spec.column} {op} ?", (day.isoformat(),)


def _acknowledge_by_condition(op: str, day: date | None) -> SqlCondition:
    """Return the condition “acknowledgement due”, by a date that compares with `day`, or by any date."""
    conditions, values = [], list[SqlValue]()
    for name, rule in REGULATIONS.items():
        if (count := rule.acknowledge_business_days) is not None:
            received, bounds = ("1", ()) if day is None else _receipt_condition(count, op, day)
            conditions.append(f"(t.regulation = '{name}' AND {received})")
            values.extend(bounds)
    return f"t.acknowledged_on IS NULL AND t.open = 1 AND ({' OR '.join(conditions) or '0'})", tuple(values)


def _receipt_condition(business_days: int, op: str, day: date) -> SqlCondition:
    """Return the condition on the day of receipt for an acknowledge-by date that compares with `day`."""
    last = latest_receipt(day, business_days)
    before = latest_receipt(max(day, date.min + _DAY) - _DAY, business_days)
    return _in_range("t.received_on", op, str(before + _DAY), str(last + _DAY))


def _in_range(column: str, op: str, begin: str, end: str) -> SqlCondition:
    """Return the condition that a column compares with a day that lasts from `begin` until before `end`."""
    match op:
        case "<":
            return f"{column} < ?", (begin,)
        case "<=":
            return f"{column} < ?", (end,)
        case ">":
            return f"{column} >= ?", (end,)
        case ">=":
            return f"{column} >= ?", (begin,)
    return f"{column} >= ? AND {column} < ?", (begin, end)


def _midnight(day: date) -> str:
    """Return the instant at which `day` begins in the local time zone, as text."""
    # A day off either end of the calendar has no instant in every zone, and no task either.
    day = min(max(day, date.min + _DAY), date.max - _DAY)
    return format_instant(midnight(day))


def _text_condition(text: str, look_up: IndexLookup) -> SqlCondition:
    """Return the condition that the email or the newest note contains a text, or the task id begins with it."""
    like = _containing(text)
    begins, bounds = _begins("t.task_id", text)
    fts_query = look_up(Index.WORDS, text)
    if fts_query is None:
        return f"t.email LIKE ? ESCAPE '\\' OR t.note LIKE ? ESCAPE '\\' OR {begins}", (like, like, *bounds)
    candidates = f"SELECT number FROM tasks t WHERE {begins} UNION SELECT rowid FROM words WHERE words MATCH ?"
    sql = f"t.number IN ({candidates}) AND (t.email LIKE ? ESCAPE '\\' OR t.note LIKE ? ESCAPE '\\' OR {begins})"
    return sql, (*bounds, fts_query, like, like, *bounds)


def _value_condition(spec: FieldSpec, values: tuple[str, ...], today: date, look_up: IndexLookup) -> SqlCondition:
    if spec.match is Match.ONE_OF:
        return f"t.{spec.column} IN ({','.join('?' * len(values))})", values
    if spec.match is Match.NOTE:
        return _in_notes(values, look_up)
    tests = [_field_condition(spec, value, today, look_up) for value in values]
    return " OR ".join(f"({sql})" for sql, _ in tests), tuple(value for _, bound in tests for value in bound)


def _in_notes(values: tuple[str, ...], look_up: IndexLookup) -> SqlCondition:
    """Return the condition that any note of a task, also one replaced or undone since, contains one of the texts."""
    if len(values) == 1 and (fts_query := look_up(Index.NOTES, values[0])) is not None:
        notes = "SELECT rowid FROM note_words WHERE note_words MATCH ?"
        sql = f"SELECT task FROM timeline WHERE id IN ({notes}) AND what = 'note' AND detail LIKE ? ESCAPE '\\'"
        return f"t.number IN ({sql})", (fts_query, _containing(values[0]))
    texts = json.dumps([_containing(value) for value in values])
    sql = "SELECT task FROM timeline, json_each(?) WHERE what = 'note' AND detail LIKE value ESCAPE '\\'"
    return f"t.number IN ({sql})", (texts,)


def _field_condition(spec: FieldSpec, value: str, today: date, look_up: IndexLookup) -> SqlCondition:
    column = f"t.{spec.column}"
    match spec.match:
        case Match.STATE:
            return _STATES[value].condition.format(today=today), ()
        case Match.PRESENT:
            return f"{column} IS {'NOT NULL' if value == 'yes' else 'NULL'}", ()
        case Match.BEGINS:
            return _begins(column, value)
        case Match.TAG:
            sql = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ? COLLATE NOCASE)"
            return _indexed_match(sql, value, as_stored(value), look_up)
        case Match.ERROR_CODE:
            sql = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_extract(value, '$[0]') = ? COLLATE NOCASE)"
            return _indexed_match(sql, value, as_stored(value), look_up)
        case Match.CONTAINS if NOBODY in spec.values and value.casefold() == NOBODY:
            return f"{column} IS NULL", ()
        case Match.CONTAINS:
            text = value if spec.column in _IN_TEXT_INDEX else None
            return _indexed_match(
                f"{column} IS NOT NULL AND {column} LIKE ? ESCAPE '\\'", _containing(value), text, look_up
            )
    raise AssertionError(spec)


def _indexed_match(sql: str, bound: str, text: str | None, look_up: IndexLookup) -> SqlCondition:
    """Return `sql`, narrowed by the text index to rows that may contain `text` where that helps."""
    fts_query = None if text is None else look_up(Index.WORDS, text)
    if fts_query is None:
        return sql, (bound,)
    return f"t.number IN (SELECT rowid FROM words WHERE words MATCH ?) AND {sql}", (fts_query, bound)


def _begins(column: str, text: str) -> SqlCondition:
    return f"({column} >= ? COLLATE NOCASE AND {column} < ? COLLATE NOCASE)", (text, f"{text}\U0010ffff")


def _containing(text: str) -> str:
    """Return the pattern of LIKE for a text anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def in_numbers(column: str, numbers: Iterable[int]) -> str:
    """Return the condition that `column` is one of `numbers`."""
    return f"{column} IN ({','.join(str(int(number)) for number in sorted(numbers))})"
