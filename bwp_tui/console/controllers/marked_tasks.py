"""The marked tasks: marking them, the plan of an action on them, its confirmation, and its results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.bulk_plan import BulkPlan, PlannedOperation
from bwp_tui.actions.operation import Values
from bwp_tui.console.background import prepare_question, run_in_thread_and_report
from bwp_tui.console.controllers.prompts import NOTHING_DONE, report_new_day
from bwp_tui.console.presentation.format import result_sentence
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.store_access.task_commands import MarkStep
from bwp_tui.console.widgets.prompt import F2_ANSWER
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import capitalized, clean_line
from bwp_tui.store.commands.bulk import ChangeResult


@dataclass
class OpenPlan:
    """The plan of an operation on marked tasks, made again whenever one of them changes while it is asked about.

    Attributes:
        numbers: the marked tasks.
        values: those of the operation's arguments that are known already.
        day: the day for which it was made.
        current: the plan as it is now.
    """

    operation: PlannedOperation
    numbers: Sequence[int]
    values: Values
    day: date
    current: BulkPlan

    @property
    def possible(self) -> tuple[int, ...]:
        return self.current.possible


class MarkedTasks:
    """The tasks that carry a mark on the main screen."""

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self._are_from_command = False
        self._last_marked = 0
        """The number of the task marked last; 0 before the first one."""

    @property
    def all(self) -> frozenset[int]:
        """Local numbers of the marked tasks."""
        return self._screen.table.marks

    @property
    def newest_first(self) -> list[int]:
        """The marked tasks, newest first, which is the order in which they are sent."""
        return sorted(self.all, reverse=True)

    @property
    def or_current(self) -> list[int]:
        """The marked tasks, newest first, or else the one under the cursor; empty without either."""
        current = self._screen.table.current
        return self.newest_first or ([] if current is None else [current.number])

    def mark_only(self, numbers: frozenset[int], *, from_command: bool = False) -> None:
        """Mark these tasks and no others, as a step that can be undone; tasks named in a command need not be listed."""
        self._are_from_command = from_command
        if numbers != self.all:
            self._screen.session.task_commands.steps.append(MarkStep(self.all))
        self._screen.mark(numbers)

    def toggle_current(self) -> None:
        """Mark the task under the cursor, or unmark it, and go to the next one."""
        number = self._screen.table.current_number
        if number is not None:
            self._last_marked = number
            self.mark_only(self.all ^ {number})
            self._screen.table.move(1)

    def mark_range(self) -> None:
        """Mark all from the task marked last to the one under the cursor."""
        if self._require_all_rows():
            numbers, here, last_marked = self._screen.table.numbers, self._screen.table.cursor_row, self._last_marked
            start = numbers.index(last_marked) if last_marked in self.all.intersection(numbers) else here
            first, last = sorted((start, here))
            self._last_marked = self._screen.table.current_number or 0
            self.mark_only(self.all | frozenset(numbers[first : last + 1]))

    def mark_all(self) -> None:
        """Mark all that the view shows, or none when all are marked."""
        if self._require_all_rows():
            markable = frozenset(self._screen.table.numbers)
            self.mark_only(frozenset() if markable and markable <= self.all else self.all | markable)

    def mark_others(self) -> None:
        """Mark what the view shows unmarked, and nothing else."""
        if self._require_all_rows():
            self.mark_only(frozenset(self._screen.table.numbers) - self.all)

    def _require_all_rows(self) -> bool:
        """Return whether all rows of the view are listed; if not, say so: tasks out of sight must not be marked."""
        if not self._screen.has_all_rows:
            self._screen.show_status("The list is still being read: nothing was marked. Press the key again.", "warn")
        return self._screen.has_all_rows

    def unmark_unlisted(self) -> None:
        """Remove marks from tasks that are not listed: so that no action reaches a task that is out of sight."""
        screen = self._screen
        if self.all and not self._are_from_command and screen.has_all_rows and not screen.prompt.is_open:
            self.mark_only(self.all.intersection(screen.table.numbers))

    def unlisted_clause(self, numbers: Sequence[int]) -> str:
        """Return how many of these tasks are not in sight in the view, in a few words; empty where all are."""
        hidden = len(set(numbers).difference(self._screen.table.numbers)) if self._are_from_command else 0
        return f"{hidden} not in this view" if hidden else ""

    async def plan_action(
        self, operation: PlannedOperation, values: Values | None = None, numbers: Sequence[int] | None = None
    ) -> OpenPlan | None:
        """Return what an operation would do to tasks, by default the marked ones; say why where it would do nothing."""
        numbers, values = self.newest_first if numbers is None else numbers, values or {}
        today = self._screen.session.today()
        plan = await prepare_question(self._screen.session, lambda: self._plan(operation, numbers, values))
        if plan.possible:
            return OpenPlan(operation, numbers, values, today, plan)
        self._screen.show_status(self._plan_sentence(numbers, plan), "warn")
        return None

    def _plan(self, operation: PlannedOperation, numbers: Sequence[int], values: Values) -> BulkPlan:
        session = self._screen.session
        return bulk_plan.plan(session.write_store, operation, numbers, session.today(), values, actor=session.actor)

    def _plan_sentence(self, numbers: Sequence[int], plan: BulkPlan) -> str:
        return f"Of {len(numbers)} {'named' if self._are_from_command else 'marked'}: {plan}."

    def live_plan(self, planned: OpenPlan, *, ends_if_tasks_change: bool = False) -> AbstractContextManager[None]:
        """Make the questions live that are asked meanwhile about a plan; they end once it would do nothing any more.

        Args:
            ends_if_tasks_change: whether they end also once the plan is for other tasks.
        """

        async def update() -> str:
            plan = await asyncio.to_thread(self._plan, planned.operation, planned.numbers, planned.values)
            if not plan.possible or (ends_if_tasks_change and plan.possible != planned.possible):
                return f"{self._plan_sentence(planned.numbers, plan)} {NOTHING_DONE}"
            planned.current = plan
            return ""

        return self._screen.prompt.live_questions(planned.numbers, update)

    async def confirm_plan(
        self, planned: OpenPlan, f2: str = "", on_f2: Callable[[], Coroutine[Any, Any, bool]] | None = None
    ) -> bool:
        """Ask before the plan is carried out: a key for what does no harm, else a typed word that fits the harm.

        Args:
            f2: what F2 does instead, where it does something.
            on_f2: does that, and returns whether something was confirmed then.
        """
        prompt, is_harmless = self._screen.prompt, planned.operation.is_harmless
        session = self._screen.session
        deletes = planned.operation.submits and await prepare_question(session, lambda: self._deletes(planned.current))
        if is_harmless or (len(planned.possible) == 1 and not deletes):
            with self.live_plan(planned, ends_if_tasks_change=not is_harmless):
                is_confirmed = await prompt.ask_yes_no(
                    lambda: f"{self._described(planned.current)}Go on?", irreversible=not is_harmless
                )
            return is_confirmed and (is_harmless or not report_new_day(self._screen, planned.day))
        with self.live_plan(planned):
            answer = await prompt.ask_text(
                lambda: self._typed_confirmation(planned.current, deletes=deletes)[0], f2=f2, irreversible=True
            )
        if answer == F2_ANSWER and on_f2 is not None:
            return await on_f2()
        if answer is None:
            return False
        _, described_word, word = self._typed_confirmation(planned.current, deletes=deletes)
        if answer.strip() != word:
            self._screen.show_status(f"Nothing was done: {described_word} was not typed.", "warn")
            return False
        return not report_new_day(self._screen, planned.day)

    def _described(self, plan: BulkPlan) -> str:
        hidden = self.unlisted_clause(plan.possible)
        return f"Plan: {plan}. {capitalized(hidden)}. " if hidden else f"Plan: {plan}. "

    def _typed_confirmation(self, plan: BulkPlan, *, deletes: bool) -> tuple[str, str, str]:
        """Return the question that is answered by typing, what it asks to be typed, and that word."""
        profile, described = self._screen.session.profile, self._described(plan)
        word = profile.name if deletes and not profile.is_sandbox else str(len(plan.possible))
        described_word = word
        if len(plan.possible) == 1:
            (task,) = self._screen.session.reader.by_numbers(plan.possible)
            word, described_word = task.email, "the email"
            described = f"{described}It is {clean_line(task.email)}. "
        return f"{described}Type {described_word} to go on:", described_word, word

    async def carry_out(self, describe: Callable[[Sequence[int]], str], act: Callable[[], list[ChangeResult]]) -> None:
        """Run `act` in a thread, describe the tasks to look at now, and keep marks on refused ones."""
        results = await run_in_thread_and_report(self._screen, act)
        if results is None:
            return
        refused = {result.id: result.refused for result in results if result.refused}
        done = [result.resulting_id for result in results if not result.refused]
        sentence = result_sentence(f"{describe(done)}.", tuple(refused.values()))
        self._screen.show_status(sentence, "warn" if refused else "good")
        self._screen.mark(frozenset(refused))

    def _deletes(self, plan: BulkPlan) -> bool:
        return any(task.kind is Kind.DELETION for task in self._screen.session.reader.by_numbers(plan.possible))
