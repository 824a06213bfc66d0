"""What the history is told of a download while its line, its server or its folder fails it."""

from __future__ import annotations

import functools
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.link_response_errors import ARCHIVE_CHANGED
from bwp_tui.api.links import PresignedLink
from bwp_tui.api.transfer import open_transfer
from bwp_tui.engine.downloads import progress_recorder as progress_module
from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.engine.downloads.progress_recorder import ProgressRecorder
from bwp_tui.engine.downloads.transfer_thread import PartTransfer
from bwp_tui.store.commands import download_queue
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads
from tests.engine.conftest import RATE
from tests.engine.saved import assert_saved, name_of
from tests.engine.shop import ACTOR, Shop, names_in
from tests.engine.test_download_steering import at_work, under_way
from tests.faults.chaos_proxy import CLEAN, ChaosProxy, FrontedSandbox, Toxics
from tests.practice import profile_of
from tests.waiting import eventually_in_loop

STALL = Toxics(limit_data=100_000)


def steps(shop: Shop, number: int) -> list[tuple[str, str]]:
    """The steps of the download that the timeline tells, without what was asked and how it ended."""
    told = (
        EventKind.CONNECTION_LOST,
        EventKind.TRANSFER_RESUMED,
        EventKind.TRANSFER_RESTARTED,
        EventKind.TRANSFER_POSTPONED,
        EventKind.MORE_ATTEMPTS,
    )
    return [(line.what, line.detail or "") for line in timeline.of_task(shop.store, number) if line.what in told]


@asynccontextmanager
async def stalling(shop: Shop, stalls: int) -> AsyncIterator[None]:
    """Have the first so many lines to the archives stay open and say nothing any more after some 100 KB."""
    left = [stalls]

    def choose(first: bytes) -> Toxics:
        if not first.startswith(b"GET") or left[0] == 0:
            return CLEAN
        left[0] -= 1
        return STALL

    async with ChaosProxy(choose) as proxy:
        with FrontedSandbox(proxy.address, clock=shop.clock) as sandbox:
            proxy.target = sandbox.own_port
            shop.sandbox, shop.profile = sandbox, profile_of(sandbox, shop.profile.folder)
            yield


@pytest.mark.parametrize(
    "remove",
    [
        pytest.param(lambda part: shutil.rmtree(part.parent), id="the folder is removed"),
        pytest.param(lambda part: part.parent.rename(part.parent.with_name("elsewhere")), id="the folder is moved"),
        pytest.param(Path.unlink, id="the part is removed"),
        pytest.param(lambda part: part.rename(part.with_suffix(".mine")), id="the part is moved"),
    ],
)
async def test_a_part_that_vanishes_ends_its_download_at_once_and_the_next_begins_anew(
    slow: Shop, served_lengths: list[int], remove: Callable[[Path], object]
) -> None:
    number = await slow.completed("jane@example.com")
    folder = slow.request_download(number)
    async with at_work(slow):
        await under_way(slow, number)
        remove(folder / f"{name_of(slow, number)}.part")
        await eventually_in_loop(lambda: slow.download_of(number).state == "failed")
    failed = slow.download_of(number)
    assert sum(served_lengths) < slow.expected_archive(number)[0], "it does not go on to the end"
    assert "is gone: it was removed or moved" in (failed.trouble or "")
    assert (failed.bytes > 0, failed.etag) == (True, None)  # nothing is kept that could be resumed
    assert "Download again" in (failed.trouble or "")
    assert timeline.of_task(slow.store, number)[-1].actor == "bwp-tui", "the service is not to blame"
    slow.request_download(number)
    slow.sandbox.rate = None
    await slow.work()
    assert_saved(slow, number, name_of(slow, number))


async def test_a_line_that_says_nothing_is_told_as_such(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "STALLED_S", 0.4)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.PROGRESS_INTERVAL_S", 0.05)
    monkeypatch.setattr("bwp_tui.engine.downloads.transfer_rate.RATE_WINDOW_S", 0.2)
    async with stalling(shop, 1):
        number = await shop.completed("jane@example.com")
        shop.request_download(number)
        async with at_work(shop):
            await eventually_in_loop(lambda: shop.download_of(number).trouble == "No bytes for 0 s.")
            assert shop.download_of(number).rate is None
            assert shop.download_of(number).state == "running"
            download_queue.pause(shop.store, [shop.download_of(number).id], ACTOR)
            await eventually_in_loop(lambda: shop.download_of(number).state == "queued")


def test_a_stall_costs_two_writes_however_long_it_lasts(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = shop.track("jane@example.com")
    order = downloads.DownloadJob(1, number, shop.task(number).kind, "", "t", str(tmp_path), None, None, 0, "op")
    seconds = [0.0]
    monkeypatch.setattr("bwp_tui.engine.downloads.progress_recorder.time.monotonic", lambda: seconds[0])
    told: list[tuple[float, float | None, str | None]] = []

    def progressed(*arguments: object, trouble: str | None, event: object) -> None:
        assert event is None
        rate = arguments[4]
        assert isinstance(rate, float | None)
        told.append((seconds[0], rate, trouble))

    monkeypatch.setattr(downloads, "record_progress", progressed)
    with PartFile(tmp_path, "a.zip") as part:
        link = PresignedLink.checked("http://127.0.0.1/archive", issued_at=0, loopback_allowed=True)
        transfer = PartTransfer(link, part)
        transfer.started = True
        progress = ProgressRecorder(shop.store, order, part, transfer, None, lambda: None)
        for second in range(60):
            seconds[0] = float(second)
            if second <= 3 or second == 50:
                part.write(b"x" * 1000)
            progress.update()
    stalled = [line for line in told if 3 < line[0] < 50]
    assert stalled == [(6.0, None, None), (13.0, None, "No bytes for 10 s.")]
    assert next(line[2] for line in told if line[0] >= 50) is None, "the next bytes clear it"


@pytest.mark.usefixtures("no_retry_delay")
async def test_a_line_that_stays_open_and_says_nothing_is_given_up_and_the_rest_comes_over_a_new_link(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bwp_tui.engine.downloads.transfer_thread.open_transfer", functools.partial(open_transfer, read_timeout=1.5)
    )
    async with stalling(shop, 2):
        number = await shop.completed("jane@example.com")
        shop.request_download(number)
        await shop.work()
        assert_saved(shop, number, name_of(shop, number))
        assert shop.sandbox.state.calls["link"] == 3
    told = steps(shop, number)
    assert [what for what, _ in told] == [EventKind.CONNECTION_LOST, EventKind.TRANSFER_RESUMED] * 2
    assert all("sent nothing for too long" in detail for what, detail in told if what == EventKind.CONNECTION_LOST)
    assert shop.download_of(number).attempts == 3, "each try counts, the one that went well too"


async def test_a_try_that_fails_is_told_while_the_next_one_is_waited_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", lambda *_args: 300.0)
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("busy-store")
    shop.request_download(number)
    async with at_work(shop):
        await eventually_in_loop(lambda: shop.download_of(number).attempts == 1)
        waits = shop.download_of(number)
    assert waits.state == "running"
    assert "busy (HTTP 503" in (waits.trouble or "")
    assert waits.not_before is not None
    assert (waits.not_before - shop.clock()).total_seconds() > 200


@pytest.mark.usefixtures("no_retry_delay")
async def test_an_attempt_that_begins_is_not_shown_with_what_failed_the_one_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str | None] = []
    link_of = PrivacyApi.link

    async def link(self: PrivacyApi, task_id: str) -> PresignedLink:
        shown.append(shop.download_of(number).trouble)
        return await link_of(self, task_id)

    monkeypatch.setattr(PrivacyApi, "link", link)
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    with shop.store.write() as transaction:
        transaction.run("UPDATE downloads SET trouble = 'Rate limit hit.'")
    shop.sandbox.faults.set("cut-download", times=1)
    await shop.work()
    assert shown == [None, None]
    assert steps(shop, number)[0][0] == EventKind.CONNECTION_LOST


@pytest.mark.usefixtures("no_retry_delay")
async def test_each_cut_and_each_new_beginning_is_on_the_timeline_with_its_byte(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("cut-download", times=2)
    shop.request_download(number)
    await shop.work()
    told = steps(shop, number)
    assert [what for what, _ in told] == [EventKind.CONNECTION_LOST, EventKind.TRANSFER_RESUMED] * 2
    cut_at = told[0][1].split(":")[0]
    assert cut_at != "at byte 0"
    assert told[1][1] == f"{cut_at}, over a new link"
    assert shop.download_of(number).attempts == 3


async def test_a_download_cut_at_once_whose_next_link_is_refused_resumes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, served_lengths: list[int]
) -> None:
    def refuse_next_link(*_args: object) -> float:
        shop.sandbox.faults.set("throttled", times=1)
        return 0.0

    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("cut-download", times=1)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", refuse_next_link)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop._CHECK_S", 30.0)  # the first update comes too late
    shop.request_download(number)
    await shop.work()
    cut = shop.download_of(number)
    assert cut.state == "queued"
    shop.clock.advance(minutes=2)
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))
    told = steps(shop, number)
    assert [what for what, _ in told] == [
        EventKind.CONNECTION_LOST,
        EventKind.TRANSFER_POSTPONED,
        EventKind.TRANSFER_RESUMED,
    ]
    assert told[0][1].startswith(f"at byte {cut.bytes}: ")
    assert told[2][1].startswith(f"at byte {cut.bytes},")
    assert sum(served_lengths) <= 1.2 * shop.expected_archive(number)[0]


async def test_a_download_that_cannot_continue_the_bytes_of_an_earlier_run_says_that_it_restarts(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name_of(shop, number)}.part").write_bytes(b"from a server without an ETag")
    await shop.work()
    assert_saved(shop, number, name_of(shop, number))
    assert [what for what, _ in steps(shop, number)] == [EventKind.TRANSFER_RESTARTED]


async def test_a_clean_download_is_one_try_without_a_step(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.request_download(number)
    await shop.work()
    assert (steps(shop, number), shop.download_of(number).attempts) == ([], 1)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("changed-archive", ARCHIVE_CHANGED), ("no-range", "The service ignored the range; restarted.")],
)
async def test_a_download_that_begins_anew_says_why_while_it_runs_and_on_the_timeline(
    slow: Shop, monkeypatch: pytest.MonkeyPatch, fault: str, sentence: str
) -> None:
    def meanwhile(*_args: object) -> float:
        slow.sandbox.faults.set(fault, times=1)
        slow.sandbox.rate = RATE
        return 0.0

    number = await slow.completed("jane@example.com")
    slow.sandbox.rate = None
    slow.sandbox.faults.set("cut-download", times=1)
    monkeypatch.setattr("bwp_tui.engine.downloads.resume_loop.retry_delay", meanwhile)
    slow.request_download(number)
    async with at_work(slow):
        await eventually_in_loop(lambda: slow.download_of(number).trouble == sentence)
        slow.sandbox.rate = None
        await eventually_in_loop(lambda: slow.download_of(number).state == "done")
    assert any(sentence in detail for _, detail in steps(slow, number))
    assert slow.download_of(number).trouble is None


@pytest.mark.usefixtures("no_retry_delay")
async def test_links_that_always_come_expired_end_with_how_often_and_what_to_do(shop: Shop) -> None:
    number = await shop.completed("jane@example.com")
    shop.sandbox.faults.set("expired-link")
    folder = shop.request_download(number)
    await shop.work()
    failed = shop.download_of(number)
    assert failed.trouble == (
        "The link was not accepted: Request has expired. 5 attempts in a row failed, each over a new link."
        " Download it again later; if it fails again, report it to Buy with Prime support."
    )
    assert failed.attempts == 5
    assert names_in(folder) == [], "an empty part is not left lying about"


async def test_an_archive_that_does_not_fit_leaves_nothing_and_names_what_is_kept_free(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.engine.downloads.disk_space.HISTORY_RESERVE", 1 << 60)
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    await shop.work()
    trouble = shop.download_of(number).trouble or ""
    assert f"{-(-(1 << 60) // 1_000_000)} for the history" in trouble
    assert names_in(folder) == []


async def test_a_part_that_is_a_link_is_named_and_not_written_through(shop: Shop, tmp_path: Path) -> None:
    number = await shop.completed("jane@example.com")
    folder = shop.request_download(number)
    folder.mkdir(parents=True, exist_ok=True)
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    part = folder / f"{name_of(shop, number)}.part"
    part.symlink_to(mine)
    await shop.work()
    trouble = shop.download_of(number).trouble or ""
    assert trouble.startswith(f"{part} is a symbolic link")
    assert "Remove it" in trouble
    assert mine.read_bytes() == b"mine"
