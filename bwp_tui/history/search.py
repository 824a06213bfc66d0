"""A parsed filter as a condition of SQL, and the orders a view can have."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Final

from bwp_tui.domain.deadlines import REGULATIONS, received_until
from bwp_tui.domain.filter import NOBODY, Ack, Age, Clause, Due, Filter, On, OneOf, Words
from bwp_tui.domain.times import to_text
from bwp_tui.history.connection import SqlValue

Condition = tuple[str, tuple[SqlValue, ...]]

SORTS: Final = {
    "newest": "t.number DESC",
    "oldest": "t.number",
    "due": "t.due_on IS NULL, t.due_on, t.number",
    "subject": "t.email COLLATE NOCASE, t.number DESC",
    "status": "t.status, t.number DESC",
    "kind": "t.kind, t.number DESC",
    "received": "t.received_on, t.number",
    "submitted": "t.submitted_at IS NULL, t.submitted_at DESC, t.number DESC",
    "updated": "t.updated_at IS NULL, t.updated_at DESC, t.number DESC",
    "assigned": "t.assigned_to IS NULL, t.assigned_to COLLATE NOCASE, t.number DESC",
    "note": "t.note = '', t.note COLLATE NOCASE, t.number DESC",
}
"""Orders by name; every one ends in the local number, so that it is total."""

_DAY: Final = timedelta(days=1)
_STATES: Final = {
    "active": "t.terminal = 0",
    "open": "t.open = 1",
    "ready": "(t.status = 'COMPLETED' AND t.kind = 'RETRIEVAL' AND t.saved = 0)",
    "failed": "(t.resubmitted = 0 AND t.status IN ('FAILED', 'REJECTED', 'MISSING', 'UNCONFIRMED'))",
    "unsent": "t.task_id IS NULL",
    "resubmitted": "t.resubmitted = 1",
    "duplicate": "t.earlier IS NOT NULL",
}
_YES: Final = {"verified": "t.verified_on IS NOT NULL", "extended": "t.extended_on IS NOT NULL"}
_COLUMNS: Final = {"status": "t.status", "kind": "t.kind", "regulation": "t.regulation"}


def order_clause(sort: str) -> str:
    """Return what follows ORDER BY for a sort of `SORTS`.

    Raises:
        KeyError: there is no such sort.
    """
    return SORTS[sort]


def condition(wanted: Filter, now: datetime, today: date) -> Condition:
    """Return what follows WHERE, on the table alias `t`, with its values."""
    parts: list[str] = []
    values: list[SqlValue] = []
    for clause in wanted.clauses:
        sql, bound = _clause(clause, now, today)
        parts.append(f"NOT coalesce({sql}, 0)" if clause.negated else f"({sql})")
        values.extend(bound)
    return " AND ".join(parts) or "1", tuple(values)


def _clause(clause: Clause, now: datetime, today: date) -> Condition:
    match clause:
        case Words(text):
            like = _containing(text)
            return (
                "t.email LIKE ? ESCAPE '\\' OR t.task_id LIKE ? ESCAPE '\\' OR t.note LIKE ? ESCAPE '\\'",
                (like, _beginning(text), like),
            )
        case OneOf(field, values):
            return _one_of(field, values)
        case Age(op, seconds):
            # An older task has an earlier instant, so the comparison turns around.
            turned = op.translate(str.maketrans("<>", "><"))
            bound = to_text(now - timedelta(seconds=seconds))
            return f"coalesce(t.submitted_at, t.recorded_at) {turned} ?", (bound,)
        case Due(_, None):
            return "t.due_on IS NULL", ()
        case Due(op, int(days)):
            return f"t.due_on {op} ?", ((today + timedelta(days=days)).isoformat(),)
        case Due(op, date() as day):
            return f"t.due_on {op} ?", (day.isoformat(),)
        case Ack(op, bound):
            return _acknowledgement(op, today + timedelta(days=bound) if isinstance(bound, int) else bound)
        case On(field, op, bound):
            day = today - timedelta(days=bound) if isinstance(bound, int) else bound
            return (f"t.received_on {op} ?", (day.isoformat(),)) if field == "received" else _submitted(op, day)
    raise AssertionError(clause)


def _acknowledgement(op: str, day: date | None) -> Condition:
    """Return what holds where receipt is still to be confirmed, by a day that compares with `day`; None is any."""
    waiting = "t.acknowledged_on IS NULL AND t.open = 1"
    names = [name for name, rule in REGULATIONS.items() if rule.acknowledge_business_days is not None]
    parts, values = [], list[SqlValue]()
    for name in names:
        one, bound = _received_for(name, op, day)
        parts.append(f"(t.regulation = '{name}' AND {one})")
        values.extend(bound)
    return f"{waiting} AND ({' OR '.join(parts) or '0'})", tuple(values)


def _received_for(regulation: str, op: str, day: date | None) -> Condition:
    """Return the comparison of the last day to confirm receipt with `day` as one of the day of receipt."""
    if day is None:
        return "1", ()
    by, before = (received_until(regulation, end) for end in (day, max(day, date.min + _DAY) - _DAY))
    until, earlier = (str(end) for end in (by, before))
    match op:
        case "<":
            return "t.received_on <= ?", (earlier,)
        case "<=":
            return "t.received_on <= ?", (until,)
        case ">":
            return "t.received_on > ?", (until,)
        case ">=":
            return "t.received_on > ?", (earlier,)
    return "t.received_on > ? AND t.received_on <= ?", (earlier, until)


def _submitted(op: str, day: date) -> Condition:
    """Return the comparison of the day of submission, as the operator's calendar has it, with `day`."""
    begin, end = _midnight(day), _midnight(min(day, date.max - _DAY) + _DAY)
    match op:
        case "<":
            return "t.submitted_at < ?", (begin,)
        case "<=":
            return "t.submitted_at < ?", (end,)
        case ">":
            return "t.submitted_at >= ?", (end,)
        case ">=":
            return "t.submitted_at >= ?", (begin,)
    return "t.submitted_at >= ? AND t.submitted_at < ?", (begin, end)


def _midnight(day: date) -> str:
    """Return the instant at which `day` begins where the operator sits, as text."""
    # A day off either end of the calendar has no instant in every zone, and no task either.
    day = min(max(day, date.min + _DAY), date.max - _DAY)
    return to_text(datetime.combine(day, time.min).astimezone())


def _one_of(field: str, values: tuple[str, ...]) -> Condition:
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} IN ({','.join('?' * len(values))})", values
    if field == "is":
        return " OR ".join(_STATES[value] for value in values), ()
    if field in _YES:
        return " OR ".join(_YES[field] if value == "yes" else f"NOT {_YES[field]}" for value in values), ()
    if field == "note":
        return _in_notes(values)
    tests = [_field_test(field, value) for value in values]
    return " OR ".join(sql for sql, _ in tests), tuple(value for _, bound in tests for value in bound)


def _in_notes(values: tuple[str, ...]) -> Condition:
    """Return what holds where any note of a task, not only the one its row shows, contains one of some texts."""
    texts = json.dumps([_containing(value) for value in values])
    return (
        "EXISTS (SELECT 1 FROM json_each(?) WHERE t.note LIKE value ESCAPE '\\') OR t.number IN"
        " (SELECT task FROM timeline, json_each(?) WHERE what = 'note' AND detail LIKE value ESCAPE '\\')"
    ), (texts, texts)


def _field_test(field: str, value: str) -> Condition:
    match field:
        case "id":
            return "t.task_id LIKE ? ESCAPE '\\'", (_beginning(value),)
        case "tag":
            return "EXISTS (SELECT 1 FROM json_each(t.tags) WHERE value = ? COLLATE NOCASE)", (value,)
        case "error":
            return (
                "EXISTS (SELECT 1 FROM json_each(t.errors) WHERE json_extract(value, '$[0]') = ? COLLATE NOCASE)",
                (value,),
            )
        case "assigned" if value.casefold() == NOBODY:
            return "t.assigned_to IS NULL", ()
        case "assigned":
            return "t.assigned_to LIKE ? ESCAPE '\\'", (_containing(value),)
    return "t.email LIKE ? ESCAPE '\\'", (_containing(value),)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _containing(text: str) -> str:
    return f"%{_escaped(text)}%"


def _beginning(text: str) -> str:
    return f"{_escaped(text)}%"


def among(column: str, numbers: frozenset[int] | None) -> str:
    """Return a condition that `column` is one of `numbers`; None is no condition."""
    return "1" if numbers is None else f"{column} IN ({','.join(str(int(number)) for number in sorted(numbers))})"
