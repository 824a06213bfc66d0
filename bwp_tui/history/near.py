"""The tasks about one task of a view, found without reading what lies between it and either end."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date
from typing import Final

from bwp_tui.domain.filter import Filter
from bwp_tui.history import tasks
from bwp_tui.history.connection import History, Row, as_int
from bwp_tui.history.search import SORTS, Condition, Key, backwards, before, condition, order_clause
from bwp_tui.history.words import narrowing

COUNTED: Final = 5_000
"""Tasks that are counted from the one in the middle towards each end: few enough to be counted at once."""


class Neighbourhood:
    """What stands before and after one task of a view.

    Raises:
        KeyError: `sort` is not in `search.SORTS`.
    """

    def __init__(self, history: History, wanted: Filter, number: int, *, today: date, sort: str) -> None:
        self._history = history
        self._number = number
        self._fits = number in tasks.fitting(history, wanted, [number], today=today)
        self._where: Condition = condition(wanted, history.clock(), today, narrowing(history))
        self._down = SORTS[sort]
        self._up = backwards(self._down)
        keys = ", ".join(key for key, _ in self._down)
        self._own: Row = history.row(f"SELECT {keys} FROM tasks t WHERE t.number = ?", (number,)) or ()

    def page(self, reach: int, rows: int) -> tuple[int, array[int]] | None:
        """Return the task with up to `reach` others before and after it, in order, and the place of the first.

        The place counts from 0. It is right where an end is near enough to be counted; else it is in the middle.
        None where the task does not fit.

        Args:
            rows: how many tasks the view has.
        """
        if not self._fits:
            return None
        above, below = self._next(self._down, reach), self._next(self._up, reach)
        above.reverse()
        return self._place(rows) - len(above), above + array("q", [self._number]) + below

    def _place(self, rows: int) -> int:
        above = self._count(self._down)
        if above < COUNTED:
            return above
        below = self._count(self._up)
        return max(above, rows - 1 - below if below < COUNTED else rows // 2)

    def _next(self, keys: Sequence[Key], most: int) -> array[int]:
        """Return the tasks before this one in an order, the nearest first."""
        found = array("q")
        where, values = self._where
        for (clause, bound), differing in before(keys, self._own):
            if len(found) == most:
                break
            order = order_clause(backwards(differing))
            sql = f"SELECT t.number FROM tasks t WHERE {clause} AND ({where}) ORDER BY {order} LIMIT ?"
            found += self._history.integers(sql, (*bound, *values, most - len(found)))
        return found

    def _count(self, keys: Sequence[Key]) -> int:
        """Return how many tasks stand before this one in an order, up to `COUNTED`."""
        found = 0
        where, values = self._where
        for (clause, bound), _ in before(keys, self._own):
            sql = f"SELECT count(*) FROM (SELECT 1 FROM tasks t WHERE {clause} AND ({where}) LIMIT ?)"
            row = self._history.row(sql, (*bound, *values, COUNTED - found))
            found += 0 if row is None else as_int(row[0])
            if found >= COUNTED:
                break
        return found
