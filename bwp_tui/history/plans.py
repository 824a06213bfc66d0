"""What an action would do to some tasks: to which ones it can be done, and why the others are skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.domain.deadlines import extend_by
from bwp_tui.domain.task import Status, Task
from bwp_tui.history import tasks
from bwp_tui.history.actions import cannot_cancel, cannot_download, cannot_resubmit
from bwp_tui.history.connection import History
from bwp_tui.history.work import cannot_acknowledge, cannot_extend, cannot_watch

CHUNK: Final = 500
"""Tasks read at once: the values that one statement can bind are limited."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action would do.

    Attributes:
        done: the action as a participle, for the plan line.
        possible: the tasks it can be done to, in the order they were given.
        skipped: why others are left out, in a few words, and how many; the most frequent first.
    """

    done: str
    possible: tuple[int, ...]
    skipped: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        """Return the plan as one line: `3 resubmitted, 2 skipped: 1 retrieval COMPLETED, 1 resubmitted already`."""
        words = f"{len(self.possible)} {self.done}"
        left_out = sum(count for _, count in self.skipped)
        if not left_out:
            return words
        return f"{words}, {left_out} skipped: {', '.join(f'{count} {reason}' for reason, count in self.skipped)}"


def cannot_refresh(task: Task) -> str | None:
    """Return why the service cannot be asked about task, or None when it can."""
    if task.task_id is None:
        return f"{task.name} has no task id yet, so the service cannot be asked about it."
    if task.status == Status.CANCELLED:
        return f"{task.name} was cancelled here; the service has no more to say of it."
    return None


_Check = Callable[[Task, date], str | None]


def _any_day(check: Callable[[Task], str | None]) -> _Check:
    return lambda task, _today: check(task)


def _never(_task: Task, _today: date) -> None:
    return None


_ACTIONS: Final[dict[str, tuple[str, _Check]]] = {
    "resubmit": ("resubmitted", _any_day(cannot_resubmit)),
    "cancel": ("cancelled", _any_day(cannot_cancel)),
    "download": ("downloaded", _any_day(cannot_download)),
    "refresh": ("refreshed", _any_day(cannot_refresh)),
    "acknowledge": ("acknowledged", _any_day(cannot_acknowledge)),
    "extend": ("extended", cannot_extend),
    "watch": ("watched", _any_day(cannot_watch)),
    "tag": ("tagged", _never),
    "assign": ("assigned", _never),
    "note": ("noted", _never),
    "verify": ("verified", _never),
}


def plan(history: History, action: str, numbers: Sequence[int], today: date) -> Plan:
    """Return what `action` would do to the tasks with these local numbers; changes nothing.

    Raises:
        KeyError: there is no such action.
    """
    done, cannot = _ACTIONS[action]
    possible: list[int] = []
    skipped: Counter[str] = Counter()
    for at in range(0, len(numbers), CHUNK):
        chunk = numbers[at : at + CHUNK]
        found = tasks.window(history, chunk)
        if len(found) < len(chunk):
            skipped["gone"] += len(chunk) - len(found)
        for task in found:
            if cannot(task, today) is None:
                possible.append(task.number)
            else:
                skipped[_few_words(action, task)] += 1
    return Plan(done, tuple(possible), tuple(skipped.most_common()))


def _few_words(action: str, task: Task) -> str:
    """Return why an action skips a task in words that many tasks share, so that they can be counted."""
    already = {
        "resubmit": task.resubmitted_as is not None,
        "cancel": task.cancel_asked,
        "download": task.download is not None and task.download.state in ("queued", "running"),
        "extend": task.extended_on is not None,
        "acknowledge": task.acknowledged_on is not None,
    }
    done, _ = _ACTIONS[action]
    if already.get(action, False):
        return f"{done} already"
    if action == "resubmit" and not task.email:
        return "without address"
    if action == "extend" and extend_by(task.regulation, task.received_on) is None:
        return "without deadline"
    if action == "extend" and task.status not in (Status.COMPLETED, Status.CANCELLED):
        return "resubmitted already" if task.resubmitted_as else "too late to be extended"
    return f"{task.kind.lower()} {task.status}"
