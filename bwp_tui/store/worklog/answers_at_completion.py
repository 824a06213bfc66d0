"""Record that completed requests count as answered, for shops whose legal clock stops at completion.

Withdraw the answers of requests that end without a result after them.
"""

from __future__ import annotations

from typing import Final

from bwp_tui.domain.deadlines import task_due_date
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import iso_day, local_day, parse_instant
from bwp_tui.store.database.connection import Store, Transaction, as_int, as_text
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.row_mapping import TASKS, task_of
from bwp_tui.store.queries.timeline import PROGRAM, RECORD_COLUMNS, EventKind, LegalRecord

_CHUNK: Final = 500
"""Tasks of one transaction."""

_COMPLETED: Final = (
    "t.revision > ? AND t.open = 1 AND t.status = 'COMPLETED' AND (t.kind = 'DELETION' OR t.saved = 1)"
    " AND NOT EXISTS (SELECT 1 FROM timeline WHERE task = t.number"
    f" AND what IN ('{EventKind.ANSWER_WITHDRAWN}', '{EventKind.DECLINE_REQUESTED}', '{EventKind.DECLINE_WITHDRAWN}'))"
)

_WITHOUT_RESULT: Final = (Status.FAILED, Status.REJECTED, Status.MISSING, Status.UNCONFIRMED)
"""Statuses of which the view of failed tasks has those that are not answered."""


_ANSWERED_WITHOUT_RESULT: Final = (
    f"{TASKS} WHERE t.number = ? AND t.answered_on IS NOT NULL AND t.purged_at IS NULL AND t.resubmitted = 0"
    f" AND t.status IN ({', '.join('?' * len(_WITHOUT_RESULT))})"
)


def answer_completed(store: Store, since: int) -> int:
    """Record an answer for each completed deletion and saved result; return the revision up to which there is none.

    Left to the operator are tasks whose answer was withdrawn, or whose decline the shopper was told. Rows older than
    `since`, the revision that an earlier call returned, or 0, are not looked at.
    """
    while True:
        revision = store.revision()
        rows = store.rows(
            "SELECT t.number, t.kind, max(coalesce(t.finished_at, ''), coalesce(d.finished_at, '')) FROM tasks t"
            f" LEFT JOIN downloads d ON d.id = t.download AND d.state = 'done' WHERE {_COMPLETED} LIMIT ?",
            (since, _CHUNK),
        )
        if not rows:
            return revision
        with store.write() as transaction:
            for number, kind, ended in rows:
                day = local_day(parse_instant(as_text(ended)) if ended else transaction.now)
                what = "deletion completed" if kind == Kind.DELETION else "result saved"
                how = f"{what}, which this profile counts as the answer"
                update_task(transaction, as_int(number), answered_on=str(day), answered_how=how)
                detail = f"on {day}: {how}"
                timeline.append(transaction, as_int(number), PROGRAM, EventKind.ANSWERED, detail=detail)


def is_any_completed(store: Store, since: int) -> bool:
    """Return whether `answer_completed` would record an answer."""
    return store.row(f"SELECT 1 FROM tasks t WHERE {_COMPLETED} LIMIT 1", (since,)) is not None


def withdraw_early_answer(transaction: Transaction, number: int) -> None:
    """Withdraw the answer of a request that has just ended without a result, or may not run: it may be untrue now."""
    row = transaction.row(_ANSWERED_WITHOUT_RESULT, (number, *_WITHOUT_RESULT))
    if row is None:
        return
    task = task_of(row)
    # An answer may have ended a stop of the clock.
    due = task.due_on if task.inquired_on is None else task_due_date(task._replace(answered_on=None))
    update_task(transaction, number, **dict.fromkeys(RECORD_COLUMNS[LegalRecord.ANSWER]), due_on=iso_day(due))
    before, after = (None, None) if due == task.due_on else (iso_day(task.due_on), iso_day(due))
    detail = f"was on {task.answered_on}: {task.answered_how}; the request became {task.status} after it"
    what = EventKind.ANSWER_WITHDRAWN
    timeline.append(transaction, number, PROGRAM, what, before=before, after=after, detail=detail)
