"""The steps of a download on its task's timeline: the first ones in words, the rest as a number."""

from __future__ import annotations

from typing import Final

from bwp_tui.store.database.connection import Transaction, as_int
from bwp_tui.store.queries import timeline

CONNECTION_LOST: Final = "download cut"
POSTPONED: Final = "download put off"
RESUMED: Final = "download went on"
RESTARTED: Final = "download begun anew"

_MAX_STEPS: Final = 10
"""So many failed tries of a download are told, and so many times that it went on: a bad line makes no flood."""

_FAILED_TRIES: Final = (CONNECTION_LOST, POSTPONED)
_CONTINUATIONS: Final = (RESUMED, RESTARTED)


def append_step(transaction: Transaction, number: int, what: str, detail: str) -> None:
    """Add a step to the timeline of task `number`, unless enough of its like are told of its newest download."""
    alike = _FAILED_TRIES if what in _FAILED_TRIES else _CONTINUATIONS
    if _count_since_request(transaction, number, alike) < _MAX_STEPS:
        timeline.append(transaction, number, timeline.PROGRAM, what, detail=detail)


def append_summary(transaction: Transaction, number: int, failed_tries: int) -> None:
    """Say at the end of a download how many of its failed tries the timeline does not tell."""
    more = failed_tries - _count_since_request(transaction, number, _FAILED_TRIES)
    if more > 0:
        words = f"and {more} more {'try' if more == 1 else 'tries'} that did not bring it to its end"
        timeline.append(transaction, number, timeline.PROGRAM, "download steps", detail=words)


def _count_since_request(transaction: Transaction, number: int, kinds: tuple[str, str]) -> int:
    row = transaction.row(
        "SELECT count(*) FROM timeline WHERE task = ? AND what IN (?, ?)"
        " AND id > (SELECT coalesce(max(id), 0) FROM timeline WHERE task = ? AND what = 'download asked')",
        (number, *kinds, number),
    )
    return 0 if row is None else as_int(row[0])
