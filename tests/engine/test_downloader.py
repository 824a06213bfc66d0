from __future__ import annotations

import asyncio
import gc
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bwp_tui.domain.text import file_name, part_name
from bwp_tui.engine.downloads.resume_loop import MAX_ATTEMPTS_WITHOUT_PROGRESS
from bwp_tui.sandbox.archive_server import ArchiveServer
from bwp_tui.sandbox.archives import ArchiveFile, Archives
from bwp_tui.sandbox.http_connection import HttpResponse
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import Shop, bytes_below, names_in
from tests.waiting import eventually_in_loop

TOKEN = "practice-token-that-must-not-be-found"


async def test_a_result_is_saved_whole_private_and_under_our_name(shop: Shop, served_lengths: list[int]) -> None:
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))
    assert names_in(folder) == [name_of(shop, number)]
    assert shop.sandbox.state.calls["link"] == 1, "a link is not wasted"
    assert sum(served_lengths) == shop.download_of(number).bytes


async def test_a_result_can_be_had_long_after_a_first_link_would_have_died(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.clock.advance(seconds=90)
    shop.request_download(number)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))


async def test_downloading_twice_keeps_both(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    await shop.work()
    shop.request_download(number)
    await shop.work()
    name = name_of(shop, number)
    assert_saved(shop, number, name.replace(".zip", " (2).zip"))
    assert len(names_in(shop.profile.download_dir)) == 2


async def test_more_results_than_slots_are_all_saved(shop: Shop) -> None:
    numbers = [await shop.completed(f"shopper{number}@example.com") for number in range(7)]
    for number in numbers:
        shop.request_download(number)
    await shop.work()
    for number in numbers:
        assert_saved(shop, number, name_of(shop, number))


@pytest.mark.usefixtures("no_retry_delay")
async def test_a_cut_download_goes_on_where_it_was(shop: Shop, served_lengths: list[int]) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("cut-download", times=4)
    shop.request_download(number)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))
    assert shop.sandbox.faults.hit_counts["cut-download"] == 4
    assert shop.sandbox.state.calls["link"] == 5, "each try has a link of its own"
    assert sum(served_lengths) <= 1.2 * shop.expected_archive(number)[0]


@pytest.mark.usefixtures("no_retry_delay")
async def test_an_expired_link_is_replaced(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("expired-link", times=2)
    shop.request_download(number)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))
    assert shop.sandbox.state.calls["link"] == 3


@pytest.mark.usefixtures("no_retry_delay")
async def test_links_that_always_come_expired_end_in_a_sentence(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("expired-link")
    folder = shop.request_download(number)
    await shop.work()
    download = shop.download_of(number)
    assert download.state == "failed"
    assert "Request has expired" in (download.trouble or "")
    assert shop.sandbox.state.calls["link"] == MAX_ATTEMPTS_WITHOUT_PROGRESS
    assert not [name for name in names_in(folder) if not name.endswith(".part")]


async def test_an_archive_that_changed_is_fetched_from_the_start(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def change_it_meanwhile(*_args: object) -> float:
        shop.sandbox.faults.set("changed-archive", times=1)
        return 0.0

    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("cut-download", times=1)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", change_it_meanwhile)
    shop.request_download(number)
    await shop.work()
    assert shop.sandbox.faults.hit_counts["changed-archive"] == 1
    assert_saved(shop, number, name_of(shop, number), edition=1)


@pytest.mark.usefixtures("no_retry_delay")
async def test_an_archive_that_keeps_changing_ends_in_a_sentence(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("cut-download")
    shop.sandbox.faults.set("changed-archive")
    folder = shop.request_download(number)
    await shop.work()
    assert shop.download_of(number).state == "failed"
    assert not [name for name in names_in(folder) if not name.endswith(".part")]


@pytest.mark.usefixtures("no_retry_delay")
async def test_a_store_that_knows_no_ranges_is_read_from_the_start(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("cut-download", times=1)
    shop.sandbox.faults.set("no-range")
    shop.request_download(number)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))


@pytest.mark.usefixtures("no_retry_delay")
async def test_a_busy_store_is_tried_again(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("busy-store", times=MAX_ATTEMPTS_WITHOUT_PROGRESS - 1)
    shop.request_download(number)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<!DOCTYPE html><html>please sign in</html>", id="a page"),
        pytest.param(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", id="an error of the store"),
        pytest.param(b"PK\x03\x04" + b"\0" * 50_000, id="the beginning of a zip"),
        pytest.param(b"", id="nothing"),
    ],
)
@pytest.mark.usefixtures("no_retry_delay")
async def test_what_is_no_archive_gets_no_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    bogus = tmp_path / "bogus"
    bogus.write_bytes(content)

    def archive(_self: Archives, _task_id: str, _email: str, _edition: int = 0) -> ArchiveFile:
        return ArchiveFile(bogus, len(content), '"bogus"')

    number = await shop.completed("jane@example.com")
    monkeypatch.setattr(Archives, "archive", archive)
    folder = shop.request_download(number)
    await shop.work()
    download = shop.download_of(number)
    assert (download.state, download.path, download.sha256) == ("failed", None, None)
    assert download.trouble is not None
    assert not [name for name in names_in(folder) if not name.endswith(".part")]
    assert content == b"" or content not in bytes_below(folder)


@pytest.mark.parametrize("named_by", ["this version", "an earlier version", "another setting"])
async def test_a_stopped_download_is_queued_and_the_next_engine_goes_on(
    slow: Shop, served_lengths: list[int], caplog: pytest.LogCaptureFixture, named_by: str
) -> None:
    number = await slow.completed("jane@example.com")
    size = slow.expected_archive(number)[0]
    folder = slow.request_download(number)
    part = folder / f"{name_of(slow, number)}.part"
    async with slow.engine() as engine:
        run = asyncio.create_task(engine.run())
        await eventually_in_loop(lambda: 0 < slow.download_of(number).bytes < facts_of(part).st_size)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    gc.collect()  # a future whose error nobody took says so when it goes
    left = slow.download_of(number)
    assert left.state == "queued"
    assert left.etag is not None
    assert 0 < left.bytes < size
    assert names_in(folder) == [part.name]
    assert (facts_of(part).st_size, stat.S_IMODE(facts_of(part).st_mode)) == (left.bytes, 0o600)
    if named_by == "an earlier version":
        part.rename(folder / part_name(file_name("RETRIEVAL", slow.task(number).task_id or "", "jane@example.com")))
    name = name_of(slow, number)
    if named_by == "another setting":
        slow = slow.with_profile(replace(slow.profile, file_names="email"))
        name = file_name("RETRIEVAL", slow.task(number).task_id or "", "jane@example.com")
    slow.sandbox.rate = None
    await slow.work()
    assert_saved(slow, number, name)
    assert names_in(folder) == [name]
    assert sum(served_lengths) <= 1.2 * size + 65_536
    assert "never retrieved" not in caplog.text


def facts_of(path: Path) -> os.stat_result:
    return path.stat()


async def test_progress_is_told_while_bytes_come(slow: Shop) -> None:
    number = await slow.completed("jane@example.com")
    slow.request_download(number)
    async with slow.engine() as engine:
        run = asyncio.create_task(engine.run_once())
        await eventually_in_loop(lambda: slow.download_of(number).bytes > 0 or run.done())
        seen = slow.download_of(number)
        slow.sandbox.rate = None
        await run
    assert (seen.state, seen.total) == ("running", slow.expected_archive(number)[0])


async def test_a_download_that_a_killed_engine_left_running_goes_on(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    with shop.store.write() as transaction:
        transaction.run("UPDATE downloads SET state = 'running'")
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))


@pytest.mark.usefixtures("no_retry_delay")
async def test_no_link_and_no_token_reaches_the_register_a_log_or_a_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bwp_tui.sandbox.tokens.secrets.token_urlsafe", lambda _bytes: TOKEN)
    for number in [await shop.completed(f"shopper{number}@example.com") for number in range(4)]:
        shop.request_download(number)
    for fault in ("cut-download", "expired-link", "busy-store", "changed-archive", "down", "garbled", "html"):
        shop.sandbox.faults.set(fault, times=2)
    async with shop.engine() as engine:
        for logger in ("", "httpx", "httpcore.http11", "urllib3.connectionpool"):
            caplog.set_level(logging.DEBUG, logger=logger)
        for _ in range(10):
            await engine.run_once()
            shop.clock.advance(minutes=2)
    assert len(names_in(shop.profile.download_dir)) == 4
    found = bytes_below(shop.profile.folder) + caplog.text.encode()
    assert b"data_retrieval.zip" in found, "were a link logged, it would be found"
    for secret in ("X-Amz-", TOKEN, shop.sandbox.client_secret):
        assert secret.encode() not in found


@pytest.mark.parametrize("words", ["<ActualObjectSize>", "<Untold>"])
@pytest.mark.usefixtures("no_retry_delay")
async def test_a_part_that_is_whole_is_not_thrown_away_though_nothing_of_it_is_left_to_ask_for(
    shop: Shop, served_lengths: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """A kill between the last byte and the file's name leaves it so; the second store does not tell the size."""
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    await shop.work()
    archive = folder / name_of(shop, number)
    content, task = archive.read_bytes(), shop.task(number)
    etag = Archives(tmp_path, 1).archive(task.task_id or "", task.email).etag
    archive.rename(archive.with_suffix(".zip.part"))
    with shop.store.write() as transaction:
        transaction.run("UPDATE downloads SET state = 'queued', path = NULL, sha256 = NULL, etag = ?", (etag,))
    real = ArchiveServer._refusal
    monkeypatch.setattr(ArchiveServer, "_refusal", lambda store, refusal: _reworded(real(store, refusal), words))
    served_lengths.clear()
    await shop.work()
    assert_saved(shop, number, archive.name)
    assert archive.read_bytes() == content
    assert sum(served_lengths) <= 1


def _reworded(answer: HttpResponse, words: str) -> HttpResponse:
    assert isinstance(answer.body, bytes)
    return replace(answer, body=answer.body.replace(b"<ActualObjectSize>", words.encode()))
