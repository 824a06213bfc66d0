"""Repair the intents of a recovered history: none is sent twice or to another task, and none is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import apsw

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.shared_sql import (
    FINAL_STATUS_LIST,
    INTENT_IS_WAITING,
    SUBMISSION_WAS_SENT,
    WITHHELD_STATUS_LIST,
)
from bwp_tui.store.maintenance.task_rows import append_recovered
from bwp_tui.store.queries.timeline import EventKind

_BITS_OF_DIGIT: Final = 4
"""Bits of a hexadecimal digit of a client token."""


_ORPHAN: Final = (
    f"i.action = 'submit' AND i.{INTENT_IS_WAITING} AND ("
    " NOT EXISTS (SELECT 1 FROM tasks t WHERE t.number = i.task AND t.task_id IS NULL AND t.resubmitted = 0"
    f" AND t.terminal = 0 AND t.status NOT IN ({WITHHELD_STATUS_LIST}, 'UNCONFIRMED'))"
    " OR EXISTS (SELECT 1 FROM intents j WHERE j.task = i.task AND j.action = 'submit' AND j.id <> i.id"
    f" AND (j.{INTENT_IS_WAITING} OR (j.state = 'lapsed' AND j.attempts > 0))))"
)
"""Waiting submissions whose task is missing, is not to be sent, or has another submission that waits or was sent."""


def reattach_submissions(db: apsw.Connection) -> None:
    """Correct damaged task numbers of submissions: the right one differs in one bit, and fits the order of
    recording."""
    for submission, task, asked_at in db.execute(
        f"SELECT id, task, asked_at FROM intents i WHERE {_ORPHAN}"
    ).fetchall():
        alone = db.execute(
            "SELECT number FROM tasks t WHERE recorded_at = ?1 AND status = 'QUEUED' AND task_id IS NULL AND NOT EXISTS"
            f" (SELECT 1 FROM intents WHERE task = t.number AND action = 'submit' AND {INTENT_IS_WAITING})"
            " AND number > coalesce((SELECT task FROM intents WHERE action = 'submit' AND id < ?2"
            " ORDER BY id DESC LIMIT 1), 0)"
            " AND number < coalesce((SELECT task FROM intents WHERE action = 'submit' AND id > ?2"
            " ORDER BY id LIMIT 1), number + 1)",
            (asked_at, submission),
        ).fetchall()
        near = [number for (number,) in alone if (int(str(number)) ^ int(str(task))).bit_count() == 1]
        if len(near) == 1:
            db.execute("UPDATE intents SET task = ? WHERE id = ?", (near[0], submission))


def lapse_doubtful_tokens(db: apsw.Connection, index_tokens: Iterable[str], now: str) -> None:
    """Lapse waiting submissions whose client token may be damaged.

    The index has it with another digit, or it was sent with a token that the index does not have.

    Args:
        index_tokens: the client tokens of the damaged history's index.
    """
    tokens = {*index_tokens}
    known = {str(token) for (token,) in db.execute("SELECT client_token FROM intents WHERE client_token IS NOT NULL")}
    others = [int(token.replace("-", ""), 16) for token in tokens - known]
    waiting = f"SELECT id, client_token, attempts FROM intents WHERE action = 'submit' AND {INTENT_IS_WAITING}"
    for intent, token, attempts in db.execute(waiting).fetchall():
        number = int(str(token).replace("-", ""), 16)
        is_near = any((number ^ other).bit_count() <= _BITS_OF_DIGIT for other in others)
        if is_near or (attempts and token not in tokens):
            _lapse(db, intent, now)


_NO_RESPONSE: Final = "No response to it is recorded; another copy of the history may know more."
_UNSENT: Final = "It waited in one copy of the history: another copy may have sent it, or withdrawn it."
_IN_OLDER_COPY: Final = "it waited in an older copy: it may have been sent or withdrawn since"


def make_unsent_unconfirmed(db: apsw.Connection, now: str, condition: str = "TRUE") -> None:
    """Make deletions that wait to be sent UNCONFIRMED, and RECEIVED requests too: the history is an older copy.

    Since the copy was made, the deletions may have been withdrawn, and the RECEIVED requests sent. A cancellation that
    waits for a task id goes on waiting.

    Args:
        now: the instant, as text.
        condition: SQL that selects the tasks.
    """
    doubtful = db.execute(
        f"SELECT number, status FROM main.tasks WHERE task_id IS NULL AND {condition}"
        f" AND (status IN ({WITHHELD_STATUS_LIST}) OR kind = '{Kind.DELETION}' AND status = '{Status.QUEUED}')"
    ).fetchall()
    for number, status in doubtful:
        make_unconfirmed(db, now, number, status, _IN_OLDER_COPY)


def make_disputed_unconfirmed(db: apsw.Connection, now: str, numbers: list[int]) -> None:
    """Make those of these requests UNCONFIRMED that wait to be sent.

    Args:
        numbers: the tasks in which two copies contradict each other.
    """
    for (number,) in db.execute(
        "SELECT number FROM main.tasks WHERE task_id IS NULL AND status = 'QUEUED'"
        f" AND number IN ({', '.join(map(str, numbers))})"
    ).fetchall():
        make_unconfirmed(
            db, now, int(str(number)), Status.QUEUED, "two copies say different things of it: one may have sent it"
        )


def make_unconfirmed(
    db: apsw.Connection, now: str, number: apsw.SQLiteValue, status: apsw.SQLiteValue, reason: str
) -> None:
    """Make a request UNCONFIRMED that waits to be sent in `status`: an operator has to decide."""
    db.execute(
        "UPDATE main.tasks SET status = ?, revision = (SELECT revision FROM main.meta), trouble = iif(EXISTS (SELECT 1"
        f" FROM main.intents WHERE task = number AND {SUBMISSION_WAS_SENT}), ?, ?)"
        " WHERE number = ?",
        (Status.UNCONFIRMED, _NO_RESPONSE, _UNSENT, number),
    )
    db.execute(
        "UPDATE main.intents SET state = 'lapsed', settled_at = ? WHERE task = ? AND action = 'submit'"
        f" AND {INTENT_IS_WAITING}",
        (now, number),
    )
    append_recovered(db, now, number, reason, status, Status.UNCONFIRMED)


def lapse_orphan_submissions(db: apsw.Connection, now: str) -> None:
    """Lapse waiting submissions that are not to be sent."""
    db.execute(f"UPDATE intents AS i SET state = 'lapsed', settled_at = ? WHERE {_ORPHAN}", (now,))


def mark_waiting_as_sent(db: apsw.Connection) -> None:
    """Mark every waiting submission as sent when it was recorded: the last commits may be lost.

    It is then sent again only under its own client token, and only while the token protects it.
    """
    db.execute(
        "UPDATE intents SET first_sent_at = coalesce(first_sent_at, asked_at), attempts = max(attempts, 1),"
        " first_sent_uptime = iif(first_sent_at IS NULL, NULL, first_sent_uptime)"
        f" WHERE {INTENT_IS_WAITING} AND action = 'submit'"
    )


_WAITING_CANCELLATION: Final = f"action = 'cancel' AND {INTENT_IS_WAITING}"
_DOUBTFUL_CANCELLATION: Final = "whether its cancellation was asked for is not certain: if so, ask for it again"


def repair_cancellations(db: apsw.Connection, now: str) -> None:
    """Make waiting cancellations agree with tasks and timeline: none is lost, doubled or sent to another task."""
    db.execute(
        f"UPDATE intents AS i SET state = 'lapsed', settled_at = ? WHERE {_WAITING_CANCELLATION} AND id <"
        f" (SELECT max(id) FROM intents j WHERE j.task = i.task AND {_WAITING_CANCELLATION})",
        (now,),
    )
    db.execute(
        f"UPDATE intents SET state = 'lapsed', settled_at = ? WHERE {_WAITING_CANCELLATION}"
        " AND task IN (SELECT number FROM tasks WHERE kind = 'RETRIEVAL'"
        f" OR status IN ({FINAL_STATUS_LIST}, {WITHHELD_STATUS_LIST}))",
        (now,),
    )
    for intent, task, asked_at in db.execute(
        f"SELECT id, task, asked_at FROM intents WHERE {_WAITING_CANCELLATION}"
        " AND task NOT IN (SELECT number FROM tasks WHERE cancel_asked = 1)"
    ).fetchall():
        number = _task_of_cancellation(db, int(str(task)), str(asked_at))
        if number is None:
            _lapse(db, intent, now)
            append_recovered(db, now, task, _DOUBTFUL_CANCELLATION)
        else:
            db.execute("UPDATE intents SET task = ? WHERE id = ?", (number, intent))
            db.execute("UPDATE tasks SET cancel_asked = 1 WHERE number = ?", (number,))
    for asked_of, is_final in db.execute(
        f"SELECT number, status IN ({FINAL_STATUS_LIST}) FROM tasks WHERE cancel_asked = 1"
        f" AND number NOT IN (SELECT task FROM intents WHERE {_WAITING_CANCELLATION})"
    ).fetchall():
        asked = None if is_final else _cancellation_without_outcome(db, int(str(asked_of)))
        if asked is not None:
            db.execute(
                "INSERT INTO intents (task, action, attempts, first_sent_at, not_before, asked_at, actor)"
                " VALUES (?1, 'cancel', 1, ?2, ?2, ?2, ?3)",
                (asked_of, *asked),
            )
            continue
        db.execute("UPDATE tasks SET cancel_asked = 0 WHERE number = ?", (asked_of,))
        if not is_final:
            append_recovered(db, now, asked_of, _DOUBTFUL_CANCELLATION)


def apply_confirmed_cancellations(db: apsw.Connection, now: str) -> None:
    """Mark deletions as CANCELLED whose cancellation was confirmed, where the row and the event of it are lost."""
    confirmed = db.execute(
        "SELECT t.number, t.status, max(i.settled_at) FROM tasks t JOIN intents i ON i.task = t.number"
        f" WHERE i.action = 'cancel' AND i.state = 'done' AND t.kind = 'DELETION'"
        f" AND t.status NOT IN ({FINAL_STATUS_LIST})"
        " AND NOT EXISTS (SELECT 1 FROM timeline l WHERE l.task = t.number AND l.at >= i.settled_at AND l.after GLOB"
        f" '[A-Z]*' AND l.what NOT IN ('{EventKind.RECOVERED}', '{EventKind.RESTORED}')) GROUP BY t.number"
    ).fetchall()
    for number, status, at in confirmed:
        db.execute(
            "UPDATE tasks SET status = 'CANCELLED', terminal = 1, finished_at = ?, next_poll_at = NULL, trouble = NULL"
            " WHERE number = ?",
            (at, number),
        )
        append_recovered(db, now, number, "its cancellation had been confirmed", status, Status.CANCELLED)


def _task_of_cancellation(db: apsw.Connection, task: int, asked_at: str) -> int | None:
    """Return the task whose cancellation of that instant has no outcome: `task`, or else the only such task."""
    asked = db.execute(
        f"SELECT DISTINCT task FROM timeline WHERE what = '{EventKind.CANCEL_REQUESTED}' AND at = ?"
        f" AND task IN (SELECT number FROM tasks WHERE kind = 'DELETION' AND status NOT IN ({FINAL_STATUS_LIST}))",
        (asked_at,),
    ).fetchall()
    numbers = [int(str(number)) for (number,) in asked]
    open_ones = [number for number in numbers if (_cancellation_without_outcome(db, number) or ("",))[0] == asked_at]
    return task if task in open_ones else open_ones[0] if len(open_ones) == 1 else None


def _cancellation_without_outcome(db: apsw.Connection, number: int) -> tuple[str, str] | None:
    """Return when and by whom the cancellation of a task was asked for, unless its timeline has an outcome of it."""
    events = db.execute(
        "SELECT what, at, actor FROM timeline WHERE task = ? AND what IN"
        f" ('{EventKind.CANCEL_REQUESTED}', '{EventKind.CANCEL_REFUSED}', '{EventKind.CANCELLED}')"
        " ORDER BY id DESC LIMIT 1",
        (number,),
    ).fetchall()
    return next(((str(at), str(actor)) for what, at, actor in events if what == EventKind.CANCEL_REQUESTED), None)


def _lapse(db: apsw.Connection, intent: apsw.SQLiteValue, now: str) -> None:
    db.execute("UPDATE intents SET state = 'lapsed', settled_at = ? WHERE id = ?", (now, intent))


def mark_tokenless_unconfirmed(db: apsw.Connection, now: str) -> None:
    """Mark queued tasks that lost their client token as UNCONFIRMED."""
    changed = db.execute(
        "UPDATE tasks SET status = 'UNCONFIRMED' WHERE status = 'QUEUED' AND task_id IS NULL AND NOT EXISTS"
        f" (SELECT 1 FROM intents WHERE task = number AND action = 'submit' AND {INTENT_IS_WAITING}) RETURNING number"
    ).fetchall()
    for (number,) in changed:
        append_recovered(db, now, number, "its client token is lost", Status.QUEUED, Status.UNCONFIRMED)
