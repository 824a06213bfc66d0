"""Change the download queue: pause, resume, cancel, retry and move downloads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Task
from bwp_tui.store.commands import requests
from bwp_tui.store.commands.bulk import ChangeResult
from bwp_tui.store.commands.request_validation import refuse
from bwp_tui.store.database.connection import Store, Transaction, as_int, as_text
from bwp_tui.store.database.shared_sql import DOWNLOAD_HAS_ENDED, update_task
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.row_mapping import DOWNLOAD_COLUMNS, download_of
from bwp_tui.store.queries.saved_results import is_gone
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads

_RETRYABLE: Final = frozenset({DownloadState.FAILED, DownloadState.CANCELLED})


def list_downloads(store: Store, limit: int) -> list[Download]:
    """Return the open downloads in the order of the queue, then the ended ones, newest first.

    All open ones are returned, however many: what counts, moves or marks them needs each; ended ones up to `limit`.
    """
    open_downloads = downloads.unfinished(store)
    rows = store.rows(
        f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.{DOWNLOAD_HAS_ENDED}"
        " ORDER BY d.finished_at DESC, d.id DESC LIMIT ?",
        (max(0, limit - len(open_downloads)),),
    )
    return open_downloads + [download_of(row) for row in rows]


def count(store: Store) -> int:
    """Return how many downloads there are."""
    return store.integer("SELECT count(*) FROM downloads")


def tasks_of(store: Store, downloads: Iterable[Download]) -> dict[int, Task]:
    """Return the tasks of downloads by their numbers."""
    numbers = list(dict.fromkeys(download.task_number for download in downloads))
    return {task.number: task for task in tasks.by_numbers(store, numbers)}


def cannot_pause(download: Download) -> str | None:
    if download.is_open and download.paused:
        return f"The download of #{download.task_number} is paused already."
    return _reason_unless(download.is_open, download, "only one that waits or runs can be paused")


def cannot_resume(download: Download) -> str | None:
    return _reason_unless(download.is_open and download.paused, download, "only a paused one can be resumed")


def cannot_cancel(download: Download) -> str | None:
    return _reason_unless(download.is_open, download, "there is nothing left to cancel")


def cannot_retry(download: Download) -> str | None:
    is_possible = not download.is_purged and (download.state in _RETRYABLE or is_gone(download))
    return (
        _reason_unless(not download.has_newer, download, "its result was asked for again since: see the newest one")
        or _reason_unless(is_possible, download, "a failed, cancelled or gone one is retried")
        or _reason_unless(not download.is_declined, download, "its request is declined")
    )


def cannot_move(download: Download) -> str | None:
    is_waiting = download.state == DownloadState.QUEUED
    return _reason_unless(is_waiting, download, "only one that waits has a place in the queue")


def end_of_queue_reason(download: Download, *, is_first: bool) -> str:
    """Return why a waiting download that is first cannot move up, or one that is last cannot move down."""
    return f"The download of #{download.task_number} is {'first' if is_first else 'last'} already."


def current_state(download: Download) -> str:
    """Return the predicate of a sentence on the state of `download`."""
    if download.is_purged:
        return "was purged"
    return "has failed" if download.state == DownloadState.FAILED else f"is {download.state_name}"


def _reason_unless(possible: bool, download: Download, reason: str) -> str | None:
    return None if possible else f"The download of #{download.task_number} {current_state(download)}; {reason}."


def retry(folder: Path) -> QueueChange:
    """Return the change that requests downloads again which failed, were cancelled or are gone.

    Each becomes a new one, which resumes the part file.

    Args:
        folder: where a result goes whose own folder is not there and cannot be made, as that of another computer in a
            restored copy.
    """

    def apply(transaction: Transaction, store: Store, download: Download, actor: str) -> int:
        own = as_text(transaction.run("SELECT directory FROM downloads WHERE id = ?", (download.id,))[0][0])
        can_be_made = os.path.isdir(Path(own).parent)  # noqa: PTH112  `Path.is_dir` raises where it may not look
        return requests.download(store, download.task_number, own if can_be_made else str(folder), actor)

    return QueueChange(cannot_retry, apply)


def _change(columns: str, event: EventKind) -> Callable[[Transaction, Store, Download, str], int]:
    """Return the function that sets columns of a download (`?1` is the instant), and appends an event."""

    def change(transaction: Transaction, _store: Store, download: Download, actor: str) -> int:
        transaction.run(
            f"UPDATE downloads SET {columns}, revision = ?2 WHERE id = ?3",
            (transaction.now_text, transaction.revision, download.id),
        )
        _append_event(transaction, download, actor, event)
        return download.id

    return change


@dataclass(frozen=True, slots=True)
class QueueChange:
    """A change of downloads, given by their ids, in one transaction.

    Attributes:
        disabled_reason: returns why it is not possible for a download, or None.
        apply: changes a download, and returns the id of the one to look at now.
    """

    disabled_reason: Callable[[Download], str | None]
    apply: Callable[[Transaction, Store, Download, str], int]

    def __call__(self, store: Store, ids: Iterable[int], actor: str) -> list[ChangeResult]:
        """Change each download."""
        with store.write() as transaction:
            return [self._apply_to_one(transaction, store, download_id, actor) for download_id in ids]

    def _apply_to_one(self, transaction: Transaction, store: Store, download_id: int, actor: str) -> ChangeResult:
        try:
            # Checked inside the transaction: the engine may have written since the operator saw the download.
            download = _get(transaction, download_id)
            refuse(self.disabled_reason(download))
            return ChangeResult(download_id, self.apply(transaction, store, download, actor))
        except NotPossible as why:
            return ChangeResult(download_id, download_id, str(why))


def _cancel(transaction: Transaction, store: Store, download: Download, actor: str) -> int:
    columns = (
        "state = 'cancelled', paused = 0, part_unwanted = 1, rate = NULL, trouble = NULL, finished_at = ?1,"
        " attempts = attempts + (state = 'running')"
    )
    cancelled = _change(columns, EventKind.DOWNLOAD_CANCELLED)(transaction, store, download, actor)
    downloads.show_saved_result(transaction, download.task_number)
    return cancelled


pause: Final = QueueChange(cannot_pause, _change("paused = 1", EventKind.DOWNLOAD_PAUSED))
"""Pauses downloads and keeps their part files; a running one stops within a second."""

resume: Final = QueueChange(cannot_resume, _change("paused = 0", EventKind.DOWNLOAD_RESUMED))
"""Resumes paused downloads, each in its place in the queue."""

cancel: Final = QueueChange(cannot_cancel, _cancel)
"""Ends downloads without a file. The engine removes their part files; a finished file stays."""


def toggle_pause(store: Store, ids: Iterable[int], actor: str) -> tuple[str, list[ChangeResult]]:
    """Pause the downloads that can be paused, or if there are none, resume the paused ones.

    The states in the history decide, not those on a screen, so that each call counts.

    Returns:
        "pause" or "resume", and the results of those it was applied to, or why it was applied to none.
    """
    with store.write() as transaction:
        downloads_now = [_get(transaction, download_id) for download_id in ids]
        for name, change in (("pause", pause), ("resume", resume)):
            possible = [download for download in downloads_now if change.disabled_reason(download) is None]
            for download in possible:
                change.apply(transaction, store, download, actor)
            if possible:
                return name, [ChangeResult(download.id, download.id) for download in possible]
    return "resume", [ChangeResult(download.id, download.id, cannot_resume(download)) for download in downloads_now]


def move(store: Store, download_id: int, places: int, actor: str) -> None:
    """Move a waiting download down the queue, or up where `places` is negative, to the end at most."""
    with store.write() as transaction:
        download = _get(transaction, download_id)
        refuse(cannot_move(download))
        waiting = _waiting(transaction)
        before = [waiting_id for waiting_id, _ in waiting].index(download_id)
        after = min(max(0, before + places), len(waiting) - 1)
        if after == before:
            raise NotPossible(end_of_queue_reason(download, is_first=places < 0))
        _reorder(transaction, waiting, before, after)
        _append_event(transaction, download, actor, EventKind.DOWNLOAD_MOVED, f"to place {after + 1} of {len(waiting)}")


def _get(transaction: Transaction, download_id: int) -> Download:
    row = transaction.row(f"SELECT {DOWNLOAD_COLUMNS} FROM downloads d WHERE d.id = ?", (download_id,))
    if row is None:
        raise NotPossible(f"There is no download {download_id} in this history.")
    return download_of(row)


def _append_event(
    transaction: Transaction, download: Download, actor: str, what: EventKind, detail: str | None = None
) -> None:
    timeline.append(transaction, download.task_number, actor, what, detail=detail)
    update_task(transaction, download.task_number)


def _waiting(transaction: Transaction) -> list[tuple[int, int]]:
    """Return id and place of the waiting downloads, in the order of the queue."""
    rows = transaction.run(
        f"SELECT d.id, {downloads.QUEUE_PLACE} AS place FROM downloads d WHERE {downloads.IS_QUEUED}"
        " ORDER BY place, d.id"
    )
    return [(as_int(download_id), as_int(place)) for download_id, place in rows]


def _reorder(transaction: Transaction, waiting: list[tuple[int, int]], before: int, after: int) -> None:
    """Shift the downloads between two places by one place each, so that the same places stay in use."""
    ids = [waiting_id for waiting_id, _ in waiting]
    ids.insert(after, ids.pop(before))
    for (before_id, place), after_id in zip(waiting, ids, strict=True):
        if after_id != before_id:
            transaction.run(
                "UPDATE downloads SET place = ?, revision = ? WHERE id = ?", (place, transaction.revision, after_id)
            )
