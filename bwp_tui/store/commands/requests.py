"""Record what operators request of the service, before it is sent, and what they decline.

Each raises StoreError where it could not be recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from bwp_tui.domain.deadlines import HoldRule, needs_answer, same_hold
from bwp_tui.domain.statuses import DECLINABLE_STATUSES, FINAL_STATUSES, WITHHELD_STATUSES, DeclineReason, Status
from bwp_tui.domain.task import Kind, Request, Task, cannot_change_purged, cannot_tell_kind
from bwp_tui.domain.text import clean_line
from bwp_tui.store.commands.answers import cannot_change_declined
from bwp_tui.store.commands.legal_records import refusal_of_day
from bwp_tui.store.commands.request_validation import (
    Refusal,
    check_received_on,
    check_request,
    refuse,
    refuse_known_task_id,
)
from bwp_tui.store.commands.work_records import Edit
from bwp_tui.store.database.connection import Store, Transaction, as_text
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS, update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.insert_request import Origin, insert, insert_recorded, insert_submission, status_to_send
from bwp_tui.store.worklog.intents import cancel_unsent, complete_decline, foreign_change

_RESUBMITTABLE: Final = frozenset(
    {
        Status.FAILED,
        Status.REJECTED,
        Status.UNCONFIRMED,
        Status.GIVEN_UP,
        Status.MISSING,
        Status.CANCELLED,
        Status.DECLINED,
    }
)


def submit(store: Store, request: Request, actor: str) -> Task:
    """Record a request and its intent to be sent; return the QUEUED task, or the UNAPPROVED one of a team's deletion.

    Raises:
        BadRequest: the service would refuse it; nothing is recorded.
    """
    check_request(request)
    with store.write() as transaction:
        number = insert_recorded(transaction, request, actor)
    return tasks.get(store, number)


def resubmit(store: Store, number: int, actor: str, hold: HoldRule = same_hold) -> Task:
    """Record a new request like task `number`, with a client token of its own, linked to it.

    The new request was received when the old one was: sending it again moves no deadline. One that was never to be sent
    is RECEIVED again.

    Raises:
        NotPossible: the task has not failed, or was resubmitted already, or others have changed its row.
        BadRequest: the service would refuse it, as an adopted task's address may be.
    """
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_resubmit(task))
        change = foreign_change(transaction, number)
        if change is not None and change not in (task.trouble or ""):  # the operator has not been told
            raise NotPossible(f"{task.name} is not resubmitted: {change} Record what was asked for as a new request.")
        was_asked = transaction.row("SELECT 1 FROM intents WHERE task = ? AND action = 'submit'", (number,))
        is_only_received = task.task_id is None and was_asked is None
        request = replace(resubmission(task, hold), awaits_verification=is_only_received)
        check_request(request)
        new = insert_recorded(
            transaction, request, actor, Origin(EventKind.RESUBMITTED, f"of #{number}", resubmit_of=number)
        )
        # To the shopper it is still one request: due together, an extension included, and with the same assignee.
        transaction.run(
            f"UPDATE tasks SET ({INHERITED_COLUMNS}) = (SELECT {INHERITED_COLUMNS} FROM tasks WHERE number = ?)"
            " WHERE number = ?",
            (number, new),
        )
        update_task(transaction, number)
        timeline.append(transaction, number, actor, EventKind.RESUBMITTED, detail=f"as #{new}")
    return tasks.get(store, new)


def send(store: Store, number: int, actor: str, hold: HoldRule = same_hold) -> Task:
    """Record the intent to submit a RECEIVED request; return the QUEUED task, or the UNAPPROVED one.

    Raises:
        NotPossible: it is not RECEIVED, or the identity of the requester is not verified.
        BadRequest: the service would refuse it.
    """
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_send(task))
        status = status_to_send(transaction, task.kind)
        release(transaction, task, resubmission(task, hold), status, actor, EventKind.SEND_REQUESTED)
    return tasks.get(store, number)


def release(
    transaction: Transaction, task: Task, request: Request, status: Status, actor: str, what: EventKind
) -> None:
    """Give a request of `WITHHELD_STATUSES` its next status, and its intent to be submitted where that is QUEUED."""
    check_request(request)
    update_task(transaction, task.number, status=status, holding_period=request.holding_period)
    if status == Status.QUEUED:
        insert_submission(transaction, task.number, actor)
    timeline.append(transaction, task.number, actor, what, before=task.status, after=status)


def cannot_send(task: Task) -> str | None:
    """Return why `task` cannot be sent for the first time, or None when it can."""
    if task.status != Status.RECEIVED:
        return f"Only a RECEIVED request can be sent; {task.name} is {task.status}."
    if task.verification is None and needs_answer(task):
        sentence = f"{task.name} cannot be sent before its requester's identity is verified: record how that was done."
        return Refusal("not verified yet", sentence)
    return cannot_send_answered(task) or cannot_tell_kind(task)


def cannot_send_answered(task: Task) -> str | None:
    if needs_answer(task):
        return None
    answered = f"The shopper of {task.name} was answered on {task.answered_on}"
    return Refusal("answered already", f"{answered}: withdraw the answer to send it still.")


def resubmission(task: Task, hold: HoldRule) -> Request:
    """Return the request that submits a task, once more or for the first time."""
    return Request(
        kind=task.kind,
        email=task.email,
        received_on=task.received_on,
        regulation=task.regulation,
        holding_period=hold(task),
        reason=task.reason,
        note=task.note,
        tags=task.tags,
    )


def cannot_resubmit(task: Task) -> str | None:
    if task.resubmitted_as is not None:
        return Refusal("resubmitted already", f"Task {task.name} was resubmitted already, as #{task.resubmitted_as}.")
    if task.status == Status.DECLINED and not task.is_appeal_upheld:
        return f"{task.name} was declined: it is resubmitted only if that is withdrawn, or an appeal upheld."
    if task.status not in _RESUBMITTABLE:
        return f"Only a task that ended without a result can be resubmitted; {task.name} is {task.status}."
    if task.is_cancellation_waiting:
        waits = f"The cancellation of {task.name} was asked for and waits for its task id"
        todo = "enter that, or give up the request before resubmitting it."
        return Refusal("cancellation waits for the task id", f"{waits}: {todo}")
    if task.email or task.is_purged:
        return cannot_change_purged(task)
    return Refusal("without email", f"Task {task.name} has no email to submit again.")


def cancel(store: Store, number: int, actor: str) -> Task:
    """Record the intent to cancel a held deletion. A request that was never sent is cancelled at once.

    The cancellation of a deletion without a response yet is sent once its task id is known.

    Raises:
        NotPossible: the task is no deletion on hold, or its cancellation was asked already.
    """
    with store.write() as transaction:
        # Checked inside the transaction: the engine may have written since the operator saw the task.
        refuse(cannot_cancel(tasks.get(store, number)))
        _cancel(transaction, number, actor)
    return tasks.get(store, number)


def _cancel(transaction: Transaction, number: int, actor: str) -> None:
    if not cancel_unsent(transaction, number, actor):
        update_task(transaction, number, cancel_asked=1)
        transaction.run(
            "INSERT INTO intents (task, action, not_before, asked_at, actor) VALUES (?, 'cancel', ?, ?, ?)",
            (number, transaction.now_text, transaction.now_text, actor),
        )
        timeline.append(transaction, number, actor, EventKind.CANCEL_REQUESTED)


def cannot_cancel(task: Task) -> str | None:
    if (why_not := cannot_tell_kind(task)) is not None:
        return why_not
    if task.cancel_asked:
        return Refusal("cancellation asked for already", f"The cancellation of {task.name} was asked for already.")
    if task.is_never_sent:
        return None
    if task.kind is Kind.RETRIEVAL:
        return "A retrieval runs at once and cannot be cancelled; only a deletion on hold can."
    if task.is_outcome_unknown:
        return None if task.holding_period else f"{task.name} was sent without a hold and can no longer be cancelled."
    if task.status != Status.ON_HOLD:
        return f"Only a deletion on hold can be cancelled; {task.name} is {task.status}."
    return None


def cancellation_phrase(task: Task) -> str:
    """Return the beginning of a sentence on what the cancellation of `task` does."""
    return f"Cancel the unsent {task.kind.lower()}" if task.is_never_sent else "Cancel the deletion"


def decline(edit: Edit, reason: str, text: str, on: date | None = None) -> None:
    """Record that the shop declines a request, and what the shopper was told; nothing of it is sent afterwards.

    What was not sent is cancelled first, and so is a deletion on hold: the decline comes into effect once the
    service has confirmed that, and is dropped where it cannot be cancelled any more.

    Args:
        on: the day on which the shopper was told; today where it is None.

    Raises:
        NotPossible: `cannot_decline` says why, or there is no text, or that day is before the receipt.
    """
    task, day, line = edit.task, on or edit.today, clean_line(text)
    if not line:
        raise NotPossible("A decline must say what the shopper was told.")
    refuse(cannot_decline(task) or refusal_of_day(task, day))
    edit.set(declined_on=day.isoformat(), decline_reason=DeclineReason(reason), decline_text=line)
    is_to_be_cancelled = task.status not in WITHHELD_STATUSES and not task.cancel_asked and cannot_cancel(task) is None
    if is_to_be_cancelled or task.cancel_asked:
        # Before the cancellation: by their order `withdraw_decline` knows that it was cancelled for the decline.
        edit.add_event(EventKind.DECLINE_REQUESTED, f"once it is cancelled; on {day}, {reason}: {line}")
    if is_to_be_cancelled:
        _cancel(edit.transaction, edit.number, edit.actor)
    if not edit.task.cancel_asked:
        complete_decline(edit.transaction, edit.number, edit.actor)


def cannot_decline(task: Task) -> str | None:
    if why_not := cannot_change_purged(task):
        return why_not
    if task.was_resubmitted:
        return f"Task {task.name} was resubmitted; decline the new one."
    if why_not := cannot_change_declined(task):
        is_waiting = task.status != Status.DECLINED
        return Refusal("to be declined once cancelled" if is_waiting else "declined already", why_not)
    if task.answered_on is not None:
        sentence = f"Task {task.name} was answered on {task.answered_on}; withdraw that answer first."
        return Refusal("answered", sentence)
    if task.status in DECLINABLE_STATUSES:
        return None
    if why_not := cannot_tell_kind(task):
        return why_not
    if task.kind is Kind.DELETION and task.status == Status.COMPLETED:
        return f"The deletion of {task.name} is COMPLETED: it can be answered, and no longer declined."
    if task.status == Status.UNCONFIRMED:
        return f"{task.name} may have been started: enter its task id, or give it up, before declining it."
    if task.cancel_asked or cannot_cancel(task) is None:
        return None
    if task.awaits_response:
        return f"The service has not responded to {task.name} yet; decline it once it has."
    if task.download is not None and task.download.is_open:
        return f"The result of {task.name} is being downloaded; cancel the download before declining it."
    if task.kind is Kind.DELETION:
        return f"The deletion of {task.name} is {task.status} and cannot be cancelled, so it cannot be declined."
    return None


def withdraw_decline(edit: Edit) -> None:
    """Withdraw a decline: the task is again what it was before.

    One that was cancelled for the decline is RECEIVED instead, for an operator to send it anew: the shopper's request
    stands, so its clock runs.

    Raises:
        NotPossible: it is not declined, or its timeline does not say what it was.
    """
    task, transaction = edit.task, edit.transaction
    refuse(cannot_withdraw_decline(task))
    row = transaction.row(
        "SELECT before FROM timeline WHERE task = ? AND what = ? AND after = ? ORDER BY id DESC LIMIT 1",
        (edit.number, EventKind.DECLINED, Status.DECLINED),
    )
    if row is None or row[0] is None:
        raise NotPossible(f"The timeline of {task.name} does not say what it was before it was declined.")
    before, detail = as_text(row[0]), f"was on {task.declined_on}, {task.decline_reason}: {task.decline_text}"
    if before == Status.CANCELLED and _was_cancelled_for_decline(edit):
        before = Status.RECEIVED
        detail += f"; its task {task.task_id} was cancelled" if task.task_id else ""
        edit.set(task_id=None, submitted_at=None)
    is_final = before in FINAL_STATUSES
    edit.set(**dict.fromkeys(("declined_on", "decline_reason", "decline_text")), status=before, terminal=int(is_final))
    if not is_final:
        polled_at = None if edit.task.task_id is None else transaction.now_text
        edit.set(finished_at=None, next_poll_at=polled_at)
    what = EventKind.DECLINE_WITHDRAWN
    timeline.append(transaction, edit.number, edit.actor, what, before=Status.DECLINED, after=before, detail=detail)
    update_task(transaction, edit.number)


def _was_cancelled_for_decline(edit: Edit) -> bool:
    """Return whether the last cancellation was asked for by the decline, not by an operator before it."""
    latest = "coalesce(max(id) FILTER (WHERE what IN ({})), 0)"
    withdrawn, requested, cancelled = (
        latest.format(", ".join(f"'{kind}'" for kind in kinds))
        for kinds in (
            (EventKind.DECLINE_WITHDRAWN,),
            (EventKind.DECLINE_REQUESTED,),
            (EventKind.CANCEL_REQUESTED, EventKind.CANCELLED_UNSENT),
        )
    )
    row = edit.transaction.row(
        f"SELECT {requested} > {withdrawn} AND {cancelled} > {requested} FROM timeline WHERE task = ?", (edit.number,)
    )
    return row is not None and bool(row[0])


def cannot_withdraw_decline(task: Task) -> str | None:
    if task.declined_on is None:
        return Refusal("not declined", f"Task {task.name} is not declined.")
    if task.status != Status.DECLINED:
        return cannot_change_declined(task)
    if task.was_resubmitted:
        return f"Task {task.name} was resubmitted, so that its decline cannot be withdrawn."
    if task.appealed_on is not None:
        return f"An appeal of {task.name} is recorded; withdraw that first."
    return cannot_change_purged(task)


def download(store: Store, number: int, folder: str, actor: str) -> Task:
    """Record the intent to download a retrieval's result into `folder`.

    Raises:
        NotPossible: there is no result, or it is being downloaded.
    """
    with store.write() as transaction:
        refuse(cannot_download(tasks.get(store, number)))
        downloads.create(transaction, number, folder, actor)
        timeline.append(transaction, number, actor, EventKind.DOWNLOAD_REQUESTED)
    return tasks.get(store, number)


def cannot_download(task: Task) -> str | None:
    """Return why there is nothing to download for `task`, or None when there is."""
    if why_not := cannot_change_purged(task) or cannot_tell_kind(task):
        return why_not
    if task.kind is Kind.DELETION:
        return "A deletion has no result to download."
    if task.status != Status.COMPLETED:
        return f"There is nothing to download yet: {task.name} is {task.status}."
    if task.download is not None and task.download.is_open:
        is_running = f"The result of {task.name} is being downloaded already."
        sentence = f"The download of {task.name} is paused: resume it." if task.download.paused else is_running
        return Refusal("download asked for already", sentence)
    return None


def track(store: Store, kind: Kind, task_id: str, known_request: Request, actor: str) -> Task:
    """Track a task that was submitted elsewhere; the next poll fills in what the service knows.

    Raises:
        NotPossible: the history holds this task id already.
        BadRequest: it has no due date in the calendar.
    """
    with store.write() as transaction:
        refuse_known_task_id(transaction, task_id)
        check_received_on(known_request)
        number = insert(transaction, known_request, task_id=task_id)
        timeline.append(transaction, number, actor, EventKind.TRACKED, after=Status.QUEUED, detail=f"{kind} {task_id}")
    return tasks.get(store, number)


def poll_now(store: Store, numbers: Sequence[int]) -> None:
    """Make tasks due to be polled at once."""
    with store.write() as transaction:
        for number in numbers:
            transaction.run(
                "UPDATE tasks SET next_poll_at = ?, polls = 0, revision = ? WHERE number = ? AND task_id IS NOT NULL"
                " AND purged_at IS NULL",
                (transaction.now_text, transaction.revision, number),
            )
