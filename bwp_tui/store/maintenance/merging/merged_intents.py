"""Take the intents of the other history of a merge into this one."""

from __future__ import annotations

import apsw

from bwp_tui.store.database.shared_sql import INTENT_IS_WAITING
from bwp_tui.store.maintenance.merging.matching import IS_PURGED_HERE_ALONE


def add_intents(db: apsw.Connection, names: list[str]) -> list[int]:
    """Add the intents that this history lacks; return the tasks of waiting submissions among them.

    Args:
        names: the columns to take, besides how often each was sent.
    """
    values = ", ".join(f"o.{name}" for name in names)
    # Since the other history was written, a request may have left: it counts as sent when it was asked for.
    added = db.execute(
        f"INSERT INTO main.intents (task, attempts, first_sent_at, {', '.join(names)})"
        f" SELECT x.ours, CASE WHEN o.{INTENT_IS_WAITING} THEN max(o.attempts, 1) ELSE o.attempts END,"
        f" CASE WHEN o.{INTENT_IS_WAITING} THEN coalesce(o.first_sent_at, o.asked_at) ELSE o.first_sent_at END,"
        f" {values} FROM other.intents o JOIN matched x ON x.theirs = o.task"
        " WHERE NOT EXISTS (SELECT 1 FROM main.intents m WHERE m.client_token = o.client_token)"
        " AND NOT EXISTS (SELECT 1 FROM main.intents m WHERE m.task = x.ours AND m.action = o.action"
        " AND m.asked_at = o.asked_at)"
        f" AND NOT {IS_PURGED_HERE_ALONE}"
        f" ORDER BY o.id RETURNING task, action = 'submit' AND {INTENT_IS_WAITING}"
    )
    return [int(str(task)) for task, is_waiting in added.fetchall() if is_waiting]


def merge_intents(db: apsw.Connection) -> None:
    """End intents that have ended in the other history; keep the higher number of attempts.

    What lapsed here, as in a recovery, may have had its response there.
    """
    is_open = f"(m.{INTENT_IS_WAITING} OR (m.state = 'lapsed' AND o.state IN ('done', 'refused')))"
    db.execute(
        "UPDATE main.intents AS m SET (state, settled_at, attempts, first_sent_at) ="
        f" (SELECT iif({is_open}, o.state, m.state),"
        f" iif({is_open}, o.settled_at, coalesce(m.settled_at, o.settled_at)),"
        " max(m.attempts, o.attempts), min(coalesce(m.first_sent_at, o.first_sent_at),"
        " coalesce(o.first_sent_at, m.first_sent_at)) FROM other.intents o JOIN matched x ON x.theirs = o.task"
        " WHERE x.ours = m.task AND o.action = m.action AND o.asked_at = m.asked_at)"
        " WHERE EXISTS (SELECT 1 FROM other.intents o JOIN matched x ON x.theirs = o.task"
        " WHERE x.ours = m.task AND o.action = m.action AND o.asked_at = m.asked_at)"
    )
