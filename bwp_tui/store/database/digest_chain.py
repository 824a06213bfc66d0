"""Chain the events of each task by digests, so that a change by another program is found.

The rule, with SHA-256 and texts in UTF-8; `0` is a zero byte, and a value that is missing is empty:

- link of event n = digest of: link of event n - 1, commitment, `at 0 actor 0 what 0 before 0 after`.
  The link before the first event is the digest of `bwp-tui task N`.
- commitment of a detail, which a purge removes = digest of: salt, n, `:`, detail. Without a detail: 32 zero bytes.
- row digest = digest of: the last link, `number 0 events 0 begun_with 0 begun_at 0` and the `DIGESTED_COLUMNS` of the
  task's row, separated by `0`, without those at the end that are empty. A checksum of a byte for each column follows.

The columns `record` and `found` of the table `chains` are the row digest and `begun_with`.

Nothing in it is secret: it finds what was changed without this rule. Who rewrites a chain by the rule is found only by
what was kept elsewhere: a signed evidence document, or a copy of the history.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple
from zlib import crc32

import apsw

from bwp_tui.domain.times import format_instant, utc_now

DIGEST_BYTES: Final = 32

DIGESTED_COLUMNS: Final = (
    *("task_id", "kind", "email", "status", "terminal", "saved", "errors", "holding_period", "reason", "note", "tags"),
    *("received_on", "regulation", "due_on", "recorded_at", "submitted_at", "finished_at", "resubmit_of"),
    *("resubmitted", "purged_at", "assigned_to", "verified_on", "verified_by", "verified_how", "extended_on"),
    *("acknowledged_on", "answered_on", "answered_how", "inquired_on", "replied_on", "answered_in_part"),
    *("declined_on", "decline_reason", "decline_text", "appealed_on", "appeal_answered_on", "appeal_upheld"),
)
"""The columns of a task that its row digest covers. A new one goes to the end and is NULL where nothing is recorded."""


DigestedRow = Sequence["apsw.SQLiteValue"]
"""The columns `DIGESTED_COLUMNS` of a task."""

_EVENT_COLUMNS: Final = "at, actor, what, before, after, detail"

EventRow = tuple["apsw.SQLiteValue", ...]
"""The columns `_EVENT_COLUMNS` of an event."""

_NO_DETAIL: Final = bytes(DIGEST_BYTES)
_SALT_BYTES: Final = 16


@dataclass(slots=True)
class Chain:
    """The chain of a task, as its row of the table `chains` holds it."""

    task: int
    links: bytes = b""
    salt: bytes | None = None
    commitments: bytes = b""
    begun_with: int = 0
    """Events that the task had when its chain was begun anew; 0 where it never was."""
    begun_at: str | None = None
    row_digest: bytes = b""

    @property
    def length(self) -> int:
        """The number of events that the chain has."""
        return len(self.links) // DIGEST_BYTES

    @property
    def is_whole(self) -> bool:
        """Whether its links are whole digests."""
        return len(self.links) % DIGEST_BYTES == 0

    def link(self, position: int) -> bytes:
        """Return the link of the event at `position`, counted from 1; that before the first one for 0."""
        if position == 0:
            return sha256(b"bwp-tui task %d" % self.task).digest()
        return _digest_at(self.links, position)

    def commitment(self, position: int, detail: apsw.SQLiteValue) -> bytes:
        """Return the commitment of a detail; after a purge, that of the detail which was there."""
        kept = _digest_at(self.commitments, position)
        if detail is None:
            return kept or _NO_DETAIL
        return b"" if kept else _commitment(self.salt or b"", position, detail)

    def has_event_at(self, position: int, event: EventRow) -> bool:
        """Return whether an event is the one that was recorded at `position`."""
        link = _link(self.link(position - 1), self.commitment(position, event[5]), event)
        return link == self.link(position)

    def extend(self, events: Iterable[EventRow]) -> None:
        """Add the links of events that follow the last one."""
        if self.salt is None:
            self.salt = os.urandom(_SALT_BYTES)
        self.links += self.links_of(events, self.length)

    def links_of(self, events: Iterable[EventRow], after: int = 0) -> bytes:
        """Return the links of events that follow the one at position `after`."""
        link, links, is_purged = self.link(after), [], bool(self.commitments)
        for position, event in enumerate(events, start=after + 1):
            commitment = _NO_DETAIL
            if is_purged:
                commitment = self.commitment(position, event[5])
            elif event[5] is not None:
                commitment = _commitment(self.salt or b"", position, event[5])
            link = _link(link, commitment, event)
            links.append(link)
        return b"".join(links)

    def purge_details(self, details: Sequence[apsw.SQLiteValue]) -> None:
        """Keep the commitments of all details in the place of their salt: they are removed."""
        kept = len(self.commitments) // DIGEST_BYTES
        new = [self.commitment(position, detail) for position, detail in enumerate(details[kept:], start=kept + 1)]
        self.commitments, self.salt = self.commitments + b"".join(new), None

    def new_row_digest(self, row: DigestedRow) -> bytes:
        """Return the digest of the task's row, with the end of this chain."""
        texts = _texts(row)
        return self._digest_of(texts) + _checksums(texts)

    def row_digest_with_own_changes(self, before: DigestedRow, row: DigestedRow) -> bytes:
        """Return the digest of a row that another program changed before and this program changes now.

        The digest itself, and the checksums of the columns that the other program changed, stay as they were: they are
        evidence.
        """
        recorded = self.row_digest[DIGEST_BYTES:].ljust(len(DIGESTED_COLUMNS), b"\0")
        checksums = zip(recorded, _checksums(_texts(before)), _checksums(_texts(row)), strict=True)
        return self.row_digest[:DIGEST_BYTES] + bytes([new if kept == old else kept for kept, old, new in checksums])

    def _digest_of(self, texts: list[str]) -> bytes:
        start = f"{self.task}\0{self.length}\0{self.begun_with}\0{self.begun_at or ''}\0"
        return sha256(self.link(self.length) + (start + "\0".join(texts).rstrip("\0")).encode()).digest()

    def agrees_with_row(self, row: DigestedRow) -> bool:
        """Return whether the row digest is that of this row, which may have got columns since."""
        return self.is_whole and self.row_digest[:DIGEST_BYTES] == self._digest_of(_texts(row))

    def changed_columns(self, row: DigestedRow) -> list[str]:
        """Return the columns of the task's row whose checksum differs."""
        checksums = zip(DIGESTED_COLUMNS, self.row_digest[DIGEST_BYTES:], _checksums(_texts(row)), strict=False)
        return [name for name, recorded, present in checksums if recorded != present]


def _texts(row: DigestedRow) -> list[str]:
    return ["" if fact is None else str(fact) for fact in row]


def _checksums(texts: list[str]) -> bytes:
    return bytes([crc32(text.encode()) & 0xFF if text else 0 for text in texts])


def _digest_at(digests: bytes, position: int) -> bytes:
    return digests[(position - 1) * DIGEST_BYTES : position * DIGEST_BYTES]


def _commitment(salt: bytes, position: int, detail: apsw.SQLiteValue) -> bytes:
    return sha256(b"%b%d:%b" % (salt, position, str(detail).encode())).digest()


def _link(previous: bytes, commitment: bytes, event: EventRow) -> bytes:
    at, actor, what, before, after, _ = event
    text = f"{at!s}\0{actor!s}\0{what!s}\0{before or ''!s}\0{after or ''!s}"
    return sha256(b"%b%b%b" % (previous, commitment, text.encode())).digest()


def begin_chain(task: int, row: DigestedRow, events: Sequence[EventRow], begun_at: str | None = None) -> Chain:
    """Return the chain of a task that has none, or that is to begin anew at the instant `begun_at`."""
    chain = Chain(task, begun_with=0 if begun_at is None else len(events), begun_at=begun_at)
    chain.extend(events)
    chain.row_digest = chain.new_row_digest(row)
    return chain


def chain_of_removed(task: int) -> Chain:
    """Return what is kept of the chain of a task that was removed with its timeline."""
    chain = Chain(task)
    chain.row_digest = chain.new_row_digest(())
    return chain


class ChainedTask(NamedTuple):
    """A task number with all that is stored of it: each is None or empty where there is none."""

    number: int
    digested_row: DigestedRow | None
    events: list[EventRow]
    chain: Chain | None


_CHAIN_COLUMNS: Final = "task, links, salt, commitments, found, begun_at, record"


def chained_tasks(db: apsw.Connection, selection: str = "", schema: str = "main") -> Iterator[ChainedTask]:
    """Yield every number that a task, an event or a chain has, in order.

    `selection` is the SQL behind a number in the condition that selects some, such as `IN (1, 2)`.
    """
    chosen, chosen_number = (f"WHERE {column} {selection}" if selection else "" for column in ("task", "number"))
    digested_columns = ", ".join(DIGESTED_COLUMNS)
    rows = db.execute(f"SELECT number, {digested_columns} FROM {schema}.tasks {chosen_number} ORDER BY number")
    lines = db.execute(f"SELECT task, {_EVENT_COLUMNS} FROM {schema}.timeline {chosen} ORDER BY task, id")
    chains = db.execute(f"SELECT {_CHAIN_COLUMNS} FROM {schema}.chains {chosen} ORDER BY task")
    events = groupby(lines, itemgetter(0))
    row, timeline, chain = next(rows, None), next(events, None), next(chains, None)
    while row or timeline or chain:
        number = min(one[0] for one in (row, timeline, chain) if one)
        digested_row, own_events, own_chain = None, [], None
        if row and row[0] == number:
            digested_row, row = row[1:], next(rows, None)
        if timeline and timeline[0] == number:
            own_events = [event[1:] for event in timeline[1]]
            timeline = next(events, None)
        if chain and chain[0] == number:
            own_chain, chain = Chain(*chain), next(chains, None)
        yield ChainedTask(number, digested_row, own_events, own_chain)


OUTSIDE_CHANGE: Final = (
    f"SELECT outside_change(c.links, c.record, number, found, begun_at, {', '.join(DIGESTED_COLUMNS)})"
    " FROM tasks LEFT JOIN chains c ON task = number WHERE number = ?"
)
"""The query, on a connection with a `ChainWriter`, for what other programs or damage changed in a task's row.

Its text names the columns, or is empty where the row is as this program has recorded it.
"""


def write_chains(db: apsw.Connection, chains: Iterable[Chain]) -> None:
    """Write rows of the table `chains`, in the place of those of the same tasks."""
    db.executemany(
        f"INSERT OR REPLACE INTO main.chains ({_CHAIN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (chain.task, chain.links, chain.salt, chain.commitments, chain.begun_with, chain.begun_at, chain.row_digest)
            for chain in chains
        ),
    )


def begin_all_chains(db: apsw.Connection) -> None:
    """Begin the chain of each task of a history that has none: with the events that are there now."""
    begun_at = format_instant(utc_now())
    write_chains(
        db,
        (
            begin_chain(number, digested_row, events, begun_at)
            for number, digested_row, events, _ in chained_tasks(db)
            if digested_row
        ),
    )
    write_chains(db, [chain_of_removed(number) for number in missing_numbers(db)])


def missing_numbers(db: apsw.Connection) -> list[int]:
    """Return the task numbers that were given and have neither a chain nor a task."""
    gaps: apsw.Cursor = db.execute(
        "SELECT low, high FROM (SELECT task + 1 AS low, lead(task, 1, (SELECT coalesce(max(seq), 0) + 1"
        " FROM sqlite_sequence WHERE name = 'tasks')) OVER (ORDER BY task) - 1 AS high"
        " FROM (SELECT 0 AS task UNION SELECT task FROM chains UNION SELECT number FROM tasks)) WHERE low <= high"
    )
    return [number for low, high in gaps.fetchall() for number in range(_int(low), _int(high) + 1)]


_EVENT_TRIGGERS: Final = (
    "CREATE TEMP TRIGGER note_insertion AFTER INSERT ON main.tasks BEGIN SELECT note_task(NEW.number); END",
    "CREATE TEMP TRIGGER note_removal AFTER DELETE ON main.tasks BEGIN SELECT note_task(OLD.number); END",
    "CREATE TEMP TRIGGER note_event AFTER INSERT ON main.timeline"
    " BEGIN SELECT note_event(NEW.task, NEW.at, NEW.actor, NEW.what, NEW.before, NEW.after, NEW.detail); END",
    "CREATE TEMP TRIGGER note_detail BEFORE UPDATE OF detail ON main.timeline"
    " WHEN OLD.detail IS NOT NULL BEGIN SELECT note_detail(OLD.task, OLD.id, OLD.detail); END",
)
"""Triggers of one connection: with those of the history itself, other programs could not write to it."""

_MOST_NOTED: Final = 10_000
"""Tasks that are noted before their chains are written, within a transaction too: about 20 MB."""


def _row_trigger(db: apsw.Connection) -> str:
    """Return the trigger for changes of the columns `DIGESTED_COLUMNS`, of which an older schema lacks some."""
    present = {row[1] for row in db.execute("PRAGMA main.table_info(tasks)")}
    old = [f"OLD.{name}" if name in present else "NULL" for name in DIGESTED_COLUMNS]
    of = "" if "NULL" in old else f" OF {', '.join(DIGESTED_COLUMNS)}"
    return (
        f"CREATE TEMP TRIGGER note_change BEFORE UPDATE{of} ON main.tasks"
        f" BEGIN SELECT note_task(OLD.number, {', '.join(old)}); END"
    )


def _int(value: apsw.SQLiteValue) -> int:
    return int(str(value))


class ChainWriter:
    """Extends the chains by what its connection changes; `write` writes them before each commit."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._rows_before: dict[int, DigestedRow | None] = {}
        """The tasks that were changed, as they were before; None for a new one."""
        self._events: dict[int, list[EventRow]] = {}
        self._removed_details: dict[int, dict[int, apsw.SQLiteValue]] = {}
        """By task and id of the event."""
        db.create_scalar_function("note_task", self._note_task)
        db.create_scalar_function("note_event", self._note_event, 7)
        db.create_scalar_function("note_detail", self._note_detail, 3)
        db.create_scalar_function("outside_change", self._outside_change)
        self.stop()
        for trigger in (_row_trigger(db), *_EVENT_TRIGGERS):
            db.execute(trigger)

    def stop(self) -> None:
        """Note no more changes."""
        for name in ("note_change", "note_insertion", "note_removal", "note_event", "note_detail"):
            self._db.execute(f"DROP TRIGGER IF EXISTS temp.{name}")

    def _note_task(self, *values: apsw.SQLiteValue) -> None:
        self._rows_before.setdefault(_int(values[0]), values[1:] or None)

    def _note_event(self, *values: apsw.SQLiteValue) -> None:
        self._events.setdefault(_int(values[0]), []).append(values[1:])

    def _note_detail(self, *values: apsw.SQLiteValue) -> None:
        task, event, detail = values
        self._removed_details.setdefault(_int(task), {})[_int(event)] = detail

    def _outside_change(self, *values: apsw.SQLiteValue) -> str:
        """Return the columns that others have changed as a text, or `row` where none of them can be named."""
        links, record, number, begun_with, begun_at, *row = values
        digested_row = self._rows_before.get(_int(number), row)
        if digested_row is None:
            return ""
        if not isinstance(links, bytes) or not isinstance(record, bytes):
            return "digests"
        chain = Chain(_int(number), links, begun_with=_int(begun_with), row_digest=record)
        chain.begun_at = None if begun_at is None else str(begun_at)
        return "" if chain.agrees_with_row(digested_row) else ", ".join(chain.changed_columns(digested_row)) or "row"

    def write(self) -> None:
        """Write the chains of all that was changed since the last call."""
        touched = {**self._rows_before, **self._events, **self._removed_details}
        if touched:
            write_chains(self._db, filter(None, map(self._new_chain_of, touched)))
            self.discard()

    def write_if_many(self) -> None:
        """Write the chains if so much was noted that the memory for it is to be used again."""
        if len(self._rows_before) > _MOST_NOTED or len(self._events) > _MOST_NOTED:
            self.write()

    def discard(self) -> None:
        """Drop what was noted: it was rolled back."""
        for noted in (self._rows_before, self._events, self._removed_details):
            noted.clear()

    def _new_chain_of(self, number: int) -> Chain | None:
        """Return the chain of a task as it is now; None if it is the same, or if another program has removed it."""
        digested_row = next(
            self._db.execute(f"SELECT {', '.join(DIGESTED_COLUMNS)} FROM main.tasks WHERE number = ?", (number,)), None
        )
        if digested_row is None:
            return chain_of_removed(number)
        before, events = self._rows_before.get(number, digested_row), self._events.get(number, [])
        if before == digested_row and not events and number not in self._removed_details:
            return None
        if before is None:
            return begin_chain(number, digested_row, events)
        row = next(self._db.execute(f"SELECT {_CHAIN_COLUMNS} FROM main.chains WHERE task = ?", (number,)), None)
        if row is None:
            return None
        chain = Chain(*row)
        # Where another program has changed the row before, the row digest keeps saying so.
        is_intact = chain.agrees_with_row(before)
        chain.extend(events)
        if number in self._removed_details:
            chain.purge_details(self._details(number))
        chain.row_digest = (
            chain.new_row_digest(digested_row) if is_intact else chain.row_digest_with_own_changes(before, digested_row)
        )
        return chain

    def _details(self, number: int) -> list[apsw.SQLiteValue]:
        """Return the details of a task's events, with those that are removed now."""
        removed = self._removed_details[number]
        events = self._db.execute("SELECT id, detail FROM main.timeline WHERE task = ? ORDER BY id", (number,))
        return [removed.get(_int(event), detail) for event, detail in events]
