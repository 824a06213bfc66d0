"""A history with downloads in every state, in the order of the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.downloads import DownloadJob
from tests.console.past_tasks import NOW, PastTask

SHA: Final = "3f786850e387550fdab836ed7e6dc881de23001bb1e4a9b0d1f8c2a5b6e7d809"
FOLDER: Final = "/srv/privacy/results"

NAMES: Final = ("fast", "slow", "linked", "troubled", "parked", "next", "last", "saved", "broken", "dropped")
PAST: Final = tuple(PastTask(f"{name}@example.com", status=Status.COMPLETED) for name in NAMES)
"""Retrievals with a result each, numbered from 1 in this order."""


def ask(store: Store, name: str) -> int:
    """Ask for the result of the task called `name`; return the download's id."""
    return requests.download(store, NAMES.index(name) + 1, FOLDER, "op")


def order_of(store: Store, download_id: int) -> DownloadJob:
    """Return a queued download as the engine takes it up."""
    return next(order for order in downloads.ready(store, NOW, 100) if order.id == download_id)


def run(store: Store, name: str) -> DownloadJob:
    """Ask for a download and start it."""
    order = order_of(store, ask(store, name))
    downloads.record_start(store, order)
    return order


def run_all(store: Store) -> None:
    """Bring the ten downloads into ten different states, with an engine somewhere."""
    engine_state.record_new_term(store, 4711, "desk")
    saved, broken, dropped = (run(store, name) for name in ("saved", "broken", "dropped"))
    downloads.record_success(store, saved, f"{FOLDER}/retrieval-saved@example.com-{saved.task_id}.zip", 19_300_000, SHA)
    downloads.record_progress(store, broken, 4_000_000, 8_000_000, 1_000_000.0, '"tag"')
    downloads.record_failure(
        store, broken, "The archive is no sound zip file (its directory is missing). Download it again."
    )
    download_queue.cancel(store, [dropped.id], "ann")
    downloads.record_progress(store, run(store, "fast"), 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
    slow = run(store, "slow")
    downloads.reschedule(store, slow, "The connection was lost.", NOW)
    downloads.record_start(store, slow)
    downloads.record_progress(store, slow, 999_000, 1_240_000_000, 48_000.0, '"tag"')
    run(store, "linked")
    troubled = run(store, "troubled")
    downloads.reschedule(store, troubled, "Waiting for the service.", NOW + timedelta(minutes=2))
    parked = run(store, "parked")
    downloads.record_progress(store, parked, 640_000, 1_000_000, 90_000.0, '"tag"')
    downloads.record_interruption(store, parked)
    download_queue.pause(store, [parked.id], "op")
    ask(store, "next")
    ask(store, "last")
