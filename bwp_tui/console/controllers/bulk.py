"""Marking tasks, and what is asked of the service about the marked ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.workers import Work
from bwp_tui.domain.holding_periods import Hold, fitting_hold, same_hold

SHORTEN: Final = "shorten the holds until they end in time"
"""What F2 does where deletions would end too late."""


class BulkActions:
    """Carries out the registry's actions that mark tasks, and those that send something for each marked one."""

    def __init__(self, stage: MainScreenProtocol, marked: MarkedTasks) -> None:
        self._stage = stage
        self._marked = marked
        self._last: int | None = None
        self.plain: dict[str, Callable[[], None]] = {
            "mark": self._toggle,
            "mark_range": lambda: self._when_read(self._mark_range),
            "mark_all": lambda: self._when_read(self._mark_all),
        }
        self.asking: dict[str, Work] = {
            "download": lambda: self._act("download"),
            "poll": lambda: self._act("refresh"),
            "resubmit": self.resubmit,
            "cancel": lambda: self._act("cancel"),
        }

    def _toggle(self) -> None:
        number = self._stage.table.current_number
        if number is not None:
            self._last = number
            self._marked.set(self._marked.all ^ {number})
            self._stage.table.move(1)

    def _when_read(self, mark: Callable[[], None]) -> None:
        """Mark many where the list is what was asked for: else tasks would be marked that nobody sees."""
        if self._stage.is_settled:
            mark()
        else:
            self._stage.show_status("The list is still being read: nothing was marked. Press the key again.", "warn")

    def _mark_range(self) -> None:
        """Mark all from the task marked last to the one under the cursor."""
        numbers = self._stage.table.numbers
        here = self._stage.table.cursor_row
        last_marked = self._last
        start = here if last_marked is None or last_marked not in numbers else numbers.index(last_marked)
        first, last = sorted((start, here))
        self._marked.set(self._marked.all | frozenset(numbers[first : last + 1]))

    def _mark_all(self) -> None:
        """Mark all that the view shows, or none when all are marked."""
        every, marked = frozenset(self._stage.table.numbers), self._marked.all
        self._marked.set(frozenset() if every and every <= marked else marked | every)

    async def resubmit(self, note: str | None = None) -> None:
        """Submit the marked tasks again, with `note` on the new ones; it is asked for where it is None."""
        desk = self._stage.session.tasks
        plan = await self._marked.planned("resubmit")
        if plan is None:
            return
        if note is None:
            note = await self._stage.prompt.ask_text(f"{plan.summary}. Note for the new tasks (optional):")
        if note is None:
            return
        text = note.strip()
        hold: Hold = same_hold
        confirmed = await self._marked.confirmed("resubmit", plan, SHORTEN if plan.warning else "")
        if confirmed is None:
            hold = fitting_hold(self._stage.session.today())
            plan = await self._marked.planned("resubmit", hold) or plan
            confirmed = await self._marked.confirmed("resubmit", plan)
        if confirmed:
            possible = plan.possible
            await self._marked.carry_out(plan.describe_result, lambda: desk.resubmit_many(possible, text, hold))

    async def _act(self, action: str) -> None:
        desk = self._stage.session.tasks
        plan = await self._marked.planned(action)
        if plan is not None and await self._marked.confirmed(action, plan):
            await self._marked.carry_out(plan.describe_result, lambda: desk.apply_to_many(action, plan.possible))
