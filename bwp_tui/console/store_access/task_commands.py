"""Record the operator's actions on tasks and views in the history, and keep the steps that can be undone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bwp_tui.actions.decision_operations import Settlement
from bwp_tui.actions.operation import RecordOperation
from bwp_tui.actions.record_operations import UNWATCH, WATCH
from bwp_tui.actions.service_operations import ServiceOperation
from bwp_tui.console.store_access.write_guard import WriteGuard
from bwp_tui.domain.task import Request, Task
from bwp_tui.domain.text import counted
from bwp_tui.domain.views import View
from bwp_tui.settings import Profile
from bwp_tui.store.commands import bulk, requests, saved_views, undo
from bwp_tui.store.commands.bulk import ChangeResult, TaskChange, TaskCheck
from bwp_tui.store.commands.undo import PartChange
from bwp_tui.store.queries.timeline import PROGRAM, UndoablePart

_MAX_STEPS: Final = 100
"""Changes of a session that can be undone, the last first."""

_NOUNS: Final = {WATCH.name: "watch", UNWATCH.name: "end of the watch"}
"""What undo calls the operations on another part than the one by which the history keeps them."""


@dataclass(frozen=True, slots=True)
class RecordStep:
    """A change of what the history keeps about some tasks; `noun` is what a sentence calls it."""

    part: UndoablePart
    noun: str
    changes: tuple[PartChange, ...]


@dataclass(frozen=True, slots=True)
class MarkStep:
    """A change of the marks. `before` are the task numbers that were marked."""

    before: frozenset[int]


@dataclass(frozen=True, slots=True)
class IrreversibleStep:
    """Something that cannot be undone, in the words of a sentence's beginning.

    Attributes:
        withdrawal: the operation that withdraws it from the tasks `numbers`; None where none does.
    """

    what: str
    withdrawal: RecordOperation | None = None
    numbers: tuple[int, ...] = ()


Step = RecordStep | MarkStep | IrreversibleStep


class TaskCommands:
    """Records what the operator asks for in the history. Its methods block on the disk: not for the UI's loop.

    A method that returns text returns the sentence for the status line. Each raises StoreError where the action is not
    possible or cannot be recorded, and BadRequest where its values are wrong; nothing was recorded then, except by the
    methods for many tasks, which keep what they recorded before.

    Attributes:
        steps: what can be undone, and what cannot, the newest last.
    """

    def __init__(self, guard: WriteGuard, profile: Profile, actor: str) -> None:
        self.steps: deque[Step] = deque(maxlen=_MAX_STEPS)
        self._guard = guard
        self._profile = profile
        self._actor = actor

    def submit(self, request: Request) -> Task:
        task = requests.submit(self._guard.store, request, self._actor)
        self.steps.append(IrreversibleStep(f"Recording #{task.number}"))
        return task

    def settle(self, settlement: Settlement, task: Task, text: str) -> str:
        settlement.apply(self._guard.store, task.number, text, self._actor)
        self.steps.append(IrreversibleStep(settlement.irreversible_step(task)))
        return settlement.result(task, text)

    def apply(
        self, operation: ServiceOperation, numbers: Sequence[int], name: str, check: TaskCheck, **values: Any
    ) -> list[ChangeResult]:
        """Ask for an operation on each of these tasks, which a sentence calls `name`, unless `check` refuses it."""
        change = bulk.with_check(operation.change_for(self._actor, str(self._profile.download_dir), **values), check)
        results = self._perform(change, numbers, writes=operation.writes)
        if not operation.is_harmless and any(result.refused is None for result in results):
            self.steps.append(IrreversibleStep(f"The {operation.noun} of {name}"))
        return results

    def save_view(self, view: View) -> str:
        saved_views.save(self._guard.store, view)
        return f"The view “{view.name}” is saved."

    def delete_view(self, name: str) -> str:
        return f"The view “{saved_views.delete(self._guard.store, name).name}” is deleted."

    def record(
        self,
        operation: RecordOperation,
        numbers: Sequence[int],
        today: date,
        check: TaskCheck | None = None,
        **values: Any,
    ) -> list[ChangeResult]:
        """Carry out an operation of the history alone on each of these tasks, unless `check` refuses it."""
        changes: list[PartChange] = []
        try:
            change = operation.change_for(self._actor, today, **values)
            if check is not None:
                change = bulk.with_check(change, check)
            if operation.undo_part is None:
                results = self._perform(change, numbers)
                if any(result.refused is None for result in results):
                    withdrawal = operation.alternative.operation if operation.alternative is not None else None
                    of = f"#{numbers[0]}" if len(numbers) == 1 else counted(len(numbers), "task")
                    step = IrreversibleStep(f"{of}: the action “{operation.name}”", withdrawal, tuple(numbers))
                    self.steps.append(step)
                return results
            results = self._perform(undo.with_recorded_values(change, operation.undo_part, changes), numbers)
            changed = {each.number for each in changes}
            return [
                result
                if result.refused or result.resulting_id in changed
                else result._replace(
                    refused=f"Nothing is changed in the {operation.undo_part} of #{result.resulting_id}."
                )
                for result in results
            ]
        finally:
            # Also when a later transaction failed: what an earlier one wrote stays, and can be undone.
            if changes and (part := operation.undo_part) is not None:
                self.steps.append(RecordStep(part, _NOUNS.get(operation.name, part), tuple(changes)))

    def unwatch(self, numbers: Sequence[int], today: date) -> list[ChangeResult]:
        """Watch tasks no longer, since they have ended: the operator did nothing, so there is nothing to undo."""
        return self._perform(UNWATCH.change_for(PROGRAM, today), numbers)

    def undo(self, step: RecordStep) -> list[ChangeResult]:
        """Restore a part of some tasks, except where it was changed again since."""
        change = undo.undo(step.part, step.changes, self._actor)
        return self._perform(change, [earlier.number for earlier in step.changes])

    def _perform(self, change: TaskChange, numbers: Sequence[int], *, writes: bool = True) -> list[ChangeResult]:
        store = self._guard.store if writes else self._guard.store_for_polls
        return [result for results in bulk.apply_to_each(store, change, numbers) for result in results]
