"""Record the operator's actions on tasks and views in the history."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from bwp_tui.console.services.record_commands import FinalStep, Step
from bwp_tui.console.services.write_guard import WriteGuard
from bwp_tui.domain.filter import View
from bwp_tui.domain.holding_periods import Hold, same_hold
from bwp_tui.domain.task import Request, Task
from bwp_tui.domain.text import counted
from bwp_tui.settings import Profile
from bwp_tui.store.commands import bulk, requests, unconfirmed
from bwp_tui.store.commands.bulk import Result
from bwp_tui.store.database.connection import Store
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
        self._steps.append(FinalStep(f"The submission of #{task.number}"))
        return task

    def resubmit(self, task: Task, hold: Hold = same_hold) -> Task:
        """Record a failed request again; return the new task."""
        new = requests.resubmit(self._guard.store, task.number, self._actor, hold)
        self._steps.append(FinalStep(f"The resubmission of {task.name}"))
        return new

    def cancel(self, task: Task) -> str:
        """Record the cancellation of a held deletion, or withdraw what was never sent."""
        cancelled = requests.cancel(self._guard.store, task.number, self._actor)
        self._steps.append(FinalStep(f"The cancellation of {task.name}"))
        if cancelled.cancel_asked:
            return f"The cancellation of {task.name} is recorded."
        return f"{task.name} is withdrawn; it was never sent."

    def adopt(self, task: Task, task_id: str) -> str:
        """Enter the service's id of an unconfirmed request."""
        unconfirmed.adopt(self._guard.store, task.number, task_id, self._actor)
        self._steps.append(FinalStep(f"The task id of {task.name}"))
        return f"Asking the service whether {task_id} is this request."

    def give_up(self, task: Task, reason: str) -> str:
        """Close an unconfirmed request."""
        unconfirmed.give_up(self._guard.store, task.number, reason, self._actor)
        self._steps.append(FinalStep(f"Giving up {task.name}"))
        return f"{task.name} is given up; the reason is on its timeline."

    def download(self, task: Task) -> str:
        """Put the task's result into the download queue."""
        requests.download(self._guard.store, task.number, str(self._profile.download_dir), self._actor)
        return f"The download of #{task.number} begins as soon as a slot is free."

    def poll(self, task: Task) -> str:
        """Make the task due for a poll now."""
        requests.poll_now(self._guard.unguarded, [task.number])
        return f"Asking the service about {task.name}."

    def apply_to_many(self, action: str, numbers: Sequence[int]) -> list[Result]:
        """Apply a planned action to each of these tasks."""
        commands: dict[str, Callable[[], bulk.TaskCommand]] = {
            "download": lambda: bulk.download(str(self._profile.download_dir), self._actor),
            "refresh": bulk.refresh,
            "cancel": lambda: bulk.cancel(self._actor),
        }
        store = self._guard.unguarded if action == "refresh" else self._guard.store
        results = _perform(store, commands[action](), numbers)
        if action == "cancel":
            self._steps.append(FinalStep(f"The cancellation of {counted(len(numbers), 'task')}"))
        return results

    def resubmit_many(self, numbers: Sequence[int], note: str, hold: Hold = same_hold) -> list[Result]:
        """Record failed requests again, with a note on the new tasks where there is one."""
        results = _perform(self._guard.store, bulk.resubmit(self._actor, note, hold), numbers)
        self._steps.append(FinalStep(f"The resubmission of {counted(len(numbers), 'task')}"))
        return results

    def save_view(self, view: View) -> str:
        """Save a filter with its order under a name."""
        saved_views.save(self._guard.store, view)
        return f"The view “{view.name}” is saved."

    def delete_view(self, name: str) -> str:
        """Delete a saved view."""
        return f"The view “{saved_views.delete(self._guard.store, name).name}” is deleted."


def _perform(store: Store, command: bulk.TaskCommand, numbers: Sequence[int]) -> list[Result]:
    return [result for results in bulk.perform(store, command, numbers) for result in results]
