"""Events of the service in the history: each once, its task polled at once, and no task twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from bwp_tui.actions.record_operations import NOTE
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent, Verification
from bwp_tui.store.commands import bulk, decisions, legal_records, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, NoSuchTask, NotPossible
from bwp_tui.store.maintenance import backups, integrity, purge, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import downloads, engine_state, intent_outcomes, ready_polls
from bwp_tui.store.worklog.service_events import events_are_reliable, record_events
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import overwrite
from tests.store.support import ACTOR, NOW, SOON, TODAY, accepted, answer, in_status, request, scalar, sent, submitted


def event(
    task_id: str = "task-1",
    event_id: str = "event-1",
    *,
    kind: Kind = Kind.RETRIEVAL,
    status: Status = Status.COMPLETED,
) -> ServiceEvent:
    return ServiceEvent(event_id, kind, status, task_id, NOW - timedelta(minutes=1))


def kinds(store: Store, number: int) -> list[str]:
    return [line.what for line in timeline.of_task(store, number)]


def test_an_event_is_on_the_timeline_and_its_task_is_due_now(store: Store, clock: ManualClock) -> None:
    task = accepted(store)
    single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    clock.advance(seconds=30)
    assert record_events(store, [event()]) == 1
    due = ready_polls.ready(store, clock.now, 10)
    assert [(poll.number, poll.polls_unchanged, poll.is_announced) for poll in due] == [(task.number, 0, True)]
    line = timeline.of_task(store, task.number)[-1]
    assert (line.what, line.actor, line.detail) == (
        EventKind.EVENT_RECEIVED,
        timeline.SERVICE,
        "PERSONAL_DATA_RETRIEVAL_TASK_COMPLETED",
    )
    assert tasks.get(store, task.number).revision == store.revision()


def test_an_event_that_comes_again_is_counted_and_does_nothing(store: Store) -> None:
    task = accepted(store)
    record_events(store, [event()])
    lines = timeline.of_task(store, task.number)
    single.answered(store, task.number, answer("COMPLETED"), SOON)
    again = [event(), event(event_id="event-2"), event(event_id="event-2")]
    assert record_events(store, again) == 0
    assert kinds(store, task.number) == [*(line.what for line in lines), EventKind.STATUS]
    assert ready_polls.next_at(store) is None
    assert engine_state.read(store).duplicate_events == 3


def test_two_ends_of_a_task_are_two_events(store: Store) -> None:
    accepted(store)
    both = [event(), event(event_id="event-2", status=Status.FAILED)]
    assert record_events(store, both) == 2


def test_an_event_after_the_end_is_known_asks_for_no_poll(store: Store) -> None:
    task = in_status(store, "COMPLETED")
    assert record_events(store, [event()]) == 1
    assert ready_polls.next_at(store) is None
    assert kinds(store, task.number)[-1] == EventKind.EVENT_RECEIVED


def test_a_missing_task_is_polled_again_when_its_event_comes(store: Store, clock: ManualClock) -> None:
    task = in_status(store, "MISSING")
    record_events(store, [event()])
    assert [poll.number for poll in ready_polls.ready(store, clock.now, 10)] == [task.number]


def test_messages_that_are_no_events_are_counted(store: Store) -> None:
    assert record_events(store, [], foreign=2) == 0
    assert engine_state.read(store).foreign_messages == 2
    assert not events_are_reliable(store)


def test_a_superseded_engine_records_nothing(store: Store) -> None:
    accepted(store)
    engine = store.open_another()
    engine.engine_term = engine_state.record_new_term(store, 1, "host")
    engine_state.record_new_term(store, 2, "host")
    with pytest.raises(EngineSuperseded):
        record_events(engine, [event()])
    engine.close()
    assert scalar(store, "SELECT count(*) FROM service_events") == 0


# Tasks that were submitted elsewhere


def test_a_task_nobody_recorded_is_adopted_and_polled(store: Store, clock: ManualClock) -> None:
    elsewhere = event("task-9", kind=Kind.DELETION, status=Status.FAILED)
    assert record_events(store, [elsewhere, event("task-9", "event-2", kind=Kind.DELETION)]) == 2
    task = tasks.find_by_name(store, "task-9")
    assert (task.kind, task.email, task.tags, task.status) == (Kind.DELETION, "", ("adopted",), "QUEUED")
    assert [poll.task_id for poll in ready_polls.ready(store, clock.now, 10)] == ["task-9"]
    assert kinds(store, task.number) == [EventKind.ADOPTED, EventKind.EVENT_RECEIVED, EventKind.EVENT_RECEIVED]
    assert record_events(store, [elsewhere]) == 0


@pytest.mark.parametrize("at", [None, datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_an_event_without_a_plausible_instant_is_recorded(store: Store, at: datetime | None) -> None:
    assert record_events(store, [event("task-9")._replace(occurred_at=at)]) == 1
    assert tasks.find_by_name(store, "task-9").received_on == TODAY


def test_the_receipt_of_an_adopted_task_is_not_later_than_its_submission(store: Store) -> None:
    record_events(store, [event("task-9")], regulation="eu-gdpr")
    task = tasks.find_by_name(store, "task-9")
    submission = NOW - timedelta(days=11)
    response = replace(answer("COMPLETED", updated_at=NOW, email="jane@example.com"), submitted_at=submission)
    single.answered(store, task.number, response, SOON)
    polled = tasks.get(store, task.number)
    assert (polled.email, polled.received_on, polled.due_on) == (
        "jane@example.com",
        date(2026, 11, 9),
        date(2026, 12, 9),
    )


@pytest.mark.parametrize("given", [TODAY, date(2026, 11, 15)])
def test_the_receipt_of_a_tracked_task_is_not_later_than_its_submission_and_its_timeline_says_so(
    store: Store, given: date
) -> None:
    known = request(regulation="eu-gdpr")._replace(received_on=given)
    task = requests.track(store, Kind.RETRIEVAL, "task-9", known, ACTOR)
    submission = NOW - timedelta(days=11)
    response = replace(answer("COMPLETED", updated_at=NOW, email=task.email), submitted_at=submission)
    single.answered(store, task.number, response, SOON)
    polled = tasks.get(store, task.number)
    assert (polled.received_on, polled.due_on) == (date(2026, 11, 9), date(2026, 12, 9))
    (event,) = (event for event in timeline.of_task(store, task.number) if event.what == EventKind.CORRECTED)
    assert (event.actor, event.before, event.after) == (timeline.PROGRAM, str(task.due_on), "2026-12-09")
    assert event.detail == f"received {given} → 2026-11-09, the day of its submission"


def test_a_later_receipt_that_an_earlier_version_left_is_corrected_with_the_next_status(store: Store) -> None:
    task = requests.track(store, Kind.RETRIEVAL, "task-9", request(), ACTOR)
    runs = replace(answer("IN_PROGRESS", updated_at=NOW, email=task.email), submitted_at=NOW - timedelta(days=11))
    single.answered(store, task.number, runs, SOON)
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET received_on = ? WHERE number = ?", (TODAY.isoformat(), task.number))
    single.answered(store, task.number, replace(runs, status="COMPLETED"), SOON)
    assert tasks.get(store, task.number).received_on == date(2026, 11, 9)


def test_the_response_after_the_event_leaves_one_task_with_the_event(store: Store) -> None:
    task = submitted(store, Kind.DELETION)
    intent = sent(store, task.number)
    record_events(store, [event("task-9", kind=Kind.DELETION)])
    adopted = tasks.find_by_name(store, "task-9")
    single.answered(store, adopted.number, answer("COMPLETED", email=task.email), SOON)

    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)

    found = tasks.find_by_name(store, "task-9")
    assert (found.number, found.status, found.next_poll_at) == (task.number, "COMPLETED", None)
    assert kinds(store, task.number) == [
        EventKind.RECORDED,
        EventKind.ADOPTED,
        EventKind.EVENT_RECEIVED,
        EventKind.STATUS,
        EventKind.JOINED,
        EventKind.ACCEPTED,
    ]
    with pytest.raises(NoSuchTask):
        tasks.get(store, adopted.number)
    assert record_events(store, [event("task-9", "event-2", kind=Kind.DELETION)]) == 0
    assert scalar(store, "SELECT count(*) FROM tasks") == 1
    assert scalar(store, "SELECT sum(tasks) FROM tallies") == 1
    assert store.rows("PRAGMA foreign_key_check") == []


def test_what_people_did_with_an_adopted_task_becomes_the_requests_own(store: Store) -> None:
    received = TODAY - timedelta(days=19)
    task = requests.submit(store, request(note="call her", tags=("vip",))._replace(received_on=received), ACTOR)
    intent = sent(store, task.number)
    record_events(store, [event("task-9")])
    adopted = tasks.find_by_name(store, "task-9").number
    assert tasks.get(store, adopted).received_on > received
    single.set_tags(store, adopted, ("eu",), ACTOR)
    single.verify(store, adopted, Verification(TODAY, ACTOR, "order details"), ACTOR)
    single.acknowledge(store, adopted, TODAY, ACTOR)
    single.assign(store, adopted, "Ann", ACTOR)
    single.answered(store, adopted, answer("COMPLETED", email=task.email), SOON)
    requests.download(store, adopted, "/srv", ACTOR)
    (job,) = downloads.ready(store, SOON, 5)
    downloads.record_start(store, job)

    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    downloads.record_progress(store, job, 1, 2, None, None, event=(EventKind.TRANSFER_RESUMED, "at byte 1"))
    downloads.record_success(store, job, "/srv/a.zip", 2, "00")

    found = tasks.find_by_name(store, "task-9")
    assert (found.number, found.status, found.was_downloaded) == (task.number, "COMPLETED", True)
    assert (found.received_on, found.due_on) == (received, task.due_on)
    assert (found.note, found.tags, found.assigned_to) == ("call her", ("vip", "eu"), "Ann")
    assert (found.verification, found.acknowledged_on) == (Verification(TODAY, ACTOR, "order details"), TODAY)
    assert kinds(store, task.number)[-4:] == [
        EventKind.JOINED,
        EventKind.ACCEPTED,
        EventKind.TRANSFER_RESUMED,
        EventKind.DOWNLOADED,
    ]
    assert scalar(store, "SELECT count(*) FROM tasks") == scalar(store, "SELECT sum(tasks) FROM tallies") == 1
    assert store.rows("PRAGMA foreign_key_check") == []


def test_a_merged_timeline_is_in_the_order_of_time(store: Store, clock: ManualClock) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    record_events(store, [event("task-9")])
    adopted = tasks.find_by_name(store, "task-9").number
    for number, text in ((task.number, "first"), (adopted, "second"), (task.number, "third")):
        clock.advance(seconds=1)
        single.add_note(store, number, text, ACTOR)
    clock.advance(seconds=1)
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    assert tasks.get(store, task.number).note == "third"
    clock.advance(seconds=-60)
    single.add_note(store, task.number, "fourth", ACTOR)
    assert [note.text for note in single.notes(store, task.number)] == ["first", "second", "third", "fourth"]


def test_what_is_recorded_on_a_row_that_was_merged_meanwhile_lands_on_the_kept_one(store: Store) -> None:
    task = requests.submit(store, request(note="call her"), ACTOR)
    intent = sent(store, task.number)
    record_events(store, [event("task-9")])
    seen = tasks.find_by_name(store, "task-9")
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)

    note = NOTE.change_for(ACTOR, TODAY, text="called back", replace=True)
    check = bulk.unchanged_check(seen, lambda _: None, lambda now: now.note, accepts_joined_row=True)
    ((result,),) = bulk.apply_to_each(store, bulk.with_check(note, check), [seen.number])

    assert (result.resulting_id, result.refused) == (task.number, None)
    assert [note.text for note in single.notes(store, task.number)] == ["call her", "called back"]
    careful = bulk.unchanged_check(seen, lambda _: None, lambda now: now.note)
    ((result,),) = bulk.apply_to_each(store, bulk.with_check(note, careful), [seen.number])
    assert str(result.refused).startswith(f"#{seen.number} is #{task.number} now.")
    with pytest.raises(NoSuchTask, match=f"#{task.number}"):
        tasks.find_by_name(store, f"#{seen.number}")


def test_merged_rows_have_the_earlier_receipt_and_due_date_of_both_and_the_timeline_says_so(store: Store) -> None:
    task = requests.submit(store, request(regulation="gdpr"), ACTOR)
    intent = sent(store, task.number)
    record_events(store, [event("task-9")])
    adopted = tasks.find_by_name(store, "task-9").number
    single.extend(store, adopted, "busy", TODAY, ACTOR)
    received = TODAY - timedelta(days=9)
    single.edit(store, adopted, lambda one: legal_records.correct(one, received, "us-co"), ACTOR, TODAY)
    theirs = tasks.get(store, adopted).due_on

    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)

    found = tasks.get(store, task.number)
    assert (found.received_on, found.regulation, found.extended_on) == (received, "us-co", TODAY)
    assert found.due_on == theirs
    (merged,) = (line for line in timeline.of_task(store, task.number) if line.what == EventKind.JOINED)
    assert (merged.before, merged.after) == (str(task.due_on), str(found.due_on))


@pytest.mark.parametrize("answer_of_other", ["by phone", None])
def test_of_a_merged_failure_only_the_answer_that_was_given_to_it_counts(
    store: Store, answer_of_other: str | None
) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    single.answer(store, task.number, "by post", TODAY, ACTOR)
    record_events(store, [event("task-9", status=Status.FAILED)])
    adopted = tasks.find_by_name(store, "task-9").number
    single.answered(store, adopted, answer("FAILED", email=task.email), SOON)
    if answer_of_other:
        single.answer(store, adopted, answer_of_other, TODAY, ACTOR)
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    found = tasks.get(store, task.number)
    assert (found.status, found.answered_how) == (Status.FAILED, answer_of_other)
    assert EventKind.ANSWER_WITHDRAWN in kinds(store, task.number)


def test_a_regulation_that_nobody_gave_does_not_replace_that_of_the_request(store: Store) -> None:
    received = TODAY - timedelta(days=9)
    task = requests.submit(store, request(regulation="us-fl")._replace(received_on=received), ACTOR)
    intent = sent(store, task.number)
    record_events(store, [event("task-9")])
    adopted = tasks.find_by_name(store, "task-9").number
    store.rows("UPDATE tasks SET regulation = 'us-ca' WHERE number = ?", (adopted,))
    single.edit(store, adopted, lambda one: legal_records.correct(one, TODAY - timedelta(days=1)), ACTOR, TODAY)
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    found = tasks.get(store, task.number)
    assert (found.received_on, found.regulation, found.due_on) == (received, "us-fl", task.due_on)


def test_an_unconfirmed_request_can_be_settled_with_the_id_of_the_task_that_was_adopted(store: Store) -> None:
    task = in_status(store, "UNCONFIRMED")
    record_events(store, [event("task-id-9"), event("task-id-8", "event-2")])
    mine, other = (tasks.find_by_name(store, name) for name in ("task-id-9", "task-id-8"))
    with pytest.raises(NotPossible, match=f"#{mine.number}"):  # whose it is is not known yet
        decisions.enter_task_id(store, task.number, "task-id-9", ACTOR)
    single.answered(store, mine.number, answer("COMPLETED", email=task.email.upper()), SOON)
    single.answered(store, other.number, answer("COMPLETED", email="joe@example.com"), SOON)
    with pytest.raises(NotPossible, match=f"#{other.number}"):
        decisions.enter_task_id(store, task.number, "task-id-8", ACTOR)

    single.add_note(store, mine.number, "called her", ACTOR)
    entered = decisions.enter_task_id(store, task.number, "task-id-9", ACTOR)
    assert (entered.task_id, entered.note) == ("task-id-9", "called her")

    assert scalar(store, "SELECT count(*) FROM tasks") == 2


def test_a_task_tracked_by_hand_is_not_adopted(store: Store) -> None:
    requests.track(store, Kind.RETRIEVAL, "task-9", request(email=""), ACTOR)
    assert record_events(store, [event("task-9")]) == 1


# Whether events can be relied on


def test_events_are_proven_by_one_and_disproved_by_an_end_that_only_a_poll_found(store: Store) -> None:
    first, second, third = (accepted(store, name) for name in ("task-1", "task-2", "task-3"))
    record_events(store, [event("task-1")])
    single.answered(store, first.number, answer("COMPLETED", updated_at=NOW - timedelta(hours=1)), SOON)
    assert events_are_reliable(store)

    single.answered(store, second.number, answer("FAILED", updated_at=NOW - timedelta(minutes=4)), SOON)
    assert events_are_reliable(store)  # its event may be on its way

    single.answered(store, third.number, answer("FAILED", updated_at=NOW - timedelta(minutes=6)), SOON)
    assert not events_are_reliable(store)

    record_events(store, [event("task-3", "event-3", status=Status.FAILED)])
    assert events_are_reliable(store)


def test_the_event_of_another_end_announces_nothing(store: Store) -> None:
    task = accepted(store)
    record_events(store, [event(status=Status.FAILED)])
    single.answered(store, task.number, answer("COMPLETED"), SOON)
    assert not events_are_reliable(store)


# What becomes of them with the file


def _with_events(store: Store) -> None:
    """A task of ours with an event and one that was adopted, both ended."""
    for task_id in ("task-1", "task-9"):
        if task_id == "task-1":
            accepted(store, task_id)
        record_events(store, [event(task_id, f"event of {task_id}")])
        number = tasks.find_by_name(store, task_id).number
        single.answered(store, number, answer("COMPLETED", updated_at=NOW, email=f"{task_id}@example.com"), SOON)


def _check_known(path: Path, clock: ManualClock) -> None:
    """Check that the events are known by their ids and by their tasks, and that the tasks are there."""
    store = open_store(path, clock=clock)
    again = [event("task-1", "event of task-1"), event("task-9", "event of task-9"), event("task-9", "event-10")]
    assert record_events(store, again) == 0
    assert tasks.find_by_name(store, "task-9").tags == ("adopted",)
    store.close()
    assert integrity.full_check(path) == []


def test_a_purge_leaves_no_event_of_a_task_that_it_removes(path: Path, store: Store, clock: ManualClock) -> None:
    _with_events(store)
    clock.advance(days=100)
    for evidence_too, left in ((False, 2), (True, 0)):
        plan = purge.plan(store, parse(""), timedelta(days=90), TODAY, evidence_too=evidence_too, unanswered_too=True)
        purge.purge(store, plan.numbers, ACTOR, TODAY, evidence_too=evidence_too, unanswered_too=True)
        assert scalar(store, "SELECT count(*) FROM service_events") == left
        assert record_events(store, [event("task-1", "event of task-1")] * left) == 0
    assert integrity.full_check(path) == []


def test_a_damaged_history_keeps_its_events(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    _with_events(store)
    store.close()
    overwrite(path, 0, b"\0" * 24)
    _check_known(path, clock)


def test_a_restore_brings_no_row_back_that_was_merged_since(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    task = submitted(store)
    intent = sent(store, task.number)
    record_events(store, [event("task-9")])
    backup = path.with_name("older.db")
    backups.back_up_to(path, backup)
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    store.close()
    restore.restore(path, backup, clock())
    again = open_store(path, clock=clock)
    assert [(row.number, row.task_id) for row in tasks.matching(again, parse(""), today=TODAY, limit=9)] == [
        (task.number, "task-9")
    ]
    again.close()


def test_a_restored_history_takes_the_events_of_the_backup(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    _with_events(store)
    backup = path.with_name("newer.db")
    backups.back_up_to(path, backup)
    store.close()
    path.unlink()
    again = open_store(path, clock=clock)
    submitted(again)  # its number is that of another task in the backup
    again.close()
    restore.restore(path, backup, clock())
    _check_known(path, clock)


def test_a_lost_row_of_an_adopted_task_is_made_anew_from_its_timeline(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    record_events(store, [event("task-9", kind=Kind.DELETION)])
    number = tasks.find_by_name(store, "task-9").number
    single.extend(store, number, "busy", TODAY, ACTOR)  # an event with a due date where others have a status
    store.close()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF; DELETE FROM tasks").fetchall()
    db.close()
    overwrite(path, 0, b"\0" * 24)
    recovered = open_store(path, clock=clock)
    task = tasks.get(recovered, number)
    assert (task.task_id, task.kind, task.status) == ("task-9", Kind.DELETION, "QUEUED")
    recovered.close()
