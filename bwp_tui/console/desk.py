"""The operator's actions, recorded in the history by this console. Each returns the sentence to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bwp_tui.domain.task import Download, DownloadState, Event, Kind, Request, Task
from bwp_tui.domain.text import mask_email
from bwp_tui.history import actions, statistics, tasks, timeline
from bwp_tui.history.connection import History
from bwp_tui.history.statistics import Statistics
from bwp_tui.settings import Profile


class Desk:
    """Writes what the operator asks for; the engine does it. Its methods block on the disk: not for the UI's loop."""

    def __init__(self, history: History, profile: Profile, actor: str) -> None:
        self._history = history
        self._profile = profile
        self._actor = actor

    def submit(self, request: Request) -> Task:
        """Record a request; return its task.

        Raises:
            actions.BadRequest: the service would refuse it.
            HistoryError: it could not be recorded.
        """
        return actions.submit(self._history, request, self._actor)

    def resubmit(self, task: Task) -> Task:
        """Record a failed request again; return the new task.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        return actions.resubmit(self._history, task.number, self._actor)

    def cancel(self, task: Task) -> str:
        """Record the wish to cancel a held deletion.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        actions.cancel(self._history, task.number, self._actor)
        return f"The cancellation of {task.name} is recorded and on its way."

    def download(self, task: Task) -> str:
        """Record the wish to have a result.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        actions.download(self._history, task.number, str(self._profile.download_dir), self._actor)
        return f"The download of {task.name} begins as soon as a slot is free."

    def poll(self, task: Task) -> str:
        """Make the task due to be asked about now.

        Raises:
            HistoryError: it could not be recorded.
        """
        actions.poll_now(self._history, [task.number])
        return f"Asking the service about {task.name}."

    def note(self, task: Task, text: str) -> str:
        """Replace the task's note.

        Raises:
            HistoryError: it could not be recorded.
        """
        actions.set_note(self._history, task.number, text, self._actor)
        return f"The note of {task.name} is kept."


class Reader:
    """The few small reads that the screen makes itself; the history answers each in a fraction of a millisecond."""

    def __init__(self, history: History) -> None:
        self._history = history

    def window(self, numbers: Sequence[int]) -> list[Task]:
        """Return these tasks (see `tasks.window`)."""
        return tasks.window(self._history, numbers)

    def timeline(self, task: Task) -> list[Event]:
        """Return what happened to a task."""
        return timeline.of_task(self._history, task.number)

    def statistics(self, today: date) -> Statistics:
        """Return the figures of the dashboard; not a small read."""
        return statistics.read(self._history, today)

    def earlier(self, kind: Kind, email: str) -> str | None:
        """Return a sentence about the newest task with this kind and address, or None."""
        task = tasks.newest_for(self._history, kind, email)
        return None if task is None else f"#{task.number} asked the same before: {task.status}"

    def named_downloads(self, downloads: tuple[Download, ...], *, masked: bool) -> list[tuple[Download, str]]:
        """Return the downloads, each with its data subject's address as the screen may show it."""
        found = {task.number: task.email for task in self.window([download.number for download in downloads])}
        return [
            (download, mask_email(email) if masked else email)
            for download in downloads
            if (email := found.get(download.number)) is not None
            and download.state in (DownloadState.QUEUED, DownloadState.RUNNING)
        ]
