"""Ask for operations of the service on the task under the cursor, or on the marked ones."""

from __future__ import annotations

from functools import partial
from typing import Final

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.operation import Values
from bwp_tui.actions.service_operations import DOWNLOAD, REFRESH, SERVICE_OPERATIONS, ServiceOperation, withheld_clause
from bwp_tui.console.background import Work, prepare_question, run_in_thread_and_report
from bwp_tui.console.controllers.marked_tasks import MarkedTasks, OpenPlan
from bwp_tui.console.controllers.prompts import live_task, report_new_day
from bwp_tui.console.presentation.format import email_text, mask
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.widgets.prompt import F2_ANSWER
from bwp_tui.domain.deadlines import HoldRule, fitting_hold, same_hold
from bwp_tui.domain.task import Kind, Task
from bwp_tui.domain.text import capitalized, clean_line, counted
from bwp_tui.store.commands.bulk import TaskCheck

_SHORTEN: Final = "shorten the holds to end in time"
"""What F2 does where deletions would end too late."""


class ServiceController:
    """Carries out the actions that the engine does at the service.

    Attributes:
        actions: what each action does, by name.
    """

    def __init__(self, screen: MainScreenProtocol, marked: MarkedTasks) -> None:
        self._screen = screen
        self._marked = marked
        self.actions: dict[str, Work] = {
            operation.name: partial(self.run, operation, {}) for operation in SERVICE_OPERATIONS
        }

    async def run(self, operation: ServiceOperation, given: Values) -> None:
        """Ask for an operation, once the plan for marked tasks or the question about a single one is confirmed.

        Args:
            given: values of its arguments; a note on resubmitted tasks is asked for where several are marked.
        """
        task = self._screen.table.current
        if operation.submits:
            if self._marked.all:
                await self._submit_marked(operation, given)
            elif task is not None:
                await self._submit_one(operation, task, given)
        elif self._marked.all:
            plan = await self._marked.plan_action(operation)
            if plan is not None and await self._marked.confirm_plan(plan):
                await self._apply_to_marked(operation, plan, given)
        elif task is not None:
            check = operation.check_for(task, self._screen.session.today())
            if await self._confirm(operation, task, check):
                await self._apply_to_one(operation, task, check, given)

    async def _apply_to_marked(self, operation: ServiceOperation, plan: OpenPlan, values: Values) -> None:
        session, numbers = self._screen.session, plan.possible
        tasks, check = counted(len(numbers), "task"), bulk_plan.plan_check(operation, session.today())
        await self._marked.carry_out(
            lambda done: f"{operation.outcome(len(done))}{withheld_clause(session.reader.by_numbers(done))}",
            lambda: session.task_commands.apply(operation, numbers, tasks, check, **values),
        )

    async def _apply_to_one(self, operation: ServiceOperation, task: Task, check: TaskCheck, values: Values) -> None:
        """Ask for an operation on a task; show what was asked for, and why it is not sent at once."""
        screen, session = self._screen, self._screen.session
        results = await run_in_thread_and_report(
            screen, lambda: session.task_commands.apply(operation, [task.number], task.name, check, **values)
        )
        if results is None:
            return
        (result,) = results
        if result.refused:
            screen.show_status(result.refused, "bad")
            return

        async def outcome() -> tuple[str, bool]:
            (now,) = session.reader.by_numbers([result.resulting_id]) or (task,)
            delay = await session.delay_sentence(now.number, is_poll=operation is REFRESH)
            return f"{operation.result(now, session.reader.timeline(now))}{delay}", not delay and not now.cancel_asked

        await screen.show_outcome(outcome)
        if operation.submits:
            screen.select_when_listed(result.resulting_id)

    async def _confirm(self, operation: ServiceOperation, task: Task, check: TaskCheck) -> bool:
        context = self._screen.session.display_context()

        def question(now: Task) -> str:
            return mask(operation.question(now, f"{now.name} of {email_text(now, context)}"), now, context)

        # That of a download looks for the file, which may be on a network share that does not respond.
        asked = await prepare_question(self._screen.session, lambda: question(task))

        if not asked:
            return True
        with live_task(self._screen, task, check) as now:
            return await self._screen.prompt.ask_yes_no(
                asked if operation is DOWNLOAD else lambda: question(now()), irreversible=not operation.is_harmless
            )

    async def _submit_marked(self, operation: ServiceOperation, given: Values) -> None:
        screen = self._screen
        hold: HoldRule = given.get("hold_rule", same_hold)
        plan = await self._marked.plan_action(operation, {"hold_rule": hold})
        if plan is None:
            return
        note: str | None = given.get("note")
        if note is None and any(argument.name == "note" for argument in operation.arguments):
            with self._marked.live_plan(asked := plan):
                note = await screen.prompt.ask_text(
                    lambda: f"{asked.current.summary}. Note for the new tasks (optional):"
                )
            if note is None:
                return
        f2 = _SHORTEN if plan.current.can_meet_due_dates and hold is same_hold else ""

        async def shorten() -> bool:
            nonlocal plan
            fitting = {"hold_rule": fitting_hold(screen.session.today())}
            plan = await self._marked.plan_action(operation, fitting)
            return plan is not None and await self._marked.confirm_plan(plan)

        if await self._marked.confirm_plan(plan, f2, shorten) and plan is not None:
            values = plan.values if note is None else {**plan.values, "note": note.strip()}
            await self._apply_to_marked(operation, plan, values)

    async def _submit_one(self, operation: ServiceOperation, task: Task, given: Values) -> None:
        today = self._screen.session.today()
        check = operation.check_for(task, today)
        hold = await self._confirm_submission(operation, task, given.get("hold_rule", same_hold), check)
        if hold is not None and not report_new_day(self._screen, today):
            await self._apply_to_one(operation, task, check, {**given, "hold_rule": hold})

    async def _confirm_submission(
        self, operation: ServiceOperation, task: Task, hold: HoldRule, check: TaskCheck
    ) -> HoldRule | None:
        """Have the submission of a task with a hold confirmed; return the one to take, or None without any."""
        screen, session, today = self._screen, self._screen.session, self._screen.session.today()
        values = {"hold_rule": hold}
        plan = await prepare_question(
            session, lambda: bulk_plan.plan(session.write_store, operation, [task.number], today, values)
        )
        warning = f"{plan.warning}. " if plan.warning else ""
        if task.kind is Kind.RETRIEVAL:
            whom = email_text(task, session.display_context())
            question = f"{warning}{capitalized(operation.name)} the retrieval {task.name} of {whom}?"
            with live_task(screen, task, check):
                return hold if await screen.prompt.ask_yes_no(question, irreversible=True) else None
        question = f"{warning}Type the email to {operation.name} the deletion {task.name} of {clean_line(task.email)}:"
        f2 = _SHORTEN if plan.can_meet_due_dates and hold is same_hold else ""
        with live_task(screen, task, check):
            answer = await screen.prompt.ask_text(question, f2=f2, irreversible=True)
        if answer == F2_ANSWER:
            return await self._confirm_submission(operation, task, fitting_hold(today), check)
        if answer is None or answer.strip() != task.email:
            screen.show_status("" if answer is None else "Nothing was done: that is not the email.", "warn")
            return None
        return hold
