"""How the register answers, whatever its size: through an index, and with nothing kept of what is purged."""

from __future__ import annotations

from pathlib import Path

import pytest

from bwp_tui.domain.filter import VIEWS, Filter, View, parse
from bwp_tui.domain.task import Status
from bwp_tui.store.database.connection import History
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks, text_index
from bwp_tui.store.queries.filter_sql import SORTS, backwards, before, condition, order_clause
from bwp_tui.store.queries.text_index import narrowing
from tests.history import single
from tests.history.support import ACTOR, TODAY, FrozenClock, in_status


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "profile" / "history.db", clock=FrozenClock())
    for number, status in enumerate((Status.COMPLETED, Status.FAILED, Status.IN_PROGRESS)):
        in_status(history, status, task_id=f"task-{number}")
    return history


def plan(history: History, filter_text: str, sort: str = "newest") -> str:
    where, values = condition(parse(filter_text), history.clock(), TODAY, narrowing(history))
    sql = (
        f"EXPLAIN QUERY PLAN SELECT t.number FROM tasks t WHERE {where} ORDER BY {order_clause(SORTS[sort])} LIMIT 500"
    )
    return "; ".join(str(row[3]) for row in history.rows(sql, values))


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_of_all_tasks_is_read_off_an_index(history: History, sort: str) -> None:
    steps = plan(history, "", sort)
    assert "USING COVERING INDEX" in steps
    assert "TEMP B-TREE FOR ORDER BY" not in steps


@pytest.mark.parametrize("sort", SORTS)
def test_what_stands_before_a_task_is_a_range_of_its_order_s_index(history: History, sort: str) -> None:
    for keys in (SORTS[sort], backwards(SORTS[sort])):
        own = history.row(f"SELECT {', '.join(key for key, _ in keys)} FROM tasks t WHERE t.number = 2")
        assert own is not None
        for (clause, values), differing in before(keys, own):
            order = order_clause(backwards(differing))
            sql = f"EXPLAIN QUERY PLAN SELECT t.number FROM tasks t WHERE {clause} ORDER BY {order} LIMIT 250"
            steps = "; ".join(str(row[3]) for row in history.rows(sql, values))
            assert "SEARCH" in steps or not values, steps


@pytest.mark.parametrize("view", [view for view in VIEWS if view.filter], ids=lambda view: view.name)
def test_every_view_is_found_by_an_index(history: History, view: View) -> None:
    assert " USING " in plan(history, view.filter, view.sort)


@pytest.mark.parametrize(
    "filter_text",
    [
        "jane@example.com",
        "note:lawyer",
        "email:jane",
        "tag:vip",
        "error:ORDERS_NOT_CLOSED",
        "id:3556",
        "assigned:kim",
        "verified:yes",
        "extended:yes",
        "is:resubmitted",
        "is:unsent",
        "age<1h",
        "status:failed kind:deletion",
        "regulation:ccpa",
    ],
)
def test_what_few_tasks_have_is_found_without_reading_the_others(history: History, filter_text: str) -> None:
    reading_tasks = [step for step in plan(history, filter_text).split("; ") if step in ("SCAN t", "SCAN tasks")]
    assert reading_tasks == []


@pytest.mark.parametrize("view", [view for view in VIEWS if view.name != "due soon"], ids=lambda view: view.name)
def test_the_counts_of_the_views_are_the_tallies(history: History, view: View) -> None:
    wanted = parse(view.filter)
    assert tasks.count(history, wanted, today=TODAY) == len(tasks.numbers(history, wanted, today=TODAY))
    history.rows("UPDATE tallies SET tasks = tasks * 10")
    assert tasks.count(history, wanted, today=TODAY) == 10 * len(tasks.numbers(history, wanted, today=TODAY))


def test_a_text_that_most_rows_have_is_not_looked_up(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "words" in plan(history, "example")
    monkeypatch.setattr(text_index, "MOST_FOUND", 2)
    assert "words" not in plan(history, "example")
    assert len(tasks.numbers(history, parse("example"), today=TODAY)) == 3


def test_an_index_of_texts_finds_what_a_reading_finds(history: History) -> None:
    single.set_note(history, 2, 'She said "cancel it", 50% sure_ly', ACTOR)
    for text in ('"said "', "CANCEL", "50%", "sure_", "x_y", "jan", "zzz", "é"):
        wanted = parse(text)
        where, values = condition(wanted, history.clock(), TODAY)
        read = history.rows(f"SELECT t.number FROM tasks t WHERE {where} ORDER BY t.number DESC", values)
        assert [number for (number,) in read] == list(tasks.numbers(history, wanted, today=TODAY)), text


def test_the_first_of_many_are_the_first_of_all(history: History) -> None:
    every = tasks.numbers(history, Filter(), today=TODAY)
    assert tasks.numbers(history, Filter(), today=TODAY, limit=2) == every[:2]


def test_nothing_of_a_purged_text_is_left_in_the_indexes(history: History) -> None:
    history.rows("UPDATE tasks SET email = 'quixotic@example.com' WHERE number = 1")
    single.set_note(history, 1, "zebra crossing", ACTOR)
    assert {"qui", "xot"} <= pieces(history, "words")
    assert "zeb" in pieces(history, "note_words")
    purge.purge(history, [1], ACTOR, TODAY, evidence_too=False, unanswered_too=True)
    assert not {"qui", "xot", "zeb"} & (pieces(history, "words") | pieces(history, "note_words"))
    assert not purge.traces_left(history)


def pieces(history: History, table: str) -> set[str]:
    history.rows(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_terms USING fts5vocab(main, {table}, row)")
    return {str(term) for (term,) in history.rows(f"SELECT term FROM {table}_terms")}
