"""Two copies of a history in which people decided otherwise, not knowing of each other: what counts of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest

from bwp_tui.domain.deadlines import due_if_replied, needs_answer
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Task, TaskError, Verification
from bwp_tui.store.commands import answers, decisions, legal_records, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import integrity, restore
from bwp_tui.store.maintenance.merging.disputes import LONGEST_WAIT
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.columns_from_events import columns_after
from bwp_tui.store.queries.timeline import LegalRecord, TimelineRow
from bwp_tui.store.worklog import intents
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single
from tests.store.support import (
    ACTOR,
    SOON,
    TODAY,
    accepted,
    answer,
    declined_history,
    in_status,
    opened_copies,
    received,
    recording,
    restored_both_ways,
    two_copies,
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
    early, late = two_copies(path)
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
    with closing(new_history(path, clock=clock)) as store:
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
    with closing(new_history(path, clock=clock)) as store:
        accepted(store)
    early, late = two_copies(path)
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


@pytest.mark.parametrize("is_sent_first", [False, True])
@pytest.mark.parametrize(
    "record",
    [
        recording(partial(answers.withdraw, record=LegalRecord.VERIFICATION)),
        recording(partial(answers.answer, how="by phone")),
        recording(partial(decisions.decline, reason="fraud", text="told")),
        lambda store: requests.cancel(store, 1, ACTOR),
    ],
    ids=["not verified", "answered", "declined", "cancelled"],
)
def test_a_request_is_not_sent_where_the_other_copy_answered_or_ended_it_or_withdrew_the_verification(
    path: Path, clock: ManualClock, record: Callable[[Store], object], *, is_sent_first: bool
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        received(store)
        single.verify(store, 1, Verification(TODAY, ACTOR, "by phone"), ACTOR)
    for store, is_sent in opened_copies(path, clock, is_sent_first):
        if is_sent:
            requests.send(store, 1, ACTOR)
        else:
            record(store)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert (task.status, needs_answer(task), task.tags) == (Status.UNCONFIRMED, True, (TO_CHECK,))
        assert intents.ready(merged, clock() + timedelta(days=1), 100) == []


def _accepted(store: Store) -> None:
    accepted(store)
    recording(partial(legal_records.correct, received=TODAY - timedelta(9), regulation="us-tx"))(store)


def _answered(store: Store) -> None:
    in_status(store, Status.COMPLETED)
    recording(partial(legal_records.correct, received=TODAY - timedelta(9), regulation="us-tx"))(store)
    recording(partial(answers.answer, how="by post"))(store)


def _declined(store: Store) -> None:
    received(store)
    recording(partial(legal_records.correct, received=TODAY - timedelta(9), regulation="us-tx"))(store)
    recording(partial(decisions.decline, reason="fraud", text="told", on=TODAY - timedelta(5)))(store)


def _asked(store: Store) -> None:
    received(store)
    recording(partial(legal_records.correct, received=TODAY - timedelta(9), regulation="uk-gdpr"))(store)
    recording(partial(legal_records.inquire, on=TODAY - timedelta(7)))(store)


def _appealed(store: Store) -> None:
    _declined(store)
    recording(partial(decisions.appeal, received=TODAY - timedelta(4)))(store)


def _several(*records: Callable[[Store], object]) -> Callable[[Store], object]:
    return lambda store: [record(store) for record in records]


_DECLINE = recording(partial(decisions.decline, reason="exempt", text="law"))
_UNDECLINE = recording(decisions.withdraw_decline)
_APPEAL = recording(partial(decisions.appeal, received=TODAY - timedelta(1)))
_GRANTED, _DENIED = (recording(partial(decisions.appeal, answered=TODAY, upheld=upheld)) for upheld in (True, False))
_DECLINED_ANEW = _several(_UNDECLINE, _DECLINE)
_APPEALED_ANEW = _several(_DECLINED_ANEW, recording(partial(decisions.appeal, received=TODAY)))
_LATER = recording(partial(legal_records.correct, received=TODAY - timedelta(1)))
_OTHER_LAW = recording(partial(legal_records.correct, regulation="us-policy"))
_CHANGES: dict[Callable[[Store], None], list[Callable[[Store], object]]] = {
    _accepted: [
        *(_LATER, _OTHER_LAW, recording(partial(legal_records.extend, reason="busy"))),
        recording(partial(legal_records.acknowledge, on=TODAY - timedelta(8))),
        recording(partial(answers.answer, how="by post", on=TODAY - timedelta(3))),
        recording(partial(legal_records.correct, regulation="eu-gdpr")),
    ],
    _answered: [
        recording(partial(answers.withdraw, record=LegalRecord.ANSWER)),
        _several(
            recording(partial(answers.withdraw, record=LegalRecord.ANSWER)),
            recording(partial(answers.answer, how="again")),
        ),
        _several(recording(partial(answers.withdraw, record=LegalRecord.ANSWER)), _LATER),
    ],
    _declined: [
        *(_UNDECLINE, _APPEAL, _several(_APPEAL, _DENIED), _several(_APPEAL, _GRANTED), _OTHER_LAW),
        *(_DECLINED_ANEW, _several(_UNDECLINE, _LATER), _APPEALED_ANEW),
        _several(recording(partial(decisions.appeal, received=TODAY - timedelta(2))), _DENIED),
    ],
    _appealed: [
        *(_GRANTED, _DENIED, recording(partial(answers.withdraw, record=LegalRecord.APPEAL))),
        _several(recording(partial(answers.withdraw, record=LegalRecord.APPEAL)), _APPEAL),
    ],
    _asked: [
        recording(partial(legal_records.reply, on=TODAY - timedelta(2))),
        recording(partial(answers.withdraw, record=LegalRecord.INQUIRY)),
        _several(
            recording(partial(answers.withdraw, record=LegalRecord.INQUIRY)),
            recording(partial(legal_records.inquire, on=TODAY - timedelta(3))),
        ),
        recording(partial(legal_records.verify, how="by phone")),
        recording(partial(answers.answer, how="by post")),
    ],
}


_FACTS = (
    *("status", "received_on", "regulation", "due_on", "extended_on", "answered_on", "declined_on", "decline_reason"),
    *("appealed_on", "appeal_answered_on", "is_appeal_upheld", "inquired_on", "replied_on", "acknowledged_on"),
)


def _urgency(task: Task) -> date:
    """By when a task is to be answered, if the shopper replied at last where that is waited for; else `date.max`."""
    return task.due_on or due_if_replied(task, TODAY + LONGEST_WAIT) or date.max if needs_answer(task) else date.max


@pytest.mark.parametrize(
    ("begin", "first", "second"),
    [
        pytest.param(begin, first, second, id=f"{begin.__name__} {places}")
        for begin, changes in _CHANGES.items()
        for places, (first, second) in zip(permutations(range(len(changes)), 2), permutations(changes, 2), strict=True)
    ],
)
def test_a_task_of_which_two_copies_say_different_things_is_as_urgent_as_the_more_urgent_of_them(
    path: Path,
    clock: ManualClock,
    begin: Callable[[Store], None],
    first: Callable[[Store], object],
    second: Callable[[Store], object],
) -> None:
    with closing(new_history(path, clock=clock)) as store:
        begin(store)
    of_copies = []
    for store, is_first in opened_copies(path, clock, True):
        (first if is_first else second)(store)
        of_copies.append(tasks.get(store, 1))
    facts = []
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, 1)
        assert TO_CHECK in task.tags
        assert _urgency(task) == min(map(_urgency, of_copies))
        assert needs_answer(task) is any(map(needs_answer, of_copies))
        assert integrity.full_check(path) == []
        facts.append([getattr(task, name) for name in _FACTS])
    assert facts[0] == facts[1]


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


@pytest.mark.parametrize("is_declined_first", [False, True])
def test_a_failed_task_that_one_copy_declined_and_one_resubmitted_keeps_its_end_and_its_errors(
    path: Path, clock: ManualClock, *, is_declined_first: bool
) -> None:
    errors = (TaskError("ORDERS_NOT_CLOSED", "open orders"),)
    with closing(new_history(path, clock=clock)) as store:
        number = accepted(store).number
        single.answered(store, number, replace(answer("FAILED"), errors=errors), SOON)
        finished_at = tasks.get(store, number).finished_at
    for store, is_declined in opened_copies(path, clock, is_declined_first):
        if is_declined:
            single.edit(store, number, lambda edit: decisions.decline(edit, "exempt", "told"), ACTOR, TODAY)
        else:
            requests.resubmit(store, number, ACTOR)
    for merged in restored_both_ways(path, clock):
        task = tasks.get(merged, number)
        assert (task.status, task.finished_at) == (Status.FAILED, finished_at)
        assert [error.code for error in task.errors] == ["ORDERS_NOT_CLOSED"]
