"""Read the page around one task of a view, without reading the rows before and after it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import date
from typing import Final

from bwp_tui.domain.filter import Filter
from bwp_tui.store.database.connection import Row, Store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.orders import SORTS, Range, order_sql, reversed_keys, rows_before

MAX_COUNTED: Final = 5_000
"""Rows counted at most from the task towards each end of the view."""


class KeysetPage:
    """The rows around one task of a view."""

    def __init__(self, store: Store, task_filter: Filter, number: int, *, today: date, sort: str) -> None:
        self._store = store
        self._number = number
        self._where, self._values = tasks.indexed_condition(store, task_filter, today)
        self._sections = SORTS[sort].sections
        self._section_index = -1
        self._sort_values: Row | None = None
        for index, (section, keys) in enumerate(self._sections):
            names = ", ".join(key for key, _ in keys)
            sql = f"SELECT {names} FROM tasks t WHERE t.number = ? AND {section} AND ({self._where})"
            if (row := store.row(sql, (number, *self._values))) is not None:
                self._section_index, self._sort_values = index, row

    def page(self, reach: int, view_size: int) -> tuple[int, array[int]] | None:
        """Return the index of the first row and the rows: the task with up to `reach` others before and after it.

        The index is exact near either end of the view, and an estimate in the middle. The result is None if the task
        does not match.

        Args:
            view_size: how many tasks the view has.
        """
        if self._sort_values is None:
            return None
        above = self._next(self._above(self._sort_values), reach)
        below = self._next(self._below(self._sort_values), reach)
        above.reverse()
        first = self._index_of_task(self._sort_values, view_size) - len(above)
        return first, above + array("q", [self._number]) + below

    def _above(self, values: Row) -> Iterator[Range]:
        """Yield the ranges of the rows before the task, the nearest first."""
        yield from rows_before(self._sections[self._section_index], values)
        for section, keys in reversed(self._sections[: self._section_index]):
            yield section, (), reversed_keys(keys)

    def _below(self, values: Row) -> Iterator[Range]:
        """Yield the ranges of the rows after the task, the nearest first."""
        section, keys = self._sections[self._section_index]
        yield from rows_before((section, reversed_keys(keys)), values)
        for section, keys in self._sections[self._section_index + 1 :]:
            yield section, (), keys

    def _index_of_task(self, values: Row, view_size: int) -> int:
        above = self._count(self._above(values))
        if above < MAX_COUNTED:
            return above
        below = self._count(self._below(values))
        return max(above, view_size - 1 - below if below < MAX_COUNTED else view_size // 2)

    def _next(self, ranges: Iterator[Range], most: int) -> array[int]:
        """Return at most `most` tasks of these ranges, the nearest first."""
        numbers = array("q")
        for condition, bound, keys in ranges:
            if len(numbers) == most:
                break
            sql = (
                f"SELECT t.number FROM tasks t WHERE {condition} AND ({self._where}) ORDER BY {order_sql(keys)} LIMIT ?"
            )
            numbers += self._store.integers(sql, (*bound, *self._values, most - len(numbers)))
        return numbers

    def _count(self, ranges: Iterator[Range]) -> int:
        """Count the tasks in these ranges, up to `MAX_COUNTED`."""
        count = 0
        for condition, bound, _ in ranges:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM tasks t WHERE {condition} AND ({self._where}) LIMIT ?)"
            count += self._store.integer(sql, (*bound, *self._values, MAX_COUNTED - count))
            if count == MAX_COUNTED:
                break
        return count
