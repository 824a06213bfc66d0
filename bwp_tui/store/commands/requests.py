"""Record what operators request of the service, before it is sent.

NotPossible says why a task does not allow it, BadRequest why the service would refuse it, and StoreError why it could
not be recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.domain.deadlines import HoldRule, needs_answer, same_hold
from bwp_tui.domain.statuses import FINAL_STATUSES, Status
from bwp_tui.domain.task import TO_CHECK, Kind, Request, Task, cannot_change_purged, cannot_tell_kind
from bwp_tui.store.commands.request_validation import (
    Reason,
    check_received_on,
    check_request,
    check_task_id_is_new,
    refuse,
)
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.shared_sql import INHERITED_COLUMNS, finish_task, update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.insert_request import Origin, insert_request, insert_row, insert_submission, status_to_send
from bwp_tui.store.worklog.intents import cancel_unsent, outside_change

_RESUBMITTABLE: Final = FINAL_STATUSES - {Status.COMPLETED} | {Status.UNCONFIRMED}


def submit(store: Store, request: Request, actor: str) -> Task:
    """Record a request and its intent to be sent; return the QUEUED task, or a team's UNAPPROVED deletion."""
    check_request(request)
    with store.write() as transaction:
        number = insert_request(transaction, request, actor)
    return tasks.get(store, number)


def resubmit(store: Store, number: int, actor: str, hold: HoldRule = same_hold) -> Task:
    """Record a new request like task `number`, with a client token of its own, linked to it.

    The new request was received when the old one was: sending it again moves no deadline. One that was never to be sent
    is RECEIVED again.
    """
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_resubmit(task))
        change = outside_change(transaction, number)
        if change is not None and change not in (task.trouble or ""):  # the operator has not been told
            raise NotPossible(f"{task.name} is not resubmitted: {change} Record what was asked for as a new request.")
        is_only_received = status_if_resubmitted(store, task) == Status.RECEIVED
        request = resubmission(task, hold)._replace(awaits_verification=is_only_received)
        check_request(request)
        new = insert_request(
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


def status_if_resubmitted(store: Store, task: Task) -> Status:
    """Return the status of the request that resubmits `task`: RECEIVED where that was never to be sent."""
    was_asked = store.row(
        "SELECT 1 FROM intents WHERE task = ?1 AND action = 'submit'"
        " UNION ALL SELECT 1 FROM timeline WHERE task = ?1 AND after = ?2",
        (task.number, Status.UNAPPROVED),
    )
    before_its_end = store.row(
        "SELECT before FROM timeline WHERE (task, after) = (?, ?) ORDER BY id DESC LIMIT 1", (task.number, task.status)
    )
    is_only_received = (task.task_id is None and was_asked is None) or before_its_end == (Status.RECEIVED,)
    return Status.RECEIVED if is_only_received else status_to_send(store, task.kind)


def send(store: Store, number: int, actor: str, hold: HoldRule = same_hold) -> Task:
    """Record the intent to submit a RECEIVED request; return the QUEUED task, or the UNAPPROVED one."""
    with store.write() as transaction:
        task = tasks.get(store, number)
        refuse(cannot_send(task))
        status = status_to_send(transaction, task.kind)
        end_withholding(transaction, task, resubmission(task, hold), status, actor, EventKind.SEND_REQUESTED)
    return tasks.get(store, number)


def end_withholding(
    transaction: Transaction, task: Task, request: Request, status: Status, actor: str, what: EventKind
) -> None:
    """Give a request of `WITHHELD_STATUSES` its next status, and its intent to be submitted where that is QUEUED."""
    check_request(request)
    update_task(transaction, task.number, status=status, holding_period=request.holding_period)
    if status == Status.QUEUED:
        insert_submission(transaction, task.number, actor)
    timeline.append(transaction, task.number, actor, what, before=task.status, after=status)


def cannot_send_unchecked(task: Task) -> Reason | None:
    """Return why a task with the tag `to-check` cannot be sent, or None for any other: a person has to decide."""
    sentence = f"{task.name} is to be checked; its timeline says why. Decide, then remove the tag {TO_CHECK}."
    return Reason("to be checked", sentence) if TO_CHECK in task.tags else None


def cannot_send(task: Task) -> str | None:
    """Return why `task` cannot be sent for the first time, or None when it can."""
    if reason := cannot_send_unchecked(task):
        return reason
    if task.status != Status.RECEIVED:
        return f"Only a RECEIVED request can be sent; {task.name} is {task.status}."
    if not task.email and not task.is_purged:
        sentence = f"{task.name} was recovered without its email: record the request again, and decline this one."
        return Reason("without email", sentence)
    if task.verification is None and needs_answer(task):
        sentence = f"{task.name} cannot be sent before its requester's identity is verified: record how that was done."
        return Reason("not verified yet", sentence)
    return cannot_send_answered(task) or cannot_tell_kind(task)


def cannot_send_answered(task: Task) -> str | None:
    if needs_answer(task) or task.is_purged:
        return cannot_change_purged(task)
    answered = f"The shopper of {task.name} was answered on {task.answered_on}"
    return Reason("answered already", f"{answered}: withdraw the answer to send it still.")


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
    if reason := cannot_send_unchecked(task):
        return reason
    if task.resubmitted_as is not None:
        return Reason("resubmitted already", f"Task {task.name} was resubmitted already, as #{task.resubmitted_as}.")
    if task.is_purged:
        return cannot_change_purged(task)
    if task.status == Status.DECLINED and not task.is_appeal_upheld:
        return f"{task.name} was declined: it is sent again only if that is withdrawn, or an appeal upheld."
    if task.status not in _RESUBMITTABLE:
        return f"Only a task that ended without a result can be resubmitted; {task.name} is {task.status}."
    if task.is_cancellation_waiting:
        waits = f"The cancellation of {task.name} was asked for and waits for its task id"
        todo = "enter that, or give up the request before resubmitting it."
        return Reason("cancellation waits for the task id", f"{waits}: {todo}")
    if not task.email:
        return Reason("without email", f"Task {task.name} has no email to submit again.")
    return cannot_tell_kind(task)


def cancel(store: Store, number: int, actor: str) -> Task:
    """Record the intent to cancel a held deletion. A request that was never sent is cancelled at once.

    The cancellation of a deletion without a response yet is sent once its task id is known.
    """
    with store.write() as transaction:
        # Checked inside the transaction: the engine may have written since the operator saw the task.
        refuse(cannot_cancel(tasks.get(store, number)))
        request_cancellation(transaction, number, actor)
    return tasks.get(store, number)


def request_cancellation(transaction: Transaction, number: int, actor: str) -> None:
    """Cancel a request at once that was never sent; record the intent to cancel any other."""
    if not cancel_unsent(transaction, number, actor):
        update_task(transaction, number, cancel_asked=1)
        transaction.run(
            "INSERT INTO intents (task, action, not_before, asked_at, actor) VALUES (?, 'cancel', ?, ?, ?)",
            (number, transaction.now_text, transaction.now_text, actor),
        )
        timeline.append(transaction, number, actor, EventKind.CANCEL_REQUESTED)


def cannot_cancel(task: Task) -> str | None:
    if (reason := cannot_tell_kind(task)) is not None:
        return reason
    if task.cancel_asked:
        return Reason("cancellation asked for already", f"The cancellation of {task.name} was asked for already.")
    if task.is_never_sent:
        return None
    if task.kind is Kind.RETRIEVAL:
        return "A retrieval runs at once and cannot be cancelled; only a deletion on hold can."
    if was_sent_without_hold(task):
        sentence = f"{task.name} was sent without a hold and can no longer be cancelled."
        return Reason("sent without a hold", sentence)
    if task.status == Status.UNCONFIRMED and task.may_have_started:
        sentence = f"{task.name} may run at the service: enter its task id, with which it can be cancelled."
        return Reason("of unknown task id", sentence)
    if task.is_outcome_unknown:
        return None
    if task.status != Status.ON_HOLD:
        return f"Only a deletion on hold can be cancelled; {task.name} is {task.status}."
    return None


def was_sent_without_hold(task: Task) -> bool:
    """Return whether a deletion was sent without a hold, and no response of the service came.

    What another copy of the history sent may have had a hold.
    """
    return task.holding_period == 0 and (task.is_outcome_unknown or task.is_sent_unconfirmed)


def cancellation_phrase(task: Task) -> str:
    """Return the beginning of a sentence on what the cancellation of `task` does."""
    return f"Cancel the unsent {task.kind.lower()}" if task.is_never_sent else "Cancel the deletion"


def original_clause(task: Task) -> str:
    """Return what the cancellation of a resubmission leaves: its original may run, and no list has it."""
    if task.resubmit_of is None:
        return ""
    return f" #{task.resubmit_of}, which it resubmits, stays as it is, and is not listed to be answered."


def download(store: Store, number: int, folder: str, actor: str) -> int:
    """Record the intent to download a retrieval's result into `folder`; return the id of the download."""
    with store.write() as transaction:
        refuse(cannot_download(tasks.get(store, number)))
        timeline.append(transaction, number, actor, EventKind.DOWNLOAD_REQUESTED)
        return downloads.create(transaction, number, folder, actor)


def cannot_download(task: Task) -> str | None:
    """Return why there is nothing to download for `task`, or None when there is."""
    if reason := cannot_change_purged(task) or cannot_tell_kind(task):
        return reason
    if task.kind is Kind.DELETION:
        return "A deletion has no result to download."
    if task.status != Status.COMPLETED:
        return f"There is nothing to download{'' if task.is_final else ' yet'}: {task.name} is {task.status}."
    if task.download is not None and task.download.is_open:
        state = "is paused: resume it" if task.download.paused else "was asked for already"
        return Reason("download asked for already", f"The download of {task.name} {state}.")
    return None


def track(store: Store, kind: Kind, task_id: str, known_request: Request, actor: str) -> Task:
    """Track a task that was submitted elsewhere; the next poll fills in what the service knows.

    The row of a mistaken kind, or one that was given up, loses a task id that the service never knew for it.
    """
    with store.write() as transaction:
        _release_task_id(transaction, store, kind, task_id, actor)
        check_task_id_is_new(transaction, task_id)
        refuse(timeline.earlier_task_id_reason(store, task_id))
        check_received_on(known_request)
        number = insert_row(transaction, known_request, task_id=task_id)
        timeline.append(transaction, number, actor, EventKind.TRACKED, after=Status.QUEUED, detail=f"{kind} {task_id}")
    return tasks.get(store, number)


def _release_task_id(transaction: Transaction, store: Store, kind: Kind, task_id: str, actor: str) -> None:
    """Take a task id from the row that has it if the service never knew it there, and the row was for nothing."""
    task = tasks.with_task_id(store, task_id)
    if task is None:
        return
    is_mistaken = task.is_task_id_unknown and task.kind is not kind
    if task.is_purged or task.submitted_at is not None or not (is_mistaken or task.status == Status.GIVEN_UP):
        return
    if is_mistaken:
        record_given_up(transaction, task, f"the service does not know this {task.kind.lower()}", actor)
    trouble = f"{task_id} is not the id of this request: it is tracked as a {kind.lower()} in another row."
    update_task(transaction, task.number, task_id=None, updated_at=None, polled_at=None, trouble=trouble)
    timeline.append(transaction, task.number, actor, EventKind.TASK_ID_REJECTED, detail=trouble)


def record_given_up(transaction: Transaction, task: Task, reason: str, actor: str) -> None:
    """Close a request that is given up; a cancellation of it that waits is not sent."""
    from bwp_tui.store.worklog.intent_outcomes import record_waiting_cancel_refused  # not before the first frame

    not_sent = "The request was given up, so its cancellation is not sent."
    record_waiting_cancel_refused(transaction, task.number, not_sent)
    finish_task(transaction, task.number, Status.GIVEN_UP)
    before, after = task.status, Status.GIVEN_UP
    timeline.append(transaction, task.number, actor, EventKind.GIVEN_UP, before=before, after=after, detail=reason)


def poll_now(store: Store, numbers: Sequence[int]) -> None:
    """Make tasks due to be polled at once."""
    with store.write() as transaction:
        for number in numbers:
            transaction.run(
                "UPDATE tasks SET next_poll_at = ?, polls = 0, revision = ? WHERE number = ? AND task_id IS NOT NULL"
                " AND purged_at IS NULL",
                (transaction.now_text, transaction.revision, number),
            )
