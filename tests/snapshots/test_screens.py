"""What stands in the place of the main screen. New pictures: see `test_snapshots`."""

from __future__ import annotations

import pytest

from bwp_tui.domain.task import WATCHED, Kind, Request, Verification
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads, intent_outcomes, intents
from tests.archive.zips import plain
from tests.console.past_tasks import HELD, NOT_KNOWN, NOW, READY, TODAY, WAITING
from tests.console.support import Console
from tests.console.test_archive_screen import MEMBERS
from tests.snapshots.screenshots import SMALL, Camera, both_sizes
from tests.store import single

TOKEN = "28688a0a-1111-4222-8333-444455556666"


def work_on_tasks(store: Store) -> None:
    """Work on the held deletion, and a second request for its address, which the service has taken."""
    single.verify(store, HELD, Verification(TODAY, "anna", "order 17 and its postcode"), "op")
    single.extend(store, HELD, "orders in three shops", TODAY, "op")
    single.assign(store, HELD, "anna", "op")
    single.set_tags(store, WAITING, (WATCHED,), "op")
    request = Request(Kind.DELETION, "bob@example.com", TODAY, "gdpr", 10, "left the shop")
    number = requests.submit(store, request, "op").number
    with store.write() as transaction:
        transaction.run("UPDATE intents SET client_token = ?", (TOKEN,))
    (intent,) = intents.ready(store, NOW, 9)
    assert intent_outcomes.record_sending(store, intent.id)
    intent_outcomes.record_accepted(store, intent.id, "0e1f7b16-accepted", NOW)
    requests.cancel(store, number, "op")


NEW = 11
"""Local number of the request that `work_on_tasks` makes."""


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5], ids=["overview", "errors", "timeline", "sent", "notes"])
@both_sizes
def test_task(camera: Camera, size: tuple[int, int], page: int) -> None:
    async def act(console: Console) -> None:
        await console.until(lambda: console.main.table.row_count == NEW)
        await console.go_to(NOT_KNOWN if page == 2 else NEW if page == 4 else HELD)
        await console.press("enter", str(page))

    assert camera.agrees(size, act, prepare=work_on_tasks, rows=NEW)


def test_task_small(camera: Camera) -> None:
    async def act(console: Console) -> None:
        await console.go_to(HELD)
        await console.press("enter")

    assert camera.agrees(SMALL, act)


@both_sizes
def test_letter(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.go_to(READY)
        await console.press("L")
        await console.sees("With this message")

    assert camera.agrees(size, act)


@both_sizes
def test_sent(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.press("H")
        await console.sees("Submissions and cancellations", " 2 ──")

    assert camera.agrees(size, act, prepare=work_on_tasks, rows=NEW)


@both_sizes
def test_dashboard(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.press("D")
        await console.sees("Open requests by due date")

    assert camera.agrees(size, act)


@both_sizes
def test_archive(camera: Camera, size: tuple[int, int], profile: Profile) -> None:
    def prepare(store: Store) -> None:
        profile.download_dir.mkdir(parents=True, exist_ok=True)
        path = plain(profile.download_dir / "retrieval-jane.doe@example.com-1.zip", MEMBERS)
        requests.download(store, READY, str(path.parent), "op")
        (order,) = downloads.ready(store, NOW, 9)
        downloads.record_success(store, order, str(path), path.stat().st_size, "0" * 64)

    async def act(console: Console) -> None:
        await console.press("o")
        await console.sees("orders.json")

    assert camera.agrees(size, act, prepare=prepare)


@both_sizes
def test_question_longer_than_its_line(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.go_to(HELD)
        await console.press("E", *"three shops")
        await console.sees("three shops")

    assert camera.agrees(size, act)
