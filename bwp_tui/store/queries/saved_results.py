"""Look whether the files of finished downloads are still on disk: only then are they results."""

from __future__ import annotations

from pathlib import Path

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.store.database.connection import Store, as_int, as_text
from bwp_tui.store.database.shared_sql import IS_DOWNLOAD_OF_TASK, IS_SAVED


def is_on_disk(path: str, size: int) -> bool:
    """Return whether there is a file of `size` bytes at `path`; one that this user cannot look at counts as there."""
    try:
        return Path(path).stat().st_size == size
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False


def saved_path(download: Download | None) -> Path | None:
    """Return the path of the saved result, or None if there is none, or its file is gone or of another size."""
    if download is None or download.state != DownloadState.DONE or download.path is None:
        return None
    return Path(download.path) if is_on_disk(download.path, download.bytes) else None


def is_gone(download: Download | None) -> bool:
    """Return whether a result was saved and not purged, and its file is no longer there or of another size."""
    was_saved = download is not None and download.state == DownloadState.DONE and not download.is_purged
    return was_saved and saved_path(download) is None


def tasks_of_gone_results(store: Store, most: int) -> list[int]:
    """Return the tasks whose saved result is gone or changed, among the newest `most` results; the newest first.

    Those of declined requests are left out: they are no longer needed, and cannot be downloaded again.
    """
    results = store.rows(
        f"SELECT task, path, bytes FROM downloads WHERE {IS_SAVED} AND {IS_DOWNLOAD_OF_TASK}"
        " AND task NOT IN (SELECT number FROM tasks WHERE status = 'DECLINED') ORDER BY id DESC LIMIT ?",
        (most,),
    )
    return [as_int(task) for task, path, size in results if not is_on_disk(as_text(path), as_int(size))]
