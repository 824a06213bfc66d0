"""List the task numbers of a view: its first page at once, then all of them, and then only changes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import date
from operator import neg, pos
from typing import Final, NamedTuple

from bwp_tui.domain.filter import DurationCondition, Filter
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks

FIRST_PAGE_ROWS: Final = 500
"""Rows of the first page: more than any terminal shows."""

LONG_VIEW: Final = 60_000
"""Rows of a view above which a new order is first shown around the cursor's task: fewer are read as fast."""

MAX_PATCHED: Final = 1_000
"""Changes up to which a list is patched; with more of them it is read again."""

_NUMBER_ORDERS: Final[dict[str, Callable[[int], int]]] = {"newest": neg, "oldest": pos}
"""The orders in which the number alone determines a task's place."""


class ViewQuery(NamedTuple):
    """A filter, an order, and the day from which the filter's days are counted."""

    filter: Filter
    sort: str
    today: date


class AnchorRow(NamedTuple):
    """The task that must be visible in the new order, and the number of rows of the view."""

    number: int
    rows: int


class ViewRows:
    """The rows of the current view, for use by one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._query: ViewQuery | None = None
        self._numbers: array[int] = array("q")
        self._highest = 0
        self._task_count = 0

    def first_page(self, query: ViewQuery, anchor: AnchorRow | None = None) -> array[int] | None:
        """Return the first page of a long view that was not read last, or None.

        With `anchor` it is the page around that task, with 0 for all rows that are not read yet.
        """
        if query == self._query:
            return None
        if anchor is not None:
            return self._anchored_page(query, anchor) if anchor.rows > LONG_VIEW else None
        page = tasks.matching_numbers(
            self._store, query.filter, today=query.today, sort=query.sort, limit=FIRST_PAGE_ROWS
        )
        return page if len(page) == FIRST_PAGE_ROWS else None

    def _anchored_page(self, query: ViewQuery, anchor: AnchorRow) -> array[int] | None:
        from bwp_tui.store.queries.keyset_page import KeysetPage  # the first frame does without

        about = KeysetPage(self._store, query.filter, anchor.number, today=query.today, sort=query.sort)
        anchored = about.page(FIRST_PAGE_ROWS // 2, anchor.rows)
        if anchored is None:
            return None
        start, page = anchored
        rows = array("q", bytes(page.itemsize * max(anchor.rows, start + len(page))))
        rows[start : start + len(page)] = page
        return rows

    def all_numbers(self, query: ViewQuery, changed: Sequence[int], is_cancelled: Callable[[], bool]) -> array[int]:
        """Return all rows of a view; `changed` are the tasks that were touched since the last call.

        Once `is_cancelled` returns True, ReadCancelled is raised.
        """
        # Read before the rows: a task added meanwhile is then seen as new twice, rather than never.
        highest, count = tasks.highest_number(self._store), tasks.count(self._store, Filter(), today=query.today)
        if self._can_be_patched(query, changed, count):
            self._patch(query, changed)
        else:
            self._query = None
            self._numbers = tasks.matching_numbers(
                self._store, query.filter, today=query.today, sort=query.sort, is_cancelled=is_cancelled
            )
            self._query = query
        self._highest, self._task_count = highest, count
        return self._numbers

    def _can_be_patched(self, query: ViewQuery, changed: Sequence[int], count: int) -> bool:
        added = sum(number > self._highest for number in changed)
        return (
            query == self._query
            and query.sort in _NUMBER_ORDERS
            and len(changed) <= MAX_PATCHED
            and count == self._task_count + added  # else some were removed, and it is unknown which
            and not any(
                isinstance(condition, DurationCondition) for condition, _ in query.filter.leaves()
            )  # their matches change with time
        )

    def _patch(self, query: ViewQuery, changed: Sequence[int]) -> None:
        fitting = tasks.matching_among(self._store, query.filter, changed, today=query.today)
        place, numbers = _NUMBER_ORDERS[query.sort], self._numbers
        for number in changed:
            at = bisect_left(numbers, place(number), key=place)
            is_there = at < len(numbers) and numbers[at] == number
            if is_there is not (number in fitting):
                if numbers is self._numbers:  # callers may still be reading the former array
                    numbers = numbers[:]
                if is_there:
                    del numbers[at]
                else:
                    numbers.insert(at, number)
        self._numbers = numbers
