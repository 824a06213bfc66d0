"""Record downloads: queued, their progress, and their outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_instant
from bwp_tui.store.database.connection import SqlValue, Store, Transaction, as_int, as_text
from bwp_tui.store.database.shared_sql import DOWNLOAD_IS_OPEN, update_task
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.filter_sql import in_numbers
from bwp_tui.store.queries.row_mapping import DOWNLOAD_COLUMNS, RowMapper, download_of
from bwp_tui.store.queries.saved_results import is_on_disk
from bwp_tui.store.queries.timeline import EventKind

_MAX_EVENTS: Final = 10
"""Failed attempts of a download that get an event each, and likewise its continuations."""

_FAILED_ATTEMPTS: Final = (EventKind.CONNECTION_LOST, EventKind.TRANSFER_POSTPONED)
_CONTINUATIONS: Final = (EventKind.TRANSFER_RESUMED, EventKind.TRANSFER_RESTARTED)

_OPEN: Final = f"d.{DOWNLOAD_IS_OPEN}"
IS_QUEUED: Final = f"{_OPEN} AND d.state = 'queued'"
"""The condition that a download waits, or is paused."""

QUEUE_PLACE: Final = "coalesce(d.place, d.id)"
"""The sort key of a download in the queue."""

WAITING_FOR_SERVICE: Final = "Waiting for the service."
"""The trouble of a download that cannot have a link yet."""

_READY: Final = f"{IS_QUEUED} AND d.paused = 0 AND (SELECT task_id FROM tasks WHERE number = d.task) IS NOT NULL"
_RUNNING: Final = f"{_OPEN} AND d.state = 'running'"


class DownloadJob(NamedTuple):
    """A download for the engine, with the parts of its file names, the older one included."""

    id: int
    task_number: int
    kind: Kind
    email: str
    task_id: str
    folder: str
    etag: str | None
    total: int | None
    attempts: int
    actor: str


_JOB: Final = RowMapper(DownloadJob, task_number="d.task", folder="directory")
_JOBS: Final = f"SELECT {_JOB.columns} FROM downloads d JOIN tasks t ON t.number = d.task"


def create(transaction: Transaction, number: int, folder: str, actor: str) -> int:
    """Record that the result of task `number` is to be downloaded into `folder`; return the id of the download.

    It resumes a failed download that left its part file in the same folder.
    """
    left = transaction.row(
        "SELECT etag, bytes, total FROM (SELECT * FROM downloads WHERE task = ? ORDER BY id DESC LIMIT 1)"
        " WHERE state = 'failed' AND directory = ? AND etag IS NOT NULL",
        (number, folder),
    )
    # A part file that was to be removed is resumed.
    transaction.run("UPDATE downloads SET part_unwanted = 0 WHERE task = ? AND directory = ?", (number, folder))
    at = transaction.now_text
    ((new,),) = transaction.run(
        "INSERT INTO downloads (task, directory, etag, bytes, total, not_before, asked_at, actor, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (number, folder, *(left or (None, 0, None)), at, at, actor, transaction.revision),
    )
    update_task(transaction, number, download=as_int(new))
    return as_int(new)


def of_task(store: Store, number: int) -> list[Download]:
    """Return every download of the result of task `number`, oldest first."""
    rows = store.rows(f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.task = ? ORDER BY d.id", (number,))
    return [download_of(row) for row in rows]


def by_ids(store: Store, ids: Iterable[int]) -> list[Download]:
    """Return downloads by their ids, in the given order."""
    rows = store.rows(f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE {in_numbers('d.id', ids)}")
    found = {download.id: download for download in map(download_of, rows)}
    return [found[download_id] for download_id in ids if download_id in found]


def show_saved_result(transaction: Transaction, number: int) -> None:
    """Let task `number` show its newest saved result, rather than a later download that ended without one."""
    saved = transaction.row(
        "SELECT id, path, bytes FROM downloads WHERE task = ?1 AND state = 'done' AND path IS NOT NULL AND NOT EXISTS"
        f" (SELECT 1 FROM downloads WHERE task = ?1 AND {DOWNLOAD_IS_OPEN}) ORDER BY id DESC LIMIT 1",
        (number,),
    )
    if saved is not None and is_on_disk(as_text(saved[1]), as_int(saved[2])):
        update_task(transaction, number, download=as_int(saved[0]))


def ready(store: Store, now: datetime, limit: int, with_slot: frozenset[int] = frozenset()) -> list[DownloadJob]:
    """Return the queued downloads that are ready, in the order of the queue.

    `with_slot` are tasks to leave out, since another download of theirs still holds a slot.
    """
    rows = store.rows(
        f"{_JOBS} WHERE {_READY} AND d.not_before <= ?"
        f" AND NOT {in_numbers('d.task', with_slot)} ORDER BY {QUEUE_PLACE}, d.id LIMIT ?",
        (format_instant(now), limit),
    )
    return [_JOB(row) for row in rows]


def unwanted_parts(store: Store) -> list[DownloadJob]:
    """Return the cancelled downloads whose part files are to be removed."""
    return [_JOB(row) for row in store.rows(f"{_JOBS} WHERE d.part_unwanted = 1 AND t.task_id IS NOT NULL")]


def running(store: Store) -> frozenset[int]:
    """Return the ids of the running downloads that are not paused."""
    return frozenset(store.integers(f"SELECT d.id FROM downloads d WHERE {_RUNNING} AND d.paused = 0"))


def next_at(store: Store, with_slot: frozenset[int] = frozenset()) -> datetime | None:
    """Return when the next queued download is ready, or None; `with_slot` as in `ready`."""
    return store.instant(
        f"SELECT min(d.not_before) FROM downloads d WHERE {_READY} AND NOT {in_numbers('d.task', with_slot)}"
    )


def unfinished(store: Store) -> list[Download]:
    """Return the unfinished downloads: running, then queued, in the order of the queue."""
    rows = store.rows(
        f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE {_OPEN} ORDER BY d.state = 'queued', {QUEUE_PLACE}, d.id"
    )
    return [download_of(row) for row in rows]


def folder_of(store: Store, download_id: int) -> str:
    """Return the target folder of a download; empty if there is no such download."""
    row = store.row("SELECT directory FROM downloads WHERE id = ?", (download_id,))
    return "" if row is None else as_text(row[0])


def is_recorded_at(store: Store, number: int, path: str) -> bool:
    """Return whether the result of task `number` is recorded as saved at `path`."""
    row = store.row("SELECT 1 FROM downloads WHERE task = ? AND state = 'done' AND path = ?", (number, path))
    return row is not None


def requeue_interrupted(store: Store) -> None:
    """Requeue downloads that a dead engine left running."""
    with store.write() as transaction:
        rows = transaction.run(
            "UPDATE downloads AS d SET state = 'queued', attempts = attempts + 1, rate = NULL, revision = ?"
            f" WHERE {_RUNNING} RETURNING task",
            (transaction.revision,),
        )
        for (number,) in rows:
            update_task(transaction, as_int(number))


def record_start(store: Store, job: DownloadJob) -> bool:
    """Record that a download starts; return False if it was paused or cancelled meanwhile."""
    columns = "state = 'running', started_at = coalesce(started_at, ?), trouble = NULL"
    return _update(store, job, columns, (format_instant(store.clock()),), where=_READY)


def record_progress(
    store: Store,
    job: DownloadJob,
    received: int,
    total: int | None,
    rate: float | None,
    etag: str | None,
    *,
    trouble: str | None = None,
    event: tuple[EventKind, str] | None = None,
) -> None:
    """Record the progress of a download: bytes received, total bytes, bytes a second, and an event for the timeline."""
    values = (received, total, rate, etag, trouble)
    _update(store, job, "bytes = ?, total = ?, rate = ?, etag = ?, trouble = ?", values, event=event)


def record_failed_attempt(store: Store, job: DownloadJob, reason: str, at_byte: int, again_at: datetime) -> None:
    """Record why an attempt failed at byte `at_byte`, and when the next one begins in the same slot."""
    columns = "attempts = attempts + 1, bytes = ?, rate = NULL, trouble = ?, not_before = ?"
    event = EventKind.CONNECTION_LOST, f"at byte {at_byte}: {reason}"
    _update(store, job, columns, (at_byte, reason, format_instant(again_at)), event=event)


def record_next_attempt(store: Store, job: DownloadJob) -> None:
    """Record that the next attempt begins in the same slot: why the last one failed is its trouble no more."""
    _update(store, job, "trouble = NULL", (), where=_RUNNING)


def reschedule(store: Store, job: DownloadJob, reason: str, not_before: datetime, *, was_tried: bool = True) -> None:
    """Requeue a download until `not_before`; `was_tried` counts it as a failed attempt."""
    columns = "state = 'queued', attempts = attempts + ?, rate = NULL, trouble = ?, not_before = ?"
    event = (EventKind.TRANSFER_POSTPONED, reason) if was_tried else None
    _update(store, job, columns, (was_tried, reason, format_instant(not_before)), event=event)


def requeue_last(store: Store, job: DownloadJob, reason: str) -> None:
    """Requeue a running download behind all others."""
    columns = (
        "state = 'queued', attempts = attempts + 1, rate = NULL, trouble = ?, not_before = ?, place ="
        f" (SELECT max(coalesce(o.place, o.id)) + 1 FROM downloads o WHERE o.{DOWNLOAD_IS_OPEN})"
    )
    values = (reason, format_instant(store.clock()))
    _update(store, job, columns, values, event=(EventKind.TRANSFER_POSTPONED, reason))


def record_interruption(store: Store, job: DownloadJob) -> None:
    """Requeue a download that was interrupted; a paused one stays paused."""
    columns = "state = 'queued', attempts = attempts + 1, rate = NULL, not_before = ?"
    _update(store, job, columns, (format_instant(store.clock()),), where=_RUNNING)


def record_part_removed(store: Store, job: DownloadJob) -> None:
    """Record that the part file of a cancelled download was removed."""
    _update(store, job, "part_unwanted = 0", (), where="d.part_unwanted = 1")


def record_success(
    store: Store, job: DownloadJob, path: str, size: int, sha256: str, remarks: Sequence[str] = ()
) -> None:
    """Record that the verified file lies at `path`, even if its download was cancelled a moment before.

    `remarks` are sentences on the archive, for the operator to read before unpacking.
    """
    columns = (
        "state = 'done', path = ?, bytes = ?, total = ?, sha256 = ?, trouble = NULL, part_unwanted = 0, remarks = ?"
    )
    with store.write() as transaction:
        _finish(store, job, columns, (path, size, size, sha256, "\n".join(remarks) or None), where="1")
        number = _task_number(transaction, job)
        update_task(transaction, number, saved=1)
        show_saved_result(transaction, number)
        detail = f"{path} ({size} bytes, sha256 {sha256})"
        timeline.append(transaction, number, job.actor, EventKind.DOWNLOADED, detail=detail)


def record_failure(
    store: Store, job: DownloadJob, reason: str, *, part_is_left: bool = True, actor: str = timeline.SERVICE
) -> None:
    """Record why and by whom a download failed, and whether its part file can be resumed."""
    columns = f"state = 'failed', trouble = ?, etag = {'etag' if part_is_left else 'NULL'}"
    with store.write() as transaction:
        if _finish(store, job, columns, (reason,)):
            number = _task_number(transaction, job)
            timeline.append(transaction, number, actor, EventKind.DOWNLOAD_FAILED, detail=reason)
            show_saved_result(transaction, number)


def _finish(store: Store, job: DownloadJob, columns: str, values: tuple[SqlValue, ...], *, where: str = _OPEN) -> bool:
    """Do as `_update` at the end of a download, and append the summary of its attempts."""
    columns += ", paused = 0, rate = NULL, finished_at = ?, attempts = attempts + 1"
    with store.write() as transaction:
        ended = _update(store, job, columns, (*values, transaction.now_text), where=where)
        if ended:
            attempts = transaction.integer("SELECT attempts FROM downloads WHERE id = ?", (job.id,))
            _append_summary(transaction, _task_number(transaction, job), attempts - 1)
    return ended


def _update(
    store: Store,
    job: DownloadJob,
    columns: str,
    values: tuple[SqlValue, ...],
    *,
    where: str = _OPEN,
    event: tuple[EventKind, str] | None = None,
) -> bool:
    """Update a download, its task and its timeline, if `where` still holds; return whether it did."""
    with store.write() as transaction:
        rows = transaction.run(
            f"UPDATE downloads AS d SET {columns}, revision = ? WHERE d.id = ? AND {where} RETURNING id",
            (*values, transaction.revision, job.id),
        )
        if rows:
            number = _task_number(transaction, job)
            update_task(transaction, number)
            if event is not None:
                _append_event(transaction, number, *event)
    return bool(rows)


def _task_number(transaction: Transaction, job: DownloadJob) -> int:
    """Return the number of a download's task: another one than when it began if two rows were joined meanwhile."""
    return transaction.integer("SELECT task FROM downloads WHERE id = ?", (job.id,))


def _append_event(transaction: Transaction, number: int, what: EventKind, detail: str) -> None:
    """Append an event to the timeline of task `number`, unless its newest download has enough of that kind."""
    kinds = _FAILED_ATTEMPTS if what in _FAILED_ATTEMPTS else _CONTINUATIONS
    if _count_since_request(transaction, number, kinds) < _MAX_EVENTS:
        timeline.append(transaction, number, timeline.PROGRAM, what, detail=detail)


def _append_summary(transaction: Transaction, number: int, attempts: int) -> None:
    """Append at the end of a download how many attempts before the last have no event of their own, if many failed."""
    recorded = _count_since_request(transaction, number, _FAILED_ATTEMPTS)
    if recorded == _MAX_EVENTS and attempts > recorded:
        detail = f"and {counted(attempts - recorded, 'more attempt')}"
        timeline.append(transaction, number, timeline.PROGRAM, EventKind.MORE_ATTEMPTS, detail=detail)


def _count_since_request(transaction: Transaction, number: int, kinds: tuple[EventKind, ...]) -> int:
    return transaction.integer(
        "SELECT count(*) FROM timeline WHERE task = ? AND what IN (?, ?)"
        " AND id > (SELECT coalesce(max(id), 0) FROM timeline WHERE task = ? AND what = ?)",
        (number, *kinds, number, EventKind.DOWNLOAD_REQUESTED),
    )
