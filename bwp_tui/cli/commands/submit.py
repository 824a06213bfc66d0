"""`bwp-tui submit`, `track`, `resubmit`, `settle` and `cancel`: commands that send a request or decide about one."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.bulk import FIT_HINT, apply, confirm_plan, select_tasks
from bwp_tui.cli.support.context import (
    CommandSession,
    can_ask,
    checked_day,
    open_session,
    print_note,
    require_typed,
    require_yes,
    today,
)
from bwp_tui.cli.support.engine_wait import EngineWaiter
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.deadlines import due_on, latest_end, longest_fitting_hold
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Request, Status, Task
from bwp_tui.store.commands import bulk, bulk_plan, requests, unconfirmed
from bwp_tui.store.commands.request_validation import check_request
from bwp_tui.store.queries import request_log, tasks


def submit(arguments: Namespace) -> ExitCode:
    """Record a request, send it, and print its task."""
    with open_session(arguments) as session:
        request = _request(arguments)
        check_request(request)
        waiter = EngineWaiter(session)
        _warn_of_deadline(request)
        if request.kind is Kind.DELETION and not arguments.yes:
            require_typed(f"This deletes the data of {request.email}.", request.email)
        task = requests.submit(session.store, request, session.actor)
        return _wait_for_response(session, waiter, [task.number], arguments)


def resubmit(arguments: Namespace) -> ExitCode:
    """Submit failed tasks again, each under a new client token."""
    with open_session(arguments) as session:
        numbers: Sequence[int] = select_tasks(session, arguments.tasks, arguments.filter)
        waiter = EngineWaiter(session)
        _warn_of_doubles(session, numbers)
        if _is_single(arguments, numbers):
            _confirm_resubmission(session, numbers[0], arguments)
        else:
            numbers = confirm_plan(session, "resubmit", numbers, arguments, arguments.holding_period).possible
        command = bulk.resubmit(session.actor, arguments.note, arguments.holding_period)
        new, all_done = apply(session, command, numbers)
        if not new:
            return ExitCode.FAILED
        exit_code = _wait_for_response(session, waiter, new, arguments)
        return exit_code if all_done else ExitCode.FAILED


def track(arguments: Namespace) -> None:
    """Add a task that was submitted elsewhere by its id, and poll it."""
    kind = Kind(arguments.kind.upper())
    with open_session(arguments) as session:
        received_on = today() if arguments.received is None else checked_day(arguments.received)
        facts = Request(kind=kind, email="", received_on=received_on, regulation=arguments.regulation)
        waiter = EngineWaiter(session)
        number = requests.track(session.store, kind, arguments.task_id, facts, session.actor).number
        polled = _wait_for_poll(waiter, number, arguments)
        task = tasks.get(session.store, number)
        if task.is_task_id_unknown:
            raise CommandError(
                ExitCode.NOT_FOUND,
                f"The service does not know {kind.lower()} {arguments.task_id}. Check the profile and the id; it is "
                f"polled for another day. To correct it: bwp-tui settle {number} --task-id ID; to drop it: "
                f"bwp-tui settle {number} --give-up REASON.",
            )
        print_tasks([task], as_json=arguments.json)
        if not polled:
            raise waiter.timed_out(f"Task #{number} is tracked.")


def settle(arguments: Namespace) -> None:
    """Enter the task id of an unconfirmed request, or give the request up."""
    with open_session(arguments) as session:
        number = tasks.find_by_name(session.store, arguments.task).number
        if arguments.give_up is not None:
            task = unconfirmed.give_up(session.store, number, arguments.give_up, session.actor)
            print_tasks([task], as_json=arguments.json)
            return
        waiter = EngineWaiter(session)
        unconfirmed.enter_task_id(session.store, number, arguments.task_id, session.actor)
        polled = _wait_for_poll(waiter, number, arguments)
        task = tasks.get(session.store, number)
        if task.status == Status.UNCONFIRMED or task.is_task_id_unknown:
            raise CommandError(ExitCode.NOT_FOUND, f"{task.trouble} Request #{number} stays {task.status}.")
        print_tasks([task], as_json=arguments.json)
        if not polled:
            raise waiter.timed_out(f"The task id is recorded with #{number}.")


def cancel(arguments: Namespace) -> ExitCode:
    """Cancel deletions while they are on hold."""
    with open_session(arguments) as session:
        numbers: Sequence[int] = select_tasks(session, arguments.tasks, arguments.filter)
        if _is_single(arguments, numbers):
            task = tasks.get(session.store, numbers[0])
            if why_not := requests.cannot_cancel(task):
                raise CommandError(ExitCode.FAILED, why_not)
            waiter = EngineWaiter(session)
            if not arguments.yes:
                require_yes(f"{requests.cancellation_phrase(task)} {task.name} of {task.subject(masked=True)}?")
        else:
            waiter = EngineWaiter(session)
            numbers = confirm_plan(session, "cancel", numbers, arguments).possible
        asked, all_done = apply(session, bulk.cancel(session.actor), numbers)
        if not asked:
            return ExitCode.FAILED
        settled = waiter.until(lambda store: not tasks.any_being_cancelled(store, asked), asked, arguments.timeout)
        cancelled = tasks.window(session.store, asked)
        print_tasks(cancelled, as_json=arguments.json)
        if not settled:
            what = f"The cancellation of #{asked[0]} is" if len(asked) == 1 else "The cancellations are"
            raise waiter.timed_out(
                f"{what} recorded and not confirmed yet.",
                cancelled[0].trouble if len(asked) == 1 else None,
            )
        _check_cancelled(session, cancelled)
        return ExitCode.DONE if all_done else ExitCode.FAILED


def _is_single(arguments: Namespace, numbers: Sequence[int]) -> bool:
    """Return whether one task was named, which needs no plan."""
    return arguments.filter is None and len(numbers) == 1


def _request(arguments: Namespace) -> Request:
    kind = Kind(arguments.kind.upper())
    deletion = kind is Kind.DELETION
    return Request(
        kind=kind,
        email=arguments.email,
        received_on=today() if arguments.received is None else checked_day(arguments.received),
        regulation=arguments.regulation,
        holding_period=arguments.holding_period if deletion else None,
        reason=(arguments.reason or None) if deletion else None,
        note=arguments.note,
        tags=tuple(dict.fromkeys(tag for tag in arguments.tag if tag)),
    )


def _warn_of_deadline(request: Request) -> None:
    """Print a warning where the service may finish after the due date."""
    due = due_on(request.regulation, request.received_on)
    if due is None:
        return
    hold = None
    if request.kind is Kind.DELETION:
        hold = DEFAULT_HOLDING_PERIOD if request.holding_period is None else request.holding_period
    end = latest_end(today(), hold)
    if end <= due:
        return
    fitting = longest_fitting_hold(today(), due) if hold else None
    advice = f"; --holding-period {fitting} would end by then" if fitting is not None else ""
    print_note(f"Warning: this may take until {end}, after the due date {due} ({request.regulation}){advice}.")


def _warn_of_doubles(session: CommandSession, numbers: Sequence[int]) -> None:
    unsure = [
        task for task in tasks.window(session.store, numbers) if task.status in (Status.UNCONFIRMED, Status.GIVEN_UP)
    ]
    if unsure:
        what = unsure[0].name if len(unsure) == 1 else f"{len(unsure)} of these tasks"
        print_note(f"Warning: {what} may already run at the service; resubmitting may start a second task.")


def _confirm_resubmission(session: CommandSession, number: int, arguments: Namespace) -> None:
    """Warn of a late end; have the resubmission of a deletion confirmed at a terminal.

    A deletion was confirmed when it was submitted, so a script needs no second confirmation.
    """
    hold = arguments.holding_period
    planned = bulk_plan.plan(session.store, "resubmit", [number], today(), hold)
    if planned.warning:
        print_note(f"Warning: {planned.warning}.{f' {FIT_HINT}' if planned.can_meet_due_dates else ''}")
    task = tasks.get(session.store, number)
    if task.kind is Kind.DELETION and not arguments.yes and can_ask():
        require_yes(f"Resubmit the deletion of {task.subject(masked=True)}?")


def _wait_for_poll(waiter: EngineWaiter, number: int, arguments: Namespace) -> bool:
    """Wait until the service has said what it knows of a task id; return whether it has."""

    def is_polled(task: Task) -> bool:
        return task.status != Status.QUEUED or task.is_task_id_unknown

    return waiter.until(lambda store: is_polled(tasks.get(store, number)), [number], arguments.timeout)


def _wait_for_response(
    session: CommandSession, waiter: EngineWaiter, numbers: Sequence[int], arguments: Namespace
) -> ExitCode:
    """Wait for the service's response to recorded requests, print their tasks, and report what became of them."""
    single = len(numbers) == 1
    for task in tasks.window(session.store, numbers):
        if task.earlier_number is not None and task.resubmit_of is None:
            print_note(f"#{task.earlier_number} has the same email and kind; see: bwp-tui show {task.earlier_number}.")
    responded = waiter.until(lambda store: not tasks.any_queued(store, numbers), numbers, arguments.timeout)
    sent = tasks.window(session.store, numbers)
    print_tasks(sent, as_json=arguments.json)
    sys.stdout.flush()
    if not responded:
        queued = [task for task in sent if task.status == Status.QUEUED]
        raise waiter.timed_out(
            _describe_queued(queued),
            sent[0].trouble if single else None,
        )
    refused = [task for task in sent if task.status in (Status.REJECTED, Status.UNCONFIRMED)]
    if not refused:
        return ExitCode.DONE
    if single:
        raise CommandError(ExitCode.FAILED, _why_refused(refused[0]))
    raise CommandError(ExitCode.FAILED, f"{len(refused)} requests were not accepted; see: bwp-tui list is:failed.")


def _describe_queued(queued: Sequence[Task]) -> str:
    unanswered = sum(task.is_outcome_unknown for task in queued)
    if len(queued) == 1:
        return f"Request #{queued[0].number} is recorded and {'has no response' if unanswered else 'not sent'} yet."
    sent = f" ({unanswered} of them have no response yet)" if unanswered else ""
    return f"{len(queued)} requests are recorded and not sent yet{sent}."


def _why_refused(task: Task) -> str:
    if task.status == Status.REJECTED:
        reasons = "; ".join(error.message for error in task.errors) or "It gave no reason."
        return f"The service rejected the request: {reasons}"
    why = task.trouble or "No answer came while its client token protected it."
    return f"{why} Request #{task.number} is UNCONFIRMED: decide on it with bwp-tui settle."


def _check_cancelled(session: CommandSession, asked: Sequence[Task]) -> None:
    """Report why tasks were not cancelled.

    Raises:
        CommandError: one was not.
    """
    left = [task for task in asked if task.status != Status.CANCELLED]
    reasons = [request_log.why_not_cancelled(session.store, task.number) for task in left]
    if len(asked) == 1 and left:
        task, why = left[0], reasons[0]
        raise CommandError(ExitCode.FAILED, why or f"Task #{task.number} was not cancelled: it is {task.status}.")
    for task, why in zip(left, reasons, strict=True):
        print_note(f"#{task.number} is {task.status}: {why}")
    if left:
        raise CommandError(ExitCode.FAILED, f"{len(left)} of {len(asked)} tasks were not cancelled.")
