"""A row that a damaged history has lost is brought up to date by its timeline, with or without a backup of the row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.statuses import DeclineReason, Status
from bwp_tui.domain.task import Kind, Verification
from bwp_tui.store.commands import answers, bulk, decisions, legal_records, requests, work_records
from bwp_tui.store.commands import undo as undoing
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.maintenance import atomic_swap, backups, integrity, purge
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.columns_from_events import columns_after
from bwp_tui.store.queries.timeline import LegalRecord, TimelineRow
from bwp_tui.store.worklog import intent_outcomes
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, overwrite, overwrite_indexes, overwrite_table
from tests.store.support import ACTOR, SOON, TODAY, accepted, answer, in_status, received, sent, submitted

_OTHER_ID = "0e8f99a6-4adf-420d-9a48-255c3028a4b9"
_LATE = TODAY + timedelta(days=60)
_EARLIER = TODAY - timedelta(days=18)


def _back_up(path: Path) -> None:
    assert backups.back_up_daily(path, TODAY, threading.Event())


def _recovered(path: Path, clock: ManualClock, *tables: str) -> Store:
    """Lose whole tables, recover the history, and open it."""
    for table in tables:
        overwrite_table(path, table)
    clock.advance(minutes=1)
    flag_damage(path)
    store = open_store(path, clock=clock)
    assert store.opening_report is not None
    assert integrity.full_check(path) == []
    return store


def _edit(store: Store, number: int, apply: Callable[[work_records.TaskEdit], object], today: date = TODAY) -> None:
    single.edit(store, number, apply, ACTOR, today)


def _accept(store: Store, number: int, task_id: str) -> None:
    intent_outcomes.record_accepted(store, sent(store, number).id, task_id, SOON)


def _cancel(store: Store, number: int) -> None:
    requests.cancel(store, number, ACTOR)
    intent_outcomes.record_cancelled(store, sent(store, number).id)


def _live_a_day(store: Store) -> None:
    """Do with the five tasks of `_begin` what a day brings."""
    single.answered(store, 1, answer("COMPLETED"), None)
    _edit(store, 1, lambda one: answers.answer(one, "mailed: all", in_part="photos"))
    _cancel(store, 2)
    requests.send(store, 3, ACTOR)
    _accept(store, 3, "task-3")
    _accept(store, 4, "task-4")
    _edit(store, 4, lambda one: legal_records.correct(one, _EARLIER, "uk-gdpr"))
    _edit(store, 4, lambda one: legal_records.inquire(one, TODAY - timedelta(days=9)))
    _edit(store, 4, lambda one: legal_records.verify(one, "call: back", "Ann", TODAY - timedelta(days=4)))
    _edit(store, 4, lambda one: legal_records.extend(one, "much to read"))
    _edit(store, 4, lambda one: legal_records.acknowledge(one, TODAY - timedelta(days=17)))
    _edit(store, 4, lambda one: work_records.assign(one, "ann"))
    _edit(store, 4, lambda one: work_records.note(one, "called back"))
    _edit(store, 4, lambda one: work_records.tag(one, ("vip", "two words")))
    _accept(store, 5, "task-5")
    _cancel(store, 5)


def _begin(store: Store) -> None:
    accepted(store, "task-1")
    accepted(store, "task-2", Kind.DELETION)
    single.verify(store, received(store, Kind.DELETION).number, Verification(TODAY, ACTOR, "tel"), ACTOR)
    submitted(store, Kind.DELETION)
    submitted(store, Kind.DELETION)


_ROOT = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
_ON_TIMELINE = (
    "number, task_id, kind, status, terminal, finished_at, received_on, due_on, extended_on, acknowledged_on,"
    " verified_on, verified_by, verified_how, inquired_on, replied_on, answered_on, answered_how, answered_in_part,"
    " assigned_to, tags, cancel_asked"
)


def test_a_row_of_a_backup_gets_all_that_its_timeline_says_later(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    _begin(store)
    _back_up(path)
    clock.advance(hours=1)
    _live_a_day(store)
    before = store.rows(f"SELECT {_ON_TIMELINE}, email, regulation, note FROM tasks")
    store.close()
    recovered = _recovered(path, clock, "tasks")
    assert recovered.rows(f"SELECT {_ON_TIMELINE}, email, regulation, note FROM tasks") == before
    assert recovered.rows("SELECT number FROM tasks WHERE next_poll_at IS NOT NULL") == [(3,), (4,)]
    assert recovered.rows("SELECT count(*) FROM intents WHERE state = 'waiting'") == [(0,)]
    assert "5 from history-2026-11-20.db (5 brought up to date by their timelines)" in str(recovered.opening_report)
    (aside,) = atomic_swap.histories_set_aside(path)
    assert "timeline, read from the pages, said more: 5." in aside.with_suffix(".txt").read_text()
    recovered.close()


@pytest.mark.parametrize("tables", [("tasks",), ("tasks", "chains")])
@pytest.mark.parametrize("with_backup", [True, False])
def test_a_row_that_a_lost_write_left_older_than_its_timeline_is_brought_up_to_date(
    path: Path, clock: ManualClock, tables: tuple[str, ...], with_backup: bool
) -> None:
    store = open_store(path, clock=clock)
    _begin(store)
    if with_backup:
        _back_up(path)
    store.close()
    older = path.read_bytes()
    store = open_store(path, clock=clock)
    clock.advance(hours=1)
    _live_a_day(store)
    columns = f"{_ON_TIMELINE}, email, regulation, note".replace("finished_at, ", "")
    before = store.rows(f"SELECT {columns} FROM tasks")
    roots = [int(str(page)) for name in tables for (page,) in store.rows(_ROOT, (name,))]
    store.close()
    for root in roots:
        overwrite(path, (root - 1) * PAGE, older[(root - 1) * PAGE : root * PAGE])
    recovered = _recovered(path, clock)
    assert recovered.rows(f"SELECT {columns} FROM tasks") == before
    assert "5 older than their timelines and brought up to date by these" in str(recovered.opening_report)
    (aside,) = atomic_swap.histories_set_aside(path)
    assert "which were brought up to date by these: 5." in aside.with_suffix(".txt").read_text()
    recovered.close()


@pytest.mark.parametrize("with_backup", [True, False])
def test_a_deletion_that_waits_on_old_pages_alone_is_left_to_the_operator(
    path: Path, clock: ManualClock, with_backup: bool
) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store, Kind.DELETION)
    unchanged = received(store, Kind.DELETION)
    if with_backup:
        _back_up(path)
    store.close()
    older = path.read_bytes()
    store = open_store(path, clock=clock)
    clock.advance(hours=1)
    requests.cancel(store, task.number, ACTOR)
    roots = [int(str(page)) for name in ("tasks", "timeline", "intents") for (page,) in store.rows(_ROOT, (name,))]
    store.close()
    for root in roots:
        overwrite(path, (root - 1) * PAGE, older[(root - 1) * PAGE : root * PAGE])
    recovered = _recovered(path, clock)
    statuses = [tasks.get(recovered, number).status for number in (task.number, unchanged.number)]
    assert statuses == [Status.UNCONFIRMED, Status.UNCONFIRMED]  # nothing says of which task the missing event is
    assert recovered.rows("SELECT count(*) FROM intents WHERE state = 'waiting'") == [(0,)]
    recovered.close()


def test_without_a_backup_it_gets_the_same_except_what_no_event_names(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    _begin(store)
    clock.advance(hours=1)
    _live_a_day(store)
    columns = "number, task_id, kind, status, finished_at, answered_on, answered_how, answered_in_part, verified_how"
    before = store.rows(f"SELECT {columns} FROM tasks")
    corrected = store.rows(f"SELECT {_ON_TIMELINE}, regulation FROM tasks WHERE number = 4")
    store.close()
    overwrite_indexes(path)
    recovered = _recovered(path, clock, "tasks")
    assert recovered.rows(f"SELECT {columns} FROM tasks") == before
    assert recovered.rows(f"SELECT {_ON_TIMELINE}, regulation FROM tasks WHERE number = 4") == corrected
    notes = [tasks.get(recovered, number).note for number in (1, 4)]
    assert ["day of receipt" in note for note in notes] == [True, False]
    assert notes[1].startswith("called back")
    recovered.close()


@pytest.mark.parametrize("with_backup", [True, False])
def test_a_received_request_stays_one_only_where_its_whole_timeline_says_so(
    path: Path, clock: ManualClock, with_backup: bool
) -> None:
    store = open_store(path, clock=clock)
    received(store, Kind.DELETION)
    received(store)
    if with_backup:
        _back_up(path)
    clock.advance(hours=1)
    for number in (1, 2):
        single.verify(store, number, Verification(TODAY, ACTOR, "tel"), ACTOR)
    requests.send(store, 2, ACTOR)
    store.close()
    with apsw.Connection(str(path)) as db:
        db.execute("DROP TRIGGER timeline_is_kept; DELETE FROM timeline WHERE what = 'send asked'")
    recovered = _recovered(path, clock, "tasks", "intents")
    assert [tasks.get(recovered, number).status for number in (1, 2)] == [Status.RECEIVED, Status.UNCONFIRMED]
    assert [tasks.get(recovered, number).verification is None for number in (1, 2)] == [False, False]
    recovered.close()


def test_a_deletion_that_waits_by_its_whole_timeline_and_intent_goes_on_waiting(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    submitted(store, Kind.DELETION)
    submitted(store, Kind.DELETION)
    _back_up(path)
    clock.advance(minutes=5)
    requests.cancel(store, 2, ACTOR)
    store.close()
    recovered = _recovered(path, clock, "tasks")
    assert [tasks.get(recovered, number).status for number in (1, 2)] == [Status.QUEUED, Status.CANCELLED]
    assert recovered.rows("SELECT task, attempts FROM intents WHERE state = 'waiting'") == [(1, 1)]
    recovered.close()


@pytest.mark.parametrize("tables", [("tasks", "timeline"), ("tasks", "timeline", "chains")])
@pytest.mark.parametrize("with_backup", [True, False])
def test_a_confirmed_cancellation_stays_where_its_intent_alone_is_left(
    path: Path, clock: ManualClock, with_backup: bool, tables: tuple[str, ...]
) -> None:
    store = open_store(path, clock=clock)
    accepted(store, "task-1", Kind.DELETION)
    if with_backup:
        _back_up(path)
    clock.advance(hours=1)
    _cancel(store, 1)
    store.close()
    recovered = _recovered(path, clock, *tables)
    assert "could be used" not in str(recovered.opening_report)
    assert tasks.get(recovered, 1).status == Status.CANCELLED
    recovered.close()


def test_a_decline_and_its_appeal_stay(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    for task in (received(store), accepted(store, "task-2", Kind.DELETION), accepted(store, "task-3", Kind.DELETION)):
        _edit(store, task.number, lambda one: legal_records.correct(one, regulation="us-va"))
    _back_up(path)
    clock.advance(hours=1)
    for number in (1, 2, 3):
        _edit(store, number, lambda one: decisions.decline(one, DeclineReason.EXEMPT, "kept: by law", _LATE))
    intent_outcomes.record_cancelled(store, sent(store, 2).id)
    for number in (1, 2):
        _edit(store, number, lambda one: decisions.appeal(one, _LATE))
    _edit(store, 2, lambda one: decisions.appeal(one, answered=_LATE, upheld=False))
    columns = (
        f"{_ON_TIMELINE}, declined_on, decline_reason, decline_text, appealed_on, appeal_answered_on, appeal_upheld"
    )
    before = store.rows(f"SELECT {columns} FROM tasks")
    for number in (1, 2, 3):
        _agrees(store, number)
    store.close()
    recovered = _recovered(path, clock, "tasks")
    assert recovered.rows(f"SELECT {columns} FROM tasks") == before
    assert [tasks.get(recovered, number).status for number in (1, 2, 3)] == ["DECLINED", "DECLINED", "ON_HOLD"]
    recovered.close()


def test_what_was_purged_after_the_backup_stays_purged(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    in_status(store, Status.COMPLETED)
    _back_up(path)
    clock.advance(hours=1)
    _edit(store, 1, lambda one: answers.answer(one, "mailed"))
    purge.purge(store, [1], ACTOR, TODAY, evidence_too=False)
    store.close()
    recovered = _recovered(path, clock, "tasks")
    task = tasks.get(recovered, 1)
    assert (task.email, task.purged_at is None, task.status) == ("", False, Status.COMPLETED)
    recovered.close()


def test_a_resubmission_keeps_its_link(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    in_status(store, Status.UNCONFIRMED)
    _back_up(path)
    clock.advance(hours=1)
    requests.resubmit(store, 1, ACTOR)
    store.close()
    recovered = _recovered(path, clock, "tasks")
    assert recovered.rows("SELECT number, resubmit_of, resubmitted FROM tasks") == [(1, None, 1), (2, 1, 0)]
    first, second = (tasks.get(recovered, number) for number in (1, 2))
    assert (second.email, second.received_on, second.regulation, second.due_on, second.status) == (
        *(first.email, first.received_on, first.regulation, first.due_on),
        Status.UNCONFIRMED,
    )
    recovered.close()


def test_a_damaged_value_is_taken_from_the_timeline_rather_than_from_an_older_backup(
    path: Path, clock: ManualClock
) -> None:
    store = open_store(path, clock=clock)
    accepted(store)
    _back_up(path)
    clock.advance(hours=1)
    _edit(store, 1, lambda one: legal_records.correct(one, _EARLIER))
    due = tasks.get(store, 1).due_on
    store.rows("PRAGMA ignore_check_constraints = ON")
    store.rows("UPDATE tasks SET received_on = '2026-99-99', due_on = '2026-99-98'")
    store.close()
    data = path.read_bytes()
    path.write_bytes(b"\0" * 16 + data[16:])
    recovered = _recovered(path, clock)
    task = tasks.get(recovered, 1)
    assert (task.received_on, task.due_on) == (_EARLIER, due)
    recovered.close()


def _events(store: Store, number: int) -> list[TimelineRow]:
    rows = store.rows("SELECT at, what, before, after, detail FROM timeline WHERE task = ? ORDER BY id", (number,))
    return [TimelineRow(*(None if value is None else str(value) for value in row)) for row in rows]  # type: ignore[arg-type]  # at and what are never NULL


@pytest.mark.parametrize("record", LegalRecord)
def test_a_withdrawn_record_is_none(path: Path, clock: ManualClock, record: LegalRecord) -> None:
    store = open_store(path, clock=clock)
    _begin(store)
    _live_a_day(store)
    number = 1 if record is LegalRecord.ANSWER else 4
    if record is LegalRecord.APPEAL:
        number = in_status(store, Status.CANCELLED, Kind.DELETION, "task-6").number
        _edit(store, number, lambda one: legal_records.correct(one, regulation="us-va"))
        _edit(store, number, lambda one: decisions.decline(one, DeclineReason.FRAUD, "no"))
        _edit(store, number, lambda one: decisions.appeal(one, TODAY, TODAY, upheld=True))
    _edit(store, number, lambda one: answers.withdraw(one, record))
    _agrees(store, number)
    store.close()


def test_a_task_that_was_cancelled_for_a_withdrawn_decline_has_no_id(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    number = accepted(store, kind=Kind.DELETION).number
    _edit(store, number, lambda one: decisions.decline(one, DeclineReason.FRAUD, "no"))
    intent_outcomes.record_cancelled(store, sent(store, number).id)
    _edit(store, number, decisions.withdraw_decline)
    assert tasks.get(store, number).status == Status.RECEIVED
    assert columns_after({}, _events(store, number))["task_id"] is None
    _agrees(store, number)
    store.close()


def test_an_undone_change_counts_no_longer(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    _begin(store)
    _live_a_day(store)
    for part, apply in (
        (timeline.TaskPart.RECEIPT, lambda one: legal_records.correct(one, TODAY - timedelta(days=30))),
        (timeline.TaskPart.ASSIGNMENT, lambda one: work_records.assign(one, None)),
        (timeline.TaskPart.TAGS, lambda one: work_records.tag(one, ("new",), ("vip",))),
        (timeline.TaskPart.NOTE, lambda one: work_records.note(one, "", replace=True)),
        (LegalRecord.ANSWER, lambda one: answers.answer(one, "by letter")),
    ):
        changes: list[undoing.PartChange] = []

        def command(transaction: Transaction, store: Store, number: int, apply: Callable[..., object] = apply) -> int:
            apply(work_records.TaskEdit(transaction, store, number, ACTOR, TODAY))
            return number

        list(bulk.apply_to_each(store, undoing.with_recorded_values(command, part, changes), [4]))
        assert len(changes) == 1
        list(bulk.apply_to_each(store, undoing.undo(part, changes, ACTOR), [4]))
        assert timeline.of_task(store, 4)[-1].what == timeline.EventKind.UNDONE
    _agrees(store, 4)
    store.close()


def test_an_id_that_was_dropped_is_not_taken(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    in_status(store, Status.UNCONFIRMED)
    decisions.enter_task_id(store, 1, _OTHER_ID, ACTOR)
    assert columns_after({}, _events(store, 1))["task_id"] == _OTHER_ID
    single.answered(store, 1, answer("COMPLETED", email="other@example.com"), None)
    _agrees(store, 1)
    store.close()


def _agrees(store: Store, number: int) -> None:
    """Check that what the timeline of a task says is what its row holds."""
    columns = columns_after({}, _events(store, number))
    assert "status" in columns
    for name in columns.keys() - {"next_poll_at", "trouble", "polls", "submitted_at"}:
        assert store.rows(f"SELECT {name} FROM tasks WHERE number = ?", (number,)) == [(columns[name],)], name
