"""Write what an operator records about tasks to the history, and keep the steps that can be undone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bwp_tui.console.services.write_guard import WriteGuard
from bwp_tui.store.commands import bulk, undo
from bwp_tui.store.commands.bulk import Judge, Result, TaskCommand
from bwp_tui.store.commands.operation import Field, Operation
from bwp_tui.store.commands.record_operations import UNWATCH
from bwp_tui.store.commands.undo import Change

_STEPS: Final = 100
"""Changes of a session that can be undone, the last first."""


@dataclass(frozen=True, slots=True)
class RecordStep:
    """A change of what the history keeps about some tasks."""

    field: Field
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class MarkStep:
    """A change of the marks. `before` are the local numbers that were marked."""

    before: frozenset[int]


@dataclass(frozen=True, slots=True)
class IrreversibleStep:
    """Something that cannot be undone, in the words of a sentence's beginning."""

    what: str


Step = RecordStep | MarkStep | IrreversibleStep


class RecordCommands:
    """Carries out operations on tasks. Its methods block on the disk: not for the UI's loop.

    Each takes local numbers, returns what came of each task, and raises StoreError where nothing can be recorded.

    Attributes:
        actor: who is at this keyboard.
        steps: what can be undone, the newest last.
    """

    def __init__(self, guard: WriteGuard, actor: str) -> None:
        self.actor = actor
        self.steps: deque[Step] = deque(maxlen=_STEPS)
        self._guard = guard

    def apply(
        self, operation: Operation, numbers: Sequence[int], today: date, judge: Judge | None = None, **values: Any
    ) -> list[Result]:
        """Carry an operation out on each of these tasks, unless `judge` refuses it."""
        changes: list[Change] = []
        try:
            command = operation.task_command(self.actor, today, **values)
            if judge is not None:
                command = bulk.judged(command, judge)
            return self._perform(undo.with_changes(command, operation.field, changes), numbers)
        finally:
            # Also when a later transaction failed: what an earlier one wrote stays, and can be undone.
            if changes:
                self.steps.append(RecordStep(operation.field, tuple(changes)))

    def unwatch(self, numbers: Sequence[int], today: date) -> list[Result]:
        """Watch tasks no longer, since they have ended: the operator did nothing, so there is nothing to undo."""
        return self._perform(UNWATCH.task_command(self.actor, today), numbers)

    def undo(self, step: RecordStep) -> list[Result]:
        """Restore a part of some tasks, except where it was changed again since."""
        command = undo.undo(step.field, step.changes, self.actor)
        return self._perform(command, [change.number for change in step.changes])

    def _perform(self, command: TaskCommand, numbers: Sequence[int]) -> list[Result]:
        return [result for results in bulk.perform(self._guard.store, command, numbers) for result in results]
