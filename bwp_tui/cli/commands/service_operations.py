"""Commands that the engine carries out at the service, or waits for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.operation import Values
from bwp_tui.actions.service_operations import DOWNLOAD, REFRESH, ServiceOperation, cannot_refresh
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.bulk import FIT_HINT, apply_to_tasks, chosen_alternative, confirm_plan, select_tasks, values_of
from bwp_tui.cli.support.days import require_same_day, today
from bwp_tui.cli.support.engine_wait import (
    EngineWaiter,
    print_refused_cancellations,
    wait_for_cancellations,
    wait_for_end,
    wait_for_response,
)
from bwp_tui.cli.support.questions import deletion_question, require_typed, require_yes
from bwp_tui.cli.support.result_downloads import download_results
from bwp_tui.cli.support.session import CommandSession, find_tasks, open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import UNKNOWN_TASK, Status, engine_is_done_with
from bwp_tui.domain.task import Kind, Task
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import intent_log, tasks


def refresh(arguments: Namespace) -> ExitCode:
    """Poll the named tasks now, or all active ones."""
    exit_code = ExitCode.DONE
    with open_session(arguments) as session:
        if arguments.filter is None:
            numbers, exit_code = _tasks_to_poll(session.store, arguments.tasks)
        else:
            matching = select_tasks(session, arguments.tasks, arguments.filter)
            numbers = confirm_plan(session, REFRESH, matching, arguments, {})
        waiter = EngineWaiter(session)
        unpolled = waiter.poll(numbers, arguments.timeout)
        polled = tasks.by_numbers(session.store, numbers)
        print_tasks(polled, as_json=arguments.json, read_only=session.read_only)
        if unpolled and all(task.trouble == UNKNOWN_TASK or task.next_poll_at is None for task in unpolled):
            todo = f"What to do: bwp-tui show {unpolled[0].number}."
            raise CommandError(f"{unpolled[0].trouble} {todo}", ExitCode.NOT_FOUND)
        if unpolled:
            which = "The task" if len(numbers) == 1 else f"{len(unpolled)} of {len(numbers)} tasks"
            raise waiter.timed_out(f"{which} could not be refreshed.", unpolled[0].trouble)
        return exit_code


def ask_service(arguments: Namespace) -> ExitCode:
    """Send, approve, resubmit or cancel requests, as the command says, and wait for the service's response."""
    operation: ServiceOperation = arguments.operation
    with open_session(arguments) as session:
        numbers = select_tasks(session, arguments.tasks, arguments.filter)
        waiter = EngineWaiter(session)
        values = values_of(operation, arguments)
        if arguments.filter is None and len(numbers) == 1:
            task = tasks.get(session.store, numbers[0])
            _confirm_single(session, operation, task, values, arguments)
            check = operation.check_for(task, today())
        else:
            numbers = confirm_plan(session, operation, numbers, arguments, values)
            check = bulk_plan.plan_check(operation, today(), values)
        asked, all_done = apply_to_tasks(session, operation.change_for(session.actor, **values), numbers, check)
        if not asked:
            return ExitCode.FAILED
        exit_code = ExitCode.DONE
        if operation.submits:
            exit_code = wait_for_response(session, waiter, asked, arguments)
        else:
            cancelled = wait_for_cancellations(session, waiter, asked, arguments.timeout, as_json=arguments.json)
            _check_cancelled(session, cancelled)
        return exit_code if all_done else ExitCode.FAILED


def wait(arguments: Namespace) -> ExitCode:
    """Have tasks polled, wait until they have ended, and print them."""
    with open_session(arguments) as session:
        numbers = find_tasks(session.store, arguments.tasks)
        waited_for = (task for task in tasks.by_numbers(session.store, numbers) if not engine_is_done_with(task.status))
        requests.poll_now(session.store, [task.number for task in waited_for])
        return wait_for_end(EngineWaiter(session), numbers, arguments)


def download(arguments: Namespace) -> ExitCode:
    """Download the results of retrievals and print their paths."""
    with open_session(arguments) as session:
        numbers = select_tasks(session, arguments.tasks, arguments.filter)
        waiter = EngineWaiter(session)
        if arguments.filter is not None:
            numbers = confirm_plan(session, chosen_alternative(DOWNLOAD, arguments), numbers, arguments, {})
        return download_results(session, waiter, numbers, arguments)


def _confirm_single(
    session: CommandSession, operation: ServiceOperation, task: Task, values: Values, arguments: Namespace
) -> None:
    """Refuse what cannot be done to a task; warn of what the plan warns of, and have it confirmed."""
    reason = operation.disabled_reason(task, today()) or operation.wrong_actor_reason(
        session.store, task, session.actor
    )
    if reason:
        raise CommandError(reason, ExitCode.FAILED)
    day = today()
    planned = bulk_plan.plan(session.store, operation, [task.number], day, values)
    if planned.warning:
        print_message(f"Warning: {planned.warning}.{f' {FIT_HINT}' if planned.can_meet_due_dates else ''}")
    if arguments.yes:
        return
    if operation.submits and task.kind is Kind.DELETION:
        require_typed(deletion_question(task.email, is_sent_at_once=planned.is_sent_at_once), task.email)
    elif question := operation.question(task, f"{task.name} of {task.email_text(masked=True)}"):
        require_yes(question)
    if operation.submits:
        require_same_day(day)


def _check_cancelled(session: CommandSession, cancelled: Sequence[Task]) -> None:
    """Report why tasks were not cancelled, and end the command if one was not."""
    task = cancelled[0]
    if len(cancelled) == 1 and task.status not in (Status.CANCELLED, Status.DECLINED):
        why = intent_log.cancel_refused_reason(session.store, task.number)
        raise CommandError(why or f"Task #{task.number} was not cancelled: it is {task.status}.", ExitCode.FAILED)
    if left := print_refused_cancellations(session.store, cancelled):
        raise CommandError(f"{left} of {len(cancelled)} tasks not cancelled.", ExitCode.FAILED)


def _tasks_to_poll(store: Store, names: Sequence[str]) -> tuple[list[int], ExitCode]:
    """Return the named tasks that can be polled, and FAILED where one cannot; without names all active ones."""
    if not names:
        return list(tasks.matching_numbers(store, parse("is:active -is:unsent"), today=today())), ExitCode.DONE
    possible, exit_code = [], ExitCode.DONE
    for task in tasks.by_numbers(store, find_tasks(store, names)):
        if reason := cannot_refresh(task):
            print_message(reason)
            exit_code = ExitCode.FAILED
        else:
            possible.append(task.number)
    return possible, exit_code
