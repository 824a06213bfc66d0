"""The downloads and their states."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import Download
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.connection import History
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.download_timeline import CUT, WENT_ON
from bwp_tui.store.worklog.downloads import Order
from tests.history.support import ACTOR, NOW, SOON, TODAY, FrozenClock, in_status


@pytest.fixture
def order(history: History) -> Order:
    task = in_status(history, "COMPLETED")
    requests.download(history, task.number, "/srv/results", ACTOR)
    (only,) = downloads.due(history, NOW, 5)
    return only


def _now(history: History, order: Order) -> Download:
    task = tasks.get(history, order.number)
    assert task.download is not None
    assert task.revision == history.revision()
    return task.download


def test_a_download_runs_progresses_and_ends_with_a_file(history: History, order: Order, clock: FrozenClock) -> None:
    ready = parse("is:ready")
    downloads.started(history, order)
    assert (_now(history, order).state, _now(history, order).started_at) == ("running", NOW)
    assert downloads.due(history, NOW, 5) == []
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    running = _now(history, order)
    assert (running.bytes, running.total, running.rate, running.etag) == (5, 10, 2.5, '"tag"')
    assert tasks.count(history, ready, today=TODAY) == 1
    clock.forward(seconds=9)
    downloads.finished(history, order, "/srv/results/a.zip", 10, "ab" * 32)
    done = _now(history, order)
    assert (done.state, done.path, done.bytes, done.total) == ("done", "/srv/results/a.zip", 10, 10)
    assert (done.sha256, done.rate, done.finished_at) == ("ab" * 32, None, clock.now)
    assert tasks.count(history, ready, today=TODAY) == 0
    assert timeline.of_task(history, order.number)[-1].what == "downloaded"
    assert downloads.open_ones(history) == []


def test_a_download_put_off_waits_and_tells_why(history: History, order: Order) -> None:
    downloads.started(history, order)
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    downloads.put_off(history, order, "The line was cut.", SOON)
    waiting = _now(history, order)
    assert (waiting.state, waiting.trouble, waiting.attempts, waiting.rate) == ("queued", "The line was cut.", 1, None)
    assert (waiting.bytes, waiting.etag) == (5, '"tag"')
    assert downloads.due(history, SOON - timedelta(seconds=1), 5) == []
    assert downloads.next_at(history) == SOON
    (again,) = downloads.due(history, SOON, 5)
    assert (again.id, again.attempts, again.etag) == (order.id, 1, '"tag"')


def test_a_download_taken_up_again_keeps_its_first_start_and_forgets_its_trouble(
    history: History, order: Order, clock: FrozenClock
) -> None:
    downloads.started(history, order)
    downloads.put_off(history, order, "The line was cut.", SOON)
    clock.now = SOON
    downloads.started(history, order)
    downloads.progressed(history, order, 6, 10, None, None)
    assert (_now(history, order).started_at, _now(history, order).trouble) == (NOW, None)


def test_a_download_that_failed_says_why_and_is_over(history: History, order: Order) -> None:
    downloads.started(history, order)
    downloads.failed(history, order, "The disk is full.")
    over = _now(history, order)
    assert (over.state, over.trouble, over.finished_at, over.path) == ("failed", "The disk is full.", NOW, None)
    assert (downloads.open_ones(history), downloads.next_at(history)) == ([], None)
    event = timeline.of_task(history, order.number)[-1]
    assert (event.what, event.detail) == ("download failed", "The disk is full.")


def test_what_an_engine_that_is_gone_left_running_is_queued_again(history: History, order: Order) -> None:
    assert downloads.requeue_interrupted(history) == 0
    downloads.started(history, order)
    assert downloads.requeue_interrupted(history) == 1
    assert _now(history, order).state == "queued"
    assert [found.id for found in downloads.due(history, NOW, 5)] == [order.id]


def test_an_engine_that_stops_queues_its_download_for_the_next_and_nothing_that_is_over(
    history: History, order: Order
) -> None:
    downloads.started(history, order)
    downloads.interrupted(history, order)
    assert (_now(history, order).state, _now(history, order).attempts) == ("queued", 0)
    downloads.started(history, order)
    downloads.finished(history, order, "/srv/results/a.zip", 10, "ab" * 32)
    downloads.interrupted(history, order)
    over = tasks.get(history, order.number).download
    assert over is not None
    assert over.state == "done"


def test_what_the_engine_tells_of_a_download_that_was_cancelled_meanwhile_changes_nothing(
    history: History, order: Order
) -> None:
    downloads.started(history, order)
    download_queue.cancel(history, [order.id], ACTOR)
    before = tasks.get(history, order.number)
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    downloads.put_off(history, order, "The line was cut.", SOON)
    downloads.interrupted(history, order)
    downloads.failed(history, order, "The disk is full.")
    assert tasks.get(history, order.number) == before
    assert timeline.of_task(history, order.number)[-1].what == "download cancelled"


def test_a_file_that_got_its_name_before_its_download_was_cancelled_is_recorded(history: History, order: Order) -> None:
    downloads.started(history, order)
    download_queue.cancel(history, [order.id], ACTOR)
    downloads.finished(history, order, "/srv/results/a.zip", 10, "ab" * 32)
    assert (_now(history, order).state, _now(history, order).path) == ("done", "/srv/results/a.zip")
    assert downloads.unwanted(history) == []


def test_a_download_that_was_paused_or_cancelled_before_its_slot_took_it_up_does_not_start(
    history: History, order: Order
) -> None:
    download_queue.pause(history, [order.id], ACTOR)
    assert not downloads.started(history, order)
    download_queue.cancel(history, [order.id], ACTOR)
    assert not downloads.started(history, order)
    over = tasks.get(history, order.number).download
    assert over is not None
    assert over.state == "cancelled"


def test_those_that_are_to_go_on_are_told_and_the_paused_are_not_among_them(history: History, order: Order) -> None:
    assert downloads.running(history) == frozenset()
    downloads.started(history, order)
    assert downloads.running(history) == {order.id}
    download_queue.pause(history, [order.id], ACTOR)
    assert downloads.running(history) == frozenset()
    download_queue.resume(history, [order.id], ACTOR)
    assert downloads.running(history) == {order.id}


def test_a_part_is_unwanted_until_it_was_removed_and_its_task_not_purged_before(history: History, order: Order) -> None:
    downloads.started(history, order)
    download_queue.cancel(history, [order.id], ACTOR)
    assert [(found.id, found.directory) for found in downloads.unwanted(history)] == [(order.id, "/srv/results")]
    assert purge.plan(history, parse(""), timedelta(), TODAY, evidence_too=False, unanswered_too=True).numbers == ()
    downloads.part_removed(history, order)
    assert downloads.unwanted(history) == []
    assert purge.plan(history, parse(""), timedelta(), TODAY, evidence_too=False, unanswered_too=True).numbers == (
        order.number,
    )


def test_a_part_that_was_no_archive_is_not_gone_on_with(history: History, order: Order) -> None:
    downloads.started(history, order)
    downloads.progressed(history, order, 5, 10, 2.5, '"tag"')
    downloads.failed(history, order, "It is no zip.", part_is_left=False)
    requests.download(history, order.number, "/srv/results", ACTOR)
    (again,) = downloads.due(history, NOW, 5)
    assert again.etag is None


def test_a_task_whose_download_has_not_left_its_slot_is_not_due(history: History, order: Order) -> None:
    assert downloads.due(history, NOW, 5, frozenset({order.number})) == []
    assert downloads.next_at(history, frozenset({order.number})) is None
    assert downloads.next_at(history, frozenset({order.number + 1})) == NOW


def test_the_oldest_download_comes_first_and_no_more_than_there_are_slots(history: History) -> None:
    for number in range(1, 4):
        task = in_status(history, "COMPLETED", task_id=f"task-{number}")
        requests.download(history, task.number, "/srv/results", ACTOR)
    assert [order.number for order in downloads.due(history, NOW, 2)] == [1, 2]


def test_a_bad_line_makes_no_flood_on_the_timeline_and_no_try_is_lost(history: History, order: Order) -> None:
    downloads.started(history, order)
    for byte in range(40):
        downloads.stumbled(history, order, "The line broke.", byte, SOON)
        downloads.progressed(history, order, byte, 100, None, None, step=(WENT_ON, f"at byte {byte}, over a new link"))
    assert _now(history, order).attempts == 40
    downloads.finished(history, order, "/srv/results/a.zip", 100, "ab" * 32)
    told = [(event.what, event.detail) for event in timeline.of_task(history, order.number)]
    assert [what for what, _ in told].count(CUT) == 10
    assert [what for what, _ in told].count(WENT_ON) == 10
    assert (CUT, "at byte 0: The line broke.") in told
    assert told[-2] == ("download steps", "and 30 more tries that did not bring it to its end")
    assert _now(history, order).attempts == 41
    requests.download(history, order.number, "/srv/results", ACTOR)
    (again,) = downloads.due(history, NOW, 5)
    downloads.stumbled(history, again, "The line broke.", 7, SOON)
    assert timeline.of_task(history, order.number)[-1].detail == "at byte 7: The line broke.", "each is told anew"


def test_waiting_for_the_service_is_no_try(history: History, order: Order) -> None:
    downloads.started(history, order)
    downloads.put_off(history, order, "Waiting for the service.", SOON, was_tried=False)
    assert _now(history, order).attempts == 0
    downloads.put_off(history, order, "The line was cut.", SOON)
    assert (_now(history, order).attempts, timeline.of_task(history, order.number)[-1].what) == (1, "download put off")
