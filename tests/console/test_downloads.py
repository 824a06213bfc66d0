"""The lines of the downloads under way, and what becomes of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.content import Content

from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.widgets.styled_line import break_long_words
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.times import read_uptime
from bwp_tui.engine.runtime.engine_thread import EngineRole
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.dashboard import read_statistics
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.downloads import DownloadJob
from tests.console.past_tasks import HELD, NOW, READY, PastTask
from tests.console.support import USUAL, Console, opened

SHA = "ab" * 32


def order_of(store: Store, number: int) -> DownloadJob:
    (order,) = (order for order in downloads.ready(store, NOW, 100) if order.task_number == number)
    return order


async def test_the_key_records_the_wish_and_the_line_tells_how_far_it_is(profile: Profile) -> None:
    async with opened(profile) as console:
        store = console.store
        await console.press("d")
        await console.sees("The download of #10 was asked for.", "⇣ #10", "no engine running")
        assert console.task(READY).download is not None
        await console.press("d")
        await console.sees("was asked for already")
        order = order_of(store, READY)
        downloads.record_start(store, order)
        await console.sees("requesting a link")
        downloads.record_progress(store, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        await console.sees("━─", " 64%    12.4 / 19.3 MB   3.1 MB/s    2s", "⇣ 64%")
        downloads.record_progress(store, order, 19_300_000, 19_300_000, None, '"tag"')
        await console.sees("━ 99%    19.3 / 19.3 MB")
        downloads.reschedule(store, order, "The connection was lost.", NOW)
        await console.sees("⇣ #10", "99%  19.3 / 19.3 MB  The connection was lost.")
        downloads.record_success(store, order, "/srv/privacy/archive.zip", 19_300_000, SHA)
        await console.sees("/srv/privacy/archive.zip", f"{SHA}  19.3 MB", "COMPLETED saved")
        assert not console.main.query_one("#downloads").display


async def test_a_download_that_failed_says_why_and_can_be_asked_for_again(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.do("download")
        await console.until(lambda: console.task(READY).download)
        order = order_of(console.store, READY)
        downloads.record_failure(console.store, order, "The archive is no sound zip file.")
        await console.sees("Download   failed: The archive is no sound zip file.", "COMPLETED ⇣ ✗")
        await console.do("download")
        await console.sees("no engine running")
        download = console.task(READY).download
        assert download is not None
        assert download.state == DownloadState.QUEUED


async def test_what_has_no_result_says_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("d")
        assert "d: A deletion has no result to download." in console.line("status")


async def test_at_most_four_lines_are_shown_and_the_rest_counted(profile: Profile) -> None:
    past = [PastTask(f"shopper{number}@example.com", status=Status.COMPLETED) for number in range(6)]
    async with opened(profile, past, size=USUAL) as console:
        for number in range(1, 7):
            requests.download(console.store, number, "/srv/privacy", "op")
        order = order_of(console.store, 1)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 5_000, 10_000, 500.0, None)
        await console.sees("and 2 more", "━─", " 50%     5.0 / 10.0 kB    500 B/s   10s")
        assert console.line("downloads").count("no engine running") == 3


async def _saved(console: Console, profile: Profile) -> Path:
    """Save the result of the ready task as the engine does; return where it lies once the screen knows."""
    path = profile.folder / "retrieval-jane.doe@example.com-1.zip"
    path.write_bytes(b"x" * 10)
    requests.download(console.store, READY, str(profile.folder), "op")
    downloads.record_success(console.store, order_of(console.store, READY), str(path), 10, SHA)
    await console.sees("COMPLETED saved")
    return path


def _state(console: Console) -> str:
    download = console.task(READY).download
    return "" if download is None else download.state


async def test_what_is_saved_is_fetched_again_only_after_a_question(profile: Profile) -> None:
    async with opened(profile) as console:
        await _saved(console, profile)
        await console.press("d")
        await console.sees("Already downloaded as ", "Download it again?")
        await console.press("n")
        assert _state(console) == "done"
        await console.press("d")
        await console.sees("Download it again?")
        await console.press("y")
        await console.until(lambda: _state(console) == "queued")


async def test_what_is_saved_but_gone_is_fetched_without_a_question(profile: Profile) -> None:
    async with opened(profile) as console:
        (await _saved(console, profile)).unlink()
        await console.press("d")
        await console.until(lambda: _state(console) == "queued")


async def test_of_marked_ones_those_that_are_saved_are_skipped_and_the_plan_says_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await _saved(console, profile)
        await console.press("space", "d")
        await console.sees("0 to download, 1 skipped: saved already")
        assert _state(console) == "done"


async def test_what_a_killed_engine_left_running_is_not_said_to_run(profile: Profile) -> None:
    async with opened(profile) as console:
        console.app._engine.role = EngineRole.BLOCKED
        requests.download(console.store, READY, "/srv", "op")
        engine_state.record_new_term(console.store, 1, "host")
        order = order_of(console.store, READY)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        await console.go_to(READY)
        await console.sees("no engine running", "12.4 / 19.3 MB", "Download   waiting")
        assert "3.1 MB/s" not in console.text
        await console.press("F")
        await console.sees("1 waiting")


def _heartbeat(profile: Profile, seconds_ago: float) -> None:
    profile.lease_path.write_text(f"{read_uptime().boot or '-'} {time.monotonic() - seconds_ago:.3f}\n")


@asynccontextmanager
async def _following_a_running_download(profile: Profile) -> AsyncIterator[Console]:
    """A console that follows another engine, which downloads a result."""
    async with opened(profile) as console:
        console.app._engine.role = EngineRole.FOLLOWER
        _heartbeat(profile, -3600)  # as new as one is for the whole test
        requests.download(console.store, READY, "/srv", "op")
        engine_state.record_new_term(console.store, 1, "host")
        order = order_of(console.store, READY)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        await console.go_to(READY)
        await console.sees("12.4 / 19.3 MB", "3.1 MB/s")
        yield console


async def test_no_rate_of_an_engine_that_misses_heartbeats_is_shown(profile: Profile) -> None:
    async with _following_a_running_download(profile) as console:
        _heartbeat(profile, 11)
        console.app.show_engine()
        await console.until(lambda: "3.1 MB/s" not in console.text)
        await console.sees("12.4 / 19.3 MB")
        _heartbeat(profile, -3600)
        console.app.show_engine()
        await console.sees("3.1 MB/s")
        await console.press("F")
        await console.sees("1 running", "3.1 MB/s")
        _heartbeat(profile, 11)
        console.app.show_engine()
        await console.until(lambda: "3.1 MB/s" not in console.text)


async def test_silence_of_another_engine_is_noticed_without_a_key(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.console.screens.main.REDRAW_INTERVAL_S", 0.1)
    async with _following_a_running_download(profile) as console:
        _heartbeat(profile, 11)
        await console.until(lambda: "3.1 MB/s" not in console.text)
        await console.sees("12.4 / 19.3 MB")


async def test_no_key_has_the_heartbeat_read(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bwp_tui.console.screens.main.REDRAW_INTERVAL_S", 3600)
    async with _following_a_running_download(profile) as console:
        _heartbeat(profile, 11)
        await console.go_to(HELD)
        await console.sees("3.1 MB/s")
        console.app.show_engine()
        await console.until(lambda: "3.1 MB/s" not in console.text)


async def test_a_saved_result_that_is_gone_from_disk_is_said_to_be(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for screen in ("main", "task", "downloads"):
        monkeypatch.setattr(f"bwp_tui.console.screens.{screen}.RESULT_CHECK_S", 0.1)
    path = profile.folder / "archive.zip"
    async with opened(profile) as console:
        path.write_bytes(b"12345")
        requests.download(console.store, READY, str(profile.folder), "op")
        downloads.record_success(console.store, order_of(console.store, READY), str(path), 5, SHA)
        await console.go_to(READY)
        await console.sees("archive.zip", "browses it")
        assert read_statistics(console.store, NOW.date()).saved == (1, 5)
        path.unlink()
        await console.until(lambda: "d downloads it again" in " ".join(console.line("detail").split()))
        assert "browses it" not in console.text
        await console.until(lambda: "COMPLETED gone" in console.line("table"))
        await console.until(lambda: console.line("footer").startswith(" d download  r answer"))
        await console.press("enter")
        await console.sees("1 overview")
        await console.until(lambda: console.line("footer").startswith(" d download  r answer"))
        await console.press("escape", "D")
        await console.sees("gone or changed")
        assert read_statistics(console.store, NOW.date()).saved == (0, 0)
        assert read_statistics(console.store, NOW.date()).gone == 1
        await console.press("D", "F")
        await console.until(lambda: "done" not in console.line("download-rows"))
        for id in ("download-rows", "download-facts"):
            await console.until(lambda: "gone or changed" in console.line(id))  # noqa: B023  awaited at once
        assert "enter open" not in console.line("footer")
        await console.press("enter")
        assert isinstance(console.app.screen, DownloadsScreen)
        path.write_bytes(b"12345")
        await console.until(lambda: "done" in console.line("download-rows"))
        await console.press("F", "enter")
        await console.sees("browses it")
        path.unlink()
        await console.until(lambda: "d downloads it again" in " ".join(console.line("task-text").split()))
        path.write_bytes(b"12345")
        await console.sees("browses it")
        await console.until(lambda: console.line("footer").startswith(" o open  r answer"))
        path.unlink()
        await console.press("o")
        await console.sees("gone or changed. Press d on the task")
        await console.press("escape")
        await console.until(lambda: "d downloads it again" in " ".join(console.line("task-text").split()))
        await console.press("escape")
        await console.until(lambda: "COMPLETED gone" in console.line("table"))
        assert console.line("footer").startswith(" d download  r answer")


@pytest.mark.parametrize("size", [USUAL, (60, 15)])
async def test_a_long_path_is_broken_behind_a_separator(profile: Profile, size: tuple[int, int]) -> None:
    folder = "/srv/privacy/" + "results-of-this-shop/" * 3
    path = f"{folder}retrieval-{'x' * 30}-2d6b812e-37b4-4a88-bbf0-143a94f8c525.zip"
    async with opened(profile, size=size) as console:
        requests.download(console.store, READY, folder, "op")
        downloads.record_success(console.store, order_of(console.store, READY), path, 5, SHA)
        await console.go_to(READY)
        await console.press("enter")
        await console.sees("143a94f8c525.zip")
        lines = [line.strip().removeprefix("Downloaded").strip() for line in console.text.splitlines()]
        parts = [line for line in lines if line and line in path]
        assert "".join(parts) == path
        assert all(part.endswith(("/", "-")) for part in parts[:-1])


def test_only_words_that_no_line_holds_are_broken() -> None:
    def broken(text: str) -> list[str]:
        return [part.plain for part in break_long_words(Content(text), 12)]

    assert broken("a line of short words that wraps") == ["a line of short words that wraps"]
    assert broken("see /srv/privacy/a.zip now") == ["see /srv/", "privacy/", "a.zip now"]
    assert broken(f"short {'a' * 20}") == ["short ", "a" * 12, "a" * 8]
