"""Read the page around one task of a view, without reading the rows before and after it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from bwp_tui.domain.filter import Filter
from bwp_tui.store.database.connection import Row, Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.filter_sql import SORTS, Condition, SortKey, order_clause, reversed_keys, rows_before

Ranges = Iterator[tuple[Condition, Sequence[SortKey]]]
"""What `filter_sql.rows_before` yields."""

MAX_COUNTED: Final = 5_000
"""Rows counted at most from the task towards each end of the view."""


class KeysetPage:
    """The rows around one task of a view."""

    def __init__(self, store: Store, task_filter: Filter, number: int, *, today: date, sort: str) -> None:
        self._store = store
        self._number = number
        self._where, self._values = tasks.condition_of(store, task_filter, today)
        self._down = SORTS[sort]
        self._up = reversed_keys(self._down)
        keys = ", ".join(key for key, _ in self._down)
        sql = f"SELECT {keys} FROM tasks t WHERE t.number = ? AND ({self._where})"
        self._sort_values = store.row(sql, (number, *self._values))

    def page(self, reach: int, rows: int) -> tuple[int, array[int]] | None:
        """Return the index of the first row and the rows: the task with up to `reach` others before and after it.

        The index is exact near either end of the view, and an estimate in the middle. The result is None if the task
        does not match.

        Args:
            rows: how many tasks the view has.
        """
        if self._sort_values is None:
            return None
        above = self._next(rows_before(self._down, self._sort_values), reach)
        below = self._next(rows_before(self._up, self._sort_values), reach)
        above.reverse()
        return self._place(self._sort_values, rows) - len(above), above + array("q", [self._number]) + below

    def _place(self, key_values: Row, rows: int) -> int:
        above = self._count(rows_before(self._down, key_values))
        if above < MAX_COUNTED:
            return above
        below = self._count(rows_before(self._up, key_values))
        return max(above, rows - 1 - below if below < MAX_COUNTED else rows // 2)

    def _next(self, ranges: Ranges, most: int) -> array[int]:
        """Return at most `most` tasks of these ranges, the nearest first."""
        numbers = array("q")
        for (clause, bound), differing in ranges:
            if len(numbers) == most:
                break
            order = order_clause(reversed_keys(differing))
            sql = f"SELECT t.number FROM tasks t WHERE {clause} AND ({self._where}) ORDER BY {order} LIMIT ?"
            numbers += self._store.integers(sql, (*bound, *self._values, most - len(numbers)))
        return numbers

    def _count(self, ranges: Ranges) -> int:
        """Count the tasks in these ranges, up to `MAX_COUNTED`."""
        count = 0
        for (clause, bound), _ in ranges:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM tasks t WHERE {clause} AND ({self._where}) LIMIT ?)"
            count += self._store.integer(sql, (*bound, *self._values, MAX_COUNTED - count))
            if count == MAX_COUNTED:
                break
        return count
