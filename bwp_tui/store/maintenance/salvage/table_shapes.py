"""Recognise the table of a row by its shape, and replace values that cannot be right.

The shapes come from the schema that this program makes, never from the file at hand. A migration only ever adds
columns at the end, so that a row of an older schema is a shorter one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

import apsw

from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.times import is_iso_day
from bwp_tui.store.database.connection import SqlValue
from bwp_tui.store.database.migrate import migration_scripts, run_script

RowValues = dict[str, SqlValue]
"""The values of a row by column."""

SEQUENCE: Final = "sqlite_sequence"
SCHEMA: Final = "sqlite_schema"
"""SQLite's own tables: of the highest keys that were ever given, and of the pages where tables begin."""

_CHECK_IN: Final = re.compile(r"CHECK \((\w+) IN \(([^)]+)\)\)")
_INSTANTS: Final = ("at", "not_before", "unknown_since")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_LISTS: Final = ("tags", "columns")
UUID_PATTERN: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""The format of a client token, in lower case."""


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column as the schema declares it; `format_check` returns whether a text may be right in it."""

    name: str
    kind: str
    required: bool = False
    default: SqlValue = None
    choices: tuple[int | str, ...] = ()
    format_check: Callable[[str], bool] | None = None
    is_key: bool = False
    is_computed: bool = False

    def fits(self, value: SqlValue) -> bool:
        """Return whether this program may have written the value."""
        if self.is_key:
            return value is None
        if value is None:
            return not self.required
        if self.choices:
            return value in self.choices
        if self.kind == "TEXT":
            return isinstance(value, str) and (
                self.format_check is None or value == self.default or self.format_check(value)
            )
        if self.kind == "BLOB":
            return isinstance(value, bytes)
        return isinstance(value, int) or (self.kind == "REAL" and isinstance(value, float))

    def nearest(self, value: SqlValue) -> SqlValue:
        """Return the likely original of a value that does not fit: one bit away, or else the default."""
        text = value.decode("utf-8", "replace").replace("\0", "�") if isinstance(value, bytes) else value
        if isinstance(text, str) and self.kind == "TEXT":
            if self.choices or self.format_check is _is_status:
                return min(self.choices or Status, key=lambda choice: _distance(str(choice), text))
            if self.format_check in (None, is_token):
                return None if self.format_check else text  # another token would ask for another task
            raw = value if isinstance(value, bytes) else text.encode()
            fitting = [near for near in _texts_one_bit_away(raw) if self.format_check(near)]
            if fitting:
                return min(fitting)
        return self.default


_STATUSES: Final = frozenset(Status)
_TASK_COLUMN: Final = "task"
_MIN_FITTING_SHARE: Final = 0.7
_BEGINNING_COLUMNS: Final = 5

_SCHEMA_COLUMNS: Final = (
    ColumnShape("type", "TEXT", required=True, choices=("table", "index", "trigger", "view")),
    ColumnShape("name", "TEXT", required=True),
    ColumnShape("tbl_name", "TEXT", required=True),
    ColumnShape("rootpage", "INTEGER", required=True),
    ColumnShape("sql", "TEXT"),
)


@dataclass(frozen=True, slots=True)
class TableShape:
    """What the rows of a table look like. `min_columns` is the number of columns that the first of its schemas had."""

    table: str
    columns: tuple[ColumnShape, ...]
    min_columns: int

    @property
    def key(self) -> str | None:
        """The column that is the row's own number in its page."""
        return next((column.name for column in self.columns if column.is_key), None)

    def fits(self, rowid: int, values: Sequence[SqlValue]) -> bool:
        """Return whether a row may be an intact one of this table."""
        return (
            self.min_columns <= len(values) <= len(self.columns)
            and (self.key != "only" or rowid == 1)
            and all(column.fits(value) for column, value in zip(self.columns, values, strict=False))
        )

    def unreadable(self, values: Sequence[SqlValue]) -> str | None:
        """Return the name of a column whose text cannot be parsed, or None."""
        for column, value in zip(self.columns, values, strict=False):
            if (
                column.format_check in _PARSED_FORMATS
                and isinstance(value, str)
                and value != column.default
                and not column.format_check(value)
            ):
                return column.name
        return None

    def is_like(self, values: Sequence[SqlValue]) -> bool:
        """Return whether most of a row fits, or its beginning does."""
        fitting = [column.fits(value) for column, value in zip(self.columns, values, strict=False)]
        return (
            sum(fitting) >= _MIN_FITTING_SHARE * max(len(values), self.min_columns)
            or sum(fitting[:_BEGINNING_COLUMNS]) >= _BEGINNING_COLUMNS - 1
        )

    def values_before_shift(self, values: Sequence[SqlValue]) -> Sequence[SqlValue]:
        """Return the values before the one whose damaged length shifts all that follow."""
        fitting = [column.fits(value) for column, value in zip(self.columns, values, strict=False)]
        for at, fits in enumerate(fitting):
            if not fits and not all(fitting[at + 1 : at + 3]):
                return values[:at]
        return values

    def rank(self, values: Sequence[SqlValue], damaged: Sequence[SqlValue]) -> tuple[int, int]:
        """Return how likely `values` are the original of the `damaged` ones; larger is likelier."""
        status = next((at for at, column in enumerate(self.columns) if column.name == "status"), None)
        pairs = enumerate(zip(values, damaged, strict=False))
        same = next((at for at, (value, other) in pairs if value != other), len(damaged))
        return status is not None and values[status] in _STATUSES, same

    def sound_values(self, values: Sequence[SqlValue]) -> RowValues:
        """Return the columns of an intact row, without its key; with those that are computed from others."""
        return {column.name: value for column, value in zip(self.columns, values, strict=False) if not column.is_key}

    def repaired_values(self, values: Sequence[SqlValue], now: str) -> tuple[RowValues, list[str]]:
        """Return the row's stored columns without its key, and the names of those that were replaced."""
        found: RowValues = {}
        damaged = []
        for column, value in zip(self.columns, values, strict=False):
            if column.is_key or column.is_computed:
                continue
            found[column.name] = value
            if not column.fits(value):
                found[column.name] = column.nearest(value)
                damaged.append(column.name)
        for column in self.columns:
            if column.required and not column.is_computed and not column.fits(found.get(column.name, column.default)):
                found[column.name] = _substitute(column, str(found.get("recorded_at") or now))
                damaged.append(column.name)
        return found, damaged


def _substitute(column: ColumnShape, instant: str) -> SqlValue:
    """Return a substitute for a required value that is lost; None if the row is worthless without it."""
    if column.kind == "TEXT":
        if column.choices:
            return column.choices[0]
        return (
            ""
            if column.format_check in (None, _is_status)
            else instant[:10]
            if column.format_check is is_iso_day
            else instant
        )
    return None if column.name == _TASK_COLUMN else 0


def shapes() -> Mapping[str, TableShape]:
    """Return by name the shapes of all tables with data of their own, and of SQLite's two."""
    return _shapes_after(migration_scripts())


@cache
def _shapes_after(scripts: tuple[str, ...]) -> Mapping[str, TableShape]:
    min_columns: dict[str, int] = {}
    with closing(apsw.Connection(":memory:")) as db:
        for sql in scripts:
            run_script(db, sql)
            for table in _tables(db):
                min_columns.setdefault(table, len(_declared(db, table)))
        tables = _tables(db)
        sequence = (
            ColumnShape("name", "TEXT", required=True, choices=tuple(tables)),
            ColumnShape("seq", "INTEGER", required=True),
        )
        return {
            **{table: TableShape(table, _columns(db, table), min_columns[table]) for table in tables},
            SEQUENCE: TableShape(SEQUENCE, sequence, len(sequence)),
            SCHEMA: TableShape(SCHEMA, _SCHEMA_COLUMNS, len(_SCHEMA_COLUMNS)),
        }


def _tables(db: apsw.Connection) -> list[str]:
    rows = db.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT wr"
        " AND name NOT LIKE 'sqlite_%'"
    )
    return sorted(str(name) for (name,) in rows)


def _declared(db: apsw.Connection, table: str) -> list[tuple[object, ...]]:
    return db.execute(
        f"SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('{table}')"
    ).fetchall()


def _columns(db: apsw.Connection, table: str) -> tuple[ColumnShape, ...]:
    ((sql,),) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
    choices = {name: tuple(json.loads(f"[{listed}]".replace("'", '"'))) for name, listed in _CHECK_IN.findall(str(sql))}
    if table == "tasks":
        choices["regulation"] = tuple(REGULATIONS)
    return tuple(
        ColumnShape(
            name=str(name),
            kind=str(kind),
            required=bool(notnull),
            default=None if default is None else db.execute(f"SELECT {default}").fetchall()[0][0],
            choices=choices.get(str(name), ()),
            format_check=_format_check(str(name), str(kind)),
            is_key=bool(pk) and kind == "INTEGER",
            is_computed=bool(hidden),
        )
        for name, kind, notnull, default, pk, hidden in _declared(db, table)
    )


def is_token(text: str) -> bool:
    """Return whether a text has the format of a client token."""
    return re.fullmatch(UUID_PATTERN, text) is not None


def _is_status(text: str) -> bool:
    """Return whether a status may be right: a known one, or an unknown one that is no typo of a known one."""
    return text in _STATUSES or all(_distance(text, status) > 1 for status in _STATUSES)


def _is_instant(text: str) -> bool:
    try:
        return _INSTANT.fullmatch(text) is not None and datetime.fromisoformat(text).year > 0
    except ValueError:
        return False


def _is_errors(text: str) -> bool:
    return text == "[]" or all(
        isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str | None) and isinstance(entry[1], str)
        for entry in _entries(text)
    )


def _is_texts(text: str) -> bool:
    return text == "[]" or all(isinstance(entry, str) for entry in _entries(text))


_FORMATS: Final = {"status": _is_status, "client_token": is_token, "errors": _is_errors}


_PARSED_FORMATS: Final = (_is_instant, is_iso_day, _is_errors, _is_texts)
"""The formats without which a row cannot be shown."""


def _format_check(name: str, kind: str) -> Callable[[str], bool] | None:
    if kind != "TEXT":
        return None
    if name in _FORMATS:
        return _FORMATS[name]
    if name in _INSTANTS or name.endswith("_at"):
        return _is_instant
    if name.endswith("_on"):
        return is_iso_day
    return _is_texts if name in _LISTS else None


def _entries(text: str) -> list[object]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        entries = None
    return entries if isinstance(entries, list) else [None]


def _distance(left: str, right: str) -> int:
    return sum(a != b for a, b in zip(left, right, strict=False)) + abs(len(left) - len(right))


def _texts_one_bit_away(raw: bytes) -> Iterable[str]:
    for index in range(min(len(raw), 40)):
        for bit in range(8):
            near = bytearray(raw)
            near[index] ^= 1 << bit
            try:
                yield near.decode()
            except UnicodeDecodeError:
                continue
