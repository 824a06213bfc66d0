"""Record what operators do with a saved result: each act makes another copy of personal data."""

from __future__ import annotations

from pathlib import Path

from bwp_tui.domain.task import DownloadState, Kind, Task, cannot_change_purged
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.shared_sql import set_revision
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import EventKind


def cannot_open_result(task: Task) -> str | None:
    """Return why there is no saved result to open, or None when there is."""
    if why_not := cannot_change_purged(task):
        return why_not
    if task.kind is Kind.DELETION:
        return "A deletion has no result."
    if task.download is None or task.download.state != DownloadState.DONE or task.download.path is None:
        return f"The result of {task.name} is not saved yet; download it first."
    return None


def record_unpacked(store: Store, number: int, folder: Path, actor: str) -> None:
    """Record that the result of task `number` was unpacked into `folder`."""
    _append(store, number, actor, EventKind.UNPACKED, str(folder))


def record_packed(store: Store, number: int, path: Path, recipient: str, sha256: str, actor: str) -> None:
    """Record that a copy of the result, encrypted for `recipient`, was written to `path`; `sha256` is the copy's."""
    _append(store, number, actor, EventKind.PACKED, f"{path} for {recipient} (sha256 {sha256})")


def _append(store: Store, number: int, actor: str, what: EventKind, detail: str) -> None:
    with store.write() as transaction:
        timeline.append(transaction, number, actor, what, detail=detail)
        set_revision(transaction, number)
