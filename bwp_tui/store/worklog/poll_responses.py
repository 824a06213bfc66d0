"""Record responses to polls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.statuses import FINAL_STATUSES, STATUSES_AFTER_HOLD, Status, status_after
from bwp_tui.domain.task import KIND_UNKNOWN, OTHER_EMAIL_PREFIX, TaskError
from bwp_tui.domain.text import mask_email
from bwp_tui.domain.times import format_instant, iso_instant, local_day
from bwp_tui.store.database.connection import SqlValue, Store, Transaction, as_instant, as_int, as_text
from bwp_tui.store.database.shared_sql import HAS_UNKNOWN_KIND, finish_task, set_trouble, update_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.filter_sql import in_numbers
from bwp_tui.store.queries.row_mapping import changed_tags, errors_text
from bwp_tui.store.queries.timeline import SERVICE, EventKind
from bwp_tui.store.worklog import intent_outcomes, service_events
from bwp_tui.store.worklog.answers_at_completion import withdraw_early_answer
from bwp_tui.store.worklog.intents import LAST_CALL_FAILED

MISSING_AFTER: Final = timedelta(days=1)
MISSING_AFTER_RESPONSES: Final = 3
"""A task is MISSING after this many “unknown” responses over this time: one may be an error of the service."""


_SHOWN_COLUMNS: Final = ("status", "submitted_at", "updated_at", "errors", "trouble", "email", "holding_period")
"""The columns that a response may change and a screen shows."""


@dataclass(frozen=True, slots=True)
class PollResponse:
    """The cleaned response of the service on one task; absent fields are None."""

    status: str
    submitted_at: datetime | None
    updated_at: datetime | None
    email: str | None
    holding_period: int | None
    errors: tuple[TaskError, ...]


def record_responses(store: Store, responses: Mapping[int, tuple[PollResponse, datetime | None]]) -> frozenset[int]:
    """Record the responses to one batch, each with when to poll next; return the tasks with a visible change.

    A response without a change updates the poll times but not the row's revision, so that no screen redraws it. A task
    id that was entered by hand is dropped if it turns out to be that of another shopper.
    """
    with store.write() as transaction:
        rows = transaction.run(
            f"SELECT number, purged_at, {', '.join((*_SHOWN_COLUMNS, 'received_on'))} FROM tasks"
            f" WHERE {in_numbers('number', responses)} ORDER BY number"
        )
        changed = set[int]()
        for value, purged_at, *columns in rows:
            number, before = as_int(value), dict(zip((*_SHOWN_COLUMNS, "received_on"), columns, strict=True))
            response, next_poll_at = responses[number]
            if purged_at is not None:
                response = _without_names(response)
            if _record_response(transaction, number, before, response, next_poll_at):
                changed.add(number)
        return frozenset(changed)


def _without_names(response: PollResponse) -> PollResponse:
    """Return a response without what names the shopper: a purged task is polled if it ran in another copy."""
    return replace(response, email=None, errors=tuple(TaskError(error.code, "") for error in response.errors))


def _record_response(
    transaction: Transaction,
    number: int,
    before: Mapping[str, SqlValue],
    response: PollResponse,
    next_poll_at: datetime | None,
) -> bool:
    """Record the response about a task; return whether a column of `before` has changed that is shown."""
    email, status = as_text(before["email"]), as_text(before["status"])
    if _is_other_email(email, response.email) and _was_task_id_entered(transaction, number):
        _drop_task_id(transaction, number, "that task is for another email")
        return True
    after = _values_after(before, response)
    hold = response.holding_period
    if hold not in (None, after["holding_period"]) and _was_task_id_entered(transaction, number):
        after["holding_period"] = hold  # another copy of the history sent the request
    # Only changed columns are set: SQLite rewrites every index of each column in the SET list.
    changes = {name: value for name, value in after.items() if value != before[name]}
    terminal = after["status"] in FINAL_STATUSES
    columns: dict[str, SqlValue] = {
        **changes,
        "polled_at": transaction.now_text,
        "next_poll_at": None if terminal or next_poll_at is None else format_instant(next_poll_at),
        "unknown_since": None,
        "unknown_answers": 0,
    }
    if changes:
        columns["revision"] = transaction.revision
    if terminal or "status" in changes:
        columns["terminal"] = int(terminal)
    polls = "0" if "status" in changes else "polls + 1"
    transaction.run(
        f"UPDATE tasks SET {', '.join(f'{name} = ?' for name in columns)}, polls = {polls} WHERE number = ?",
        (*columns.values(), number),
    )
    if "submitted_at" in changes or "status" in changes:
        if response.submitted_at and as_text(before["received_on"]) > local_day(response.submitted_at).isoformat():
            service_events.date_receipt_by_submission(transaction, number, response.submitted_at)
        _record_known_kind(transaction, number)
    if "status" in changes:
        _record_status(transaction, number, status, as_text(after["status"]), response)
        withdraw_early_answer(transaction, number)
    return bool(changes)


def _record_known_kind(transaction: Transaction, number: int) -> None:
    """Record the kind of a task as known, now that the service has responded to a poll for it."""
    row = transaction.row(f"SELECT kind, tags FROM tasks WHERE number = ? AND {HAS_UNKNOWN_KIND}", (number,))
    if row is not None:
        update_task(transaction, number, tags=changed_tags(row[1], f"-{KIND_UNKNOWN}"))
        timeline.append(transaction, number, SERVICE, EventKind.CORRECTED, detail=f"kind unknown → {as_text(row[0])}")


def _try_other_kind(transaction: Transaction, number: int) -> bool:
    """Change the kind of a task of unknown kind if the service does not know its task id as that kind.

    Returns False if the kind is known, or both were tried.
    """
    row = transaction.row(
        "UPDATE tasks SET kind = iif(kind = 'DELETION', 'RETRIEVAL', 'DELETION'), next_poll_at = ?, revision = ?,"
        " unknown_since = coalesce(unknown_since, ?1), unknown_answers = unknown_answers + 1"
        f" WHERE number = ? AND {HAS_UNKNOWN_KIND} AND unknown_answers % 2 = 0 RETURNING number",
        (transaction.now_text, transaction.revision, number),
    )
    return row is not None


def _values_after(before: Mapping[str, SqlValue], response: PollResponse) -> dict[str, SqlValue]:
    """Return the columns of `_SHOWN_COLUMNS` after a response. Of `trouble`, only a warning about the email remains."""
    email, hold = as_text(before["email"]), before["holding_period"]
    return {
        "status": status_after(as_text(before["status"]), response.status),
        "submitted_at": iso_instant(response.submitted_at) or before["submitted_at"],
        "updated_at": iso_instant(response.updated_at) or before["updated_at"],
        "errors": errors_text(response.errors),
        "trouble": _email_warning(email, response.email),
        "email": email or response.email or "",
        "holding_period": response.holding_period if hold is None else hold,
    }


def _record_status(transaction: Transaction, number: int, before: str, status: str, response: PollResponse) -> None:
    finished = None
    if status in FINAL_STATUSES:
        finished = format_instant(response.updated_at) if response.updated_at else transaction.now_text
    update_task(transaction, number, finished_at=finished)
    if status in (Status.COMPLETED, Status.FAILED):
        service_events.record_if_event_missed(transaction, number, status, response.updated_at)
    detail = "; ".join(error.code or error.message for error in response.errors) or None
    timeline.append(transaction, number, SERVICE, EventKind.STATUS, before=before, after=status, detail=detail)
    if status in STATUSES_AFTER_HOLD:
        intent_outcomes.record_waiting_cancel_refused(
            transaction, number, f"The deletion can no longer be cancelled: it is {status}."
        )


def _is_other_email(email: str, responded: str | None) -> bool:
    return bool(email and responded) and email.casefold() != (responded or "").casefold()


def _email_warning(email: str, responded: str | None) -> str | None:
    """Return a warning if the service's own task id turns out to be for another email, or None.

    The service may only write emails in another way, so that the operator has to judge.
    """
    if not _is_other_email(email, responded):
        return None
    return (
        f"{OTHER_EMAIL_PREFIX}{mask_email(responded or '')}: before you answer the shopper, "
        "make sure whose it is, and contact the service's support."
    )


def _was_task_id_entered(transaction: Transaction, number: int) -> bool:
    """Return whether the task's id was entered by hand for an unconfirmed request, and not confirmed yet."""
    row = transaction.row(
        "SELECT 1 FROM tasks t WHERE number = ? AND status = ? AND task_id IS NOT NULL AND (EXISTS"
        " (SELECT 1 FROM intents WHERE task = t.number AND action = 'submit') OR EXISTS"
        " (SELECT 1 FROM timeline WHERE task = t.number AND what = ? AND detail GLOB 'by hand: *'))",
        (number, Status.QUEUED, EventKind.TRACKED),
    )
    return row is not None


def _drop_task_id(transaction: Transaction, number: int, reason: str) -> None:
    """Remove a task id that was entered by hand from its request, which becomes UNCONFIRMED again."""
    row = transaction.row("SELECT task_id FROM tasks WHERE number = ?", (number,))
    task_id = as_text(row[0]) if row else ""
    trouble = f"{task_id} is not the id of this request: {reason}."
    cleared = dict.fromkeys(("task_id", "next_poll_at", "unknown_since"))
    update_task(transaction, number, status=Status.UNCONFIRMED, trouble=trouble, unknown_answers=0, **cleared)
    what, before, after = EventKind.TASK_ID_REJECTED, Status.QUEUED, Status.UNCONFIRMED
    timeline.append(transaction, number, SERVICE, what, before=before, after=after, detail=trouble)
    is_answered_since = transaction.row(
        "SELECT 1 FROM timeline WHERE task = ?1 AND what = ?2"
        " AND id > (SELECT coalesce(max(id), 0) FROM timeline WHERE task = ?1 AND what = ?3)",
        (number, EventKind.ANSWERED, EventKind.TRACKED),
    )
    if is_answered_since:  # an earlier answer was given without a task id, and is as true as before
        withdraw_early_answer(transaction, number)


def record_unknown(store: Store, number: int, reason: str, next_poll_at: datetime) -> None:
    """Record that the service does not know the task.

    The task is MISSING after several such responses over a day. A finished task keeps its status and is not polled
    again. A wrong id that was entered for an unconfirmed request is removed.
    """
    with store.write() as transaction:
        row = transaction.row(
            "SELECT status, coalesce(unknown_since, ?), unknown_answers + 1 FROM tasks WHERE number = ?",
            (transaction.now_text, number),
        )
        if row is None or _try_other_kind(transaction, number):
            return
        if row[0] in FINAL_STATUSES:
            transaction.run(
                "UPDATE tasks SET polled_at = ?, next_poll_at = NULL WHERE number = ?", (transaction.now_text, number)
            )
            if transaction.row(f"SELECT 1 FROM tasks t WHERE number = ? AND {LAST_CALL_FAILED}", (number,)):
                set_trouble(transaction, number, reason)
            return
        if _was_task_id_entered(transaction, number):
            _drop_task_id(transaction, number, "the service does not know it")
            return
        before, since, responses = as_text(row[0]), as_text(row[1]), as_int(row[2])
        missing = responses >= MISSING_AFTER_RESPONSES and transaction.now - as_instant(since) >= MISSING_AFTER
        transaction.run(
            "UPDATE tasks SET unknown_since = ?, unknown_answers = ?, trouble = ?, polled_at = ?, next_poll_at = ?,"
            " polls = polls + 1 WHERE number = ?",
            (since, responses, reason, transaction.now_text, None if missing else format_instant(next_poll_at), number),
        )
        update_task(transaction, number)
        if missing:
            finish_task(transaction, number, Status.MISSING)
            timeline.append(
                transaction, number, SERVICE, EventKind.STATUS, before=before, after=Status.MISSING, detail=reason
            )
            intent_outcomes.record_waiting_cancel_refused(transaction, number, reason)
            withdraw_early_answer(transaction, number)


def record_failed_polls(store: Store, task_numbers: list[int], reason: str, next_poll_at: datetime) -> None:
    """Record that polls of these tasks failed, and when to try again."""
    with store.write() as transaction:
        for number in task_numbers:
            transaction.run(
                "UPDATE tasks SET next_poll_at = ? WHERE number = ?", (format_instant(next_poll_at), number)
            )
            set_trouble(transaction, number, reason)
