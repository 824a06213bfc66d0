"""Writes the golden history of the newest schema: `python -m tests.store.golden.write`, once, when it is released.

A file that is there is left alone: it stands for what lies on operators' disks.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.database import migrate
from bwp_tui.store.open_store import open_store
from tests.manual_clock import ManualClock
from tests.store.support import NOW, in_status

STATUSES: Final = (
    Status.QUEUED,
    Status.IN_PROGRESS,
    Status.ON_HOLD,
    Status.COMPLETED,
    Status.FAILED,
    Status.REJECTED,
    Status.UNCONFIRMED,
    Status.CANCELLED,
)
_DELETIONS: Final = (Status.ON_HOLD, Status.CANCELLED)


def fill(path: Path) -> None:
    """Make a history with a task of each status."""
    store = open_store(path, clock=ManualClock(NOW))
    for number, status in enumerate(STATUSES, start=1):
        kind = Kind.DELETION if status in _DELETIONS else Kind.RETRIEVAL
        task = in_status(store, status, kind, f"task-{number}")
        store.rows("UPDATE tasks SET email = ? WHERE number = ?", (f"{status.lower()}@example.com", task.number))
    store.rows("PRAGMA journal_mode = DELETE")
    store.close()


def main() -> None:
    """Write the file of the newest schema beside this one, unless it is there."""
    target = Path(__file__).with_name(f"schema-{migrate.newest_version()}.db")
    if target.exists():
        raise SystemExit(f"{target} is there already.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        fill(path)
        shutil.copyfile(path, target)


if __name__ == "__main__":
    main()
