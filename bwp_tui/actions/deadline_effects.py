"""Collect what a plan does to due dates: late deletions, extensions, and clocks that run on during an inquiry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from bwp_tui.actions.operation import TaskOperation
from bwp_tui.domain.deadlines import (
    HoldRule,
    due_date_text,
    is_clock_stopped,
    is_overdue,
    latest_end_if_submitted,
    longest_fitting_hold,
    needs_answer,
)
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Task
from bwp_tui.domain.text import counted

_MOST_LAWS: Final = 3
"""Regulations that a plan names."""


class DeadlineEffects:
    """Collects the effects of a plan on due dates, task by task; holds count where the operation submits requests.

    Attributes:
        shortened: how many deletions get a shorter hold than they had.
        without_hold: how many deletions have none.
    """

    def __init__(self, operation: TaskOperation, today: date, hold: HoldRule) -> None:
        self._operation = operation
        self._moved: set[tuple[str, str]] = set()
        self._no_longer_overdue = 0
        self._open_again = self._overdue_again = 0
        self._unstopped: Counter[str] = Counter()
        self._hold = hold
        self._today = today
        self._late = 0
        self._late_without_hold = 0
        self._fitting: int | None = None
        self.shortened = self.without_hold = self._kept = 0
        self._shorter_holds = set[int]()

    @property
    def can_be_met(self) -> bool:
        """Whether a shorter hold would bring a deletion in time."""
        return self._fitting is not None

    @property
    def due_dates_clause(self) -> str:
        """From where to where due dates move: `, due 2026-11-09 to 2026-11-20 → 2026-12-29`, or nothing."""
        before, after = (sorted({pair[at] for pair in self._moved}) for at in range(2))
        return f", due {_span(before)} → {_span(after)}" if self._moved else ""

    def add(self, task: Task, after: Task) -> None:
        """Add a task of the plan, as it is afterwards: where it is closed then, nothing is due."""
        if (pair := (due_date_text(task), due_date_text(after)))[0] != pair[1] and needs_answer(after):
            self._moved.add(pair)
            self._no_longer_overdue += is_overdue(task, self._today) and not is_overdue(after, self._today)
        if needs_answer(after) and not needs_answer(task):
            self._open_again += 1
            self._overdue_again += is_overdue(after, self._today)
        if self._operation.submits and task.kind is Kind.DELETION:
            self._count_deletion(task)
        elif self._operation.stops_clock and needs_answer(task) and task.due_on and not is_clock_stopped(after):
            law = REGULATIONS.get(task.regulation)
            is_over = law is not None and law.stops_for_identity
            self._unstopped[f"{task.regulation}{' (after the due date)' if is_over else ''}"] += 1

    @property
    def warning(self) -> str:
        """What is open again, no longer overdue, late, or begins at once, a hold that helps, and clocks that go on."""
        count = self._no_longer_overdue
        overdue = f"{count} that {'is' if count == 1 else 'are'} overdue would no longer be overdue" if count else ""
        again = f"{counted(self._open_again, 'request')} would be open again" if self._open_again else ""
        if self._overdue_again:
            again += ", overdue" if self._open_again == 1 else f", {self._overdue_again} of them overdue"
        return ". ".join(filter(None, (again, overdue, self._lateness, self._shortening, self._clock_goes_on)))

    @property
    def _clock_goes_on(self) -> str:
        if not self._unstopped:
            return ""
        named = ", ".join(f"{count} under {law}" for law, count in self._unstopped.most_common(_MOST_LAWS))
        others = len(self._unstopped) - _MOST_LAWS
        more = f" and {counted(others, 'other law')}" if others > 0 else ""
        return f"The clock does not stop for {self._unstopped.total()} of them: {named}{more}"

    @property
    def _shortening(self) -> str:
        shortened = ""
        if self.shortened:
            least, most = min(self._shorter_holds), max(self._shorter_holds)
            days = "" if least == most else f"{least} to "
            holds = "Hold" if self.shortened == 1 else "Holds"
            if self._kept:
                holds = f"{self.shortened} of {counted(self.shortened + self._kept, 'hold')}"
            shortened = f"{holds} shortened to {days}{counted(most, 'day')}"
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
        self._kept += hold >= own
        self._shorter_holds |= {hold} if hold < own else set()
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


def _span(due: Sequence[str]) -> str:
    """Return the first and the last of sorted due dates, and what stands in place of others."""
    days = [word for word in due if word[0].isdigit()]
    span = [" to ".join(dict.fromkeys((days[0], days[-1])))] if days else []
    return " or ".join([*span, *due[len(days) :]])
