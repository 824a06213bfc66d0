"""The downloads and their states."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.filter import parse
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads
from bwp_tui.store.worklog.downloads import DownloadJob
from tests.manual_clock import ManualClock
from tests.store.support import ACTOR, NOW, SOON, TODAY, in_status


@pytest.fixture
def job(store: Store) -> DownloadJob:
    task = in_status(store, "COMPLETED")
    requests.download(store, task.number, "/srv/results", ACTOR)
    (only,) = downloads.ready(store, NOW, 5)
    return only


def _now(store: Store, job: DownloadJob) -> Download:
    task = tasks.get(store, job.task_number)
    assert task.download is not None
    assert task.revision == store.revision()
    return task.download


def test_a_download_runs_progresses_and_ends_with_a_file(store: Store, job: DownloadJob, clock: ManualClock) -> None:
    ready = parse("is:ready")
    downloads.record_start(store, job)
    assert (_now(store, job).state, _now(store, job).started_at) == ("running", NOW)
    assert downloads.ready(store, NOW, 5) == []
    downloads.record_progress(store, job, 5, 10, 2.5, '"tag"')
    running = _now(store, job)
    assert (running.bytes, running.total, running.rate, running.etag) == (5, 10, 2.5, '"tag"')
    assert tasks.count(store, ready, today=TODAY) == 1
    clock.advance(seconds=9)
    downloads.record_success(store, job, "/srv/results/a.zip", 10, "ab" * 32)
    done = _now(store, job)
    assert (done.state, done.path, done.bytes, done.total) == ("done", "/srv/results/a.zip", 10, 10)
    assert (done.sha256, done.rate, done.finished_at) == ("ab" * 32, None, clock.now)
    assert tasks.count(store, ready, today=TODAY) == 0
    assert timeline.of_task(store, job.task_number)[-1].what == "downloaded"
    assert downloads.unfinished(store) == []


def test_a_download_put_off_waits_and_tells_why(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    downloads.record_progress(store, job, 5, 10, 2.5, '"tag"')
    downloads.reschedule(store, job, "The line was cut.", SOON)
    waiting = _now(store, job)
    assert (waiting.state, waiting.trouble, waiting.attempts, waiting.rate) == ("queued", "The line was cut.", 1, None)
    assert (waiting.bytes, waiting.etag) == (5, '"tag"')
    assert downloads.ready(store, SOON - timedelta(seconds=1), 5) == []
    assert downloads.next_at(store) == SOON
    (again,) = downloads.ready(store, SOON, 5)
    assert (again.id, again.attempts, again.etag) == (job.id, 1, '"tag"')


def test_a_download_taken_up_again_keeps_its_first_start_and_forgets_its_trouble(
    store: Store, job: DownloadJob, clock: ManualClock
) -> None:
    downloads.record_start(store, job)
    downloads.reschedule(store, job, "The line was cut.", SOON)
    clock.now = SOON
    downloads.record_start(store, job)
    downloads.record_progress(store, job, 6, 10, None, None)
    assert (_now(store, job).started_at, _now(store, job).trouble) == (NOW, None)


def test_a_download_that_failed_says_why_and_is_over(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    downloads.record_failure(store, job, "The disk is full.")
    over = _now(store, job)
    assert (over.state, over.trouble, over.finished_at, over.path) == ("failed", "The disk is full.", NOW, None)
    assert (downloads.unfinished(store), downloads.next_at(store)) == ([], None)
    event = timeline.of_task(store, job.task_number)[-1]
    assert (event.what, event.detail) == ("download failed", "The disk is full.")


def test_what_an_engine_that_is_gone_left_running_is_queued_again(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    downloads.requeue_interrupted(store)
    assert _now(store, job).state == "queued"
    assert [found.id for found in downloads.ready(store, NOW, 5)] == [job.id]


def test_an_engine_that_stops_queues_its_download_for_the_next_and_nothing_that_is_over(
    store: Store, job: DownloadJob
) -> None:
    downloads.record_start(store, job)
    downloads.record_interruption(store, job)
    assert (_now(store, job).state, _now(store, job).attempts) == ("queued", 1)
    downloads.record_start(store, job)
    downloads.record_success(store, job, "/srv/results/a.zip", 10, "ab" * 32)
    downloads.record_interruption(store, job)
    over = tasks.get(store, job.task_number).download
    assert over is not None
    assert over.state == "done"


def test_what_the_engine_tells_of_a_download_that_was_cancelled_meanwhile_changes_nothing(
    store: Store, job: DownloadJob
) -> None:
    downloads.record_start(store, job)
    download_queue.cancel(store, [job.id], ACTOR)
    before = tasks.get(store, job.task_number)
    downloads.record_progress(store, job, 5, 10, 2.5, '"tag"')
    downloads.reschedule(store, job, "The line was cut.", SOON)
    downloads.record_interruption(store, job)
    downloads.record_failure(store, job, "The disk is full.")
    assert tasks.get(store, job.task_number) == before
    assert timeline.of_task(store, job.task_number)[-1].what == "download cancelled"


def test_a_file_that_got_its_name_before_its_download_was_cancelled_is_recorded(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    download_queue.cancel(store, [job.id], ACTOR)
    downloads.record_success(store, job, "/srv/results/a.zip", 10, "ab" * 32)
    assert (_now(store, job).state, _now(store, job).path) == ("done", "/srv/results/a.zip")
    assert downloads.unwanted_parts(store) == []


def test_a_download_that_was_paused_or_cancelled_before_its_slot_took_it_up_does_not_start(
    store: Store, job: DownloadJob
) -> None:
    download_queue.pause(store, [job.id], ACTOR)
    assert not downloads.record_start(store, job)
    download_queue.cancel(store, [job.id], ACTOR)
    assert not downloads.record_start(store, job)
    over = tasks.get(store, job.task_number).download
    assert over is not None
    assert over.state == "cancelled"


def test_those_that_are_to_go_on_are_told_and_the_paused_are_not_among_them(store: Store, job: DownloadJob) -> None:
    assert downloads.running(store) == frozenset()
    downloads.record_start(store, job)
    assert downloads.running(store) == {job.id}
    download_queue.pause(store, [job.id], ACTOR)
    assert downloads.running(store) == frozenset()
    download_queue.resume(store, [job.id], ACTOR)
    assert downloads.running(store) == {job.id}


def test_a_part_is_unwanted_until_it_was_removed_and_its_task_not_purged_before(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    download_queue.cancel(store, [job.id], ACTOR)
    assert [(found.id, found.folder) for found in downloads.unwanted_parts(store)] == [(job.id, "/srv/results")]
    assert purge.plan(store, parse(""), timedelta(), TODAY, evidence_too=False, unanswered_too=True).numbers == ()
    downloads.record_part_removed(store, job)
    assert downloads.unwanted_parts(store) == []
    assert purge.plan(store, parse(""), timedelta(), TODAY, evidence_too=False, unanswered_too=True).numbers == (
        job.task_number,
    )


def test_a_part_that_was_no_archive_is_not_gone_on_with(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    downloads.record_progress(store, job, 5, 10, 2.5, '"tag"')
    downloads.record_failure(store, job, "It is no zip.", part_is_left=False)
    requests.download(store, job.task_number, "/srv/results", ACTOR)
    (again,) = downloads.ready(store, NOW, 5)
    assert again.etag is None


def test_a_task_whose_download_has_not_left_its_slot_is_not_due(store: Store, job: DownloadJob) -> None:
    assert downloads.ready(store, NOW, 5, frozenset({job.task_number})) == []
    assert downloads.next_at(store, frozenset({job.task_number})) is None
    assert downloads.next_at(store, frozenset({job.task_number + 1})) == NOW


def test_the_oldest_download_comes_first_and_no_more_than_there_are_slots(store: Store) -> None:
    for number in range(1, 4):
        task = in_status(store, "COMPLETED", task_id=f"task-{number}")
        requests.download(store, task.number, "/srv/results", ACTOR)
    assert [job.task_number for job in downloads.ready(store, NOW, 2)] == [1, 2]


def test_a_bad_line_makes_no_flood_on_the_timeline_and_no_try_is_lost(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    for byte in range(40):
        downloads.record_failed_attempt(store, job, "The line broke.", byte, SOON)
        downloads.record_progress(
            store, job, byte, 100, None, None, event=(EventKind.TRANSFER_RESUMED, f"at byte {byte}, over a new link")
        )
    assert _now(store, job).attempts == 40
    downloads.record_success(store, job, "/srv/results/a.zip", 100, "ab" * 32)
    told = [(event.what, event.detail) for event in timeline.of_task(store, job.task_number)]
    assert [what for what, _ in told].count(EventKind.CONNECTION_LOST) == 10
    assert [what for what, _ in told].count(EventKind.TRANSFER_RESUMED) == 10
    assert (EventKind.CONNECTION_LOST, "at byte 0: The line broke.") in told
    assert told[-2] == ("download steps", "and 30 more attempts")
    assert _now(store, job).attempts == 41
    requests.download(store, job.task_number, "/srv/results", ACTOR)
    (again,) = downloads.ready(store, NOW, 5)
    downloads.record_failed_attempt(store, again, "The line broke.", 7, SOON)
    assert timeline.of_task(store, job.task_number)[-1].detail == "at byte 7: The line broke.", "each is told anew"


def test_waiting_for_the_service_is_no_try(store: Store, job: DownloadJob) -> None:
    downloads.record_start(store, job)
    downloads.reschedule(store, job, "Waiting for the service.", SOON, was_tried=False)
    assert _now(store, job).attempts == 0
    downloads.reschedule(store, job, "The line was cut.", SOON)
    assert (_now(store, job).attempts, timeline.of_task(store, job.task_number)[-1].what) == (1, "download put off")
