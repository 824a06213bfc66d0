"""The queue of downloads: what operators may do to it, and what the engine then finds due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bwp_tui.domain.task import Download
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.commands.download_queue import Steered
from bwp_tui.store.database.connection import History
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import Order
from tests.history.support import ACTOR, NOW, SOON, FrozenClock, in_status, scalar

FOLDER = "/srv/results"


def _asked(history: History, count: int) -> list[int]:
    """The ids of so many queued downloads, each of a task of its own."""
    found = []
    for _ in range(count):
        serial = scalar(history, "SELECT count(*) FROM tasks") + 1
        task = in_status(history, "COMPLETED", task_id=f"task-{serial}")
        download = requests.download(history, task.number, FOLDER, ACTOR).download
        assert download is not None
        found.append(download.id)
    return found


def _due(history: History) -> list[int]:
    return [order.id for order in downloads.due(history, SOON, 100)]


def _order(history: History, download: int) -> Order:
    (found,) = [order for order in downloads.due(history, SOON, 100) if order.id == download]
    return found


def _now(history: History, download: int) -> Download:
    (found,) = [one for one in download_queue.listed(history, 100) if one.id == download]
    return found


def _last_words(history: History, download: int) -> tuple[str, str, str | None]:
    line = timeline.of_task(history, _now(history, download).number)[-1]
    return line.actor, line.what, line.detail


def test_the_list_holds_the_open_ones_as_they_come_and_then_the_ended_ones_newest_first(
    history: History, clock: FrozenClock
) -> None:
    first, second, third, fourth, fifth, sixth = _asked(history, 6)
    orders = {order.id: order for order in downloads.due(history, NOW, 10)}
    for ended in (second, first):
        downloads.started(history, orders[ended])
        clock.forward(seconds=1)
        downloads.failed(history, orders[ended], "The disk is full.")
    downloads.started(history, orders[fifth])
    download_queue.pause(history, [third], ACTOR)
    download_queue.move(history, sixth, -2, ACTOR)
    assert [one.id for one in download_queue.listed(history, 10)] == [fifth, sixth, third, fourth, first, second]
    assert [one.id for one in download_queue.listed(history, 5)] == [fifth, sixth, third, fourth, first]
    assert [one.id for one in download_queue.listed(history, 2)] == [fifth, sixth]
    assert [one.id for one in downloads.open_ones(history)] == [fifth, sixth, third, fourth]


def test_the_task_of_each_listed_download_is_told(history: History) -> None:
    _asked(history, 2)
    found = download_queue.tasks_of(history, download_queue.listed(history, 10))
    assert {number: (task.email, task.task_id) for number, task in found.items()} == {
        1: ("jane@example.com", "task-1"),
        2: ("jane@example.com", "task-2"),
    }


def test_a_paused_download_is_not_due_until_it_is_resumed(history: History) -> None:
    first, second = _asked(history, 2)
    assert download_queue.pause(history, [first], "eve") == [Steered(first, first)]
    assert (_due(history), _now(history, first).paused) == ([second], True)
    assert _last_words(history, first) == ("eve", "download paused", None)
    assert _now(history, first).number in tasks.changed_since(history, history.revision() - 1)
    download_queue.pause(history, [second], ACTOR)
    assert downloads.next_at(history) is None
    assert download_queue.resume(history, [first], "eve") == [Steered(first, first)]
    assert (_due(history), _now(history, first).paused) == ([first], False)
    assert _last_words(history, first) == ("eve", "download resumed", None)


def test_a_paused_download_is_open_and_its_task_not_downloaded_once_more(history: History) -> None:
    (download,) = _asked(history, 1)
    download_queue.pause(history, [download], ACTOR)
    with pytest.raises(NotPossible, match="is paused: resume it"):
        requests.download(history, 1, FOLDER, ACTOR)


def test_an_engine_that_stops_leaves_a_paused_download_paused(history: History) -> None:
    (download,) = _asked(history, 1)
    order = _order(history, download)
    downloads.started(history, order)
    download_queue.pause(history, [download], ACTOR)
    downloads.interrupted(history, order)
    assert (_now(history, download).state, _now(history, download).paused, _due(history)) == ("queued", True, [])


def test_a_cancelled_download_is_over_and_its_part_unwanted(history: History, clock: FrozenClock) -> None:
    (download,) = _asked(history, 1)
    downloads.started(history, _order(history, download))
    clock.forward(seconds=3)
    assert download_queue.cancel(history, [download], "eve") == [Steered(download, download)]
    over = _now(history, download)
    assert (over.state, over.finished_at, over.rate, over.paused) == ("cancelled", clock.now, None, False)
    assert (_due(history), downloads.open_ones(history)) == ([], [])
    assert _last_words(history, download) == ("eve", "download cancelled", None)
    assert scalar(history, "SELECT part_unwanted FROM downloads") == 1


def test_a_failed_download_is_retried_as_a_new_one_that_goes_on_where_its_part_ends(history: History) -> None:
    (failed,) = _asked(history, 1)
    order = _order(history, failed)
    downloads.started(history, order)
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    downloads.failed(history, order, "The disk is full.")
    (steered,) = download_queue.retry(history, [failed], "eve")
    again = _order(history, steered.now)
    assert (steered.id, steered.refused, again.id != failed) == (failed, None, True)
    assert (again.directory, again.etag, again.attempts, again.actor) == (FOLDER, '"tag"', 0, "eve")
    assert (_now(history, again.id).bytes, _now(history, again.id).total) == (5, 10)
    assert (_now(history, failed).state, _now(history, failed).trouble) == ("failed", "The disk is full.")
    assert _last_words(history, again.id) == ("eve", "download asked", None)


def test_a_part_is_taken_up_only_in_the_folder_it_lies_in(history: History) -> None:
    (failed,) = _asked(history, 1)
    order = _order(history, failed)
    downloads.started(history, order)
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    downloads.failed(history, order, "The disk is full.")
    requests.download(history, order.number, "/mnt/elsewhere", ACTOR)
    (again,) = downloads.due(history, SOON, 5)
    assert (again.etag, _now(history, again.id).bytes) == (None, 0)


def test_a_cancelled_download_is_retried_from_zero_in_the_part_that_was_to_be_removed(history: History) -> None:
    (cancelled,) = _asked(history, 1)
    order = _order(history, cancelled)
    downloads.started(history, order)
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    download_queue.cancel(history, [cancelled], ACTOR)
    (steered,) = download_queue.retry(history, [cancelled], ACTOR)
    assert (_order(history, steered.now).etag, _now(history, steered.now).bytes) == (None, 0)
    assert scalar(history, "SELECT sum(part_unwanted) FROM downloads") == 0


def test_only_the_newest_download_of_a_task_is_retried(history: History) -> None:
    (old,) = _asked(history, 1)
    download_queue.cancel(history, [old], ACTOR)
    (steered,) = download_queue.retry(history, [old], ACTOR)
    download_queue.cancel(history, [steered.now], ACTOR)
    (refused,) = download_queue.retry(history, [old], ACTOR)
    assert refused.refused == "The result of task-1 was asked for again since; see its newest download."
    assert len(download_queue.listed(history, 10)) == 2


def test_a_download_moves_among_those_that_wait_and_what_is_asked_for_later_comes_last(history: History) -> None:
    first, second, third, fourth = _asked(history, 4)
    running = _order(history, second)
    downloads.started(history, running)
    download_queue.move(history, fourth, -1, "eve")
    assert _due(history) == [first, fourth, third]
    assert _last_words(history, fourth) == ("eve", "download moved", "to place 2 of 3")
    download_queue.move(history, first, 1, ACTOR)
    assert _due(history) == [fourth, first, third]
    download_queue.move(history, third, -99, ACTOR)
    assert _due(history) == [third, fourth, first]
    (fifth,) = _asked(history, 1)
    assert _due(history) == [third, fourth, first, fifth]
    download_queue.move(history, third, 99, ACTOR)
    assert _due(history) == [fourth, first, fifth, third]
    downloads.interrupted(history, running)
    assert sorted(_due(history)) == [first, second, third, fourth, fifth]


def test_a_download_at_an_end_of_the_queue_goes_no_further_and_one_that_runs_is_not_moved(history: History) -> None:
    first, second, third = _asked(history, 3)
    with pytest.raises(NotPossible, match="of #1 is first already"):
        download_queue.move(history, first, -1, ACTOR)
    with pytest.raises(NotPossible, match="of #3 is last already"):
        download_queue.move(history, third, 1, ACTOR)
    downloads.started(history, _order(history, second))
    with pytest.raises(NotPossible, match="only one that waits"):
        download_queue.move(history, second, 1, ACTOR)
    assert _due(history) == [first, third]


@pytest.mark.parametrize(
    ("deed", "state", "why_not"),
    [
        (download_queue.pause, "paused", "The download of #1 is paused already."),
        (download_queue.pause, "done", "The download of #1 is done; only one that waits or runs can be paused."),
        (download_queue.resume, "queued", "The download of #1 is queued; only a paused one can be resumed."),
        (download_queue.cancel, "failed", "The download of #1 has failed; there is nothing left to cancel."),
        (
            download_queue.retry,
            "paused",
            "The download of #1 is queued; only a failed or cancelled one is tried again.",
        ),
        (download_queue.retry, "done", "The download of #1 is done; only a failed or cancelled one is tried again."),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing_and_the_others_are_done(
    history: History, deed: Callable[[History, list[int], str], list[Steered]], state: str, why_not: str
) -> None:
    refused, fitting = _asked(history, 2)
    _bring(history, refused, state)
    _bring(history, fitting, "paused" if deed is download_queue.resume else "queued")
    if deed is download_queue.retry:
        download_queue.cancel(history, [fitting], ACTOR)
    before = _now(history, refused)
    results = deed(history, [refused, fitting, 999], ACTOR)
    assert (results[0], results[1].refused) == (Steered(refused, refused, why_not), None)
    assert results[2].refused == "There is no download 999 in this history."
    assert _now(history, refused) == before


def _bring(history: History, download: int, state: str) -> None:
    if state == "paused":
        download_queue.pause(history, [download], ACTOR)
    elif state != "queued":
        order = _order(history, download)
        downloads.started(history, order)
        if state == "done":
            downloads.finished(history, order, f"{FOLDER}/a.zip", 10, "ab" * 32)
        else:
            downloads.failed(history, order, "The disk is full.")


def test_a_download_put_off_is_due_in_its_place_once_its_time_has_come(history: History) -> None:
    first, second = _asked(history, 2)
    order = _order(history, first)
    downloads.started(history, order)
    downloads.put_off(history, order, "The line was cut.", SOON)
    assert [found.id for found in downloads.due(history, SOON - timedelta(seconds=1), 5)] == [second]
    assert _due(history) == [first, second]


def test_each_turn_counts_whatever_was_on_the_screen(history: History) -> None:
    (only,) = _asked(history, 1)
    downloads.started(history, _order(history, only))
    turned = [download_queue.turn(history, [only], ACTOR) for _ in range(9)]
    assert [action for action, _ in turned] == ["pause", "resume"] * 4 + ["pause"]
    assert _now(history, only).paused


def test_a_turn_leaves_alone_what_is_paused_while_another_is_not(history: History) -> None:
    first, second, third = _asked(history, 3)
    download_queue.pause(history, [first], ACTOR)
    _bring(history, third, "failed")
    assert download_queue.turn(history, [first, second, third], ACTOR) == ("pause", [Steered(second, second)])
    assert download_queue.turn(history, [first, second, third], ACTOR)[0] == "resume"
    assert not _now(history, first).paused
    _, (refused,) = download_queue.turn(history, [third], ACTOR)
    assert refused.refused == "The download of #3 has failed; only a paused one can be resumed."


def test_the_try_that_a_cancellation_ends_counts(history: History) -> None:
    running, waiting = _asked(history, 2)
    downloads.started(history, _order(history, running))
    download_queue.cancel(history, [running, waiting], ACTOR)
    assert (_now(history, running).tries, _now(history, waiting).tries) == (1, 0)
