"""Choose the holding period of a resubmitted deletion: unchanged, given, or one that meets the due date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from bwp_tui.domain.deadlines import latest_end, longest_fitting_hold
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Task

Hold: TypeAlias = Callable[[Task], int | None]
"""Returns the holding period of a resubmitted task, in days."""


def same_hold(task: Task) -> int | None:
    """Return the holding period of the task."""
    return task.holding_period


def hold_of(days: int) -> Hold:
    """Return a fixed holding period for every deletion."""
    return lambda task: days if task.kind is Kind.DELETION else None


def fitting_hold(today: date) -> Hold:
    """Return the longest holding period, up to the task's own, that meets its due date.

    A deletion that no hold can bring in time keeps its own: without one it would begin at once, could not be cancelled
    and be late all the same.
    """

    def hold(task: Task) -> int | None:
        own = DEFAULT_HOLDING_PERIOD if task.holding_period is None else task.holding_period
        if task.kind is not Kind.DELETION or task.due_on is None or latest_end(today, own) <= task.due_on:
            return task.holding_period
        fitting = longest_fitting_hold(today, task.due_on)
        return task.holding_period if fitting is None else fitting

    return hold
