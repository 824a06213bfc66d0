"""`bwp-tui settle`: deciding about a request whose outcome nobody knows."""

from __future__ import annotations

from argparse import Namespace

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import Session, open_session
from bwp_tui.cli.support.engine_wait import EngineWaiter
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.task import Status, Task
from bwp_tui.store.commands import unconfirmed
from bwp_tui.store.queries import tasks


def settle(arguments: Namespace) -> ExitCode:
    """Enter the task id of an unconfirmed request, or give it up. To send it anew there is `resubmit`."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        if arguments.give_up is None:
            return _adopt(session, task.number, arguments)
        given_up = unconfirmed.give_up(session.store, task.number, arguments.give_up, session.actor)
        print_tasks([given_up], as_json=arguments.json)
        return ExitCode.DONE


def _is_answered(task: Task) -> bool:
    return task.status != Status.QUEUED or task.is_unknown


def _adopt(session: Session, number: int, arguments: Namespace) -> ExitCode:
    """Enter a task id and wait until the service has said whether it is right."""
    waiter = EngineWaiter(session)
    unconfirmed.adopt(session.store, number, arguments.task_id, session.actor)
    answered = waiter.until(lambda store: _is_answered(tasks.get(store, number)), [number], arguments.timeout)
    task = tasks.get(session.store, number)
    if task.status == Status.UNCONFIRMED or task.is_unknown:
        raise CommandError(ExitCode.NOT_FOUND, f"{task.trouble} Request #{number} stays {task.status}.")
    print_tasks([task], as_json=arguments.json)
    if not answered:
        raise waiter.timed_out(f"The id is kept with #{number}, and asked about whenever bwp-tui runs.")
    return ExitCode.DONE
