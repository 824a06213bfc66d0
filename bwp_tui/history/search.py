"""A parsed filter as a condition of SQL, and the orders a view can have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from bwp_tui.domain.filter import Age, Clause, Due, Filter, OneOf, Words
from bwp_tui.domain.times import to_text
from bwp_tui.history.connection import SqlValue

Condition = tuple[str, tuple[SqlValue, ...]]

SORTS: Final = {
    "newest": "t.number DESC",
    "oldest": "t.number",
    "due": "t.due_on IS NULL, t.due_on, t.number",
    "subject": "t.email COLLATE NOCASE, t.number DESC",
    "status": "t.status, t.number DESC",
}
"""Orders by name; every one ends in the local number, so that it is total."""

_STATES: Final = {
    "active": "t.terminal = 0",
    "open": "t.open = 1",
    "ready": "(t.status = 'COMPLETED' AND t.kind = 'RETRIEVAL' AND t.saved = 0)",
    "failed": "(t.resubmitted = 0 AND t.status IN ('FAILED', 'REJECTED', 'MISSING', 'UNCONFIRMED'))",
    "unsent": "t.task_id IS NULL",
    "resubmitted": "t.resubmitted = 1",
    "duplicate": "t.earlier IS NOT NULL",
}
_COLUMNS: Final = {"status": "t.status", "kind": "t.kind", "regulation": "t.regulation"}
_CONTAINING: Final = {"note": "t.note", "email": "t.email"}


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
    raise AssertionError(clause)


def _one_of(field: str, values: tuple[str, ...]) -> Condition:
    if field in _COLUMNS:
        return f"{_COLUMNS[field]} IN ({','.join('?' * len(values))})", values
    if field == "is":
        return " OR ".join(_STATES[value] for value in values), ()
    one, bind = _field_test(field)
    return " OR ".join([one] * len(values)), tuple(bind(value) for value in values)


def _field_test(field: str) -> tuple[str, Callable[[str], str]]:
    if field == "id":
        return "t.task_id LIKE ? ESCAPE '\\'", _beginning
    if field == "tag":
        return "EXISTS (SELECT 1 FROM json_each(t.tags) WHERE value = ? COLLATE NOCASE)", str
    if field == "error":
        return (
            "EXISTS (SELECT 1 FROM json_each(t.errors) WHERE json_extract(value, '$[0]') = ? COLLATE NOCASE)",
            str,
        )
    return f"{_CONTAINING[field]} LIKE ? ESCAPE '\\'", _containing


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _containing(text: str) -> str:
    return f"%{_escaped(text)}%"


def _beginning(text: str) -> str:
    return f"{_escaped(text)}%"


def among(column: str, numbers: frozenset[int] | None) -> str:
    """Return a condition that `column` is one of `numbers`; None is no condition."""
    return "1" if numbers is None else f"{column} IN ({','.join(str(int(number)) for number in sorted(numbers))})"
