"""Reading tasks: by name, by window, by change."""

from __future__ import annotations

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import ACTOR, TODAY, accepted, submitted

ONE = "3556a10a-0000-4000-8000-000000000001"
OTHER = "3556a10a-0000-4000-8000-000000000002"


@pytest.mark.parametrize("name", [ONE, f" {ONE}\n", ONE[:-1], ONE[:4], "1", "#1", " #1 "])
def test_a_task_is_named_by_its_id_a_prefix_of_it_or_its_number(store: Store, name: str) -> None:
    task = accepted(store, ONE)
    submitted(store)
    assert tasks.find_by_name(store, name) == task


@pytest.mark.parametrize(
    "name", ["", "#", "9", "#9", "355", "3556b", "-1", "1.0", "x" * 50, "9" * 30, "²", "\udcff\x1b[31m"]
)
def test_a_name_that_fits_nothing_says_what_to_give(store: Store, name: str) -> None:
    accepted(store, ONE)
    with pytest.raises(NoSuchTask, match="Give a task id, its first 4 characters or more, or the task number") as error:
        tasks.find_by_name(store, name)
    assert str(error.value).isprintable()


def test_a_prefix_of_two_task_ids_names_neither(store: Store) -> None:
    accepted(store, ONE)
    second = accepted(store, OTHER)
    with pytest.raises(NoSuchTask, match="matches more than one task"):
        tasks.find_by_name(store, ONE[:-1])
    assert tasks.find_by_name(store, OTHER) == second


def test_digits_that_are_a_number_and_a_prefix_name_neither_but_with_a_hash_the_number(store: Store) -> None:
    store.rows("INSERT INTO sqlite_sequence VALUES ('tasks', 3555)")
    by_number = accepted(store, "abcdef")
    by_prefix = accepted(store, ONE)
    assert by_number.number == 3556
    with pytest.raises(NoSuchTask, match="matches more than one task"):
        tasks.find_by_name(store, "3556")
    assert tasks.find_by_name(store, "#3556") == by_number
    assert tasks.find_by_name(store, "3556a") == by_prefix


def test_a_whole_task_id_wins_over_a_longer_one_and_over_a_number(store: Store) -> None:
    whole = accepted(store, "1234")
    accepted(store, "12345")
    assert tasks.find_by_name(store, "1234") == whole
    assert tasks.find_by_name(store, "2").task_id == "12345"


def test_wildcards_in_a_name_are_plain_characters(store: Store) -> None:
    accepted(store, ONE)
    with pytest.raises(NoSuchTask):
        tasks.find_by_name(store, "3556%")


def test_a_number_that_is_not_there_is_no_task(store: Store) -> None:
    with pytest.raises(NoSuchTask, match="no task #7"):
        tasks.get(store, 7)


def test_a_window_keeps_the_order_asked_for_and_leaves_out_what_is_gone(store: Store) -> None:
    for _ in range(3):
        submitted(store)
    assert [task.number for task in tasks.by_numbers(store, [3, 99, 1])] == [3, 1]
    assert tasks.by_numbers(store, []) == []


def test_a_task_that_a_merge_gave_a_higher_number_is_no_later_one(store: Store, clock: ManualClock) -> None:
    newer, older = (submitted(store).number for _ in range(2))
    store.rows("UPDATE tasks SET recorded_at = '2026-11-19T00:00:00.000000Z' WHERE number = ?", (older,))
    assert tasks.later_for_same(store, tasks.get(store, newer)) is None
    assert tasks.later_for_same(store, tasks.get(store, older)) == tasks.get(store, newer)
    clock.advance(minutes=1)
    assert submitted(store).earlier_number == newer


def test_changes_are_the_tasks_that_later_transactions_touched(store: Store) -> None:
    first, second = submitted(store), submitted(store)
    revision = store.revision()
    assert tasks.changed_since(store, revision) == []
    single.set_note(store, first.number, "VIP", ACTOR)
    assert tasks.changed_since(store, revision) == [first.number]
    assert sorted(tasks.changed_since(store, 0)) == [first.number, second.number]


def test_orders_put_what_has_no_due_date_last_and_ignore_the_case_of_addresses(
    store: Store, clock: ManualClock
) -> None:
    submitted(store, email="b@example.com")
    submitted(store, Kind.DELETION, email="A@example.com")
    store.rows("UPDATE tasks SET due_on = NULL WHERE number = 1")
    expected = {"newest": [2, 1], "oldest": [1, 2], "due": [2, 1], "subject": [2, 1], "status": [2, 1]}
    everything = parse("")
    assert {
        sort: list(tasks.matching_numbers(store, everything, today=TODAY, sort=sort)) for sort in expected
    } == expected
    with pytest.raises(KeyError):
        tasks.matching_numbers(store, everything, today=clock().date(), sort="sideways")


def test_the_newest_that_fit_are_found_and_counted(store: Store) -> None:
    for email in ("a@example.com", "b@example.com", "a@example.org"):
        submitted(store, email=email)
    wanted = parse("email:example.com")
    assert [task.number for task in tasks.matching(store, wanted, today=TODAY, limit=1)] == [2]
    assert tasks.count(store, wanted, today=TODAY) == 2
