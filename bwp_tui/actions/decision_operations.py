"""Declare the actions that decide on a request: settle an unconfirmed one, decline one, record its appeal.

The third way to settle a request is to resubmit it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.actions.legal_operations import cannot_record_with, day_argument, required_text, withdrawal_of
from bwp_tui.actions.operation import (
    Argument,
    ChosenTasks,
    IfOmitted,
    RecordOperation,
    TaskOperation,
    Values,
    withdrawal,
)
from bwp_tui.domain.deadlines import appeal_deadline, needs_answer
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import WITHHELD_STATUSES, DeclineReason
from bwp_tui.domain.task import Kind, Task, task_id_mistake
from bwp_tui.domain.times import DAY_FORMS
from bwp_tui.store.commands import decisions
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.commands.requests import cancellation_phrase, cannot_cancel, original_clause
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.timeline import LegalRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Settlement(TaskOperation):
    """A decision about an unconfirmed request, which is given as one text.

    Attributes:
        apply: settles a task with the text, in the name of the actor.
        result: the sentence about it, from the task as it was before.
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
    is_next_step=lambda task: not task.is_final or needs_answer(task),
    help="Enter the task id of an unconfirmed request",
    cli_usage_override="settle TASK --task-id ID",
    disabled_reason=lambda task, _: decisions.cannot_enter_task_id(task),
    arguments=(
        Argument(
            name="task_id",
            metavar="ID",
            help="link it to this task ID",
            question=lambda chosen: f"The service's task id of {chosen.name}:",
            mistake=lambda text: task_id_mistake(text.strip()) if text.strip() else None,
        ),
    ),
    apply=decisions.enter_task_id,
    result=lambda task, task_id: f"Asking the service whether {task_id} is {task.name}.",
    irreversible_step=lambda task: f"The task id of {task.name}",
)


def _given_up(task: Task, _reason: str) -> str:
    waits = "" if not needs_answer(task) else " The shopper is still to be answered."
    if waits and not task.email:  # it was tracked: whose request it is was never known
        waits = " It stays open: its id may stand for a shopper's request. If nobody waits, record that as the answer."
    declined = f" Its decline, recorded for {task.declined_on}, is withdrawn with it." if task.declined_on else ""
    return f"{task.name} is given up; the reason is on its timeline.{declined}{waits}"


GIVE_UP: Final = Settlement(
    name="give_up",
    keys=("X",),
    label="give up",
    is_next_step=lambda _: True,
    help="Give up an unconfirmed request",
    cli_usage_override="settle TASK --give-up REASON",
    disabled_reason=lambda task, _: decisions.cannot_give_up(task),
    arguments=(
        Argument(
            name="give_up",
            metavar="REASON",
            help="give it up, with a reason",
            question=lambda chosen: f"Reason for giving up {chosen.name}:",
        ),
    ),
    apply=decisions.give_up,
    result=_given_up,
    irreversible_step=lambda task: f"Giving up {task.name}",
)

SETTLEMENTS: Final = (ENTER_TASK_ID, GIVE_UP)

_YES_OR_NO: Final = {"yes": True, "y": True, "no": False, "n": False}


def _has_appeal(chosen: ChosenTasks) -> bool:
    return chosen.task is not None and chosen.task.appealed_on is not None


def _reasons_like(text: str) -> list[str]:
    typed = text.strip().casefold().replace("-", "_").replace(" ", "_")
    return [typed] if typed in set(DeclineReason) else [reason for reason in DeclineReason if reason.startswith(typed)]


def _reason_mistake(text: str) -> str | None:
    if text.strip() and len(_reasons_like(text)) == 1:
        return None
    return f"Give one of the reasons: {', '.join(DeclineReason)}."


def is_cancelled_first(task: Task) -> bool:
    """Return whether a decline of `task` comes into effect only once the service has confirmed its cancellation."""
    return not task.is_never_sent and (task.cancel_asked or cannot_cancel(task) is None)


def _declined(chosen: ChosenTasks, values: Values) -> str:
    if chosen.task is not None and is_cancelled_first(chosen.task):
        return f"{chosen.name}: its cancellation is recorded; the decline comes into effect with it."
    unsent = " It is not sent any more." if chosen.task is None or chosen.task.status in WITHHELD_STATUSES else ""
    return f"{chosen.name}: declined on {values['on']}, recorded.{unsent}"


def _decline_confirmation(task: Task, _values: Values) -> str:
    if task.cancel_asked or cannot_cancel(task):
        return ""
    question = f"{cancellation_phrase(task)} and decline it?{original_clause(task)}"
    return question if task.status not in WITHHELD_STATUSES else ""


def _decline_withdrawal_question(task: Task, _values: Values) -> str:
    may_be_cancelled = task.kind is Kind.DELETION or task.task_id is None  # an unsent retrieval is cancelled too
    then = " If it was cancelled for that, it becomes RECEIVED and waits to be sent." if may_be_cancelled else ""
    return f"Withdraw the decline of {task.name}, recorded for {task.declined_on}?{then}"


DECLINE: Final = RecordOperation(
    name="decline",
    participle="declined",
    keys=("B",),
    help="Decline the request, with a reason and what the shopper was told",
    purpose="decline requests: unsent ones are then never sent, those on hold are cancelled first",
    keywords="refuse reject deny unverified fraud",
    arguments=(
        Argument(
            name="reason",
            metavar="REASON",
            help=", ".join(DeclineReason),
            question=lambda chosen: f"Decline {chosen.name}, since ({', '.join(DeclineReason)}):",
            mistake=_reason_mistake,
            read=lambda words, _: {"reason": _reasons_like(words[0])[0]},
        ),
        Argument(
            name="text",
            metavar="TEXT",
            help="what the shopper was told",
            question=lambda _: "What was the shopper told:",
            mistake=required_text("Say what the shopper was told."),
        ),
        day_argument(lambda _: "Told on:"),
    ),
    apply=decisions.decline,
    result=_declined,
    confirmation=_decline_confirmation,
    cancels=True,
    wrong_values_reason=cannot_record_with,
    disabled_reason=lambda task, _: decisions.cannot_decline(task),
    alternative=withdrawal(
        "decline",
        decisions.withdraw_decline,
        decisions.cannot_withdraw_decline,
        _decline_withdrawal_question,
        resulting_status=decisions.status_if_withdrawn,
    ),
)


def _appeal_question(chosen: ChosenTasks) -> str:
    days = REGULATIONS[chosen.task.regulation].appeal_days if chosen.task else None
    return f"Appeal of {chosen.name} received on{f' (answer in {days} days)' if days else ''}:"


def _appealed(chosen: ChosenTasks, values: Values) -> str:
    if (received := values.get("received")) and values.get("upheld") is None:
        due = appeal_deadline(chosen.task.regulation, received) if chosen.task else None
        return f"{chosen.name}: appeal of {received} recorded, to be answered by {due}."
    return f"{chosen.name}: the answer to the appeal is recorded, {'upheld' if values.get('upheld') else 'not upheld'}."


def _cannot_appeal_with(task: Task, values: Values, today: date) -> Reason | None:
    given = (values.get("received"), values.get("answered"), values.get("upheld"))
    if given != (None, None, None):
        return decisions.cannot_appeal_on(task, today, *given)
    # A plan is made before its values are asked for, and only the receipt of several appeals is asked for.
    if task.is_appeal_running:
        sentence = f"An appeal of {task.name} is recorded; :appeal --upheld yes, or no, records its answer."
        return Reason("appealed already (:appeal --upheld yes, or no, answers)", sentence)
    return decisions.cannot_appeal_on(task, today, today, None, None)


ANSWER_APPEAL_USAGE: Final = "appeal TASK --answered DATE --upheld yes|no"
"""How the CLI writes the command of `APPEAL` that records the answer."""

APPEAL: Final = RecordOperation(
    name="appeal",
    participle="recorded",
    keys=("Q",),
    label="appeal",
    is_next_step=lambda task: task.is_appeal_running,
    help="Record the appeal against a decline, or its answer",
    purpose="record appeals against declines, with a due date of their own, and the answers to them",
    keywords="objection complaint review",
    example="First: bwp-tui appeal 17 --received DATE. Then: bwp-tui appeal 17 --answered DATE --upheld no.",
    arguments=(
        Argument(
            name="received",
            metavar="DATE",
            help=f"when the appeal was received, {DAY_FORMS}",
            question=_appeal_question,
            if_omitted=IfOmitted.KEEP_VALUE,
            is_day=True,
            is_asked=lambda chosen: chosen.task is None or chosen.task.appealed_on is None,
        ),
        Argument(
            name="upheld",
            metavar="yes|no",
            help="whether the shopper was right, so that the decline is reversed",
            question=lambda chosen: f"Was the appeal of {chosen.name} upheld (yes or no):",
            mistake=lambda text: None if text.strip().casefold() in _YES_OR_NO else "Answer yes or no.",
            read=lambda words, _: {"upheld": _YES_OR_NO.get(words[0].strip().casefold())},
            if_omitted=IfOmitted.KEEP_VALUE,
            is_asked=_has_appeal,
        ),
        Argument(
            name="answered",
            metavar="DATE",
            help="when it was answered (today)",
            question=lambda chosen: f"Appeal of {chosen.name} answered on:",
            if_omitted=IfOmitted.KEEP_VALUE,
            is_day=True,
            is_asked=_has_appeal,
        ),
    ),
    apply=decisions.appeal,
    result=_appealed,
    wrong_values_reason=_cannot_appeal_with,
    disabled_reason=lambda task, _: decisions.cannot_appeal(task) or decisions.appeal_answered_reason(task),
    undo_part=LegalRecord.APPEAL,
    alternative=withdrawal_of(LegalRecord.APPEAL),
)
