"""Copying task ids: of the task under the cursor, or of the marked ones, a line each."""

from __future__ import annotations

from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.terminal.clipboard import copy


class CopyController:
    """Copies, and says by which way."""

    def __init__(self, stage: MainScreenProtocol, marked: MarkedTasks) -> None:
        self._stage = stage
        self._marked = marked

    async def copy(self) -> None:
        """Copy the ids of the marked tasks, or that of the task under the cursor."""
        await (self._copy_marked() if self._marked.all else self._copy_one())

    async def _copy_one(self) -> None:
        """Copy the id of the task under the cursor."""
        task = self._stage.current_task
        if task is not None and task.task_id is not None:
            await self._copy(f"Task id {task.task_id}", task.task_id)

    async def _copy_marked(self) -> None:
        """Copy the ids of the marked tasks, in the order of the newest first."""
        numbers, reader = self._marked.numbers, self._stage.session.reader
        ids = {task.number: task.task_id for task in reader.tasks_in(numbers) if task.task_id is not None}
        words = f"{len(ids)} task ids" + (
            f" ({len(numbers) - len(ids)} have none yet)" if len(ids) < len(numbers) else ""
        )
        await self._copy(words, "\n".join(ids[number] for number in numbers if number in ids))

    async def _copy(self, what: str, text: str) -> None:
        profile = self._stage.session.profile
        self._stage.show_status(f"{what}: {await copy(text, self._stage.app.copy_to_clipboard, profile.folder)}.")
