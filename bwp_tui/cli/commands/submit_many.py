"""Submitting again, cancelling and downloading for many tasks at once, and asking about them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from bwp_tui.cli.exit_codes import Exit, Stop
from bwp_tui.cli.support.bulk import agreed_plan, carry_out, chosen
from bwp_tui.cli.support.context import Session, note, opened, read
from bwp_tui.cli.support.engine_wait import Waiter
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.task import Status
from bwp_tui.store.commands import bulk
from bwp_tui.store.queries import request_log, tasks


def is_many(arguments: Namespace) -> bool:
    """Say whether a command line means other than one named task."""
    return arguments.filter is not None or len(arguments.tasks) != 1


def resubmit(arguments: Namespace) -> Exit:
    """Submit failed tasks again, each under a new client token."""
    with opened(arguments) as session:
        numbers = chosen(session, arguments.tasks, arguments.filter)
        waiter = Waiter(session)
        _warn_of_doubles(session, numbers)
        planned = agreed_plan(session, "resubmit", numbers, arguments, arguments.holding_period)
        deed = bulk.resubmit(session.actor, arguments.note, arguments.holding_period)
        new, all_done = carry_out(session, deed, planned.possible)
        answered = waiter.until(lambda history: not tasks.any_queued(history, new), new, arguments.timeout)
        found = read(session.history, new)
        print_tasks(found, as_json=arguments.json)
        if not answered:
            queued = sum(task.status == Status.QUEUED for task in found)
            raise waiter.no_answer(f"{queued} requests stay QUEUED until a bwp-tui reaches the service: bwp-tui run.")
        refused = sum(task.status in (Status.REJECTED, Status.UNCONFIRMED) for task in found)
        if refused:
            raise Stop(Exit.FAILED, f"{refused} of the requests were not accepted; see: bwp-tui list is:failed.")
        return Exit.DONE if all_done else Exit.FAILED


def cancel(arguments: Namespace) -> Exit:
    """Cancel deletions while they are on hold."""
    with opened(arguments) as session:
        numbers = chosen(session, arguments.tasks, arguments.filter)
        waiter = Waiter(session)
        planned = agreed_plan(session, "cancel", numbers, arguments)
        asked, all_done = carry_out(session, bulk.cancel(session.actor), planned.possible)
        settled = waiter.until(lambda history: not tasks.any_being_cancelled(history, asked), asked, arguments.timeout)
        found = read(session.history, asked)
        print_tasks(found, as_json=arguments.json)
        if not settled:
            raise waiter.no_answer(
                "The cancellations are recorded, and sent by the next bwp-tui that reaches the service: bwp-tui run."
            )
        left = [task for task in found if task.status != Status.CANCELLED]
        for task in left:
            note(f"#{task.number} is {task.status}: {request_log.why_not_cancelled(session.history, task.number)}")
        if left:
            raise Stop(Exit.FAILED, f"{len(left)} of {len(found)} tasks were not cancelled.")
        return Exit.DONE if all_done else Exit.FAILED


def _warn_of_doubles(session: Session, numbers: Sequence[int]) -> None:
    unsure = sum(task.status in (Status.UNCONFIRMED, Status.GIVEN_UP) for task in read(session.history, numbers))
    if unsure:
        note(f"Warning: {unsure} of them may have been started all the same; this makes second tasks of those.")
