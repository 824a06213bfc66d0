"""A register with downloads in every state they can be in, in the order of the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bwp_tui.domain.task import Status
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.connection import History
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.downloads import Order
from tests.console.past import NOW, Planted

SHA: Final = "3f786850e387550fdab836ed7e6dc881de23001bb1e4a9b0d1f8c2a5b6e7d809"
FOLDER: Final = "/srv/privacy/results"

NAMES: Final = ("fast", "slow", "linked", "troubled", "parked", "next", "last", "saved", "broken", "dropped")
PAST: Final = tuple(Planted(f"{name}@example.com", status=Status.COMPLETED) for name in NAMES)
"""Retrievals with a result each, numbered from 1 in this order."""


def ask(history: History, name: str) -> int:
    """Ask for the result of the task called `name`; return the download's id."""
    task = requests.download(history, NAMES.index(name) + 1, FOLDER, "op")
    assert task.download is not None
    return task.download.id


def order_of(history: History, download_id: int) -> Order:
    """Return a queued download as the engine takes it up."""
    return next(order for order in downloads.due(history, NOW, 100) if order.id == download_id)


def run(history: History, name: str) -> Order:
    """Ask for a download and start it."""
    order = order_of(history, ask(history, name))
    downloads.started(history, order)
    return order


def run_all(history: History) -> None:
    """Bring the ten downloads into ten different states, with an engine somewhere."""
    engine_state.announce(history, 4711, "desk")
    saved, broken, dropped = (run(history, name) for name in ("saved", "broken", "dropped"))
    downloads.finished(history, saved, f"{FOLDER}/retrieval-saved@example.com-{saved.task_id}.zip", 19_300_000, SHA)
    downloads.progressed(history, broken, 4_000_000, 8_000_000, 1_000_000.0, '"tag"')
    downloads.failed(history, broken, "The archive is no sound zip file (its directory is missing). Download it again.")
    download_queue.cancel(history, [dropped.id], "ann")
    downloads.progressed(history, run(history, "fast"), 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
    slow = run(history, "slow")
    downloads.put_off(history, slow, "The connection was lost.", NOW)
    downloads.started(history, slow)
    downloads.progressed(history, slow, 999_000, 1_240_000_000, 48_000.0, '"tag"')
    run(history, "linked")
    troubled = run(history, "troubled")
    downloads.put_off(history, troubled, "Waiting for the service.", NOW + timedelta(minutes=2))
    parked = run(history, "parked")
    downloads.progressed(history, parked, 640_000, 1_000_000, 90_000.0, '"tag"')
    downloads.interrupted(history, parked)
    download_queue.pause(history, [parked.id], "op")
    ask(history, "next")
    ask(history, "last")
