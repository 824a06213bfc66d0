"""Keep each task id in exactly one row when two histories are merged.

In SQL, `m` is a task of this history (main), and `o` is a task of the other history.
"""

from __future__ import annotations

from typing import Final

import apsw

from bwp_tui.domain.statuses import Status
from bwp_tui.store.database.shared_sql import FINAL_STATUS_LIST
from bwp_tui.store.maintenance.task_rows import append_recovered, tag_to_check, write_with_due_date
from bwp_tui.store.queries.columns_from_events import LOST_ID_PREFIX
from bwp_tui.store.queries.timeline import INSERT_EVENT, PROGRAM, EventKind

_IS_SENT: Final = "EXISTS (SELECT 1 FROM {0}.intents WHERE task = {1}.number AND action = 'submit')"
_HAD_ID_SINCE: Final = (
    "(SELECT min(at) FROM {0}.timeline WHERE task = {1}.number AND instr(detail, {1}.task_id)), {1}.recorded_at"
)
_IS_DIFFERENT: Final = (
    "(m.number <> o.number OR m.recorded_at <> o.recorded_at)"
    " AND NOT EXISTS (SELECT client_token FROM main.intents WHERE task = m.number AND action = 'submit'"
    " INTERSECT SELECT client_token FROM other.intents WHERE task = o.number AND action = 'submit')"
)
_HAS_ID_OF_OTHER: Final = (
    "SELECT m.number, m.task_id, m.status, m.terminal, m.purged_at IS NOT NULL,"
    f" o.purged_at IS NULL AND ({_HAD_ID_SINCE.format('other', 'o')}) < ({_HAD_ID_SINCE.format('main', 'm')})"
    f" FROM other.tasks o JOIN main.tasks m ON m.task_id = o.task_id WHERE {_IS_DIFFERENT}"
    f" AND (m.purged_at IS NULL) = {_IS_SENT.format('main', 'm')}"
    f" AND (o.purged_at IS NULL) = {_IS_SENT.format('other', 'o')} AND (m.purged_at IS NULL OR o.purged_at IS NULL)"
)
"""The tasks `m` whose task id another request `o` of the other history has too, and whether `o` had it first.

Somebody entered the id for both requests; or an event or an operator made one of the rows, which was purged since.
"""


_IS_RECORDED: Final = " UNION ALL ".join(
    f"SELECT 1 FROM {schema}.timeline WHERE detail = ?1 AND at < ?2" for schema in ("main", "other")
)


def tag_doubled_ids(db: apsw.Connection, now: str) -> None:
    """Tag the requests whose task id another request of the other history has too, unless an earlier merge has."""
    for number, task_id, *_, is_purged, _ in db.execute(_HAS_ID_OF_OTHER).fetchall():
        task, detail = int(str(number)), f"task id {task_id} was given to another request too: check whose it is"
        is_known = db.execute(_IS_RECORDED, (detail, now)).fetchall()
        if not is_purged and not is_known:
            append_recovered(db, now, task, detail)
            tag_to_check(db, now, task)


def release_doubled_ids(db: apsw.Connection, now: str) -> None:
    """Take the task id from each task of this history whose id another request of the other history had first.

    The same request keeps the id whichever history is merged into the other. A purged row that an event made gives its
    id to the request. The two rows are not joined: what was purged would come back.
    """
    for number, task_id, status, is_final, is_purged, is_later in db.execute(_HAS_ID_OF_OTHER).fetchall():
        if is_purged or is_later:
            after = status if is_final or is_purged else Status.UNCONFIRMED
            db.execute(
                "UPDATE main.tasks SET task_id = NULL, next_poll_at = NULL, status = ? WHERE number = ?",
                (after, number),
            )
            statuses = (None, None) if after == status else (status, after)
            detail = f"{LOST_ID_PREFIX}{task_id} is that of another request"
            append_recovered(db, now, int(str(number)), detail, *statuses)


def release_rejected_ids(db: apsw.Connection) -> None:
    """Take the task id from each task of this history that has lost it to another task in the other history.

    The event that says so is replayed later: until then the id would be that of two tasks, and be given to neither.
    """
    db.execute(
        "UPDATE main.tasks SET task_id = NULL, next_poll_at = NULL WHERE number IN (SELECT m.number"
        " FROM temp.missing_events e JOIN other.timeline t ON t.id = e.id JOIN main.tasks m ON m.number = e.ours"
        " JOIN other.tasks o ON o.task_id = m.task_id AND o.number <> t.task"
        f" WHERE t.what = '{EventKind.TASK_ID_REJECTED}' AND instr(t.detail, m.task_id))"
    )


_COPIED: Final = (
    "task_id, kind, email, status, received_on, regulation, holding_period, reason, submitted_at, updated_at"
)
_ENDED_SINCE: Final = (
    "SELECT 1 FROM main.timeline t JOIN main.timeline e ON e.task = t.task AND e.id > t.id"
    f" WHERE instr(t.detail, r.task_id) AND e.after IN ({FINAL_STATUS_LIST})"
)


def note_running_tasks(db: apsw.Connection) -> None:
    """Note the tasks of both histories that run at the service, before any row is changed."""
    running = f"SELECT {_COPIED} FROM {{}}.tasks WHERE task_id IS NOT NULL AND status IN (?1, ?2) AND purged_at IS NULL"
    db.execute(
        f"CREATE TEMP TABLE running AS {running.format('main')} UNION ALL {running.format('other')}",
        (Status.IN_PROGRESS, Status.ON_HOLD),
    )


def add_lost_running_tasks(db: apsw.Connection, now: str) -> None:
    """Add a row, to be checked, for each task id that ran in one history and that no merged row has.

    No rule of the merge drops the id of a running task on purpose: people may have corrected and tracked ids in ways
    that the rules do not foresee.
    """
    lost = db.execute(
        "SELECT task_id, min(rowid) FROM running r WHERE task_id NOT IN (SELECT task_id FROM main.tasks"
        f" WHERE task_id IS NOT NULL) AND NOT EXISTS ({_ENDED_SINCE}) GROUP BY task_id"
    ).fetchall()
    for task_id, row in lost:
        ((number, kind, status),) = db.execute(
            f"INSERT INTO main.tasks ({_COPIED}, recorded_at, next_poll_at, revision) SELECT {_COPIED}, ?1, ?1,"
            " (SELECT revision FROM main.meta) FROM running WHERE rowid = ?2 RETURNING number, kind, status",
            (now, row),
        ).fetchall()
        task = int(str(number))
        write_with_due_date(db, task, {}, now)
        db.execute(INSERT_EVENT, (task, now, PROGRAM, EventKind.TRACKED, None, status, f"{kind} {task_id}"))
        append_recovered(db, now, task, "two merged copies had left its task id in no row: check whose request it is")
        tag_to_check(db, now, task)
    db.execute("DROP TABLE temp.running")
