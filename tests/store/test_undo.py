"""Taking a change back: the value of before, on a row of its own, and never over somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from bwp_tui.actions.legal_operations import ANSWER, CORRECT, VERIFY
from bwp_tui.actions.record_operations import ASSIGN, NOTE, TAG, WITHDRAWALS
from bwp_tui.domain.task import TimelineEvent
from bwp_tui.domain.times import format_instant
from bwp_tui.store.commands import answers, bulk, decisions, requests, undo
from bwp_tui.store.commands.bulk import ChangeResult, TaskChange
from bwp_tui.store.commands.undo import PartChange
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import task_rows
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.columns_from_events import columns_after
from bwp_tui.store.queries.timeline import EventKind, LegalRecord, TaskPart, UndoablePart
from tests.store import single
from tests.store.support import ACTOR, NOW, TODAY, request


def perform(store: Store, deed: TaskChange, numbers: Sequence[int]) -> list[ChangeResult]:
    return [result for results in bulk.apply_to_each(store, deed, numbers) for result in results]


@pytest.mark.parametrize(
    ("part", "deed"),
    [
        (TaskPart.NOTE, NOTE.change_for(ACTOR, TODAY, text="after", replace=True)),
        (TaskPart.NOTE, NOTE.change_for(ACTOR, TODAY, text="after")),
        (TaskPart.NOTE, NOTE.change_for(ACTOR, TODAY, text="", replace=True)),
        (TaskPart.TAGS, TAG.change_for(ACTOR, TODAY, add=["after"], remove=["b"])),
        (TaskPart.ASSIGNMENT, ASSIGN.change_for(ACTOR, TODAY, assignee="after")),
        (TaskPart.ASSIGNMENT, ASSIGN.change_for(ACTOR, TODAY, assignee=None)),
    ],
)
def test_each_part_comes_back_as_it_was_and_the_timeline_grows(store: Store, part: TaskPart, deed: TaskChange) -> None:
    full = requests.submit(store, request(note="before", tags=("a", "b")), ACTOR)
    bare = requests.submit(store, request(email="bare@example.com"), ACTOR)
    single.assign(store, full.number, "before", ACTOR)
    numbers = (full.number, bare.number)
    before = {number: tasks.get(store, number) for number in numbers}
    changes: list[PartChange] = []
    perform(store, undo.with_recorded_values(deed, part, changes), numbers)
    assert changes
    lengths = {number: len(timeline.of_task(store, number)) for number in numbers}
    results = perform(store, undo.undo(part, changes, ACTOR), [change.number for change in changes])
    assert [result.refused for result in results] == [None] * len(changes)
    for change in changes:
        was, now = before[change.number], tasks.get(store, change.number)
        assert (now.note, now.tags, now.assigned_to) == (was.note, was.tags, was.assigned_to)
        assert now.revision > was.revision
        events = timeline.of_task(store, change.number)
        assert len(events) == lengths[change.number] + 1
        assert events[-1].what == "undone"
        assert (events[-1].detail or "").startswith(part)


def test_the_timeline_gives_what_an_undo_put_back_after_a_change_that_was_made_and_reversed(store: Store) -> None:
    number = requests.submit(store, request(), ACTOR).number
    deeds: dict[UndoablePart, TaskChange] = {
        TaskPart.TAGS: TAG.change_for(ACTOR, TODAY, add=["x"]),
        TaskPart.NOTE: NOTE.change_for(ACTOR, TODAY, text="x"),
    }
    changes = {part: list[PartChange]() for part in deeds}
    for part, deed in deeds.items():
        perform(store, undo.with_recorded_values(deed, part, changes[part]), [number])
    for tags, note in ((["x", "y"], "y"), (["x"], "x")):
        single.set_tags(store, number, tags, ACTOR)
        single.set_note(store, number, note, ACTOR)
    for part in deeds:
        perform(store, undo.undo(part, changes[part], ACTOR), [number])
    events = store.rows(f"SELECT {timeline.EVENT_COLUMNS} FROM timeline WHERE task = ? ORDER BY id", (number,))
    columns = columns_after({}, task_rows.timeline_rows(events))
    assert (columns["tags"], columns["note"]) == ("[]", "")


def test_what_was_changed_since_is_left_alone(store: Store) -> None:
    first = requests.submit(store, request(), ACTOR).number
    second = requests.submit(store, request(email="b@example.com"), ACTOR).number
    changes: list[PartChange] = []
    perform(
        store,
        undo.with_recorded_values(TAG.change_for(ACTOR, TODAY, add=["vip"]), TaskPart.TAGS, changes),
        [first, second],
    )
    single.set_tags(store, first, ("vip", "phone"), "bob")
    results = perform(store, undo.undo(TaskPart.TAGS, changes, ACTOR), [first, second])
    assert "the tags of" in (results[0].refused or "")
    assert "nothing" not in (results[0].refused or ""), "the other one is undone"
    assert tasks.get(store, first).tags == ("vip", "phone")
    assert tasks.get(store, second).tags == ()
    store.rows("UPDATE tasks SET purged_at = ? WHERE number = ?", (format_instant(NOW), second))
    (purged,) = perform(store, undo.undo(TaskPart.TAGS, changes, ACTOR), [second])
    assert "was purged" in (purged.refused or "")


def test_a_deed_that_changes_nothing_leaves_nothing_to_take_back(store: Store) -> None:
    number = requests.submit(store, request(tags=("vip",)), ACTOR).number
    changes: list[PartChange] = []
    perform(
        store, undo.with_recorded_values(TAG.change_for(ACTOR, TODAY, add=["VIP"]), TaskPart.TAGS, changes), [number]
    )
    assert changes == []


def test_an_answer_that_is_undone_does_not_stop_the_clock_anew_for_an_inquiry_that_was_withdrawn(store: Store) -> None:
    number = requests.submit(store, request(regulation="uk-gdpr"), ACTOR).number
    due = tasks.get(store, number).due_on
    single.inquire(store, number, TODAY, ACTOR)
    changes: list[PartChange] = []
    answer = ANSWER.change_for(ACTOR, TODAY, how="by post")
    perform(store, undo.with_recorded_values(answer, LegalRecord.ANSWER, changes), [number])
    single.edit(store, number, lambda edit: answers.withdraw(edit, LegalRecord.INQUIRY), ACTOR, TODAY)
    perform(store, undo.undo(LegalRecord.ANSWER, changes, ACTOR), [number])
    task = tasks.get(store, number)
    assert (task.answered_on, task.inquired_on, task.due_on) == (None, None, due)
    assert timeline.of_task(store, number)[-1].after is None, "its due date is as it was"


@pytest.mark.parametrize(
    ("what", "detail", "expected"),
    [
        (EventKind.UNDONE, "appeal again 2026-11-30 2026-11-30 0 2027-02-28", "appeal again 2026-11-30"),
        (EventKind.UNDONE, "answer again empty", "answer again empty"),
        (
            EventKind.UNDONE,
            "receipt and regulation again 2026-11-20 us-ca 2027-01-04",
            "receipt and regulation again 2026-11-20 us-ca",
        ),
        (EventKind.UNDONE, "note again second call", "note again second call"),
        (EventKind.ANSWERED, "on 2026-11-30: called again today", "on 2026-11-30: called again today"),
        (EventKind.ACCEPTED, None, None),
    ],
)
def test_what_an_undo_put_back_is_told_without_the_columns_behind_its_day(
    what: EventKind, detail: str | None, expected: str | None
) -> None:
    assert timeline.detail_text(TimelineEvent(NOW, ACTOR, what, None, None, detail)) == expected


def test_nothing_is_undone_that_the_task_as_it_is_now_forbids(store: Store) -> None:
    unverified = request()._replace(awaits_verification=True)
    earlier = TODAY - timedelta(days=10)
    verify, answer = VERIFY.change_for(ACTOR, TODAY, how="by phone"), ANSWER.change_for(ACTOR, TODAY, how="by post")
    correct = CORRECT.change_for(ACTOR, TODAY, received=earlier)
    withdraw = dict(WITHDRAWALS)[ANSWER].change_for(ACTOR, TODAY)
    since: Sequence[tuple[UndoablePart, TaskChange, Callable[[int], object]]] = (
        (LegalRecord.VERIFICATION, verify, lambda number: requests.send(store, number, ACTOR)),
        (TaskPart.RECEIPT, correct, lambda number: single.acknowledge(store, number, earlier, ACTOR)),
        (
            LegalRecord.ANSWER,
            withdraw,
            lambda number: single.edit(
                store, number, lambda edit: decisions.decline(edit, "fraud", "no"), ACTOR, TODAY
            ),
        ),
    )
    for part, deed, later in since:
        number = requests.submit(store, unverified, ACTOR).number
        if deed is withdraw:
            perform(store, answer, [number])
        changes: list[PartChange] = []
        perform(store, undo.with_recorded_values(deed, part, changes), [number])
        later(number)
        before = tasks.get(store, number)
        (result,) = perform(store, undo.undo(part, changes, ACTOR), [number])
        assert result.refused
        assert tasks.get(store, number) == before
