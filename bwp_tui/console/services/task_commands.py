"""Record the operator's actions on tasks and views in the history."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from bwp_tui.console.services.record_commands import IrreversibleStep, Step
from bwp_tui.console.services.write_guard import WriteGuard
from bwp_tui.domain.filter import View
from bwp_tui.domain.task import Request, Task
from bwp_tui.settings import Profile
from bwp_tui.store.commands import bulk, requests
from bwp_tui.store.commands.bulk import Judge, Result
from bwp_tui.store.commands.service_operations import ServiceOperation
from bwp_tui.store.commands.unconfirmed import Settlement
from bwp_tui.store.queries import saved_views


class TaskCommands:
    """Writes what the operator asks for; the engine does it. Its methods block on the disk: not for the UI's loop.

    A method that returns text returns the sentence for the status line. Each raises StoreError where the action is not
    possible or cannot be recorded, and BadRequest where its values are wrong; nothing was recorded then, except by the
    methods for many tasks, which keep what they recorded before.

    Args:
        steps: takes what cannot be undone.
    """

    def __init__(self, guard: WriteGuard, profile: Profile, actor: str, steps: deque[Step]) -> None:
        self._guard = guard
        self._profile = profile
        self._actor = actor
        self._steps = steps

    def submit(self, request: Request) -> Task:
        """Record a request; return its task."""
        task = requests.submit(self._guard.store, request, self._actor)
        self._steps.append(IrreversibleStep(f"The submission of #{task.number}"))
        return task

    def settle(self, settlement: Settlement, task: Task, text: str) -> str:
        """Decide about an unconfirmed request."""
        settlement.apply(self._guard.store, task.number, text, self._actor)
        self._steps.append(IrreversibleStep(settlement.step(task)))
        return settlement.result(task, text)

    def apply(
        self, operation: ServiceOperation, numbers: Sequence[int], subject: str, judge: Judge, **values: Any
    ) -> list[Result]:
        """Ask for an operation on each of these tasks, which a sentence calls `subject`, unless `judge` refuses it."""
        command = bulk.judged(operation.task_command(self._actor, str(self._profile.download_dir), **values), judge)
        store = self._guard.store if operation.writes else self._guard.unguarded
        results = [result for results in bulk.perform(store, command, numbers) for result in results]
        if not operation.is_harmless and any(result.refused is None for result in results):
            self._steps.append(IrreversibleStep(f"The {operation.noun} of {subject}"))
        return results

    def save_view(self, view: View) -> str:
        """Save a filter with its order under a name."""
        saved_views.save(self._guard.store, view)
        return f"The view “{view.name}” is saved."

    def delete_view(self, name: str) -> str:
        """Delete a saved view."""
        return f"The view “{saved_views.delete(self._guard.store, name).name}” is deleted."
