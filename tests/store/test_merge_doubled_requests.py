"""Two copies of a history that are merged: requests that were sent again, imported or damaged in one of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Kind, ServiceEvent, TaskError
from bwp_tui.domain.text import file_name, part_name
from bwp_tui.store.commands import answers, csv_import, decisions, download_queue, legal_records, requests, work_records
from bwp_tui.store.commands.csv_import import ImportDefaults
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.errors import NotPossible, StoreDamaged
from bwp_tui.store.maintenance import backups, chain_check, purge, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import intent_log, tasks
from bwp_tui.store.queries.columns_from_events import Columns, columns_after, provisional_text
from bwp_tui.store.queries.timeline import TimelineRow
from bwp_tui.store.worklog import downloads, intent_outcomes, intents, service_events
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single
from tests.store.damage import change_elsewhere, overwrite_table
from tests.store.support import (
    ACTOR,
    FAR,
    SOON,
    TODAY,
    answer,
    in_status,
    opened_copies,
    received,
    recording,
    request,
    restored_both_ways,
    sent,
    submitted,
    two_copies,
)

_MISTYPED_ID = "fedcba98-89ab-cdef-0123-456789abcdef"
_LONG_ID = "01234567-89ab-cdef-0123-456789abcdef"
_EARLIER = recording(partial(legal_records.correct, received=TODAY - timedelta(9)))
_VERIFY = recording(partial(legal_records.verify, how="by phone"))
_DECLINE = recording(partial(decisions.decline, reason="fraud", text="told"))


def _events(store: Store) -> list[TimelineRow]:
    """The timeline of task 1, as it is stored."""
    columns = "at, what, before, after, detail, actor"
    return [
        TimelineRow(*each)  # type: ignore[arg-type]  # a timeline has texts alone
        for each in store.rows(f"SELECT {columns} FROM timeline WHERE task = 1 ORDER BY id")
    ]


def _cancelled(store: Store, number: int) -> None:
    requests.cancel(store, number, ACTOR)
    intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)


@pytest.mark.parametrize("is_first", [False, True])
def test_all_that_carry_a_disputed_request_on_are_to_be_checked_have_the_earlier_receipt_and_are_not_sent(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
    for store, is_resubmitted in opened_copies(path, clock, is_first):
        if is_resubmitted:
            _cancelled(store, 1)
            number = requests.resubmit(store, 1, ACTOR).number
            intent_outcomes.record_accepted(store, sent(store, number).id, "task-2", SOON)
            _cancelled(store, number)
            requests.resubmit(store, number, ACTOR)
        else:
            _EARLIER(store)
    for merged in restored_both_ways(path, clock):
        every = tasks.by_numbers(merged, [1, 2, 3])
        assert [TO_CHECK in task.tags for task in every] == [True] * 3
        assert (every[2].received_on, every[2].status) == (TODAY - timedelta(9), Status.UNCONFIRMED)
        assert intents.ready(merged, FAR, 9) == []
        with pytest.raises(NotPossible):
            requests.resubmit(merged, 3, ACTOR)
        assert chain_check.check_file(path)[1] == []


def test_a_request_that_both_copies_sent_again_in_its_row_is_two_tasks(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
        _DECLINE(store)
        intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)
    for store, is_first in opened_copies(path, clock, True):
        recording(decisions.withdraw_decline)(store)
        _VERIFY(store)
        requests.send(store, 1, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, 1).id, "task-a" if is_first else "task-b", SOON)
        if is_first:
            _cancelled(store, 1)
    for merged in restored_both_ways(path, clock):
        both = tasks.by_numbers(merged, [1, 2])
        assert {(task.task_id, TO_CHECK in task.tags) for task in both} == {("task-a", True), ("task-b", True)}
        assert {task.task_id: task.is_final for task in both} == {"task-a": True, "task-b": False}


@pytest.mark.parametrize("is_first", [False, True])
def test_the_resubmission_is_to_be_checked_where_both_copies_sent_the_request(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION)
        _VERIFY(store)
    for store, is_resubmitted in opened_copies(path, clock, is_first):
        requests.send(store, 1, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, 1).id, f"task-{is_resubmitted}", SOON)
        if is_resubmitted:
            _cancelled(store, 1)
            requests.resubmit(store, 1, ACTOR)
    for merged in restored_both_ways(path, clock):
        assert [TO_CHECK in task.tags for task in tasks.by_numbers(merged, [1, 2, 3])] == [True] * 3


def test_a_tracked_row_that_became_one_with_its_request_does_not_come_back(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION)
        _VERIFY(store)
    for store, is_sent in opened_copies(path, clock, True):
        if is_sent:
            requests.send(store, 1, ACTOR)
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
            _EARLIER(store)
        else:
            number = requests.track(store, Kind.DELETION, "task-1", request(Kind.DELETION), ACTOR).number
            single.answered(store, number, answer("ON_HOLD", email="jane@example.com"), SOON)
            single.edit(store, number, partial(decisions.decline, reason="exempt", text="law"), ACTOR, TODAY)
            intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)
    early, late = (path.parent / place / path.name for place in ("early", "late"))
    for merged, other in zip(restored_both_ways(path, clock), (late, early), strict=True):
        assert len(tasks.by_numbers(merged, range(1, 9))) == 1
        merged.close()
        clock.advance(minutes=1)
        restore.restore(path, other, clock())
        with closing(open_store(path, clock=clock)) as again:
            assert len(tasks.by_numbers(again, range(1, 9))) == 1


@pytest.mark.parametrize("is_first", [False, True])
def test_a_request_that_one_copy_sent_again_and_the_other_cancelled_is_two_tasks(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
    for store, is_again in opened_copies(path, clock, is_first):
        if is_again:
            _DECLINE(store)
            intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)
            recording(decisions.withdraw_decline)(store)
            _VERIFY(store)
            requests.send(store, 1, ACTOR)
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-2", SOON)
        else:
            _cancelled(store, 1)
    ids = {"task-1", "task-2"} if is_first else {"task-2"}
    for merged in restored_both_ways(path, clock):
        every = {task.task_id: task for task in tasks.by_numbers(merged, [1, 2])}
        assert ids == every.keys()
        assert every["task-2"].status == Status.ON_HOLD


def test_an_unconfirmed_request_to_which_two_copies_gave_ids_is_two_tasks(path: Path, clock: ManualClock) -> None:
    ids = [f"{letter * 8}-0000-4000-8000-000000000000" for letter in "ab"]
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.UNCONFIRMED, Kind.DELETION)
    for store, is_first in opened_copies(path, clock, True):
        decisions.enter_task_id(store, 1, ids[not is_first], ACTOR)
    for merged in restored_both_ways(path, clock):
        both = tasks.by_numbers(merged, [1, 2])
        assert {(task.task_id, TO_CHECK in task.tags) for task in both} == {(ids[0], True), (ids[1], True)}


def test_a_line_of_a_file_that_both_copies_imported_is_sent_by_one_alone(path: Path, clock: ManualClock) -> None:
    data = b"type,email\r\nretrieval,jane@example.com\r\n"
    defaults = ImportDefaults(TODAY)
    with closing(new_history(path, clock=clock)):
        pass
    for store, _ in opened_copies(path, clock, True):
        csv_import.import_requests(store, csv_import.plan(store, data, defaults), ACTOR)
    for merged in restored_both_ways(path, clock):
        first, second = tasks.by_numbers(merged, [1, 2])
        assert (TO_CHECK in first.tags, TO_CHECK in second.tags) == (True, True)
        assert {first.status, second.status} == {Status.QUEUED, Status.UNCONFIRMED}
        assert not intents.ready(merged, FAR, 9)
        single.set_tags(merged, 1, (), ACTOR)
        single.set_tags(merged, 2, (), ACTOR)
        assert len(intents.ready(merged, FAR, 9)) == 1


def test_a_value_that_damage_had_changed_in_one_copy_is_that_of_the_other(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION, email="r010@example.com")
    early, late = two_copies(path)
    clock.advance(minutes=1)
    with closing(open_store(late, clock=clock)) as store, store.write() as transaction:
        event = ("1", transaction.now_text, "bwp-tui", "recovered", "its email was changed by damage: check it")
        transaction.run("INSERT INTO timeline (task, at, actor, what, detail) VALUES (?, ?, ?, ?, ?)", event)
        transaction.run("UPDATE tasks SET email = 'r000@example.com' WHERE number = 1")
    for merged in restored_both_ways(path, clock, early, late):
        assert tasks.get(merged, 1).email == "r010@example.com"


@pytest.mark.parametrize("is_first", [False, True])
def test_a_purged_request_takes_no_name_from_the_service(path: Path, clock: ManualClock, *, is_first: bool) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        _VERIFY(store)
    for store, is_purged in opened_copies(path, clock, is_first):
        if is_purged:
            _DECLINE(store)
            purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
        else:
            requests.send(store, 1, ACTOR)
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
    for merged in restored_both_ways(path, clock):
        failed = replace(answer("FAILED", email="jane@example.com"), errors=(TaskError("CODE", "jane is unknown"),))
        single.answered(merged, 1, failed, None)
        task = tasks.get(merged, 1)
        assert (task.is_purged, task.email, task.status) == (True, "", Status.FAILED)
        assert task.errors == (TaskError("CODE", ""),)


@pytest.mark.parametrize("is_first", [False, True])
def test_a_request_keeps_the_task_id_that_an_event_made_known_and_that_was_purged(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        _VERIFY(store)
    for store, is_purged in opened_copies(path, clock, is_first):
        if is_purged:
            event = ServiceEvent("e", Kind.RETRIEVAL, Status.FAILED, "task-1", None)
            service_events.record_events(store, [event])
            single.answered(store, 2, answer("FAILED"), None)
            single.edit(store, 2, partial(answers.answer, how="by post"), ACTOR, TODAY)
            purge.purge(store, [2], ACTOR, TODAY, evidence_too=False)
        else:
            requests.send(store, 1, ACTOR)
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
    for merged in restored_both_ways(path, clock):
        request, purged = tasks.each(merged, [1, 2])
        assert (request.task_id, request.status, request.email) == ("task-1", "IN_PROGRESS", "jane@example.com")
        assert (purged.task_id, purged.is_purged) == (None, True)


def test_a_task_id_that_two_copies_gave_to_two_requests_stays_with_the_first(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        for number in (1, 2):
            submitted(store, email="jane@example.com")
            intent_outcomes.record_unconfirmed(store, sent(store, number).id)
    numbers = iter((2, 1))
    for store, _ in opened_copies(path, clock, True):
        decisions.enter_task_id(store, next(numbers), _LONG_ID, ACTOR)
    both = [path.parent / place / "merged.db" for place in ("early", "late")]
    for merged, kept in zip(restored_both_ways(path, clock), both, strict=True):
        backups.back_up_to(merged.path, kept)
        _assert_second_has_the_id(merged)
    for merged in restored_both_ways(path, clock, *both):
        _assert_second_has_the_id(merged)
        single.set_tags(merged, 1, (), ACTOR)
        single.set_tags(merged, 2, (), ACTOR)
    for copy in ("early", "late"):
        clock.advance(minutes=1)
        assert restore.restore(path, path.parent / copy / path.name, clock()).to_check == 0


def _assert_second_has_the_id(store: Store) -> None:
    first, second = tasks.by_numbers(store, [1, 2])
    assert (first.task_id, first.status, second.task_id) == (None, Status.UNCONFIRMED, _LONG_ID)
    assert TO_CHECK in first.tags
    assert TO_CHECK in second.tags


def test_a_correction_of_a_tracked_id_stays_where_the_other_copy_recorded_something_else(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        requests.track(store, Kind.DELETION, _MISTYPED_ID, request(Kind.DELETION), ACTOR)
    for store, is_corrected in opened_copies(path, clock, True):
        if is_corrected:
            decisions.enter_task_id(store, 1, _LONG_ID, ACTOR)
            single.answered(store, 1, answer("ON_HOLD"), SOON)
        else:
            single.add_note(store, 1, "from the other copy", ACTOR)
    for merged in restored_both_ways(path, clock):
        (task,) = tasks.by_numbers(merged, [1, 2])
        assert (task.task_id, task.status) == (_LONG_ID, Status.ON_HOLD)


def test_no_running_task_is_in_no_row_after_a_merge(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        requests.track(store, Kind.DELETION, _MISTYPED_ID, request(Kind.DELETION), ACTOR)
    for store, is_corrected in opened_copies(path, clock, True):
        if is_corrected:
            decisions.enter_task_id(store, 1, _LONG_ID, ACTOR)
            single.answered(store, 1, answer("ON_HOLD"), SOON)
        else:
            requests.track(store, Kind.DELETION, _LONG_ID, request(Kind.DELETION), ACTOR)
            single.answered(store, 2, answer("ON_HOLD"), SOON)
            recording(partial(work_records.tag, add=("mine",)))(store)
    both = [path.parent / place / "merged.db" for place in ("early", "late")]
    for merged, kept in zip(restored_both_ways(path, clock), both, strict=True):
        backups.back_up_to(merged.path, kept)
        assert merged.row("SELECT status FROM tasks WHERE task_id = ?", (_LONG_ID,)) == ("ON_HOLD",)
    for merged in restored_both_ways(path, clock, *both):
        assert merged.row("SELECT status FROM tasks WHERE task_id = ?", (_LONG_ID,)) == ("ON_HOLD",)


@pytest.mark.parametrize("lost", ["'recorded', 'verified'", "'recorded', 'verified', 'extended', 'corrected'"])
@pytest.mark.parametrize("is_into_backup", [False, True])
def test_what_a_recovery_lost_and_a_backup_has_contradicts_nothing(
    path: Path, clock: ManualClock, lost: str, is_into_backup: bool
) -> None:
    backup = path.with_name("b1.db")
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        _VERIFY(store)
        backups.back_up_to(path, backup)
        clock.advance(minutes=1)
        recording(partial(legal_records.correct, received=None, regulation="us-tx"))(store)
        recording(partial(legal_records.extend, reason="busy"))(store)
        due_on = tasks.get(store, 1).due_on
    change_elsewhere(path, f"DELETE FROM timeline WHERE what IN ({lost})")
    overwrite_table(path, "views")
    flag_damage(path)
    clock.advance(minutes=1)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
    clock.advance(minutes=1)
    one, other = (backup, path) if is_into_backup else (path, backup)
    assert restore.restore(one, other, clock()).to_check == 0
    with closing(open_store(one, clock=clock)) as store:
        task = tasks.get(store, 1)
        assert (task.regulation, task.extended_on, task.due_on, task.tags) == ("us-tx", TODAY, due_on, ())


def test_a_cancellation_by_the_service_stays_where_the_other_copy_gave_the_request_up(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        submitted(store, Kind.DELETION)
        intent_outcomes.record_unconfirmed(store, sent(store, 1).id)
    for store, is_given_up in opened_copies(path, clock, True):
        if is_given_up:
            decisions.give_up(store, 1, "nobody knows it", ACTOR)
        else:
            decisions.enter_task_id(store, 1, _LONG_ID, ACTOR)
            single.answered(store, 1, answer("ON_HOLD"), SOON)
            _cancelled(store, 1)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.task_id, TO_CHECK in task.tags) == (Status.CANCELLED, _LONG_ID, True)


@pytest.mark.parametrize("is_on_disk", [True, False])
def test_a_restore_counts_what_is_to_be_checked_since_and_names_the_files_of_what_the_backup_had_purged(
    path: Path, clock: ManualClock, tmp_path: Path, *, is_on_disk: bool
) -> None:
    if is_on_disk:
        (tmp_path / "a.zip").touch()
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        requests.download(store, 1, str(tmp_path), ACTOR)
        downloads.record_success(store, downloads.ready(store, FAR, 1)[0], str(tmp_path / "a.zip"), 2, "ab" * 32)
        recording(partial(answers.answer, how="by post"))(store)
    early, late = two_copies(path)
    with closing(open_store(late, clock=clock)) as store:
        submitted(store)
        single.set_tags(store, 2, (TO_CHECK,), ACTOR)
        purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
    clock.advance(minutes=1)
    restored = restore.restore(early, late, clock())
    assert (restored.to_check, restored.results_left) == (1, (str(tmp_path / "a.zip"),) if is_on_disk else ())
    with closing(open_store(early, clock=clock)) as store:
        assert purge.has_traces(store)


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_no_engine_downloads_what_the_backup_had_purged_and_its_part_is_named(
    path: Path, clock: ManualClock, tmp_path: Path, *, is_cancelled: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        recording(partial(answers.answer, how="by post"))(store)
    early, late = two_copies(path)
    part = tmp_path / part_name(file_name(Kind.RETRIEVAL, "task-1"))
    part.touch()
    with closing(open_store(early, clock=clock)) as store:
        wanted = requests.download(store, 1, str(tmp_path), ACTOR)
        if is_cancelled:
            download_queue.cancel(store, [wanted], ACTOR)
    with closing(open_store(late, clock=clock)) as store:
        purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
    clock.advance(minutes=1)
    assert restore.restore(early, late, clock()).results_left == (str(part),)
    with closing(open_store(early, clock=clock)) as store:
        assert not downloads.unfinished(store)
        assert not downloads.unwanted_parts(store)
        assert [download.state for download in downloads.of_task(store, 1)] == ["cancelled"]


def test_a_restore_keeps_the_requests_and_downloads_of_a_purged_task(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    with closing(new_history(path, clock=clock)):
        pass
    early, late = two_copies(path)
    with closing(open_store(late, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        requests.download(store, 1, str(tmp_path), ACTOR)
        downloads.record_success(store, downloads.ready(store, FAR, 1)[0], str(tmp_path / "a.zip"), 2, "ab" * 32)
        recording(partial(answers.answer, how="by post"))(store)
        purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
    clock.advance(minutes=1)
    restore.restore(early, late, clock())
    with closing(open_store(early, clock=clock)) as store:
        download = tasks.get(store, 1).download
        assert download is not None
        assert (download.sha256, download.path) == ("ab" * 32, None)
        assert [request.action for request in intent_log.of_task(store, 1)] == ["submit"]


@pytest.mark.parametrize("is_first", [False, True])
def test_a_deletion_that_was_cancelled_for_a_decline_is_open_where_the_other_copy_went_on_with_it(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
    for store, is_declined in opened_copies(path, clock, is_first):
        if is_declined:
            _DECLINE(store)
            intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)
        else:
            _EARLIER(store)
            due = tasks.get(store, 1).due_on
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.task_id, task.declined_on) == (Status.RECEIVED, None, None)
        assert (task.due_on, task.tags) == (due, (TO_CHECK,))


@pytest.mark.parametrize("is_first", [False, True])
def test_a_decline_that_waits_for_its_cancellation_leaves_the_request_open_where_the_other_copy_went_on_with_it(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
    dues = {}
    for store, is_declined in opened_copies(path, clock, is_first):
        (_DECLINE if is_declined else _EARLIER)(store)
        dues[is_declined] = tasks.get(store, 1).due_on
    for merged in restored_both_ways(path, clock):
        intent_outcomes.record_cancelled(merged, intents.ready(merged, FAR, 1)[0].id)
        task = tasks.get(merged, 1)
        assert (task.status, task.task_id, task.declined_on, task.due_on) == (Status.RECEIVED, None, None, dues[False])
        assert (task.tags, task.cancel_asked) == ((TO_CHECK,), False)
        assert chain_check.check_file(path)[1] == []
        columns = columns_after({}, _events(merged))
        assert (columns["status"], columns["task_id"], columns["declined_on"]) == (Status.RECEIVED, None, None)


def test_a_purged_request_of_a_file_is_neither_doubled_nor_brought_back(path: Path, clock: ManualClock) -> None:
    lines = b"type,email\r\nretrieval,a@example.com\r\nretrieval,b@example.com\r\n"
    with closing(new_history(path, clock=clock)):
        pass
    for store, is_importing in opened_copies(path, clock, True):
        if is_importing:
            defaults = ImportDefaults(TODAY, awaits_verification=True)
            csv_import.import_requests(store, csv_import.plan(store, lines, defaults), ACTOR)
        else:
            for place in range(3):
                received(store, email=f"other{place}@example.com")
    early, late = (path.parent / place / path.name for place in ("early", "late"))
    clock.advance(minutes=1)
    restore.restore(late, early, clock())
    with closing(open_store(early, clock=clock)) as store:
        _DECLINE(store)
        purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
    for _ in range(2):
        clock.advance(minutes=1)
        restore.restore(late, early, clock())
        with closing(open_store(late, clock=clock)) as store:
            every = tasks.by_numbers(store, range(1, 9))
            assert (len(every), [task.status for task in every if task.is_purged]) == (5, [Status.DECLINED])
            assert not any(task.email == "a@example.com" for task in every)


@pytest.mark.parametrize("is_first", [False, True])
def test_an_extension_does_not_count_where_the_other_copy_cancelled_the_deletion(
    path: Path, clock: ManualClock, *, is_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
    for store, is_cancelled in opened_copies(path, clock, is_first):
        if is_cancelled:
            _cancelled(store, 1)
        else:
            recording(partial(legal_records.extend, reason="busy"))(store)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.extended_on, task.tags) == (Status.CANCELLED, None, (TO_CHECK,))


def test_a_damaged_history_is_flagged_by_a_restore_so_that_the_next_one_recovers_it(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        for number in range(9):
            received(store, email=f"r{number}@example.com")
    early, late = two_copies(path)
    content = early.read_bytes()
    early.write_bytes(content.replace(b"r5@example.com", b"r1@example.com", 1))
    with pytest.raises(StoreDamaged):
        restore.restore(early, late, clock())
    open_store(early, clock=clock).close()
    assert restore.restore(early, late, clock()).tasks == 9


def test_the_event_of_a_merge_sets_no_column_but_those_that_people_record() -> None:
    chosen: Columns = {
        "received_on": "2026-11-02",
        "regulation": None,
        "decline_text": 'she said "no", (twice)',
        "email": "x",
    }
    event = TimelineRow("2026-11-20T09:00:00Z", "recovered", None, None, provisional_text("this counts", chosen))
    assert columns_after({}, [event]) == {name: value for name, value in chosen.items() if name != "email"}
