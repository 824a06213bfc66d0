"""What is said of downloads: in the list and the details of their screen, and on the main one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bwp_tui.console.presentation import task_detail
from bwp_tui.console.presentation.download_detail import trouble_of
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.widgets.download_detail import DownloadDetail
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.text import format_size, format_size_as
from bwp_tui.settings import Profile
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.engine_state import Ability, ServiceHealthState
from tests.console.downloads_screen import at_downloads, download_of, go_to, line_of, screen_of
from tests.console.past_downloads import FOLDER, PAST, SHA, ask, order_of, run, run_all
from tests.console.past_tasks import NOW, PastTask
from tests.console.support import USUAL, WIDE, opened, plant, screen_lines


async def test_those_under_way_are_listed_in_the_order_of_the_queue_and_the_ended_ones_below(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        listed = console.line("download-rows").splitlines()
        addresses = [line[line.index("•") - 1] for line in listed if "•" in line]
        assert "".join(addresses) == "fsltpnl" + "dbs"
        assert "3 running · 3 waiting · 1 paused" in console.line("downloads-heading")
        assert "64%    12.4 / 19.3 MB   3.1 MB/s    2s" in line_of(console, "f")
        assert "━" in line_of(console, "f")
        assert line_of(console, "s").split()[-1] == "2", "the second attempt"
        assert "requesting a link" in line_of(console, "l")
        assert "retry at 09:32:00   Waiting for the service." in line_of(console, "t")
        assert "paused at 64%" in line_of(console, "p")
        assert "waiting" in line_of(console, "n")
        assert "cancelled 09:30:00" in line_of(console, "d")
        assert "failed 09:30:00     4.0 MB fetched  The archive is no sound zip file" in line_of(console, "b")
        assert f"done 09:30:00         19.3 MB  {SHA[:12]}  op" in console.line("download-rows")


async def test_masked_emails_and_states_are_whole_in_the_usual_terminal(profile: Profile) -> None:
    async with at_downloads(profile, size=USUAL) as console:
        rows = [line for line in console.line("download-rows").splitlines() if "•" in line]
        assert [row for row in rows if "•••@example.com" not in row] == []
        assert "waiting" in line_of(console, "n")
        assert "requesting a link" in line_of(console, "l")


@pytest.mark.parametrize("size", [WIDE, USUAL, (60, 15)])
async def test_no_line_is_longer_than_the_terminal_at_any_size(profile: Profile, size: tuple[int, int]) -> None:
    async with at_downloads(profile, size=size) as console:
        for _ in range(len(PAST)):
            assert all(len(line) <= size[0] for line in screen_lines(console.app))
            assert "›" in console.line("download-rows")
            await console.press("j")
        await console.sees("done 09:30:00", "esc back")


async def test_the_details_hold_the_whole_path_hash_and_timeline_of_a_saved_one(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "saved")
        await console.sees(
            SHA, FOLDER, "retrieval-s•••@example.com-", "19 300 000 bytes", "Requested  2026-11-20 09:30:00"
        )
        assert "download requested  by op" in console.line("download-detail")
        assert "downloaded" in console.line("download-detail")
        await go_to(console, "broken")
        await console.sees("(its directory is missing).", "Download it again.", "4.0 MB fetched; R retries")


async def test_the_details_leave_out_what_happened_to_another_download_of_the_same_task(profile: Profile) -> None:
    clock = iter(NOW + timedelta(minutes=minute) for minute in range(100))
    async with opened(profile, PAST) as console:
        store = open_store(profile.history_path, clock=lambda: next(clock))
        first = run(store, "saved")
        downloads.record_failure(store, first, "The first one broke.")
        ask(store, "saved")
        store.close()
        await console.press("F")
        await console.sees("no engine running", "failed")
        await console.until(lambda: "download requested" in console.line("download-timeline"))
        assert "download failed" not in console.line("download-timeline")
        await console.press("j")
        await console.until(lambda: "The first one broke" in console.line("download-facts"))
        await console.until(lambda: console.line("download-timeline").count("download requested") == 1)


@pytest.mark.parametrize("size", [WIDE, (60, 15)])
async def test_an_empty_screen_says_how_a_download_comes_about(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, PAST, size=size) as console:
        await console.press("F")
        await console.sees("No downloads yet", "start one.", "idle")
        assert not screen_of(console).query_one(DownloadDetail).display
        for key in ("p", "x", "R", "K", "J", "enter", "o", "y", "space", "j", "G", "g", "pagedown"):
            await console.press(key)
        assert "No download is selected." in console.line("status")


async def test_hostile_words_in_the_register_reach_the_screen_as_visible_text(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_failure(console.store, order, "It said \x1b]52;c;AAAA\x07 and [/nope]\nand more.")
        await console.sees("failed 09:30:00", "\\x1b]52;c;AAAA\\x07 and [/nope]")
        assert "\x1b" not in console.text


async def test_what_is_saved_or_cancelled_meanwhile_is_said_on_the_main_screen(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        await console.press("x", "y")
        await console.sees("is cancelled.")
        await console.press("escape")
        await console.sees("Download of #6 for n•••@example.com cancelled.")


async def test_the_main_screen_says_what_is_paused_and_where_the_rest_is(profile: Profile) -> None:
    async with opened(profile, PAST, size=USUAL) as console:
        run_all(console.store)
        await console.sees("and 3 more: F")
        parked = download_of(console, "parked")
        downloads_before = [d.id for d in downloads.unfinished(console.store) if d.id != parked.id]
        download_queue.cancel(console.store, downloads_before, "op")
        await console.sees("⇣ #5  p•••@example.com ", "paused at 64%")
        await console.go_to(parked.task_number)
        await console.do("detail")
        await console.sees("paused; esc, then F shows the downloads")


@pytest.mark.parametrize("size", [WIDE, USUAL, (60, 15)])
async def test_every_line_has_its_number_whatever_the_width(profile: Profile, size: tuple[int, int]) -> None:
    async with at_downloads(profile, size=size) as console:
        await console.press("G")
        await console.until(lambda: "#10 " in console.line("download-rows"))
        listed = [line for line in console.line("download-rows").splitlines() if "•" in line]
        assert listed
        assert all(re.search(r"#\d+ ", line) for line in listed)
        await console.press("escape")
        await console.sees("and 3 more: F")
        lines = console.line("downloads").splitlines()
        assert [line.split()[1] for line in lines[:4]] == ["#1", "#2", "#3", "#4"]
        assert len(lines) == 5


async def test_trouble_on_the_main_screen_takes_one_line_and_the_others_stay(profile: Profile) -> None:
    async with opened(profile, PAST, size=(60, 15)) as console:
        for name in ("fast", "slow", "linked"):
            downloads.reschedule(console.store, run(console.store, name), "The connection was lost. " * 5, NOW)
        downloads.record_progress(console.store, run(console.store, "next"), 57, 100, 9.0, '"tag"')
        await console.until(lambda: "57%" in console.line("downloads") and console.line("downloads").count("\n") == 3)
        first, *_, last = console.line("downloads").splitlines()
        assert re.fullmatch(r" ⇣ #6  n•••@example\.com +━+─+ 57% +9 B/s +\d+s", first.rstrip())
        assert last.endswith("…")


async def test_trouble_leaves_share_bytes_and_try_in_sight(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        downloads.reschedule(console.store, order, "The connection was lost.", NOW + timedelta(minutes=2))
        await console.sees("retry at 09:32:00   64%  12.4 / 19.3 MB  The connection")


async def test_one_that_waits_in_its_slot_for_the_next_try_requests_no_link(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_failed_attempt(console.store, order, "The server is busy.", 0, NOW + timedelta(seconds=40))
        await console.until(lambda: "retry at 09:30:40   attempt 2  The server is busy." in line_of(console, "n"))
        assert "running" not in console.text
        task, context = console.task(order.task_number), screen_of(console).display_context
        facts = repr(task_detail.outcome_paragraphs(task, context))
        assert "waiting: The server is busy." in facts
        downloads.record_next_attempt(console.store, order)
        await console.until(lambda: "requesting a link" in line_of(console, "n"))
        assert "busy" not in line_of(console, "n")


async def test_what_waits_says_for_what(profile: Profile) -> None:
    async with at_downloads(profile, "next", "last") as console:
        order = order_of(console.store, download_of(console, "last").id)
        downloads.record_start(console.store, order)
        downloads.reschedule(console.store, order, "Waiting for the service.", NOW + timedelta(minutes=2))
        await console.sees("waiting", "Waiting for the service.")
        message = "No such host."
        engine_state.record_health(console.store, ServiceHealthState.UNREACHABLE, message, None)
        await console.until(lambda: f"waiting for API     {message}" in line_of(console, "n"))
        await console.until(lambda: f"retry at 09:32:00   {message}" in line_of(console, "l"))
        engine_state.record_new_term(console.store, 4711, "desk", Ability.POLLS)
        await console.until(lambda: "read-only engine" in line_of(console, "n"))
        assert "read-only engine" in line_of(console, "l")
        engine_state.record_new_term(console.store, None, None)
        await console.until(lambda: "no engine running" in line_of(console, "n"))
        assert "no engine running" in line_of(console, "l"), "nobody tries it again then"
        await console.press("escape")
        await console.until(lambda: "no engine running" in console.line("downloads"))


def test_what_stopped_an_engine_that_was_killed_is_no_reason_any_more(profile: Profile) -> None:
    store = plant(profile, PAST)
    download = downloads.by_ids(store, [ask(store, "next")])[0]
    engine_state.record_new_term(store, 4711, "desk")
    engine_state.record_health(store, ServiceHealthState.UNREACHABLE, "No such host.", None)
    engine = engine_state.read(store)
    assert trouble_of(download, engine) == "No such host."
    assert trouble_of(download, engine._replace(pid=None)) is None
    assert trouble_of(download._replace(paused=True), engine) is None, "it waits for its operator alone"
    store.close()


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (999.7, "1.0 kB"), (99_960, "100 kB"), (999_600, "1.0 MB"), (12_400_000, "12.4 MB")],
)
def test_a_size_never_has_more_than_three_digits(count: float, words: str) -> None:
    assert format_size(count) == words


@pytest.mark.parametrize(
    ("count", "of", "words"),
    [
        (65_500, 42_200_000, "0.1"),
        (999_000, 1_240_000_000, "999 kB"),
        (0, 5_000_000, "0.0"),
        (999_990, 1_100_000, "1.0"),
    ],
)
def test_what_has_come_is_said_in_the_unit_of_all(count: float, of: float, words: str) -> None:
    assert format_size_as(count, of) == words


async def test_one_that_failed_for_good_is_said_to_have_kept_nothing(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 1_500_000, 1_500_000, None, '"tag"')
        downloads.record_failure(console.store, order, "It is no sound zip file.", part_is_left=False)
        await console.until(lambda: "1.5 MB deleted  It is no sound zip file." in line_of(console, "n"))
        assert "1.5 MB deleted; R retries" in console.line("download-facts")


async def test_the_hash_of_a_saved_one_can_be_read_in_the_smallest_terminal(profile: Profile) -> None:
    async with at_downloads(profile, size=(60, 15)) as console:
        await go_to(console, "saved")
        await console.until(lambda: SHA in "".join(console.line("download-facts").split()))
        assert "enter open" in console.line("footer")


async def test_every_download_that_has_not_ended_is_listed(profile: Profile) -> None:
    past = tuple(PastTask(f"shopper{number}@example.com", status=Status.COMPLETED) for number in range(210))
    async with opened(profile, past, size=USUAL) as console:
        with console.store.write():
            for number in range(1, 211):
                requests.download(console.store, number, FOLDER, "op")
        await console.press("F")
        await console.until(lambda: isinstance(console.app.screen, DownloadsScreen) and console.app.screen.listed)
        assert screen_of(console).rows.row_count == 210
        await console.press("G")
        assert screen_of(console).rows.cursor_row == 209
        assert tasks.get(console.store, 210).download is not None
