"""Write salvaged rows into a new history, resolving conflicts between them."""

from __future__ import annotations

from collections import Counter
from typing import Final

import apsw

from bwp_tui.domain.statuses import IntentState
from bwp_tui.store.database.connection import SqlValue
from bwp_tui.store.maintenance.salvage.row_finder import SalvagedRow
from bwp_tui.store.maintenance.salvage.table_shapes import RowValues
from bwp_tui.store.maintenance.task_rows import last_task_id, make_task_id_free
from bwp_tui.store.queries.timeline import PROGRAM, EventKind

_KEYS: Final = {"tasks": "number", "intents": "id", "downloads": "id", "timeline": "id", "chains": "task"}
_IDENTITY_COLUMNS: Final = {
    "tasks": ("recorded_at", "kind"),
    "intents": ("action", "asked_at", "client_token"),
    "downloads": ("task", "asked_at"),
    "timeline": ("task", "at", "actor", "what"),
    "chains": (),
}
"""The columns in which two copies of one row agree, whatever happened to it since."""

_UNIQUE: Final = {"tasks": "task_id", "intents": "client_token"}

_FIRST_SENT: Final = frozenset(("first_sent_at", "first_sent_service_at", "first_sent_boot", "first_sent_uptime"))
"""The columns that say when an intent was first sent."""


class RowWriter:
    """Writes to a new history whose triggers are off, and counts the rows.

    Of two copies of a row the later one is kept. A row whose number is taken gets a new one.
    """

    def __init__(self, db: apsw.Connection, now: str) -> None:
        self._db = db
        self._now = now
        self.kept: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.renumbered: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.clocks_ended: set[int] = set()
        """The tasks from a schema without answers whose legal clock had ended."""
        self.lost_ids = 0
        self._known_tasks: set[SqlValue] = set()
        """The tasks that an event or a digest has, which come before the tasks."""
        db.execute("CREATE TEMP TABLE damaged_values (number INTEGER NOT NULL, name TEXT NOT NULL)")

    def write(self, table: str, row: SalvagedRow) -> None:
        """Write a row; where a copy of it was written before, only a later one takes its place."""
        values = dict(row.values)
        if table == "chains" and (row.damaged_columns or row.is_key_guessed or row.is_stale):
            return  # it would prove nothing: the chain begins anew
        has_ended = values.pop("open", 1) == 0 and "answered_on" not in values
        if table not in _KEYS:
            self._write_single(table, row.key, values)
            return
        if row.written_key is not None and self._is_written_key_right(table, row.written_key, values):
            row = row._replace(key=row.written_key, is_key_guessed=False)  # it stands in an older copy of its page
        if row.key is not None:
            values[_KEYS[table]] = row.key
        if not row.is_stale and (table == "timeline" or (table == "chains" and values["links"])):
            self._known_tasks.add(values["task"])
        if table == "tasks" and row.is_stale and row.key not in self._known_tasks:
            return  # it was removed: its page is an old one
        is_sent = table == "intents" and values.get("state") == IntentState.WAITING and values.get("attempts")
        if is_sent and _FIRST_SENT.intersection(row.damaged_columns):
            values |= {"state": IntentState.LAPSED, "settled_at": self._now}  # its token may protect it no longer
        key: int | None
        try:
            key = self._insert(table, values)
        except apsw.ConstraintError:
            key = self._resolve_conflict(table, row, values)
        if key is None:
            return
        self.kept[table] += 1
        self.repaired[table] += bool(row.damaged_columns)
        guessed = row.is_key_guessed or row.key != key
        self.renumbered[table] += guessed
        if table == "tasks":
            (self.clocks_ended.add if has_ended else self.clocks_ended.discard)(key)
            names = (*row.damaged_columns, "number") if guessed else row.damaged_columns
            self._db.executemany("INSERT INTO temp.damaged_values VALUES (?, ?)", [(key, name) for name in names])

    def _is_written_key_right(self, table: str, key: int, values: RowValues) -> bool:
        """Return whether the key that a row is written with is its own although it is out of order.

        Another copy of the row has it then, or the timeline of the task, which was recorded at the same instant.
        """
        keyed = values | {_KEYS[table]: key}
        other = self._other(table, _KEYS[table], key)
        if other is not None:
            return self._is_copy(table, keyed, other)
        first = self._db.execute("SELECT at FROM timeline WHERE task = ? ORDER BY id LIMIT 1", (key,)).fetchall()
        return table == "tasks" and first == [(values.get("recorded_at"),)]

    def _write_single(self, table: str, key: int | None, values: RowValues) -> None:
        """Write a row of a table without numbers: the later copy of a single row, or a saved view."""
        try:
            if key is None:
                self._insert(table, values, "IGNORE")
            else:
                self._db.execute(
                    f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in values)} WHERE revision <= ?",
                    (*values.values(), values.get("revision", 0)),
                )
        except apsw.ConstraintError:
            self.rejected[table] += 1

    def _insert(self, table: str, values: RowValues, otherwise: str = "ABORT") -> int:
        marks = ", ".join("?" * len(values))
        self._db.execute(
            f"INSERT OR {otherwise} INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
        )
        return self._db.last_insert_rowid()

    def _resolve_conflict(self, table: str, row: SalvagedRow, values: RowValues) -> int | None:
        """Write a row that conflicts with another; return its key, or None if it was left out."""
        key = _KEYS[table]
        for column in (key, _UNIQUE.get(table, key)):
            value = values.get(column)
            if value is None:
                continue
            other = self._other(table, column, value)
            if other is None:
                continue
            is_copy = self._is_copy(table, values, other)
            if row.is_stale or is_copy:
                if not is_copy or not self._is_later(table, row, other):
                    return None
                values[key] = other[key]
                self.kept[table] -= 1
                self._db.execute(f"DELETE FROM {table} WHERE {key} = ?", (other[key],))
            elif column == key:
                del values[key]
            elif "task_id" not in values:
                return None
            elif not self._correct_task_id(values, str(value)):
                self._drop_task_id(values, other)
        try:
            return self._insert(table, values)
        except apsw.ConstraintError:
            self.rejected[table] += 1
            return None

    def _other(self, table: str, column: str, value: SqlValue) -> RowValues | None:
        cursor = self._db.execute(f"SELECT * FROM {table} WHERE {column} = ?", (value,))
        for columns in cursor:
            names = [name for name, *_ in cursor.get_description()]
            return dict(zip(names, columns, strict=True))
        return None

    def _is_copy(self, table: str, values: RowValues, other: RowValues) -> bool:
        is_same = all(values.get(name) == other[name] for name in _IDENTITY_COLUMNS[table])
        if table != "tasks":
            return is_same
        # An import records many tasks at one instant, and a damaged task id may be that of another task.
        is_same_email = values.get("email") in ("", other["email"]) or other["email"] == ""
        if "number" not in values:
            return is_same and is_same_email
        is_same_id = other["task_id"] is not None and values.get("task_id") == other["task_id"]
        return values["number"] == other["number"] and (is_same_id or (is_same and is_same_email))

    def _is_later(self, table: str, row: SalvagedRow, other: RowValues) -> bool:
        """Return whether a row is a later copy of another one; a damaged row never is."""
        if row.damaged_columns or row.is_key_guessed:
            return False
        if table == "chains":
            links, others = row.values.get("links"), other["links"]
            return isinstance(links, bytes) and isinstance(others, bytes) and len(links) > len(others)
        if table == "intents":
            waiting = IntentState.WAITING
            return other["state"] == waiting and row.values.get("state") != waiting
        return int(str(row.values.get("revision", 0))) > int(str(other.get("revision", 0)))

    def _correct_task_id(self, values: RowValues, task_id: str) -> bool:
        """Give a task id that two rows claim to the row whose timeline names it.

        Returns whether the row of `values` can be inserted: no other row has its task id.
        """
        own = last_task_id(self._db, int(str(values.get("number", 0))))
        if own not in (None, task_id) and make_task_id_free(self._db, str(own)):
            values["task_id"] = own
            return True
        return make_task_id_free(self._db, task_id)

    def _drop_task_id(self, values: RowValues, other: RowValues) -> None:
        """Remove a task id that another task has, and mark the task as UNCONFIRMED."""
        self.lost_ids += 1
        if not values.get("terminal"):
            values["status"] = "UNCONFIRMED"
        if "number" in values:
            detail = f"its task id {values['task_id']!s} is that of #{other['number']!s}"
            self._db.execute(
                f"INSERT INTO timeline (task, at, actor, what, detail) VALUES (?, ?, ?, '{EventKind.RECOVERED}', ?)",
                (values["number"], self._now, PROGRAM, detail),
            )
        values["task_id"] = None
