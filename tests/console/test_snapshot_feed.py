"""The feed: a first page at once, the whole after it, and never an answer to a question that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.console.store_access.snapshot_feed import ListQuery, Snapshot, SnapshotFeed
from bwp_tui.domain.filter import parse
from bwp_tui.domain.times import utc_now
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import ReadCancelled
from bwp_tui.store.queries import view_rows
from tests.new_history import new_history
from tests.store.support import ACTOR, request
from tests.waiting import eventually

MANY = 8


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(view_rows, "FIRST_PAGE_ROWS", 3)
    store = new_history(tmp_path / "history.db")
    for _ in range(MANY):
        requests.submit(store, request(), ACTOR)
    yield store
    store.close()


@pytest.fixture
def updates() -> list[Snapshot | str]:
    return []


@pytest.fixture
def feed(store: Store, updates: list[Snapshot | str]) -> Iterator[SnapshotFeed]:
    feed = SnapshotFeed(store.path, utc_now)
    feed.subscribe(updates.append)
    yield feed
    feed.stop()


def snapshots(updates: list[Snapshot | str]) -> list[Snapshot]:
    return [one for one in updates if isinstance(one, Snapshot)]


def test_a_long_view_is_told_by_its_first_page_and_then_whole(
    feed: SnapshotFeed, updates: list[Snapshot | str]
) -> None:
    feed.start()
    eventually(lambda: len(updates) == 2)
    page, whole = snapshots(updates)
    assert (page.is_whole, list(page.numbers)) == (False, [8, 7, 6])
    assert (whole.is_whole, len(whole.numbers)) == (True, MANY)
    assert page.view_counts == whole.view_counts


def test_another_view_is_answered_in_the_same_way(feed: SnapshotFeed, updates: list[Snapshot | str]) -> None:
    feed.start()
    eventually(lambda: len(updates) == 2)
    question = ListQuery(parse("kind:retrieval"), "oldest")
    feed.set_query(question)
    eventually(lambda: len(updates) == 4)
    page, whole = snapshots(updates)[2:]
    assert (page.query, list(page.numbers)) == (question, [1, 2, 3])
    assert (whole.query, list(whole.numbers)) == (question, list(range(1, MANY + 1)))


def test_a_change_is_told_with_the_tasks_it_touched_and_no_page_before(
    feed: SnapshotFeed, store: Store, updates: list[Snapshot | str]
) -> None:
    feed.start()
    eventually(lambda: len(updates) == 2)
    new = requests.submit(store, request(), ACTOR)
    eventually(lambda: len(updates) == 3)
    last = snapshots(updates)[-1]
    assert last.is_whole
    assert last.changed == (new.number,)
    assert last.numbers[0] == new.number


def test_what_was_touched_while_a_view_was_given_up_is_told_with_the_next_one(
    feed: SnapshotFeed, store: Store, updates: list[Snapshot | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.start()
    eventually(lambda: len(updates) == 2)
    given_up: list[object] = []
    read = view_rows.ViewRows.all_numbers

    def every(rows: view_rows.ViewRows, *arguments: object) -> object:
        if not given_up:
            given_up.append(arguments)
            raise ReadCancelled
        return read(rows, *arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(view_rows.ViewRows, "all_numbers", every)
    new = requests.submit(store, request(), ACTOR)
    eventually(lambda: given_up)
    feed.set_query(ListQuery(parse(""), "oldest"))
    eventually(lambda: len(updates) == 4)
    assert snapshots(updates)[-1].changed == (new.number,)
