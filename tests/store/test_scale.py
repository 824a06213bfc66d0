"""How the history answers, whatever its size: through an index, and with nothing kept of what is purged."""

from __future__ import annotations

from pathlib import Path

import pytest

from bwp_tui.domain.filter import Filter, parse
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.views import VIEWS, View
from bwp_tui.store.database.connection import Store
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks, text_index
from bwp_tui.store.queries.filter_sql import condition
from bwp_tui.store.queries.orders import SORTS, listing_sql, order_sql, reversed_keys, rows_before
from bwp_tui.store.queries.text_index import index_lookup
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single
from tests.store.support import ACTOR, NOW, TODAY, in_status


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = new_history(tmp_path / "profile" / "history.db", clock=ManualClock(NOW))
    for number, status in enumerate((Status.COMPLETED, Status.FAILED, Status.IN_PROGRESS)):
        in_status(store, status, task_id=f"task-{number}")
    return store


def plan(store: Store, filter_text: str, sort: str = "newest") -> str:
    where, values = condition(parse(filter_text), store.clock(), TODAY, index_lookup(store))
    sql = f"EXPLAIN QUERY PLAN {listing_sql(SORTS[sort], where)}"
    return "; ".join(str(row[3]) for row in store.rows(sql, (*values, 500)))


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_of_all_tasks_is_read_off_an_index(store: Store, sort: str) -> None:
    steps = plan(store, "", sort)
    assert "USING COVERING INDEX" in steps
    assert "TEMP B-TREE FOR ORDER BY" not in steps


@pytest.mark.parametrize("sort", SORTS)
def test_what_stands_before_a_task_is_a_range_of_its_order_s_index(store: Store, sort: str) -> None:
    for part, keys in SORTS[sort].sections:
        for ordered in (keys, reversed_keys(keys)):
            own = store.row(f"SELECT {', '.join(key for key, _ in ordered)} FROM tasks t WHERE t.number = 2")
            assert own is not None
            for where, values, order in rows_before((part, ordered), own):
                sql = f"EXPLAIN QUERY PLAN SELECT t.number FROM tasks t WHERE {where} ORDER BY {order_sql(order)}"
                steps = "; ".join(str(row[3]) for row in store.rows(f"{sql} LIMIT 250", values))
                assert "SEARCH" in steps
                assert "TEMP B-TREE" not in steps or "subject" in sort, "the tasks of one email are few"


@pytest.mark.parametrize("view", [view for view in VIEWS if view.filter], ids=lambda view: view.name)
def test_every_view_is_found_by_an_index(store: Store, view: View) -> None:
    assert " USING " in plan(store, view.filter, view.sort)


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
def test_what_few_tasks_have_is_found_without_reading_the_others(store: Store, filter_text: str) -> None:
    reading_tasks = [step for step in plan(store, filter_text).split("; ") if step in ("SCAN t", "SCAN tasks")]
    assert reading_tasks == []


@pytest.mark.parametrize("view", [view for view in VIEWS if view.name != "due soon"], ids=lambda view: view.name)
def test_the_counts_of_the_views_are_the_tallies(store: Store, view: View) -> None:
    wanted = parse(view.filter)
    assert tasks.count(store, wanted, today=TODAY) == len(tasks.matching_numbers(store, wanted, today=TODAY))
    store.rows("UPDATE tallies SET tasks = tasks * 10")
    assert tasks.count(store, wanted, today=TODAY) == 10 * len(tasks.matching_numbers(store, wanted, today=TODAY))


def test_a_text_that_most_rows_have_is_not_looked_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "words" in plan(store, "example")
    monkeypatch.setattr(text_index, "MAX_MATCHES", 2)
    assert "words" not in plan(store, "example")
    assert len(tasks.matching_numbers(store, parse("example"), today=TODAY)) == 3


def test_an_index_of_texts_finds_what_a_reading_finds(store: Store) -> None:
    single.set_note(store, 2, 'She said "cancel it", 50% sure_ly', ACTOR)
    for text in ('"said "', "CANCEL", "50%", "sure_", "x_y", "jan", "zzz", "é"):
        wanted = parse(text)
        where, values = condition(wanted, store.clock(), TODAY)
        read = store.rows(f"SELECT t.number FROM tasks t WHERE {where} ORDER BY t.number DESC", values)
        assert [number for (number,) in read] == list(tasks.matching_numbers(store, wanted, today=TODAY)), text


def test_the_first_of_many_are_the_first_of_all(store: Store) -> None:
    every = tasks.matching_numbers(store, Filter(), today=TODAY)
    assert tasks.matching_numbers(store, Filter(), today=TODAY, limit=2) == every[:2]


def test_nothing_of_a_purged_text_is_left_in_the_indexes(store: Store) -> None:
    store.rows("UPDATE tasks SET email = 'quixotic@example.com' WHERE number = 1")
    single.set_note(store, 1, "zebra crossing", ACTOR)
    assert {"qui", "xot"} <= pieces(store, "words")
    assert "zeb" in pieces(store, "note_words")
    purge.purge(store, [1], ACTOR, TODAY, evidence_too=False, unanswered_too=True)
    assert not {"qui", "xot", "zeb"} & (pieces(store, "words") | pieces(store, "note_words"))
    assert not purge.has_traces(store)


def pieces(store: Store, table: str) -> set[str]:
    store.rows(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_terms USING fts5vocab(main, {table}, row)")
    return {str(term) for (term,) in store.rows(f"SELECT term FROM {table}_terms")}
