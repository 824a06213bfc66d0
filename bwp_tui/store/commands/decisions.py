"""Decide on requests: approve a deletion, settle an unconfirmed request, or decline one and hear the appeal.

A deletion is approved by another account than the one that asked for it. The third way to settle a request is
`requests.resubmit`. NotPossible says why a request does not allow it, BadRequest what is wrong with a text.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from bwp_tui.domain.deadlines import HoldRule, appeal_deadline, late_clause, same_hold, task_due_date
from bwp_tui.domain.regulations import NO_REGULATION
from bwp_tui.domain.statuses import DECLINABLE_STATUSES, FINAL_STATUSES, WITHHELD_STATUSES, DeclineReason, Status
from bwp_tui.domain.task import Kind, Task, TimelineEvent, cannot_change_purged, cannot_tell_kind, task_id_mistake
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import iso_day
from bwp_tui.store.commands.legal_records import cannot_change_declined, cannot_change_resubmitted, cannot_record_on
from bwp_tui.store.commands.request_validation import BadRequest, Reason, check_task_id_is_new, refuse
from bwp_tui.store.commands.requests import (
    cannot_cancel,
    cannot_send_answered,
    cannot_send_unchecked,
    end_withholding,
    record_given_up,
    request_cancellation,
    resubmission,
    was_sent_without_hold,
)
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.database.connection import Store, Transaction, as_text
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog.intents import complete_decline


def approve(store: Store, number: int, actor: str, hold: HoldRule = same_hold) -> Task:
    """Approve a deletion that another account has asked for, and record the intent to submit it."""
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_approve(task) or cannot_approve_own(store, task, actor))
        refuse(_cannot_approve_at_all(transaction, store, task))
        end_withholding(transaction, task, resubmission(task, hold), Status.QUEUED, actor, EventKind.APPROVED)
    return tasks.get(store, number)


def cannot_approve(task: Task) -> str | None:
    if task.status != Status.UNAPPROVED:
        return f"Only an UNAPPROVED deletion can be approved; {task.name} is {task.status}."
    return cannot_send_unchecked(task) or cannot_send_answered(task) or cannot_tell_kind(task)


def cannot_approve_own(store: Store, task: Task, actor: str) -> Reason | None:
    """Return why `actor` cannot approve `task`, or None: by their accounts, which a team's actors begin with."""
    what = _asking_accounts(store, task).get(_account(actor))
    if what is None:
        return None
    did, short = "asked for", "own request"
    if what == EventKind.DECLINE_WITHDRAWN:
        did, short = "withdrew the decline of", "whose decline you withdrew"
    return Reason(short, f"{_account(actor)} {did} {task.name}: another person has to approve it.")


def _cannot_approve_at_all(transaction: Transaction, store: Store, task: Task) -> str | None:
    if not transaction.deletions_need_approval:
        return "These settings approve nothing: set approve and group, as the team does."
    if not _asking_accounts(store, task):
        return f"The timeline of {task.name} does not say who asked for it: cancel it and record it again."
    return None


def _asking_accounts(store: Store, task: Task) -> dict[str, str]:
    """Return the accounts that asked for a deletion, by a withdrawn decline too, each with its first such event."""
    asked = store.rows(
        "SELECT actor, what FROM timeline WHERE task = ? AND after = ? AND actor <> ? ORDER BY id DESC",
        (task.number, Status.UNAPPROVED, timeline.PROGRAM),
    )
    return {_account(as_text(name)): as_text(what) for name, what in asked}


def _account(actor: str) -> str:
    return actor.split(" (", 1)[0]


def enter_task_id(store: Store, number: int, task_id: str, actor: str) -> Task:
    """Enter the task id of an unconfirmed request; a poll at once shows whether it is right."""
    if mistake := task_id_mistake(task_id):
        raise BadRequest("task_id", mistake)
    from bwp_tui.store.worklog.join_duplicate import join_duplicate  # not before the first frame

    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_enter_task_id(task))
        join_duplicate(transaction, task_id, number, is_certain=False)
        if task_id != task.task_id:  # its own is asked for again
            check_task_id_is_new(transaction, task_id)
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
    """Close an unconfirmed request, or one whose task id the service does not know."""
    detail = clean_line(reason)
    if not detail:
        raise BadRequest("reason", "Say why the request is given up; the reason is kept on its timeline.")
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_give_up(task))
        record_given_up(transaction, task, detail, actor)
    return tasks.get(store, number)


def cannot_give_up(task: Task) -> str | None:
    if task.status == Status.UNCONFIRMED or task.is_task_id_unknown:
        return None
    return f"Only an unconfirmed request can be given up; {task.name} is {task.status}."


def decline(edit: TaskEdit, reason: str, text: str, on: date | None = None) -> None:
    """Record that the shop declines a request, and what the shopper was told; nothing of it is sent afterwards.

    An unsent request and a deletion on hold are cancelled first. The decline of a deletion on hold comes into effect
    once the service has confirmed the cancellation, and is dropped if the deletion can no longer be cancelled. `on` is
    the day on which the shopper was told; today if None.
    """
    task, day, line = edit.task, on or edit.today, clean_line(text)
    if not line:
        raise NotPossible("A decline must say what the shopper was told.")
    refuse(cannot_decline(task) or cannot_record_on(task, day))
    edit.set(declined_on=day.isoformat(), decline_reason=DeclineReason(reason), decline_text=line)
    is_to_be_cancelled = task.status not in WITHHELD_STATUSES and not task.cancel_asked and cannot_cancel(task) is None
    if is_to_be_cancelled or task.cancel_asked:
        # Before the cancellation: by their order `withdraw_decline` knows that it was cancelled for the decline.
        edit.add_event(EventKind.DECLINE_REQUESTED, f"once it is cancelled; on {day}, {reason}: {line}")
    if is_to_be_cancelled:
        request_cancellation(edit.transaction, edit.number, edit.actor)
    if not edit.task.cancel_asked:
        complete_decline(edit.transaction, edit.number, edit.actor)


def cannot_decline(task: Task) -> str | None:
    if reason := cannot_change_purged(task):
        return reason
    if reason := cannot_change_resubmitted(task) or cannot_change_declined(task):
        return reason
    if task.answered_on is not None:
        sentence = f"Task {task.name} was answered on {task.answered_on}; withdraw that answer first."
        return Reason("answered", sentence)
    if task.status in DECLINABLE_STATUSES:
        return None
    if reason := cannot_tell_kind(task):
        return reason
    if task.kind is Kind.DELETION and task.status == Status.COMPLETED:
        return f"The deletion of {task.name} is COMPLETED: it can be answered, and no longer declined."
    if task.status == Status.UNCONFIRMED:
        state = "may have been started: enter its task id, or" if task.may_have_started else "was not sent:"
        if was_sent_without_hold(task):  # with its task id it could not be cancelled either
            state = "was sent without a hold, and may have been started:"
        return f"{task.name} {state} give it up before declining it."
    if task.cancel_asked or cannot_cancel(task) is None:
        return None
    if was_sent_without_hold(task):
        return f"The deletion of {task.name} was sent without a hold and cannot be cancelled, so it cannot be declined."
    if task.awaits_response or (task.kind is Kind.DELETION and task.status == Status.QUEUED):
        sentence = f"The service has not responded to {task.name} yet; decline it once it has."
        return Reason("no response of the service yet", sentence)
    if task.download is not None and task.download.is_open:
        return f"The download of {task.name} has not ended; cancel it before declining the request."
    if task.kind is Kind.DELETION:
        return f"The deletion of {task.name} is {task.status} and cannot be cancelled, so it cannot be declined."
    return None


def withdraw_decline(edit: TaskEdit) -> None:
    """Withdraw a decline: the task is again what it was before.

    A task that was cancelled for the decline is RECEIVED instead, and an operator can send it anew: the shopper's
    request stands, and its clock runs.
    """
    task, transaction = edit.task, edit.transaction
    refuse(cannot_withdraw_decline(task))
    before = status_if_withdrawn(edit.store, task)
    if before is None:
        raise NotPossible(f"The timeline of {task.name} does not say what it was before it was declined.")
    detail = f"was on {task.declined_on}, {task.decline_reason}: {task.decline_text}"
    if before == Status.RECEIVED:
        detail += f"; its task {task.task_id} was cancelled" if task.task_id else ""
        edit.set(**dict.fromkeys(("task_id", "submitted_at", "updated_at", "polled_at")))
    is_final = before in FINAL_STATUSES
    edit.set(**dict.fromkeys(("declined_on", "decline_reason", "decline_text")), status=before, terminal=int(is_final))
    if not is_final:
        polled_at = None if edit.task.task_id is None else transaction.now_text
        edit.set(finished_at=None, next_poll_at=polled_at)
    what = EventKind.DECLINE_WITHDRAWN
    timeline.append(transaction, edit.number, edit.actor, what, before=Status.DECLINED, after=before, detail=detail)
    update_task(transaction, edit.number)


def status_if_withdrawn(store: Store, task: Task) -> str | None:
    """Return the status that a declined task has once its decline is withdrawn; None if its timeline does not say."""
    events = timeline.as_recorded(store, task.number)
    declines = [event for event in events if event.what == EventKind.DECLINED and event.after == Status.DECLINED]
    before = declines[-1].before if declines else None
    return Status.RECEIVED if before == Status.CANCELLED and _was_cancelled_for_decline(events) else before


def _was_cancelled_for_decline(events: list[TimelineEvent]) -> bool:
    """Return whether the last cancellation was asked for by the decline, not by an operator before it."""
    last = defaultdict(int, {event.what: place for place, event in enumerate(events, start=1)})
    cancelled = max(last[EventKind.CANCEL_REQUESTED], last[EventKind.CANCELLED_UNSENT])
    return cancelled > last[EventKind.DECLINE_REQUESTED] > last[EventKind.DECLINE_WITHDRAWN]


def cannot_withdraw_decline(task: Task) -> str | None:
    if task.declined_on is None:
        return Reason("not declined", f"Task {task.name} is not declined.")
    if task.status != Status.DECLINED:
        return cannot_change_declined(task)
    if task.was_resubmitted:
        sentence = f"Task {task.name} was resubmitted, so that its decline cannot be withdrawn."
        return Reason("resubmitted already", sentence)
    if task.appealed_on is not None:
        return Reason("appealed already", f"An appeal of {task.name} is recorded; withdraw that first.")
    return cannot_change_purged(task)


def appeal(
    edit: TaskEdit, received: date | None = None, answered: date | None = None, upheld: bool | None = None
) -> None:
    """Record the appeal against a decline, or its answer, or both.

    `answered` is the day of the answer; today where it is None and `upheld` is given.
    """
    task = edit.task
    refuse(cannot_appeal(task) or cannot_appeal_on(task, edit.today, received, answered, upheld))
    if received is not None:
        after = task._replace(appealed_on=received)
        edit.set(appealed_on=received.isoformat(), due_on=iso_day(task_due_date(after)))
        edit.add_event(EventKind.APPEALED, f"on {received}", (task.due_on, task_due_date(after)))
        task = after._replace(due_on=task_due_date(after))
    if upheld is not None:
        day = answered or edit.today
        due = task_due_date(task._replace(appeal_answered_on=day))
        late = late_clause(day, appeal_deadline(task.regulation, task.appealed_on or day))
        edit.set(appeal_answered_on=day.isoformat(), appeal_upheld=int(upheld), due_on=iso_day(due))
        outcome = "upheld" if upheld else "not upheld"
        edit.add_event(EventKind.APPEAL_ANSWERED, f"on {day}{late}: {outcome}", (task.due_on, due))


def cannot_appeal(task: Task) -> str | None:
    if task.status != Status.DECLINED:
        return Reason("not declined", f"Only a declined request can be appealed; {task.name} is {task.status}.")
    if task.was_resubmitted:
        return Reason("resubmitted already", f"Task {task.name} was resubmitted: nothing is left to be appealed.")
    if task.answered_on is not None:  # as after a merge of two copies
        sentence = f"Task {task.name} is answered too, on {task.answered_on}: withdraw that answer before the appeal."
        return Reason("answered already", sentence)
    if appeal_deadline(task.regulation, task.declined_on or task.received_on) is None:
        law = "without a regulation" if task.regulation == NO_REGULATION else f"under {task.regulation}"
        sentence = f"No appeal of {task.name} can be recorded: {law} the shop has to answer none."
        if task.appealed_on is not None:  # as in a row that was rebuilt from its timeline
            sentence = f"Under {task.regulation} there is no appeal: correct the regulation of {task.name} first."
        return Reason("without appeal by law", sentence)
    return cannot_change_purged(task)


def appeal_answered_reason(task: Task) -> Reason | None:
    if task.appeal_answered_on is None:
        return None
    sentence = f"The appeal of {task.name} was answered on {task.appeal_answered_on}; withdraw it to record another."
    return Reason("appeal answered already", sentence)


def cannot_appeal_on(
    task: Task, today: date, received: date | None, answered: date | None, upheld: bool | None
) -> Reason | None:
    """Return why an appeal or its answer cannot have been on these days, or None when it can."""
    if received is None and answered is None and upheld is None:
        return Reason("without a day", f"Say when the appeal of {task.name} was received, or when it was answered.")
    # Several are often recorded at once, and a day that is moved unseen moves a due date.
    if (reason := appeal_answered_reason(task)) is not None:
        return reason
    if received is not None and task.appealed_on is not None:
        sentence = f"The appeal of {task.name} was received on {task.appealed_on}; withdraw it to record another day."
        return Reason("appealed already", sentence)
    if received is not None and task.declined_on is not None and received < task.declined_on:
        return Reason(
            "declined after that day", f"Task {task.name} was declined on {task.declined_on}, after {received}."
        )
    if answered is None and upheld is None:
        return None
    if upheld is None:
        return Reason("without its outcome", f"Say whether the appeal of {task.name} was upheld: yes or no.")
    began, day = received or task.appealed_on, answered or today
    if began is None:
        return Reason("without appeal", f"No appeal of {task.name} is recorded: say when it was received.")
    if day < began:
        return Reason("appealed after that day", f"The appeal of {task.name} was received on {began}, after {day}.")
    return None
