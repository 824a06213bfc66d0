"""Reading tasks: by name, by window, by change."""

from __future__ import annotations

import pytest

from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.connection import History
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks
from tests.history import single
from tests.history.support import ACTOR, TODAY, FrozenClock, accepted, submitted

ONE = "3556a10a-0000-4000-8000-000000000001"
OTHER = "3556a10a-0000-4000-8000-000000000002"


@pytest.mark.parametrize("name", [ONE, f" {ONE}\n", ONE[:-1], ONE[:4], "1", "#1", " #1 "])
def test_a_task_is_named_by_its_id_a_prefix_of_it_or_its_number(history: History, name: str) -> None:
    task = accepted(history, ONE)
    submitted(history)
    assert tasks.named(history, name) == task


@pytest.mark.parametrize(
    "name", ["", "#", "9", "#9", "355", "3556b", "-1", "1.0", "x" * 50, "9" * 30, "²", "\udcff\x1b[31m"]
)
def test_a_name_that_fits_nothing_says_what_to_give(history: History, name: str) -> None:
    accepted(history, ONE)
    with pytest.raises(
        NoSuchTask, match="Give a task id, its first 4 characters or more, or the local number"
    ) as error:
        tasks.named(history, name)
    assert str(error.value).isprintable()


def test_a_prefix_of_two_task_ids_names_neither(history: History) -> None:
    accepted(history, ONE)
    second = accepted(history, OTHER)
    with pytest.raises(NoSuchTask, match="fits more than one task"):
        tasks.named(history, ONE[:-1])
    assert tasks.named(history, OTHER) == second


def test_digits_that_are_a_number_and_a_prefix_name_neither_but_with_a_hash_the_number(history: History) -> None:
    history.rows("INSERT INTO sqlite_sequence VALUES ('tasks', 3555)")
    by_number = accepted(history, "abcdef")
    by_prefix = accepted(history, ONE)
    assert by_number.number == 3556
    with pytest.raises(NoSuchTask, match="fits more than one task"):
        tasks.named(history, "3556")
    assert tasks.named(history, "#3556") == by_number
    assert tasks.named(history, "3556a") == by_prefix


def test_a_whole_task_id_wins_over_a_longer_one_and_over_a_number(history: History) -> None:
    whole = accepted(history, "1234")
    accepted(history, "12345")
    assert tasks.named(history, "1234") == whole
    assert tasks.named(history, "2").task_id == "12345"


def test_wildcards_in_a_name_are_plain_characters(history: History) -> None:
    accepted(history, ONE)
    with pytest.raises(NoSuchTask):
        tasks.named(history, "3556%")


def test_a_number_that_is_not_there_is_no_task(history: History) -> None:
    with pytest.raises(NoSuchTask, match="no task #7"):
        tasks.get(history, 7)


def test_a_window_keeps_the_order_asked_for_and_leaves_out_what_is_gone(history: History) -> None:
    for _ in range(3):
        submitted(history)
    assert [task.number for task in tasks.window(history, [3, 99, 1])] == [3, 1]
    assert tasks.window(history, []) == []


def test_changes_are_the_tasks_that_later_transactions_touched(history: History) -> None:
    first, second = submitted(history), submitted(history)
    revision = history.revision()
    assert tasks.changed_since(history, revision) == []
    single.set_note(history, first.number, "VIP", ACTOR)
    assert tasks.changed_since(history, revision) == [first.number]
    assert sorted(tasks.changed_since(history, 0)) == [first.number, second.number]


def test_orders_put_what_has_no_due_date_last_and_ignore_the_case_of_addresses(
    history: History, clock: FrozenClock
) -> None:
    submitted(history, email="b@example.com")
    submitted(history, Kind.DELETION, email="A@example.com")
    history.rows("UPDATE tasks SET due_on = NULL WHERE number = 1")
    expected = {"newest": [2, 1], "oldest": [1, 2], "due": [2, 1], "subject": [2, 1], "status": [2, 1]}
    everything = parse("")
    assert {sort: list(tasks.numbers(history, everything, today=TODAY, sort=sort)) for sort in expected} == expected
    with pytest.raises(KeyError):
        tasks.numbers(history, everything, today=clock().date(), sort="sideways")


def test_the_newest_that_fit_are_found_and_counted(history: History) -> None:
    for email in ("a@example.com", "b@example.com", "a@example.org"):
        submitted(history, email=email)
    wanted = parse("email:example.com")
    assert [task.number for task in tasks.matching(history, wanted, today=TODAY, limit=1)] == [2]
    assert tasks.count(history, wanted, today=TODAY) == 2
