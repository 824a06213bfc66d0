"""The actions that settle an unconfirmed request. The third choice is to resubmit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bwp_tui.actions.operation import Argument, TaskOperation, always
from bwp_tui.domain.task import Task, task_id_mistake
from bwp_tui.store.commands.decisions import cannot_enter_task_id, cannot_give_up, enter_task_id, give_up
from bwp_tui.store.database.connection import Store


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Settlement(TaskOperation):
    """A decision about an unconfirmed request, which is given as one text.

    Attributes:
        apply: settles a task with the text, in the name of the actor.
        result: the sentence about it.
        irreversible_step: what cannot be undone.
    """

    apply: Callable[[Store, int, str, str], Task]
    result: Callable[[Task, str], str]
    irreversible_step: Callable[[Task], str]

    @property
    def text(self) -> Argument:
        """The text that decides."""
        (argument,) = self.arguments
        return argument


ENTER_TASK_ID: Final = Settlement(
    name="enter_task_id",
    keys=("i",),
    label="task id",
    is_next_step=always,
    help="Enter the task id of an unconfirmed request",
    cli_usage_override="settle TASK --task-id ID",
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
    irreversible_step=lambda task: f"The task id of {task.name}",
)

GIVE_UP: Final = Settlement(
    name="give_up",
    keys=("X",),
    label="give up",
    is_next_step=always,
    help="Give up an unconfirmed request",
    cli_usage_override="settle TASK --give-up REASON",
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
    irreversible_step=lambda task: f"Giving up {task.name}",
)

SETTLEMENTS: Final = (ENTER_TASK_ID, GIVE_UP)
