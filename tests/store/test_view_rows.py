"""The rows of a view, mended as the history changes, against the same rows read anew."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bwp_tui.domain.filter import parse
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.errors import ReadCancelled
from bwp_tui.store.queries import keyset_page, tasks, view_rows
from bwp_tui.store.queries.keyset_page import KeysetPage
from bwp_tui.store.queries.orders import SORTS
from bwp_tui.store.queries.view_rows import AnchorRow, ViewQuery, ViewRows
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store.support import NOW, TODAY, submitted

_ADD = st.tuples(st.just("add"), st.just(0), st.just(""))
_CHANGE = st.tuples(st.just("change"), st.integers(1, 12), st.sampled_from(["QUEUED", "ON_HOLD"]))
_REMOVE = st.tuples(st.just("remove"), st.integers(1, 12), st.just(""))
_LOOK = st.tuples(st.just("look"), st.just(0), st.just(""))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_history(tmp_path / "profile" / "history.db", clock=ManualClock(NOW))
    yield store
    store.close()


def wanted(filter_text: str = "", sort: str = "newest") -> ViewQuery:
    return ViewQuery(parse(filter_text), sort, TODAY)


def never() -> bool:
    return False


@given(
    st.lists(st.one_of(_ADD, _CHANGE, _REMOVE, _LOOK), max_size=25),
    st.sampled_from(["", "status:on_hold", "-status:on_hold", "age<1h"]),
    st.sampled_from(["newest", "oldest", "status"]),
)
@settings(max_examples=40, deadline=None)
def test_mended_rows_are_the_rows_read_anew(
    operations: list[tuple[str, int, str]], filter_text: str, sort: str
) -> None:
    question = wanted(filter_text, sort)
    with tempfile.TemporaryDirectory() as folder:
        store = new_history(Path(folder) / "history.db", clock=ManualClock(NOW))
        store.rows("PRAGMA synchronous = OFF")
        rows, seen = ViewRows(store), 0
        for what, number, status in [*operations, ("look", 0, "")]:
            if what != "look":
                _apply(store, what, number, status)
                continue
            changed, seen = tasks.changed_since(store, seen), store.revision()
            found = rows.all_numbers(question, changed, never)
            assert found == tasks.matching_numbers(store, question.filter, today=TODAY, sort=sort)
        store.close()


def _apply(store: Store, what: str, number: int, status: str) -> None:
    with store.write() as transaction:
        if what == "add":
            _insert(transaction)
        elif what == "change":
            transaction.run(
                "UPDATE tasks SET status = ?, revision = ? WHERE number = ?", (status, transaction.revision, number)
            )
        else:
            transaction.run("DELETE FROM tasks WHERE number = ?", (number,))


def _insert(transaction: Transaction) -> None:
    transaction.run(
        "INSERT INTO tasks (kind, email, status, received_on, regulation, recorded_at, revision)"
        " VALUES ('RETRIEVAL', '', 'QUEUED', '2026-11-20', 'none', '2026-11-20T00:00:00.000000Z', ?)",
        (transaction.revision,),
    )


def test_a_change_that_moves_no_row_leaves_the_rows_as_they_are(store: Store) -> None:
    numbers = [submitted(store).number for _ in range(3)]
    rows = ViewRows(store)
    before = rows.all_numbers(wanted(), numbers, never)
    assert rows.all_numbers(wanted(), [2], never) is before


def test_rows_that_were_handed_out_never_change(store: Store) -> None:
    submitted(store)
    rows = ViewRows(store)
    before = rows.all_numbers(wanted(), [1], never)
    submitted(store)
    after = rows.all_numbers(wanted(), [2], never)
    assert (list(before), list(after)) == ([1], [2, 1])


def test_only_a_view_that_is_new_and_long_has_a_first_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_rows, "FIRST_PAGE_ROWS", 2)
    for _ in range(3):
        submitted(store)
    rows = ViewRows(store)
    page = rows.first_page(wanted())
    assert page is not None
    assert list(page) == [3, 2]
    rows.all_numbers(wanted(), [], never)
    assert rows.first_page(wanted()) is None
    assert rows.first_page(wanted("status:failed")) is None


def test_a_reading_that_is_no_longer_wanted_ends_and_the_next_one_is_whole(store: Store) -> None:
    with store.write() as transaction:
        for _ in range(20_000):
            _insert(transaction)
    rows = ViewRows(store)
    with pytest.raises(ReadCancelled):
        rows.all_numbers(wanted(), [], lambda: True)
    assert len(rows.all_numbers(wanted(), [], never)) == 20_000


@pytest.mark.parametrize("counted", [1_000, 4])
@pytest.mark.parametrize("sort", SORTS)
def test_the_tasks_about_one_are_those_of_all_rows(
    store: Store, sort: str, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset_page, "MAX_COUNTED", counted)
    with store.write() as transaction:
        for at in range(40):
            _insert(transaction)
            columns = ("submitted_at", "updated_at", "assigned_to", "note", "status", "kind", "due_on", "email")
            values = (None, "2026-11-20T00:00:00.000000Z", "Kim", "kim", "ON_HOLD", "DELETION", "2026-12-01", "A@b.co")
            column, value = columns[at % 8], values[at % 8]
            if at % 3 and value is not None:
                transaction.run(f"UPDATE tasks SET {column} = ? WHERE number = ?", (value, at + 1))
    for filter_text in ("", "-kind:deletion"):
        wanted_filter = parse(filter_text)
        every = tasks.matching_numbers(store, wanted_filter, today=TODAY, sort=sort)
        for place, number in enumerate(every):
            about = KeysetPage(store, wanted_filter, number, today=TODAY, sort=sort)
            above, is_near_an_end = min(3, place), min(place, len(every) - 1 - place) < counted
            told = place if is_near_an_end else len(every) // 2
            assert about.page(3, len(every)) == (told - above, every[place - above : place + 4])


def test_a_task_that_does_not_fit_has_none_about_it(store: Store) -> None:
    submitted(store)
    assert KeysetPage(store, parse("status:failed"), 1, today=TODAY, sort="newest").page(3, 1) is None


def test_the_first_page_can_be_about_a_task_in_the_middle_of_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_rows, "FIRST_PAGE_ROWS", 2)
    monkeypatch.setattr(view_rows, "LONG_VIEW", 5)
    for _ in range(6):
        submitted(store)
    page = ViewRows(store).first_page(wanted(sort="oldest"), AnchorRow(4, 6))
    assert page is not None
    assert list(page) == [0, 0, 3, 4, 5, 0]


def test_another_order_of_few_tasks_is_read_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_rows, "LONG_VIEW", 6)
    for _ in range(6):
        submitted(store)
    assert ViewRows(store).first_page(wanted(sort="oldest"), AnchorRow(4, 6)) is None
