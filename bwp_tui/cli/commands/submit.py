"""Commands that ask something of the service: submit, track, resubmit, cancel."""

from __future__ import annotations

import sys
from argparse import Namespace

from bwp_tui.cli.commands import submit_many
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.bulk import FIT_HINT
from bwp_tui.cli.support.context import Session, ask, can_ask, checked_day, confirm, open_session, print_note, today
from bwp_tui.cli.support.engine_wait import EngineWaiter
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.deadlines import due_on, latest_end, longest_fitting_hold
from bwp_tui.domain.holding_periods import same_hold
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind, Request, Status, Task
from bwp_tui.store.commands import bulk, bulk_plan, requests
from bwp_tui.store.commands.request_validation import check
from bwp_tui.store.queries import request_log, tasks


def submit(arguments: Namespace) -> ExitCode:
    """Record a request, send it, and print its task."""
    with open_session(arguments) as session:
        request = _request(arguments)
        check(request)
        waiter = EngineWaiter(session)
        _warn_of_deadline(request)
        if request.kind is Kind.DELETION and not arguments.yes:
            _confirm_deletion(request.email)
        task = requests.submit(session.store, request, session.actor)
        return _send(session, waiter, task, arguments)


def resubmit(arguments: Namespace) -> ExitCode:
    """Submit failed tasks again, each under a new client token."""
    if submit_many.is_many(arguments):
        return submit_many.resubmit(arguments)
    with open_session(arguments) as session:
        old = tasks.find_by_name(session.store, arguments.tasks[0])
        waiter = EngineWaiter(session)
        if old.status in (Status.UNCONFIRMED, Status.GIVEN_UP):
            print_note(f"Warning: {old.name} may have been started all the same; this makes a second task of it.")
        hold = arguments.holding_period
        if late := bulk_plan.plan(session.store, "resubmit", [old.number], today(), hold).warning:
            print_note(f"Warning: {late}.{f' {FIT_HINT}' if hold is same_hold else ''}")
        # A deletion was confirmed when it was first asked for, so that a script needs no second yes.
        if (
            old.kind is Kind.DELETION
            and not arguments.yes
            and can_ask()
            and not confirm(f"Submit the deletion of {old.subject(masked=True)} again?")
        ):
            raise CommandError(ExitCode.FAILED, "Not agreed to; nothing was recorded.")
        with session.store.write() as transaction:
            new = bulk.resubmit(session.actor, arguments.note, hold)(transaction, session.store, old.number)
        return _send(session, waiter, tasks.get(session.store, new), arguments)


def track(arguments: Namespace) -> ExitCode:
    """Adopt a task that was submitted elsewhere, and ask the service about it."""
    kind = Kind(arguments.kind.upper())
    with open_session(arguments) as session:
        received_on = today() if arguments.received is None else checked_day(arguments.received)
        facts = Request(kind=kind, email="", received_on=received_on, regulation=arguments.regulation)
        waiter = EngineWaiter(session)
        task = requests.track(session.store, kind, arguments.task_id, facts, session.actor)
        number = task.number
        answered = waiter.until(lambda store: _is_answered(tasks.get(store, number)), [number], arguments.timeout)
        task = tasks.get(session.store, number)
        if task.is_unknown:
            raise CommandError(
                ExitCode.NOT_FOUND,
                f"The service does not know {kind.lower()} {arguments.task_id}: check the profile and the id, which is "
                f"asked about for another day. To correct it: bwp-tui settle {number} --task-id ID; to drop it: "
                f"bwp-tui settle {number} --give-up REASON.",
            )
        print_tasks([task], as_json=arguments.json)
        if not answered:
            raise waiter.timed_out(f"Task #{number} is tracked, and asked about whenever bwp-tui runs.")
        return ExitCode.DONE


def _is_answered(task: Task) -> bool:
    return task.status != Status.QUEUED or task.is_unknown


def cancel(arguments: Namespace) -> ExitCode:
    """Cancel deletions while they are on hold."""
    if submit_many.is_many(arguments):
        return submit_many.cancel(arguments)
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.tasks[0])
        why_not = requests.cannot_cancel(task)
        if why_not:
            raise CommandError(ExitCode.FAILED, why_not)
        waiter = EngineWaiter(session)
        if not arguments.yes:
            _confirm_cancellation(task)
        number = requests.cancel(session.store, task.number, session.actor).number
        settled = waiter.until(lambda store: not tasks.get(store, number).cancel_asked, [number], arguments.timeout)
        task = tasks.get(session.store, number)
        print_tasks([task], as_json=arguments.json)
        if not settled:
            raise waiter.timed_out(
                f"The cancellation of #{number} is recorded, and sent by the next bwp-tui that reaches the service: "
                "bwp-tui run.",
                task.trouble,
            )
        if task.status != Status.CANCELLED:
            why = request_log.why_not_cancelled(session.store, number)
            raise CommandError(ExitCode.FAILED, why or f"Task #{number} was not cancelled: it is {task.status}.")
        return ExitCode.DONE


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
    """Tell before anything is recorded when the service may take longer than the law allows."""
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


def _confirm_deletion(email: str) -> None:
    if not can_ask():
        raise CommandError(
            ExitCode.USAGE,
            "A deletion must be confirmed, and no one can be asked here: add --yes. Nothing was recorded.",
        )
    if ask(f"This deletes the data of {email}. Type the address to go on:") != email:
        raise CommandError(ExitCode.FAILED, "That is not the address; nothing was recorded.")


def _confirm_cancellation(task: Task) -> None:
    if not can_ask():
        raise CommandError(
            ExitCode.USAGE,
            "A cancellation must be confirmed, and no one can be asked here: add --yes. Nothing was done.",
        )
    if not confirm(f"{requests.cancelling(task)} {task.name} of {task.subject(masked=True)}?"):
        raise CommandError(ExitCode.FAILED, "Not agreed to; nothing was done.")


def _send(session: Session, waiter: EngineWaiter, task: Task, arguments: Namespace) -> ExitCode:
    """Wait for the service's answer to a recorded request, print the task, and say how that went."""
    number = task.number
    if task.earlier is not None and task.resubmit_of is None:
        print_note(f"#{task.earlier} has the same address and kind; see: bwp-tui show {task.earlier}.")
    waiter.until(lambda store: tasks.get(store, number).status != Status.QUEUED, [number], arguments.timeout)
    task = tasks.get(session.store, number)
    print_tasks([task], as_json=arguments.json)
    sys.stdout.flush()
    if task.status == Status.QUEUED:
        raise waiter.timed_out(
            f"Request #{number} is recorded and stays QUEUED until a bwp-tui reaches the service: bwp-tui run.",
            task.trouble,
        )
    if task.status == Status.REJECTED:
        words = "; ".join(error.message for error in task.errors) or "The service gave no reason."
        raise CommandError(ExitCode.FAILED, f"The service refused the request: {words}")
    if task.status == Status.UNCONFIRMED:
        why = task.trouble or "No answer came while its client token protected it."
        raise CommandError(
            ExitCode.FAILED, f"{why} Request #{number} is UNCONFIRMED: decide on it with bwp-tui settle."
        )
    return ExitCode.DONE
