"""Two copies of a history on which operators went on: a restore keeps what was recorded in both."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bwp_tui.actions.legal_operations import ANSWER, CORRECT
from bwp_tui.actions.record_operations import ASSIGN, NOTE, TAG
from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Kind, ServiceEvent, Task, TaskError, Verification
from bwp_tui.store.commands import bulk, decisions, legal_records, requests, undo
from bwp_tui.store.commands.bulk import TaskChange
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.file_lock import lock_path
from bwp_tui.store.maintenance import backups, chain_check, purge, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import LegalRecord, TaskPart, UndoablePart
from bwp_tui.store.worklog import intent_outcomes, poll_responses, service_events
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single
from tests.store.damage import change_elsewhere
from tests.store.support import (
    ACTOR,
    SOON,
    TODAY,
    accepted,
    answer,
    has_waiting_intent,
    in_status,
    opened_copies,
    received,
    request,
    restored_both_ways,
    sent,
    submitted,
    two_copies,
)

YESTERDAY = TODAY - timedelta(days=1)
RIGHT, WRONG = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "ab")


def _record(store: Store) -> None:
    """Answer and verify the first task, extend, correct, acknowledge and assign the second, decline the third."""
    single.verify(store, 1, Verification(TODAY, ACTOR, "order 17"), ACTOR)
    single.answer(store, 1, "by post", TODAY, ACTOR)
    single.edit(store, 2, lambda edit: legal_records.extend(edit, "many"), ACTOR, TODAY)
    single.edit(store, 2, lambda edit: legal_records.correct(edit, YESTERDAY), ACTOR, TODAY)
    single.acknowledge(store, 2, TODAY, ACTOR)
    single.assign(store, 2, "anna", ACTOR)
    single.edit(store, 3, lambda edit: legal_records.correct(edit, None, "us-co"), ACTOR, TODAY)
    single.edit(store, 3, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
    single.edit(store, 3, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)


def _facts(task: Task) -> tuple[object, ...]:
    return (
        *(task.received_on, task.regulation, task.due_on, task.extended_on, task.acknowledged_on, task.assigned_to),
        *(task.verification, task.answered_on, task.answered_how, task.declined_on, task.appealed_on, task.status),
        needs_answer(task),
    )


def test_what_was_recorded_in_a_copy_outlives_a_later_note_in_the_other(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    store = new_history(path, clock=clock)
    for _ in range(3):
        received(store)
    store.close()
    older, newer = tmp_path / "older" / "history.db", tmp_path / "newer.db"
    older.parent.mkdir()
    shutil.copy(path, older)
    store = open_store(path, clock=clock)
    _record(store)
    before = [_facts(tasks.get(store, number)) for number in (1, 2, 3)]
    store.close()
    shutil.copy(path, newer)
    clock.advance(minutes=1)
    store = open_store(older, clock=clock)
    for number in (1, 2, 3):
        single.add_note(store, number, "seen", "bob")
    single.assign(store, 2, "bob", "bob")
    store.close()
    clock.advance(minutes=1)
    restored = restore.restore(older, newer, clock())
    store = open_store(older, clock=clock)
    merged = [tasks.get(store, number) for number in (1, 2, 3)]
    store.close()
    assert restored.merged.updated == 3
    assert [task.note for task in merged] == ["seen", "seen", "seen"]
    assert merged[1].assigned_to == "bob", "recorded last"
    assert merged[2].status == Status.DECLINED
    expected = [list(facts) for facts in before]
    expected[1][5] = "bob"
    assert [list(_facts(task)) for task in merged] == expected
    assert chain_check.check_file(older)[1] == []


def test_a_request_that_one_copy_withdrew_while_it_waited_in_the_other_is_not_sent(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    store = new_history(path, clock=clock)
    submitted(store, Kind.DELETION)
    store.close()
    other = tmp_path / "other" / "history.db"
    other.parent.mkdir()
    shutil.copy(path, other)
    store = open_store(other, clock=clock)
    requests.cancel(store, 1, ACTOR)
    store.close()
    for into, source in ((path, other), (other, path)):
        restore.restore(into, source, clock())
        store = open_store(into, clock=clock)
        assert (tasks.get(store, 1).status, has_waiting_intent(store, 1)) == (Status.CANCELLED, False)
        store.close()


def test_a_merge_that_gave_a_request_another_number_is_not_made_twice(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "history.db"
    for place, email in ((other, "a@example.com"), (path, "b@example.com")):
        store = new_history(place, clock=clock)
        received(store, email=email)
        store.close()
        clock.advance(minutes=1)
    assert restore.restore(path, other, clock()).tasks == 2
    clock.advance(minutes=1)
    assert restore.restore(path, other, clock()).merged[:2] == (0, 0)


def test_the_digests_and_the_resubmission_of_a_task_with_a_new_number_are_named(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        failed = in_status(store, Status.FAILED).number
    older, newer = path.with_name("older.db"), path.with_name("newer.db")
    backups.back_up_to(path, older)
    for copy, email in ((newer, "k1@example.com"), (path.with_name("other.db"), "k2@example.com")):
        shutil.copy(older, path)
        lock_path(path).unlink()  # as on another machine
        clock.advance(minutes=1)
        with closing(open_store(path, clock=clock)) as store:
            again = requests.resubmit(store, failed, ACTOR)
            intent_outcomes.record_accepted(store, sent(store, again.number).id, f"task-{email}", SOON)
            submitted(store, email=email)
        backups.back_up_to(path, copy)
    assert restore.restore(path, newer, clock()).merged.renumbered == 2
    with closing(open_store(path, clock=clock)) as store:
        of_first, of_new = timeline.of_task(store, failed), timeline.of_task(store, 4)
        assert tasks.get(store, 4).resubmit_of == failed
        assert any("#2 of the backup newer.db is #4 here" in (event.detail or "") for event in of_first)
        assert any("where it was #2" in (event.detail or "") for event in of_new)
        assert any("those of #2 in the other copy (all agreed" in (event.detail or "") for event in of_new)
    assert chain_check.check_file(path)[1] == []


def test_a_resubmission_says_what_number_its_original_has_here_and_is_not_its_earlier_task(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)):
        pass
    for store, is_resubmitted in opened_copies(path, clock, flag=True):
        if is_resubmitted:
            in_status(store, Status.FAILED)
            clock.advance(minutes=1)
            requests.resubmit(store, 1, ACTOR)
        else:
            received(store, email="other@example.com")
    restore.restore(path.parent / "late" / path.name, path.parent / "early" / path.name, clock())
    with closing(open_store(path.parent / "late" / path.name, clock=clock)) as store:
        original, again = tasks.each(store, [3, 2])
        assert (original.earlier_number, again.resubmit_of, again.earlier_number) == (None, 3, 3)
        assert any(f"#1 of the backup {path.name} is #3 here" in (e.detail or "") for e in timeline.of_task(store, 2))


def test_a_decline_stays_where_the_other_copy_cancelled_the_same_deletion(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store, kind=Kind.DELETION)
    early, late = path.with_name("early.db"), path.with_name("late.db")
    shutil.copy(path, late)
    for copy, is_declined in ((early, True), (late, False)):
        if not is_declined:
            shutil.copy(late, path)
        clock.advance(minutes=1)
        with closing(open_store(path, clock=clock)) as store:
            if is_declined:
                single.edit(store, 1, lambda edit: legal_records.correct(edit, None, "us-tx"), ACTOR, TODAY)
                single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
            else:
                requests.cancel(store, 1, ACTOR)
            intent_outcomes.record_cancelled(store, sent(store, 1).id)
            if is_declined:
                single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
                due = tasks.get(store, 1).due_on
        shutil.copy(path, copy)
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, 1)
        assert (task.status, task.declined_on, task.is_appeal_running) == (Status.DECLINED, TODAY, True)
        assert (task.due_on, task.cancel_asked) == (due, False)


@pytest.mark.parametrize("is_noted", [False, True])
def test_an_id_that_one_copy_tracked_anew_as_another_kind_stays_with_that_task(
    path: Path, clock: ManualClock, is_noted: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        requests.track(store, Kind.DELETION, RIGHT, request(Kind.DELETION, ""), ACTOR)
        poll_responses.record_unknown(store, 1, "Unknown.", SOON)
    early, late = two_copies(path)
    clock.advance(minutes=1)
    with closing(open_store(early, clock=clock)) as store:
        requests.track(store, Kind.RETRIEVAL, RIGHT, request(Kind.RETRIEVAL, ""), ACTOR)
        single.answered(store, 2, answer("COMPLETED"), SOON)
    clock.advance(minutes=1)
    if is_noted:
        with closing(open_store(late, clock=clock)) as store:
            single.add_note(store, 1, "seen", "bob")
    for merged in restored_both_ways(path, clock, early, late):
        mistaken, tracked = tasks.get(merged, 1), tasks.get(merged, 2)
        assert (mistaken.task_id, mistaken.status) == (None, Status.GIVEN_UP)
        assert (tracked.task_id, tracked.kind, tracked.status) == (RIGHT, Kind.RETRIEVAL, Status.COMPLETED)
        assert chain_check.check_file(merged.path)[1] == []


def test_a_reply_stays_with_its_own_inquiry_where_the_other_copy_asked_later(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, TODAY - timedelta(9), "uk-gdpr"), ACTOR, TODAY)
    early, late = path.with_name("early.db"), path.with_name("late.db")
    shutil.copy(path, late)
    first, reply = TODAY - timedelta(8), TODAY - timedelta(6)
    for copy, asked in ((early, first), (late, TODAY)):
        if asked == TODAY:
            shutil.copy(late, path)
        clock.advance(minutes=1)
        with closing(open_store(path, clock=clock)) as store:
            single.edit(store, 1, partial(legal_records.inquire, on=asked), ACTOR, TODAY)
            if asked == first:
                single.edit(store, 1, lambda edit: legal_records.reply(edit, reply), ACTOR, TODAY)
                due = tasks.get(store, 1).due_on
        shutil.copy(path, copy)
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, 1)
        assert (task.inquired_on, task.replied_on, task.due_on) == (first, reply, due)


def test_a_decline_of_a_received_request_stays_where_the_other_copy_sent_and_cancelled_it(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, None, "us-tx"), ACTOR, TODAY)
    early, late = two_copies(path)
    clock.advance(minutes=1)
    with closing(open_store(early, clock=clock)) as store:
        single.verify(store, 1, Verification(TODAY, ACTOR, "by phone"), ACTOR)
        requests.send(store, 1, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
        requests.cancel(store, 1, ACTOR)
        intent_outcomes.record_cancelled(store, sent(store, 1).id)
    clock.advance(minutes=1)
    with closing(open_store(late, clock=clock)) as store:
        single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
        single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
        due = tasks.get(store, 1).due_on
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, 1)
        assert (task.status, task.task_id, task.declined_on) == (Status.DECLINED, "task-1", TODAY)
        assert (task.is_appeal_running, needs_answer(task), task.due_on) == (True, True, due)


@pytest.mark.parametrize("is_answered_first", [False, True])
def test_an_appeal_runs_on_where_the_other_copy_recorded_an_answer(
    path: Path, clock: ManualClock, *, is_answered_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, None, "us-tx"), ACTOR, TODAY)
    for store, is_answered in opened_copies(path, clock, is_answered_first):
        if is_answered:
            single.answer(store, 1, "by post", TODAY, ACTOR)
        else:
            single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
            single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
            due = tasks.get(store, 1).due_on
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.is_appeal_running, needs_answer(task)) == (Status.DECLINED, True, True)
        assert task.due_on == due
        assert any(event.what == "answered" for event in timeline.of_task(merged, 1))


@pytest.mark.parametrize("is_corrected", [False, True])
def test_what_was_recorded_of_a_task_counts_more_than_what_its_adoption_guessed(
    path: Path, clock: ManualClock, *, is_corrected: bool
) -> None:
    with closing(new_history(path, clock=clock)):
        pass
    lost = path.with_name("lost.db")
    empty = path.read_bytes()
    with closing(open_store(path, clock=clock)) as store:
        given = request(Kind.DELETION, regulation="uk-gdpr", reason="asked")._replace(received_on=TODAY - timedelta(20))
        number = requests.submit(store, given, ACTOR).number
        intent_outcomes.record_accepted(store, sent(store, number).id, "task-1", SOON)
        due = tasks.get(store, number).due_on
    shutil.copy(path, lost)
    path.write_bytes(empty)
    lock_path(path).unlink()  # as on another machine
    clock.advance(minutes=1)
    with closing(open_store(path, clock=clock)) as store:
        service_events.record_events(store, [ServiceEvent("e", Kind.DELETION, Status.COMPLETED, "task-1", None)])
        single.answered(store, 1, answer("COMPLETED", email="jane@example.com"), SOON)
        single.set_tags(store, 1, [], ACTOR)
        if is_corrected:
            single.edit(
                store, 1, lambda edit: legal_records.correct(edit, TODAY - timedelta(3), "eu-gdpr"), ACTOR, TODAY
            )
    restore.restore(path, lost, clock())
    with closing(open_store(path, clock=clock)) as store:
        task = tasks.get(store, 1)
        tags = (TO_CHECK,) if is_corrected else ()
        assert (task.regulation, task.received_on, task.due_on) == ("uk-gdpr", given.received_on, due)
        assert (task.status, task.email, task.reason, task.tags) == ("COMPLETED", "jane@example.com", "asked", tags)
    assert chain_check.check_file(path)[1] == []


@pytest.mark.parametrize("is_extended", [False, True])
def test_an_adopted_row_becomes_one_with_its_request_where_the_other_copy_alone_has_merged_them(
    path: Path, clock: ManualClock, *, is_extended: bool
) -> None:
    received_on = TODAY - timedelta(10)
    with closing(new_history(path, clock=clock)) as store:
        asked = request(Kind.RETRIEVAL)._replace(received_on=received_on)
        intent = sent(store, requests.submit(store, asked, ACTOR).number)
        service_events.record_events(store, [ServiceEvent("e", Kind.RETRIEVAL, Status.FAILED, "task-1", None)])
    early, late = two_copies(path)
    for copy in (early, late):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            if copy is late:
                intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
            elif is_extended:
                single.extend(store, 2, "busy", TODAY, ACTOR)
    for merged in restored_both_ways(path, clock, early, late):
        [task] = tasks.each(merged, [1, 2])
        assert (task.number, task.task_id, task.received_on, task.tags) == (1, "task-1", received_on, ())
        assert (task.extended_on == TODAY) is is_extended
    assert chain_check.check_file(path)[1] == []


def test_an_extension_of_an_adopted_task_is_to_be_checked_where_the_other_copy_has_merged_it_with_its_request(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)):
        pass
    early, late = two_copies(path)
    ended = ServiceEvent("e", Kind.RETRIEVAL, Status.FAILED, "task-1", None)
    for copy in (early, late):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            intent = sent(store, submitted(store, email=f"{copy.parent.name}@example.com").number)
            service_events.record_events(store, [ended])  # as #2 in both
            if copy is early:
                intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
            else:
                single.answered(store, 2, answer("FAILED", email="early@example.com"), SOON)
                single.extend(store, 2, "busy", TODAY, ACTOR)
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.find_by_name(merged, "task-1")
        assert (task.status, task.email, task.extended_on) == ("FAILED", "early@example.com", None)
        assert task.tags == (TO_CHECK,)


def test_a_task_id_stays_where_the_other_copy_later_entered_a_wrong_one(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        number = in_status(store, Status.UNCONFIRMED, Kind.DELETION).number
    early, late = two_copies(path)
    for copy in (early, late):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            decisions.enter_task_id(store, number, RIGHT if copy is early else WRONG, ACTOR)
            if copy is early:
                single.answered(store, number, answer("ON_HOLD"), SOON)
            else:
                poll_responses.record_unknown(store, number, "no such task", SOON)
                assert tasks.get(store, number).status == Status.UNCONFIRMED
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, number)
        assert (task.task_id, task.status) == (RIGHT, Status.ON_HOLD)


def test_a_record_that_one_copy_undid_leaves_the_earlier_due_date(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        answered, corrected = accepted(store).number, submitted(store, email="b@example.com").number
    early, late = two_copies(path)
    received_on = TODAY - timedelta(days=20)
    changes: dict[int, list[undo.PartChange]] = {answered: [], corrected: []}
    parts: dict[int, UndoablePart] = {answered: LegalRecord.ANSWER, corrected: TaskPart.RECEIPT}
    own = {
        answered: ANSWER.change_for(ACTOR, TODAY, how="by mail"),
        corrected: CORRECT.change_for(ACTOR, TODAY, received=YESTERDAY),
    }
    for step in ("record", "other", "undo"):
        clock.advance(minutes=1)
        with closing(open_store(late if step == "other" else early, clock=clock)) as store:
            for number, part in parts.items():
                if step == "record":
                    change = undo.with_recorded_values(own[number], part, changes[number])
                elif step == "undo":
                    change = undo.undo(part, changes[number], ACTOR)
                elif number == answered:
                    change = ANSWER.change_for("bob", TODAY, how="by phone")
                else:
                    change = CORRECT.change_for("bob", TODAY, received=received_on)
                list(bulk.apply_to_each(store, change, [number]))
    for merged in restored_both_ways(path, clock, early, late):
        first, second = tasks.get(merged, answered), tasks.get(merged, corrected)
        assert (first.answered_on, first.tags) == (None, (TO_CHECK,))
        assert (second.received_on, second.tags) == (received_on, (TO_CHECK,))


@pytest.mark.parametrize("steps", [("own", "other", "undo"), ("other", "own", "undo")])
def test_what_the_other_copy_noted_tagged_and_assigned_outlives_an_undo(
    path: Path, clock: ManualClock, steps: tuple[str, ...]
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
    early, late = two_copies(path)
    own: dict[UndoablePart, TaskChange] = {
        TaskPart.NOTE: NOTE.change_for(ACTOR, TODAY, text="mine"),
        TaskPart.TAGS: TAG.change_for(ACTOR, TODAY, add=["mine"]),
        TaskPart.ASSIGNMENT: ASSIGN.change_for(ACTOR, TODAY, assignee=ACTOR),
    }
    changes: dict[UndoablePart, list[undo.PartChange]] = {part: [] for part in own}
    for step in steps:
        clock.advance(minutes=1)
        with closing(open_store(late if step == "other" else early, clock=clock)) as store:
            if step == "other":
                single.add_note(store, 1, "theirs", "bob")
                single.set_tags(store, 1, ["theirs"], "bob")
                single.assign(store, 1, "bob", "bob")
                continue
            for part, deed in own.items():
                change = undo.with_recorded_values(deed, part, changes[part])
                list(
                    bulk.apply_to_each(store, undo.undo(part, changes[part], ACTOR) if step == "undo" else change, [1])
                )
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, 1)
        assert (task.note, task.tags, task.assigned_to) == ("theirs", ("theirs",), "bob")
        assert chain_check.check_file(path)[1] == []


def test_what_a_purge_removed_does_not_come_back_from_the_other_copy(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        number = accepted(store).number
        failed = replace(answer("FAILED"), errors=(TaskError("DATA_SUBJECT_NOT_FOUND", "jane@example.com is unknown"),))
        single.answered(store, number, failed, None)
        single.answer(store, number, "by post", TODAY, ACTOR)
    early, late = two_copies(path)
    for copy in (early, late):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            if copy is early:
                purge.purge(store, [number], ACTOR, TODAY, evidence_too=False)
            else:
                single.add_note(store, number, "seen", "bob")
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, number)
        assert (task.errors, task.note, task.email) == ((TaskError("DATA_SUBJECT_NOT_FOUND", ""),), "", "")


def test_no_request_of_the_other_copy_says_whose_request_a_purged_one_was(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        single.answer(store, 1, "by post", TODAY, ACTOR)
    for store, is_purged in opened_copies(path, clock, flag=True):
        if is_purged:
            purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
        else:
            assert [submitted(store).earlier_number for _ in range(2)] == [1, 2]
    for merged in restored_both_ways(path, clock):
        assert [task.earlier_number for task in tasks.each(merged, [2, 3])] == [None, 2]


def _accept(store: Store) -> None:
    intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)


@pytest.mark.parametrize("go_on", [_accept, lambda store: requests.cancel(store, 1, ACTOR)])
def test_a_timeline_ends_with_the_status_that_counts_where_an_older_copy_was_restored_before_the_newer_one(
    path: Path, clock: ManualClock, go_on: Callable[[Store], object]
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        submitted(store, Kind.DELETION)
    older, newer = two_copies(path)
    with closing(open_store(newer, clock=clock)) as store:
        go_on(store)
        expected = tasks.get(store, 1).status
    path.unlink()
    for backup in (older, newer):
        clock.advance(minutes=1)
        restore.restore(path, backup, clock())
    with closing(open_store(path, clock=clock)) as store:
        assert tasks.get(store, 1).status == expected
        assert [event.after for event in timeline.of_task(store, 1) if event.after][-2:] == ["UNCONFIRMED", expected]
        assert chain_check.check_file(path)[1] == []


def test_a_task_that_both_copies_polled_has_the_instants_of_the_service(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        number = submitted(store).number
    taken_on, ended = clock() + timedelta(seconds=5), clock() + timedelta(seconds=40)
    for store, _ in opened_copies(path, clock, flag=True):
        intent_outcomes.record_accepted(store, sent(store, number).id, "task-1", SOON)
        clock.advance(minutes=1)
        single.answered(store, number, replace(answer("COMPLETED", updated_at=ended), submitted_at=taken_on), None)
        assert (tasks.get(store, number).submitted_at, tasks.get(store, number).finished_at) == (taken_on, ended)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, number)
        assert (task.status, task.submitted_at, task.finished_at) == (Status.COMPLETED, taken_on, ended)


@pytest.mark.parametrize(
    "changed", ["due_on = '2027-09-01'", "holding_period = 138", "status = 'COMPLETED', terminal = 1"]
)
def test_a_value_of_the_backup_that_its_digests_contradict_is_not_taken(
    path: Path, clock: ManualClock, changed: str
) -> None:
    backup = path.with_name("changed.db")
    with closing(new_history(path, clock=clock)) as store:
        accepted(store, "task-1", Kind.DELETION)
    shutil.copy(path, backup)
    clock.advance(minutes=1)
    with closing(open_store(backup, clock=clock)) as store:
        single.add_note(store, 1, "the backup knows more", ACTOR)
        before = tasks.get(store, 1)
    change_elsewhere(backup, f"UPDATE tasks SET {changed} WHERE number = 1")
    clock.advance(minutes=1)
    restore.restore(path, backup, clock())
    with closing(open_store(path, clock=clock)) as store:
        task = tasks.get(store, 1)
    assert (task.due_on, task.holding_period, task.status, task.note, task.tags) == (
        *(before.due_on, before.holding_period, before.status, "the backup knows more", ()),
    )
