"""Read rows from the bytes of a history without any code of the program: what this finds must not be lost.

It knows the number of columns of each table, and believes each cell of each page that looks like a leaf.
"""

from __future__ import annotations

import struct
from pathlib import Path

import apsw

PAGE = 4096
TABLES = ("tasks", "intents", "downloads", "timeline")

Row = tuple[object, ...]
Rows = dict[str, dict[int, Row]]

_WIDTHS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def rows_of(path: Path) -> Rows:
    """Read the rows of a sound history through SQLite: all columns, by rowid."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {
            table: {int(str(row[0])): (None, *row[1:]) for row in db.execute(f"SELECT * FROM {table}")}
            for table in TABLES
        }
    finally:
        db.close()


def rows_from_pages(data: bytes, truth: Rows) -> tuple[Rows, Rows]:
    """Return the rows in the bytes that are wholly as they were, and the tasks of which the start is."""
    whole: Rows = {table: {} for table in TABLES}
    begun: Rows = {"tasks": {}}
    for at in range(0, len(data), PAGE):
        for rowid, values in _leaf(data, at):
            for table in TABLES:
                known = truth[table].get(rowid)
                if known is None or not values:
                    continue
                if known == tuple(values):
                    whole[table][rowid] = known
                elif table == "tasks" and known[:4] == (*values[:2], known[2], *values[3:4]):
                    begun["tasks"][rowid] = known
    return whole, begun


def _leaf(data: bytes, at: int) -> list[tuple[int, list[object]]]:
    page = data[at : at + PAGE]
    start = 100 if at == 0 else 0
    if len(page) < PAGE or page[start] != 13:
        return []
    found = []
    for cell in range(min(struct.unpack_from(">H", page, start + 3)[0], 400)):
        try:
            found.append(_cell(data, page, struct.unpack_from(">H", page, start + 8 + 2 * cell)[0]))
        except (IndexError, struct.error, UnicodeDecodeError):
            continue
    return found


def _cell(data: bytes, page: bytes, at: int) -> tuple[int, list[object]]:
    size, at = _varint(page, at)
    rowid, at = _varint(page, at)
    record = page[at : at + size]
    if size > PAGE - 35:
        least = (PAGE - 12) * 32 // 255 - 23
        local = least + (size - least) % (PAGE - 4)
        local = least if local > PAGE - 35 else local
        record = page[at : at + local]
        following = struct.unpack_from(">I", page, at + local)[0]
        while len(record) < size:
            other = data[(following - 1) * PAGE : following * PAGE]
            following = struct.unpack_from(">I", other)[0]
            record += other[4:][: size - len(record)]
    length, start = _varint(record, 0)
    kinds = []
    while start < length:
        kind, start = _varint(record, start)
        kinds.append(kind)
    values: list[object] = []
    for kind in kinds:
        wide = _WIDTHS.get(kind, 8 if kind == 7 else 0 if kind < 12 else (kind - 12) // 2)
        raw, start = record[start : start + wide], start + wide
        if len(raw) < wide:
            break
        if kind >= 13 and kind % 2:
            try:
                values.append(raw.decode())
            except UnicodeDecodeError:
                values.append(raw)
        elif kind == 7:
            values.append(struct.unpack(">d", raw)[0])
        elif kind in (8, 9):
            values.append(kind - 8)
        else:
            values.append(None if kind == 0 else int.from_bytes(raw, "big", signed=True))
    return rowid, values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for _ in range(8):
        value = value << 7 | data[at] & 127
        at += 1
        if not data[at - 1] & 128:
            return value, at
    return value << 8 | data[at], at + 1
