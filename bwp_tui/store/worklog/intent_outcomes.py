"""Record the outcomes of intents that the engine sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bwp_tui.domain.statuses import SERVICE_STATUSES, IntentState, Status
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, NEVER_SENT_PREFIX, TaskError
from bwp_tui.domain.text import capitalized, counted
from bwp_tui.domain.times import format_instant, parse_instant, stamp
from bwp_tui.store.database.connection import Row, Store, Transaction, as_int, as_text, unreadable
from bwp_tui.store.database.shared_sql import (
    INTENT_IS_ASSUMED_SENT,
    INTENT_IS_WAITING,
    finish_task,
    set_trouble,
    update_task,
)
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.row_mapping import errors_text
from bwp_tui.store.queries.timeline import PROGRAM, SERVICE, EventKind
from bwp_tui.store.worklog.answers_at_completion import withdraw_early_answer
from bwp_tui.store.worklog.intents import (
    cancel_unsent,
    complete_decline,
    day_of_waiting_decline,
    drop_decline,
    outside_change,
    waiting_cancellation,
)
from bwp_tui.store.worklog.join_duplicate import join_duplicate

NO_RESPONSE_REASON: Final = "no response while its client token was valid"
"""The usual reason of an unconfirmed request."""


def record_sending(store: Store, intent: int, service_now: datetime | None = None) -> bool:
    """Record that an intent is about to be sent; from then on its outcome may be unknown.

    The first attempt is dated by the wall clock, by the service's clock, and by the machine's uptime.

    Returns False if an operator has withdrawn the intent, or its task's row was changed by others: it must not be
    sent then.
    """
    uptime = store.uptime()
    service_at = None if service_now is None else format_instant(service_now)
    with store.write() as transaction:
        if transaction.row(_IS_INDEXED, (intent,)) is None:
            raise unreadable("a request of which an index has another client token or task")
        if _make_changed_unconfirmed(transaction, intent):
            return False
        row = transaction.row(
            "UPDATE intents SET attempts = attempts + 1, first_sent_at = coalesce(first_sent_at, ?),"
            " first_sent_boot = CASE WHEN first_sent_at IS NULL THEN ? ELSE first_sent_boot END,"
            " first_sent_uptime = CASE WHEN first_sent_at IS NULL THEN ? ELSE first_sent_uptime END,"
            " first_sent_service_at = CASE WHEN first_sent_at IS NULL THEN ? ELSE first_sent_service_at END"
            f" WHERE id = ? AND {INTENT_IS_WAITING} RETURNING task",
            (transaction.now_text, uptime.boot, uptime.seconds, service_at, intent),
        )
        if row is not None:
            update_task(transaction, as_int(row[0]))
        elif transaction.row(_IS_LISTED, (intent,)) is not None:
            raise unreadable("a request that is settled, and that an index lists as waiting")
        return row is not None


_IS_LISTED: Final = f"SELECT 1 FROM intents INDEXED BY intents_waiting WHERE {INTENT_IS_WAITING} AND id = ?"
"""Finds an intent that the index of those that wait has: its row is not read."""

_IS_INDEXED: Final = (
    "WITH i AS MATERIALIZED (SELECT id, task, action, client_token FROM intents NOT INDEXED WHERE id = ?)"
    " SELECT 1 FROM i WHERE EXISTS (SELECT 1 FROM intents n INDEXED BY intents_by_task"
    " WHERE n.task = i.task AND n.id = i.id) AND (i.client_token IS NULL OR EXISTS (SELECT 1 FROM intents n"
    " INDEXED BY intents_by_client_token WHERE n.client_token = i.client_token AND n.id = i.id))"
)
"""Finds an intent if the indexes have its task and its client token too.

One that damage had changed would be of another task, or would start a second one.
"""


def _make_changed_unconfirmed(transaction: Transaction, intent: int) -> bool:
    """Make a task UNCONFIRMED if another program or damage changed its row before it was sent; return whether it did.

    A cancellation is sent all the same: it only prevents.
    """
    row = transaction.row(
        f"SELECT task, attempts FROM intents WHERE id = ? AND action = 'submit' AND {INTENT_IS_WAITING}", (intent,)
    )
    if row is None or (change := outside_change(transaction, number := as_int(row[0]))) is None:
        return False
    sent = NEVER_SENT_PREFIX if row[1] == 0 else "Not sent again, and it may have been started: "
    reason = f"{sent}{change} Check what was asked for."
    _end_intent(transaction, intent, IntentState.LAPSED)
    update_task(transaction, number, status=Status.UNCONFIRMED, trouble=reason, next_poll_at=None)
    what, before, after = EventKind.HELD_BACK, Status.QUEUED, Status.UNCONFIRMED
    timeline.append(transaction, number, PROGRAM, what, before=before, after=after, detail=reason)
    withdraw_early_answer(transaction, number)
    return True


def record_accepted(store: Store, intent: int, task_id: str, next_poll_at: datetime) -> None:
    """Record the task id of a submitted task, also when it arrives after the intent lapsed."""
    with store.write() as transaction:
        number, before = _end_as_done(transaction, intent)
        # Its event may have come before this response, or an operator may have tracked it by its id.
        is_final = join_duplicate(transaction, task_id, number, is_certain=True)
        # Another row that has the task id and could not be joined, and whether it may be this task's.
        other = transaction.row(
            "SELECT o.number, o.kind = t.kind AND (o.email = '' OR o.email = t.email COLLATE NOCASE)"
            " FROM tasks o, tasks t WHERE o.task_id = ? AND t.number = ?",
            (task_id, number),
        )
        if other is not None and as_int(other[0]) == number:
            return  # a second engine sent the same client token and got its response first
        if other is not None and other[1]:
            finish_task(transaction, number, Status.CANCELLED)
            record_waiting_cancel_refused(transaction, number, f"Its task is #{as_int(other[0])}: see there.")
            detail = f"{task_id}, kept as #{as_int(other[0])}"
            _append(transaction, number, EventKind.ACCEPTED, before, Status.CANCELLED, detail)
            return
        if other is not None:
            reason = f"The service returned task id {task_id}, which #{as_int(other[0])} has. Contact its support."
            _mark_unconfirmed(transaction, number, EventKind.TASK_ID_REJECTED, before, reason)
            withdraw_early_answer(transaction, number)
            return
        update_task(transaction, number, task_id=task_id)
        if is_final:
            record_waiting_cancel_refused(transaction, number, "The task has ended.")
        else:
            transaction.run(
                "UPDATE tasks SET submitted_at = ?, terminal = 0, finished_at = NULL, trouble = NULL,"
                " next_poll_at = ?, polls = 0, status = CASE WHEN kind = 'DELETION'"
                f" AND coalesce(holding_period, {DEFAULT_HOLDING_PERIOD}) > 0 THEN 'ON_HOLD' ELSE 'IN_PROGRESS' END"
                " WHERE number = ?",
                (transaction.now_text, format_instant(next_poll_at), number),
            )
        row = transaction.row("SELECT status FROM tasks WHERE number = ?", (number,))
        after = None if row is None else as_text(row[0])
        _append(transaction, number, EventKind.ACCEPTED, before, after, task_id)


def record_rejected(store: Store, intent: int, code: str | None, message: str) -> None:
    """Record that the service rejected a submission, and its message.

    If an earlier attempt had no response, it may have started a task: the request is then UNCONFIRMED.
    """
    with store.write() as transaction:
        warning = _earlier_attempt_warning(transaction, intent, "started")
        number = _end_intent(transaction, intent, IntentState.REFUSED)
        if number is None:
            return
        update_task(transaction, number, errors=errors_text((TaskError(code, message),)), trouble=None)
        if warning:
            _mark_unconfirmed(transaction, number, EventKind.REFUSED, Status.QUEUED, message + warning)
        else:
            finish_task(transaction, number, Status.REJECTED)
            _append(transaction, number, EventKind.REFUSED, Status.QUEUED, Status.REJECTED, message)
            nothing = "The request was rejected, so there is nothing to cancel."
            record_waiting_cancel_refused(transaction, number, nothing)
        withdraw_early_answer(transaction, number)


def _mark_unconfirmed(transaction: Transaction, number: int, event: EventKind, before: str, reason: str) -> None:
    """Mark a request as UNCONFIRMED, and record why."""
    update_task(transaction, number, status=Status.UNCONFIRMED, trouble=reason, next_poll_at=None)
    _append(transaction, number, event, before, Status.UNCONFIRMED, reason)


def reschedule(store: Store, intent: int, reason: str, not_before: datetime, *, never_sent: bool) -> None:
    """Record that an intent got no response, and when it is sent again.

    A submission that was never sent is withdrawn instead if its cancellation was asked for meanwhile. With `never_sent`
    no byte of this attempt left the machine, so it does not count as an attempt.
    """
    with store.write() as transaction:
        row = transaction.row(
            "UPDATE intents SET not_before = ?,"
            " first_sent_at = CASE WHEN ? AND attempts = 1 THEN NULL ELSE first_sent_at END,"
            " attempts = CASE WHEN ? AND attempts = 1 THEN 0 ELSE attempts END"
            f" WHERE id = ? AND {INTENT_IS_WAITING} RETURNING task",
            (format_instant(not_before), never_sent, never_sent, intent),
        )
        if row is None:
            return
        number = as_int(row[0])
        cancellation = waiting_cancellation(transaction, number)
        if cancellation is not None and cancel_unsent(transaction, number, as_text(cancellation[1])):
            _end_intent(transaction, as_int(cancellation[0]), IntentState.DONE)
        else:
            set_trouble(transaction, number, reason)


def record_unconfirmed(store: Store, intent: int, reason: str = NO_RESPONSE_REASON) -> None:
    """Record that a sent request got no response while its client token protected it."""
    with store.write() as transaction:
        sent = transaction.row(
            f"SELECT attempts, first_sent_at, {INTENT_IS_ASSUMED_SENT} FROM intents WHERE id = ?", (intent,)
        )
        number = _end_intent(transaction, intent, IntentState.LAPSED)
        if number is None:
            return
        update_task(transaction, number, status=Status.UNCONFIRMED, trouble=f"{capitalized(reason)}.")
        detail = f"tried {_attempts_text(sent)}, {reason}"
        what, before, after = EventKind.NO_RESPONSE, Status.QUEUED, Status.UNCONFIRMED
        timeline.append(transaction, number, PROGRAM, what, before=before, after=after, detail=detail)
        withdraw_early_answer(transaction, number)


def record_cancelled(store: Store, intent: int) -> None:
    """Record that the service cancelled a deletion."""
    with store.write() as transaction:
        number, before = _end_as_done(transaction, intent)
        finish_task(transaction, number, Status.CANCELLED, cancel_asked=0, trouble=None)
        _append(transaction, number, EventKind.CANCELLED, before, Status.CANCELLED)
        complete_decline(transaction, number, PROGRAM)


def record_cancel_refused(store: Store, intent: int, reason: str) -> None:
    """Record that the service refused to cancel a deletion, and poll the task at once.

    If an earlier attempt had no response, it may have cancelled the task; the recorded reason says so.
    """
    with store.write() as transaction:
        number = _record_cancel_refused(transaction, intent, reason)
        if number is not None:
            update_task(transaction, number, next_poll_at=transaction.now_text)


def record_waiting_cancel_refused(transaction: Transaction, number: int, reason: str) -> None:
    """End a waiting cancellation of a task that can no longer be cancelled, if there is one."""
    row = waiting_cancellation(transaction, number)
    if row is not None:
        _record_cancel_refused(transaction, as_int(row[0]), reason, PROGRAM)


def _record_cancel_refused(transaction: Transaction, intent: int, reason: str, actor: str = SERVICE) -> int | None:
    if not any(status in reason for status in SERVICE_STATUSES):  # else the service says that it is not cancelled
        reason += _earlier_attempt_warning(transaction, intent, "cancelled")
    number = _end_intent(transaction, intent, IntentState.REFUSED)
    if number is not None:
        told = reason
        if day_of_waiting_decline(transaction, number) is not None:
            told += " The decline that waited for it is withdrawn."
        update_task(transaction, number, cancel_asked=0, trouble=told)
        timeline.append(transaction, number, actor, EventKind.CANCEL_REFUSED, detail=told)
        drop_decline(transaction, number, reason)
    return number


def _append(
    transaction: Transaction,
    number: int,
    what: EventKind,
    before: str | None,
    after: str | None,
    detail: str | None = None,
) -> None:
    """Append an event of the service that changes the status of task `number`."""
    timeline.append(transaction, number, SERVICE, what, before=before, after=after, detail=detail)


def _earlier_attempt_warning(transaction: Transaction, intent: int, done: str) -> str:
    """Return a warning to append to a refusal if an earlier attempt may have succeeded, or an empty string."""
    attempts = transaction.integer("SELECT attempts FROM intents WHERE id = ?", (intent,))
    # Attempts that certainly failed are not counted.
    return "" if attempts < 2 else f" An earlier attempt had no response: it may have been {done}."


def _attempts_text(sent: Row | None) -> str:
    if sent is None or sent[1] is None:
        return "once"
    times = as_int(sent[0])
    if sent[2]:
        known = f"{counted(times - 1, 'time')}, and " if times > 1 else ""
        return f"{known}perhaps before the history was recovered"
    return f"{'once' if times == 1 else f'{times} times, first'} at {stamp(parse_instant(as_text(sent[1])))}"


def _end_intent(transaction: Transaction, intent: int, state: str) -> int | None:
    """End a waiting intent and return the number of its task, or None if it has ended already."""
    row = transaction.row(
        f"UPDATE intents SET state = ?, settled_at = ? WHERE id = ? AND {INTENT_IS_WAITING} RETURNING task",
        (state, transaction.now_text, intent),
    )
    return None if row is None else as_int(row[0])


def _end_as_done(transaction: Transaction, intent: int) -> tuple[int, str]:
    """End an intent as done, even a lapsed one; return the number and the status of its task."""
    rows = transaction.run(
        "UPDATE intents SET state = 'done', settled_at = ? WHERE id = ? RETURNING task", (transaction.now_text, intent)
    )
    number = as_int(rows[0][0])
    status = transaction.run("SELECT status FROM tasks WHERE number = ?", (number,))[0][0]
    return number, as_text(status)
