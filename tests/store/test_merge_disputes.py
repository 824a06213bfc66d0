"""Two copies of a history in which people recorded something of the same task: somebody has to check it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from bwp_tui.domain.advice import advice_for
from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Kind, ServiceEvent
from bwp_tui.store.commands import answers, decisions, legal_records, requests, work_records
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.maintenance import backups, chain_check, integrity, purge, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.columns_from_events import provisional_text
from bwp_tui.store.queries.timeline import LegalRecord
from bwp_tui.store.worklog import downloads, intent_outcomes, intents, service_events
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single
from tests.store.support import (
    ACTOR,
    FAR,
    SOON,
    TODAY,
    accepted,
    answer,
    declined_history,
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


def _cancel_and_resubmit(store: Store) -> None:
    requests.cancel(store, 1, ACTOR)
    intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)
    requests.resubmit(store, 1, ACTOR)


_KEEP_OPEN: list[Callable[[Store], object]] = [
    recording(partial(legal_records.acknowledge, on=TODAY)),
    recording(partial(legal_records.verify, how="by phone")),
    recording(partial(legal_records.inquire, on=TODAY)),
    recording(partial(legal_records.extend, reason="busy")),
    recording(partial(legal_records.correct, received=TODAY - timedelta(1))),
]


@pytest.mark.parametrize("one", range(len(_KEEP_OPEN)))
@pytest.mark.parametrize("other", range(len(_KEEP_OPEN)))
def test_a_task_is_to_be_checked_where_people_recorded_in_both_copies_and_not_the_same(
    path: Path, clock: ManualClock, one: int, other: int
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
        recording(partial(legal_records.correct, regulation="uk-gdpr", received=TODAY - timedelta(3)))(store)
    for store, is_one in opened_copies(path, clock, True):
        _KEEP_OPEN[one if is_one else other](store)
    for merged in restored_both_ways(path, clock):
        assert tasks.get(merged, 1).tags == (() if one == other else (TO_CHECK,))
        details = [event.detail or "" for event in timeline.of_task(merged, 1) if event.what == "recovered"]
        named = [detail for detail in details if all(what in detail for what in _kinds_recorded(merged))]
        assert bool(named) is (one != other)


def _kinds_recorded(merged: Store) -> set[str]:
    """What people recorded of task 1 since the copies were made."""
    return {event.what for event in timeline.of_task(merged, 1)[3:] if event.actor == ACTOR}


@pytest.mark.parametrize("record", [*_KEEP_OPEN, recording(partial(answers.answer, how="by post"))])
def test_what_only_one_copy_recorded_is_not_to_be_checked(
    path: Path, clock: ManualClock, record: Callable[[Store], object]
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
        recording(partial(legal_records.correct, regulation="uk-gdpr", received=TODAY - timedelta(3)))(store)
    for store, is_recorded in opened_copies(path, clock, True):
        if is_recorded:
            record(store)
        else:
            single.add_note(store, 1, "seen", "bob")
            single.assign(store, 1, "bob", "bob")
            single.set_tags(store, 1, ["vip"], "bob")
            single.answered(store, 1, answer("COMPLETED"), None)
    for merged in restored_both_ways(path, clock):
        assert (tasks.get(merged, 1).tags, tasks.get(merged, 1).note) == (("vip",), "seen")


@pytest.mark.parametrize("is_purged_first", [False, True])
def test_a_purged_request_whose_answer_the_other_copy_withdrew_is_to_be_checked(
    path: Path, clock: ManualClock, *, is_purged_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
        single.answer(store, 1, "by post", TODAY, ACTOR)
    for store, is_purged in opened_copies(path, clock, is_purged_first):
        if is_purged:
            purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
        else:
            recording(partial(answers.withdraw, record=LegalRecord.ANSWER))(store)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.is_purged, task.email, task.tags) == (True, "", (TO_CHECK,))
        assert [event.detail for event in timeline.of_task(merged, 1) if "answer withdrawn" in (event.detail or "")]
        assert chain_check.check_file(path)[1] == []


@pytest.mark.parametrize("is_purged_first", [False, True])
def test_an_unsent_request_that_one_copy_purged_has_ended_and_its_tag_can_be_removed(
    path: Path, clock: ManualClock, *, is_purged_first: bool
) -> None:
    declined_history(path, clock)
    for store, is_purged in opened_copies(path, clock, is_purged_first):
        if is_purged:
            purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
        else:
            recording(decisions.withdraw_decline)(store)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.is_purged, task.status, task.tags) == (True, Status.CANCELLED, (TO_CHECK,))
        with pytest.raises(NotPossible):
            recording(partial(work_records.tag, add=["vip"]))(merged)
        assert "(new_deletion)" in (advice_for(task, None, str) or "")
        recording(partial(work_records.tag, remove=[TO_CHECK]))(merged)
        assert tasks.get(merged, 1).tags == ()
        assert chain_check.check_file(path)[1] == []


@pytest.mark.parametrize("is_declined", [False, True])
def test_a_deletion_that_waits_in_the_other_copy_is_not_sent_by_itself(
    path: Path, clock: ManualClock, *, is_declined: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION)
        recording(partial(legal_records.verify, how="by phone"))(store)
        if is_declined:
            recording(partial(decisions.decline, reason="fraud", text="told"))(store)
    for store, is_sent in opened_copies(path, clock, False):
        if is_sent:
            if is_declined:
                recording(decisions.withdraw_decline)(store)
            requests.send(store, 1, ACTOR)
    early, late = (path.parent / place / path.name for place in ("early", "late"))
    clock.advance(minutes=1)
    restored = restore.restore(early, late, clock())
    with closing(open_store(early, clock=clock)) as merged:
        assert tasks.get(merged, 1).status == Status.UNCONFIRMED
        assert intents.ready(merged, FAR, 9) == []
    assert restored.unconfirmed == 1


def test_a_request_that_both_copies_recorded_is_listed_as_a_duplicate(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
    for store, is_early in opened_copies(path, clock, True):
        if not is_early:
            received(store, email="other@example.com")
        received(store, email="Twice@example.com" if is_early else "twice@example.com")
    for merged in restored_both_ways(path, clock):
        twice = [task for task in tasks.by_numbers(merged, range(1, 9)) if task.email.casefold() == "twice@example.com"]
        first, second = sorted(twice, key=lambda task: task.recorded_at)
        assert (first.earlier_number, second.earlier_number) == (None, first.number)


def test_a_result_of_this_history_that_is_on_disk_stays_the_newest(
    path: Path, clock: ManualClock, tmp_path: Path
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
    results = {is_early: tmp_path / f"{is_early}.zip" for is_early in (True, False)}
    for store, is_early in opened_copies(path, clock, True):
        requests.download(store, 1, str(tmp_path), ACTOR)
        (job,) = downloads.ready(store, FAR, 1)
        results[is_early].write_bytes(b"PK")
        downloads.record_success(store, job, str(results[is_early]), 2, "ab" * 32)
    for merged, is_early in zip(restored_both_ways(path, clock), (True, False), strict=True):
        download = tasks.get(merged, 1).download
        assert download is not None
        assert download.path == str(results[is_early])
        assert integrity.full_check(path) == []


@pytest.mark.parametrize("is_declined_first", [False, True])
def test_a_decline_that_waits_for_its_cancellation_is_to_be_checked_where_the_other_copy_withdrew_the_unsent_request(
    path: Path, clock: ManualClock, *, is_declined_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        submitted(store, Kind.DELETION)
    for store, is_declined in opened_copies(path, clock, is_declined_first):
        if is_declined:
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
            recording(partial(decisions.decline, reason="fraud", text="told"))(store)
        else:
            requests.cancel(store, 1, ACTOR)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.task_id, task.status, task.tags) == ("task-1", Status.ON_HOLD, (TO_CHECK,))
        assert task.cancel_asked is True


@pytest.mark.parametrize("is_tracked_first", [False, True])
def test_a_task_that_one_copy_tracked_is_the_request_for_which_the_other_entered_its_id(
    path: Path, clock: ManualClock, *, is_tracked_first: bool
) -> None:
    task_id = f"{'a' * 8}-0000-4000-8000-000000000000"
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.UNCONFIRMED)
    for store, is_tracked in opened_copies(path, clock, is_tracked_first):
        if is_tracked:
            submitted(store, email="other@example.com")  # the numbers differ
            number = requests.track(store, Kind.RETRIEVAL, task_id, request(email=""), ACTOR).number
        else:
            number = decisions.enter_task_id(store, 1, task_id, ACTOR).number
        single.answered(store, number, answer("FAILED", email="jane@example.com"), None)
        change = partial(legal_records.extend, reason="busy")
        if not is_tracked:
            change = partial(decisions.decline, reason="fraud", text="told")
        single.edit(store, number, change, ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        task, other = tasks.by_numbers(merged, [1, 2, 3])
        assert (task.task_id, task.status, task.declined_on) == (task_id, Status.FAILED, None)
        assert (task.extended_on, task.tags) == (TODAY, (TO_CHECK,))
        assert any("extended (busy)" in (event.detail or "") for event in timeline.of_task(merged, 1))
        assert other.email == "other@example.com"
        assert chain_check.check_file(path)[1] == []


@pytest.mark.parametrize("is_tracked_first", [False, True])
@pytest.mark.parametrize("is_tracked_last", [False, True])
def test_of_a_request_and_its_tracked_row_the_earlier_receipt_counts_and_both_are_named(
    path: Path, clock: ManualClock, *, is_tracked_first: bool, is_tracked_last: bool
) -> None:
    with closing(new_history(path, clock=clock)):
        pass
    early = TODAY - timedelta(15)
    for store, is_tracked in opened_copies(path, clock, is_tracked_first):
        if is_tracked:
            requests.track(store, Kind.RETRIEVAL, "task-1", request()._replace(received_on=early), ACTOR)
        else:
            accepted(store)
    for copy, is_tracked in zip(("early", "late"), (is_tracked_first, not is_tracked_first), strict=True):
        if is_tracked is is_tracked_last:
            clock.advance(minutes=1)
            with closing(open_store(path.parent / copy / path.name, clock=clock)) as store:
                recording(partial(legal_records.acknowledge, on=TODAY))(store)
    for merged in restored_both_ways(path, clock):
        (task,) = tasks.by_numbers(merged, range(1, 9))
        assert (task.task_id, task.received_on, task.tags) == ("task-1", early, (TO_CHECK,))
        assert task.due_on == statutory_due_date(task.regulation, early)
        assert [
            event.detail
            for event in timeline.of_task(merged, 1)
            if all(f"received on {day}" in (event.detail or "") for day in (early, TODAY))
        ]


@pytest.mark.parametrize(("received_on", "tags"), [(TODAY - timedelta(2), (TO_CHECK,)), (None, ())])
def test_corrections_of_both_copies_are_to_be_checked_unless_they_are_the_same(
    path: Path, clock: ManualClock, received_on: date | None, tags: tuple[str, ...]
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, TODAY - timedelta(9)), ACTOR, TODAY)
    for store, is_early in opened_copies(path, clock, True):
        is_day = is_early and received_on is not None
        values = {"received": received_on} if is_day else {"regulation": "us-tx"}
        single.edit(store, 1, partial(legal_records.correct, **values), ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        assert tasks.get(merged, 1).tags == tags


@pytest.mark.parametrize("is_resubmitted_first", [False, True])
@pytest.mark.parametrize(
    "record",
    [
        partial(legal_records.correct, received=TODAY - timedelta(9)),
        partial(legal_records.reply, on=TODAY),
        partial(answers.answer, how="by post"),
    ],
)
def test_what_one_copy_recorded_of_a_request_that_the_other_resubmitted_is_to_be_checked(
    path: Path, clock: ManualClock, record: Callable[[work_records.TaskEdit], None], *, is_resubmitted_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.FAILED)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, None, "uk-gdpr"), ACTOR, TODAY)
        single.inquire(store, 1, TODAY, ACTOR)
    for store, is_resubmitted in opened_copies(path, clock, is_resubmitted_first):
        if is_resubmitted:
            requests.resubmit(store, 1, ACTOR)
        else:
            single.edit(store, 1, record, ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        assert (tasks.get(merged, 1).was_resubmitted, tasks.get(merged, 1).tags) == (True, (TO_CHECK,))


@pytest.mark.parametrize("is_answered_first", [False, True])
def test_an_answer_to_an_appeal_that_the_other_copy_withdrew_is_to_be_checked(
    path: Path, clock: ManualClock, *, is_answered_first: bool
) -> None:
    declined_history(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
    for store, is_answered in opened_copies(path, clock, is_answered_first):
        if is_answered:
            single.edit(store, 1, partial(decisions.appeal, answered=TODAY, upheld=False), ACTOR, TODAY)
        else:
            single.edit(store, 1, lambda edit: answers.withdraw(edit, LegalRecord.APPEAL), ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        assert tasks.get(merged, 1).tags == (TO_CHECK,)


@pytest.mark.parametrize("is_resubmitted_first", [False, True])
def test_a_resubmission_is_to_be_checked_where_the_other_copy_entered_the_task_id(
    path: Path, clock: ManualClock, *, is_resubmitted_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.UNCONFIRMED, Kind.DELETION)
    for store, is_resubmitted in opened_copies(path, clock, is_resubmitted_first):
        if is_resubmitted:
            requests.resubmit(store, 1, ACTOR)
        else:
            decisions.enter_task_id(store, 1, f"{'a' * 8}-0000-4000-8000-000000000000", ACTOR)
            single.answered(store, 1, answer("ON_HOLD"), SOON)
    for merged in restored_both_ways(path, clock):
        assert TO_CHECK in tasks.get(merged, 1).tags


@pytest.mark.parametrize("is_corrected_first", [False, True])
def test_an_answer_that_both_copies_recorded_and_one_corrected_is_to_be_checked(
    path: Path, clock: ManualClock, *, is_corrected_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.COMPLETED)
    for store, is_corrected in opened_copies(path, clock, is_corrected_first):
        recording(partial(answers.answer, how="by post"))(store)
        if is_corrected:
            recording(partial(answers.answer, how="by phone", in_part="half"))(store)
    for merged in restored_both_ways(path, clock):
        assert tasks.get(merged, 1).tags == (TO_CHECK,)


@pytest.mark.parametrize("is_extended_first", [False, True])
@pytest.mark.parametrize(
    "close",
    [
        recording(partial(decisions.decline, reason="fraud", text="told")),
        recording(partial(answers.answer, how="by post")),
    ],
    ids=["declined", "answered"],
)
def test_a_request_that_one_copy_closed_and_the_other_extended_is_to_be_checked(
    path: Path, clock: ManualClock, close: Callable[[Store], object], *, is_extended_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.FAILED)
    for store, is_extended in opened_copies(path, clock, is_extended_first):
        if is_extended:
            single.extend(store, 1, "busy", TODAY, ACTOR)
        else:
            close(store)
    for merged in restored_both_ways(path, clock):
        assert TO_CHECK in tasks.get(merged, 1).tags


@pytest.mark.parametrize("is_confirmed", [True, False])
@pytest.mark.parametrize("is_resubmitted_first", [False, True])
@pytest.mark.parametrize(
    "end",
    [
        recording(partial(decisions.decline, reason="fraud", text="told")),
        lambda store: requests.cancel(store, 1, ACTOR),
        _cancel_and_resubmit,
    ],
    ids=["declined", "cancelled", "resubmitted too"],
)
def test_a_deletion_on_hold_that_one_copy_ended_and_the_other_resubmitted_is_to_be_checked(
    path: Path, clock: ManualClock, end: Callable[[Store], object], *, is_resubmitted_first: bool, is_confirmed: bool
) -> None:
    """The data would be deleted although one of two persons stopped that, or twice: only a person knows which is right.

    While the new deletion is on hold there is time to cancel it.
    """
    with closing(new_history(path, clock=clock)) as store:
        in_status(store, Status.ON_HOLD, Kind.DELETION)
    for store, is_resubmitted in opened_copies(path, clock, is_resubmitted_first):
        (_cancel_and_resubmit if is_resubmitted else end)(store)
        if is_confirmed and tasks.get(store, 1).cancel_asked:
            intent_outcomes.record_cancelled(store, intents.ready(store, FAR, 1)[0].id)
    for merged in restored_both_ways(path, clock):
        assert tasks.get(merged, 1).tags[-1:] == (TO_CHECK,)


@pytest.mark.parametrize("is_declined_first", [False, True])
def test_a_decline_that_does_not_count_since_an_event_made_the_task_known_in_the_same_copy_is_to_be_checked(
    path: Path, clock: ManualClock, *, is_declined_first: bool
) -> None:
    failed = ServiceEvent("e", Kind.DELETION, Status.FAILED, "task-1", None)
    with closing(new_history(path, clock=clock)) as store:
        submitted(store, Kind.DELETION)
    for store, is_declined in opened_copies(path, clock, is_declined_first):
        if is_declined:
            recording(partial(decisions.decline, reason="fraud", text="told"))(store)
            service_events.record_events(store, [failed])
            single.answered(store, 2, answer("FAILED", email="jane@example.com"), SOON)
        else:
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
    for merged in restored_both_ways(path, clock):
        [task] = tasks.each(merged, [1, 2])
        assert (task.task_id, task.status, task.declined_on) == ("task-1", Status.FAILED, None)
        assert task.tags == (TO_CHECK,)


@pytest.mark.parametrize("law", ["eu-gdpr", "us-policy"])
def test_receipt_and_law_by_which_an_answer_is_due_first_count_where_two_rows_become_one(
    path: Path, clock: ManualClock, law: str
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        given = request(regulation="us-ca")._replace(received_on=TODAY - timedelta(3))
        requests.submit(store, given, ACTOR)
    for store, is_tracked in opened_copies(path, clock, True):
        if is_tracked:
            requests.track(store, Kind.RETRIEVAL, "task-1", request(regulation=law), ACTOR)
        else:
            intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1", SOON)
    for merged in restored_both_ways(path, clock):
        [task] = tasks.each(merged, [1, 2])
        expected = {"eu-gdpr": "eu-gdpr", "us-policy": "us-ca"}[law]
        assert (task.task_id, task.received_on, task.regulation) == ("task-1", given.received_on, expected)


def test_a_request_that_both_copies_sent_is_two_tasks_to_be_checked(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION)
        recording(partial(legal_records.verify, how="by phone"))(store)
    for store, is_first in opened_copies(path, clock, True):
        requests.send(store, 1, ACTOR)
        intent_outcomes.record_accepted(store, sent(store, 1).id, "task-1" if is_first else "task-2", SOON)
    for merged in restored_both_ways(path, clock):
        both = tasks.by_numbers(merged, [1, 2])
        assert {(task.task_id, task.tags) for task in both} == {("task-1", (TO_CHECK,)), ("task-2", (TO_CHECK,))}


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_the_status_counts_where_one_copy_gave_up_what_the_other_sent(
    path: Path, clock: ManualClock, *, is_acknowledged: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        intent = sent(store, submitted(store, Kind.DELETION).number)
    for store, is_given_up in opened_copies(path, clock, flag=True):
        if is_given_up:
            intent_outcomes.record_unconfirmed(store, intent.id)
            decisions.give_up(store, 1, "not sent", ACTOR)
        else:
            intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
            if is_acknowledged:
                recording(partial(legal_records.acknowledge, on=TODAY))(store)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.tags, task.acknowledged_on is not None) == (
            Status.ON_HOLD,
            (TO_CHECK,),
            is_acknowledged,
        )
        (choice,) = (e.detail or "" for e in timeline.of_task(merged, 1) if timeline.CHECK_WHAT_COUNTS in str(e.detail))
        assert choice.endswith(provisional_text("ON_HOLD counts", {}))


def test_a_task_stays_to_be_checked_where_the_other_copy_has_checked_another_dispute(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
    (early, late), third = two_copies(path), path.with_name("third.db")
    shutil.copy(path, third)
    for copy, record in zip((early, late, third), _KEEP_OPEN[:3], strict=True):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            record(store)
    before = path.with_name("before.db")
    shutil.copy(early, before)
    for copy, source in ((early, late), (late, before), (late, third)):
        clock.advance(minutes=1)
        assert restore.restore(copy, source, clock()).to_check == 1
    clock.advance(minutes=1)
    with closing(open_store(early, clock=clock)) as store:
        recording(partial(work_records.tag, remove=[TO_CHECK]))(store)
    for merged in restored_both_ways(path, clock, early, late):
        assert tasks.get(merged, 1).tags == (TO_CHECK,)
        assert chain_check.check_file(path)[1] == []


def test_what_a_merge_recorded_in_the_other_copy_is_nothing_new(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
    for store, is_one in opened_copies(path, clock, True):
        _KEEP_OPEN[int(is_one)](store)
    early, late, before = (path.parent / place / path.name for place in ("early", "late", "before"))
    before.parent.mkdir()
    shutil.copy(early, before)
    for copy, source, updated in ((early, late, 1), (late, before, 1), (late, early, 0)):
        clock.advance(minutes=1)
        assert restore.restore(copy, source, clock()).merged.updated == updated


def test_a_request_that_counts_as_given_up_ended_when_it_was_given_up(path: Path, clock: ManualClock) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
    for store, is_declined in opened_copies(path, clock, True):
        if is_declined:
            recording(partial(decisions.decline, reason="fraud", text="told"))(store)
    late = path.parent / "late" / path.name
    late.unlink()
    restore.restore(late, path, clock())  # an older copy, where it becomes UNCONFIRMED
    clock.advance(minutes=1)
    with closing(open_store(late, clock=clock)) as store:
        given_up_at = decisions.give_up(store, 1, "not sent", ACTOR).finished_at
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.finished_at, task.declined_on) == (Status.GIVEN_UP, given_up_at, None)
        assert chain_check.check_file(path)[1] == []


def test_a_mark_is_gone_where_it_was_removed_in_a_copy_that_knows_the_same_dispute_from_its_own_merge(
    path: Path, clock: ManualClock
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
    for store, is_early in opened_copies(path, clock, True):
        _KEEP_OPEN[3 if is_early else 4](store)
    early, late = (path.parent / place / path.name for place in ("early", "late"))
    before = path.with_name("before.db")
    backups.back_up_to(early, before)
    clock.advance(minutes=1)
    restore.restore(early, late, clock())
    clock.advance(minutes=1)
    restore.restore(late, before, clock())
    clock.advance(minutes=1)
    restore.restore(late, early, clock())
    clock.advance(minutes=1)
    with closing(open_store(early, clock=clock)) as store:
        recording(partial(work_records.tag, remove=[TO_CHECK]))(store)
    restore.restore(late, early, clock())
    with closing(open_store(late, clock=clock)) as store:
        assert tasks.get(store, 1).tags == ()
