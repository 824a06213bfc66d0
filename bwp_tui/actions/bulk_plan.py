"""Plan an action on many tasks: for which ones it is possible, and why the others are skipped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bwp_tui.actions.deadline_effects import DeadlineEffects
from bwp_tui.actions.decision_operations import is_cancelled_first
from bwp_tui.actions.operation import RecordOperation, TaskOperation
from bwp_tui.actions.service_operations import ServiceOperation
from bwp_tui.domain.advice import is_shopper_unknown
from bwp_tui.domain.deadlines import same_hold
from bwp_tui.domain.statuses import WITHHELD_STATUSES
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import counted
from bwp_tui.store.commands.bulk import TaskCheck
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks

_NOUN: Final = re.compile(r"^(retrieval|deletion|own request)\b")
"""What a reason to skip a task may begin with."""

PlannedOperation = RecordOperation | ServiceOperation


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What an operation would do.

    Attributes:
        possible: the tasks for which it is possible, in the given order.
        kinds_clause: the number of tasks of each kind and status, the most frequent first; or empty if nothing is
            submitted.
        skipped: the reasons to skip others, and how many; the most frequent first.
        warning: an unwanted effect of the plan, without a full stop; or empty.
        can_meet_due_dates: whether shorter holds would bring deletions in time.
        is_sent_at_once: whether no request waits for a person to send or approve it afterwards.
        cancelled_first: how many are declined only once the service has confirmed their cancellation.
        due_dates_clause: from where to where due dates move, as in `DeadlineEffects.due_dates_clause`; or empty.
    """

    operation: PlannedOperation
    possible: tuple[int, ...]
    skipped: tuple[tuple[str, int], ...]
    kinds_clause: str = ""
    warning: str = ""
    can_meet_due_dates: bool = False
    due_dates_clause: str = ""
    is_sent_at_once: bool = True
    cancelled_first: int = 0

    def __str__(self) -> str:
        """Return the plan as one line: `3 to resubmit, 2 skipped: 1 retrieval COMPLETED, 1 resubmitted already`."""
        return f"{self.summary}. {self.warning}" if self.warning else self.summary

    @property
    def summary(self) -> str:
        """The plan without its warning."""
        to_do = f"{len(self.possible)} to {self.operation.name}"
        return f"{to_do}{self.due_dates_clause}{self.kinds_clause}{self.skipped_clause}"

    @property
    def skipped_clause(self) -> str:
        """How many tasks are skipped and why, or nothing. A single reason is not counted again."""
        count = sum(count for _, count in self.skipped)
        named = [(count, reason if count == 1 else _NOUN.sub(r"\1s", reason)) for reason, count in self.skipped]
        reasons = ", ".join(f"{count} {reason}" if len(named) > 1 else reason for count, reason in named)
        return f", {count} skipped: {reasons}" if count else ""


_NO_VALUES: Final[Mapping[str, Any]] = {}


def plan(
    store: Store,
    operation: PlannedOperation,
    numbers: Sequence[int],
    today: date,
    values: Mapping[str, Any] = _NO_VALUES,
    *,
    actor: str = "",
) -> BulkPlan:
    """Return what an operation would do to these tasks with these values of its arguments, without doing it.

    Args:
        actor: who would do it; empty for anybody.
    """
    effects = DeadlineEffects(operation, today, values.get("hold_rule", same_hold))
    possible: list[int] = []
    skipped: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    cancelled = started = answered = unknown = 0
    unfinished: list[Task] = []
    withheld: Counter[str] = Counter()
    for task in tasks.each(store, numbers):
        reason = _skip_reason(operation, task, today, values) or operation.wrong_actor_reason(store, task, actor)
        if reason is None:
            possible.append(task.number)
            kinds[task.kind_name, task.status] += 1
            effects.add(task, operation.with_new_due_date(task, dict(values), today))
            if (status := operation.resulting_status(store, task)) in WITHHELD_STATUSES:
                withheld[str(status)] += 1
            cancelled += operation.cancels and is_cancelled_first(task)
            started += operation.submits and task.may_have_started
            answered += operation.submits and task.answered_on is not None
            unknown += operation.submits and is_shopper_unknown(task)
            if operation.submits and (other := tasks.unfinished_for_same(store, task)) is not None:
                unfinished.append(other)
        else:
            skipped[reason.short] += 1
    if gone := len(numbers) - len(possible) - skipped.total():
        skipped["gone"] = gone
    reasons = tuple(skipped.most_common())
    named_kinds = kinds.most_common() if operation.submits else ()
    named = ", ".join(f"{counted(count, kind)} {status}" for (kind, status), count in named_kinds)
    kinds_clause = f": {named}" if named else ""
    warnings: list[str] = []
    if unfinished:
        same = f"#{unfinished[0].number} ({unfinished[0].status}) has the same email and kind"
        if len(possible) > 1:
            has = "has" if len(unfinished) == 1 else "have"
            same = f"{len(unfinished)} of them {has} another request of the same email and kind that has not ended"
        warnings.append(same)
    if unknown:
        its = "its email" if unknown == 1 else "their emails"
        failed = f"{counted(unknown, 'request')} failed since the service does not know {its}"
        warnings.append(f"{failed}, and may fail so again")
    if answered:
        were = "was" if answered == 1 else "were"
        warnings.append(f"{counted(answered, 'request')} {were} answered, and would be open again")
    if started:
        warnings.append(f"{counted(started, 'request')} may already run at the service")
    if cancelled:
        them = f"{counted(cancelled, 'deletion')} {'is' if cancelled == 1 else 'are'}"
        warnings.append(f"{them} cancelled first, and declined once the service has confirmed that")
    for status, count in withheld.items():
        warnings.append(f"{counted(count, 'request')} {'becomes' if count == 1 else 'become'} {status}, not sent yet")
    if effects.warning:
        warnings.append(effects.warning)
    warning, due = ". ".join(warnings), effects.due_dates_clause
    return BulkPlan(
        operation, tuple(possible), reasons, kinds_clause, warning, effects.can_be_met, due, not withheld, cancelled
    )


def plan_check(operation: TaskOperation, today: date, values: Mapping[str, Any] = _NO_VALUES) -> TaskCheck:
    """Return the check that refuses the tasks which a plan of an operation would skip."""
    return lambda task: _skip_reason(operation, task, today, values)


def _skip_reason(operation: TaskOperation, task: Task, today: date, values: Mapping[str, Any]) -> Reason | None:
    """Return why an operation is not possible for a task, or None when it is."""
    reason = (operation.skip_reason or operation.disabled_reason)(task, today)
    if reason:
        return reason if isinstance(reason, Reason) else Reason(_state_of(task), reason)
    return operation.wrong_values_reason(task, dict(values), today) or operation.values_warning(task, dict(values))


def _state_of(task: Task) -> str:
    return "purged" if task.is_purged else f"{task.kind_name} {task.status}"
