"""Declare the orders in which tasks are listed, each with an index, and the ranges of rows around one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD
from bwp_tui.domain.text import clean_line, did_you_mean
from bwp_tui.store.database.connection import SqlValue

SortKey = tuple[str, bool]
"""A sort key, on the table alias `t`, and whether it is descending."""

Section = tuple[str, tuple[SortKey, ...]]
"""A section of an order: the condition of some of the tasks, and the keys that sort them."""


class Order(NamedTuple):
    """An order of all tasks; it ends in the task number, so that it is total, and has an index.

    Attributes:
        present: the SQL condition, which suits the index, of tasks that have a value to sort by; empty where all have.
        absent: the condition of tasks without one: they follow by their numbers, in the reversed order too.
    """

    keys: tuple[SortKey, ...]
    present: str = ""
    absent: str = ""
    empties_last_key: str = ""
    """The sort key that brings those without it to the end."""
    partial_index_condition: str = ""
    """The condition of a partial index that has this order too."""

    @property
    def sections(self) -> tuple[Section, ...]:
        return ((self.present, self.keys), (self.absent, self.keys[-1:])) if self.absent else (("1", self.keys),)

    @property
    def all_keys(self) -> tuple[SortKey, ...]:
        """The keys with which one query sorts all."""
        is_last_anyway = self.keys[0][1] and self.empties_last_key.endswith(" IS NULL")
        return (
            self.keys if is_last_anyway or not self.empties_last_key else ((self.empties_last_key, False), *self.keys)
        )

    @property
    def is_descending(self) -> bool:
        return self.keys[0][1]

    def reversed(self) -> Order:
        return self._replace(keys=reversed_keys(self.keys))


def reversed_keys(keys: Sequence[SortKey]) -> tuple[SortKey, ...]:
    """Return the keys of the reverse order."""
    return tuple((key, not greatest_first) for key, greatest_first in keys)


TO_ANSWER: Final = "t.open = 1 AND t.terminal = 1"
"""The condition of what `is:unanswered` lists, as the index `tasks_to_answer` has it."""

_NEWEST: Final[SortKey] = ("t.number", True)
_OLDEST: Final[SortKey] = ("t.number", False)
_DUE: Final = "iif(t.open = 1, t.due_on, NULL)"
"""The due date while the clock runs, as the index `tasks_due_order` has it."""
_SERVICE_END: Final = (
    "iif(t.terminal = 1, NULL, coalesce(julianday(t.submitted_at), 9e9)"
    f" + coalesce(t.holding_period, iif(t.kind = 'DELETION', {DEFAULT_HOLDING_PERIOD}, 0)))"
)
"""The instant at which the service is done, as the index `tasks_end_order` has it; requests not sent yet come last."""


def _nullable(first: SortKey, last: SortKey) -> Order:
    """Return an order whose index has the NULLs before all values."""
    return Order((first, last), f"likely({first[0]} >= '')", f"{first[0]} IS NULL", f"{first[0]} IS NULL")


def _flagged(is_empty: str, first: SortKey, last: SortKey, empty: str = "IS NULL") -> Order:
    """Return an order whose index begins with whether the value is missing, and so is `empty`."""
    return Order((first, last), f"({is_empty}) = 0", f"({is_empty}) = 1 AND {first[0]} {empty}", is_empty)


_NATURAL: Final = {
    "due": _flagged(f"{_DUE} IS NULL", (_DUE, False), _OLDEST)._replace(partial_index_condition=TO_ANSWER),
    "subject": Order((("t.email COLLATE NOCASE", False), _NEWEST)),
    "status": Order((("t.status", False), _NEWEST)),
    "kind": Order((("t.kind", False), _NEWEST)),
    "received": Order((("t.received_on", False), _OLDEST)),
    "submitted": _nullable(("t.submitted_at", True), _NEWEST),
    "updated": _nullable(("t.updated_at", True), _NEWEST),
    "age": Order((("t.recorded_at", True), _NEWEST)),
    "done_by": Order(
        ((_SERVICE_END, False), _OLDEST), "t.terminal = 0", f"t.terminal = 1 AND {_SERVICE_END} IS NULL", "t.terminal"
    ),
    "answered": _nullable(("t.answered_on", True), _NEWEST),
    "assigned": _flagged("t.assigned_to IS NULL", ("t.assigned_to COLLATE NOCASE", False), _NEWEST),
    "tags": _flagged("t.tags = '[]'", ("t.tags COLLATE NOCASE", False), _OLDEST, "= '[]'"),
    "id": _nullable(("t.task_id COLLATE NOCASE", False), _OLDEST),
    "note": _flagged("t.note = ''", ("t.note COLLATE NOCASE", False), _NEWEST, "= ''"),
}
SORTS: Final = {
    "newest": Order((_NEWEST,)),
    "oldest": Order((_OLDEST,)),
    **_NATURAL,
    **{f"-{name}": order.reversed() for name, order in _NATURAL.items()},
}
"""Orders by name; `-` before it reverses one."""

SORT_NAMES: Final = ("newest", "oldest", *_NATURAL)
"""The names of the orders without those that are reversed."""


def unknown_order(name: str) -> str:
    """Return the sentence that refuses an order which is none of `SORTS`."""
    known = f"; there are {', '.join(SORT_NAMES)}, each with - for the reverse."
    return f"There is no order “{clean_line(name)}”{did_you_mean(name, SORTS, known)}"


def reverse_of(sort: str) -> str:
    """Return the name of the reversed order."""
    opposites = {"newest": "oldest", "oldest": "newest"}
    return opposites.get(sort) or (sort[1:] if sort.startswith("-") else f"-{sort}")


def order_sql(keys: Sequence[SortKey]) -> str:
    """Return the terms of ORDER BY for the keys of an order."""
    return ", ".join(f"{key} DESC" if greatest_first else key for key, greatest_first in keys)


def listing_sql(order: Order, where: str) -> str:
    """Return the query for the numbers of the tasks that meet a condition; its last parameter is the LIMIT.

    For all tasks, and those to answer, each section of the order is read off its index. With another condition SQLite
    chooses: it may find the tasks by that and sort them. It is one statement, which sees one state of the history.
    """
    if not order.absent or where.strip("()") not in ("1", order.partial_index_condition):
        return f"SELECT t.number FROM tasks t WHERE {where} ORDER BY {order_sql(order.all_keys)} LIMIT ?"
    selects = (
        f"SELECT t.number FROM tasks t WHERE {section} AND {where} ORDER BY {order_sql(keys)}"
        for section, keys in order.sections
    )
    ordered = (f"SELECT number FROM ({select} LIMIT -1)" for select in selects)  # without a limit the order is dropped
    return f"{' UNION ALL '.join(ordered)} LIMIT ?"


Range = tuple[str, Sequence[SqlValue], Sequence[SortKey]]
"""The condition of some rows with its values, and their order."""


def rows_before(section: Section, values: Sequence[SqlValue]) -> Iterator[Range]:
    """Yield the ranges of the rows of a section that come before a task of it, the nearest rows first.

    Each row before the task is in exactly one range. In each, the first keys equal the task's and the next one is
    before it, so that it is a range of the order's index.

    Args:
        values: the task's values of the keys, of which none is NULL.
    """
    condition, keys = section
    for place in range(len(keys) - 1, -1, -1):
        key, greatest_first = keys[place]
        same = "".join(f"({name}) = ? AND " for name, _ in keys[:place])
        before = f"{condition} AND {same}({key}) {'>' if greatest_first else '<'} ?"
        yield before, values[: place + 1], reversed_keys(keys[place:])
