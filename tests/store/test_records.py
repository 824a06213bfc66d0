"""What operators record on a task: notes, tags, assignment, verification, confirmation of receipt, extension."""

from __future__ import annotations

from datetime import date, timedelta

import apsw
import pytest

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.legal_operations import EXTEND
from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Task, Verification
from bwp_tui.domain.times import format_instant
from bwp_tui.store.commands import legal_records, requests, work_records
from bwp_tui.store.database import migrate
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.maintenance import purge
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import ACTOR, TODAY, accepted, in_status, request, submitted


def _received(store: Store, days_ago: int, regulation: str) -> Task:
    asked = request(regulation=regulation)._replace(received_on=TODAY - timedelta(days=days_ago))
    return requests.submit(store, asked, ACTOR)


def test_notes_add_up_and_the_row_shows_the_newest(store: Store, clock: ManualClock) -> None:
    task = requests.submit(store, request(note="came with the request"), ACTOR)
    clock.advance(hours=1)
    single.add_note(store, task.number, " left\na message ", "bob")
    assert [(note.text, note.actor) for note in single.notes(store, task.number)] == [
        ("came with the request", ACTOR),
        ("left a message", "bob"),
    ]
    assert tasks.get(store, task.number).note == "left a message"
    assert tasks.get(store, task.number).revision > task.revision
    single.set_note(store, task.number, "", ACTOR)
    assert len(single.notes(store, task.number)) == 2
    assert list(tasks.matching_numbers(store, parse("note:came"), today=TODAY)) == [task.number]


def test_a_note_without_text_or_task_is_refused(store: Store) -> None:
    task = submitted(store)
    with pytest.raises(NotPossible):
        single.add_note(store, task.number, " \n", ACTOR)
    with pytest.raises(NoSuchTask):
        single.add_note(store, 99, "x", ACTOR)


def test_tags_are_cleaned_kept_once_and_their_change_is_told(store: Store) -> None:
    task = requests.submit(store, request(tags=("vip", "eu")), ACTOR)
    changed = work_records.changed_tags(task, ("Phone\x1b", "EU", ""), ("VIP", "nothing"))
    assert changed == ("eu", "Phone\\x1b")
    single.set_tags(store, task.number, changed, ACTOR)
    assert tasks.get(store, task.number).tags == changed
    assert timeline.of_task(store, task.number)[-1].detail == "+Phone\\x1b -vip"
    revision = store.revision()
    single.set_tags(store, task.number, changed, ACTOR)
    assert tasks.get(store, task.number).revision == revision


def test_a_verification_and_an_assignment_are_on_the_task_and_its_timeline(store: Store) -> None:
    task = submitted(store)
    record = Verification(TODAY, "jane", "order details")
    single.verify(store, task.number, record, ACTOR)
    single.assign(store, task.number, "jane", ACTOR)
    found = tasks.get(store, task.number)
    assert (found.verification, found.assigned_to, found.due_on) == (record, "jane", task.due_on)
    assert [event.what for event in timeline.of_task(store, task.number)] == ["recorded", "verified", "assigned"]
    single.assign(store, task.number, None, ACTOR)
    assert tasks.get(store, task.number).assigned_to is None
    with pytest.raises(NotPossible):
        single.verify(store, task.number, Verification(TODAY, "jane", " "), ACTOR)


@pytest.mark.parametrize("regulation", ["gdpr", "ccpa"])
def test_an_extension_moves_the_due_date_once_with_its_reason(store: Store, regulation: str) -> None:
    task = _received(store, 3, regulation)
    due = single.extend(store, task.number, "many requests", TODAY, ACTOR)
    found = tasks.get(store, task.number)
    assert found.due_on == due == statutory_due_date(regulation, task.received_on, extended=True)
    assert found.extended_on == TODAY
    event = timeline.of_task(store, task.number)[-1]
    assert (event.before, event.after, event.detail) == (str(task.due_on), str(due), "many requests")
    with pytest.raises(NotPossible, match="once"):
        single.extend(store, task.number, "again", TODAY, ACTOR)


@pytest.mark.parametrize(
    ("regulation", "received", "last"),
    [
        ("gdpr", date(2026, 1, 31), date(2026, 3, 2)),  # 28 February is a Saturday
        ("gdpr", date(2026, 9, 10), date(2026, 10, 12)),
        ("ccpa", date(2026, 9, 1), date(2026, 10, 16)),
    ],
)
def test_an_extension_is_possible_on_the_last_day_and_not_after(
    store: Store, regulation: str, received: date, last: date
) -> None:
    task = requests.submit(store, request(regulation=regulation)._replace(received_on=received), ACTOR)
    assert legal_records.cannot_extend(task, last) is None
    assert str(last) in (legal_records.cannot_extend(task, last + timedelta(days=1)) or "")


def test_a_receipt_is_not_corrected_to_a_day_for_which_the_extension_came_too_late(store: Store) -> None:
    task = _received(store, 3, "gdpr")
    single.extend(store, task.number, "many requests", TODAY, ACTOR)
    task = tasks.get(store, task.number)
    assert legal_records.cannot_correct(task, TODAY - timedelta(days=10), "gdpr") is None
    refusal = legal_records.cannot_correct(task, TODAY - timedelta(days=60), "gdpr")
    assert refusal is not None
    assert "Withdraw the extension first" in refusal


def test_a_plan_says_why_it_does_not_extend_a_completed_retrieval(store: Store) -> None:
    late = _received(store, 100, "gdpr")
    store.rows("UPDATE tasks SET status = 'COMPLETED', terminal = 1 WHERE number = ?", (late.number,))
    planned = bulk_plan.plan(store, EXTEND, [late.number], TODAY)
    assert planned.skipped == (("too late to be extended", 1),)


def test_what_has_no_deadline_or_is_answered_is_not_extended(store: Store) -> None:
    assert "no legal deadline" in (legal_records.cannot_extend(_received(store, 0, "none"), TODAY) or "")
    assert "CANCELLED" in (legal_records.cannot_extend(in_status(store, Status.CANCELLED, Kind.DELETION), TODAY) or "")
    answered = in_status(store, Status.COMPLETED, task_id="task-2")
    single.answer(store, answered.number, "by email", TODAY, ACTOR)
    assert f"answered on {TODAY}" in (legal_records.cannot_extend(tasks.get(store, answered.number), TODAY) or "")
    quebec = _received(store, 1, "ca-qc")
    assert f"stays due on {quebec.due_on}" in (legal_records.cannot_extend(quebec, TODAY) or "")
    held = in_status(store, Status.ON_HOLD, Kind.DELETION, "task-3")
    single.answer(store, held.number, "by email", TODAY, ACTOR)
    planned = bulk_plan.plan(store, EXTEND, range(1, held.number + 1), TODAY)
    assert dict(planned.skipped) == {
        "without deadline": 1,
        "deletion CANCELLED": 1,
        "answered already": 2,
        "without extension by law": 1,
    }
    with pytest.raises(NotPossible):
        single.extend(store, 1, "", TODAY, ACTOR)


def test_receipt_is_confirmed_once_and_not_before_it(store: Store) -> None:
    task = _received(store, 20, "ccpa")
    with pytest.raises(NotPossible, match="was received on"):
        single.acknowledge(store, task.number, TODAY - timedelta(days=21), ACTOR)
    single.acknowledge(store, task.number, TODAY, ACTOR)
    assert tasks.get(store, task.number).acknowledged_on == TODAY
    assert "days late" in (timeline.of_task(store, task.number)[-1].detail or "")
    with pytest.raises(NotPossible):
        single.acknowledge(store, task.number, TODAY, ACTOR)


def test_another_day_of_the_confirmation_corrects_it_and_both_stay_on_the_timeline(store: Store) -> None:
    task = _received(store, 5, "ccpa")
    for day in (TODAY, TODAY - timedelta(days=1)):
        single.acknowledge(store, task.number, day, ACTOR)
    assert tasks.get(store, task.number).acknowledged_on == TODAY - timedelta(days=1)
    told = [event.detail for event in timeline.of_task(store, task.number) if event.what == "acknowledged"]
    assert told == [f"on {TODAY}", f"on {TODAY - timedelta(days=1)}, corrected from {TODAY}"]


def test_a_resubmitted_request_stays_extended_confirmed_verified_and_in_the_same_hands(store: Store) -> None:
    task = in_status(store, Status.FAILED)
    single.extend(store, task.number, "complex", TODAY, ACTOR)
    single.acknowledge(store, task.number, TODAY, ACTOR)
    single.verify(store, task.number, Verification(TODAY, "jane", "order details"), ACTOR)
    single.assign(store, task.number, "jane", ACTOR)
    old, new = tasks.get(store, task.number), requests.resubmit(store, task.number, ACTOR)
    assert (new.due_on, new.extended_on, new.acknowledged_on) == (old.due_on, TODAY, TODAY)
    assert (new.verification, new.assigned_to) == (old.verification, "jane")
    assert "once" in (legal_records.cannot_extend(new, TODAY) or "")


def test_a_purge_takes_notes_and_the_words_of_a_verification_and_keeps_that_it_was(
    store: Store, clock: ManualClock
) -> None:
    task = in_status(store, Status.COMPLETED, Kind.DELETION)
    single.add_note(store, task.number, "jane's secret", ACTOR)
    single.verify(store, task.number, Verification(TODAY, ACTOR, "jane's secret"), ACTOR)
    single.answer(store, task.number, "jane's secret", TODAY, ACTOR)
    clock.advance(days=800)
    assert purge.purge(store, [task.number], ACTOR, TODAY, evidence_too=False).tasks == 1
    found = tasks.get(store, task.number)
    assert (found.answered_on, found.answered_how) == (TODAY, None)
    assert found.verification == Verification(TODAY, ACTOR, "")
    assert single.notes(store, task.number) == []
    assert b"jane's secret" not in store.path.read_bytes()


def test_a_note_from_before_notes_were_lines_becomes_one(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = migrate.migration_scripts()[:2]
    path = store.path.with_name("older.db")
    before = apsw.Connection(str(path))
    with monkeypatch.context() as then:
        then.setattr(migrate, "migration_scripts", lambda: older)
        migrate.apply_missing(before)
    at = format_instant(clock.now)
    for note in ("VIP", "told", ""):
        before.execute(
            "INSERT INTO tasks (kind, email, status, note, received_on, regulation, recorded_at, revision)"
            " VALUES ('RETRIEVAL', 'a@b.de', 'QUEUED', ?, '2026-11-01', 'gdpr', ?, 1)",
            (note, at),
        )
    before.execute("INSERT INTO timeline (task, at, actor, what, detail) VALUES (2, ?, 'op', 'note', 'told')", (at,))
    before.close()
    after = open_store(path, clock=clock)
    lines = after.rows("SELECT task, actor, detail FROM timeline WHERE what = 'note' ORDER BY task")
    assert lines == [(1, "bwp-tui", "VIP"), (2, "op", "told")]
    after.close()


def test_a_correction_puts_no_day_of_receipt_after_the_answer(store: Store) -> None:
    number = accepted(store).number
    single.answer(store, number, "mailed", TODAY, ACTOR)
    refusal = legal_records.cannot_correct(tasks.get(store, number), TODAY + timedelta(days=1), "us-ca")
    assert refusal is not None
    assert refusal.short == "answered before that day"
