"""The queue of downloads: what operators may do to it, and what the engine then finds due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.domain.downloads import Download
from bwp_tui.store.commands import download_queue, requests, work_records
from bwp_tui.store.commands.bulk import ChangeResult
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob
from tests.manual_clock import ManualClock
from tests.store.support import ACTOR, NOW, SOON, in_status, scalar

FOLDER = "/srv/results"
RETRY = download_queue.retry(Path("/srv/other"))


def _asked(store: Store, count: int) -> list[int]:
    """The ids of so many queued downloads, each of a task of its own."""
    found = []
    for _ in range(count):
        serial = scalar(store, "SELECT count(*) FROM tasks") + 1
        task = in_status(store, "COMPLETED", task_id=f"task-{serial}")
        found.append(requests.download(store, task.number, FOLDER, ACTOR))
    return found


def _due(store: Store) -> list[int]:
    return [order.id for order in downloads.ready(store, SOON, 100)]


def _order(store: Store, download: int) -> DownloadJob:
    (found,) = [order for order in downloads.ready(store, SOON, 100) if order.id == download]
    return found


def _now(store: Store, download: int) -> Download:
    (found,) = [one for one in download_queue.list_downloads(store, 100) if one.id == download]
    return found


def _last_words(store: Store, download: int) -> tuple[str, str, str | None]:
    line = timeline.of_task(store, _now(store, download).task_number)[-1]
    return line.actor, line.what, line.detail


def test_the_list_holds_the_open_ones_as_they_come_and_then_the_ended_ones_newest_first(
    store: Store, clock: ManualClock
) -> None:
    first, second, third, fourth, fifth, sixth = _asked(store, 6)
    orders = {order.id: order for order in downloads.ready(store, NOW, 10)}
    for ended in (second, first):
        downloads.record_start(store, orders[ended])
        clock.advance(seconds=1)
        downloads.record_failure(store, orders[ended], "The disk is full.")
    downloads.record_start(store, orders[fifth])
    download_queue.pause(store, [third], ACTOR)
    download_queue.move(store, sixth, -2, ACTOR)
    assert [one.id for one in download_queue.list_downloads(store, 10)] == [fifth, sixth, third, fourth, first, second]
    assert [one.id for one in download_queue.list_downloads(store, 5)] == [fifth, sixth, third, fourth, first]
    assert [one.id for one in download_queue.list_downloads(store, 2)] == [fifth, sixth, third, fourth]
    assert [one.id for one in downloads.unfinished(store)] == [fifth, sixth, third, fourth]


def test_the_task_of_each_listed_download_is_told(store: Store) -> None:
    _asked(store, 2)
    found = download_queue.tasks_of(store, download_queue.list_downloads(store, 10))
    assert {number: (task.email, task.task_id) for number, task in found.items()} == {
        1: ("jane@example.com", "task-1"),
        2: ("jane@example.com", "task-2"),
    }


def test_a_paused_download_is_not_due_until_it_is_resumed(store: Store) -> None:
    first, second = _asked(store, 2)
    assert download_queue.pause(store, [first], "eve") == [ChangeResult(first, first)]
    assert (_due(store), _now(store, first).paused) == ([second], True)
    assert _last_words(store, first) == ("eve", "download paused", None)
    assert _now(store, first).task_number in tasks.changed_since(store, store.revision() - 1)
    download_queue.pause(store, [second], ACTOR)
    assert downloads.next_at(store) is None
    assert download_queue.resume(store, [first], "eve") == [ChangeResult(first, first)]
    assert (_due(store), _now(store, first).paused) == ([first], False)
    assert _last_words(store, first) == ("eve", "download resumed", None)


def test_a_paused_download_is_open_and_its_task_not_downloaded_once_more(store: Store) -> None:
    (download,) = _asked(store, 1)
    download_queue.pause(store, [download], ACTOR)
    with pytest.raises(NotPossible, match="is paused: resume it"):
        requests.download(store, 1, FOLDER, ACTOR)


def test_an_engine_that_stops_leaves_a_paused_download_paused(store: Store) -> None:
    (download,) = _asked(store, 1)
    order = _order(store, download)
    downloads.record_start(store, order)
    download_queue.pause(store, [download], ACTOR)
    downloads.record_interruption(store, order)
    assert (_now(store, download).state, _now(store, download).paused, _due(store)) == ("queued", True, [])


def test_a_cancelled_download_is_over_and_its_part_unwanted(store: Store, clock: ManualClock) -> None:
    (download,) = _asked(store, 1)
    downloads.record_start(store, _order(store, download))
    clock.advance(seconds=3)
    assert download_queue.cancel(store, [download], "eve") == [ChangeResult(download, download)]
    over = _now(store, download)
    assert (over.state, over.finished_at, over.rate, over.paused) == ("cancelled", clock.now, None, False)
    assert (_due(store), downloads.unfinished(store)) == ([], [])
    assert _last_words(store, download) == ("eve", "download cancelled", None)
    assert scalar(store, "SELECT part_unwanted FROM downloads") == 1


def test_a_failed_download_is_retried_as_a_new_one_that_goes_on_where_its_part_ends(store: Store) -> None:
    (failed,) = _asked(store, 1)
    order = _order(store, failed)
    downloads.record_start(store, order)
    downloads.record_progress(store, order, 5, 10, 2.5, '"tag"')
    downloads.record_failure(store, order, "The disk is full.")
    (steered,) = RETRY(store, [failed], "eve")
    again = _order(store, steered.resulting_id)
    assert (steered.id, steered.refused, again.id != failed) == (failed, None, True)
    assert (again.folder, again.etag, again.attempts, again.actor) == (FOLDER, '"tag"', 0, "eve")
    assert (_now(store, again.id).bytes, _now(store, again.id).total) == (5, 10)
    assert (_now(store, failed).state, _now(store, failed).trouble) == ("failed", "The disk is full.")
    assert _last_words(store, again.id) == ("eve", "download asked", None)


def test_a_part_is_taken_up_only_in_the_folder_it_lies_in(store: Store) -> None:
    (failed,) = _asked(store, 1)
    order = _order(store, failed)
    downloads.record_start(store, order)
    downloads.record_progress(store, order, 5, 10, 2.5, '"tag"')
    downloads.record_failure(store, order, "The disk is full.")
    requests.download(store, order.task_number, "/mnt/elsewhere", ACTOR)
    (again,) = downloads.ready(store, SOON, 5)
    assert (again.etag, _now(store, again.id).bytes) == (None, 0)


def test_a_cancelled_download_is_retried_from_zero_in_the_part_that_was_to_be_removed(store: Store) -> None:
    (cancelled,) = _asked(store, 1)
    order = _order(store, cancelled)
    downloads.record_start(store, order)
    downloads.record_progress(store, order, 5, 10, 2.5, '"tag"')
    download_queue.cancel(store, [cancelled], ACTOR)
    (steered,) = RETRY(store, [cancelled], ACTOR)
    assert (_order(store, steered.resulting_id).etag, _now(store, steered.resulting_id).bytes) == (None, 0)
    assert scalar(store, "SELECT sum(part_unwanted) FROM downloads") == 0


def test_only_the_newest_download_of_a_task_is_retried(store: Store) -> None:
    (old,) = _asked(store, 1)
    download_queue.cancel(store, [old], ACTOR)
    (steered,) = RETRY(store, [old], ACTOR)
    download_queue.cancel(store, [steered.resulting_id], ACTOR)
    (refused,) = RETRY(store, [old], ACTOR)
    assert "asked for again since" in (refused.refused or "")
    assert [download.has_newer for download in downloads.of_task(store, 1)] == [True, False]
    assert len(download_queue.list_downloads(store, 10)) == 2


def test_a_download_moves_among_those_that_wait_and_what_is_asked_for_later_comes_last(store: Store) -> None:
    first, second, third, fourth = _asked(store, 4)
    running = _order(store, second)
    downloads.record_start(store, running)
    download_queue.move(store, fourth, -1, "eve")
    assert _due(store) == [first, fourth, third]
    assert _last_words(store, fourth) == ("eve", "download moved", "to place 2 of 3")
    download_queue.move(store, first, 1, ACTOR)
    assert _due(store) == [fourth, first, third]
    download_queue.move(store, third, -99, ACTOR)
    assert _due(store) == [third, fourth, first]
    (fifth,) = _asked(store, 1)
    assert _due(store) == [third, fourth, first, fifth]
    download_queue.move(store, third, 99, ACTOR)
    assert _due(store) == [fourth, first, fifth, third]
    downloads.record_interruption(store, running)
    assert sorted(_due(store)) == [first, second, third, fourth, fifth]


def test_a_download_at_an_end_of_the_queue_goes_no_further_and_one_that_runs_is_not_moved(store: Store) -> None:
    first, second, third = _asked(store, 3)
    with pytest.raises(NotPossible, match="of #1 is first already"):
        download_queue.move(store, first, -1, ACTOR)
    with pytest.raises(NotPossible, match="of #3 is last already"):
        download_queue.move(store, third, 1, ACTOR)
    downloads.record_start(store, _order(store, second))
    with pytest.raises(NotPossible, match="only one that waits"):
        download_queue.move(store, second, 1, ACTOR)
    assert _due(store) == [first, third]


@pytest.mark.parametrize(
    ("deed", "state", "reason"),
    [
        (download_queue.pause, "paused", "The download of #1 is paused already."),
        (download_queue.pause, "done", "The download of #1 is done; only one that waits or runs can be paused."),
        (download_queue.resume, "queued", "The download of #1 is queued; only a paused one can be resumed."),
        (download_queue.cancel, "failed", "The download of #1 has failed; there is nothing left to cancel."),
        (
            RETRY,
            "paused",
            "The download of #1 is paused; a failed, cancelled or gone one is retried.",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing_and_the_others_are_done(
    store: Store, deed: Callable[[Store, list[int], str], list[ChangeResult]], state: str, reason: str
) -> None:
    refused, fitting = _asked(store, 2)
    _bring(store, refused, state)
    _bring(store, fitting, "paused" if deed is download_queue.resume else "queued")
    if deed is RETRY:
        download_queue.cancel(store, [fitting], ACTOR)
    before = _now(store, refused)
    results = deed(store, [refused, fitting, 999], ACTOR)
    assert (results[0], results[1].refused) == (ChangeResult(refused, refused, reason), None)
    assert results[2].refused == "There is no download 999 in this history."
    assert _now(store, refused) == before


def _saved(store: Store, folder: Path) -> tuple[DownloadJob, Path]:
    """Return a download whose result is saved, and the file."""
    (asked,) = _asked(store, 1)
    order, file = _order(store, asked), folder / "a.zip"
    file.write_bytes(b"x" * 10)
    downloads.record_start(store, order)
    downloads.record_success(store, order, str(file), 10, "ab" * 32)
    return order, file


def test_a_result_that_is_gone_from_disk_is_downloaded_again_and_one_that_is_there_is_not(
    store: Store, tmp_path: Path
) -> None:
    order, file = _saved(store, tmp_path)
    (refused,) = RETRY(store, [order.id], ACTOR)
    assert "is done; " in str(refused.refused)
    file.unlink()
    (again,) = RETRY(store, [order.id], ACTOR)
    assert (again.refused, again.resulting_id == order.id) == (None, False)


@pytest.mark.parametrize("is_folder_there", [True, False])
def test_a_retry_uses_the_folder_of_the_first_download_where_there_is_one(
    store: Store, tmp_path: Path, is_folder_there: bool
) -> None:
    own = tmp_path / "made-later" if is_folder_there else tmp_path / "home-of-another-computer" / "downloads"
    number = in_status(store, "COMPLETED").number
    first = requests.download(store, number, str(own), ACTOR)
    downloads.record_failure(store, _order(store, first), "It had not ended in the backup.")
    (again,) = RETRY(store, [first], ACTOR)
    assert downloads.folder_of(store, again.resulting_id) == (str(own) if is_folder_there else "/srv/other")


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
@pytest.mark.parametrize("is_still_there", [True, False])
def test_a_later_download_without_a_file_hides_no_result_that_is_still_saved(
    store: Store, tmp_path: Path, ending: str, is_still_there: bool
) -> None:
    order, file = _saved(store, tmp_path)
    second = requests.download(store, order.task_number, FOLDER, ACTOR)
    assert "has not ended" in str(work_records.cannot_open_result(tasks.get(store, order.task_number)))
    if not is_still_there:
        file.unlink()
    if ending == "failed":
        downloads.record_failure(store, _order(store, second), "The service has removed it.")
    else:
        download_queue.cancel(store, [second], ACTOR)
    task = tasks.get(store, order.task_number)
    assert task.download is not None
    assert task.download.id == (order.id if is_still_there else second)
    assert (work_records.cannot_open_result(task) is None) == is_still_there
    (retried,) = RETRY(store, [second], ACTOR)
    assert retried.refused is None


def _bring(store: Store, download: int, state: str) -> None:
    if state == "paused":
        download_queue.pause(store, [download], ACTOR)
    elif state != "queued":
        order = _order(store, download)
        downloads.record_start(store, order)
        if state == "done":
            downloads.record_success(store, order, f"{FOLDER}/a.zip", 10, "ab" * 32)
        else:
            downloads.record_failure(store, order, "The disk is full.")


def test_a_download_put_off_is_due_in_its_place_once_its_time_has_come(store: Store) -> None:
    first, second = _asked(store, 2)
    order = _order(store, first)
    downloads.record_start(store, order)
    downloads.reschedule(store, order, "The line was cut.", SOON)
    assert [found.id for found in downloads.ready(store, SOON - timedelta(seconds=1), 5)] == [second]
    assert _due(store) == [first, second]


def test_each_turn_counts_whatever_was_on_the_screen(store: Store) -> None:
    (only,) = _asked(store, 1)
    downloads.record_start(store, _order(store, only))
    turned = [download_queue.toggle_pause(store, [only], ACTOR) for _ in range(9)]
    assert [action for action, _ in turned] == ["pause", "resume"] * 4 + ["pause"]
    assert _now(store, only).paused


def test_a_turn_leaves_alone_what_is_paused_while_another_is_not(store: Store) -> None:
    first, second, third = _asked(store, 3)
    download_queue.pause(store, [first], ACTOR)
    _bring(store, third, "failed")
    assert download_queue.toggle_pause(store, [first, second, third], ACTOR) == (
        "pause",
        [ChangeResult(second, second)],
    )
    assert download_queue.toggle_pause(store, [first, second, third], ACTOR)[0] == "resume"
    assert not _now(store, first).paused
    _, (refused,) = download_queue.toggle_pause(store, [third], ACTOR)
    assert refused.refused == "The download of #3 has failed; only a paused one can be resumed."


def test_the_try_that_a_cancellation_ends_counts(store: Store) -> None:
    running, waiting = _asked(store, 2)
    downloads.record_start(store, _order(store, running))
    download_queue.cancel(store, [running, waiting], ACTOR)
    assert (_now(store, running).attempts_with_running, _now(store, waiting).attempts_with_running) == (1, 0)
