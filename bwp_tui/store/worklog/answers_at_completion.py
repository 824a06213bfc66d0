"""Record that completed requests count as answered, for shops whose legal clock stops at completion."""

from __future__ import annotations

from typing import Final

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import local_day, parse_instant
from bwp_tui.store.database.connection import Store, as_int, as_text
from bwp_tui.store.database.shared_sql import update_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import PROGRAM, EventKind

_CHUNK: Final = 500
"""Tasks of one transaction."""

_COMPLETED: Final = (
    "t.revision > ? AND t.open = 1 AND t.status = 'COMPLETED' AND (t.kind = 'DELETION' OR t.saved = 1)"
    " AND NOT EXISTS (SELECT 1 FROM timeline WHERE task = t.number"
    f" AND what IN ('{EventKind.ANSWER_WITHDRAWN}', '{EventKind.DECLINE_REQUESTED}', '{EventKind.DECLINE_WITHDRAWN}'))"
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
