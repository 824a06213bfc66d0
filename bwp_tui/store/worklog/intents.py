"""Read waiting intents, for the engine to send, and withdraw those of which no byte was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from bwp_tui.domain.deadlines import late_clause
from bwp_tui.domain.statuses import UNKNOWN_TASK, WITHHELD_STATUSES, Status
from bwp_tui.domain.task import OTHER_EMAIL_PREFIX, Kind
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_instant
from bwp_tui.store.database.connection import Row, Store, Transaction, as_day, as_text
from bwp_tui.store.database.shared_sql import (
    DOWNLOAD_IS_OPEN,
    INTENT_CAN_BE_SENT,
    INTENT_IS_WAITING,
    IS_TO_CHECK,
    finish_task,
    update_task,
)
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.row_mapping import RowMapper
from bwp_tui.store.queries.timeline import CHECK_WHAT_COUNTS, PROGRAM, EventKind


def waiting_cancellation(transaction: Transaction, number: int) -> Row | None:
    """Return id and actor of the waiting cancellation of task `number`, or None."""
    return transaction.row(
        f"SELECT id, actor FROM intents WHERE task = ? AND action = 'cancel' AND {INTENT_IS_WAITING}", (number,)
    )


class Intent(NamedTuple):
    """A submission or cancellation with all that its request needs. `task_id` is set for a cancellation."""

    id: int
    task_number: int
    action: str
    kind: Kind
    email: str
    holding_period: int | None
    reason: str | None
    client_token: str
    task_id: str | None
    attempts: int
    first_sent_at: datetime | None
    first_sent_boot: str | None
    """With `first_sent_uptime`, the machine's uptime at the first attempt (see `Uptime`)."""
    first_sent_uptime: float | None
    first_sent_service_at: datetime | None
    """The first attempt by the service's clock, if that was known."""


_INTENT: Final = RowMapper(Intent, task_number="i.task", client_token="ifnull(client_token, '')")  # noqa: S106  SQL
_INTENTS: Final = f"SELECT {_INTENT.columns} FROM intents i JOIN tasks t ON t.number = i.task"


def ready(store: Store, now: datetime, limit: int) -> list[Intent]:
    """Return the waiting intents that are ready.

    The one ready for longest comes first, so that an intent that keeps failing does not delay others.
    """
    rows = store.rows(
        f"{_INTENTS} WHERE {INTENT_CAN_BE_SENT} AND i.not_before <= ? ORDER BY i.not_before, i.id LIMIT ?",
        (format_instant(now), limit),
    )
    return [_INTENT(row) for row in rows]


def submissions_without_response(store: Store) -> list[Intent]:
    """Return sent submissions without an outcome."""
    rows = store.rows(
        f"{_INTENTS} WHERE i.{INTENT_IS_WAITING} AND i.action = 'submit' AND i.first_sent_at IS NOT NULL ORDER BY +i.id"
    )
    return [_INTENT(row) for row in rows]


def has_unsent_intent(store: Store, number: int) -> bool:
    """Return whether a submission or cancellation of task `number` waits to be sent, or to be sent again after a
    refusal for the moment."""
    sql = f"SELECT 1 FROM intents i WHERE i.task = ? AND i.{INTENT_IS_WAITING} AND i.first_sent_at IS NULL LIMIT 1"
    return store.row(sql, (number,)) is not None


def next_at(store: Store) -> datetime | None:
    """Return when the next waiting intent is ready, or None."""
    return store.instant(
        "SELECT i.not_before FROM intents i JOIN tasks t ON t.number = i.task"
        f" WHERE {INTENT_CAN_BE_SENT} ORDER BY i.not_before LIMIT 1"
    )


def outside_change(transaction: Transaction, number: int) -> str | None:
    """Return a clause on what another program or damage changed in the row of task `number`; None if nothing did.

    Nothing is sent for such a row: it could delete, or hand out, the data of somebody who did not ask for it.
    """
    from bwp_tui.store.database.digest_chain import OUTSIDE_CHANGE  # no first frame waits for it

    row = transaction.row(OUTSIDE_CHANGE, (number,))
    return f"another program, or damage, has changed its {as_text(row[0])}." if row is not None and row[0] else None


def cancel_unsent(transaction: Transaction, number: int, actor: str) -> bool:
    """Cancel a request of which no byte was sent, on behalf of `actor`; return False if it was sent."""
    row = transaction.row("SELECT status FROM tasks WHERE number = ?", (number,))
    before = Status.QUEUED if row is None else as_text(row[0])
    withdrawn = transaction.run(
        "UPDATE intents SET state = 'lapsed', settled_at = ? WHERE task = ? AND action = 'submit'"
        f" AND {INTENT_IS_WAITING} AND first_sent_at IS NULL RETURNING id",
        (transaction.now_text, number),
    )
    if not withdrawn and before not in WITHHELD_STATUSES:
        return False
    finish_task(transaction, number, Status.CANCELLED, trouble=None, cancel_asked=0)
    what, after = EventKind.CANCELLED_UNSENT, Status.CANCELLED
    timeline.append(transaction, number, actor, what, before=before, after=after)
    complete_decline(transaction, number, actor)
    return True


def complete_decline(transaction: Transaction, number: int, actor: str) -> None:
    """Bring task `number` to the status DECLINED if its decline is recorded: nothing of it runs at the service."""
    row = transaction.row(
        "SELECT status, declined_on, decline_reason, decline_text, due_on FROM tasks"
        " WHERE number = ? AND declined_on IS NOT NULL AND status <> 'DECLINED'",
        (number,),
    )
    if row is None:
        return
    if _is_disputed(transaction, number):
        _leave_undeclined(transaction, number, as_text(row[0]))
        return
    before, declined_on, reason, text, due_on = row
    day, due = as_day(declined_on), None if due_on is None else as_day(due_on)
    transaction.run(
        "UPDATE tasks SET status = ?, terminal = 1, finished_at = coalesce(finished_at, ?), next_poll_at = NULL,"
        " cancel_asked = 0, trouble = NULL, revision = ? WHERE number = ?",
        (Status.DECLINED, transaction.now_text, transaction.revision, number),
    )
    detail = f"on {day}{late_clause(day, due)}, {as_text(reason)}: {as_text(text)}"
    what = EventKind.DECLINED
    timeline.append(transaction, number, actor, what, before=as_text(before), after=Status.DECLINED, detail=detail)


def _is_disputed(transaction: Transaction, number: int) -> bool:
    """Return whether a merge has found, since the decline of a task was asked for, that two copies differ about it."""
    row = transaction.row(
        f"SELECT 1 FROM timeline JOIN tasks ON number = task WHERE task = ?1 AND {IS_TO_CHECK}"
        f" AND what = '{EventKind.RECOVERED}' AND instr(detail, '{CHECK_WHAT_COUNTS}') AND timeline.id >"
        f" (SELECT max(id) FROM timeline WHERE task = ?1 AND what = '{EventKind.DECLINE_REQUESTED}')",
        (number,),
    )
    return row is not None


def _leave_undeclined(transaction: Transaction, number: int, before: str) -> None:
    """Make a request RECEIVED whose deletion was cancelled for a decline that another copy did not know of."""
    of_decline = ("declined_on", "decline_reason", "decline_text", "finished_at", "trouble")
    of_task_id = ("task_id", "submitted_at", "updated_at", "polled_at", "next_poll_at")
    values = {**dict.fromkeys((*of_decline, *of_task_id)), "terminal": 0, "cancel_asked": 0}
    update_task(transaction, number, status=Status.RECEIVED, **values)
    detail = "its deletion is cancelled; two copies differ, so that a person has to decide whether it is declined"
    what, after = EventKind.DECLINE_WITHDRAWN, Status.RECEIVED
    timeline.append(transaction, number, PROGRAM, what, before=before, after=after, detail=detail)


def day_of_waiting_decline(transaction: Transaction, number: int) -> str | None:
    """Return the day of the decline of task `number` that waits for its cancellation, or None without one."""
    row = transaction.row(
        "SELECT declined_on FROM tasks WHERE number = ? AND declined_on IS NOT NULL AND status <> 'DECLINED'", (number,)
    )
    return None if row is None else as_text(row[0])


def drop_decline(transaction: Transaction, number: int, reason: str) -> None:
    """Withdraw the decline of task `number` if it is not in effect: its deletion was not cancelled, for `reason`."""
    day = day_of_waiting_decline(transaction, number)
    if day is not None:
        update_task(transaction, number, declined_on=None, decline_reason=None, decline_text=None)
        detail = f"was on {day}; it was not cancelled: {reason}"
        timeline.append(transaction, number, PROGRAM, EventKind.DECLINE_WITHDRAWN, detail=detail)


class UnfinishedWork(NamedTuple):
    """What the engine tried in vain or has not tried yet.

    Attributes:
        unsent: submissions of which no byte was sent, or which the service refused for the moment, but those that a
            person has to check before.
        without_response: submissions without a response.
        unsent_cancellations: cancellations of which no byte was sent, or which the service refused for the moment.
        unconfirmed_cancellations: cancellations without a response.
        failed_polls: tasks whose last poll failed.
        downloads: downloads that have not ended, but paused ones, which wait for a person.
        newest_failure: the number of the newest of these tasks whose last call failed, and why; if one did.
    """

    unsent: int
    without_response: int
    unsent_cancellations: int
    unconfirmed_cancellations: int
    failed_polls: int
    downloads: int
    newest_failure: str | None

    @property
    def counts_text(self) -> str:
        """How much of each kind is left, such as `1 request is not submitted yet`; empty where nothing is."""
        cancellations = self.unsent_cancellations + self.unconfirmed_cancellations
        parts = (
            (self.unsent, "request is", "requests are", "not submitted yet"),
            (self.without_response, "request has", "requests have", "no response yet"),
            (cancellations, "cancellation is", "cancellations are", "not confirmed yet"),
            (self.failed_polls, "task", "tasks", "could not be refreshed"),
            (self.downloads, "download is", "downloads are", "not complete yet"),
        )
        return ", ".join(f"{counted(count, one, many)} {what}" for count, one, many, what in parts if count)

    @property
    def needs_sending_engine(self) -> bool:
        """Whether something is left that an engine with a read-only profile does not do."""
        return bool(self.unsent or self.unsent_cancellations or self.downloads)


_CANCELLATION: Final = "action = 'cancel' AND t.status NOT IN ('QUEUED', 'UNCONFIRMED')"
LAST_CALL_FAILED: Final = (
    "trouble IS NOT NULL AND trouble IS NOT"
    f" (SELECT detail FROM timeline WHERE task = t.number AND what = '{EventKind.CANCEL_REFUSED}' ORDER BY id DESC"
    f" LIMIT 1) AND trouble NOT GLOB '{OTHER_EMAIL_PREFIX}*'"
)
"""The condition that the last call for a task `t` failed: `trouble` may also say why a cancellation was refused."""
_FAILING: Final = (
    f"FROM tasks t WHERE terminal = 0 AND status <> 'UNCONFIRMED' AND {LAST_CALL_FAILED}"
    f" AND (trouble <> '{UNKNOWN_TASK}'"
    f" OR EXISTS (SELECT 1 FROM intents WHERE task = t.number AND {INTENT_IS_WAITING}))"
)
"""That the service does not know a task is a response; it is trouble where a cancellation waits for the task."""
_UNFINISHED: Final = RowMapper(
    UnfinishedWork,
    unsent=f"count(*) FILTER (WHERE action = 'submit' AND first_sent_at IS NULL AND NOT {IS_TO_CHECK})",
    without_response="count(*) FILTER (WHERE action = 'submit' AND first_sent_at IS NOT NULL)",
    unsent_cancellations=f"count(*) FILTER (WHERE {_CANCELLATION} AND first_sent_at IS NULL)",
    unconfirmed_cancellations=f"count(*) FILTER (WHERE {_CANCELLATION} AND first_sent_at IS NOT NULL)",
    failed_polls=f"(SELECT count(*) {_FAILING} AND task_id IS NOT NULL AND cancel_asked = 0)",
    downloads=f"(SELECT count(*) FROM downloads WHERE {DOWNLOAD_IS_OPEN} AND paused = 0)",
    newest_failure=f"(SELECT '#' || number || ': ' || trouble {_FAILING} ORDER BY number DESC LIMIT 1)",
)


def unfinished_work(store: Store) -> UnfinishedWork | None:
    """Return what is left for an engine to do, or None where nothing is."""
    (counts,) = store.rows(
        f"SELECT {_UNFINISHED.columns} FROM intents i JOIN tasks t ON t.number = i.task WHERE i.{INTENT_IS_WAITING}"
    )
    return _UNFINISHED(counts) if any(counts[:-1]) else None
