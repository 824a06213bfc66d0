"""Match the tasks of two histories that are merged, and find the requests that both have sent or imported.

In SQL, `m` is of this history (main), `o` and `t` are of the other one, and `x` is a row of `matched`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import apsw

from bwp_tui.domain.task import KIND_UNKNOWN
from bwp_tui.store.maintenance.task_rows import append_recovered, integer, tag_to_check
from bwp_tui.store.queries.timeline import EventKind

_UNKNOWN_KIND: Final = f"instr(m.tags || o.tags, '\"{KIND_UNKNOWN}\"')"

_WENT_ON: Final = (
    "EXISTS (SELECT 1 FROM {0}.timeline w WHERE w.task = {1}.number AND w.what NOT IN"
    f" ('{EventKind.RECOVERED}', '{EventKind.RESTORED}', '{EventKind.TAGS}', '{EventKind.NOTE}', '{EventKind.PURGED}')"
    " AND w.at > (SELECT max(at) FROM {2}.timeline WHERE task = {3}.number"
    f" AND what = '{EventKind.DECLINE_WITHDRAWN}'))"
)
"""Whether {0} has events of row {1} since the decline of row {3} was withdrawn in {2}, to send the request anew."""

IS_SENT_IN_BOTH: Final = (
    "m.task_id <> o.task_id AND m.purged_at IS NULL AND o.purged_at IS NULL"
    " AND (NOT EXISTS (SELECT 1 FROM main.timeline t WHERE t.task = m.number AND instr(t.detail, o.task_id))"
    f" OR {_WENT_ON.format('other', 'o', 'main', 'm')})"
    " AND (NOT EXISTS (SELECT 1 FROM other.timeline t WHERE t.task = o.number AND instr(t.detail, m.task_id))"
    f" OR {_WENT_ON.format('main', 'm', 'other', 'o')})"
)
"""Whether both histories sent a request: there are then two tasks at the service, and two rows."""

IS_PURGED_HERE_ALONE: Final = (
    "EXISTS (SELECT 1 FROM main.tasks m, other.tasks o WHERE m.number = x.ours AND o.number = x.theirs"
    " AND m.purged_at IS NOT NULL AND o.purged_at IS NULL)"
)
"""Whether a matched task `x` was purged in this history, and not in the other one."""

_SENT_TWICE: Final = (
    "SELECT m.number, x.ours FROM matched x JOIN other.tasks o ON o.number = x.theirs JOIN main.tasks m"
    " ON m.email = o.email COLLATE NOCASE AND m.kind = o.kind AND +m.recorded_at = o.recorded_at"
    f" WHERE x.is_new AND {IS_SENT_IN_BOTH}"
)
_IMPORTED_LINES: Final = (
    f"SELECT task, iif(what = '{EventKind.PURGED}', before, detail) AS line FROM {{}}.timeline"
    f" WHERE what IN ('{EventKind.IMPORTED}', '{EventKind.PURGED}') AND line IS NOT NULL"
)
_WITH_LINES: Final = (
    f"WITH m AS MATERIALIZED ({_IMPORTED_LINES.format('main')}), o AS MATERIALIZED ({_IMPORTED_LINES.format('other')})"
)
"""The tasks that were imported, each with its line of a file, which a purge keeps: as `m` and `o`."""

_IMPORTED_TWICE: Final = (
    f"{_WITH_LINES} SELECT m.task, x.ours FROM matched x JOIN o ON o.task = x.theirs JOIN m USING (line)"
    " WHERE x.is_new AND m.task <> x.ours"
)
"""The two rows of each line of a file that both histories imported."""


def doubled_requests(db: apsw.Connection) -> list[tuple[str, int, int]]:
    """Return the requests that have two rows after a merge: what was done twice, and both task numbers."""
    return [
        (done, int(str(number)), int(str(other)))
        for done, sql in (("sent from", _SENT_TWICE), ("imported in", _IMPORTED_TWICE))
        for number, other in db.execute(sql).fetchall()
    ]


def tag_doubled_requests(db: apsw.Connection, now: str, doubled: Iterable[tuple[str, int, int]]) -> None:
    """Tag both rows of each request that has two after a merge.

    Their events name no task number, since the next merge may give one to another task.
    """
    for done, *numbers in doubled:
        for number in numbers:
            append_recovered(
                db, now, number, f"{done} the other copy too, which is a task of its own: check which to keep"
            )
            tag_to_check(db, now, number)


_UNMATCHED: Final = "o.number NOT IN (SELECT theirs FROM matched)"
_IS_ALONE: Final = "NOT EXISTS (SELECT 1 FROM {0}.tasks WHERE recorded_at = {1}.recorded_at AND number <> {1}.number)"
"""Whether no other row of {0} was recorded at the instant of row {1}."""


def match(db: apsw.Connection) -> None:
    """Fill `matched`: for each task of the other history (`theirs`) the number in this history (`ours`).

    Its other columns: `is_new`: this history has no row of the task. `is_taken`: the row of the other history is taken.
    `has_own_events`: this history has events of the task that the other history lacks. `has_new_events`: the reverse,
    but for what a recovery or a restore recorded.
    `stays_as_it_is`: no event is applied to the chosen row. `replayed`: events of both histories changed the row.
    """
    db.execute(
        "CREATE TEMP TABLE matched (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL UNIQUE,"
        " is_new INTEGER NOT NULL DEFAULT 0, is_taken INTEGER NOT NULL DEFAULT 0,"
        " has_own_events INTEGER NOT NULL DEFAULT 0, has_new_events INTEGER NOT NULL DEFAULT 0,"
        " stays_as_it_is INTEGER NOT NULL DEFAULT 0, replayed INTEGER NOT NULL DEFAULT 0)"
    )
    for same in (
        "SELECT o.number, m.number FROM other.tasks o JOIN main.tasks m ON m.number = o.number"
        f" AND m.recorded_at = o.recorded_at AND (m.kind = o.kind OR {_UNKNOWN_KIND})"
        f" WHERE NOT coalesce({IS_SENT_IN_BOTH}, FALSE)",
        # A reference may be damaged: the two must agree in their number, or in what an import gives one task only.
        "SELECT i.task, n.task FROM other.intents i JOIN main.intents n ON n.client_token = i.client_token"
        " WHERE (n.task = i.task OR EXISTS (SELECT recorded_at, email FROM main.tasks WHERE number = n.task"
        " INTERSECT SELECT recorded_at, email FROM other.tasks WHERE number = i.task)) AND NOT EXISTS (SELECT 1"
        f" FROM main.tasks m JOIN other.tasks o ON m.number = n.task AND o.number = i.task WHERE {IS_SENT_IN_BOTH})",
        "SELECT o.number, m.number FROM other.tasks o JOIN main.tasks m ON m.task_id = o.task_id",
        # One that an earlier merge gave another number, and that has no client token. An import records many at once.
        "SELECT o.number, m.number FROM other.tasks o JOIN main.tasks m ON m.email = o.email COLLATE NOCASE"
        f" AND m.kind = o.kind AND +m.recorded_at = o.recorded_at WHERE o.email <> '' AND {_UNMATCHED}"
        f" AND NOT coalesce({IS_SENT_IN_BOTH}, FALSE) ORDER BY o.number, m.number",
        "SELECT o.number, m.number FROM other.tasks o JOIN main.tasks m ON m.recorded_at = o.recorded_at"
        f" AND m.kind = o.kind WHERE '' IN (m.email, o.email) AND {_UNMATCHED} AND {_IS_ALONE.format('main', 'm')}"
        f" AND {_IS_ALONE.format('other', 'o')} AND NOT coalesce({IS_SENT_IN_BOTH}, FALSE)",
    ):
        db.execute(f"INSERT OR IGNORE INTO matched (theirs, ours) {same}")
    _match_purged_imports(db)
    # A number that is free, or whose task alone was lost, is kept; another task's is not taken.
    db.execute(
        "INSERT OR IGNORE INTO matched (theirs, ours) SELECT number, number FROM other.tasks"
        " WHERE number NOT IN (SELECT number FROM main.tasks)"
    )
    highest = integer(
        db,
        "SELECT max(n) FROM (SELECT max(number) AS n FROM main.tasks UNION SELECT max(ours) FROM matched"
        " UNION SELECT seq FROM main.sqlite_sequence WHERE name = 'tasks')",
    )
    db.execute(
        "INSERT INTO matched (theirs, ours) SELECT number, ? + row_number() OVER (ORDER BY number) FROM other.tasks"
        " WHERE number NOT IN (SELECT theirs FROM matched)",
        (highest,),
    )
    db.execute("UPDATE matched SET is_new = 1 WHERE ours NOT IN (SELECT number FROM main.tasks)")


def _match_purged_imports(db: apsw.Connection) -> None:
    """Match imported tasks whose email a purge removed by the line of the imported file."""
    db.execute(
        f"{_WITH_LINES} INSERT OR IGNORE INTO matched (theirs, ours) SELECT theirs.number, ours.number"
        " FROM o JOIN m USING (line) JOIN other.tasks theirs ON theirs.number = o.task"
        " JOIN main.tasks ours ON ours.number = m.task AND ours.recorded_at = theirs.recorded_at"
        " WHERE '' IN (ours.email, theirs.email)"
    )
