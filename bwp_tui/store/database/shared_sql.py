"""The SQL that several modules share: conditions on rows, and changes of a task's row.

An alias of the table goes before each condition; SQLite uses a partial index only for a condition that repeats its
text. A change gives the row a new revision, so that screens read it again.
"""

from __future__ import annotations

from typing import Final

from bwp_tui.domain.statuses import FINAL_STATUSES, WITHHELD_STATUSES, Status
from bwp_tui.domain.task import ADOPTED, KIND_UNKNOWN, TO_CHECK, Kind
from bwp_tui.store.database.connection import SqlValue, Transaction

DOWNLOAD_IS_OPEN: Final = "state IN ('queued', 'running')"
"""As `Download.is_open`."""

INTENT_IS_WAITING: Final = "state = 'waiting'"

WITHHELD_STATUS_LIST: Final = ", ".join(f"'{status}'" for status in WITHHELD_STATUSES)
"""The statuses of which nothing is sent, for `IN`."""

FINAL_STATUS_LIST: Final = ", ".join(f"'{status}'" for status in sorted(FINAL_STATUSES))
"""The final statuses, for `IN`."""

IS_TO_CHECK: Final = f"instr(tags, '\"{TO_CHECK}\"')"
"""The condition that a task has the tag `TO_CHECK`."""

INTENT_CAN_BE_SENT: Final = (
    f"i.{INTENT_IS_WAITING} AND ((i.action = 'submit' AND t.terminal = 0 AND t.status NOT IN ({WITHHELD_STATUS_LIST})"
    f" AND (i.first_sent_at IS NOT NULL OR NOT {IS_TO_CHECK}))"
    " OR (i.action = 'cancel' AND t.task_id IS NOT NULL AND t.status NOT IN ('QUEUED', 'UNCONFIRMED')))"
)
"""The condition on an intent `i` of a task `t`: a cancellation waits until the service has confirmed the task id.

Whatever an intent says, a task that is RECEIVED, UNAPPROVED or has ended is not submitted; nor is one that a person has
to check, before its first attempt: after that the same client token makes no second task.
"""

INTENT_IS_ASSUMED_SENT: Final = "first_sent_at IS NOT NULL AND first_sent_uptime IS NULL"
"""The condition on an intent that counts as sent since the history was recovered or is an older copy."""

SUBMISSION_WAS_SENT: Final = "action = 'submit' AND first_sent_uptime IS NOT NULL"
"""The condition on an intent of a request that was sent for certain."""

DOWNLOAD_HAS_ENDED: Final = "state IN ('done', 'failed', 'cancelled')"
"""The opposite of `DOWNLOAD_IS_OPEN`, in the text that its index repeats."""

IS_ADOPTED: Final = f"instr(tags, '\"{ADOPTED}\"')"
"""The condition that a task has the tag `ADOPTED`."""


HAS_UNKNOWN_KIND: Final = f"instr(tags, '\"{KIND_UNKNOWN}\"')"
"""The condition that a task has the tag `KIND_UNKNOWN`."""


def insert_task(transaction: Transaction, *, email: str, kind: Kind, **columns: SqlValue) -> int:
    """Insert a row of a task, with the number of an earlier one for the same email and kind; return its number."""
    columns |= {"email": email, "kind": kind, "revision": transaction.revision}
    return transaction.integer(
        f"INSERT INTO tasks ({', '.join(columns)}, earlier) VALUES ({', '.join('?' * len(columns))},"
        " (SELECT number FROM tasks WHERE email = ? COLLATE NOCASE AND kind = ? AND email <> ''"
        " ORDER BY recorded_at DESC, number DESC LIMIT 1))"
        " RETURNING number",
        (*columns.values(), email, kind),
    )


def update_task(transaction: Transaction, number: int, **columns: SqlValue) -> None:
    """Set columns of task `number`, and give it the transaction's revision."""
    columns["revision"] = transaction.revision
    assignments = ", ".join(f"{column} = ?" for column in columns)
    transaction.run(f"UPDATE tasks SET {assignments} WHERE number = ?", (*columns.values(), number))


def set_trouble(transaction: Transaction, number: int, reason: str) -> None:
    """Record why the last call for task `number` failed; touch its row only if the reason differs."""
    transaction.run(
        "UPDATE tasks SET trouble = ?1, revision = ?2 WHERE number = ?3 AND trouble IS NOT ?1",
        (reason, transaction.revision, number),
    )


def finish_task(transaction: Transaction, number: int, status: Status, **columns: SqlValue) -> None:
    """Bring task `number` to a final status, with no more polls; set other columns too."""
    at = transaction.now_text
    update_task(transaction, number, status=status, terminal=1, finished_at=at, next_poll_at=None, **columns)


SERVICE_COLUMNS: Final = (
    *("status", "terminal", "errors", "submitted_at", "updated_at", "finished_at", "polled_at", "next_poll_at"),
    *("polls", "unknown_since", "unknown_answers", "trouble"),
)
"""The columns of what the service has said of a task, but for its id and its hold."""

INHERITED_COLUMNS: Final = (
    "due_on, extended_on, acknowledged_on, verified_on, verified_by, verified_how, inquired_on, replied_on, assigned_to"
)
"""The columns that a resubmission has from the task that it repeats: to the shopper both are one request."""

DOWNLOAD_OF_TASK: Final = (
    "(SELECT d.id FROM main.downloads d WHERE d.task = tasks.number"
    " ORDER BY d.state IN ('failed', 'cancelled'), d.id DESC LIMIT 1)"
)
"""The download that a row of `tasks` shows: a saved result before a later attempt that ended without one."""

IS_DOWNLOAD_OF_TASK: Final = f"id = (SELECT {DOWNLOAD_OF_TASK} FROM tasks WHERE number = task)"
"""The condition that a row of `downloads` is the `DOWNLOAD_OF_TASK` of its task."""

IS_SAVED: Final = "state = 'done' AND path IS NOT NULL"
"""The condition that a row of `downloads` has a result that was saved, and not purged."""

PURGED_ERRORS: Final = (
    "errors = (SELECT json_group_array(json_array(value ->> 0, '')) FROM json_each(errors) WHERE value ->> 0"
    " GLOB '[A-Z]*' AND value ->> 0 NOT GLOB '*[^A-Z0-9_]*' AND length(value ->> 0) <= 64)"
)
"""What a purge leaves of a task's errors: well-formed codes, since a message may name the shopper."""

PURGED_DOWNLOAD: Final = "directory = '', path = NULL, trouble = NULL, remarks = NULL, etag = NULL"
"""What a purge removes from the downloads of a task."""

EARLIER_TASK: Final = (
    "(SELECT e.number FROM main.tasks e WHERE e.email = t.email COLLATE NOCASE AND e.kind = t.kind AND e.email <> ''"
    " AND (e.recorded_at, e.number) < (t.recorded_at, t.number) ORDER BY e.recorded_at DESC, e.number DESC LIMIT 1)"
)
"""The task that was recorded before task `t` for the same email and kind; a merge may have given it a higher number."""

UNLINK_PURGED: Final = (
    f"UPDATE tasks AS t SET revision = ?, earlier = {EARLIER_TASK} WHERE earlier IS NOT NULL AND (purged_at IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM tasks p WHERE p.number = t.earlier AND p.purged_at IS NOT NULL))"
)
"""Beside the email of a task that stays, the number of a purged one would say whose request that was."""
