"""Submitting again, cancelling and downloading for many tasks at once, and asking about them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.bulk import apply, confirm_plan, select_tasks
from bwp_tui.cli.support.context import Session, open_session, print_note, read
from bwp_tui.cli.support.engine_wait import EngineWaiter
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.task import Status
from bwp_tui.store.commands import bulk
from bwp_tui.store.queries import request_log, tasks


def is_many(arguments: Namespace) -> bool:
    """Say whether a command line means other than one named task."""
    return arguments.filter is not None or len(arguments.tasks) != 1


def resubmit(arguments: Namespace) -> ExitCode:
    """Submit failed tasks again, each under a new client token."""
    with open_session(arguments) as session:
        numbers = select_tasks(session, arguments.tasks, arguments.filter)
        waiter = EngineWaiter(session)
        _warn_of_doubles(session, numbers)
        planned = confirm_plan(session, "resubmit", numbers, arguments, arguments.holding_period)
        deed = bulk.resubmit(session.actor, arguments.note, arguments.holding_period)
        new, all_done = apply(session, deed, planned.possible)
        answered = waiter.until(lambda store: not tasks.any_queued(store, new), new, arguments.timeout)
        found = read(session.store, new)
        print_tasks(found, as_json=arguments.json)
        if not answered:
            queued = sum(task.status == Status.QUEUED for task in found)
            raise waiter.timed_out(f"{queued} requests stay QUEUED until a bwp-tui reaches the service: bwp-tui run.")
        refused = sum(task.status in (Status.REJECTED, Status.UNCONFIRMED) for task in found)
        if refused:
            raise CommandError(
                ExitCode.FAILED, f"{refused} of the requests were not accepted; see: bwp-tui list is:failed."
            )
        return ExitCode.DONE if all_done else ExitCode.FAILED


def cancel(arguments: Namespace) -> ExitCode:
    """Cancel deletions while they are on hold."""
    with open_session(arguments) as session:
        numbers = select_tasks(session, arguments.tasks, arguments.filter)
        waiter = EngineWaiter(session)
        planned = confirm_plan(session, "cancel", numbers, arguments)
        asked, all_done = apply(session, bulk.cancel(session.actor), planned.possible)
        settled = waiter.until(lambda store: not tasks.any_being_cancelled(store, asked), asked, arguments.timeout)
        found = read(session.store, asked)
        print_tasks(found, as_json=arguments.json)
        if not settled:
            raise waiter.timed_out(
                "The cancellations are recorded, and sent by the next bwp-tui that reaches the service: bwp-tui run."
            )
        left = [task for task in found if task.status != Status.CANCELLED]
        for task in left:
            print_note(f"#{task.number} is {task.status}: {request_log.why_not_cancelled(session.store, task.number)}")
        if left:
            raise CommandError(ExitCode.FAILED, f"{len(left)} of {len(found)} tasks were not cancelled.")
        return ExitCode.DONE if all_done else ExitCode.FAILED


def _warn_of_doubles(session: Session, numbers: Sequence[int]) -> None:
    unsure = sum(task.status in (Status.UNCONFIRMED, Status.GIVEN_UP) for task in read(session.store, numbers))
    if unsure:
        print_note(f"Warning: {unsure} of them may have been started all the same; this makes second tasks of those.")
