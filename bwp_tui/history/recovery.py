"""Mending a register that is damaged: it is set aside, and what can be read goes into a new one, with a report."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.times import from_text, to_text
from bwp_tui.history import backups, building, integrity, salvage, swap
from bwp_tui.history.errors import HistoryDamaged
from bwp_tui.history.merge import number_from
from bwp_tui.history.salvage import Fields
from bwp_tui.history.sentences import sentences
from bwp_tui.history.suspicion import clear, was_emptied

_REQUIRED_INSTANTS: Final = ("recorded_at", "asked_at", "not_before", "at")
_INSTANTS: Final = (
    "submitted_at",
    "updated_at",
    "finished_at",
    "polled_at",
    "next_poll_at",
    "unknown_since",
    "purged_at",
    "first_sent_at",
    "settled_at",
    "started_at",
)
_DAYS: Final = ("due_on", "verified_on", "extended_on", "acknowledged_on")


@dataclass(slots=True)
class _Tally:
    """What came of the rows: how many of each table were read, mended, lost; and from where the rest came."""

    read: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    mended: int = 0
    unfit: int = 0
    backup: str | None = None
    added: int = 0
    later: int = 0
    remains: int = 0
    unconfirmed: int = 0
    tasks: int = 0


def mend(path: Path, now: datetime) -> str | None:
    """Finish what a crash left half done, and recover the register if it is damaged; return a sentence on it.

    To be called by whoever has the register alone.

    Raises:
        HistoryError: it could not be mended; nothing was changed.
    """
    with sentences(path):
        done = swap.finish(path)
        if done is not None:
            clear(path)
            return f"The history was put in order after a crash: what was there before is kept as {done.aside}."
        reason = _damage(path)
        if reason is None:
            clear(path)
            return None
        return _recover(path, now, reason)


def _damage(path: Path) -> str | None:
    """Return what is wrong with a register, or None."""
    if was_emptied(path):
        return "the file is empty"
    if not path.stat().st_size:
        return None
    try:
        found = integrity.full(path)
    except (apsw.SQLError, apsw.NotADBError, apsw.CorruptError, HistoryDamaged) as error:
        return str(error)
    return "; ".join(found) or None


def _recover(path: Path, now: datetime, reason: str) -> str:
    tally, change, instant = _Tally(), swap.new(path, "damaged", now), to_text(now)
    with building.new_register(change.part) as db:
        with salvage.readable(path) as damaged, db:
            if damaged is not None:
                _take_rows(db, damaged, tally, instant)
        with db:
            building.doubt_unsent(db)
        backup = backups.newest_good(path)
        if backup is not None:
            tally.backup = backup.name
            tally.added, tally.later = building.add_from(db, backup, instant, "recovered", f"the backup {backup.name}")
        with db:
            tally.remains = building.add_lost_tasks(db, instant)
            tally.unconfirmed = building.confirm_tokens(db, instant)
            tally.tasks = number_from(db, "SELECT count(*) FROM tasks")
    _write_report(change, tally, reason, now)
    swap.commit(change)
    clear(path)
    return _sentence(change, tally)


def _take_rows(db: apsw.Connection, damaged: apsw.Connection, tally: _Tally, now: str) -> None:
    for table in salvage.KEYS:
        known = {str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")}

        def lost(table: str = table) -> None:
            tally.gaps[table] = tally.gaps.get(table, 0) + 1

        taken = 0
        for fields in salvage.rows_of(damaged, table, lost):
            taken += _take_row(db, table, {name: value for name, value in fields.items() if name in known}, tally, now)
        tally.read[table] = taken
        highest = salvage.sequence(damaged, table)
        db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (min(highest, 2**40), table))
    for fields in salvage.views_of(damaged):
        _take_row(db, "views", fields, tally, now)
    db.execute(
        "UPDATE meta SET revision = 1 + (SELECT coalesce(max(revision), 0) FROM"
        " (SELECT revision FROM tasks UNION ALL SELECT revision FROM downloads))"
    )


def _take_row(db: apsw.Connection, table: str, fields: Fields, tally: _Tally, now: str) -> int:
    tally.mended += _mend_fields(fields, now)
    names, marks = ", ".join(fields), ", ".join("?" * len(fields))
    try:
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(fields.values()))
    except (apsw.ConstraintError, apsw.MismatchError, apsw.SQLError):
        tally.unfit += 1
        return 0
    return 1


def _mend_fields(fields: Fields, now: str) -> bool:
    """Replace what cannot be read by what can; say whether anything had to be."""
    before = dict(fields)
    for name in _REQUIRED_INSTANTS:
        if name in fields and not _is_instant(fields[name]):
            fields[name] = now
    for name in _INSTANTS:
        if fields.get(name) is not None and not _is_instant(fields[name]):
            fields[name] = None
    if "received_on" in fields and not _is_day(fields["received_on"]):
        fields["received_on"] = str(fields.get("recorded_at", now))[:10]
    for name in _DAYS:
        if fields.get(name) is not None and not _is_day(fields[name]):
            fields[name] = None
    for name, fits in (("errors", _are_errors), ("tags", _are_tags)):
        if name in fields and not _is_list(fields[name], fits):
            fields[name] = "[]"
    return fields != before


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and to_text(from_text(value)) == value
    except (ValueError, OverflowError):
        return False


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_list(value: object, fits: Callable[[list[object]], bool]) -> bool:
    try:
        entries = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return isinstance(entries, list) and fits(entries)


def _are_errors(entries: list[object]) -> bool:
    return all(
        isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str | None) and isinstance(entry[1], str)
        for entry in entries
    )


def _are_tags(entries: list[object]) -> bool:
    return all(isinstance(entry, str) for entry in entries)


def _sentence(change: swap.Swap, tally: _Tally) -> str:
    parts = [f"The history was damaged and is kept as {change.aside.name}; the new one holds {tally.tasks} tasks"]
    if tally.backup is not None and tally.added:
        parts.append(f", {tally.added} of them from {tally.backup}")
    if tally.remains:
        parts.append(f", {tally.remains} without their addresses")
    if tally.unconfirmed:
        parts.append(f", {tally.unconfirmed} UNCONFIRMED")
    return f"{''.join(parts)}. Read {change.report}."


def _write_report(change: swap.Swap, tally: _Tally, reason: str, now: datetime) -> None:
    read = ", ".join(f"{count} {table}" for table, count in tally.read.items()) or "nothing"
    gaps = ", ".join(f"{table} ({count})" for table, count in tally.gaps.items()) or "none"
    lines = [
        f"The history {change.path} was found damaged at {to_text(now)}: {reason}.",
        f"It was set aside, as it was, as {change.aside.name} with its -wal and -shm files. Keep them.",
        "",
        f"Rows read from it: {read}.",
        f"Tables with stretches that could not be read: {gaps}.",
        f"Rows of which a value had to be replaced: {tally.mended}; rows that fitted nowhere: {tally.unfit}.",
        f"Backup that was merged in: {tally.backup or 'none was there'}"
        f" ({tally.added} tasks added, {tally.later} brought forward).",
        f"Tasks of which only traces were left, now without address, kind or dates: {tally.remains}.",
        f"Requests whose client token is lost, now UNCONFIRMED for you to decide on: {tally.unconfirmed}.",
        f"Tasks in the new history: {tally.tasks}.",
        "",
        "Requests that waited to be sent are sent under their own client tokens while these protect them (8 hours",
        "from when they were asked for), and become UNCONFIRMED after that: none is sent twice.",
    ]
    descriptor = os.open(change.report, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
