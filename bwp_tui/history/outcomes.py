"""What the engine learned from the service, written to the register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.task import TERMINAL, Status, TaskError, status_after
from bwp_tui.domain.times import from_text, to_text
from bwp_tui.history import timeline
from bwp_tui.history.connection import History, Transaction, as_int, as_text
from bwp_tui.history.rows import errors_text
from bwp_tui.history.timeline import SERVICE

MISSING_AFTER: Final = timedelta(days=1)
MISSING_ANSWERS: Final = 3
"""A task the service once knew is MISSING after this many answers over this long: one may be a slip of theirs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said of a task, cleaned. Absent fields are None."""

    status: str
    submitted_at: datetime | None
    updated_at: datetime | None
    email: str | None
    holding_period: int | None
    errors: tuple[TaskError, ...]


def answered(history: History, number: int, answer: Answer, next_poll_at: datetime | None) -> bool:
    """Record an answer to a poll; return whether anything the operator sees has changed.

    An answer that changes nothing moves only the poll times, and leaves the row's revision alone: no screen
    redraws for it.
    """
    with history.write() as transaction:
        before = transaction.one(
            "SELECT status, submitted_at, updated_at, errors, trouble, email, holding_period FROM tasks"
            " WHERE number = ?",
            (number,),
        )
        if before is None:
            return False
        status = status_after(as_text(before[0]), answer.status)
        known = (
            status,
            _or_text(answer.submitted_at, before[1]),
            _or_text(answer.updated_at, before[2]),
            errors_text(answer.errors),
            None,
            before[5] or answer.email or "",
            before[6] if before[6] is not None else answer.holding_period,
        )
        terminal = status in TERMINAL
        changed = known != before
        polls = "0" if status != before[0] else "polls + 1"
        transaction.run(
            "UPDATE tasks SET status = ?, submitted_at = ?, updated_at = ?, errors = ?, trouble = ?, email = ?,"
            f" holding_period = ?, terminal = ?, polled_at = ?, next_poll_at = ?, polls = {polls},"
            " unknown_since = NULL, unknown_answers = 0 WHERE number = ?",
            (
                *known,
                int(terminal),
                transaction.now_text,
                None if terminal or next_poll_at is None else to_text(next_poll_at),
                number,
            ),
        )
        if changed:
            _mark(transaction, number)
        if status != before[0]:
            _record_status(transaction, number, as_text(before[0]), status, answer)
    return changed


def _or_text(instant: datetime | None, before: object) -> str | None:
    if instant is not None:
        return to_text(instant)
    return before if isinstance(before, str) else None


def _record_status(transaction: Transaction, number: int, before: str, status: str, answer: Answer) -> None:
    finished = None
    if status in TERMINAL:
        finished = to_text(answer.updated_at) if answer.updated_at else transaction.now_text
    transaction.run("UPDATE tasks SET finished_at = ? WHERE number = ?", (finished, number))
    detail = "; ".join(error.code or error.message for error in answer.errors) or None
    timeline.append(transaction, number, SERVICE, "status", before=before, after=status, detail=detail)


def not_known(history: History, number: int, words: str, next_poll_at: datetime) -> None:
    """Record that the service does not know the task.

    One that it never knew (tracked with a wrong id) is MISSING at once; one that it knew before only after
    several such answers over a day. What has ended here stays as it ended, and is not asked about again.
    """
    with history.write() as transaction:
        row = transaction.one(
            "SELECT status, coalesce(unknown_since, ?), unknown_answers + 1 FROM tasks WHERE number = ?",
            (transaction.now_text, number),
        )
        if row is None:
            return
        if row[0] in TERMINAL:
            transaction.run(
                "UPDATE tasks SET polled_at = ?, next_poll_at = NULL WHERE number = ?", (transaction.now_text, number)
            )
            return
        before, since, answers = as_text(row[0]), as_text(row[1]), as_int(row[2])
        lasting = answers >= MISSING_ANSWERS and transaction.now - from_text(since) >= MISSING_AFTER
        missing = lasting or before == Status.QUEUED
        transaction.run(
            "UPDATE tasks SET unknown_since = ?, unknown_answers = ?, trouble = ?, polled_at = ?, next_poll_at = ?,"
            " polls = polls + 1 WHERE number = ?",
            (since, answers, words, transaction.now_text, None if missing else to_text(next_poll_at), number),
        )
        _mark(transaction, number)
        if missing:
            _finish(transaction, number, Status.MISSING)
            timeline.append(transaction, number, SERVICE, "status", before=before, after=Status.MISSING, detail=words)


def not_answered(history: History, numbers: list[int], words: str, next_poll_at: datetime) -> None:
    """Record that the service could not be asked about these tasks, and when to try again."""
    with history.write() as transaction:
        for number in numbers:
            transaction.run("UPDATE tasks SET next_poll_at = ? WHERE number = ?", (to_text(next_poll_at), number))
            changed = transaction.run(
                "UPDATE tasks SET trouble = ? WHERE number = ? AND trouble IS NOT ? RETURNING number",
                (words, number, words),
            )
            if changed:
                _mark(transaction, number)


def sending(history: History, intent: int) -> bool:
    """Record that an intent is about to be sent: from here on its outcome may be unknown.

    Returns False, and the intent must not be sent, when an operator has withdrawn it meanwhile.
    """
    with history.write() as transaction:
        row = transaction.one(
            "UPDATE intents SET attempts = attempts + 1, first_sent_at = coalesce(first_sent_at, ?)"
            " WHERE id = ? AND state = 'waiting' RETURNING id",
            (transaction.now_text, intent),
        )
        return row is not None


def accepted(history: History, intent: int, task_id: str, next_poll_at: datetime) -> None:
    """Record the task id that the service gave to a submitted task, also when it comes too late to be expected."""
    with history.write() as transaction:
        number, before = _succeeded(transaction, intent)
        twin = transaction.one("SELECT number FROM tasks WHERE task_id = ?", (task_id,))
        if twin is not None and as_int(twin[0]) == number:
            return  # a second engine sent the same client token and was answered first
        if twin is not None:
            # An operator tracked this very task by hand while its answer was outstanding.
            _finish(transaction, number, Status.CANCELLED)
            timeline.append(
                transaction,
                number,
                SERVICE,
                "accepted",
                before=before,
                after=Status.CANCELLED,
                detail=f"{task_id}, kept as #{as_int(twin[0])}",
            )
            return
        transaction.run(
            "UPDATE tasks SET task_id = ?, submitted_at = ?, terminal = 0, finished_at = NULL, trouble = NULL,"
            " next_poll_at = ?, polls = 0 WHERE number = ?",
            (task_id, transaction.now_text, to_text(next_poll_at), number),
        )
        row = transaction.one(
            "UPDATE tasks SET status = CASE WHEN kind = 'DELETION' AND holding_period > 0 THEN 'ON_HOLD'"
            " ELSE 'IN_PROGRESS' END WHERE number = ? RETURNING status",
            (number,),
        )
        _mark(transaction, number)
        after = None if row is None else as_text(row[0])
        timeline.append(transaction, number, SERVICE, "accepted", before=before, after=after, detail=task_id)


def refused(history: History, intent: int, code: str | None, message: str) -> None:
    """Record that the service refused a submission, in its words."""
    with history.write() as transaction:
        number = _settle(transaction, intent, "refused")
        if number is None:
            return
        transaction.run(
            "UPDATE tasks SET errors = ?, trouble = NULL WHERE number = ?",
            (errors_text((TaskError(code, message),)), number),
        )
        _finish(transaction, number, Status.REJECTED)
        timeline.append(
            transaction,
            number,
            SERVICE,
            "refused",
            before=Status.QUEUED,
            after=Status.REJECTED,
            detail=message,
        )


def put_off(history: History, intent: int, words: str, not_before: datetime, *, never_sent: bool) -> None:
    """Record that an intent got no answer and when it is tried again.

    Args:
        never_sent: no byte of this attempt left the machine, so a first attempt leaves nothing unknown.
    """
    with history.write() as transaction:
        row = transaction.one(
            "UPDATE intents SET not_before = ?,"
            " first_sent_at = CASE WHEN ? AND attempts = 1 THEN NULL ELSE first_sent_at END,"
            " attempts = CASE WHEN ? AND attempts = 1 THEN 0 ELSE attempts END"
            " WHERE id = ? AND state = 'waiting' RETURNING task",
            (to_text(not_before), never_sent, never_sent, intent),
        )
        if row is None:
            return
        changed = transaction.run(
            "UPDATE tasks SET trouble = ? WHERE number = ? AND trouble IS NOT ? RETURNING number",
            (words, row[0], words),
        )
        if changed:
            _mark(transaction, as_int(row[0]))


def unconfirmed(history: History, intent: int) -> None:
    """Record that a sent request was never answered within the time its client token protects it."""
    with history.write() as transaction:
        number = _settle(transaction, intent, "lapsed")
        if number is None:
            return
        transaction.run(
            "UPDATE tasks SET status = ?, revision = ? WHERE number = ?",
            (Status.UNCONFIRMED, transaction.revision, number),
        )
        timeline.append(
            transaction,
            number,
            SERVICE,
            "no answer",
            before=Status.QUEUED,
            after=Status.UNCONFIRMED,
            detail="sent, and not answered within 8 hours",
        )


def cancelled(history: History, intent: int) -> None:
    """Record that the service has cancelled a deletion."""
    with history.write() as transaction:
        number, before = _succeeded(transaction, intent)
        _finish(transaction, number, Status.CANCELLED)
        transaction.run(
            "UPDATE tasks SET cancel_asked = 0, trouble = NULL, next_poll_at = NULL WHERE number = ?",
            (number,),
        )
        timeline.append(
            transaction,
            number,
            SERVICE,
            "cancelled",
            before=before,
            after=Status.CANCELLED,
        )


def cancel_refused(history: History, intent: int, words: str) -> None:
    """Record that the service would not cancel a deletion; the task goes on, and is asked about at once."""
    with history.write() as transaction:
        number = _settle(transaction, intent, "refused")
        if number is None:
            return
        transaction.run(
            "UPDATE tasks SET cancel_asked = 0, trouble = ?, next_poll_at = ? WHERE number = ?",
            (words, transaction.now_text, number),
        )
        _mark(transaction, number)
        timeline.append(transaction, number, SERVICE, "cancel refused", detail=words)


def _settle(transaction: Transaction, intent: int, state: str) -> int | None:
    """Close a waiting intent and return the number of its task; None when it is closed already."""
    row = transaction.one(
        "UPDATE intents SET state = ?, settled_at = ? WHERE id = ? AND state = 'waiting' RETURNING task",
        (state, transaction.now_text, intent),
    )
    return None if row is None else as_int(row[0])


def _succeeded(transaction: Transaction, intent: int) -> tuple[int, str]:
    """Close an intent as done, even one given up meanwhile: what the service did is done.

    Returns the number and the status of its task.
    """
    rows = transaction.run(
        "UPDATE intents SET state = 'done', settled_at = ? WHERE id = ? RETURNING task",
        (transaction.now_text, intent),
    )
    number = as_int(rows[0][0])
    status = transaction.run("SELECT status FROM tasks WHERE number = ?", (number,))[0][0]
    return number, as_text(status)


def _finish(transaction: Transaction, number: int, status: Status) -> None:
    transaction.run(
        "UPDATE tasks SET status = ?, terminal = 1, finished_at = ?, next_poll_at = NULL, revision = ?"
        " WHERE number = ?",
        (status, transaction.now_text, transaction.revision, number),
    )


def _mark(transaction: Transaction, number: int) -> None:
    transaction.run("UPDATE tasks SET revision = ? WHERE number = ?", (transaction.revision, number))
