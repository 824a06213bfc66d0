"""The questions that are asked all the time are answered from an index, however large the history is."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.views import VIEWS
from bwp_tui.store.commands import download_queue
from bwp_tui.store.database.connection import Row, SqlValue, Store, as_text
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.worklog import downloads, intents, ready_polls
from tests.store.support import NOW


def _plan(store: Store, ask: Callable[[Store], object]) -> list[str]:
    """Return how SQLite runs each query that `ask` makes."""
    asked: list[tuple[str, Sequence[SqlValue]]] = []
    rows, integers = store.rows, store.integers

    def record(sql: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        asked.append((sql, values))
        return rows(sql, values)

    def record_integers(sql: str, values: Sequence[SqlValue] = ()) -> array[int]:
        asked.append((sql, values))
        return integers(sql, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "rows", record)
        patch.setattr(store, "integers", record_integers)
        ask(store)
    return [as_text(row[3]) for sql, values in asked for row in rows(f"EXPLAIN QUERY PLAN {sql}", values)]


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda store: ready_polls.ready(store, NOW, 20), "tasks_by_poll"),
        (lambda store: ready_polls.ready_within(store, NOW, 20, ready_polls.LEAD_TIME), "tasks_by_poll"),
        (ready_polls.next_at, "tasks_by_poll"),
        (lambda store: intents.ready(store, NOW, 4), "intents_waiting"),
        (intents.next_at, "intents_waiting"),
        (lambda store: downloads.ready(store, NOW, 4), "downloads_open"),
        (downloads.next_at, "downloads_open"),
        (downloads.unfinished, "downloads_open"),
        (lambda store: download_queue.list_downloads(store, 50), "downloads_ended"),
        (lambda store: tasks.changed_since(store, 5), "tasks_by_revision"),
        (lambda store: tasks.find_by_name(store, "3556a10a"), "sqlite_autoindex_tasks_1"),
        (lambda store: timeline.of_task(store, 1), "timeline_by_task"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_answered_from_its_index(store: Store, ask: Callable[[Store], object], index: str) -> None:
    for number in range(2):
        store.rows(
            "INSERT INTO tasks (task_id, kind, email, status, received_on, regulation, recorded_at, revision)"
            " VALUES (?, 'RETRIEVAL', '', 'QUEUED', '2026-11-20', 'none', '2026-11-20T00:00:00.000000Z', 1)",
            (f"3556a10a-{number}" if number else "3556a10a",),
        )
    lines = _plan(store, ask)
    assert any(index in line for line in lines)
    waiting = ("USING INDEX downloads_", "USING INDEX intents_waiting")  # in order, up to the first that is due
    assert [line for line in lines if line.startswith("SCAN") and not any(index in line for index in waiting)] == []


def test_a_prefix_of_a_task_id_is_looked_up_and_not_searched_for(store: Store) -> None:
    lines = _plan(store, lambda asked: _try_named(asked, "3556a"))
    assert [line for line in lines if "task_id>? AND task_id<?" in line]
    assert [line for line in lines if line.startswith("SCAN")] == []


def _try_named(store: Store, name: str) -> None:
    with pytest.raises(NoSuchTask):
        tasks.find_by_name(store, name)


def test_a_window_is_fetched_row_by_row_with_all_that_belongs_to_it(store: Store) -> None:
    lines = _plan(store, lambda asked: tasks.by_numbers(asked, [1, 2, 3]))
    assert [line for line in lines if line.startswith("SCAN")] == []
    assert any("tasks_by_original" in line for line in lines)


def test_the_tasks_to_answer_are_read_in_the_order_of_their_index(store: Store) -> None:
    (view,) = (view for view in VIEWS if view.name == "to answer")
    asked: list[tuple[str, Sequence[SqlValue]]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "integers", lambda sql, values, _: asked.append((sql, values)))
        tasks.matching_numbers(store, parse(view.filter), today=NOW.date(), sort=view.sort or "newest")
    ((sql, values),) = asked
    plan = [as_text(row[3]) for row in store.rows(f"EXPLAIN QUERY PLAN {sql}", values)]
    reading = [step for step in plan if step.startswith(("SEARCH t", "SCAN t", "USE TEMP"))]
    assert [step.partition(" (")[0] for step in reading] == ["SEARCH t USING INDEX tasks_to_answer"] * 2
