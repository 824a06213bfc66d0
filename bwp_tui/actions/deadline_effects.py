"""Collect what a plan does to due dates: late deletions, extensions, and legal clocks that no inquiry stops."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Final

from bwp_tui.domain.deadlines import (
    HoldRule,
    is_clock_stopped,
    latest_end_if_submitted,
    longest_fitting_hold,
    needs_answer,
)
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Task
from bwp_tui.domain.text import counted
from bwp_tui.store.commands.legal_records import after_inquiry, extended_due

_MOST_LAWS: Final = 3
"""Regulations that a plan names."""


class DeadlineEffects:
    """Collects the effects of a plan on due dates, task by task; holds count where the action submits requests.

    Args:
        day: the day on which the shoppers were asked, for inquiries.

    Attributes:
        new_due_dates: the first and the last new due date of extensions; None without one.
        shortened: how many deletions get a shorter hold than they had.
        without_hold: how many deletions have none.
    """

    def __init__(self, action: str, today: date, day: date, hold: HoldRule, *, submits: bool) -> None:
        self._action = action
        self._day = day
        self._unstopped: Counter[str] = Counter()
        self._submits = submits
        self._hold = hold
        self._today = today
        self._late = 0
        self._late_without_hold = 0
        self._fitting: int | None = None
        self.new_due_dates: tuple[date, date] | None = None
        self.shortened = self.without_hold = 0

    @property
    def can_be_met(self) -> bool:
        """Whether a shorter hold would bring a deletion in time."""
        return self._fitting is not None

    def add(self, task: Task) -> None:
        """Add a task of the plan."""
        if self._submits and task.kind is Kind.DELETION:
            self._count_deletion(task)
        elif self._action == "extend" and (due := extended_due(task)) is not None:
            first, last = self.new_due_dates or (due, due)
            self.new_due_dates = (min(first, due), max(last, due))
        elif self._action == "inquire" and needs_answer(task) and not is_clock_stopped(after_inquiry(task, self._day)):
            law = REGULATIONS.get(task.regulation)
            is_over = law is not None and law.stops_for_identity
            self._unstopped[f"{task.regulation}{' (after the due date)' if is_over else ''}"] += 1

    @property
    def warning(self) -> str:
        """How many deletions would end late, a hold that would help, what begins at once, and clocks that go on."""
        return ". ".join(filter(None, (self._lateness, self._shortening, self._going_on)))

    @property
    def _going_on(self) -> str:
        if not self._unstopped:
            return ""
        named = ", ".join(f"{count} under {law}" for law, count in self._unstopped.most_common(_MOST_LAWS))
        others = len(self._unstopped) - _MOST_LAWS
        more = f" and {counted(others, 'other law')}" if others > 0 else ""
        return f"The clock does not stop for {self._unstopped.total()} of them: {named}{more}"

    @property
    def _shortening(self) -> str:
        shortened = f"{'Hold' if self.shortened == 1 else 'Holds'} shortened" if self.shortened else ""
        begin = "begins" if self.without_hold == 1 else "begin"
        at_once = f"{counted(self.without_hold, 'deletion')} {begin} at once and cannot be cancelled"
        return "; ".join(filter(None, (shortened, at_once if self.without_hold else "")))

    @property
    def _lateness(self) -> str:
        if not self._late:
            return ""
        would = f"{counted(self._late, 'deletion')} would end after {'its' if self._late == 1 else 'their'} due date"
        if self._fitting is None:
            return f"{would}, even without a hold"
        some = f", {self._late_without_hold} of them even without a hold" if self._late_without_hold else ""
        fits = "fits" if self._late == 1 else "fits the others" if self._late_without_hold else "fits them all"
        return f"{would}{some}; the longest hold that {fits} is {counted(self._fitting, 'day')}"

    def _count_deletion(self, task: Task) -> None:
        hold, own = (
            DEFAULT_HOLDING_PERIOD if days is None else days for days in (self._hold(task), task.holding_period)
        )
        self.shortened += hold < own
        self.without_hold += not hold
        due = task.due_on
        if due is None or latest_end_if_submitted(self._today, hold) <= due:
            return
        self._late += 1
        fitting = longest_fitting_hold(self._today, due)
        if fitting is None:
            self._late_without_hold += 1
        elif self._fitting is None or fitting < self._fitting:
            self._fitting = fitting
