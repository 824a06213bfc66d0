"""What the console looks like. New pictures: pytest tests/snapshots --snapshot-update, and look at each."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import downloads
from tests.console.past_tasks import NOT_KNOWN, NOW, READY
from tests.console.support import USUAL, Console
from tests.snapshots.screenshots import SMALL, Camera, both_sizes


@pytest.mark.parametrize("theme", ["dark", "light", "ansi-dark"])
@both_sizes
def test_main(camera: Camera, size: tuple[int, int], theme: str) -> None:
    assert camera.agrees(size, theme=theme)


def test_main_small(camera: Camera) -> None:
    assert camera.agrees(SMALL)


@both_sizes
def test_failed_task(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.go_to(NOT_KNOWN)
        if size == USUAL:
            await console.do("detail")

    assert camera.agrees(size, act)


@both_sizes
def test_form_for_a_retrieval(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.fill(email="new@example.com", note="asked by phone")

    assert camera.agrees(size, act)


@both_sizes
def test_form_for_a_deletion_that_would_end_too_late(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.fill(kind="deletion", email="bob@example.com", regulation="ccpa", hold="30", email_again="bob@")

    assert camera.agrees(size, act)


@both_sizes
def test_filter_with_a_mistake(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.do("filter")
        console.main.prompt.query_one(Input).value = "status:faild"
        await console.sees("Did you mean “failed”?")

    assert camera.agrees(size, act)


@both_sizes
def test_prompt(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.do("command")
        console.main.prompt.query_one(Input).value = "re"
        await console.sees("› ")

    assert camera.agrees(size, act)


@both_sizes
def test_question(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.go_to(NOT_KNOWN)
        await console.do("resubmit")
        await console.sees("y yes  n no")

    assert camera.agrees(size, act)


@both_sizes
def test_help(camera: Camera, size: tuple[int, int]) -> None:
    async def act(console: Console) -> None:
        await console.do("help")
        await console.sees("Submit a new retrieval")

    assert camera.agrees(size, act)


@both_sizes
def test_download_under_way(camera: Camera, size: tuple[int, int]) -> None:
    def prepare(store: Store) -> None:
        for number in (READY, 1):
            requests.download(store, number, "/srv/privacy", "op")
        order = next(order for order in downloads.ready(store, NOW, 9) if order.task_number == READY)
        downloads.record_start(store, order)
        downloads.record_progress(store, order, 12_400_000, 19_300_000, 3_100_000.0, '"etag"')

    async def act(console: Console) -> None:
        await console.sees("64%", "no engine running")

    assert camera.agrees(size, act, prepare=prepare)


@both_sizes
def test_empty_history(camera: Camera, size: tuple[int, int]) -> None:
    assert camera.agrees(size, past=())


@both_sizes
def test_setup(camera: Camera, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BWP_CONFIG_FILE", "/home/op/.config/bwp-tui/config.toml")
    assert camera.missing_credentials_agree(size)
