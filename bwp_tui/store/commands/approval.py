"""Approve deletions: another account than the one that asked for a deletion has it sent."""

from __future__ import annotations

from bwp_tui.domain.deadlines import HoldRule, same_hold
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Task, reason_if_kind_unknown
from bwp_tui.store.commands.request_validation import Refusal, refuse
from bwp_tui.store.commands.requests import reason_if_answered, release, resubmission
from bwp_tui.store.database.connection import Store, Transaction, as_text
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
        refuse(cannot_approve(task) or _reason_if_own(transaction, task, actor))
        release(transaction, task, resubmission(task, hold), Status.QUEUED, actor, EventKind.APPROVED)
    return tasks.get(store, number)


def cannot_approve(task: Task) -> str | None:
    if task.status != Status.UNAPPROVED:
        return f"Only an UNAPPROVED deletion can be approved; {task.name} is {task.status}."
    return reason_if_answered(task) or reason_if_kind_unknown(task)


def _reason_if_own(transaction: Transaction, task: Task, actor: str) -> str | None:
    """Return why `actor` cannot approve `task`: by their accounts, which a team's actors begin with."""
    if not transaction.approves_deletions:
        return "These settings approve nothing: set approve and group, as the team does."
    asked = transaction.run(
        "SELECT actor FROM timeline WHERE task = ? AND after = ? AND actor <> ?",
        (task.number, Status.UNAPPROVED, timeline.PROGRAM),
    )
    accounts = {_account(as_text(name)) for (name,) in asked}
    if not accounts:
        return f"The timeline of {task.name} does not say who asked for it: withdraw it and record it again."
    if _account(actor) in accounts:
        return Refusal("own request", f"{_account(actor)} asked for {task.name}: another person has to approve it.")
    return None


def _account(actor: str) -> str:
    return actor.split(" (", 1)[0]
