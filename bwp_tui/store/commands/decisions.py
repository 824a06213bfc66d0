"""Decide on requests that wait for a person: approve a deletion, or settle an unconfirmed request.

A deletion is approved by another account than the one that asked for it. The third way to settle a request is
`requests.resubmit`.
"""

from __future__ import annotations

from bwp_tui.domain.deadlines import HoldRule, same_hold
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Task, cannot_change_purged, cannot_tell_kind, task_id_mistake
from bwp_tui.domain.text import clean_line
from bwp_tui.store.commands.request_validation import BadRequest, Refusal, refuse, refuse_known_task_id
from bwp_tui.store.commands.requests import cannot_send_answered, release, resubmission
from bwp_tui.store.database.connection import Store, Transaction, as_text
from bwp_tui.store.database.shared_sql import finish_task, update_task
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind


def approve(store: Store, number: int, actor: str, hold: HoldRule = same_hold) -> Task:
    """Approve a deletion that another account has asked for, and record the intent to submit it.

    Raises:
        NotPossible: it is not UNAPPROVED, or this account, or nobody that the timeline names, has asked for it.
        BadRequest: the service would refuse it.
    """
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_approve(task) or cannot_approve_own(store, task, actor))
        refuse(_cannot_approve_at_all(transaction, store, task))
        release(transaction, task, resubmission(task, hold), Status.QUEUED, actor, EventKind.APPROVED)
    return tasks.get(store, number)


def cannot_approve(task: Task) -> str | None:
    if task.status != Status.UNAPPROVED:
        return f"Only an UNAPPROVED deletion can be approved; {task.name} is {task.status}."
    return cannot_send_answered(task) or cannot_tell_kind(task)


def cannot_approve_own(store: Store, task: Task, actor: str) -> Refusal | None:
    """Return why `actor` cannot approve `task`, or None: by their accounts, which a team's actors begin with."""
    if _account(actor) not in _asking_accounts(store, task):
        return None
    return Refusal("own request", f"{_account(actor)} asked for {task.name}: another person has to approve it.")


def _cannot_approve_at_all(transaction: Transaction, store: Store, task: Task) -> str | None:
    if not transaction.deletions_need_approval:
        return "These settings approve nothing: set approve and group, as the team does."
    if not _asking_accounts(store, task):
        return f"The timeline of {task.name} does not say who asked for it: cancel it and record it again."
    return None


def _asking_accounts(store: Store, task: Task) -> set[str]:
    asked = store.rows(
        "SELECT actor FROM timeline WHERE task = ? AND after = ? AND actor <> ?",
        (task.number, Status.UNAPPROVED, timeline.PROGRAM),
    )
    return {_account(as_text(name)) for (name,) in asked}


def _account(actor: str) -> str:
    return actor.split(" (", 1)[0]


def enter_task_id(store: Store, number: int, task_id: str, actor: str) -> Task:
    """Enter the task id of an unconfirmed request; a poll at once shows whether it is right.

    Raises:
        BadRequest: `task_id` cannot be a task id.
        NotPossible: the request is not unconfirmed, or the history holds this task id already.
    """
    if wrong := task_id_mistake(task_id):
        raise BadRequest("task_id", wrong)
    from bwp_tui.store.worklog.merge_duplicate import merge_duplicate  # not before the first frame

    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_enter_task_id(task))
        merge_duplicate(transaction, task_id, number, is_certain=False)
        refuse_known_task_id(transaction, task_id)
        cleared = dict.fromkeys(("finished_at", "trouble", "polled_at", "unknown_since"))
        cleared |= dict.fromkeys(("terminal", "polls", "unknown_answers"), 0)
        at = transaction.now_text
        update_task(transaction, number, task_id=task_id, status=Status.QUEUED, next_poll_at=at, **cleared)
        before, detail = task.status, f"by hand: {task_id}"
        timeline.append(
            transaction, number, actor, EventKind.TRACKED, before=before, after=Status.QUEUED, detail=detail
        )
    return tasks.get(store, number)


def cannot_enter_task_id(task: Task) -> str | None:
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
    from bwp_tui.store.worklog.intent_outcomes import refuse_waiting_cancellation  # not before the first frame

    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_give_up(task))
        refuse_waiting_cancellation(transaction, number, "The request was given up, so its cancellation is not sent.")
        finish_task(transaction, number, Status.GIVEN_UP)
        timeline.append(
            transaction, number, actor, EventKind.GIVEN_UP, before=task.status, after=Status.GIVEN_UP, detail=detail
        )
    return tasks.get(store, number)


def cannot_give_up(task: Task) -> str | None:
    if task.status == Status.UNCONFIRMED or task.is_task_id_unknown:
        return None
    return f"Only an unconfirmed request can be given up; {task.name} is {task.status}."
