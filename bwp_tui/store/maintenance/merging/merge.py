"""Merge two histories, so that nothing is lost and nothing is sent twice.

Two rows are of the same task if they have the same client token, the same task id, or the same number and instant of
recording (`matching`). The newer row is kept. If each timeline has events that the other lacks, the row gets the
columns that the events of both timelines give, in the order of time (`merged_rows.changes_by_both_timelines`). What was
purged stays purged.

Three rules do not come from the timelines:

- A damaged history may have lost events that its rows still show. In a recovery, a row that is newer than the backup
  therefore stays as it is.
- A request that waits in the other history may have been sent since: it is sent again under its own client token alone,
  and only while that token protects it.
- A deletion that waits there may have been withdrawn since, and a RECEIVED request may have been sent: both become
  UNCONFIRMED, for the operator to decide on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import apsw

from bwp_tui.store.database.shared_sql import DOWNLOAD_IS_OPEN, DOWNLOAD_OF_TASK, EARLIER_TASK
from bwp_tui.store.maintenance import chain_check, replay, task_rows
from bwp_tui.store.maintenance.intent_repair import make_disputed_unconfirmed, make_unsent_unconfirmed
from bwp_tui.store.maintenance.merging import matching, merged_rows, task_ids
from bwp_tui.store.maintenance.merging.contradicted_values import contradicted_values, write_instead
from bwp_tui.store.maintenance.merging.disputes import tag_successors
from bwp_tui.store.maintenance.merging.matching import IS_PURGED_HERE_ALONE
from bwp_tui.store.maintenance.merging.merged_intents import add_intents, merge_intents
from bwp_tui.store.queries.columns_from_events import LOST_ID_PREFIX
from bwp_tui.store.queries.saved_results import is_on_disk
from bwp_tui.store.queries.timeline import EVENT_COLUMNS, INSERT_EVENT, PROGRAM, EventKind

_SAME_EVENT: Final = (
    "m.task = x.ours AND t.task = x.theirs AND m.at = t.at AND m.actor = t.actor AND m.what = t.what"
    " AND m.before IS t.before AND m.after IS t.after"
    " AND (m.detail IS t.detail OR m.detail IS NULL OR t.detail IS NULL)"
)
"""Whether events `m` of this history and `t` of the other one are the same; a purge may have removed a detail."""


_HAPPENED: Final = (
    f"what NOT IN ('{EventKind.RECOVERED}', '{EventKind.RESTORED}')"
    f" AND NOT (what = '{EventKind.TAGS}' AND actor = '{PROGRAM}')"
)
"""Whether an event says that something happened, and not what a merge recorded and tagged."""


class MergeResult(NamedTuple):
    """How many tasks were added and updated, how many lost their id to another task, and how many both histories had.

    `only_here` counts tasks that the other history had not, `replayed` added tasks to which later events of this
    history's timeline were applied, `renumbered` those that have another number here, and `stopped_downloads` tasks
    whose newest download had not ended there.
    """

    added: int = 0
    updated: int = 0
    lost_ids: int = 0
    common: int = 0
    only_here: int = 0
    replayed: int = 0
    renumbered: int = 0
    stopped_downloads: int = 0
    proven_values: tuple[str, ...] = ()
    """Tasks and columns that were damaged here, and corrected by the other history as the digests prove."""


def merge(db: apsw.Connection, now: str, event: EventKind, source: str) -> MergeResult:
    """Merge the history attached to `db` as `other`, of the same schema, into the main one.

    A task whose row alone is lost here gets the row of the other history, and what its own timeline says came later.

    Args:
        now: the instant, as text.
        event: the timeline event of each task that comes from the other history: `recovered` or `restored`.
        source: the name of the other history, for the event's detail.
    """
    proven = chain_check.values_proven_by_digests(db)
    if event is EventKind.RECOVERED:  # what is restored is no damage: a change by another program is to be recorded
        chain_check.repair_events(db)
    for number, values in proven.items():
        task_rows.write_row(db, number, values, now)
    matching.match(db)
    revision = _next_revision(db)
    _compare_timelines(db)
    task_ids.release_rejected_ids(db)
    _choose_rows(db, is_own_backup=event is EventKind.RECOVERED)
    _choose_rows_without_events(db)
    undamaged = replay.values_without_damage(db)
    contradicted = contradicted_values(db)
    lost_ids = _record_lost_ids(db, now)
    unsent_numbers = ", ".join(map(str, replay.proven_unsent_tasks(db)))
    changed = merged_rows.changes_by_both_timelines(db, is_recovery=event is EventKind.RECOVERED)
    doubled = matching.doubled_requests(db)
    _take_rows(db, revision)
    _repair_values(db)
    _find_earlier_tasks(db)
    _add_timeline(db)
    tagged = merged_rows.write_changes(db, changed, now)
    write_instead(db, contradicted, now)
    waiting = add_intents(db, _columns(db, "intents", "id", "task", "attempts", "first_sent_at"))
    merge_intents(db)
    # What this history knows as RECEIVED or declined may wait in the other one; in a recovery the row is right.
    waiting_numbers = ", ".join(map(str, waiting if event is EventKind.RESTORED else ()))
    is_from_other = f"(number IN (SELECT ours FROM matched WHERE is_new) OR number IN ({waiting_numbers}))"
    make_unsent_unconfirmed(db, now, f"{is_from_other} AND number NOT IN ({unsent_numbers})")
    matching.tag_doubled_requests(db, now, doubled)
    for _, number, other in doubled:
        tagged += [other, *tag_successors(db, number, now), *tag_successors(db, other, now)]
    make_disputed_unconfirmed(db, now, tagged)
    for number, values in undamaged.items():
        task_rows.write_with_due_date(db, number, values, now)
        db.execute("UPDATE matched SET replayed = 1 WHERE ours = ?", (number,))
    stopped_downloads = _add_downloads(db, now, revision, source)
    _add_chains(db)
    db.execute(
        "INSERT OR IGNORE INTO main.service_events (event_id, task, type, occurred_at, received_at)"
        " SELECT e.event_id, x.ours, e.type, e.occurred_at, e.received_at FROM other.service_events e"
        " JOIN matched x ON x.theirs = e.task ORDER BY e.received_at"
    )
    _record_merge(db, now, event, source)
    for number, values in proven.items():
        detail = f"with {', '.join(values)} of {source}, as its digests say"
        db.execute(INSERT_EVENT, (number, now, PROGRAM, event, None, None, detail))
    # The operator's own views: one that both name alike stays as it is here.
    db.execute("INSERT OR IGNORE INTO main.views SELECT * FROM other.views")
    added = task_rows.integer(db, "SELECT sum(is_new) FROM matched")
    common = task_rows.integer(db, "SELECT count(*) FROM matched WHERE NOT is_new")
    only_here = task_rows.integer(db, "SELECT count(*) FROM main.tasks WHERE number NOT IN (SELECT ours FROM matched)")
    is_updated = "NOT is_new AND (replayed OR has_new_events)"
    updated = task_rows.integer(db, f"SELECT count(*) FROM matched WHERE {is_updated}")
    replayed = task_rows.integer(db, "SELECT sum(replayed) FROM matched WHERE is_new")
    renumbered = task_rows.integer(db, "SELECT count(*) FROM matched WHERE is_new AND ours <> theirs")
    db.execute("DROP TABLE temp.missing_events; DROP TABLE temp.matched")
    proven_names = tuple(f"#{number}: {', '.join(values)}" for number, values in proven.items())
    return MergeResult(
        added, updated, lost_ids, common, only_here, replayed, renumbered, stopped_downloads, proven_names
    )


def _next_revision(db: apsw.Connection) -> int:
    return task_rows.integer(
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
"""Another task of this history that has the task id of task `o`."""

_NEVER_REPAIRED: Final = ("number", "task_id", "status", "terminal", "resubmit_of", "earlier", "download", "revision")

_TRANSLATED_COLUMNS: Final = {
    "task_id": f"CASE WHEN EXISTS ({_SAME_ID}) THEN NULL ELSE o.task_id END",
    "status": f"CASE WHEN o.terminal = 0 AND EXISTS ({_SAME_ID}) THEN 'UNCONFIRMED' ELSE o.status END",
    "next_poll_at": f"CASE WHEN EXISTS ({_SAME_ID}) THEN NULL ELSE o.next_poll_at END",
    "resubmit_of": "(SELECT ours FROM matched WHERE theirs = o.resubmit_of)",
    "earlier": "(SELECT ours FROM matched WHERE theirs = o.earlier)",
    "download": "NULL",
}


def _other_columns(names: list[str], revision: int) -> str:
    """Return the columns of `other.tasks o` with its task numbers translated to those of this history."""
    return ", ".join(
        str(revision) if name == "revision" else _TRANSLATED_COLUMNS.get(name, f"o.{name}") for name in names
    )


def _compare_timelines(db: apsw.Connection) -> None:
    """Fill `missing_events` with the events that this history lacks; set `has_own_events` of tasks."""
    db.execute("CREATE TEMP TABLE missing_events (ours INTEGER, id INTEGER, PRIMARY KEY (ours, id)) WITHOUT ROWID")
    db.execute(
        "INSERT INTO missing_events SELECT x.ours, t.id FROM matched x JOIN other.timeline t ON t.task = x.theirs"
        f" WHERE NOT EXISTS (SELECT 1 FROM main.timeline m WHERE {_SAME_EVENT})"
    )
    db.execute(
        "UPDATE matched AS x SET has_own_events = 1 WHERE EXISTS (SELECT 1 FROM main.timeline m WHERE m.task = x.ours"
        f" AND NOT EXISTS (SELECT 1 FROM other.timeline t WHERE {_SAME_EVENT}))"
    )
    db.execute(
        "UPDATE matched SET has_new_events = 1 WHERE ours IN (SELECT ours FROM missing_events JOIN other.timeline"
        f" USING (id) WHERE {_HAPPENED})"
    )


def _choose_rows(db: apsw.Connection, *, is_own_backup: bool) -> None:
    """Set `is_taken` of tasks whose row the other history has: a newer row, or the only one that was not rebuilt.

    A rebuilt row was made from its timeline. A purged row counts as newer: its timeline has lost what the row has.
    """
    is_rebuilt = (
        f"EXISTS (SELECT 1 FROM {{}}.timeline WHERE task = {{}}.number AND what = '{EventKind.RECOVERED}'"
        f" AND detail GLOB '{replay.ROW_REBUILT}*')"
    )
    rebuilt = f"{is_rebuilt.format('main', 'm')} AND NOT {is_rebuilt.format('other', 'o')}"
    # What a merge recorded says when a copy was made, not when something happened.
    latest = f"coalesce((SELECT max(at) FROM {{}} WHERE task = {{}} AND {_HAPPENED}), '')"
    changed_before = "m.revision <= (SELECT revision FROM other.meta)" if is_own_backup else "TRUE"
    db.execute(
        f"UPDATE matched SET is_taken = is_new OR (SELECT {rebuilt} OR {changed_before}"
        f" AND (o.purged_at IS NOT NULL, {latest.format('other.timeline', 'theirs')}, o.revision)"
        f" > (m.purged_at IS NOT NULL, {latest.format('main.timeline', 'ours')}, m.revision)"
        " FROM other.tasks o, main.tasks m WHERE o.number = theirs AND m.number = ours)"
    )


def _choose_rows_without_events(db: apsw.Connection) -> None:
    """Choose the rows that are later than their timelines, since a recovery has lost events; they stay as they are."""
    begun_anew = f"what = '{EventKind.RECOVERED}' AND detail GLOB '*{chain_check.EVENTS_REMOVED}*'"
    for ours, theirs in db.execute(
        "SELECT ours, theirs FROM matched WHERE NOT is_new"
        f" AND (EXISTS (SELECT 1 FROM main.timeline WHERE task = ours AND {begun_anew})"
        f" OR EXISTS (SELECT 1 FROM other.timeline WHERE task = theirs AND {begun_anew}))"
    ).fetchall():
        here, there = (
            task_rows.timeline_rows(
                db.execute(f"SELECT {EVENT_COLUMNS} FROM {schema}.timeline WHERE task = ?", (number,))
            )
            for schema, number in (("main", ours), ("other", theirs))
        )
        if replay.has_later_row(here, there) or replay.has_later_row(there, here):
            is_taken = not replay.has_later_row(here, there)
            db.execute("UPDATE matched SET is_taken = ?, stays_as_it_is = 1 WHERE ours = ?", (is_taken, ours))


def _take_rows(db: apsw.Connection, revision: int) -> None:
    """Take the chosen rows of the other history."""
    names = _columns(db, "tasks", "number", "download")
    db.execute(
        f"INSERT INTO main.tasks (number, {', '.join(names)}) SELECT x.ours, {_other_columns(names, revision)}"
        " FROM other.tasks o JOIN matched x ON x.theirs = o.number WHERE x.is_taken ORDER BY x.ours"
        f" ON CONFLICT (number) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)}"
    )


def _record_lost_ids(db: apsw.Connection, now: str) -> int:
    """Record an event for each task that loses its task id, since another task has it; return how many."""
    events = db.execute(
        f"INSERT INTO main.timeline (task, {EVENT_COLUMNS})"
        f" SELECT x.ours, ?, ?, '{EventKind.RECOVERED}', CASE WHEN o.terminal = 0 THEN o.status END,"
        " CASE WHEN o.terminal = 0 THEN 'UNCONFIRMED' END,"
        f" '{LOST_ID_PREFIX}' || o.task_id || ' is that of another task'"
        f" FROM other.tasks o JOIN matched x ON x.theirs = o.number WHERE x.is_taken AND EXISTS ({_SAME_ID})"
        " RETURNING id",
        (now, PROGRAM),
    )
    return len(events.fetchall())


def _repair_values(db: apsw.Connection) -> None:
    """Replace damaged values of this history by those of the other history."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS damaged_values (number INTEGER NOT NULL, name TEXT NOT NULL)")
    same = "damaged_values r JOIN matched x ON x.ours = r.number WHERE NOT x.is_taken"
    for (name,) in db.execute(f"SELECT DISTINCT r.name FROM {same}").fetchall():
        if name not in _NEVER_REPAIRED:
            db.execute(
                f"UPDATE main.tasks AS m SET {name} = (SELECT o.{name} FROM other.tasks o"
                " JOIN matched x ON x.theirs = o.number WHERE x.ours = m.number)"
                f" WHERE number IN (SELECT r.number FROM {same} AND r.name = ?)",
                (name,),
            )


def _find_earlier_tasks(db: apsw.Connection) -> None:
    """Set the earlier task of the same email and kind, for the emails of tasks that the other history added."""
    db.execute(
        f"UPDATE main.tasks AS t SET earlier = {EARLIER_TASK}"
        " WHERE earlier IS NULL AND email <> '' AND email COLLATE NOCASE IN"
        " (SELECT email FROM main.tasks JOIN matched ON ours = number WHERE is_new)"
    )


def _add_downloads(db: apsw.Connection, now: str, revision: int, source: str) -> int:
    """Add the downloads of the other history; return of how many tasks the newest had not ended.

    These become failed: none restarts by itself, and a retry resumes the partial file if it is on this disk. A result
    on this disk, and a download that has not ended here, stay the newest of their tasks: those of the other history may
    be on another machine.
    """
    (last,) = next(db.execute("SELECT coalesce(max(id), 0) FROM main.downloads"))
    names = _columns(db, "downloads", "id", "task", "state", "trouble", "finished_at", "revision", "paused", "place")
    values = ", ".join(f"o.{name}" for name in names)
    trouble = f"It had not ended in {source}."
    db.execute(
        f"INSERT INTO main.downloads (task, state, trouble, finished_at, revision, {', '.join(names)})"
        f" SELECT x.ours, iif(o.{DOWNLOAD_IS_OPEN}, 'failed', o.state), iif(o.{DOWNLOAD_IS_OPEN}, ?, o.trouble),"
        f" iif(o.{DOWNLOAD_IS_OPEN}, ?, o.finished_at), ?, {values}"
        " FROM other.downloads o JOIN matched x ON x.theirs = o.task"
        " WHERE NOT EXISTS (SELECT 1 FROM main.downloads m WHERE m.task = x.ours AND m.asked_at = o.asked_at)"
        f" AND NOT {IS_PURGED_HERE_ALONE}"
        " ORDER BY o.id",
        (trouble, now, revision),
    )
    own = db.execute(
        f"SELECT m.id, m.{DOWNLOAD_IS_OPEN}, m.path, m.bytes FROM main.tasks t"
        f" JOIN main.downloads m ON m.id = t.download WHERE (m.state = 'done' OR m.{DOWNLOAD_IS_OPEN})"
        " AND EXISTS (SELECT 1 FROM main.downloads n WHERE n.task = m.task AND n.id > ?)",
        (last,),
    ).fetchall()
    for id, is_open, path, size in own:
        if is_open or (path is not None and is_on_disk(str(path), int(str(size)))):
            db.execute("UPDATE main.downloads SET id = 1 + (SELECT max(id) FROM main.downloads) WHERE id = ?", (id,))
    db.execute(f"UPDATE main.tasks SET download = {DOWNLOAD_OF_TASK} WHERE number IN (SELECT ours FROM matched)")
    ((stopped,),) = db.execute(
        "SELECT count(*) FROM main.tasks t JOIN main.downloads d ON d.id = t.download WHERE d.id > ? AND d.trouble = ?",
        (last, trouble),
    ).fetchall()
    return int(str(stopped))


def _add_timeline(db: apsw.Connection) -> None:
    """Add the missing events; a timeline into which they belong between others is written anew, in order."""
    between = db.execute(
        "SELECT DISTINCT n.ours FROM missing_events n JOIN other.timeline t USING (id) JOIN main.timeline m"
        " ON m.task = n.ours WHERE m.at > t.at"
    ).fetchall()
    for (number,) in between:
        events = merged_rows.events_of_both(db, int(str(number)))
        db.execute("DELETE FROM main.timeline WHERE task = ?", (number,))
        db.executemany(INSERT_EVENT, [(number, *event) for event in events])
        db.execute("DELETE FROM missing_events WHERE ours = ?", (number,))
    db.execute(
        f"INSERT INTO main.timeline (task, {EVENT_COLUMNS}) SELECT n.ours, {EVENT_COLUMNS}"
        " FROM other.timeline JOIN missing_events n USING (id) ORDER BY id"
    )


def _record_merge(db: apsw.Connection, now: str, event: EventKind, source: str) -> None:
    """Record on the timelines which tasks came from the other history, and what number each had there."""
    db.execute(
        "INSERT INTO timeline (task, at, actor, what, detail)"
        " SELECT ours, ?, ?, ?, ? || iif(ours <> theirs, ', where it was #' || theirs, '')"
        " || iif(replayed, ', brought up to date by its timeline', '') FROM matched WHERE is_taken OR replayed",
        (now, PROGRAM, event, f"from {source}"),
    )
    # The timelines of a resubmission and of its original name each other by the numbers that they had.
    for named, in_which, role in (("x", "y", "resubmission"), ("y", "x", "original")):
        db.execute(
            f"INSERT INTO timeline (task, at, actor, what, detail) SELECT {in_which}.ours, ?, ?, ?,"
            f" 'its {role} #' || {named}.theirs || ' of ' || ? || ' is #' || {named}.ours || ' here' FROM matched x"
            " JOIN other.tasks o ON o.number = x.theirs JOIN matched y ON y.theirs = o.resubmit_of"
            f" WHERE x.is_new AND {named}.ours <> {named}.theirs",
            (now, PROGRAM, event, source),
        )


def _add_chains(db: apsw.Connection) -> None:
    """Add the digests that are kept of removed tasks, and those of tasks with the same number that have none here.

    Those of other added tasks begin anew, since they are over the number too; what they prove is noted.
    """
    same = "(SELECT theirs FROM matched WHERE is_new AND ours = theirs)"
    chain_check.note_broken_chains(db, f"IN {same}", "other")
    db.execute(f"INSERT OR REPLACE INTO main.chains SELECT * FROM other.chains WHERE task IN {same}")
    db.execute(
        "INSERT OR IGNORE INTO main.chains SELECT * FROM other.chains WHERE task IN (SELECT theirs FROM matched WHERE"
        " ours = theirs) OR (links = x'' AND task NOT IN (SELECT number FROM main.tasks))"
    )
    moved = db.execute("SELECT ours, theirs FROM matched WHERE is_new AND ours <> theirs").fetchall()
    for ours, theirs in moved:
        chain_check.note_renumbered(db, int(str(ours)), int(str(theirs)))
