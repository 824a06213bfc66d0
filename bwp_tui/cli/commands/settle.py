"""`bwp-tui settle`: deciding about a request whose outcome nobody knows."""

from __future__ import annotations

from argparse import Namespace

from bwp_tui.cli.exit_codes import Exit, Stop
from bwp_tui.cli.support.context import Session, opened
from bwp_tui.cli.support.engine_wait import Waiter
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.task import Status, Task
from bwp_tui.store.commands import unconfirmed
from bwp_tui.store.queries import tasks


def settle(arguments: Namespace) -> Exit:
    """Enter the task id of an unconfirmed request, or give it up. To send it anew there is `resubmit`."""
    with opened(arguments) as session:
        task = tasks.named(session.history, arguments.task)
        if arguments.give_up is None:
            return _adopt(session, task.number, arguments)
        given_up = unconfirmed.give_up(session.history, task.number, arguments.give_up, session.actor)
        print_tasks([given_up], as_json=arguments.json)
        return Exit.DONE


def _is_answered(task: Task) -> bool:
    return task.status != Status.QUEUED or task.is_unknown


def _adopt(session: Session, number: int, arguments: Namespace) -> Exit:
    """Enter a task id and wait until the service has said whether it is right."""
    waiter = Waiter(session)
    unconfirmed.adopt(session.history, number, arguments.task_id, session.actor)
    answered = waiter.until(lambda history: _is_answered(tasks.get(history, number)), [number], arguments.timeout)
    task = tasks.get(session.history, number)
    if task.status == Status.UNCONFIRMED or task.is_unknown:
        raise Stop(Exit.NOT_FOUND, f"{task.trouble} Request #{number} stays {task.status}.")
    print_tasks([task], as_json=arguments.json)
    if not answered:
        raise waiter.no_answer(f"The id is kept with #{number}, and asked about whenever bwp-tui runs.")
    return Exit.DONE
