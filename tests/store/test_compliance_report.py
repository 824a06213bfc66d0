"""The figures of a period."""

from __future__ import annotations

import statistics
import uuid
from datetime import date, timedelta
from functools import partial

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import FINAL_STATUSES, DeclineReason, Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.commands import decisions, legal_records, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import compliance_report, dashboard, tasks
from bwp_tui.store.worklog import intent_outcomes, poll_responses
from bwp_tui.store.worklog.insert_request import insert_request
from tests.store import single
from tests.store.support import ACTOR, NOW, SOON, TODAY, answer, in_status, received, request, sent


def _completed(store: Store, number: int, days_ago: int) -> None:
    asked = request(email=f"s{number}@example.com")._replace(received_on=TODAY - timedelta(days=days_ago))
    task = requests.submit(store, asked, ACTOR)
    intent_outcomes.record_accepted(store, sent(store, task.number).id, f"done-{number}", SOON)
    single.answered(store, task.number, answer("COMPLETED", updated_at=NOW), SOON)
    single.answer(store, task.number, "result sent", TODAY - timedelta(days=1), ACTOR)


def test_each_request_counts_once_as_it_stands_with_the_days_it_took(store: Store) -> None:
    for number, days in enumerate((2, 4, 12)):
        _completed(store, number, days)
    for number, status in enumerate((Status.FAILED, Status.REJECTED, Status.IN_PROGRESS)):
        in_status(store, status, task_id=f"task-{number}")
    requests.resubmit(store, 4, ACTOR)
    in_status(store, Status.CANCELLED, Kind.DELETION, "held")
    deletion, retrieval = compliance_report.compliance_report(store, TODAY - timedelta(days=30), TODAY)
    assert (deletion.kind, deletion.received, deletion.cancelled, deletion.mean_days) == (Kind.DELETION, 1, 1, None)
    assert (retrieval.received, retrieval.complied_in_whole, retrieval.cancelled) == (6, 3, 0)
    assert (retrieval.answered, retrieval.unanswered) == (3, 3)
    assert (retrieval.median_days, retrieval.mean_days) == (3, 5)


@pytest.mark.parametrize("took", [(7,), (0, 1), (1, 1, 9), (0, 2, 2, 30), (5, 4, 3, 2, 1)])
def test_median_and_mean_are_those_of_the_days_from_receipt_to_answer(store: Store, took: tuple[int, ...]) -> None:
    for number, days in enumerate(took):
        _completed(store, number, 40)
        single.answer(store, number + 1, "result sent", TODAY - timedelta(days=40 - days), ACTOR)
    [line] = compliance_report.compliance_report(store, date.min, date.max)
    assert (line.answered, line.median_days) == (len(took), statistics.median(took))
    assert line.mean_days == pytest.approx(statistics.fmean(took))


@pytest.mark.parametrize(("first", "last", "received"), [(0, 0, 1), (-1, 1, 1), (1, 9, 0), (-9, -1, 0)])
def test_both_ends_of_the_period_belong_to_it(store: Store, first: int, last: int, received: int) -> None:
    in_status(store, Status.FAILED)
    lines = compliance_report.compliance_report(store, TODAY + timedelta(days=first), TODAY + timedelta(days=last))
    assert sum(line.received for line in lines) == received
    assert all(line.unanswered == 1 for line in lines)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_answered", [False, True])
def test_each_request_is_in_one_column_and_those_without_an_answer_are_what_the_filter_finds(
    store: Store, kind: Kind, is_answered: bool
) -> None:
    for number, status in enumerate((*Status, "NEW_ONE")):
        task = requests.submit(store, request(kind, f"s{number}@example.com"), ACTOR)
        if is_answered:
            single.answer(store, task.number, "by email", TODAY, ACTOR)
        with store.write() as transaction:
            transaction.run(
                "UPDATE tasks SET status = ?, terminal = ? WHERE number = ?",
                (status, int(status in FINAL_STATUSES), task.number),
            )
        [line] = compliance_report.compliance_report(store, date.min, date.max)
        columns = (line.complied_in_whole, line.not_complied, *line.declined.values(), line.cancelled, line.unanswered)
        assert sum(columns) == line.received == number + 1, status
        assert line.unanswered == tasks.count(store, parse("is:open"), today=TODAY), status


def test_declines_count_by_reason_with_their_appeals_and_the_days_until_the_shopper_was_told(store: Store) -> None:
    received = TODAY - timedelta(days=20)
    columns = "status = 'DECLINED', terminal = 1, received_on = ?, declined_on = ?, decline_reason = ?"
    with store.write() as transaction:
        for days, (reason, upheld) in enumerate(
            [*((reason, None) for reason in DeclineReason), (DeclineReason.EXEMPT, 1), (DeclineReason.EXEMPT, 0)]
        ):
            number = insert_request(transaction, request(), ACTOR)
            told = received + timedelta(days=days)
            transaction.run(
                f"UPDATE tasks SET {columns}, appealed_on = ?, appeal_answered_on = ?, appeal_upheld = ?"
                " WHERE number = ?",
                (
                    str(received),
                    str(told),
                    reason,
                    *([None] * 2 if upheld is None else [str(TODAY)] * 2),
                    upheld,
                    number,
                ),
            )
    [line] = compliance_report.compliance_report(store, date.min, date.max)
    # Whose appeal was upheld waits for an answer again.
    expected = dict.fromkeys(DeclineReason, 1) | {DeclineReason.EXEMPT: 2}
    assert line.declined == expected
    assert (line.received, sum(line.declined.values()), line.unanswered, line.appealed, line.upheld) == (9, 8, 1, 2, 1)
    is_withdrawn, is_upheld = [*DeclineReason].index(DeclineReason.WITHDRAWN), len(DeclineReason)
    days_taken = [days for days in range(9) if days not in (is_withdrawn, is_upheld)]
    assert (line.answered, line.median_days) == (7, statistics.median(days_taken))
    assert line.mean_days == pytest.approx(statistics.fmean(days_taken))
    figures = dashboard.read_statistics(store, TODAY)
    assert (figures.answers.in_time, figures.answers.late, figures.answers.median_days) == (7, 0, line.median_days)
    assert sum(figures.answered) == line.answered
    upheld = store.integer("SELECT number FROM tasks WHERE appeal_upheld = 1")
    requests.resubmit(store, upheld, ACTOR)
    [line] = compliance_report.compliance_report(store, date.min, date.max)
    assert (line.received, line.declined["exempt"], line.unanswered, line.upheld) == (9, 2, 1, 1)


def test_an_appeal_counts_with_the_newest_task_of_its_request(store: Store) -> None:
    received(store)
    for change in (
        partial(legal_records.correct, received=TODAY - timedelta(9), regulation="us-tx"),
        partial(decisions.decline, reason="fraud", text="told"),
        partial(decisions.appeal, received=TODAY, answered=TODAY, upheld=True),
    ):
        single.edit(store, 1, change, ACTOR, TODAY)
    again = requests.resubmit(store, 1, ACTOR).number
    correct = partial(legal_records.correct, received=TODAY - timedelta(40), regulation="us-va")
    single.edit(store, again, correct, ACTOR, TODAY)
    assert compliance_report.compliance_report(store, TODAY - timedelta(9), TODAY) == []
    [line] = compliance_report.compliance_report(store, date.min, date.max)
    assert (line.regulation, line.received, line.appealed, line.upheld) == ("us-va", 1, 1, 1)


def test_a_request_that_was_never_sent_and_given_up_counts_as_unanswered(store: Store) -> None:
    number = received(store).number
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET status = 'UNCONFIRMED' WHERE number = ?", (number,))
    decisions.give_up(store, number, "never sent", ACTOR)
    (line,) = compliance_report.compliance_report(store, TODAY, TODAY)
    assert line.received == 1
    assert compliance_report.count_unknown_ids(store, TODAY, TODAY) == 0


def test_tracked_ids_that_the_service_never_knew_are_no_requests_in_report_and_dashboard(store: Store) -> None:
    for task_id in ("id-1", "id-2"):
        mistyped = request(email="")._replace(received_on=TODAY)
        number = requests.track(store, Kind.RETRIEVAL, task_id, mistyped, ACTOR).number
        poll_responses.record_unknown(store, number, "Unknown.", store.clock())
        if task_id == "id-2":  # corrected to another id, which is unknown too
            decisions.enter_task_id(store, number, str(uuid.uuid4()), ACTOR)
            poll_responses.record_unknown(store, number, "Unknown.", store.clock())
        decisions.give_up(store, number, "mistyped", ACTOR)
        single.answer(store, number, "nobody waits", TODAY, ACTOR)
    assert compliance_report.compliance_report(store, TODAY, TODAY) == []
    assert compliance_report.count_unknown_ids(store, TODAY, TODAY) == 2
    figures = dashboard.read_statistics(store, TODAY)
    assert (sum(figures.received), sum(figures.answered), figures.answers.in_time) == (0, 0, 0)
