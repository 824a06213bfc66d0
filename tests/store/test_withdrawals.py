"""Withdrawing and correcting records of law: an event more, never one less, and the due date as it must be."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.legal_operations import ACKNOWLEDGE, ANSWER, CORRECT, INQUIRE, REPLY, VERIFY, withdrawal_of
from bwp_tui.actions.record_operations import NOTE
from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.task import Task, Verification
from bwp_tui.store.commands import requests, undo
from bwp_tui.store.commands.bulk import TaskChange
from bwp_tui.store.commands.undo import PartChange
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import LegalRecord, TaskPart, UndoablePart
from tests.store import single
from tests.store.support import ACTOR, TODAY, accepted, request, submitted


def perform(store: Store, deed: TaskChange, number: int) -> Task:
    with store.write() as transaction:
        deed(transaction, store, number)
    return tasks.get(store, number)


def withdrawing(record: LegalRecord, actor: str = ACTOR) -> TaskChange:
    return withdrawal_of(record).operation.change_for(actor, TODAY)


def recorded(store: Store) -> Task:
    """A task with a record of each sort."""
    number = submitted(store).number
    single.verify(store, number, Verification(TODAY, "anna", "order 17"), ACTOR)
    single.acknowledge(store, number, TODAY, ACTOR)
    single.inquire(store, number, TODAY, ACTOR)
    single.reply(store, number, TODAY, ACTOR)
    single.extend(store, number, "three shops", TODAY, ACTOR)
    single.answer(store, number, "result sent", TODAY, ACTOR)
    return tasks.get(store, number)


@pytest.mark.parametrize("record", [record for record in LegalRecord if record is not LegalRecord.APPEAL])
def test_what_is_withdrawn_counts_no_longer_and_stays_on_the_timeline(store: Store, record: LegalRecord) -> None:
    before = recorded(store)
    events = timeline.of_task(store, before.number)
    after = perform(store, withdrawing(record, "bob"), before.number)
    there = {
        LegalRecord.INQUIRY: after.inquired_on,
        LegalRecord.REPLY: after.replied_on,
        LegalRecord.ACKNOWLEDGEMENT: after.acknowledged_on,
        LegalRecord.VERIFICATION: after.verification,
        LegalRecord.EXTENSION: after.extended_on,
        LegalRecord.ANSWER: after.answered_on,
    }
    gone = {record, LegalRecord.REPLY} if record is LegalRecord.INQUIRY else {record}
    assert {one for one, value in there.items() if value is None} == gone
    assert (after.due_on == before.due_on) is (record is not LegalRecord.EXTENSION)
    now = timeline.of_task(store, before.number)
    assert now[:-1] == events
    assert (now[-1].actor, now[-1].what) == ("bob", f"{record} withdrawn")
    assert str(TODAY) in (now[-1].detail or "")
    assert after.revision > before.revision
    with pytest.raises(NotPossible):
        perform(store, withdrawing(record, "bob"), before.number)


def test_a_withdrawn_extension_brings_the_first_due_date_back_and_can_be_made_anew(store: Store) -> None:
    before = recorded(store)
    after = perform(store, withdrawing(LegalRecord.EXTENSION), before.number)
    assert after.due_on == statutory_due_date(after.regulation, after.received_on)
    event = timeline.of_task(store, before.number)[-1]
    assert (event.before, event.after) == (str(before.due_on), str(after.due_on))
    perform(store, withdrawing(LegalRecord.ANSWER), before.number)
    single.extend(store, before.number, "again", TODAY, ACTOR)
    assert tasks.get(store, before.number).due_on == before.due_on


def test_day_of_receipt_and_law_are_corrected_and_the_old_ones_kept(store: Store) -> None:
    task = submitted(store)
    earlier = TODAY - timedelta(days=9)
    after = perform(store, CORRECT.change_for("bob", TODAY, received=earlier, regulation="ccpa"), task.number)
    assert (after.received_on, after.regulation) == (earlier, "ccpa")
    assert after.due_on == statutory_due_date("ccpa", earlier)
    event = timeline.of_task(store, task.number)[-1]
    assert (event.what, event.before, event.after) == ("corrected", str(task.due_on), str(after.due_on))
    assert event.detail == f"received {TODAY} → {earlier}, law gdpr → ccpa"


def test_a_corrected_receipt_keeps_an_extension(store: Store) -> None:
    task = recorded(store)
    after = perform(store, CORRECT.change_for(ACTOR, TODAY, received=TODAY - timedelta(days=3)), task.number)
    assert after.due_on == statutory_due_date(task.regulation, after.received_on, extended=True)


@pytest.mark.parametrize(
    ("received_on", "regulation"),
    [
        (TODAY, "gdpr"),  # nothing differs
        (TODAY + timedelta(days=1), None),  # receipt was confirmed before
        (None, "none"),  # which knows no extension
        (date.max, "ccpa"),  # beyond the calendar
    ],
)
def test_what_cannot_be_corrected_stays(store: Store, received_on: date | None, regulation: str | None) -> None:
    before = recorded(store)
    with pytest.raises(NotPossible):
        perform(store, CORRECT.change_for(ACTOR, TODAY, received=received_on, regulation=regulation), before.number)
    assert tasks.get(store, before.number) == before


def test_nothing_was_received_after_it_was_sent(store: Store) -> None:
    task = accepted(store, "task-1")
    with pytest.raises(NotPossible, match="was sent to the service"):
        perform(store, CORRECT.change_for(ACTOR, TODAY, received=TODAY + timedelta(days=1)), task.number)
    assert tasks.get(store, task.number).due_on == task.due_on


def test_what_is_recorded_of_a_resubmitted_request_belongs_to_the_new_task(store: Store) -> None:
    number, earlier, changes = recorded(store).number, TODAY - timedelta(days=1), list[PartChange]()
    verify = VERIFY.change_for(ACTOR, TODAY, how="passport")
    perform(store, undo.with_recorded_values(verify, LegalRecord.VERIFICATION, changes), number)
    requests.cancel(store, number, ACTOR)
    requests.resubmit(store, number, ACTOR)
    before = tasks.get(store, number)
    inherited = (record for record in LegalRecord if record not in (LegalRecord.ANSWER, LegalRecord.APPEAL))
    for deed in (
        VERIFY.change_for(ACTOR, TODAY, how="by phone"),
        ACKNOWLEDGE.change_for(ACTOR, TODAY, on=TODAY + timedelta(days=1)),
        INQUIRE.change_for(ACTOR, TODAY, on=TODAY + timedelta(days=1)),
        REPLY.change_for(ACTOR, TODAY, on=TODAY + timedelta(days=1)),
        CORRECT.change_for(ACTOR, TODAY, received=earlier),
        *(withdrawing(record) for record in inherited),
    ):
        with pytest.raises(NotPossible, match="#2"):
            perform(store, deed, number)
    with pytest.raises(NotPossible, match="resubmitted since"):
        perform(store, undo.undo(LegalRecord.VERIFICATION, changes, ACTOR), number)
    assert tasks.get(store, number) == before
    bare = submitted(store).number
    requests.cancel(store, bare, ACTOR)
    requests.resubmit(store, bare, ACTOR)
    for operation in (VERIFY, ACKNOWLEDGE, INQUIRE):
        assert "#4" in (operation.disabled_reason(tasks.get(store, bare), TODAY) or "")
        assert bulk_plan.plan(store, operation, [bare], TODAY).skipped == (("resubmitted already", 1),)


@pytest.mark.parametrize(
    ("part", "deed"),
    [
        (LegalRecord.ACKNOWLEDGEMENT, ACKNOWLEDGE.change_for(ACTOR, TODAY, on=TODAY + timedelta(days=1))),
        (LegalRecord.VERIFICATION, VERIFY.change_for(ACTOR, TODAY, how="passport", by="bob")),
        (LegalRecord.ANSWER, ANSWER.change_for(ACTOR, TODAY, how="by phone", on=TODAY + timedelta(days=1))),
        (LegalRecord.ANSWER, withdrawing(LegalRecord.ANSWER)),
        (LegalRecord.EXTENSION, withdrawing(LegalRecord.EXTENSION)),
        (TaskPart.RECEIPT, CORRECT.change_for(ACTOR, TODAY, received=TODAY - timedelta(days=5), regulation="ccpa")),
    ],
)
def test_undo_puts_each_record_back_with_an_event_more(store: Store, part: UndoablePart, deed: TaskChange) -> None:
    before = recorded(store)
    changes: list[PartChange] = []
    changed = perform(store, undo.with_recorded_values(deed, part, changes), before.number)
    assert changed != before
    length = len(timeline.of_task(store, before.number))
    after = perform(store, undo.undo(part, changes, ACTOR), before.number)
    assert after._replace(revision=before.revision) == before
    events = timeline.of_task(store, before.number)
    assert (len(events), events[-1].what) == (length + 1, "undone")


def test_nothing_is_put_back_on_a_purged_task(store: Store) -> None:
    task = requests.submit(store, request(note="about Jane"), ACTOR)
    changes: list[PartChange] = []
    perform(
        store,
        undo.with_recorded_values(NOTE.change_for(ACTOR, TODAY, text="", replace=True), TaskPart.NOTE, changes),
        task.number,
    )
    store.rows("UPDATE tasks SET purged_at = 'now', email = '' WHERE number = ?", (task.number,))
    store.rows("UPDATE tasks SET purged_at = '2026-11-20T09:14:00.000000Z' WHERE number = ?", (task.number,))
    with pytest.raises(NotPossible):
        perform(store, undo.undo(TaskPart.NOTE, changes, ACTOR), task.number)
    assert tasks.get(store, task.number).note == ""
