"""The downloads screen at the keyboard: what each key does to the queue, and what stays where it is."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.app import App
from textual.strip import Strip

from bwp_tui.console.presentation.download_detail import STATE_CELLS, end_text, fact_lines, state_text
from bwp_tui.console.presentation.download_rows import DownloadRow
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.downloads import DownloadsScreen
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.console.widgets.bars import ActiveDownloads
from bwp_tui.console.widgets.download_list import DownloadList
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.settings import KeySetting, Profile
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.shared_sql import PURGED_DOWNLOAD
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.archive.zips import plain
from tests.console.downloads_screen import at_downloads, download_of, go_to, line_of, screen_of, waiting
from tests.console.past_downloads import FOLDER, NAMES, PAST, SHA, order_of, run
from tests.console.past_tasks import NOW
from tests.console.support import USUAL, make_profile, opened


async def test_a_running_download_is_paused_and_goes_on_with_the_same_key(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 300_000, 1_000_000, 50_000.0, '"tag"')
        await console.sees("30%", "1 running")
        await console.press("p")
        await console.sees(
            "The download of #6 for n•••@example.com is paused; its partial file is kept.", "pausing", "1 paused"
        )
        assert download_of(console, "next").paused
        downloads.record_interruption(console.store, order)
        await console.sees("paused at 30%", "p resumes it")
        await console.press("p")
        await console.sees("is queued again", "waiting at 30%", "1 waiting")
        assert not download_of(console, "next").paused


async def test_the_time_that_a_pause_is_a_part_of_is_not_called_a_duration(profile: Profile) -> None:
    async with at_downloads(profile, "saved") as console:
        download, task = screen_of(console).current_download or pytest.fail("There is none.")
        ended = download._replace(state="done", started_at=NOW, finished_at=NOW + timedelta(seconds=30))
        (size,) = (line for line in fact_lines(ended, task, screen_of(console).display_context) if "Size" in line[0][0])
        assert size[-1][0].split() == ["30s", "after", "its", "start"]


async def test_one_that_was_asked_for_again_has_nothing_left_and_is_not_retried(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        broken = download_of(console, "broken")
        await go_to(console, "broken")
        await console.sees("4.0 MB fetched; R retries")
        requests.download(console.store, broken.task_number, FOLDER, "op")
        screen_of(console).reload(broken.id)
        await console.sees("asked for again")
        assert "MB fetched" not in console.text
        assert "retries" not in console.text
        assert screen_of(console).disabled_reason("retry")


async def test_one_that_waits_for_a_slot_is_not_said_to_wait_for_a_service_that_only_slows_down(
    profile: Profile,
) -> None:
    async with at_downloads(profile) as console:
        await console.sees("waiting")
        for next_try_at, state in ((None, "waiting"), (NOW, "waiting for API")):
            engine_state.record_health(
                console.store, ServiceHealthState.THROTTLED, "Rate limit hit.", next_try_at, rate_limit=2.0
            )
            screen_of(console).reload()
            await console.pilot.pause()
            assert state in line_of(console, "n")


async def test_the_hints_name_remapped_keys(profile: Profile) -> None:
    keys = tuple(KeySetting(name, (key,), "FILE") for name, key in {"pause": "f3", "retry": "f4"}.items())
    async with at_downloads(replace(profile, keys=keys), "next") as console:
        await console.press("f3")
        await console.sees("f3 resumes it")
        await console.press("x", "y")
        await console.sees("f4 retries")


async def test_the_key_that_interrupts_says_on_this_screen_how_to_leave(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await console.press("ctrl+c")
        await console.sees("esc goes back to the tasks. There, q leaves the console.")


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
        await console.sees("is cancelled; its partial file is to be deleted.", "640 kB to be deleted; R retries")
        assert download_of(console, "parked").state == DownloadState.CANCELLED
        for job in downloads.unwanted_parts(console.store):
            downloads.record_part_removed(console.store, job)
        await console.sees("640 kB deleted; R retries")
        assert screen_of(console).rows.current == download_of(console, "parked").id, "the cursor stays on it"


async def test_one_that_ended_without_a_file_is_asked_for_again_and_the_cursor_follows(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "broken")
        before = download_of(console, "broken")
        with console.store.write() as transaction:
            transaction.run("UPDATE downloads SET directory = ?", (str(profile.folder),))  # one that is there
        await console.press("R")
        await console.sees("The download of #9 for b•••@example.com is asked for again.")
        after = download_of(console, "broken")
        assert (after.state, after.bytes) == (DownloadState.QUEUED, 4_000_000)
        assert after.id != before.id
        assert screen_of(console).rows.current == after.id


async def test_the_footer_offers_only_what_is_possible_with_a_marked_download(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "next")
        await console.press("space")
        await console.until(lambda: "p pause" in console.line("footer"))
        assert "R retry" not in console.line("footer")
        await go_to(console, "dropped")
        await console.press("space")
        await console.until(lambda: "R retry" in console.line("footer"))


async def test_a_waiting_one_is_moved_in_the_queue_and_the_cursor_goes_with_it(profile: Profile) -> None:
    async with at_downloads(profile, "parked", "next", "last") as console:
        await console.press("G", "K")
        await console.until(lambda: waiting(console.store) == ["parked", "last", "next"])
        await console.press("K")
        await console.until(lambda: waiting(console.store) == ["last", "parked", "next"])
        assert screen_of(console).rows.current == download_of(console, "last").id
        await console.until(lambda: "move up" not in console.line("footer"))
        await console.press("K")
        await console.sees("The download of #7 is first already.")
        await console.press("J")
        await console.until(lambda: "is first already" not in console.text)
        await console.until(lambda: waiting(console.store) == ["parked", "last", "next"])
        await console.press("G", "f")
        await console.until(lambda: waiting(console.store) == ["next", "parked", "last"])
        await console.press("G")
        await console.until(
            lambda: console.line("download-rows").index("l•••") > console.line("download-rows").index("p•••")
        )


async def test_marked_ones_are_paused_resumed_and_cancelled_together(profile: Profile) -> None:
    async with at_downloads(profile, "parked", "next", "last") as console:
        await console.press("space", "space")
        await console.sees("2 marked", "+ #5", "+ #6", "space mark  esc unmark  ? help")
        await console.press("p")
        await console.sees("2 paused.")
        assert [download_of(console, name).paused for name in ("parked", "next", "last")] == [True, True, False]
        assert not screen_of(console).marks
        await console.press("asterisk")
        await console.sees("3 marked")
        await console.press("p")
        await console.sees("is paused")
        await console.press("asterisk", "p")
        await console.sees("3 resumed.")
        await console.press("asterisk", "x")
        await console.sees("Cancel 3 downloads?")
        await console.press("y")
        await console.sees("3 cancelled.", "idle")
        assert downloads.unfinished(console.store) == []


async def test_marked_ones_that_ended_are_asked_for_again_and_what_cannot_be_says_why(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        for name in ("broken", "saved"):
            await go_to(console, name)
            await console.press("space")
        await console.press("R")
        await console.sees("1 asked for again. 1 not: The download of #8 is done;")
        assert screen_of(console).marks == {download_of(console, "saved").id}
        await console.press("p")
        await console.sees("p: The download of #8 is done;")
        await go_to(console, "dropped")
        await console.press("space", "x")
        await console.sees("x: It is possible with none of the 2 marked downloads.")
        await console.press("escape")
        assert not screen_of(console).marks
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)


WHY_NOT = (
    ("saved", "p", "The download of #8 is done; only one that waits or runs can be paused."),
    ("saved", "x", "The download of #8 is done; there is nothing left to cancel."),
    ("parked", "R", "The download of #5 is paused; a failed, cancelled or gone one is retried."),
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
            assert f"{key}: {READ_ONLY}" in console.line("status")
        await console.press("space", "g", "p")
        assert f"p: {READ_ONLY}" in console.line("status")
        assert download_of(console, "next").state == DownloadState.QUEUED


async def test_a_saved_one_is_looked_into_and_its_folder_and_hash_are_copied(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        profile.download_dir.mkdir(parents=True)
        path = plain(profile.download_dir / "retrieval-saved.zip", {"README.txt": b"all about saved@example.com"})
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        downloads.record_success(console.store, run(console.store, "saved"), str(path), path.stat().st_size, sha256)
        await console.press("F")
        await console.sees("done 09:30:00")
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


@pytest.mark.parametrize("size", [(200, 60), (100, 30)])
async def test_the_emails_have_a_title_and_a_wide_list_names_who_asked_in_full(
    profile: Profile, size: tuple[int, int]
) -> None:
    actor = "anna (root, key SHA256:yQ2)"
    async with opened(profile, PAST, size=size) as console:
        requests.download(console.store, NAMES.index("saved") + 1, FOLDER, actor)
        (job,) = downloads.ready(console.store, NOW, 1)
        downloads.record_start(console.store, job)
        name = f"retrieval-{job.task_id}.zip"
        downloads.record_success(console.store, job, f"{FOLDER}/{name}", 1, SHA)
        await console.press("F")
        await console.sees("FINISHED  EMAIL", actor if size[0] == 200 else actor[:9])
        assert (name in console.line("download-rows")) is (size[0] == 200)


async def test_the_titles_are_those_of_the_part_that_is_in_sight() -> None:
    active, finished = (
        [DownloadRow(number, ()) for number in range(9)],
        [DownloadRow(number, ()) for number in range(9, 99)],
    )
    titles = {part: ((part, "muted"),) for part in ("ACTIVE", "FINISHED")}
    async with App[None]().run_test(size=(60, 15)) as pilot:
        await pilot.app.mount(rows := DownloadList())
        rows.set_rows(
            titles["ACTIVE"], [*active, DownloadRow(None, ()), DownloadRow(None, titles["FINISHED"]), *finished], 0
        )
        for row, part in ((0, "ACTIVE"), (len(active) + 2, "ACTIVE"), (98, "FINISHED"), (0, "ACTIVE")):
            rows.go_to(row)
            await pilot.pause()
            assert rows.header == titles[part]
            assert part in rows.render_line(0).text


async def test_what_happens_behind_another_screen_is_shown_when_it_comes_back(profile: Profile) -> None:
    async with at_downloads(profile, "next") as console:
        await console.press("question_mark")
        await console.sees("Pause or resume it", "Move it down in the queue")
        download_queue.pause(console.store, [download_of(console, "next").id], "ann")
        await console.press("escape")
        await console.sees("paused", "1 paused")


async def test_the_cursor_stays_on_its_download_whatever_ends_above_it(profile: Profile) -> None:
    async with at_downloads(profile, "parked", "next", "last") as console:
        await console.press("j")
        parked = order_of(console.store, download_of(console, "parked").id)
        downloads.record_success(console.store, parked, f"{FOLDER}/parked.zip", 1_000, SHA)
        await console.sees("done 09:30:00")
        for key, name in (("", "next"), ("j", "last"), ("j", "parked"), ("k", "last")):
            await console.press(*key)
            assert screen_of(console).rows.current == download_of(console, name).id, "the titles are passed over"


async def test_a_second_of_a_download_paints_its_line_alone(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_downloads(profile, "last", "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 12_400_000, 19_300_000, 3_100_000.0, '"tag"')
        await console.sees("64%", "waiting")
        painted: list[int] = []
        real = DownloadList.render_line

        def noted(rows: DownloadList, y: int) -> Strip:
            painted.append(y)
            return real(rows, y)

        monkeypatch.setattr(DownloadList, "render_line", noted)
        downloads.record_progress(console.store, order, 15_600_000, 19_300_000, 3_200_000.0, '"tag"')
        await console.until(lambda: "80%    15.6 / 19.3 MB" in line_of(console, "n"))
        assert set(painted) == {1}


async def test_what_goes_on_by_itself_waits_for_its_second_and_what_the_operator_does_does_not(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bwp_tui.console.screens.downloads.REDRAW_S", 3_600.0)
    async with at_downloads(profile, "next") as console:
        order = order_of(console.store, download_of(console, "next").id)
        downloads.record_start(console.store, order)
        downloads.record_progress(console.store, order, 9_000, 100_000, 1_000.0, '"tag"')
        lines = console.main.query_one("#downloads", ActiveDownloads)
        await console.until(lambda: "9%" in lines.render().plain)
        assert "waiting" in line_of(console, "n")
        await console.press("p")
        await console.sees("pausing", "9.0 / 100 kB")


async def test_all_that_have_not_ended_are_listed_and_it_is_said_that_others_are_not(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_downloads(profile) as console:
        for most, listed in ((2, 7), (8, 8)):
            monkeypatch.setattr("bwp_tui.console.screens.downloads.MAX_LISTED", most)
            screen_of(console).reload()
            await console.sees(f"{listed} of 10 listed")
            assert screen_of(console).context.queue == [
                each.id for each in downloads.unfinished(console.store) if each.state == DownloadState.QUEUED
            ]


async def test_a_sentence_goes_away_with_the_next_key_that_does_something(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        await console.press("x")
        await console.until(lambda: "x: " in console.line("status"))
        await console.press("j", "k")
        assert "x: " in console.line("status"), "moving the cursor does nothing"
        await console.press("space")
        assert not console.line("status").strip()


async def test_a_state_fits_its_column_on_a_later_day_too(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        context = screen_of(console).display_context
        later = context._replace(today=context.today + timedelta(days=1))
        listed = [download for download, _ in screen_of(console).listed]
        states = [(state_text if download.is_open else end_text)(download, later)[0] for download in listed]
        assert {"retry", "cancelled", "failed", "done"} <= {state.split()[0] for state in states}
        assert max(map(len, states)) <= STATE_CELLS


async def test_a_purged_result_is_neither_done_nor_still_to_come(profile: Profile) -> None:
    async with at_downloads(profile, "saved") as console:
        downloads.record_success(
            console.store, order_of(console.store, download_of(console, "saved").id), f"{FOLDER}/a.zip", 5, SHA
        )
        with console.store.write() as transaction:
            transaction.run("UPDATE downloads SET path = NULL, directory = '', revision = ?", (transaction.revision,))
            transaction.run("UPDATE tasks SET revision = ?", (transaction.revision,))
        await console.sees("purged")
        assert "saved" not in console.line("downloads-heading")
        assert "done" not in console.line("download-rows")
        assert download_of(console, "saved").percent is None
        await console.press("enter")
        await console.sees("was purged")
        await console.press("y")
        await console.sees(f"sha256 {SHA}")
        assert console.app.clipboard == SHA


async def test_what_a_purge_left_of_a_failed_one_is_not_known_and_not_retried(profile: Profile) -> None:
    async with at_downloads(profile) as console:
        await go_to(console, "broken")
        await console.sees("4.0 MB fetched; R retries")
        with console.store.write() as transaction:
            transaction.run(
                f"UPDATE downloads SET {PURGED_DOWNLOAD} WHERE id = ?", (download_of(console, "broken").id,)
            )
        screen_of(console).reload()
        await console.until(lambda: "MB fetched" not in console.text)
        assert "deleted" not in line_of(console, "b")
        assert "retries" not in console.line("download-detail")
        await console.press("R")
        await console.sees("R: The download of #9 was purged")
