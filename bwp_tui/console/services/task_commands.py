"""The operator's actions, recorded in the history by this console. Each returns the sentence to say of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from bwp_tui.console.services.record_commands import FinalStep, Step
from bwp_tui.console.services.write_guard import WriteGuard
from bwp_tui.domain.filter import View
from bwp_tui.domain.holding_periods import Hold, same_hold
from bwp_tui.domain.task import Request, Task
from bwp_tui.domain.text import counted
from bwp_tui.settings import Profile
from bwp_tui.store.commands import bulk, bulk_plan, requests, result_files, unconfirmed
from bwp_tui.store.commands.bulk import Result
from bwp_tui.store.commands.bulk_plan import BulkPlan
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import saved_views, tasks


class TaskCommands:
    """Writes what the operator asks for; the engine does it. Its methods block on the disk: not for the UI's loop."""

    def __init__(self, store: Store, profile: Profile, actor: str, steps: deque[Step]) -> None:
        self._store = store
        self._changing = WriteGuard(store, profile)
        self._profile = profile
        self._actor = actor
        self._steps = steps

    def submit(self, request: Request) -> Task:
        """Record a request; return its task.

        Raises:
            BadRequest: the service would refuse it.
            HistoryError: it could not be recorded.
        """
        task = requests.submit(self._changing.store, request, self._actor)
        self._steps.append(FinalStep(f"The submission of #{task.number}"))
        return task

    def resubmit(self, task: Task, hold: Hold = same_hold) -> Task:
        """Record a failed request again; return the new task.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        new = requests.resubmit(self._changing.store, task.number, self._actor, hold)
        self._steps.append(FinalStep(f"The resubmission of {task.name}"))
        return new

    def cancel(self, task: Task) -> str:
        """Record the wish to cancel a held deletion, or withdraw what was never sent.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        cancelled = requests.cancel(self._changing.store, task.number, self._actor)
        self._steps.append(FinalStep(f"The cancellation of {task.name}"))
        if cancelled.cancel_asked:
            return f"The cancellation of {task.name} is recorded."
        return f"{task.name} is withdrawn; it was never sent."

    def adopt(self, task: Task, task_id: str) -> str:
        """Enter the service's id of an unconfirmed request.

        Raises:
            BadRequest: it is none.
            HistoryError: it is not possible or could not be recorded.
        """
        unconfirmed.adopt(self._changing.store, task.number, task_id, self._actor)
        self._steps.append(FinalStep(f"The task id of {task.name}"))
        return f"Asking the service whether {task_id} is this request."

    def give_up(self, task: Task, reason: str) -> str:
        """Close an unconfirmed request.

        Raises:
            BadRequest: there is no reason.
            HistoryError: it is not possible or could not be recorded.
        """
        unconfirmed.give_up(self._changing.store, task.number, reason, self._actor)
        self._steps.append(FinalStep(f"Giving up {task.name}"))
        return f"{task.name} is given up; the reason is on its timeline."

    def download(self, task: Task) -> str:
        """Record the wish to have a result.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        requests.download(self._changing.store, task.number, str(self._profile.download_dir), self._actor)
        return f"The download of #{task.number} begins as soon as a slot is free."

    def poll(self, task: Task) -> str:
        """Make the task due to be asked about now.

        Raises:
            HistoryError: it could not be recorded.
        """
        requests.poll_now(self._store, [task.number])
        return f"Asking the service about {task.name}."

    def record_unpacked(self, task: Task, folder: Path) -> None:
        """Record where the task's result was unpacked.

        Raises:
            HistoryError: it could not be recorded.
        """
        result_files.record_unpacked(self._changing.store, task.number, folder, self._actor)

    def plan(self, action: str, numbers: Sequence[int], today: date, hold: Hold = same_hold) -> BulkPlan:
        """Return what an action would do to these tasks; changes nothing."""
        return bulk_plan.plan(self._store, action, numbers, today, hold)

    def apply_to_many(self, action: str, numbers: Sequence[int]) -> list[Result]:
        """Do a planned action to each of these tasks.

        Raises:
            HistoryError: it could not be recorded; what was done before stays.
        """
        deeds: dict[str, Callable[[], bulk.TaskCommand]] = {
            "download": lambda: bulk.download(str(self._profile.download_dir), self._actor),
            "refresh": bulk.refresh,
            "cancel": lambda: bulk.cancel(self._actor),
        }
        # Asking the service changes nothing that a read-only profile guards.
        store = self._store if action == "refresh" else self._changing.store
        results = _performed(store, deeds[action](), numbers)
        if action == "cancel":
            self._steps.append(FinalStep(f"The cancellation of {counted(len(numbers), 'task')}"))
        return results

    def resubmit_many(self, numbers: Sequence[int], note: str, hold: Hold = same_hold) -> list[Result]:
        """Record failed requests again, with a note on the new ones where there is one.

        Raises:
            HistoryError: it could not be recorded; what was done before stays.
        """
        results = _performed(self._changing.store, bulk.resubmit(self._actor, note, hold), numbers)
        self._steps.append(FinalStep(f"The resubmission of {counted(len(numbers), 'task')}"))
        return results

    def tags_in_use(self) -> tuple[str, ...]:
        """Return every tag that a task has; reads all tasks.

        Raises:
            HistoryError: they cannot be read.
        """
        return tasks.tags_in_use(self._store)

    def save_view(self, view: View) -> str:
        """Save a filter with its order under a name.

        Raises:
            HistoryError: the name or the filter cannot be, or it could not be recorded.
        """
        saved_views.save(self._changing.store, view)
        return f"The view “{view.name}” is saved."

    def check_view(self, view: View) -> None:
        """Check that a view can be saved; reads and writes nothing.

        Raises:
            HistoryError: the name or the filter cannot be.
        """
        saved_views.check(view)

    def delete_view(self, name: str) -> str:
        """Remove a saved view.

        Raises:
            HistoryError: there is none of that name, it is built in, or it could not be recorded.
        """
        return f"The view “{saved_views.delete(self._changing.store, name).name}” is deleted."


def _performed(store: Store, deed: bulk.TaskCommand, numbers: Sequence[int]) -> list[Result]:
    return [result for results in bulk.perform(store, deed, numbers) for result in results]
