"""What operators do, and what the state of a task forbids."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date

import pytest

from bwp_tui.actions.service_operations import cannot_refresh
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import TO_CHECK, Kind, Request
from bwp_tui.store.commands import requests
from bwp_tui.store.commands.request_validation import BadRequest, check_email
from bwp_tui.store.database.connection import Store, Transaction, as_text
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, intent_outcomes, intents, poll_responses, ready_polls
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import (
    ACTOR,
    NOW,
    SOON,
    TODAY,
    accepted,
    answer,
    has_waiting_intent,
    in_status,
    intent_of,
    request,
    scalar,
    sent,
    submitted,
)

TERMINAL = ("COMPLETED", "FAILED", "REJECTED", "CANCELLED", "MISSING")


def _untouched(store: Store) -> tuple[int, int, int]:
    return (
        store.revision(),
        scalar(store, "SELECT count(*) FROM tasks"),
        scalar(store, "SELECT count(*) FROM intents"),
    )


# Submitting


def test_a_submission_is_a_queued_task_an_intent_with_its_own_token_and_a_line_of_the_timeline(
    store: Store,
) -> None:
    asked = request(Kind.DELETION, regulation="gdpr", reason="art. 17", note="VIP", tags=("vip", "eu"))
    task = requests.submit(store, asked, ACTOR)
    assert (task.status, task.kind, task.email, task.task_id) == ("QUEUED", Kind.DELETION, "jane@example.com", None)
    assert (task.received_on, task.due_on, task.recorded_at) == (TODAY, date(2026, 12, 21), NOW)
    assert (task.reason, task.note, task.tags, task.holding_period) == ("art. 17", "VIP", ("vip", "eu"), 10)
    assert (task.next_poll_at, task.download, task.resubmit_of, task.earlier_number) == (None, None, None, None)
    (intent,) = intents.ready(store, NOW, 10)
    assert (intent.task_number, intent.action, intent.holding_period, intent.reason) == (
        task.number,
        "submit",
        10,
        "art. 17",
    )
    assert 36 <= len(intent.client_token) <= 64
    assert (intent.attempts, intent.first_sent_at) == (0, None)
    event, note = timeline.of_task(store, task.number)
    assert (event.at, event.actor, event.what, event.before, event.after) == (NOW, ACTOR, "recorded", None, "QUEUED")
    assert (note.what, note.detail) == ("note", "VIP")
    assert (task.revision, store.revision()) == (1, 1)


def test_a_request_that_a_person_has_to_check_is_not_sent_for_the_first_time(store: Store) -> None:
    unsent, asked = submitted(store), submitted(store, email="b@example.com")
    sent(store, asked.number)
    for task in (unsent, asked):
        single.set_tags(store, task.number, (TO_CHECK,), ACTOR)
    assert [intent.task_number for intent in intents.ready(store, SOON, 10)] == [asked.number]
    single.set_tags(store, unsent.number, (), ACTOR)
    assert [intent.task_number for intent in intents.ready(store, SOON, 10)] == [unsent.number, asked.number]


def test_client_tokens_differ(store: Store) -> None:
    for _ in range(20):
        submitted(store)
    assert len({intent.client_token for intent in intents.ready(store, NOW, 100)}) == 20


@pytest.mark.parametrize("days", [0, 1, 180])
def test_a_holding_period_within_the_bounds_is_kept(store: Store, days: int) -> None:
    assert requests.submit(store, request(Kind.DELETION, holding_period=days), ACTOR).holding_period == days


def test_a_retrieval_has_neither_holding_period_nor_reason(store: Store) -> None:
    task = requests.submit(store, request(Kind.RETRIEVAL, holding_period=500, reason="x"), ACTOR)
    assert (task.holding_period, task.reason) == (None, None)


_BAD_ADDRESSES = (
    "",
    "jane",
    "jane@",
    "jane@host",
    "jane@example.c",
    "jane@exam ple.com",
    "jane@example.com\n",
    "zoë@example.com",
)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        *((request(email=email), "email") for email in _BAD_ADDRESSES),
        (request(Kind.DELETION, holding_period=-1), "holding_period"),
        (request(Kind.DELETION, holding_period=181), "holding_period"),
        (request(regulation="lgpd"), "regulation"),
    ],
)
def test_what_the_service_would_refuse_is_not_recorded(store: Store, asked: Request, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        requests.submit(store, asked, ACTOR)
    assert caught.value.field == field
    assert _untouched(store) == (0, 0, 0)


def test_a_refused_address_is_named_without_what_steers_a_terminal() -> None:
    with pytest.raises(BadRequest) as caught:
        check_email("\x1b[31mjane\u202e")
    assert str(caught.value).isprintable()


def test_texts_of_operators_are_cleaned_where_they_enter(store: Store) -> None:
    asked = request(Kind.DELETION, reason="a\x1b[2J", note="b\u202e\nc", tags=("d\x07", "\udcff"))
    task = requests.submit(store, asked, ACTOR)
    assert (task.reason, task.note, task.tags) == ("a\\x1b[2J", "b\\u202e c", ("d\\x07", "\\udcff"))


def test_a_second_request_for_the_same_address_and_kind_is_flagged_with_the_one_before(store: Store) -> None:
    first = submitted(store)
    assert submitted(store, Kind.DELETION).earlier_number is None
    assert submitted(store, email="other@example.com").earlier_number is None
    assert submitted(store, email="Jane@Example.com").earlier_number == first.number


# Resubmitting


@pytest.mark.parametrize("status", ["FAILED", "REJECTED", "UNCONFIRMED", "MISSING", "CANCELLED"])
def test_what_failed_is_submitted_again_with_a_new_token_and_the_old_deadline(
    store: Store, clock: ManualClock, status: str
) -> None:
    kind = Kind.DELETION
    old = in_status(store, status, kind)
    assert old.status == status
    store.rows(
        "UPDATE tasks SET due_on = '2027-02-19', note = 'VIP', tags = '[\"eu\"]' WHERE number = ?", (old.number,)
    )
    before = {as_text(token) for (token,) in store.rows("SELECT client_token FROM intents WHERE action = 'submit'")}
    clock.advance(days=20)
    new = requests.resubmit(store, old.number, "other")
    assert (new.status, new.kind, new.email, new.holding_period) == ("QUEUED", kind, old.email, old.holding_period)
    assert (new.received_on, new.due_on, new.note, new.tags) == (TODAY, date(2027, 2, 19), "VIP", ("eu",))
    assert (new.resubmit_of, new.task_id) == (old.number, None)
    assert tasks.get(store, old.number).resubmitted_as == new.number
    assert tasks.get(store, old.number).revision == new.revision
    assert intent_of(store, new.number).client_token not in before
    assert timeline.of_task(store, old.number)[-1].detail == f"as #{new.number}"
    assert timeline.of_task(store, new.number)[0].detail == f"of #{old.number}, deletion"


@pytest.mark.parametrize("status", ["QUEUED", "IN_PROGRESS", "COMPLETED", "ON_HOLD", "SUSPENDED"])
def test_what_has_not_failed_is_not_submitted_again(store: Store, status: str) -> None:
    task = in_status(store, status, Kind.DELETION)
    before = _untouched(store)
    with pytest.raises(NotPossible, match=f"is {status}"):
        requests.resubmit(store, task.number, ACTOR)
    assert _untouched(store) == before


def test_nothing_is_submitted_again_twice(store: Store) -> None:
    task = in_status(store, "FAILED")
    requests.resubmit(store, task.number, ACTOR)
    before = _untouched(store)
    with pytest.raises(NotPossible, match=r"resubmitted already, as #2\."):
        requests.resubmit(store, task.number, ACTOR)
    assert _untouched(store) == before


def test_an_adopted_task_without_an_address_or_with_one_not_taken_is_not_submitted_again(
    store: Store, clock: ManualClock
) -> None:
    task = requests.track(store, Kind.RETRIEVAL, "task-9", request(email=""), ACTOR)
    for _ in range(poll_responses.MISSING_AFTER_RESPONSES):
        poll_responses.record_unknown(store, task.number, "unknown", SOON)
        clock.advance(seconds=poll_responses.MISSING_AFTER.total_seconds())
    assert tasks.get(store, task.number).status == Status.MISSING
    with pytest.raises(NotPossible, match="no email"):
        requests.resubmit(store, task.number, ACTOR)
    store.rows("UPDATE tasks SET email = 'zoë@example.com'")
    with pytest.raises(BadRequest):
        requests.resubmit(store, task.number, ACTOR)


# Cancelling


def test_a_deletion_on_hold_is_cancelled_by_an_intent(store: Store) -> None:
    task = accepted(store, "task-1", Kind.DELETION)
    assert task.status == "ON_HOLD"
    asked = requests.cancel(store, task.number, ACTOR)
    assert (asked.cancel_asked, asked.status, asked.revision) == (True, "ON_HOLD", store.revision())
    intent = intent_of(store, task.number)
    assert (intent.action, intent.task_id) == ("cancel", "task-1")
    before = _untouched(store)
    with pytest.raises(NotPossible, match="asked for already"):
        requests.cancel(store, task.number, ACTOR)
    assert _untouched(store) == before


@pytest.mark.parametrize("kind", Kind)
def test_a_request_never_sent_is_withdrawn_at_once(store: Store, kind: Kind) -> None:
    task = submitted(store, kind)
    intent = intent_of(store, task.number)
    withdrawn = requests.cancel(store, task.number, ACTOR)
    assert (withdrawn.status, withdrawn.finished_at, withdrawn.cancel_asked) == ("CANCELLED", NOW, False)
    assert not intent_outcomes.record_sending(store, intent.id)
    assert not has_waiting_intent(store, task.number)
    assert timeline.of_task(store, task.number)[-1].what == "withdrawn"


def test_a_screen_reads_a_request_again_once_it_is_sent_and_cannot_be_withdrawn(store: Store) -> None:
    task = submitted(store)
    before = store.revision()
    sent(store, task.number)
    assert tasks.changed_since(store, before) == [task.number]
    assert tasks.get(store, task.number).is_outcome_unknown


def test_a_request_put_off_before_it_left_is_withdrawn_and_one_that_may_have_arrived_is_not(store: Store) -> None:
    gone, kept, retrieval = submitted(store), submitted(store, Kind.DELETION), submitted(store)
    intent_outcomes.reschedule(store, sent(store, gone.number).id, "no network", SOON, never_sent=True)
    intent_outcomes.reschedule(store, sent(store, kept.number).id, "timed out", SOON, never_sent=False)
    sent(store, retrieval.number)
    assert requests.cannot_cancel(tasks.get(store, gone.number)) is None
    assert requests.cancel(store, gone.number, ACTOR).status == "CANCELLED"
    assert tasks.get(store, gone.number).trouble is None
    with pytest.raises(NotPossible, match="runs at once"):
        requests.cancel(store, retrieval.number, ACTOR)
    waiting = requests.cancel(store, kept.number, ACTOR)
    assert (waiting.status, waiting.cancel_asked) == ("QUEUED", True)


@pytest.mark.parametrize("status", ["IN_PROGRESS", "SUSPENDED", *TERMINAL])
def test_a_deletion_that_is_not_on_hold_is_not_cancelled(store: Store, status: str) -> None:
    task = in_status(store, status, Kind.DELETION)
    with pytest.raises(NotPossible, match=f"is {status}"):
        requests.cancel(store, task.number, ACTOR)


def test_a_retrieval_that_runs_is_not_cancelled(store: Store) -> None:
    with pytest.raises(NotPossible, match="A retrieval runs at once"):
        requests.cancel(store, accepted(store).number, ACTOR)


def test_a_task_is_judged_as_it_is_when_the_transaction_has_begun(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may write between the moment a task is read and the moment the action does."""
    task = submitted(store)
    intent = sent(store, task.number)
    write = store.write

    def overtaken() -> AbstractContextManager[Transaction]:
        monkeypatch.undo()
        intent_outcomes.record_accepted(store, intent.id, "task-1", SOON)
        return write()

    monkeypatch.setattr(store, "write", overtaken)
    with pytest.raises(NotPossible, match="A retrieval runs at once"):
        requests.cancel(store, task.number, ACTOR)
    assert (tasks.get(store, task.number).status, has_waiting_intent(store, task.number)) == (
        "IN_PROGRESS",
        False,
    )


# Downloading


def test_a_completed_retrieval_is_downloaded_once_at_a_time(store: Store) -> None:
    task = in_status(store, "COMPLETED")
    (asked,) = downloads.by_ids(store, [requests.download(store, task.number, "/srv/results", ACTOR)])
    assert (asked.state, asked.bytes, asked.asked_at) == ("queued", 0, NOW)
    (order,) = downloads.ready(store, NOW, 5)
    assert (order.task_number, order.folder, order.task_id) == (task.number, "/srv/results", "task-1")
    for _ in ("queued", "running"):
        with pytest.raises(NotPossible, match="was asked for already"):
            requests.download(store, task.number, "/srv/results", ACTOR)
        downloads.record_start(store, order)
    downloads.record_failure(store, order, "the disk is full")
    assert requests.download(store, task.number, "/srv/results", ACTOR) != order.id


@pytest.mark.parametrize("status", ["QUEUED", "IN_PROGRESS", "FAILED", "MISSING", "REJECTED"])
def test_what_has_no_result_is_not_downloaded(store: Store, status: str) -> None:
    task = in_status(store, status)
    with pytest.raises(NotPossible, match=f"is {status}"):
        requests.download(store, task.number, "/srv/results", ACTOR)
    assert downloads.unfinished(store) == []


def test_no_task_id_of_a_rejected_request_is_announced(store: Store) -> None:
    reason = cannot_refresh(in_status(store, "REJECTED"))
    assert reason is not None
    assert "yet" not in reason


def test_a_deletion_has_no_result(store: Store) -> None:
    task = in_status(store, "COMPLETED", Kind.DELETION)
    with pytest.raises(NotPossible, match="A deletion has no result"):
        requests.download(store, task.number, "/srv/results", ACTOR)


@pytest.mark.parametrize("state", DownloadState)
def test_only_an_open_download_stands_in_the_way_of_another(store: Store, state: DownloadState) -> None:
    task = in_status(store, "COMPLETED")._replace(download=_download(state))
    assert (requests.cannot_download(task) is None) == (state not in ("queued", "running"))


def _download(state: str) -> Download:
    return Download(
        id=1,
        task_number=1,
        state=state,
        path=None,
        bytes=0,
        total=None,
        rate=None,
        sha256=None,
        etag=None,
        trouble=None,
        attempts=0,
        asked_at=NOW,
        started_at=None,
        finished_at=None,
        actor=ACTOR,
    )


# Adopting, asking, annotating


def test_an_adopted_task_is_asked_about_at_once_and_filled_in_by_the_answer(store: Store) -> None:
    task = requests.track(store, Kind.DELETION, "task-9", request(Kind.DELETION, email=""), ACTOR)
    assert (task.status, task.task_id, task.next_poll_at, task.holding_period) == ("QUEUED", "task-9", NOW, None)
    assert [poll.task_id for poll in ready_polls.ready(store, NOW, 5)] == ["task-9"]
    assert not has_waiting_intent(store, task.number)
    single.answered(store, task.number, answer("ON_HOLD", email="zoe@example.com", holding_period=30), SOON)
    known = tasks.get(store, task.number)
    assert (known.status, known.email, known.holding_period) == ("ON_HOLD", "zoe@example.com", 30)


def test_a_task_id_is_adopted_once(store: Store) -> None:
    accepted(store, "task-1")
    before = _untouched(store)
    with pytest.raises(NotPossible, match="already, as #1"):
        requests.track(store, Kind.RETRIEVAL, "task-1", request(), ACTOR)
    assert _untouched(store) == before


def test_asking_now_makes_a_task_due_and_its_pace_young_again(store: Store) -> None:
    task, unsent = accepted(store), submitted(store)
    single.answered(store, task.number, answer("IN_PROGRESS"), SOON)
    assert ready_polls.ready(store, NOW, 5) == []
    requests.poll_now(store, [task.number, unsent.number])
    (poll,) = ready_polls.ready(store, NOW, 5)
    assert (poll.number, poll.polls_unchanged) == (task.number, 0)
    assert tasks.get(store, unsent.number).next_poll_at is None


def test_a_note_is_one_clean_line_and_the_same_note_again_changes_nothing(store: Store) -> None:
    task = submitted(store)
    single.set_note(store, task.number, " left\nmessage\x1b ", ACTOR)
    noted = tasks.get(store, task.number)
    assert (noted.note, noted.revision) == ("left message\\x1b", 2)
    lines = len(timeline.of_task(store, task.number))
    single.set_note(store, task.number, "left message\\x1b", ACTOR)
    assert tasks.get(store, task.number) == noted
    assert len(timeline.of_task(store, task.number)) == lines
    single.set_note(store, task.number, "", ACTOR)
    assert timeline.of_task(store, task.number)[-1].what == "note removed"


@pytest.mark.parametrize("act", [requests.cancel, requests.resubmit])
def test_acting_on_no_task_says_so_and_records_nothing(store: Store, act: object) -> None:
    assert callable(act)
    with pytest.raises(NoSuchTask):
        act(store, 7, ACTOR)
    assert store.revision() == 0


@pytest.mark.parametrize("regulation", ["gdpr", "ccpa"])
def test_a_day_at_the_end_of_the_calendar_is_a_bad_request(store: Store, regulation: str) -> None:
    wanted = request(regulation=regulation)._replace(received_on=date(9999, 12, 31))
    for refused in (requests.submit, lambda *given: requests.track(given[0], Kind.RETRIEVAL, "task-9", *given[1:])):
        with pytest.raises(BadRequest, match="due date") as caught:
            refused(store, wanted, ACTOR)
        assert caught.value.field == "received_on"
    assert store.rows("SELECT 1 FROM tasks") == []
