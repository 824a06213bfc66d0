"""Plan an action on many tasks: for which ones it is possible, and why the others are skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from bwp_tui.domain.holding_periods import Hold, same_hold
from bwp_tui.domain.task import Status, Task, why_purged
from bwp_tui.store.commands.operation import Check
from bwp_tui.store.commands.plan_deadlines import DeadlineCheck
from bwp_tui.store.commands.record_operations import BY_NAME
from bwp_tui.store.commands.requests import cannot_cancel, cannot_download, cannot_resubmit
from bwp_tui.store.commands.result_files import saved_at
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks

CHUNK: Final = 500
"""Tasks read at once: SQLite limits the values of a statement."""


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What an action would do.

    Attributes:
        action: the action as a verb, for the plan line.
        possible: the tasks for which it is possible, in the given order.
        skipped: the reasons to skip others, and how many; the most frequent first.
        warning: an unwanted effect of the plan, without a full stop; or empty.
        new_due_dates: the first and the last new due date, if the action moves due dates.
    """

    action: str
    possible: tuple[int, ...]
    skipped: tuple[tuple[str, int], ...]
    warning: str = ""
    new_due_dates: tuple[date, date] | None = None

    def __str__(self) -> str:
        """Return the plan as one line: `3 to resubmit, 2 skipped: 1 retrieval COMPLETED, 1 resubmitted already`."""
        return f"{self.summary}. {self.warning}" if self.warning else self.summary

    @property
    def summary(self) -> str:
        """The plan without its warning."""
        return f"{len(self.possible)} to {self.action}{self.until}{self.skipped_count}"

    @property
    def until(self) -> str:
        """The new due dates: ` to 2026-12-31`, or nothing."""
        if self.new_due_dates is None:
            return ""
        first, last = self.new_due_dates
        return f" to {first}" if first == last else f" to days from {first} to {last}"

    @property
    def skipped_count(self) -> str:
        """How many tasks are skipped and why, or nothing."""
        count = sum(count for _, count in self.skipped)
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.skipped)
        return f", {count} skipped: {reasons}" if count else ""

    def describe_result(self, count: int) -> str:
        """Return the result for `count` tasks: work that is left to the engine is “asked for”."""
        if self.action in BY_NAME:
            return f"{count} {BY_NAME[self.action].done}"
        asked = _SERVICE_ACTIONS[self.action][0]
        return f"{count} {asked if count == 1 else _more_than_one(asked)} asked for"


def cannot_refresh(task: Task) -> str | None:
    """Return why `task` cannot be polled, or None when it can."""
    if why_not := why_purged(task):
        return why_not
    if task.task_id is None:
        return f"{task.name} has no task id yet, so the service cannot be asked about it."
    if task.status == Status.CANCELLED:
        return f"{task.name} was cancelled here; the service has no more to say of it."
    return None


def _cannot_download_first(task: Task) -> str | None:
    """Return why `task` is skipped: as `cannot_download` does, or since its result is saved."""
    saved = saved_at(task)
    return cannot_download(task) if saved is None else f"The result of {task.name} is saved already as {saved}."


_SERVICE_ACTIONS: Final[dict[str, tuple[str, Callable[[Task], str | None]]]] = {
    "resubmit": ("resubmission", cannot_resubmit),
    "cancel": ("cancellation", cannot_cancel),
    "download": ("download", _cannot_download_first),
    "download again": ("download", cannot_download),
    "refresh": ("refresh", cannot_refresh),
}
"""The actions that the engine carries out: a noun for each, and why it is not possible for a task."""


def _any_day(check: Callable[[Task], str | None]) -> Check:
    return lambda task, _today: check(task)


def _more_than_one(noun: str) -> str:
    return f"{noun}es" if noun.endswith("sh") else f"{noun}s"


def plan(store: Store, action: str, numbers: Sequence[int], today: date, hold: Hold = same_hold) -> BulkPlan:
    """Return what `action` would do to these tasks, without doing it.

    Raises:
        KeyError: there is no such action.
    """
    operation = BY_NAME.get(action)
    check = operation.skip_reason or operation.disabled_reason if operation else _any_day(_SERVICE_ACTIONS[action][1])
    short_reason = operation.short_reason if operation else partial(_short_reason, action)
    deadlines = DeadlineCheck(action, today, hold)
    possible: list[int] = []
    skipped: Counter[str] = Counter()
    for at in range(0, len(numbers), CHUNK):
        chunk = numbers[at : at + CHUNK]
        found = tasks.window(store, chunk)
        if len(found) < len(chunk):
            skipped["gone"] += len(chunk) - len(found)
        for task in found:
            if check(task, today) is None:
                possible.append(task.number)
                deadlines.count(task)
            else:
                skipped[short_reason(task) or _state_of(task)] += 1
    reasons = tuple(skipped.most_common())
    return BulkPlan(action, tuple(possible), reasons, deadlines.warning, deadlines.ends)


def _short_reason(action: str, task: Task) -> str:
    """Return why a task is skipped, in words that many tasks share; empty if its state is the reason."""
    verb = action.removesuffix(" again")
    if action == "download" and saved_at(task):
        return "saved already"
    if verb == "resubmit" and task.resubmitted_as is not None:
        return "resubmitted already"
    if verb == "cancel" and task.is_unanswered:
        return "without a response yet"
    is_downloading = task.download is not None and task.download.state in ("queued", "running")
    if (verb == "cancel" and task.cancel_asked) or (verb == "download" and is_downloading):
        return f"{_SERVICE_ACTIONS[action][0]} asked for already"
    return "without address" if verb == "resubmit" and not task.is_purged and not task.email else ""


def _state_of(task: Task) -> str:
    return "purged" if task.is_purged else f"{task.kind.lower()} {task.status}"
