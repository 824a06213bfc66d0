"""The operator's actions, recorded in the history by this console. Each returns the sentence to say of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from bwp_tui.console.permission import Changing
from bwp_tui.domain.filter import VIEWS, View
from bwp_tui.domain.task import WATCHED, Download, DownloadState, Event, Kind, Request, Task
from bwp_tui.domain.text import mask_email
from bwp_tui.history import (
    actions,
    bulk,
    downloads,
    handling,
    plans,
    sent,
    settling,
    statistics,
    tasks,
    timeline,
    views,
)
from bwp_tui.history.bulk import Result
from bwp_tui.history.connection import History
from bwp_tui.history.errors import HistoryError
from bwp_tui.history.plans import CHUNK, Plan
from bwp_tui.history.sent import Sent
from bwp_tui.history.statistics import Statistics
from bwp_tui.settings import Profile

Found = TypeVar("Found")


class Desk:
    """Writes what the operator asks for; the engine does it. Its methods block on the disk: not for the UI's loop."""

    def __init__(self, history: History, profile: Profile, actor: str) -> None:
        self._history = history
        self._changing = Changing(history, profile)
        self._profile = profile
        self._actor = actor

    def submit(self, request: Request) -> Task:
        """Record a request; return its task.

        Raises:
            BadRequest: the service would refuse it.
            HistoryError: it could not be recorded.
        """
        return actions.submit(self._changing.history, request, self._actor)

    def resubmit(self, task: Task) -> Task:
        """Record a failed request again; return the new task.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        return actions.resubmit(self._changing.history, task.number, self._actor)

    def cancel(self, task: Task) -> str:
        """Record the wish to cancel a held deletion.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        actions.cancel(self._changing.history, task.number, self._actor)
        return f"The cancellation of {task.name} is recorded and on its way."

    def adopt(self, task: Task, task_id: str) -> str:
        """Enter the service's id of an unconfirmed request.

        Raises:
            BadRequest: it is none.
            HistoryError: it is not possible or could not be recorded.
        """
        settling.adopt(self._changing.history, task.number, task_id, self._actor)
        return f"Asking the service whether {task_id} is this request."

    def give_up(self, task: Task, reason: str) -> str:
        """Close an unconfirmed request.

        Raises:
            BadRequest: there is no reason.
            HistoryError: it is not possible or could not be recorded.
        """
        settling.give_up(self._changing.history, task.number, reason, self._actor)
        return f"{task.name} is given up; the reason is on its timeline."

    def download(self, task: Task) -> str:
        """Record the wish to have a result.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        actions.download(self._changing.history, task.number, str(self._profile.download_dir), self._actor)
        return f"The download of #{task.number} begins as soon as a slot is free."

    def poll(self, task: Task) -> str:
        """Make the task due to be asked about now.

        Raises:
            HistoryError: it could not be recorded.
        """
        actions.poll_now(self._history, [task.number])
        return f"Asking the service about {task.name}."

    def unpacked(self, task: Task, folder: Path) -> None:
        """Record where the task's result was unpacked.

        Raises:
            HistoryError: it could not be recorded.
        """
        handling.unpacked(self._changing.history, task.number, folder, self._actor)

    def plan(self, action: str, numbers: Sequence[int], today: date) -> Plan:
        """Return what an action would do to these tasks; changes nothing."""
        return plans.plan(self._history, action, numbers, today)

    def do_many(self, action: str, numbers: Sequence[int]) -> list[Result]:
        """Do a planned action to each of these tasks.

        Raises:
            HistoryError: it could not be recorded; what was done before stays.
        """
        deeds: dict[str, Callable[[], bulk.Deed]] = {
            "download": lambda: bulk.download(str(self._profile.download_dir), self._actor),
            "refresh": bulk.refresh,
            "cancel": lambda: bulk.cancel(self._actor),
        }
        # Asking the service changes nothing that a read-only profile guards.
        history = self._history if action == "refresh" else self._changing.history
        return _performed(history, deeds[action](), numbers)

    def resubmit_many(self, numbers: Sequence[int], note: str) -> list[Result]:
        """Record failed requests again, with a note on the new ones where there is one.

        Raises:
            HistoryError: it could not be recorded; what was done before stays.
        """
        return _performed(self._changing.history, bulk.resubmit(self._actor, note), numbers)

    def tags_in_use(self) -> tuple[str, ...]:
        """Return every tag that a task has; reads all tasks.

        Raises:
            HistoryError: they cannot be read.
        """
        return tasks.tags_in_use(self._history)

    def save_view(self, view: View) -> str:
        """Save a filter with its order under a name.

        Raises:
            HistoryError: the name or the filter cannot be, or it could not be recorded.
        """
        views.save(self._changing.history, view)
        return f"The view “{view.name}” is saved."

    def check_view(self, view: View) -> None:
        """Check that a view can be saved; reads and writes nothing.

        Raises:
            HistoryError: the name or the filter cannot be.
        """
        views.check(view)

    def delete_view(self, name: str) -> str:
        """Remove a saved view.

        Raises:
            HistoryError: there is none of that name, it is built in, or it could not be recorded.
        """
        return f"The view “{views.delete(self._changing.history, name).name}” is deleted."


def _performed(history: History, deed: bulk.Deed, numbers: Sequence[int]) -> list[Result]:
    return [result for results in bulk.perform(history, deed, numbers) for result in results]


@dataclass(frozen=True, slots=True)
class Known:
    """All that the history knows of a task. `earlier` is the one that asked the same before."""

    task: Task
    events: Sequence[Event]
    sent: Sequence[Sent]
    downloads: Sequence[Download]
    earlier: Task | None


class Reader:
    """The few small reads that the screen makes itself; the history answers each in a fraction of a millisecond.

    Where it cannot be read there is nothing to show, and the screen goes on.

    Args:
        trouble: is told why the history cannot be read, in a sentence.
    """

    def __init__(self, history: History, trouble: Callable[[str], None]) -> None:
        self._history = history
        self._trouble = trouble

    def window(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks (see `tasks.window`)."""
        return self._read(lambda: tasks.window(self._history, numbers), [])

    def views(self) -> tuple[View, ...]:
        """Return the built-in views and the saved ones."""
        return self._read(lambda: views.every(self._history), VIEWS)

    def named(self, name: str) -> Task:
        """Return the task an operator names (see `tasks.named`).

        Raises:
            NoSuchTask: none fits, or more than one.
        """
        return tasks.named(self._history, name)

    def window_of_any(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks, however many there are."""
        return [task for at in range(0, len(numbers), CHUNK) for task in self.window(numbers[at : at + CHUNK])]

    def watched_since(self, revision: int) -> list[Task]:
        """Return the watched tasks that were touched after a revision; not a small read from 0 on."""
        return tasks.tagged_since(self._history, WATCHED, revision)

    def timeline(self, task: Task) -> list[Event]:
        """Return what happened to a task."""
        return self._read(lambda: timeline.of_task(self._history, task.number), [])

    def known(self, task: Task) -> Known:
        """Return all that is known of a task."""
        return Known(
            task,
            self.timeline(task),
            self._read(lambda: sent.of_task(self._history, task.number), []),
            self._read(lambda: downloads.of_task(self._history, task.number), []),
            next(iter(self.window([task.earlier])), None) if task.earlier else None,
        )

    def sent_ids(self) -> array[int]:
        """Return the ids of all that was ever sent; not a small read."""
        return self._read(lambda: sent.ids(self._history), array("q"))

    def sent(self, ids: Sequence[int]) -> list[Sent]:
        """Return what was sent under these ids."""
        return self._read(lambda: sent.window(self._history, ids), [])

    def statistics(self, today: date) -> Statistics:
        """Return the figures of the dashboard; not a small read."""
        return statistics.read(self._history, today)

    def earlier(self, kind: Kind, email: str) -> str | None:
        """Return a sentence about the newest task with this kind and address, or None."""
        task = self._read(lambda: tasks.newest_for(self._history, kind, email), None)
        return None if task is None else f"#{task.number} asked before: {task.status}"

    def named_downloads(self, under_way: tuple[Download, ...], *, masked: bool) -> list[tuple[Download, str]]:
        """Return the downloads, each with its data subject's address as the screen may show it."""
        found = {task.number: task.email for task in self.window([download.number for download in under_way])}
        return [
            (download, mask_email(email) if masked else email)
            for download in under_way
            if (email := found.get(download.number)) is not None
            and download.state in (DownloadState.QUEUED, DownloadState.RUNNING)
        ]

    def _read(self, read: Callable[[], Found], nothing: Found) -> Found:
        try:
            return read()
        except HistoryError as error:
            self._trouble(str(error))
            return nothing
