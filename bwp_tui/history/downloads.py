"""The downloads: what is asked for, how far it is, and what lies on disk at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bwp_tui.domain.task import Download, Kind
from bwp_tui.domain.times import from_text, to_text
from bwp_tui.history import timeline
from bwp_tui.history.connection import History, Transaction, as_int, as_text
from bwp_tui.history.rows import DOWNLOAD_COLUMNS, download_of
from bwp_tui.history.search import among

# The index of open downloads serves only a condition that says its own words.
QUEUED: Final = "d.state IN ('queued', 'running') AND d.state = 'queued'"
"""A condition: it waits, though it may be paused."""

PLACE: Final = "coalesce(d.place, d.id)"
"""The place of a download in the queue; only its order tells."""

_DUE: Final = f"{QUEUED} AND d.paused = 0"
_RUNNING: Final = "state IN ('queued', 'running') AND state = 'running'"


@dataclass(frozen=True, slots=True)
class Order:
    """A download for the engine to carry out, with what names its file."""

    id: int
    number: int
    kind: Kind
    email: str
    task_id: str
    directory: str
    etag: str | None
    attempts: int
    actor: str


def asked(transaction: Transaction, number: int, directory: str, actor: str) -> int:
    """Record that the result of task `number` is to be downloaded into `directory`; return the download's id.

    It goes on where a failed one has left its part in the same folder.
    """
    left = transaction.one(
        "SELECT d.etag, d.bytes, d.total FROM downloads d JOIN tasks t ON t.download = d.id"
        " WHERE t.number = ? AND d.state = 'failed' AND d.directory = ? AND d.etag IS NOT NULL",
        (number, directory),
    )
    # A part that was to be removed is taken over by this one.
    transaction.run("UPDATE downloads SET part_unwanted = 0 WHERE task = ? AND directory = ?", (number, directory))
    at = transaction.now_text
    ((new,),) = transaction.run(
        "INSERT INTO downloads (task, directory, etag, bytes, total, not_before, asked_at, actor, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (number, directory, *(left or (None, 0, None)), at, at, actor, transaction.revision),
    )
    transaction.run("UPDATE tasks SET download = ?, revision = ? WHERE number = ?", (new, transaction.revision, number))
    return as_int(new)


def due(history: History, now: datetime, limit: int, focus: frozenset[int] | None = None) -> list[Order]:
    """Return the queued downloads whose time has come, in the order of the queue; of the tasks in `focus`, if given."""
    rows = history.rows(
        "SELECT d.id, d.task, t.kind, t.email, t.task_id, d.directory, d.etag, d.attempts, d.actor"
        " FROM downloads d JOIN tasks t ON t.number = d.task"
        f" WHERE {_DUE} AND d.not_before <= ? AND t.task_id IS NOT NULL"
        f" AND {among('d.task', focus)} ORDER BY {PLACE}, d.id LIMIT ?",
        (to_text(now), limit),
    )
    return [
        Order(
            id=as_int(row[0]),
            number=as_int(row[1]),
            kind=Kind(as_text(row[2])),
            email=as_text(row[3]),
            task_id=as_text(row[4]),
            directory=as_text(row[5]),
            etag=None if row[6] is None else as_text(row[6]),
            attempts=as_int(row[7]),
            actor=as_text(row[8]),
        )
        for row in rows
    ]


def next_at(history: History, focus: frozenset[int] | None = None) -> datetime | None:
    """Return when the next queued download may begin, or None when none is queued."""
    row = history.row(f"SELECT min(d.not_before) FROM downloads d WHERE {_DUE} AND {among('d.task', focus)}")
    return None if row is None or row[0] is None else from_text(as_text(row[0]))


def open_ones(history: History) -> list[Download]:
    """Return the downloads that have not ended: those that run, then those that wait, in the order of the queue."""
    rows = history.rows(
        f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.state IN ('queued', 'running')"
        f" ORDER BY d.state = 'queued', {PLACE}, d.id"
    )
    return [download_of(row) for row in rows]


def is_saved(history: History, number: int, path: str) -> bool:
    """Say whether the result of task `number` is recorded as saved at `path`."""
    row = history.row("SELECT 1 FROM downloads WHERE task = ? AND state = 'done' AND path = ?", (number, path))
    return row is not None


def requeue_interrupted(history: History) -> int:
    """Queue again what an engine that is gone left running; return how many there were."""
    with history.write() as transaction:
        rows = transaction.run(
            f"UPDATE downloads SET state = 'queued', rate = NULL, revision = ? WHERE {_RUNNING} RETURNING task",
            (transaction.revision,),
        )
        _mark(transaction, [as_int(number) for (number,) in rows])
        return len(rows)


def started(history: History, order: Order) -> None:
    """Record that a slot has taken up the download."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE downloads SET state = 'running', started_at = coalesce(started_at, ?), revision = ? WHERE id = ?",
            (transaction.now_text, transaction.revision, order.id),
        )
        _mark(transaction, [order.number])


def progressed(
    history: History, order: Order, received: int, total: int | None, rate: float | None, etag: str | None
) -> None:
    """Record how far a download is: bytes received, bytes in all, bytes a second."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE downloads SET bytes = ?, total = ?, rate = ?, etag = ?, trouble = NULL, revision = ? WHERE id = ?",
            (received, total, rate, etag, transaction.revision, order.id),
        )
        _mark(transaction, [order.number])


def finished(history: History, order: Order, path: str, size: int, sha256: str) -> None:
    """Record that the verified file lies at `path`."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE downloads SET state = 'done', path = ?, bytes = ?, total = ?, rate = NULL, sha256 = ?,"
            " trouble = NULL, finished_at = ?, revision = ? WHERE id = ?",
            (path, size, size, sha256, transaction.now_text, transaction.revision, order.id),
        )
        transaction.run("UPDATE tasks SET saved = 1 WHERE number = ?", (order.number,))
        _mark(transaction, [order.number])
        timeline.append(
            transaction,
            order.number,
            order.actor,
            "downloaded",
            detail=f"{path} ({size} bytes, sha256 {sha256})",
        )


def put_off(history: History, order: Order, words: str, not_before: datetime) -> None:
    """Record why a download stopped for now and when it goes on."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE downloads SET state = 'queued', attempts = attempts + 1, rate = NULL, trouble = ?, not_before = ?,"
            " revision = ? WHERE id = ?",
            (words, to_text(not_before), transaction.revision, order.id),
        )
        _mark(transaction, [order.number])


def failed(history: History, order: Order, words: str) -> None:
    """Record why a download ended without a file."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE downloads SET state = 'failed', rate = NULL, trouble = ?, finished_at = ?, revision = ?"
            " WHERE id = ?",
            (words, transaction.now_text, transaction.revision, order.id),
        )
        _mark(transaction, [order.number])
        timeline.append(transaction, order.number, timeline.SERVICE, "download failed", detail=words)


def interrupted(history: History, order: Order) -> None:
    """Queue again a download whose engine stops."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE downloads SET state = 'queued', rate = NULL, not_before = ?, revision = ?"
            " WHERE id = ? AND state = 'running'",
            (transaction.now_text, transaction.revision, order.id),
        )
        _mark(transaction, [order.number])


def _mark(transaction: Transaction, numbers: list[int]) -> None:
    for number in numbers:
        transaction.run("UPDATE tasks SET revision = ? WHERE number = ?", (transaction.revision, number))


def of_task(history: History, number: int) -> list[Download]:
    """Return every download of the result of task `number`, oldest first."""
    rows = history.rows(f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.task = ? ORDER BY d.id", (number,))
    return [download_of(row) for row in rows]
