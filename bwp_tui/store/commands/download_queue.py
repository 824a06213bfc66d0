"""The queue of downloads as operators steer it: its order, and what may be done to each one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bwp_tui.domain.task import Download, DownloadState, Task
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store, Transaction, as_int
from bwp_tui.store.database.row_touch import touch_row
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.row_mapping import DOWNLOAD_COLUMNS, download_of
from bwp_tui.store.worklog import downloads

OPEN = frozenset({DownloadState.QUEUED, DownloadState.RUNNING})
"""States of a download that has not ended; a paused one is in one of them."""

_AGAIN = frozenset({DownloadState.FAILED, DownloadState.CANCELLED})


@dataclass(frozen=True, slots=True)
class QueueResult:
    """What came of one download: the id of the one to look at now (a retried one is new), or why nothing."""

    id: int
    now: int
    refused: str | None = None


def listed(store: Store, limit: int) -> list[Download]:
    """Return the open downloads in the order of the queue, then those that have ended, newest first; `limit` in all."""
    found = downloads.unfinished(store)[:limit]
    rows = store.rows(
        f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.state IN ('done', 'failed', 'cancelled')"
        " ORDER BY d.finished_at DESC, d.id DESC LIMIT ?",
        (limit - len(found),),
    )
    return found + [download_of(row) for row in rows]


def tasks_of(store: Store, found: Iterable[Download]) -> dict[int, Task]:
    """Return the task of each download (its kind, address and name) by local number."""
    numbers = list(dict.fromkeys(download.number for download in found))
    return {task.number: task for task in tasks.window(store, numbers)}


def pause(store: Store, ids: Iterable[int], actor: str) -> list[QueueResult]:
    """Stop downloads and keep what they have; one that runs stops within a second of its engine's time.

    Raises:
        HistoryError: it could not be recorded; nothing was.
    """
    return _apply(store, ids, lambda transaction, download: _pause(transaction, download, actor))


def resume(store: Store, ids: Iterable[int], actor: str) -> list[QueueResult]:
    """Let paused downloads go on, each in the place it has in the queue.

    Raises:
        HistoryError: it could not be recorded; nothing was.
    """
    return _apply(store, ids, lambda transaction, download: _resume(transaction, download, actor))


def toggle_pause(store: Store, ids: Iterable[int], actor: str) -> tuple[str, list[QueueResult]]:
    """Pause those that can be paused; where none can, let go on those that are paused; the others are left alone.

    Returns:
        "pause" or "resume", which of the two it was, and what came of those it was done to, or why of none.

    What is found in the history decides, not what was on a screen: as often as this is called, each call counts.

    Raises:
        HistoryError: it could not be recorded; nothing was.
    """
    with store.write() as transaction:
        found = [_get(transaction, download_id) for download_id in ids]
        for action, cannot, deed in (("pause", cannot_pause, _pause), ("resume", cannot_resume, _resume)):
            possible = [download for download in found if cannot(download) is None]
            for download in possible:
                deed(transaction, download, actor)
            if possible:
                return action, [QueueResult(download.id, download.id) for download in possible]
    return "resume", [QueueResult(download.id, download.id, cannot_resume(download)) for download in found]


def cancel(store: Store, ids: Iterable[int], actor: str) -> list[QueueResult]:
    """End downloads without a file. The engine removes what they have; a file that has its name already stays.

    Raises:
        HistoryError: it could not be recorded; nothing was.
    """
    return _apply(store, ids, lambda transaction, download: _cancel(transaction, download, actor))


def retry(store: Store, ids: Iterable[int], actor: str) -> list[QueueResult]:
    """Ask again for downloads that ended without a file, each as a new one that goes on where its part ends.

    Raises:
        HistoryError: it could not be recorded; nothing was.
    """
    return _apply(store, ids, lambda transaction, download: _retry(transaction, store, download, actor))


def move(store: Store, download_id: int, places: int, actor: str) -> None:
    """Move a waiting download by so many places among those that wait, down or (negative) up, to the end at most.

    Raises:
        NotPossible: it does not wait, or there is no place to move to.
        HistoryError: it could not be recorded.
    """
    with store.write() as transaction:
        download = _get(transaction, download_id)
        why_not = cannot_move(download)
        if why_not:
            raise NotPossible(why_not)
        waiting = _waiting(transaction)
        before = [found for found, _ in waiting].index(download_id)
        after = min(max(0, before + places), len(waiting) - 1)
        if after == before:
            raise NotPossible(f"The download of #{download.number} is {'first' if places < 0 else 'last'} already.")
        _put(transaction, waiting, before, after)
        _append_event(transaction, download, actor, "download moved", f"to place {after + 1} of {len(waiting)}")


def current_state(download: Download) -> str:
    """Return the predicate of a sentence on where `download` stands."""
    return "has failed" if download.state == DownloadState.FAILED else f"is {download.state}"


def cannot_pause(download: Download) -> str | None:
    """Return why `download` cannot be paused, or None when it can."""
    if download.state not in OPEN:
        return (
            f"The download of #{download.number} {current_state(download)}; only one that waits or runs can be paused."
        )
    return f"The download of #{download.number} is paused already." if download.paused else None


def cannot_resume(download: Download) -> str | None:
    """Return why `download` cannot go on, or None when it can."""
    if download.state in OPEN and download.paused:
        return None
    return f"The download of #{download.number} {current_state(download)}; only a paused one can be resumed."


def cannot_cancel(download: Download) -> str | None:
    """Return why `download` cannot be cancelled, or None when it can."""
    if download.state in OPEN:
        return None
    return f"The download of #{download.number} {current_state(download)}; there is nothing left to cancel."


def cannot_retry(download: Download) -> str | None:
    """Return why `download` cannot be asked for again, or None when it can."""
    if download.state in _AGAIN:
        return None
    return (
        f"The download of #{download.number} {current_state(download)}; only a failed or cancelled one is tried again."
    )


def cannot_move(download: Download) -> str | None:
    """Return why `download` cannot be moved in the queue, or None when it can."""
    if download.state == DownloadState.QUEUED:
        return None
    return (
        f"The download of #{download.number} {current_state(download)}; only one that waits has a place in the queue."
    )


def _apply(store: Store, ids: Iterable[int], deed: Callable[[Transaction, Download], int | None]) -> list[QueueResult]:
    with store.write() as transaction:
        return [_apply_to_one(transaction, download_id, deed) for download_id in ids]


def _apply_to_one(
    transaction: Transaction, download_id: int, deed: Callable[[Transaction, Download], int | None]
) -> QueueResult:
    try:
        # Judged inside the transaction: the engine may have written since the operator saw the download.
        now = deed(transaction, _get(transaction, download_id))
    except NotPossible as why:
        return QueueResult(download_id, download_id, str(why))
    return QueueResult(download_id, download_id if now is None else now)


def _pause(transaction: Transaction, download: Download, actor: str) -> None:
    _refuse(cannot_pause(download))
    _set(transaction, download, "paused = 1")
    _append_event(transaction, download, actor, "download paused")


def _resume(transaction: Transaction, download: Download, actor: str) -> None:
    _refuse(cannot_resume(download))
    _set(transaction, download, "paused = 0")
    _append_event(transaction, download, actor, "download resumed")


def _cancel(transaction: Transaction, download: Download, actor: str) -> None:
    _refuse(cannot_cancel(download))
    _set(
        transaction,
        download,
        "state = 'cancelled', paused = 0, part_unwanted = 1, rate = NULL, trouble = NULL, finished_at = ?,"
        " attempts = attempts + (state = 'running')",
        transaction.now_text,
    )
    _append_event(transaction, download, actor, "download cancelled")


def _retry(transaction: Transaction, store: Store, download: Download, actor: str) -> int | None:
    _refuse(cannot_retry(download))
    task = tasks.get(store, download.number)
    if task.download is not None and task.download.id != download.id:
        raise NotPossible(f"The result of {task.name} was asked for again since; see its newest download.")
    directory = transaction.run("SELECT directory FROM downloads WHERE id = ?", (download.id,))[0][0]
    return requests.download_in(transaction, store, download.number, str(directory), actor)


def _refuse(why_not: str | None) -> None:
    if why_not:
        raise NotPossible(why_not)


def _get(transaction: Transaction, download_id: int) -> Download:
    row = transaction.row(f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.id = ?", (download_id,))
    if row is None:
        raise NotPossible(f"There is no download {download_id} in this history.")
    return download_of(row)


def _set(transaction: Transaction, download: Download, columns: str, *values: str) -> None:
    transaction.run(
        f"UPDATE downloads SET {columns}, revision = ? WHERE id = ?", (*values, transaction.revision, download.id)
    )


def _append_event(
    transaction: Transaction, download: Download, actor: str, what: str, detail: str | None = None
) -> None:
    timeline.append(transaction, download.number, actor, what, detail=detail)
    touch_row(transaction, download.number)


def _waiting(transaction: Transaction) -> list[tuple[int, int]]:
    """Return id and place of the downloads that wait, the next one first."""
    rows = transaction.run(
        f"SELECT d.id, {downloads.PLACE} AS place FROM downloads d WHERE {downloads.QUEUED} ORDER BY place, d.id"
    )
    return [(as_int(found), as_int(place)) for found, place in rows]


def _put(transaction: Transaction, waiting: list[tuple[int, int]], before: int, after: int) -> None:
    """Give those between two places the places of their neighbours: none gets one that is not in use."""
    ids = [found for found, _ in waiting]
    ids.insert(after, ids.pop(before))
    for (was, place), found in zip(waiting, ids, strict=True):
        if found != was:
            transaction.run(
                "UPDATE downloads SET place = ?, revision = ? WHERE id = ?", (place, transaction.revision, found)
            )
