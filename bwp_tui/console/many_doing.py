"""Actions on marked tasks: a plan first, a confirmation that grows with the harm, a result for all."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Coroutine
from typing import Final

from bwp_tui.console.stage import Stage
from bwp_tui.console.writing import write
from bwp_tui.domain.task import Kind
from bwp_tui.history.bulk import Result
from bwp_tui.history.plans import Plan

_HARMLESS: Final = frozenset({"download", "refresh"})


class ManyDoing:
    """Marks tasks, and carries out actions on the marked ones."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._last: int | None = None
        self.plain: dict[str, Callable[[], None]] = {
            "mark": self._toggle,
            "mark_range": self._mark_range,
            "mark_all": self._mark_all,
        }
        self.asking: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "download": lambda: self._act("download"),
            "poll": lambda: self._act("refresh"),
            "resubmit": self._resubmit,
            "cancel": lambda: self._act("cancel"),
            "tag": self._tag,
            "note": self._note,
        }

    @property
    def marked(self) -> frozenset[int]:
        """Local numbers of the marked tasks."""
        return self._stage.table.marks

    def unmark(self) -> None:
        """Take every mark away."""
        self._stage.mark(frozenset())

    def _toggle(self) -> None:
        number = self._stage.table.current_number
        if number is not None:
            self._last = number
            self._stage.mark(self.marked ^ {number})
            self._stage.table.action_cursor_down()

    def _mark_range(self) -> None:
        """Mark all from the task marked last to the one under the cursor."""
        numbers = self._stage.table.numbers
        here = self._stage.table.cursor_row
        last_marked = self._last
        start = here if last_marked is None or last_marked not in numbers else numbers.index(last_marked)
        first, last = sorted((start, here))
        self._stage.mark(self.marked | frozenset(numbers[first : last + 1]))

    def _mark_all(self) -> None:
        """Mark all that the view shows, or none when all are marked."""
        every = frozenset(self._stage.table.numbers)
        self._stage.mark(frozenset() if every and every <= self.marked else self.marked | every)

    def _numbers(self) -> list[int]:
        """Return the marked tasks, newest first: what is sent first is what came last onto the screen."""
        return sorted(self.marked, reverse=True)

    async def _resubmit(self) -> None:
        numbers, desk = self._numbers(), self._stage.session.desk
        plan = await self._planned("resubmit", numbers)
        if plan is None:
            return
        note = await self._stage.prompt.text(f"{plan}. Note on the new tasks, or none:")
        if note is not None and await self._confirmed("resubmit", plan):
            await self._carry_out(plan, lambda: desk.resubmit_many(plan.possible, note.strip()))

    async def _planned(self, action: str, numbers: list[int]) -> Plan | None:
        """Return what an action would do to the marked tasks; say why where it would do nothing."""
        desk, today = self._stage.session.desk, self._stage.session.today()
        plan = await asyncio.to_thread(lambda: desk.plan(action, numbers, today))
        if plan.possible:
            return plan
        self._stage.say(f"Of {len(numbers)} marked: {plan}.", "warn")
        return None

    async def _act(self, action: str) -> None:
        desk = self._stage.session.desk
        plan = await self._planned(action, self._numbers())
        if plan is not None and await self._confirmed(action, plan):
            await self._carry_out(plan, lambda: desk.do_many(action, plan.possible))

    async def _confirmed(self, action: str, plan: Plan) -> bool:
        """Ask before the plan is carried out: a key for what does no harm, else a typed word that fits the harm."""
        prompt, count = self._stage.prompt, len(plan.possible)
        if action in _HARMLESS or count == 1:
            return await prompt.yes(f"Plan: {plan}. Go on?")
        word = str(count)
        profile = self._stage.session.profile
        if action == "resubmit" and not profile.practice and await asyncio.to_thread(self._deletes, plan):
            word = profile.name
        answer = await prompt.text(f"Plan: {plan}. Type {word} to go on:")
        if answer is not None and answer.strip() != word:
            self._stage.say(f"Nothing was done: “{word}” was not typed.", "warn")
        return answer is not None and answer.strip() == word

    def _deletes(self, plan: Plan) -> bool:
        reader = self._stage.session.reader
        chunks = (plan.possible[at : at + _CHUNK] for at in range(0, len(plan.possible), _CHUNK))
        return any(task.kind is Kind.DELETION for chunk in chunks for task in reader.window(array("q", chunk)))

    async def _tag(self) -> None:
        numbers = self._numbers()
        text = await self._stage.prompt.text(f"Tags on {len(numbers)} (+vip -old):")
        add, remove = tags_of(text or "")
        if add or remove:
            await self._carry_out(None, lambda: self._stage.session.desk.tag(numbers, add, remove))

    async def _note(self) -> None:
        numbers = self._numbers()
        text = await self._stage.prompt.text(f"Note on {len(numbers)}:")
        if text and text.strip():
            await self._carry_out(None, lambda: self._stage.session.desk.note_many(numbers, text))

    async def _carry_out(self, plan: Plan | None, act: Callable[[], list[Result]]) -> None:
        results = await write(self._stage, act)
        if results is None:
            return
        refused = [result for result in results if result.refused]
        done = len(results) - len(refused)
        word = plan.done if plan is not None else "changed"
        words = f"{done} {word}."
        if refused:
            words += f" {len(refused)} not: {refused[0].refused}"
        self._stage.say(words, "warn" if refused else "good")
        self._stage.mark(frozenset(result.number for result in refused))


_CHUNK: Final = 500


def tags_of(text: str) -> tuple[list[str], list[str]]:
    """Return the tags that `+vip -old third` adds and removes; a bare word adds."""
    words = text.replace(",", " ").split()
    add = [word.removeprefix("+") for word in words if not word.startswith("-")]
    remove = [word[1:] for word in words if word.startswith("-")]
    return [word for word in add if word], [word for word in remove if word]
