"""Two copies of a history in which people decided otherwise, not knowing of each other: what counts of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Verification
from bwp_tui.store.commands import answers, decisions, legal_records, requests, work_records
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.columns_from_events import columns_after
from bwp_tui.store.queries.timeline import LegalRecord, TimelineRow
from bwp_tui.store.worklog import intents
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import (
    ACTOR,
    SOON,
    TODAY,
    accepted,
    answer,
    declined_history,
    opened_copies,
    parted_copies,
    received,
    recording,
    restored_both_ways,
)


@pytest.mark.parametrize("is_upheld_first", [False, True])
def test_an_appeal_that_was_upheld_in_one_copy_stays_so_and_is_to_be_checked(
    path: Path, clock: ManualClock, *, is_upheld_first: bool
) -> None:
    declined_history(path, clock)
    with closing(open_store(path, clock=clock)) as store:
        single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
    for store, is_upheld in opened_copies(path, clock, is_upheld_first):
        single.edit(store, 1, partial(decisions.appeal, answered=TODAY, upheld=is_upheld), ACTOR, TODAY)
        if is_upheld:
            requests.resubmit(store, 1, ACTOR)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.is_appeal_upheld, task.was_resubmitted, task.tags) == (True, True, (TO_CHECK,))


@pytest.mark.parametrize("is_withdrawn_first", [False, True])
def test_a_decline_that_one_copy_withdrew_leaves_the_request_open_where_the_other_recorded_an_appeal(
    path: Path, clock: ManualClock, *, is_withdrawn_first: bool
) -> None:
    declined_history(path, clock)
    early, late = parted_copies(path)
    for copy, is_withdrawn in ((early, is_withdrawn_first), (late, not is_withdrawn_first)):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            if is_withdrawn:
                single.edit(store, 1, decisions.withdraw_decline, ACTOR, TODAY)
                due = tasks.get(store, 1).due_on
            else:
                single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, 1)
        assert (task.status, task.due_on, task.appealed_on) == (Status.RECEIVED, due, None)
        assert (needs_answer(task), task.tags) == (True, (TO_CHECK,))
        assert any(event.detail and "without knowing" in event.detail for event in timeline.of_task(merged, 1))
    early.write_bytes(path.read_bytes())
    clock.advance(minutes=1)
    assert restore.restore(path, early, clock()).to_check == 0


@pytest.mark.parametrize("is_withdrawn_first", [False, True])
def test_a_reply_does_not_count_where_the_other_copy_withdrew_its_inquiry(
    path: Path, clock: ManualClock, *, is_withdrawn_first: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        received(store)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, TODAY - timedelta(9), "uk-gdpr"), ACTOR, TODAY)
        due = tasks.get(store, 1).due_on
        single.inquire(store, 1, TODAY - timedelta(8), ACTOR)
    for store, is_withdrawn in opened_copies(path, clock, is_withdrawn_first):
        if is_withdrawn:
            single.edit(store, 1, lambda edit: answers.withdraw(edit, LegalRecord.INQUIRY), ACTOR, TODAY)
        else:
            single.reply(store, 1, TODAY, ACTOR)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.inquired_on, task.replied_on, task.due_on) == (None, None, due)
        assert legal_records.cannot_inquire(task) is None


def test_a_decline_does_not_count_where_the_other_copy_resubmitted_the_failed_request(
    path: Path, clock: ManualClock
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        accepted(store)
    early, late = parted_copies(path)
    for copy in (early, late):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            single.answered(store, 1, answer("FAILED"), SOON)
            if copy is early:
                single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
            else:
                requests.resubmit(store, 1, ACTOR)
    for merged in restored_both_ways(path, clock, early, late):
        task = tasks.get(merged, 1)
        assert (task.status, task.declined_on, task.was_resubmitted) == (Status.FAILED, None, True)
        assert task.tags[-1:] == (TO_CHECK,)


def test_a_decline_that_was_dropped_with_its_cancellation_does_not_wait_for_a_later_one() -> None:
    events = [
        ("recorded", None, "QUEUED", "deletion"),
        ("accepted", "QUEUED", "ON_HOLD", "task-1"),
        ("decline asked", None, None, "once it is cancelled; on 2026-11-20, fraud: told"),
        ("cancel asked", None, None, None),
        ("cancel refused", None, None, "too late"),
        ("decline withdrawn", None, None, "was on 2026-11-20; the deletion was not cancelled: too late"),
        ("cancel asked", None, None, None),
    ]
    rows = [TimelineRow(f"2026-11-20T09:0{place}:00Z", *event) for place, event in enumerate(events)]
    columns = columns_after({}, rows)
    assert (columns["status"], columns["cancel_asked"], columns["declined_on"]) == ("ON_HOLD", 1, None)


@pytest.mark.parametrize("is_cancelled_first", [False, True])
def test_an_appeal_waits_though_its_decline_came_while_the_other_copy_had_sent_the_request_and_then_cancelled_it(
    *, is_cancelled_first: bool
) -> None:
    ends = [("appealed", "2027-01-04", "2027-01-19", "on 2026-11-20"), ("cancelled", "ON_HOLD", "CANCELLED", None)]
    events = [
        ("recorded", None, "QUEUED", "deletion"),
        ("accepted", "QUEUED", "ON_HOLD", "task-1"),
        ("withdrawn", "QUEUED", "CANCELLED", "never sent"),
        ("declined", "CANCELLED", "DECLINED", "on 2026-11-20, fraud: told"),
        *(reversed(ends) if is_cancelled_first else ends),
    ]
    rows = [TimelineRow(f"2026-11-20T09:0{place}:00Z", *event) for place, event in enumerate(events)]
    columns = columns_after({}, rows)
    names = ("status", "task_id", "declined_on", "appealed_on")
    assert [columns[name] for name in names] == ["DECLINED", "task-1", "2026-11-20", "2026-11-20"]


@pytest.mark.parametrize("is_sent_first", [False, True])
@pytest.mark.parametrize(
    ("record", "status"),
    [
        (recording(partial(answers.withdraw, record=LegalRecord.VERIFICATION)), Status.UNCONFIRMED),
        (recording(partial(answers.answer, how="by phone")), Status.UNCONFIRMED),
        (recording(partial(decisions.decline, reason="fraud", text="told")), Status.DECLINED),
        (lambda store: requests.cancel(store, 1, ACTOR), Status.CANCELLED),
    ],
)
def test_a_request_is_not_sent_where_the_other_copy_answered_or_ended_it_or_withdrew_the_verification(
    path: Path,
    clock: ManualClock,
    record: Callable[[Store], object],
    status: Status,
    *,
    is_sent_first: bool,
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        received(store)
        single.verify(store, 1, Verification(TODAY, ACTOR, "by phone"), ACTOR)
    for store, is_sent in opened_copies(path, clock, is_sent_first):
        if is_sent:
            requests.send(store, 1, ACTOR)
        else:
            record(store)
            recorded = tasks.get(store, 1)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.tags) == (status, (TO_CHECK,))
        assert (task.verification, task.answered_on) == (recorded.verification, recorded.answered_on)
        assert intents.due(merged, clock() + timedelta(days=1), 100) == []


@pytest.mark.parametrize("is_corrected_first", [False, True])
@pytest.mark.parametrize(("corrected", "law", "days"), [("eu-gdpr", "us-tx", 60), ("us-co", "us-co", 45)])
def test_an_appeal_is_to_be_checked_where_the_other_copy_corrected_the_law_and_is_due_if_that_one_has_none(
    path: Path, clock: ManualClock, corrected: str, law: str, days: int, *, is_corrected_first: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        received(store)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, None, "us-tx"), ACTOR, TODAY)
    for store, is_corrected in opened_copies(path, clock, is_corrected_first):
        if is_corrected:
            single.edit(store, 1, lambda edit: legal_records.correct(edit, None, corrected), ACTOR, TODAY)
        else:
            single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)
            single.edit(store, 1, lambda edit: decisions.appeal(edit, TODAY), ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.regulation, task.due_on, task.tags) == (law, TODAY + timedelta(days), (TO_CHECK,))


@pytest.mark.parametrize("is_corrected_first", [False, True])
@pytest.mark.parametrize(
    "record",
    [
        partial(legal_records.acknowledge, on=TODAY - timedelta(9)),
        partial(legal_records.inquire, on=TODAY - timedelta(9)),
        partial(answers.answer, how="by post", on=TODAY - timedelta(9)),
        partial(decisions.decline, reason="fraud", text="told", on=TODAY - timedelta(9)),
    ],
)
def test_a_day_of_receipt_after_what_the_other_copy_recorded_does_not_count_and_is_to_be_checked(
    path: Path, clock: ManualClock, record: Callable[[work_records.Edit], None], *, is_corrected_first: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        received(store)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, TODAY - timedelta(19), "us-tx"), ACTOR, TODAY)
        due = tasks.get(store, 1).due_on
    for store, is_corrected in opened_copies(path, clock, is_corrected_first):
        correct = partial(legal_records.correct, received=TODAY - timedelta(1))
        single.edit(store, 1, correct if is_corrected else record, ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.received_on, task.tags) == (TODAY - timedelta(19), (TO_CHECK,))
        assert task.due_on == due


@pytest.mark.parametrize("is_corrected_first", [False, True])
def test_an_extension_that_the_correction_of_the_other_copy_is_against_is_to_be_checked(
    path: Path, clock: ManualClock, *, is_corrected_first: bool
) -> None:
    with closing(open_store(path, clock=clock)) as store:
        received(store)
    for store, is_corrected in opened_copies(path, clock, is_corrected_first):
        correct = partial(legal_records.correct, received=TODAY - timedelta(40))
        extend = partial(legal_records.extend, reason="busy")
        single.edit(store, 1, correct if is_corrected else extend, ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        assert (tasks.get(merged, 1).extended_on, tasks.get(merged, 1).tags) == (TODAY, (TO_CHECK,))


def test_a_verification_that_ended_the_stop_of_its_copy_is_the_reply_though_the_other_recorded_one_before() -> None:
    events = [
        ("recorded", None, "QUEUED", "retrieval"),
        ("inquired", "2026-12-11", None, "on 2026-11-19, which stops the clock"),
        ("inquired", None, None, "on 2026-11-12, corrected from 2026-11-19"),
        ("verified", None, "2026-12-11", "on 2026-11-19 by bob: call"),  # of the copy that asked on 2026-11-19
        ("verified", None, "2026-12-17", "on 2026-11-18 by ann: letter"),
    ]
    rows = [TimelineRow(f"2026-11-20T09:0{place}:00Z", *event) for place, event in enumerate(events)]
    columns = columns_after({}, rows)
    assert (columns["inquired_on"], columns["replied_on"]) == ("2026-11-12", "2026-11-18")


@pytest.mark.parametrize("is_withdrawn_first", [False, True])
def test_an_upheld_appeal_has_its_day_where_the_other_copy_withdrew_the_decline_and_the_request(
    path: Path, clock: ManualClock, *, is_withdrawn_first: bool
) -> None:
    declined_history(path, clock)
    for store, is_withdrawn in opened_copies(path, clock, is_withdrawn_first):
        if is_withdrawn:
            single.edit(store, 1, decisions.withdraw_decline, ACTOR, TODAY)
            requests.cancel(store, 1, ACTOR)
        else:
            single.edit(store, 1, partial(decisions.appeal, received=TODAY, answered=TODAY, upheld=True), ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, task.appealed_on, task.is_appeal_upheld) == (Status.DECLINED, TODAY, True)
        assert (needs_answer(task), task.tags) == (True, (TO_CHECK,))


def test_an_appeal_that_one_copy_has_answered_leaves_that_of_the_other_copy_open(
    path: Path, clock: ManualClock
) -> None:
    declined_history(path, clock)
    for store, is_answered in opened_copies(path, clock, True):
        change = partial(decisions.appeal, received=TODAY)
        if is_answered:
            change = partial(decisions.appeal, received=TODAY, answered=TODAY, upheld=False)
        single.edit(store, 1, change, ACTOR, TODAY)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.appealed_on, task.appeal_answered_on, task.is_appeal_running) == (TODAY, None, True)
        assert task.due_on is not None
        assert task.tags == (TO_CHECK,)
