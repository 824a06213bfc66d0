"""Settle an unconfirmed request: enter its task id, or give it up. The third choice is `requests.resubmit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.task import Status, Task, cannot_change_purged, task_id_mistake
from bwp_tui.domain.text import clean_line
from bwp_tui.store.commands.operation import Argument, TaskOperation
from bwp_tui.store.commands.request_validation import BadRequest, refuse, refuse_known
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.task_updates import finish
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind


def enter_task_id(store: Store, number: int, task_id: str, actor: str) -> Task:
    """Enter the task id of an unconfirmed request; a poll at once shows whether it is right.

    Raises:
        BadRequest: `task_id` cannot be a task id.
        NotPossible: the request is not unconfirmed, or the history holds this task id already.
    """
    if wrong := task_id_mistake(task_id):
        raise BadRequest("task_id", wrong)
    from bwp_tui.store.worklog.service_events import merge_adopted  # not before the first frame

    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_enter_task_id(task))
        merge_adopted(transaction, task_id, number, is_certain=False)
        refuse_known(transaction, task_id)
        transaction.run(
            "UPDATE tasks SET task_id = ?, status = ?, terminal = 0, finished_at = NULL, trouble = NULL,"
            " next_poll_at = ?, polls = 0, polled_at = NULL, unknown_since = NULL, unknown_answers = 0, revision = ?"
            " WHERE number = ?",
            (task_id, Status.QUEUED, transaction.now_text, transaction.revision, number),
        )
        timeline.append(
            transaction,
            number,
            actor,
            EventKind.TRACKED,
            before=task.status,
            after=Status.QUEUED,
            detail=f"by hand: {task_id}",
        )
    return tasks.get(store, number)


def cannot_enter_task_id(task: Task) -> str | None:
    """Return why no task id can be entered for `task`, or None when one can."""
    if task.status in (Status.UNCONFIRMED, Status.GIVEN_UP) or task.is_task_id_unknown:
        return cannot_change_purged(task)
    if task.status == Status.QUEUED and task.task_id is not None:
        return None  # entered before, and the service has not confirmed it
    return f"A task id can only be entered for an unconfirmed request; {task.name} is {task.status}."


def give_up(store: Store, number: int, reason: str, actor: str) -> Task:
    """Close an unconfirmed request, or one whose task id the service does not know.

    Raises:
        BadRequest: there is no reason.
        NotPossible: the request is neither.
    """
    detail = clean_line(reason)
    if not detail:
        raise BadRequest("reason", "Say why the request is given up; the reason is kept on its timeline.")
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_give_up(task))
        finish(transaction, number, Status.GIVEN_UP)
        timeline.append(
            transaction, number, actor, EventKind.GIVEN_UP, before=task.status, after=Status.GIVEN_UP, detail=detail
        )
    return tasks.get(store, number)


def cannot_give_up(task: Task) -> str | None:
    """Return why `task` cannot be given up, or None when it can."""
    if task.status == Status.UNCONFIRMED or task.is_task_id_unknown:
        return None
    return f"Only an unconfirmed request can be given up; {task.name} is {task.status}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(TaskOperation):
    """A decision about an unconfirmed request, which is given as one text.

    Attributes:
        apply: settles a task with the text, in the name of the actor.
        result: the sentence about it.
        step: what cannot be undone.
    """

    apply: Callable[[Store, int, str, str], Task]
    result: Callable[[Task, str], str]
    step: Callable[[Task], str]

    @property
    def text(self) -> Argument:
        """The text that decides."""
        (argument,) = self.arguments
        return argument


ENTER_TASK_ID: Final = Settlement(
    name="adopt",
    keys=("i",),
    help="Enter the task id of an unconfirmed request",
    shell_command="settle TASK --task-id ID",
    disabled_reason=lambda task, _: cannot_enter_task_id(task),
    arguments=(
        Argument(
            name="task_id",
            metavar="ID",
            help="link it to this task ID",
            question=lambda target: f"The service's task id of {target.name}:",
            mistake=lambda text: task_id_mistake(text.strip()) if text.strip() else None,
        ),
    ),
    apply=enter_task_id,
    result=lambda _, task_id: f"Asking the service whether {task_id} is this request.",
    step=lambda task: f"The task id of {task.name}",
)

GIVE_UP: Final = Settlement(
    name="give_up",
    keys=("X",),
    help="Give up an unconfirmed request",
    shell_command="settle TASK --give-up REASON",
    disabled_reason=lambda task, _: cannot_give_up(task),
    arguments=(
        Argument(
            name="give_up",
            metavar="REASON",
            help="give it up, with a reason",
            question=lambda target: f"Reason for giving up {target.name}:",
        ),
    ),
    apply=give_up,
    result=lambda task, _: f"{task.name} is given up; the reason is on its timeline.",
    step=lambda task: f"Giving up {task.name}",
)

SETTLEMENTS: Final = (ENTER_TASK_ID, GIVE_UP)
