"""Merge two histories, so that nothing is lost and nothing is sent twice.

A task is the same in both when its client token or its task id is, or its number with the instant it was recorded.
Of a task in both, the row with the later timeline is kept, with what the service said from the one whose status
changed later, and in a restore with what operators recorded in the other; events of earlier merges do not count. What
was purged stays purged. A request that waits in the other history may have been sent since: it is sent again under
its own client token alone, and only while that token protects it. A deletion that waits there may have been withdrawn
since, and a RECEIVED request may have been sent: both become UNCONFIRMED, for the operator to decide on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import apsw

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import KIND_UNKNOWN
from bwp_tui.store.database.shared_sql import DOWNLOAD_IS_OPEN, INTENT_IS_WAITING
from bwp_tui.store.maintenance import replay
from bwp_tui.store.maintenance.chain_check import note_broken_chains
from bwp_tui.store.maintenance.intent_repair import withhold_unsent
from bwp_tui.store.queries.timeline import PROGRAM, EventKind

_EVENT_COLUMNS: Final = "at, actor, what, before, after, detail"
_SAME_EVENT: Final = (
    "m.task = x.ours AND m.at = t.at AND m.actor = t.actor AND m.what = t.what"
    " AND m.before IS t.before AND m.after IS t.after"
)


class Merged(NamedTuple):
    """How many tasks were added, how many updated, how many lost a task id that another has, how many both had.

    Of the tasks that were added, some are `replayed`: later events of this history's timeline were applied to them.
    """

    added: int = 0
    updated: int = 0
    duplicate_ids: int = 0
    common: int = 0
    replayed: int = 0


def merge(db: apsw.Connection, now: str, event: EventKind, source: str) -> Merged:
    """Merge the history attached to `db` as `other`, of the same schema, into the main one.

    A task whose row alone is lost here gets the row of the other history, and what its own timeline says came later.

    Args:
        now: the instant, as text.
        event: the timeline event of each task that comes from the other history: `recovered` or `restored`.
        source: the name of the other history, for the event's detail.
    """
    db.execute("CREATE TEMP TABLE IF NOT EXISTS replaced (number INTEGER NOT NULL, name TEXT NOT NULL)")
    _match(db)
    revision = _next_revision(db)
    doubled = _record_doubled_ids(db, now)
    whole = replay.whole_timelines(db)
    _add_tasks(db, revision)
    replay.apply_later_events(db, now)
    _update_tasks(db, revision, is_own_backup=event is EventKind.RECOVERED)
    if event is EventKind.RESTORED:  # in a recovery, a timeline may lack what its row has
        replay.apply_events_of_both(db)
    _replace_rebuilt_values(db)
    _repair_values(db)
    _add_intents(db)
    _settle_intents(db)
    _lapse_submissions(db, now)
    proven = ", ".join(map(str, whole))
    withhold_unsent(db, now, f"number IN (SELECT ours FROM matched WHERE fresh) AND number NOT IN ({proven})")
    _add_downloads(db, now, revision)
    _add_timeline(db)
    _add_chains(db)
    db.execute(
        "INSERT OR IGNORE INTO main.service_events (event_id, task, type, occurred_at, received_at)"
        " SELECT e.event_id, x.ours, e.type, e.occurred_at, e.received_at FROM other.service_events e"
        " JOIN matched x ON x.theirs = e.task ORDER BY e.received_at"
    )
    db.execute(
        "INSERT INTO timeline (task, at, actor, what, after, detail)"
        " SELECT ours, ?, ?, ?, iif(later_status, m.status, NULL),"
        " ? || iif(replayed, ', brought up to date by its timeline', '')"
        " FROM matched JOIN main.tasks m ON m.number = ours WHERE fresh OR later OR later_status OR replayed",
        (now, PROGRAM, event, f"from {source}"),
    )
    # The operator's own views: one that both name alike stays as it is here.
    db.execute("INSERT OR IGNORE INTO main.views SELECT * FROM other.views")
    matched, added = scalar(db, "SELECT count(*) FROM matched"), scalar(db, "SELECT sum(fresh) FROM matched")
    updated = scalar(db, "SELECT count(*) FROM matched WHERE NOT fresh AND (later OR later_status OR replayed)")
    replayed = scalar(db, "SELECT sum(replayed) FROM matched WHERE fresh")
    db.execute("DROP TABLE temp.matched")
    return Merged(added, updated, doubled, matched - added, replayed)


def scalar(db: apsw.Connection, sql: str) -> int:
    """Return the number that a query returns; 0 for NULL."""
    ((value,),) = db.execute(sql).fetchall()
    return int(value or 0)


_MERGED: Final = (
    "SELECT o.number FROM other.tasks o JOIN main.tasks m ON m.task_id = o.task_id JOIN main.timeline t"
    f" ON t.task = m.number AND t.what = '{EventKind.MERGED}' AND t.detail GLOB 'with #' || o.number || ',*'"
)
"""The rows of the other history that became one with another row of the same task in this one."""


_LOST_VALUES: Final = (
    "kind",
    "received_on",
    "regulation",
    "due_on",
    "holding_period",
    "reason",
    "note",
    "tags",
    "email",
)
"""The columns that such a row lacks."""

_UNKNOWN_KIND: Final = f"instr(m.tags || o.tags, '\"{KIND_UNKNOWN}\"')"


_SENT_APART: Final = (
    "m.task_id <> o.task_id"
    " AND NOT EXISTS (SELECT 1 FROM main.timeline t WHERE t.task = m.number AND instr(t.detail, o.task_id))"
    " AND NOT EXISTS (SELECT 1 FROM other.timeline t WHERE t.task = o.number AND instr(t.detail, m.task_id))"
)
"""Whether a request was sent in both histories: each has a task of its own at the service, and is a row of its own."""


def _match(db: apsw.Connection) -> None:
    """Fill `matched`: each task of the other history, except those of `_MERGED`, with its number in this one."""
    db.execute(
        "CREATE TEMP TABLE matched (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL UNIQUE,"
        " fresh INTEGER NOT NULL DEFAULT 0, later INTEGER NOT NULL DEFAULT 0, later_status INTEGER NOT NULL DEFAULT 0,"
        " replayed INTEGER NOT NULL DEFAULT 0)"
    )
    for same in (
        "SELECT o.number, m.number FROM other.tasks o JOIN main.tasks m ON m.number = o.number"
        f" AND m.recorded_at = o.recorded_at AND (m.kind = o.kind OR {_UNKNOWN_KIND})"
        f" WHERE NOT coalesce({_SENT_APART}, FALSE)",
        # A reference may be damaged: the two must agree in their number, or in what an import gives one task only.
        "SELECT o.task, m.task FROM other.intents o JOIN main.intents m ON m.client_token = o.client_token"
        " WHERE m.task = o.task OR EXISTS (SELECT recorded_at, email FROM main.tasks WHERE number = m.task"
        " INTERSECT SELECT recorded_at, email FROM other.tasks WHERE number = o.task)",
        f"SELECT o.number, m.number FROM other.tasks o JOIN main.tasks m ON m.task_id = o.task_id"
        f" WHERE o.number NOT IN ({_MERGED})",
    ):
        db.execute(f"INSERT OR IGNORE INTO matched (theirs, ours) {same}")
    # A number that is free, or whose task alone was lost, is kept; another task's is not taken.
    db.execute(
        "INSERT OR IGNORE INTO matched (theirs, ours) SELECT number, number FROM other.tasks"
        f" WHERE number NOT IN (SELECT number FROM main.tasks) AND number NOT IN ({_MERGED})"
    )
    highest = scalar(
        db,
        "SELECT max(n) FROM (SELECT max(number) AS n FROM main.tasks UNION SELECT max(ours) FROM matched"
        " UNION SELECT seq FROM main.sqlite_sequence WHERE name = 'tasks')",
    )
    db.execute(
        "INSERT INTO matched (theirs, ours) SELECT number, ? + row_number() OVER (ORDER BY number) FROM other.tasks"
        f" WHERE number NOT IN (SELECT theirs FROM matched) AND number NOT IN ({_MERGED})",
        (highest,),
    )
    db.execute("UPDATE matched SET fresh = 1 WHERE ours NOT IN (SELECT number FROM main.tasks)")


def _next_revision(db: apsw.Connection) -> int:
    return scalar(
        db,
        "UPDATE main.meta SET newest_at = max(newest_at, (SELECT newest_at FROM other.meta)),"
        " target_id = coalesce(target_id, (SELECT target_id FROM other.meta)),"
        " api_host = coalesce(api_host, (SELECT api_host FROM other.meta)),"
        " revision = 1 + max(revision, (SELECT revision FROM other.meta),"
        " (SELECT coalesce(max(revision), 0) FROM main.tasks), (SELECT coalesce(max(revision), 0) FROM other.tasks))"
        " RETURNING revision",
    )


def _columns(db: apsw.Connection, table: str, *without: str) -> list[str]:
    names = [str(row[1]) for row in db.execute(f"PRAGMA main.table_info({table})")]
    return [name for name in names if name not in without]


_SAME_ID: Final = "SELECT m.number FROM main.tasks m WHERE m.task_id = o.task_id AND m.number <> x.ours"
"""Another task of this history that has the task id of the task `o` of the other one."""

_NOT_REPAIRED: Final = ("number", "task_id", "status", "terminal", "resubmit_of", "earlier", "download", "revision")

_TRANSLATED: Final = {
    "task_id": f"CASE WHEN EXISTS ({_SAME_ID}) THEN NULL ELSE o.task_id END",
    "status": f"CASE WHEN o.terminal = 0 AND EXISTS ({_SAME_ID}) THEN 'UNCONFIRMED' ELSE o.status END",
    "next_poll_at": f"CASE WHEN EXISTS ({_SAME_ID}) THEN NULL ELSE o.next_poll_at END",
    "resubmit_of": "(SELECT ours FROM matched WHERE theirs = o.resubmit_of)",
    "earlier": "(SELECT ours FROM matched WHERE theirs = o.earlier)",
    "download": "NULL",
}


def _other_columns(names: list[str], revision: int) -> str:
    """Return the columns of `other.tasks o` with its task numbers translated to those of this history."""
    return ", ".join(str(revision) if name == "revision" else _TRANSLATED.get(name, f"o.{name}") for name in names)


def _add_tasks(db: apsw.Connection, revision: int) -> None:
    names = _columns(db, "tasks", "number")
    db.execute(
        f"INSERT INTO main.tasks (number, {', '.join(names)}) SELECT x.ours, {_other_columns(names, revision)}"
        " FROM other.tasks o JOIN matched x ON x.theirs = o.number WHERE x.fresh ORDER BY x.ours"
    )


_STATUSES: Final = ", ".join(f"'{status}'" for status in Status)


_IS_UNKNOWN: Final = "{one}.task_id IS NULL AND {one}.status IN ('UNCONFIRMED', 'GIVEN_UP')"
_LEARNED: Final = (
    f"({_IS_UNKNOWN} AND {{two}}.task_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {{own}}.timeline t"
    " WHERE t.task = {one}.number AND instr(t.detail, {two}.task_id)))"
)
"""Whether a row was decided on without the task id that the other row has, and that its own timeline never had."""


def _update_tasks(db: apsw.Connection, revision: int, *, is_own_backup: bool) -> None:
    """Take from the other history the rows whose timeline is later there, and the columns of a later status.

    A row that was changed after the history's own backup was made stays, even if its timeline is lost.
    """
    changed_before = "m.revision <= (SELECT revision FROM other.meta)" if is_own_backup else "TRUE"
    for flag, events in (
        ("later", "TRUE"),
        ("later_status", f"(what = '{EventKind.STATUS}' OR after IN ({_STATUSES}))"),
    ):
        # What a merge recorded says when a copy was made, not when something happened.
        latest = (
            "coalesce((SELECT max(at) FROM {} WHERE task = {}"
            f" AND what NOT IN ('{EventKind.RECOVERED}', '{EventKind.RESTORED}') AND {events}), '')"
        )
        db.execute(
            f"UPDATE matched SET {flag} = 1 WHERE NOT fresh AND (SELECT m.purged_at IS NULL AND {changed_before}"
            f" AND ({latest.format('other.timeline', 'theirs')}, o.revision)"
            f" > ({latest.format('main.timeline', 'ours')}, m.revision)"
            " FROM other.tasks o, main.tasks m WHERE o.number = theirs AND m.number = ours)"
        )
    learned = _LEARNED.format(one="m", two="o", own="main")
    unlearned = _LEARNED.format(one="o", two="m", own="other")
    for value, condition in ((1, learned), (0, unlearned)):
        db.execute(
            f"UPDATE matched SET later_status = {value} WHERE NOT fresh AND EXISTS (SELECT 1 FROM other.tasks o"
            f" JOIN main.tasks m ON m.number = ours WHERE o.number = theirs AND m.purged_at IS NULL AND {condition})"
        )
    _take_columns(db, _columns(db, "tasks", "number", "download", *replay.SERVICE_COLUMNS), "later", revision)
    _take_columns(db, [*replay.SERVICE_COLUMNS, "revision"], "later_status", revision)


def _take_columns(db: apsw.Connection, names: list[str], flag: str, revision: int) -> None:
    db.execute(
        f"UPDATE main.tasks AS m SET ({', '.join(names)}) = (SELECT {_other_columns(names, revision)}"
        " FROM other.tasks o JOIN matched x ON x.theirs = o.number WHERE x.ours = m.number)"
        f" WHERE number IN (SELECT ours FROM matched WHERE {flag})"
    )


def _record_doubled_ids(db: apsw.Connection, now: str) -> int:
    """Record an event for each task that loses its task id, since another task has it; return how many."""
    events = db.execute(
        "INSERT INTO main.timeline (task, at, actor, what, before, after, detail)"
        f" SELECT x.ours, ?, ?, '{EventKind.RECOVERED}', CASE WHEN o.terminal = 0 THEN o.status END,"
        " CASE WHEN o.terminal = 0 THEN 'UNCONFIRMED' END,"
        f" 'its task id ' || o.task_id || ' is that of #' || ({_SAME_ID})"
        f" FROM other.tasks o JOIN matched x ON x.theirs = o.number WHERE x.fresh AND EXISTS ({_SAME_ID}) RETURNING id",
        (now, PROGRAM),
    )
    return len(events.fetchall())


def _replace_rebuilt_values(db: apsw.Connection) -> None:
    """Have the values that a row rebuilt from its timeline lacks taken from the other history."""
    rebuilt = f"SELECT task FROM main.timeline WHERE what = '{EventKind.RECOVERED}' AND detail GLOB '{replay.REBUILT}*'"
    for name in _LOST_VALUES:
        db.execute(
            "INSERT INTO replaced SELECT m.number, ? FROM main.tasks m JOIN matched x ON x.ours = m.number"
            " JOIN other.tasks o ON o.number = x.theirs WHERE m.email = '' AND o.email <> ''"
            f" AND m.number IN ({rebuilt})",
            (name,),
        )


def _repair_values(db: apsw.Connection) -> None:
    """Take the values that were damaged in this history from the other one."""
    same = "replaced r JOIN matched x ON x.ours = r.number WHERE NOT x.fresh AND NOT x.later"
    for (name,) in db.execute(f"SELECT DISTINCT r.name FROM {same}").fetchall():
        if name not in _NOT_REPAIRED:
            db.execute(
                f"UPDATE main.tasks AS m SET {name} = (SELECT o.{name} FROM other.tasks o"
                " JOIN matched x ON x.theirs = o.number WHERE x.ours = m.number)"
                f" WHERE number IN (SELECT r.number FROM {same} AND r.name = ?)",
                (name,),
            )


def _add_intents(db: apsw.Connection) -> None:
    names = _columns(db, "intents", "id", "task", "attempts", "first_sent_at")
    shown = ", ".join(f"o.{name}" for name in names)
    # Since the other history was written, a request may have left: it counts as sent when it was asked for.
    db.execute(
        f"INSERT INTO main.intents (task, attempts, first_sent_at, {', '.join(names)})"
        f" SELECT x.ours, CASE WHEN o.{INTENT_IS_WAITING} THEN max(o.attempts, 1) ELSE o.attempts END,"
        f" CASE WHEN o.{INTENT_IS_WAITING} THEN coalesce(o.first_sent_at, o.asked_at) ELSE o.first_sent_at END,"
        f" {shown} FROM other.intents o JOIN matched x ON x.theirs = o.task"
        " WHERE NOT EXISTS (SELECT 1 FROM main.intents m WHERE m.client_token = o.client_token)"
        " AND NOT EXISTS (SELECT 1 FROM main.intents m WHERE m.task = x.ours AND m.action = o.action"
        " AND m.asked_at = o.asked_at)"
        " AND NOT EXISTS (SELECT 1 FROM main.tasks t WHERE t.number = x.ours AND t.purged_at IS NOT NULL)"
        " ORDER BY o.id"
    )


def _settle_intents(db: apsw.Connection) -> None:
    """Settle intents that were settled in the other history, and keep the attempts of both."""
    db.execute(
        "UPDATE main.intents AS m SET (state, settled_at, attempts, first_sent_at) ="
        f" (SELECT CASE WHEN m.{INTENT_IS_WAITING} THEN o.state ELSE m.state END, coalesce(m.settled_at, o.settled_at),"
        " max(m.attempts, o.attempts), min(coalesce(m.first_sent_at, o.first_sent_at),"
        " coalesce(o.first_sent_at, m.first_sent_at)) FROM other.intents o JOIN matched x ON x.theirs = o.task"
        " WHERE x.ours = m.task AND o.action = m.action AND o.asked_at = m.asked_at)"
        " WHERE EXISTS (SELECT 1 FROM other.intents o JOIN matched x ON x.theirs = o.task"
        " WHERE x.ours = m.task AND o.action = m.action AND o.asked_at = m.asked_at)"
    )


def _lapse_submissions(db: apsw.Connection, now: str) -> None:
    """Lapse the waiting submissions of tasks that are not to be sent: RECEIVED again, or ended, as one row says."""
    db.execute(
        f"UPDATE main.intents SET state = 'lapsed', settled_at = ? WHERE action = 'submit' AND {INTENT_IS_WAITING}"
        " AND task IN (SELECT number FROM main.tasks WHERE terminal = 1 OR status = 'RECEIVED')",
        (now,),
    )


def _add_downloads(db: apsw.Connection, now: str, revision: int) -> None:
    """Add the downloads; those that had not ended become cancelled, and are not restarted by themselves."""
    names = _columns(db, "downloads", "id", "task", "state", "trouble", "finished_at", "revision", "paused", "place")
    shown = ", ".join(f"o.{name}" for name in names)
    db.execute(
        f"INSERT INTO main.downloads (task, state, trouble, finished_at, revision, {', '.join(names)})"
        f" SELECT x.ours, CASE WHEN o.{DOWNLOAD_IS_OPEN} THEN 'cancelled' ELSE o.state END, o.trouble,"
        f" CASE WHEN o.{DOWNLOAD_IS_OPEN} THEN ? ELSE o.finished_at END, ?, {shown}"
        " FROM other.downloads o JOIN matched x ON x.theirs = o.task"
        " WHERE NOT EXISTS (SELECT 1 FROM main.downloads m WHERE m.task = x.ours AND m.asked_at = o.asked_at)"
        " AND NOT EXISTS (SELECT 1 FROM main.tasks t WHERE t.number = x.ours AND t.purged_at IS NOT NULL)"
        " ORDER BY o.id",
        (now, revision),
    )
    db.execute(
        "UPDATE main.tasks SET download = (SELECT max(id) FROM main.downloads d WHERE d.task = tasks.number)"
        " WHERE number IN (SELECT ours FROM matched)"
    )


def _add_timeline(db: apsw.Connection) -> None:
    """Add the missing events, and renumber all of them where that is needed for their order."""
    missing = (
        " FROM other.timeline t JOIN matched x ON x.theirs = t.task WHERE NOT EXISTS"
        f" (SELECT 1 FROM main.timeline m WHERE {_SAME_EVENT})"
        " AND NOT EXISTS (SELECT 1 FROM main.tasks p WHERE p.number = x.ours AND p.purged_at IS NOT NULL)"
    )
    between = db.execute(
        f"SELECT 1 {missing} AND EXISTS (SELECT 1 FROM main.timeline m WHERE m.task = x.ours AND m.at > t.at) LIMIT 1"
    ).fetchall()
    columns = ", ".join(f"t.{name}" for name in _EVENT_COLUMNS.split(", "))
    db.execute(f"INSERT INTO main.timeline (task, {_EVENT_COLUMNS}) SELECT x.ours, {columns} {missing} ORDER BY t.id")
    if between:
        db.execute(f"CREATE TABLE main.lines AS SELECT task, {_EVENT_COLUMNS} FROM timeline ORDER BY at, id")
        db.execute("DELETE FROM main.timeline")
        db.execute(f"INSERT INTO main.timeline (task, {_EVENT_COLUMNS}) SELECT task, {_EVENT_COLUMNS} FROM main.lines")
        db.execute("DROP TABLE main.lines")


def _add_chains(db: apsw.Connection) -> None:
    """Add the digests of the added tasks whose numbers are the same, and those that are kept of removed tasks."""
    same = "(SELECT theirs FROM matched WHERE fresh AND ours = theirs)"
    note_broken_chains(db, f"IN {same}", "other")
    db.execute(f"INSERT OR REPLACE INTO main.chains SELECT * FROM other.chains WHERE task IN {same}")
    db.execute(
        "INSERT OR IGNORE INTO main.chains SELECT * FROM other.chains"
        " WHERE links = x'' AND task NOT IN (SELECT number FROM main.tasks)"
    )
