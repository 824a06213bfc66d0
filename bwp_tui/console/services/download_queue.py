"""The queue of downloads: read for the screen that shows it, and steered for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.console.services.write_guard import WriteGuard
from bwp_tui.domain.task import Download, Task
from bwp_tui.store.commands import download_queue
from bwp_tui.store.commands.download_queue import QueueResult
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState

_STEERING: Final = {
    "pause": download_queue.pause,
    "resume": download_queue.resume,
    "cancel": download_queue.cancel,
    "retry": download_queue.retry,
}


class DownloadQueueService:
    """Writes what the operator asks for; the engine does it.

    Args:
        shown: the connection that the screens read by.
        changing: the one that is written by, in threads: what writes here blocks on the disk.
    """

    def __init__(self, shown: Store, changing: WriteGuard, actor: str) -> None:
        self._shown = shown
        self._changing = changing
        self._actor = actor

    def listed(self, limit: int) -> list[tuple[Download, Task]]:
        """Return the open downloads in the order of the queue and the newest ended ones, each with its task.

        Raises:
            HistoryError: the history cannot be read.
        """
        found = download_queue.listed(self._shown, limit)
        tasks_of = download_queue.tasks_of(self._shown, found)
        return [(download, tasks_of[download.number]) for download in found if download.number in tasks_of]

    def engine(self) -> EngineState:
        """Return what the engine says of itself.

        Raises:
            HistoryError: the history cannot be read.
        """
        return engine_state.read(self._shown)

    def apply(self, action: str, downloads: Sequence[int]) -> list[QueueResult]:
        """Pause, resume, cancel or retry downloads, by their ids.

        Raises:
            HistoryError: it could not be recorded; nothing was.
        """
        return _STEERING[action](self._changing.store, downloads, self._actor)

    def toggle_pause(self, downloads: Sequence[int]) -> tuple[str, list[QueueResult]]:
        """Pause downloads, or let them go on where none can be paused; return which, and what came of each.

        Raises:
            HistoryError: it could not be recorded; nothing was.
        """
        return download_queue.toggle_pause(self._changing.store, downloads, self._actor)

    def move(self, download: int, places: int) -> None:
        """Move a waiting download down the queue, or up where `places` is negative.

        Raises:
            HistoryError: it is not possible or could not be recorded.
        """
        download_queue.move(self._changing.store, download, places, self._actor)
