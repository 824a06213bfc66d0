"""What an operator records about the one task under the cursor: a question, a row in the history, a sentence."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from bwp_tui.console.many_doing import tags_of
from bwp_tui.console.stage import Stage
from bwp_tui.console.writing import write


class Recording:
    """Carries out the actions that are kept in the history and sent nowhere, or sent by the engine on its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.asking: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "adopt": self._adopt,
            "give_up": self._give_up,
            "note": self._note,
            "tag": self._tag,
        }

    async def _adopt(self) -> None:
        task = self._stage.task_here
        if task is None:
            return
        task_id = await self._stage.prompt.text(f"The service's task id of {task.name}:")
        if task_id:
            await write(self._stage, lambda: self._stage.session.desk.adopt(task, task_id.strip()))

    async def _give_up(self) -> None:
        task = self._stage.task_here
        if task is None:
            return
        reason = await self._stage.prompt.text(f"Why is {task.name} given up?")
        if reason:
            await write(self._stage, lambda: self._stage.session.desk.give_up(task, reason))

    async def _note(self) -> None:
        task = self._stage.task_here
        if task is None:
            return
        text = await self._stage.prompt.text(f"Note on {task.name}:", task.note)
        if text is not None:
            await write(self._stage, lambda: self._stage.session.desk.note(task, text))

    async def _tag(self) -> None:
        task = self._stage.task_here
        if task is None:
            return
        text = await self._stage.prompt.text(f"Tags on {task.name} (+vip -old):", " ".join(task.tags))
        if text is None:
            return
        add, remove = tags_of(text)
        remove += [tag for tag in task.tags if tag not in add]
        desk = self._stage.session.desk
        if await write(self._stage, lambda: desk.tag([task.number], add, remove)) is not None:
            self._stage.say(f"The tags of {task.name} are kept.")
