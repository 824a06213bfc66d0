"""Taking back a change of what the office keeps about a task: a row more on its timeline, never one less."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bwp_tui.domain.task import Task
from bwp_tui.history import tasks, timeline
from bwp_tui.history.bulk import Deed
from bwp_tui.history.changes import mark
from bwp_tui.history.connection import History, Transaction
from bwp_tui.history.errors import NotPossible
from bwp_tui.history.rows import tags_text


class Part(StrEnum):
    """What can be taken back, as a sentence names it."""

    NOTE = "note"
    TAGS = "tags"
    ASSIGNMENT = "assignment"


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a task as it was before a change and after it."""

    number: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def noted(deed: Deed, part: Part, changes: list[Change]) -> Deed:
    """Return a deed that does the same and adds to `changes` what it has changed."""

    def watched(transaction: Transaction, history: History, number: int) -> int:
        before = _value(tasks.get(history, number), part)
        now = deed(transaction, history, number)
        after = _value(tasks.get(history, number), part)
        if before != after:
            changes.append(Change(number, before, after))
        return now

    return watched


def take_back(part: Part, changes: Iterable[Change], actor: str) -> Deed:
    """Return the deed of putting a part of each task back as it was, unless it was changed once more since."""
    by_number = {change.number: change for change in changes}

    def deed(transaction: Transaction, history: History, number: int) -> int:
        change = by_number[number]
        task = tasks.get(history, number)
        if _value(task, part) != change.after:
            raise NotPossible(f"The {part} of {task.name} was changed since, so it stays.")
        _put(transaction, number, part, change.before)
        timeline.append(transaction, number, actor, "undone", detail=_words(part, change.before))
        mark(transaction, number)
        return number

    return deed


def _value(task: Task, part: Part) -> tuple[str, ...]:
    match part:
        case Part.NOTE:
            return (task.note,) if task.note else ()
        case Part.TAGS:
            return task.tags
        case Part.ASSIGNMENT:
            return (task.assigned_to,) if task.assigned_to else ()


def _put(transaction: Transaction, number: int, part: Part, value: tuple[str, ...]) -> None:
    match part:
        case Part.NOTE:
            transaction.run("UPDATE tasks SET note = ? WHERE number = ?", ("".join(value), number))
        case Part.TAGS:
            transaction.run("UPDATE tasks SET tags = ? WHERE number = ?", (tags_text(value), number))
        case Part.ASSIGNMENT:
            transaction.run("UPDATE tasks SET assigned_to = ? WHERE number = ?", ("".join(value) or None, number))


def _words(part: Part, value: tuple[str, ...]) -> str:
    return f"{part} again {' '.join(value)}" if value else f"{part} again empty"
