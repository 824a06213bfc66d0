"""Tasks that the service may finish after their due date: the function and the filter find the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

import pytest

from bwp_tui.cli.support import task_output
from bwp_tui.console.presentation.glyphs import UNICODE
from bwp_tui.console.presentation.task_row_cells import COLUMNS, CellContext
from bwp_tui.domain import times
from bwp_tui.domain.deadlines import PROCESSING_DAYS, latest_service_end, may_be_late, time_left_text
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, Kind
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import dashboard, tasks
from bwp_tui.store.worklog import intent_outcomes, poll_responses
from tests.store import single
from tests.store.support import ACTOR, NOW, TODAY, request, sent, submitted

SUBMISSIONS = (
    None,  # it waits here
    "2026-10-30T09:00:00.000000Z",
    "2026-11-24T04:59:59.999999Z",  # the 23rd in New York
    "2026-11-24T05:00:00.000000Z",
)
HOLDS = (None, 0, 1, 180)


@pytest.fixture
def new_york() -> Iterator[None]:
    times.set_shop_zone("America/New_York")
    yield
    times.set_shop_zone(None)


def _insert(store: Store) -> None:
    columns = "email, recorded_at, received_on, regulation, revision"
    first = submitted(store).number
    dues = [None, *(TODAY + timedelta(days=days) for days in (-1, 0, 28, 29, 30, 31, 39, 40))]
    with store.write() as transaction:
        for kind, status, at, hold, due in product(Kind, (Status.ON_HOLD, Status.FAILED), SUBMISSIONS, HOLDS, dues):
            transaction.run(
                f"INSERT INTO tasks ({columns}, kind, status, terminal, submitted_at, holding_period, due_on)"
                f" SELECT {columns}, ?, ?, ?, ?, ?, ? FROM tasks WHERE number = ?",
                (kind, status, status == Status.FAILED, at, hold, due.isoformat() if due else None, first),
            )


@pytest.mark.usefixtures("new_york")
def test_the_filter_finds_what_the_function_calls_late(store: Store) -> None:
    _insert(store)
    every = tasks.matching(store, parse(""), today=TODAY, limit=10_000)
    late = {task.number for task in every if may_be_late(task, TODAY)}
    assert late == set(tasks.matching_numbers(store, parse("is:late"), today=TODAY))
    assert 0 < len(late) < len(every)
    assert dashboard.read_statistics(store, TODAY).late == len(late)


@pytest.mark.usefixtures("new_york")
def test_the_latest_day_counts_hold_and_processing_from_the_offices_day(store: Store) -> None:
    _insert(store)
    for task in tasks.matching(store, parse("status:on_hold"), today=TODAY, limit=10_000):
        begun = TODAY if task.submitted_at is None else times.local_day(task.submitted_at)
        default = DEFAULT_HOLDING_PERIOD if task.kind is Kind.DELETION else 0
        days = PROCESSING_DAYS + (default if task.holding_period is None else task.holding_period)
        assert latest_service_end(task, TODAY) == max(TODAY, begun + timedelta(days=days))
    (final, *_) = tasks.matching(store, parse("is:failed"), today=TODAY, limit=1)
    assert latest_service_end(final, TODAY) is None


def test_an_unconfirmed_request_that_was_resubmitted_has_no_end(store: Store) -> None:
    number = submitted(store).number
    intent_outcomes.record_unconfirmed(store, sent(store, number).id)
    new = requests.resubmit(store, number, ACTOR).number
    ends = {each: latest_service_end(tasks.get(store, each), TODAY) is not None for each in (number, new)}
    assert ends == {number: False, new: True}
    assert list(tasks.matching_numbers(store, parse("done_by<60d"), today=TODAY)) == [new]


def test_table_and_list_mark_a_late_task_until_it_is_overdue(store: Store) -> None:
    _insert(store)
    due, done = (next(column for column in COLUMNS if column.id == name) for name in ("due", "done_by"))
    context = CellContext(NOW, TODAY, timedelta(days=1), True, frozenset(), UNICODE)
    for filter_text, label in (("due:today status:on_hold", "today!"), ("due:over status:on_hold", "1d over")):
        for task in tasks.matching(store, parse(filter_text), today=TODAY, limit=100):
            assert due.cell(task, context).text == label
            assert done.cell(task, context).role == "warn"
            assert f" {label} " in f"{task_output.table_lines([task], NOW, TODAY, unmask=False)[1]} "


def test_what_is_marked_late_is_said_to_be_it_in_full_also_where_the_service_does_not_know_it(store: Store) -> None:
    known = request(Kind.DELETION)._replace(received_on=TODAY - timedelta(days=20))
    number = requests.track(store, Kind.DELETION, "task-1", known, ACTOR).number
    poll_responses.record_unknown(store, number, "Not found.", NOW + timedelta(hours=1))
    task = tasks.get(store, number)
    assert (task.is_task_id_unknown, time_left_text(task, TODAY)[-1]) == (True, "!")
    facts = task_output.detail_lines(task, [], task_output.display_context(task, NOW, TODAY, unmask=False))
    assert any(line.startswith("Completes") and "after the due date" in line for line in facts)


def test_a_submission_on_the_last_day_of_the_calendar_can_be_read(store: Store) -> None:
    number = submitted(store, Kind.DELETION).number
    store.rows("UPDATE tasks SET submitted_at = '9999-12-31T23:59:59.999999Z' WHERE number = ?", (number,))
    assert latest_service_end(tasks.get(store, number), TODAY) == date.max
    assert number not in tasks.matching_numbers(store, parse("is:late"), today=TODAY)


def test_the_command_line_says_it_too(store: Store) -> None:
    _insert(store)
    (late,) = tasks.matching(store, parse("due:today status:on_hold kind:deletion"), today=TODAY, limit=1)
    facts = task_output.detail_lines(late, [], task_output.display_context(late, NOW, TODAY, unmask=False))
    assert any(line.startswith("Completes") and "after the due date" in line for line in facts)


@pytest.mark.usefixtures("new_york")
def test_the_order_by_the_day_of_the_end_is_that_of_the_function_and_what_is_not_sent_or_over_is_behind(
    store: Store,
) -> None:
    _insert(store)
    every = [
        tasks.get(store, number) for number in tasks.matching_numbers(store, parse(""), today=TODAY, sort="done_by")
    ]
    groups = [(task.is_final, task.submitted_at is None) for task in every]
    running = [task for task in every if not task.is_final]
    assert [final for final, _ in groups] == sorted(final for final, _ in groups)
    assert [task.submitted_at is None for task in running] == sorted(task.submitted_at is None for task in running)
    for is_sent in (True, False):
        days = [latest_service_end(task, TODAY) for task in running if (task.submitted_at is not None) is is_sent]
        assert days == sorted(days, key=str)
        assert len(set(days)) > 2


def test_the_order_by_the_answer_begins_with_the_newest_and_ends_with_those_without(store: Store) -> None:
    for days in (3, None, 1, 2):
        number = submitted(store).number
        if days is not None:
            single.answer(store, number, "by email", TODAY + timedelta(days=days), ACTOR)
    found = tasks.matching_numbers(store, parse(""), today=TODAY, sort="answered")
    assert list(found) == [1, 4, 3, 2]
