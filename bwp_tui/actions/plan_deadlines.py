"""Check the due dates of a plan: deletions that would end too late, and the new due dates of extensions."""

from __future__ import annotations

from datetime import date

from bwp_tui.domain.deadlines import HoldRule, latest_end, longest_fitting_hold
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Task
from bwp_tui.domain.text import counted
from bwp_tui.store.commands.records import extended_due


class DeadlineCheck:
    """Collects the effects of a plan on due dates, task by task; holds count where the action submits requests.

    Attributes:
        new_due_dates: the first and the last new due date of extensions; None without one.
        shortened: how many deletions get a shorter hold than they had.
        without_hold: how many of these get none.
    """

    def __init__(self, action: str, today: date, hold: HoldRule, *, submits: bool) -> None:
        self._action = action
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

    def count(self, task: Task) -> None:
        """Add a task of the plan."""
        if self._submits and task.kind is Kind.DELETION and task.due_on is not None:
            self._count_deletion(task, task.due_on)
        elif self._action == "extend" and (due := extended_due(task)) is not None:
            first, last = self.new_due_dates or (due, due)
            self.new_due_dates = (min(first, due), max(last, due))

    @property
    def warning(self) -> str:
        """How many deletions would end after their due date, a hold that would help, and which holds are shortened."""
        return ". ".join(filter(None, (self._lateness, self._shortening)))

    @property
    def _shortening(self) -> str:
        if not self.shortened:
            return ""
        holds = "Hold" if self.shortened == 1 else "Holds"
        at_once = "begins at once and" if self.without_hold == 1 else "begin at once and"
        return f"{holds} shortened" + (
            f"; {counted(self.without_hold, 'deletion')} {at_once} cannot be cancelled" if self.without_hold else ""
        )

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

    def _count_deletion(self, task: Task, due: date) -> None:
        hold, own = (
            DEFAULT_HOLDING_PERIOD if days is None else days for days in (self._hold(task), task.holding_period)
        )
        if hold < own:
            self.shortened += 1
            self.without_hold += not hold
        if latest_end(self._today, hold) <= due:
            return
        self._late += 1
        fitting = longest_fitting_hold(self._today, due)
        if fitting is None:
            self._late_without_hold += 1
        elif self._fitting is None or fitting < self._fitting:
            self._fitting = fitting
