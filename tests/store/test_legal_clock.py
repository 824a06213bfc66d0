"""The one rule of the legal clock: column, function and all that is shown say the same of every possible task."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from bwp_tui.actions import service_operations
from bwp_tui.cli.support import task_output
from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.presentation import task_detail
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.presentation.glyphs import UNICODE
from bwp_tui.console.presentation.task_row_cells import COLUMNS, CellContext
from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.filter import parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import PURGED_EMAIL, Kind, Task
from bwp_tui.domain.times import format_due
from bwp_tui.store.commands import legal_records, requests, work_records
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.maintenance import integrity
from bwp_tui.store.queries import tasks
from tests.store.support import NOW, TODAY, submitted

STATUSES = (*Status, "SOMETHING_NEW")
DAY = TODAY.isoformat()
DUE = TODAY + timedelta(days=11)
READING = DisplayContext(NOW, TODAY, masked=True, service_day=timedelta(days=1), key=Keymap().key)
CONTEXT = CellContext(NOW, TODAY, timedelta(days=1), True, frozenset(), UNICODE)


@pytest.fixture
def every(store: Store) -> list[Task]:
    """A task of each combination of what the rule looks at, due in eleven days."""
    columns = "email, recorded_at, received_on, regulation, revision"
    first = submitted(store).number
    with store.write() as transaction:
        for kind, status, terminal, saved, resubmitted, answered_on, purged, appeal in product(
            Kind,
            STATUSES,
            *((0, 1), (0, 1), (0, 1), (None, TODAY.isoformat()), (None, "2026-11-20T09:14:00.000000Z")),
            ((None, None, None), (DAY, None, None), (DAY, DAY, 0), (DAY, DAY, 1)),
        ):
            transaction.run(
                f"INSERT INTO tasks ({columns}, kind, status, terminal, saved, resubmitted, answered_on, due_on,"
                " appealed_on, appeal_answered_on, appeal_upheld)"
                f" SELECT {columns}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM tasks WHERE number = ?",
                (kind, status, terminal, saved, resubmitted, answered_on, DUE.isoformat(), *appeal, first),
            )
            if purged:
                transaction.run(
                    "UPDATE tasks SET purged_at = ?, email = '' WHERE number = (SELECT max(number) FROM tasks)",
                    (purged,),
                )
    return [tasks.get(store, as_int(row[0])) for row in store.rows("SELECT number FROM tasks")]


def test_the_column_and_the_function_say_the_same(store: Store, every: list[Task]) -> None:
    assert len(every) == 1 + 2 * len(STATUSES) * 32 * 4
    running = {task.number for task in every if needs_answer(task)}
    assert running == {as_int(row[0]) for row in store.rows("SELECT number FROM tasks WHERE open = 1")}
    assert running == set(tasks.matching_numbers(store, parse("is:open"), today=TODAY))
    assert 0 < len(running) < len(every)
    assert store.rows(integrity.TASK_COUNTS) == sorted(store.rows(integrity.TALLIED_COUNTS))


def test_all_that_shows_a_due_date_counts_down_where_the_clock_runs_and_nowhere_else(every: list[Task]) -> None:
    words = format_due(DUE, TODAY)
    due = next(column for column in COLUMNS if column.id == "due")
    for task in every[1:]:
        runs = needs_answer(task)
        lines = [*task_detail.fact_lines(task, READING, complete=True)]
        facts = "\n".join("".join(text for text, _ in line) for line in lines)
        shown = {
            "table": due.cell(task, CONTEXT).text,
            "detail": facts,
            "list": "\n".join(task_output.table_lines([task], NOW, TODAY, unmask=False)),
            "show": "\n".join(
                task_output.detail_lines(task, [], task_output.display_context(task, NOW, TODAY, unmask=False))
            ),
            "plain": task_output.task_sentence(task, NOW, TODAY),
        }
        assert {label for (label, _), *_ in lines} <= {line[:11] for line in shown["show"].splitlines()}
        assert {place: words in text for place, text in shown.items()} == dict.fromkeys(shown, runs), task
        assert (legal_records.cannot_extend(task, TODAY) is None) == (runs and task.status != Status.DECLINED), task


def test_a_purged_task_is_closed_and_called_purged_by_all(store: Store, every: list[Task]) -> None:
    purged = [task for task in every if task.is_purged]
    for state in ("open", "ready", "failed"):
        assert not {task.number for task in purged} & set(
            tasks.matching_numbers(store, parse(f"is:{state}"), today=TODAY)
        )
    for task in purged:
        assert task.email_text(masked=True) == task.email_text(masked=False) == PURGED_EMAIL
        assert PURGED_EMAIL in task_output.task_line(task)
        reason = work_records.cannot_open_result(task) or ""
        assert ("purged" in reason, "result" in reason) == (True, task.was_downloaded)
        assert "purged" in (requests.cannot_download(task) or "")
        assert "purged" in (service_operations.cannot_refresh(task) or "")
    given_up = next(task for task in purged if task.status == Status.FAILED and not task.was_resubmitted)
    assert "purged" in (requests.cannot_resubmit(given_up) or "")


def test_a_purged_task_is_not_asked_about_again(store: Store) -> None:
    number = submitted(store).number
    store.rows("UPDATE tasks SET task_id = 'x', purged_at = 'now', next_poll_at = NULL WHERE number = ?", (number,))
    requests.poll_now(store, [number])
    assert store.rows("SELECT next_poll_at FROM tasks WHERE number = ?", (number,)) == [(None,)]
