"""The downloads screen at the keyboard: what it lists, and what each key does to the queue."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from textual.strip import Strip

from bwp_tui.cli.parser import parse
from bwp_tui.console.actions import Action
from bwp_tui.console.download_actions import DOWNLOAD_ACTIONS
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.widgets.download_lines import DownloadLines, size, size_as
from bwp_tui.console.widgets.download_rows import DownloadRows
from bwp_tui.domain.task import Download, DownloadState, Status
from bwp_tui.history import actions, download_queue, downloads, engine_state, tasks
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import Service
from bwp_tui.settings import Profile
from tests.archive.zips import plain
from tests.console.past import NOW, Planted
from tests.console.queue_past import FOLDER, NAMES, PAST, SHA, ask, order_of, run, run_all
from tests.console.support import USUAL, WIDE, Console, make_profile, opened, screen_lines


@asynccontextmanager
async def at_downloads(
    profile: Profile, *asked: str, size: tuple[int, int] = WIDE, past: tuple[Planted, ...] = PAST
) -> AsyncIterator[Console]:
    """The downloads screen over retrievals whose results were asked for, or over all states without any."""
    async with opened(profile, past, size=size) as console:
        engine_state.announce(console.history, 4711, "desk")
        for name in asked:
            ask(console.history, name)
        if not asked:
            run_all(console.history)
        await console.press("F")
        await console.until(lambda: isinstance(console.app.screen, DownloadsScreen) and console.app.screen.listed)
        await console.pilot.pause()
        yield console


def screen_of(console: Console) -> DownloadsScreen:
    assert isinstance(console.app.screen, DownloadsScreen)
    return console.app.screen


def line_of(console: Console, start: str) -> str:
    """The list's line about a data subject, whose masked address begins so."""
    return next((line for line in console.line("download-rows").splitlines() if f"{start}•••@" in line), "")


def download_of(console: Console, name: str) -> Download:
    download = console.task(NAMES.index(name) + 1).download
    assert download is not None
    return download


def waiting(history: History) -> list[str]:
    """The names of the downloads that have not ended, in the order of the queue."""
    return [NAMES[download.number - 1] for download in downloads.open_ones(history)]


async def go_to(console: Console, name: str) -> None:
    """Move the cursor to the download of a task, and wait until its details are shown."""
    wanted, screen = download_of(console, name).id, screen_of(console)
    await console.press("g")
    for _ in range(screen.rows.row_count):
        if screen.rows.current != wanted:
            await console.press("j")
    assert screen.rows.current == wanted
    await console.until(lambda: f"#{NAMES.index(name) + 1} " in console.line("download-heading"))


async def test_those_under_way_are_listed_in_the_order_of_the_queue_and_the_ended_ones_below(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        listed = console.line("download-rows").splitlines()
        addresses = [line[line.index("•") - 1] for line in listed if "•" in line]
        assert "".join(addresses) == "fsltpnl" + "dbs"
        assert "3 running · 3 waiting · 1 paused" in console.line("downloads-heading")
        assert "64 %    12.4 / 19.3 MB   3.1 MB/s    2s" in line_of(console, "f")
        assert "━" in line_of(console, "f")
        assert line_of(console, "s").split()[-1] == "2", "the second attempt"
        assert "asking for a link" in line_of(console, "l")
        assert "again at 09:32:00   try 2  Waiting for the service." in line_of(console, "t")
        assert "paused at 64 %" in line_of(console, "p")
        assert "waiting for a slot" in line_of(console, "n")
        assert "cancelled 09:30:00" in line_of(console, "d")
        assert "failed 09:30:00     4.0 MB kept  The archive is no sound zip file" in line_of(console, "b")
        assert f"saved 09:30:00        19.3 MB  {SHA[:12]}  op" in console.line("download-rows")


@pytest.mark.parametrize("size", [WIDE, USUAL, (60, 15)])
async def test_no_line_is_longer_than_the_terminal_at_any_size(profile: Profile, size: tuple[int, int]) -> None:
    async with at_downloads(profile, size=size) as console:
        for _ in range(len(PAST)):
            assert all(len(line) <= size[0] for line in screen_lines(console.app))
            assert "›" in console.line("download-rows")
            await console.press("j")
        await console.sees("saved 09:30:00", "esc back")


async def test_the_details_hold_the_whole_path_hash_and_timeline_of_a_saved_one(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "saved")
        await console.sees(
            SHA, FOLDER, "retrieval-s•••@example.com-", "19 300 000 bytes", "Asked     2026-11-20 09:30:00"
        )
        assert "download asked  by op" in console.line("download-detail")
        assert "downloaded" in console.line("download-detail")
        await go_to(console, "broken")
        await console.sees("(its directory is missing).", "Download it again.", "4.0 MB kept: R asks for it again")


async def test_the_details_leave_out_what_happened_to_another_download_of_the_same_task(profile: Profile) -> None:
    clock = iter(NOW + timedelta(minutes=minute) for minute in range(100))
    async with opened(profile, PAST) as console:
        history = History(profile.history_path, clock=lambda: next(clock))
        first = run(history, "saved")
        downloads.failed(history, first, "The first one broke.")
        ask(history, "saved")
        history.close()
        await console.press("F")
        await console.sees("no engine runs", "failed")
        await console.until(lambda: "download asked" in console.line("download-timeline"))
        assert "download failed" not in console.line("download-timeline")
        await console.press("j")
        await console.until(lambda: "The first one broke" in console.line("download-facts"))
        await console.until(lambda: console.line("download-timeline").count("download asked") == 1)


async def test_an_empty_screen_says_how_a_download_comes_about(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        await console.press("F")
        await console.sees("No download yet", "none under way", "── no download")
        for key in ("p", "x", "R", "K", "J", "enter", "o", "y", "space", "j", "G", "g", "pagedown"):
            await console.press(key)
        assert "There is no download yet." in console.line("status")


async def test_a_running_download_is_paused_and_goes_on_with_the_same_key(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.history, download_of(console, "next").id)
        downloads.started(console.history, order)
        downloads.progressed(console.history, order, 300_000, 1_000_000, 50_000.0, '"tag"')
        await console.sees("30 %", "1 running")
        await console.press("p")
        await console.sees(
            "The download of #6 for n•••@example.com is paused; what it has is kept.", "stopping", "1 paused"
        )
        assert download_of(console, "next").paused
        downloads.interrupted(console.history, order)
        await console.sees("paused at 30 %", "it goes on with p")
        await console.press("p")
        await console.sees("goes on as soon as a slot is free", "waiting at 30 %", "1 waiting")
        assert not download_of(console, "next").paused


async def test_cancelling_asks_first_and_says_what_is_thrown_away(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "parked")
        await console.press("x")
        await console.sees(
            "Cancel the download of #5 for p•••@example.com and remove the 640 kB fetched so far?", "y yes"
        )
        await console.press("n")
        assert download_of(console, "parked").state == DownloadState.QUEUED
        await console.press("x", "y")
        await console.sees("is cancelled; what it had is removed.", "nothing kept of 640 kB")
        assert download_of(console, "parked").state == DownloadState.CANCELLED
        assert screen_of(console).rows.current == download_of(console, "parked").id, "the cursor stays on it"


async def test_one_that_ended_without_a_file_is_asked_for_again_and_the_cursor_follows(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "broken")
        before = download_of(console, "broken")
        await console.press("R")
        await console.sees("The download of #9 for b•••@example.com is asked for again.")
        after = download_of(console, "broken")
        assert (after.state, after.bytes) == (DownloadState.QUEUED, 4_000_000)
        assert after.id != before.id
        assert screen_of(console).rows.current == after.id


async def test_a_waiting_one_is_moved_in_the_queue_and_the_cursor_goes_with_it(profile: Profile) -> None:
    async with at_downloads(profile, "parked", "next", "last") as console:
        await console.press("G", "K")
        await console.until(lambda: waiting(console.history) == ["parked", "last", "next"])
        await console.press("K")
        await console.until(lambda: waiting(console.history) == ["last", "parked", "next"])
        assert screen_of(console).rows.current == download_of(console, "last").id
        await console.press("K")
        await console.sees("The download of #7 is first already.")
        await console.press("J")
        await console.until(lambda: "is first already" not in console.text)
        await console.until(lambda: waiting(console.history) == ["parked", "last", "next"])
        await console.press("G", "f")
        await console.until(lambda: waiting(console.history) == ["next", "parked", "last"])
        await console.press("G")
        await console.until(
            lambda: console.line("download-rows").index("l•••") > console.line("download-rows").index("p•••")
        )


async def test_marked_ones_are_paused_resumed_and_cancelled_together(profile: Profile) -> None:
    async with at_downloads(profile, "parked", "next", "last") as console:
        await console.press("space", "space")
        await console.sees("2 marked", "+ #5", "+ #6")
        await console.press("p")
        await console.sees("2 paused.")
        assert [download_of(console, name).paused for name in ("parked", "next", "last")] == [True, True, False]
        assert not screen_of(console).marks
        await console.press("asterisk")
        await console.sees("3 marked")
        await console.press("p")
        await console.sees("is paused; what it has is kept.")
        await console.press("asterisk", "p")
        await console.sees("3 resumed.")
        await console.press("asterisk", "x")
        await console.sees("Cancel 3 downloads?")
        await console.press("y")
        await console.sees("3 cancelled.", "none under way")
        assert downloads.open_ones(console.history) == []


async def test_marked_ones_that_ended_are_asked_for_again_and_what_cannot_be_says_why(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        for name in ("broken", "saved"):
            await go_to(console, name)
            await console.press("space")
        await console.press("R")
        await console.sees("1 asked for again. 1 not: The download of #8 is done;")
        assert screen_of(console).marks == {download_of(console, "saved").id}
        await console.press("p")
        await console.sees("Of the marked downloads none can be paused or resumed.")
        await console.press("x")
        await console.sees("Of the marked downloads none is left to cancel.")
        await console.press("escape")
        assert not screen_of(console).marks
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


WHY_NOT = (
    ("saved", "p", "The download of #8 is done; only one that waits or runs can be paused."),
    ("saved", "x", "The download of #8 is done; there is nothing left to cancel."),
    ("saved", "R", "The download of #8 is done; only a failed or cancelled one is tried again."),
    ("fast", "K", "The download of #1 is running; only one that waits has a place in the queue."),
    ("fast", "enter", "The download of #1 is running; it has no file yet."),
    ("broken", "o", "The download of #9 has failed; it has no file yet."),
    ("dropped", "y", "The download of #10 is cancelled; it has no file yet."),
)


async def test_a_key_that_cannot_be_says_why(profile: Profile) -> None:
    async with at_downloads(profile, size=USUAL) as console:
        for name, key, words in WHY_NOT:
            await go_to(console, name)
            await console.press(key)
            assert words in " ".join(console.line("status").split())


async def test_a_read_only_profile_lets_nothing_be_changed(tmp_path: Path) -> None:
    async with at_downloads(make_profile(tmp_path / "production", read_only=True), "next") as console:
        for key in ("p", "x", "J"):
            await console.press(key)
            assert f"{key}: This profile is read-only." in console.line("status")
        await console.press("space", "g", "p")
        assert "p: This profile is read-only." in console.line("status")
        assert download_of(console, "next").state == DownloadState.QUEUED


async def test_a_saved_one_is_looked_into_and_its_folder_and_hash_are_copied(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        profile.download_dir.mkdir(parents=True)
        path = plain(profile.download_dir / "retrieval-saved.zip", {"README.txt": b"all about saved@example.com"})
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        downloads.finished(console.history, run(console.history, "saved"), str(path), path.stat().st_size, sha256)
        await console.press("F")
        await console.sees("saved 09:30:00")
        await console.press("o")
        await console.until(lambda: console.app.clipboard == str(path.parent))
        assert str(path.parent)[:90] in console.line("status")
        await console.press("y")
        await console.until(lambda: console.app.clipboard == sha256)
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, ArchiveScreen))
        await console.sees("README.txt")
        await console.press("escape")
        await console.until(lambda: isinstance(console.app.screen, DownloadsScreen))
        await console.press("F")
        await console.until(lambda: console.app.screen is console.main)


async def test_what_happens_behind_another_screen_is_shown_when_it_comes_back(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        await console.press("question_mark")
        await console.sees("Pause it, keeping what it has", "Move it down in the queue")
        download_queue.pause(console.history, [download_of(console, "next").id], "ann")
        await console.press("escape")
        await console.sees("paused", "1 paused")


async def test_the_cursor_stays_on_its_download_whatever_ends_above_it(profile: Profile) -> None:
    async with at_downloads(profile, "parked", "next", "last") as console:
        await console.press("j")
        parked = order_of(console.history, download_of(console, "parked").id)
        downloads.finished(console.history, parked, f"{FOLDER}/parked.zip", 1_000, SHA)
        await console.sees("saved 09:30:00")
        for key, name in (("", "next"), ("j", "last"), ("j", "parked"), ("k", "last")):
            await console.press(*key)
            assert screen_of(console).rows.current == download_of(console, name).id, "the titles are passed over"


async def test_a_second_of_a_download_paints_its_line_alone(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_downloads(profile, "last", "next") as console:
        order = order_of(console.history, download_of(console, "next").id)
        downloads.started(console.history, order)
        downloads.progressed(console.history, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        await console.sees("64 %", "waiting for a slot")
        painted: list[int] = []
        real = DownloadRows.render_line

        def noted(rows: DownloadRows, y: int) -> Strip:
            painted.append(y)
            return real(rows, y)

        monkeypatch.setattr(DownloadRows, "render_line", noted)
        downloads.progressed(console.history, order, 15_600_000, 19_300_000, 3_200_000.0, '"tag"')
        await console.until(lambda: "80 %    15.6 / 19.3 MB" in line_of(console, "n"))
        assert set(painted) == {1}


async def test_what_goes_on_by_itself_waits_for_its_second_and_what_the_operator_does_does_not(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.console.screens.downloads.REDRAW_S", 3_600.0)
    async with at_downloads(profile, "next") as console:
        order = order_of(console.history, download_of(console, "next").id)
        downloads.started(console.history, order)
        downloads.progressed(console.history, order, 9_000, 100_000, 1_000.0, '"tag"')
        lines = console.main.query_one("#downloads", DownloadLines)
        await console.until(lambda: "9 %" in lines.render().plain)
        assert "waiting for a slot" in line_of(console, "n")
        await console.press("p")
        await console.sees("stopping", "9.0 / 100 kB")


async def test_hostile_words_in_the_register_reach_the_screen_as_visible_text(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.history, download_of(console, "next").id)
        downloads.failed(console.history, order, "It said \x1b]52;c;AAAA\x07 and [/nope]\nand more.")
        await console.sees("failed 09:30:00", "\\x1b]52;c;AAAA\\x07 and [/nope]")
        assert "\x1b" not in console.text


async def test_what_is_saved_or_cancelled_meanwhile_is_said_on_the_main_screen(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        await console.press("x", "y")
        await console.sees("is cancelled; what it had is removed.")
        await console.press("escape")
        await console.sees("The download of #6 for n•••@example.com is cancelled.")


async def test_the_main_screen_says_what_is_paused_and_where_the_rest_is(profile: Profile) -> None:
    async with opened(profile, PAST, size=USUAL) as console:
        run_all(console.history)
        await console.sees("and 3 more: F")
        parked = download_of(console, "parked")
        downloads_before = [d.id for d in downloads.open_ones(console.history) if d.id != parked.id]
        download_queue.cancel(console.history, downloads_before, "op")
        await console.sees("⇣ #5  p•••@example.com    paused at 64 %")
        await console.go_to(parked.number)
        await console.do("detail")
        await console.sees("paused: F shows the downloads")


@pytest.mark.parametrize("action", [action for action in DOWNLOAD_ACTIONS if action.command], ids=lambda one: one.name)
def test_the_line_beside_an_action_is_one_that_the_command_line_takes(action: Action) -> None:
    assert action.command is not None
    assert parse(action.command.replace("TASK", "17").split()).command[0]


def test_names_and_keys_of_the_screen_are_unique() -> None:
    keys = [key for action in DOWNLOAD_ACTIONS for key in action.keys]
    names = [action.name for action in DOWNLOAD_ACTIONS]
    assert len(set(keys)) == len(keys)
    assert len(set(names)) == len(names)


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
            downloads.put_off(console.history, run(console.history, name), "The connection was lost. " * 5, NOW)
        downloads.progressed(console.history, run(console.history, "next"), 57, 100, 9.0, '"tag"')
        await console.until(lambda: console.line("downloads").count("\n") == 3)
        first, *_, last = console.line("downloads").splitlines()
        assert first.startswith(" ⇣ #6  n•••@example.com   57 %   9 B/s   ")
        assert last.endswith("…")


async def test_trouble_leaves_share_bytes_and_try_in_sight(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.history, download_of(console, "next").id)
        downloads.started(console.history, order)
        downloads.progressed(console.history, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        downloads.put_off(console.history, order, "The connection was lost.", NOW + timedelta(minutes=2))
        await console.sees("again at 09:32:00   64 %  12.4 / 19.3 MB  try 2  The connection was lost.")


async def test_what_waits_says_for_what(profile: Profile) -> None:
    async with at_downloads(profile, "next", "last") as console:
        order = order_of(console.history, download_of(console, "last").id)
        downloads.started(console.history, order)
        downloads.put_off(console.history, order, "Waiting for the service.", NOW + timedelta(minutes=2))
        await console.sees("waiting for a slot", "Waiting for the service.")
        message = "The service cannot be reached: no such host."
        engine_state.report(console.history, Service.UNREACHABLE, message, None)
        await console.until(lambda: f"waits for service   {message}" in line_of(console, "n"))
        await console.until(lambda: f"again at 09:32:00   try 2  {message}" in line_of(console, "l"))
        engine_state.announce(console.history, None, None)
        await console.until(lambda: "no engine runs" in line_of(console, "n"))
        await console.press("escape")
        await console.until(lambda: "no engine runs" in console.line("downloads"))


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (999.7, "1.0 kB"), (99_960, "100 kB"), (999_600, "1.0 MB"), (12_400_000, "12.4 MB")],
)
def test_a_size_never_has_more_than_three_digits(count: float, words: str) -> None:
    assert size(count) == words


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
    assert size_as(count, of) == words


async def test_one_that_failed_for_good_is_said_to_have_kept_nothing(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.history, download_of(console, "next").id)
        downloads.started(console.history, order)
        downloads.progressed(console.history, order, 1_500_000, 1_500_000, None, '"tag"')
        downloads.failed(console.history, order, "It is no sound zip file.", part_is_left=False)
        await console.until(lambda: "nothing kept of 1.5 MB  It is no sound zip file." in line_of(console, "n"))
        assert "nothing kept of 1.5 MB: R asks for it again" in console.line("download-facts")


async def test_the_hash_of_a_saved_one_can_be_read_in_the_smallest_terminal(profile: Profile) -> None:
    async with at_downloads(profile, size=(60, 15)) as console:
        await go_to(console, "saved")
        await console.until(lambda: SHA in "".join(console.line("download-facts").split()))
        assert "enter look" in console.line("footer")


async def test_a_sentence_goes_away_with_the_next_key_that_does_something(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        await console.press("x")
        await console.until(lambda: "x: " in console.line("status"))
        await console.press("j", "k")
        assert "x: " in console.line("status"), "moving the cursor does nothing"
        await console.press("space")
        assert not console.line("status").strip()


async def test_two_hundred_downloads_are_listed_and_the_rest_left_out(profile: Profile) -> None:
    past = tuple(Planted(f"shopper{number}@example.com", status=Status.COMPLETED) for number in range(210))
    async with opened(profile, past, size=USUAL) as console:
        with console.history.write():
            for number in range(1, 211):
                actions.download(console.history, number, FOLDER, "op")
        await console.press("F")
        await console.until(lambda: isinstance(console.app.screen, DownloadsScreen) and console.app.screen.listed)
        assert screen_of(console).rows.row_count == 200
        await console.press("G")
        assert screen_of(console).rows.cursor_row == 199
        assert tasks.get(console.history, 210).download is not None
