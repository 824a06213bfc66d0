"""Append the steps of a download to its task's timeline: an event for each of the first, a count of the others."""

from __future__ import annotations

from typing import Final

from bwp_tui.store.database.connection import Transaction
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import EventKind

_MAX_STEPS: Final = 10
"""Failed attempts of a download that get an event each, and likewise its continuations."""

_FAILED_ATTEMPTS: Final = (EventKind.CONNECTION_LOST, EventKind.TRANSFER_POSTPONED)
_CONTINUATIONS: Final = (EventKind.TRANSFER_RESUMED, EventKind.TRANSFER_RESTARTED)


def append_step(transaction: Transaction, number: int, what: EventKind, detail: str) -> None:
    """Append a step to the timeline of task `number`, unless its newest download has enough of that kind."""
    kinds = _FAILED_ATTEMPTS if what in _FAILED_ATTEMPTS else _CONTINUATIONS
    if _count_since_request(transaction, number, kinds) < _MAX_STEPS:
        timeline.append(transaction, number, timeline.PROGRAM, what, detail=detail)


def append_summary(transaction: Transaction, number: int, failed_attempts: int) -> None:
    """Append at the end of a download how many failed attempts have no event of their own."""
    more = failed_attempts - _count_since_request(transaction, number, _FAILED_ATTEMPTS)
    if more > 0:
        detail = f"and {more} more failed {'attempt' if more == 1 else 'attempts'}"
        timeline.append(transaction, number, timeline.PROGRAM, EventKind.MORE_ATTEMPTS, detail=detail)


def _count_since_request(transaction: Transaction, number: int, kinds: tuple[EventKind, ...]) -> int:
    return transaction.integer(
        "SELECT count(*) FROM timeline WHERE task = ? AND what IN (?, ?)"
        " AND id > (SELECT coalesce(max(id), 0) FROM timeline WHERE task = ? AND what = ?)",
        (number, *kinds, number, EventKind.DOWNLOAD_REQUESTED),
    )
