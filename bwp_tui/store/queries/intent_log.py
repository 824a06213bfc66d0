"""Read the log of submissions and cancellations: when, by whom, how often, with which outcome."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bwp_tui.domain.statuses import IntentAction, IntentState, Status
from bwp_tui.domain.task import PURGED_EMAIL, UNKNOWN_EMAIL, Kind, email_text
from bwp_tui.store.database.connection import Row, Store, as_text
from bwp_tui.store.database.shared_sql import INTENT_CAN_BE_SENT, INTENT_IS_ASSUMED_SENT
from bwp_tui.store.queries.row_mapping import RowMapper
from bwp_tui.store.queries.timeline import EventKind, label_of

_SHOWN_CHARACTERS: Final = 8
"""Characters of a client token that may be shown: they distinguish two and cannot repeat a request."""


@dataclass(frozen=True, slots=True)
class LoggedIntent:
    """A submission or cancellation of a task.

    Attributes:
        id: its place in the order in which things were asked.
        task_number: the number of its task; `kind` to `reason` are those of the task.
        task_id: the id that the service gave to the request, or of what is cancelled; None while it is not known.
        action: `submit` or `cancel`.
        state: an `IntentState`.
        attempts: how often it was sent, from the first time on that the service may have carried it out.
        is_assumed_sent: whether it counts as sent before the first of them, since a recovered history may not know it.
        next_at: when an engine sends it next, while it waits.
        last_failure: why the last attempt failed, while it waits.
        client_token_start: its first characters; the token itself never leaves the history.
        client_token_sha256: proves which client token was used.
        outcome_event: the timeline event of the outcome and its detail, or None.
    """

    id: int
    task_number: int
    task_id: str | None
    kind: Kind
    email: str
    is_purged: bool
    holding_period: int | None
    reason: str | None
    action: str
    state: str
    attempts: int
    is_assumed_sent: bool
    asked_at: datetime
    first_sent_at: datetime | None
    settled_at: datetime | None
    next_at: datetime | None
    last_failure: str | None
    actor: str
    client_token_start: str | None
    client_token_sha256: str | None
    outcome_event: tuple[str | None, str | None]

    def email_text(self, *, masked: bool) -> str:
        """The email of its task as a text, or why there is none."""
        return email_text(self.email, is_purged=self.is_purged, masked=masked)


_ASSUMED: Final = f"i.{INTENT_IS_ASSUMED_SENT}"
# An older version recorded intents that it held back with the event of those that were withdrawn.
_STATE: Final = (
    f"CASE WHEN l.what = '{EventKind.CANCELLED_UNSENT}' AND l.after = '{Status.CANCELLED}'"
    f" THEN '{IntentState.WITHDRAWN}' ELSE i.state END"
)
# The row of a task that was sent again has the id of the last time alone. A purge removes the others from the timeline.
_TASK_ID: Final = (
    "CASE WHEN a.detail IS NOT NULL THEN substr(a.detail, 1, instr(a.detail || ',', ',') - 1)"
    f" WHEN a.id IS NULL OR a.id = (SELECT max(id) FROM timeline WHERE task = i.task AND what = '{EventKind.ACCEPTED}')"
    " THEN t.task_id END"
)
_INTENT: Final = RowMapper(
    LoggedIntent,
    without=("client_token_start", "client_token_sha256", "outcome_event"),
    id="i.id",
    task_number="i.task",
    task_id=_TASK_ID,
    is_purged="t.purged_at IS NOT NULL",
    state=_STATE,
    attempts=f"i.attempts - ({_ASSUMED})",
    is_assumed_sent=_ASSUMED,
    first_sent_at=f"iif({_ASSUMED}, NULL, i.first_sent_at)",
    next_at=(
        f"CASE WHEN {INTENT_CAN_BE_SENT} THEN max(not_before, ifnull((SELECT next_try_at FROM engine), not_before)) END"
    ),
    last_failure=f"CASE WHEN {INTENT_CAN_BE_SENT} THEN t.trouble END",
    actor="i.actor",
)
_OUTCOMES: Final = (
    EventKind.ACCEPTED,
    EventKind.REFUSED,
    EventKind.NO_RESPONSE,
    EventKind.TASK_ID_REJECTED,
    EventKind.CANCELLED,
    EventKind.CANCEL_REFUSED,
    EventKind.CANCELLED_UNSENT,
    EventKind.HELD_BACK,
)
_FROM: Final = (
    "intents i JOIN tasks t ON t.number = i.task LEFT JOIN timeline l ON l.id ="
    # The event of the outcome: both were written in one transaction, at its instant.
    " (SELECT min(id) FROM timeline WHERE task = i.task AND at = i.settled_at AND what IN"
    f" {tuple(map(str, _OUTCOMES))})"
)
_ACCEPTED: Final = (
    # The event of the task id that the request got, or that of what is cancelled.
    f"LEFT JOIN timeline a ON a.id = iif(i.action = 'submit', iif(l.what = '{EventKind.ACCEPTED}', l.id, NULL),"
    f" (SELECT max(id) FROM timeline WHERE task = i.task AND what = '{EventKind.ACCEPTED}'"
    " AND at <= coalesce(i.settled_at, at)))"
)
_INTENTS: Final = f"SELECT {_INTENT.columns}, i.client_token, l.what, l.detail FROM {_FROM} {_ACCEPTED}"
_LABELS: Final = " ".join(f"WHEN '{kind}' THEN '{label_of(kind)}'" for kind in _OUTCOMES)
_EMAIL: Final = (
    f"CASE WHEN t.email <> '' THEN t.email WHEN t.purged_at IS NULL THEN '{UNKNOWN_EMAIL}' ELSE '{PURGED_EMAIL}' END"
)
_SEARCHED: Final = (
    f"'#' || i.task || ' ' || i.action || ' ' || t.kind || ' ' || {_EMAIL} || ' ' || i.actor"
    f" || ' ' || {_STATE} || ' ' || CASE l.what {_LABELS} ELSE '' END || ' ' || ifnull(l.detail, '')"
)
_CHUNK: Final = 5_000
"""Intents that are searched in one read."""


def of_task(store: Store, number: int) -> list[LoggedIntent]:
    """Return the intents of task `number`, oldest first."""
    return [_intent_of(row) for row in store.rows(f"{_INTENTS} WHERE i.task = ? ORDER BY i.id", (number,))]


def cancel_refused_reason(store: Store, number: int) -> str | None:
    """Return why the newest cancellation of task `number` was refused, or None."""
    last = next((intent for intent in reversed(of_task(store, number)) if intent.action == IntentAction.CANCEL), None)
    return last.outcome_event[1] if last is not None and last.state == IntentState.REFUSED else None


def count(store: Store) -> int:
    """Return how many submissions and cancellations there are."""
    return store.integer("SELECT count(*) FROM intents")


def newest(store: Store, limit: int) -> list[LoggedIntent]:
    """Return the newest intents of all tasks, the newest first."""
    return [_intent_of(row) for row in store.rows(f"{_INTENTS} ORDER BY i.id DESC LIMIT ?", (limit,))]


def intent_ids(store: Store, words: Sequence[str] = (), is_cancelled: Callable[[], bool] = lambda: False) -> array[int]:
    """Return the ids of the intents that have all words in lower case, the newest first.

    Other threads can read between two chunks. Once `is_cancelled` returns True, ReadCancelled is raised.
    """
    found = array("q")
    fits = "".join(f" AND instr(lower({_SEARCHED}), ?)" for _ in words)
    for last in range(store.integer("SELECT max(id) FROM intents"), 0, -_CHUNK):
        sql = f"SELECT i.id FROM {_FROM} WHERE i.id > ? AND i.id <= ?{fits} ORDER BY i.id DESC"
        found.extend(store.integers(sql, (last - _CHUNK, last, *words), is_cancelled))
    return found


def by_ids(store: Store, ids: Sequence[int]) -> list[LoggedIntent]:
    """Return the intents with these ids, in this order, without missing ones."""
    marks = ",".join("?" * len(ids))
    by_id = {
        intent.id: intent for intent in map(_intent_of, store.rows(f"{_INTENTS} WHERE i.id IN ({marks})", tuple(ids)))
    }
    return [by_id[id] for id in ids if id in by_id]


def _intent_of(row: Row) -> LoggedIntent:
    token, event, detail = (None if value is None else as_text(value) for value in row[_INTENT.width :])
    return _INTENT(
        row,
        client_token_start=None if token is None else token[:_SHOWN_CHARACTERS],
        client_token_sha256=None if token is None else hashlib.sha256(token.encode()).hexdigest(),
        outcome_event=(event and label_of(event), detail),
    )
