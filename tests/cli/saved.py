"""A history with a retrieval whose result is on disk."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from bwp_tui.domain.filter import parse
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.store.commands import requests
from bwp_tui.store.commands.seed_sandbox import seed_tasks
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads
from tests.archive.zips import DATA, plain
from tests.cli.conftest import Bwp


def save(bwp: Bwp, folder: Path) -> tuple[int, Path]:
    """Plant tasks of the past, save the result of one; return its task number and where the file lies."""
    folder.mkdir(parents=True, exist_ok=True)
    store = bwp.store()
    now = datetime.now(UTC)
    seed_tasks(store, past_tasks(30, 1, now), "op")
    (task,) = tasks.matching(store, parse("is:ready"), today=now.date(), limit=1)
    path = plain(folder / f"retrieval-{task.email}-1.zip", {"a.txt": DATA, "b/orders.json": b"{}"})
    requests.download(store, task.number, str(folder), "op (from 10.0.0.7)")
    (order,) = downloads.ready(store, store.clock(), 10)
    content = path.read_bytes()
    downloads.record_success(store, order, str(path), len(content), hashlib.sha256(content).hexdigest())
    store.close()
    return task.number, path


def email_of(bwp: Bwp, number: int) -> str:
    store = bwp.store()
    email = tasks.get(store, number).email
    store.close()
    return email
