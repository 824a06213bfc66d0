"""Carry out operations on the task under the cursor, or on the marked ones."""

from __future__ import annotations

from functools import partial

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.bulk_plan import BulkPlan
from bwp_tui.actions.decision_operations import ENTER_TASK_ID, SETTLEMENTS, Settlement
from bwp_tui.actions.operation import ChosenTasks, RecordOperation, Values
from bwp_tui.actions.record_operations import RECORD_OPERATIONS, UNWATCH, WATCH, WITHDRAWALS
from bwp_tui.console.background import Work, prepare_question, run_in_thread_and_report
from bwp_tui.console.controllers.marked_tasks import MarkedTasks, OpenPlan
from bwp_tui.console.controllers.prompts import (
    ask_arguments,
    ask_arguments_for_one,
    chosen_task,
    live_task,
    question_texts,
)
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import WATCHED, Task
from bwp_tui.store.commands.bulk import TaskCheck, unchanged_check
from bwp_tui.store.queries.timeline import TaskPart


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
            settlement.name: partial(self.settle, settlement) for settlement in SETTLEMENTS
        }
        self.marked_task_actions: dict[str, Work] = {
            **{operation.name: partial(self.run, operation) for operation in RECORD_OPERATIONS},
            WATCH.name: self._watch,
            "withdraw": self._withdraw,
        }

    async def run(self, operation: RecordOperation, given: Values | None = None) -> None:
        """Carry an operation out, once its arguments are asked for that are not given, and the harm is confirmed."""
        task = self._screen.table.current
        if self._marked.all:
            if (plan := await self._marked.plan_action(operation, given)) is not None:
                await self._run_on_marked(operation, plan, given or {})
        elif task is not None:
            await self.run_on_one(operation, task, given or {})

    async def _run_on_marked(self, operation: RecordOperation, plan: OpenPlan, given: Values) -> None:
        actor, session = self._screen.session.actor, self._screen.session

        def chosen() -> ChosenTasks:
            now = asked.current
            name = _plan_name(now, self._marked.unlisted_clause(now.possible))
            return ChosenTasks(now.possible, name, None, actor, now.due_dates_clause)

        asked = plan
        with self._marked.live_plan(plan):
            values = await ask_arguments(self._screen, operation, chosen, given)
        if values is None:
            return
        if operation.is_confirmed_by_count:
            with_values = await self._marked.plan_action(operation, values, plan.numbers)
            if with_values is None or not await self._marked.confirm_plan(with_values):
                return
            plan = with_values
        today, now = session.today(), plan.current
        check = bulk_plan.plan_check(operation, today, values)
        is_known = operation.is_confirmed_by_count or (operation.arguments and not given)  # a question has said it
        skipped = "" if is_known else now.skipped_clause
        alone = session.reader.by_numbers(now.possible) if len(now.possible) == 1 else []
        if now.cancelled_first:
            count = "all" if now.cancelled_first == len(now.possible) else now.cancelled_first
            some = "" if alone else f"{count} of them "
            skipped += f", {some}in effect once the service has confirmed the cancellation"
        await self._marked.carry_out(
            lambda done: f"{alone[0].name if alone and done else len(done)} {operation.outcome(values)}{skipped}",
            lambda: session.task_commands.record(operation, now.possible, today, check, **values),
        )

    async def run_on_one(self, operation: RecordOperation, task: Task, given: Values) -> None:
        """Carry an operation out on a single task, whether it is listed or not."""
        screen, session = self._screen, self._screen.session
        # The table may not show yet what the operator recorded just now.
        task = session.reader.current(task.number) or task
        if reason := operation.disabled_reason(task, session.today()):
            screen.show_status(reason, "warn")
            return
        values, chosen = await ask_arguments_for_one(screen, operation, task, given), chosen_task(screen, task)
        if values is None:
            return

        def cannot_do(now: Task) -> str | None:
            today = session.today()  # a question may have been open at midnight
            return operation.disabled_reason(now, today) or operation.wrong_values_reason(now, values, today)

        check = unchanged_check(
            task,
            cannot_do,
            partial(question_texts, screen, operation),
            lambda now: operation.question(now, values),
            accepts_joined_row=operation.undo_part is TaskPart.NOTE,
        )
        if await self._confirm(operation, task, values, check):
            today = session.today()
            results = await run_in_thread_and_report(
                screen, lambda: session.task_commands.record(operation, chosen.numbers, today, check, **values)
            )
            if results is not None:
                refused, kept = results[0].refused, results[0].resulting_id
                joined = "" if kept == task.number else f"#{task.number} is #{kept} now."
                done = (operation.result(chosen, values), operation.notice_of_replaced(task), joined)
                screen.show_status(refused or " ".join(filter(None, done)), "bad" if refused else "plain")

    async def _confirm(self, operation: RecordOperation, task: Task, values: Values, check: TaskCheck) -> bool:
        """Have the question about a single task confirmed, where there is one."""
        if reason := check(task):
            self._screen.show_status(reason, "warn")
            return False
        if not operation.question(task, values):
            return True
        with live_task(self._screen, task, check) as now:
            return await self._screen.prompt.ask_yes_no(
                lambda: operation.question(now(), values), irreversible=operation.undo_part is None
            )

    async def _watch(self) -> None:
        """Watch tasks, or no longer where all of them are watched."""
        numbers = self._marked.or_current
        tasks = await prepare_question(self._screen.session, lambda: self._screen.session.reader.by_numbers(numbers))
        await self.run(UNWATCH if all(WATCHED in task.tags for task in tasks) else WATCH)

    async def _withdraw(self) -> None:
        """Withdraw a record; ask which one where there are several."""
        task = self._screen.table.current
        records = {
            record.keys[0]: withdrawal
            for record, withdrawal in WITHDRAWALS
            if self._marked.all
            or task is None
            or withdrawal.disabled_reason(task, self._screen.session.today()) is None
        }
        key: str | None = next(iter(records), None)
        if len(records) > 1:
            names = {key: withdrawal.name.removeprefix("withdraw ") for key, withdrawal in records.items()}
            key = await self._screen.prompt.ask_key("Withdraw:", names)
        if key is not None:
            await self.run(records[key])

    async def settle(self, settlement: Settlement, task: Task | None = None, given: Values | None = None) -> None:
        """Decide about an unconfirmed request, by default the one under the cursor, once the text is typed."""
        task = task or self._screen.table.current
        if task is None:
            return
        values = await ask_arguments_for_one(self._screen, settlement, task, given or {})
        if values is None:
            return
        session, number = self._screen.session, task.number
        settled = partial(session.task_commands.settle, settlement, task, values[settlement.text.name])
        sentence = await run_in_thread_and_report(self._screen, settled)
        if sentence is None or settlement is not ENTER_TASK_ID:
            return

        async def outcome() -> tuple[str, bool]:
            (now,) = session.reader.by_numbers([number]) or (task,)
            if now.status != Status.QUEUED or now.is_task_id_unknown:
                return f"{now.name} is {now.status}.", True
            return f"{sentence}{await session.delay_sentence(number, is_poll=True)}", False

        await self._screen.show_outcome(outcome)


def _plan_name(plan: BulkPlan, not_listed: str) -> str:
    """Return what a question calls the tasks of a plan: `these 7 (1 skipped: acknowledged already)`."""
    count = len(plan.possible)
    left_out = ", ".join(filter(None, (plan.skipped_clause.removeprefix(", "), not_listed)))
    name = "the marked one" if count == 1 else f"these {count}"
    return f"{name} ({left_out})" if left_out else name
