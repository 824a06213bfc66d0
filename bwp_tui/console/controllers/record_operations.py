"""Carry out operations on the task under the cursor, or on the marked ones."""

from __future__ import annotations

import asyncio
from functools import partial

from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.prompts import ask_arguments
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.workers import Work, run_in_thread_and_report
from bwp_tui.domain.task import WATCHED
from bwp_tui.store.commands.bulk import Result
from bwp_tui.store.commands.bulk_plan import BulkPlan
from bwp_tui.store.commands.operation import Operation, Target, Values
from bwp_tui.store.commands.record_operations import RECORDS, UNWATCH, WATCH, WITHDRAWALS
from bwp_tui.store.commands.unconfirmed import SETTLEMENTS, Settlement
from bwp_tui.store.errors import NotPossible


class RecordController:
    """Carries out the actions that are recorded in the history alone.

    Attributes:
        single_task_actions: those for the task under the cursor alone.
        marked_task_actions: those for the marked tasks where there are some.
    """

    def __init__(self, screen: MainScreenProtocol, marked: MarkedTasks) -> None:
        self._screen = screen
        self._marked = marked
        self.single_task_actions: dict[str, Work] = {
            settlement.name: partial(self._settle, settlement) for settlement in SETTLEMENTS
        }
        self.marked_task_actions: dict[str, Work] = {
            **{operation.name: partial(self.run, operation) for operation in RECORDS},
            WATCH.name: self._watch,
            "withdraw": self._withdraw,
        }

    async def run(self, operation: Operation, given: Values | None = None) -> None:
        """Carry an operation out, once its arguments are asked for that are not given, and the harm is confirmed."""
        planned = await self._target(operation)
        if planned is None:
            return
        target, plan = planned
        values = await ask_arguments(self._screen, operation, target, given or {})
        if values is None or not await self._is_confirmed(operation, target, plan, values):
            return
        session = self._screen.session
        today = session.today()

        def apply() -> list[Result]:
            return session.records.apply(operation, target.numbers, today, **values)

        if target.task is None:
            skipped = plan.skipped_count if plan and not (operation.arguments or operation.confirms) else ""
            alone = session.reader.window(target.numbers) if len(target.numbers) == 1 else []
            await self._marked.carry_out(
                lambda count: f"{alone[0].name if alone and count else count} {operation.done}{skipped}", apply
            )
        elif (results := await run_in_thread_and_report(self._screen, apply)) is not None:
            refused = results[0].refused
            self._screen.show_status(refused or operation.result(target, values), "bad" if refused else "plain")

    async def _is_confirmed(self, operation: Operation, target: Target, plan: BulkPlan | None, values: Values) -> bool:
        """Have the plan for marked tasks confirmed, or the question about a single one where there is one."""
        if plan is not None:
            return not operation.confirms or await self._marked.confirm_plan(operation.name, plan) is True
        try:
            question = operation.review(target.task, values) if target.task else ""
        except NotPossible as why_not:
            self._screen.show_status(str(why_not), "warn")
            return False
        return not question or await self._screen.prompt.ask_yes_no(question)

    async def _target(self, operation: Operation) -> tuple[Target, BulkPlan | None] | None:
        """Return what an operation is for, with the plan for marked tasks; say why where that is nothing."""
        task, actor = self._screen.current_task, self._screen.session.records.actor
        if not self._marked.all:
            return None if task is None else (Target((task.number,), task.name, task, actor), None)
        plan = await self._marked.plan_action(operation.name)
        if plan is None:
            return None
        name = _plan_name(plan, self._marked.not_listed(plan.possible))
        return Target(plan.possible, name, None, actor, plan.until), plan

    async def _watch(self) -> None:
        """Watch tasks, or no longer where all of them are watched."""
        task, marked = self._screen.current_task, self._marked.numbers
        if marked:
            tasks = await asyncio.to_thread(self._screen.session.reader.window, marked)
        else:
            tasks = [] if task is None else [task]
        await self.run(UNWATCH if all(WATCHED in task.tags for task in tasks) else WATCH)

    async def _withdraw(self) -> None:
        """Withdraw a record; ask which one where there are several."""
        task = self._screen.current_task
        records = {
            record.keys[0]: withdrawal
            for record, withdrawal in WITHDRAWALS
            if self._marked.all
            or task is None
            or withdrawal.disabled_reason(task, self._screen.session.today()) is None
        }
        key: str | None = next(iter(records), None)
        if len(records) > 1:
            names = {key: withdrawal.field.value for key, withdrawal in records.items()}
            key = await self._screen.prompt.ask_key("Withdraw:", names)
        if key is not None:
            await self.run(records[key])

    async def _settle(self, settlement: Settlement) -> None:
        """Decide about an unconfirmed request, once the text is typed."""
        task = self._screen.current_task
        if task is None:
            return
        target = Target((task.number,), task.name, task, self._screen.session.records.actor)
        if (values := await ask_arguments(self._screen, settlement, target, {})) is not None:
            settled = partial(self._screen.session.tasks.settle, settlement, task, values[settlement.text.name])
            await run_in_thread_and_report(self._screen, settled)


def _plan_name(plan: BulkPlan, not_listed: str) -> str:
    """Return what a question calls the tasks of a plan: `these 7 (1 skipped: 1 acknowledged already)`."""
    count = len(plan.possible)
    left_out = ", ".join(filter(None, (plan.skipped_count.removeprefix(", "), not_listed)))
    name = "the marked one" if count == 1 else f"these {count}"
    return f"{name} ({left_out})" if left_out else name
