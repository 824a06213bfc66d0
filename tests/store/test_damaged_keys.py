"""What is read of a history whose keys are damaged: the numbers, counts and pointers of rows, and task ids."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.store.commands import decisions
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.maintenance import chain_check, integrity, recover
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import timeline
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, change_elsewhere, overwrite, overwrite_table
from tests.store.independent_reader import rows_of
from tests.store.support import ACTOR, TODAY, accepted, back_up, closed_history, in_status


def _flip_number(path: Path, number: int, bit: int) -> None:
    """Flip a bit of a task's own number where it lies in its page: it is the byte before the record's header."""
    data = path.read_bytes()
    task_id = f"task-{number}RETRIEVAL".encode()
    record = data.index(task_id)
    (start,) = (
        at
        for at in range(record - 60, record)
        if data[at] == number and data[at + 1] == record - at - 1 and number < 128
    )
    overwrite(path, start, bytes([data[start] ^ bit]))


@pytest.mark.parametrize("bit", [1, 2, 8, 64])
@pytest.mark.parametrize("with_backup", [False, True])
def test_a_damaged_number_costs_neither_its_task_nor_another_one(
    path: Path, clock: ManualClock, bit: int, with_backup: bool
) -> None:
    closed_history(path, clock, 60)
    before = rows_of(path)["tasks"]
    if with_backup:
        back_up(path)
    _flip_number(path, 40, bit)
    recover.recover(path, clock())
    recovered = rows_of(path)["tasks"]
    assert {number: row[:4] for number, row in recovered.items()} == {number: row[:4] for number, row in before.items()}
    assert integrity.full_check(path) == []
    store = open_store(path, clock=clock)
    assert store.opening_report is None
    store.close()


def _flip_bit(path: Path, place: int, bit: int) -> None:
    overwrite(path, place, bytes([path.read_bytes()[place] ^ bit]))


def _place_of(path: Path, number: int) -> int:
    """Return where the values of a task begin in the file."""
    return path.read_bytes().index(f"task-{number}RETRIEVAL".encode())


@pytest.mark.parametrize(
    ("damaged", "moved", "bit"),
    [(41, 43, 2), (46, 47, 1), (47, 46, 1), (20, 21, 1), (21, 20, 1)],
    ids=["with one between", "before the last one", "the last one", "after the first one", "the first one"],
)
def test_a_damaged_number_is_not_taken_for_that_of_a_damaged_row_beside_it(
    path: Path, clock: ManualClock, damaged: int, moved: int, bit: int
) -> None:
    closed_history(path, clock, 47)
    before = rows_of(path)["tasks"]
    assert moved ^ bit == damaged
    _flip_number(path, moved, bit)
    _flip_bit(path, _place_of(path, damaged) + len(f"task-{damaged}RE"), 1)
    recover.recover(path, clock())
    assert rows_of(path)["tasks"] == before


@pytest.mark.parametrize("bit", [128 << 8, 32, 8, 4, 1])
@pytest.mark.parametrize("damaged", [None, 22, 30])
def test_a_damaged_count_of_rows_costs_none(path: Path, clock: ManualClock, bit: int, damaged: int | None) -> None:
    closed_history(path, clock, 47)
    before = rows_of(path)["tasks"]
    page = _place_of(path, 30) // PAGE * PAGE
    _flip_bit(path, page + (3 if bit > 255 else 4), bit >> 8 or bit)
    if damaged is not None:
        _flip_bit(path, _place_of(path, damaged) + len(f"task-{damaged}RE"), 1)
    flag_damage(path)
    recover.recover(path, clock())
    assert rows_of(path)["tasks"] == before


@pytest.mark.parametrize("extra", [1, 8])
def test_a_count_that_takes_an_unused_pointer_for_one_in_use_costs_no_row(
    path: Path, clock: ManualClock, extra: int
) -> None:
    closed_history(path, clock, 47)
    before = rows_of(path)["tasks"]
    page = _place_of(path, 30) // PAGE * PAGE
    count = path.read_bytes()[page + 4]
    overwrite(path, page + 8 + 2 * count, path.read_bytes()[page + 6 + 2 * count :][:2])
    overwrite(path, page + 4, bytes([count + extra]))
    _flip_bit(path, _place_of(path, 30) + len("task-30RE"), 1)
    recover.recover(path, clock())
    assert rows_of(path)["tasks"] == before


@pytest.mark.parametrize("at", [0, 1, 5, 15])
def test_a_pointer_into_the_header_costs_no_row(path: Path, clock: ManualClock, at: int) -> None:
    closed_history(path, clock, 47)
    before = rows_of(path)["tasks"]
    pointers = _place_of(path, 30) // PAGE * PAGE + 8
    overwrite(path, pointers + 2 * at, (36).to_bytes(2, "big"))
    recover.recover(path, clock())
    recovered = rows_of(path)["tasks"]
    assert sum(recovered.get(number) == row for number, row in before.items()) >= len(before) - 1
    assert recovered.keys() == before.keys()


@pytest.mark.parametrize("number", [12, 13])
@pytest.mark.parametrize("email", ["shopper{}@example.com", "jane@example.com"])
@pytest.mark.parametrize("with_backup", [False, True])
def test_a_task_id_that_was_damaged_into_that_of_another_task_costs_neither_of_them(
    path: Path, clock: ManualClock, number: int, email: str, with_backup: bool
) -> None:
    store = open_store(path, clock=clock)
    for each in range(1, 20):
        accepted(store, f"task-{each}", email=email.format(each))
    store.close()
    before = rows_of(path)["tasks"]
    if with_backup:
        back_up(path)
    _flip_bit(path, _place_of(path, number) + len("task-1"), 1)
    recover.recover(path, clock())
    assert {key: row[:4] for key, row in rows_of(path)["tasks"].items()} == {
        key: row[:4] for key, row in before.items()
    }
    assert integrity.full_check(path) == []


def test_a_task_whose_row_is_lost_gets_its_task_id_back_from_one_that_was_damaged_into_it(
    path: Path, clock: ManualClock
) -> None:
    closed_history(path, clock, 19)
    _flip_bit(path, _place_of(path, 12) + len("task-1"), 1)
    place = path.read_bytes().index(b"task-13RETRIEVALshopper13")
    overwrite(path, place - 60, b"\0" * 150)
    recover.recover(path, clock())
    recovered = rows_of(path)["tasks"]
    assert [recovered[number][1] for number in (12, 13)] == ["task-12", "task-13"]


def test_a_task_id_that_was_entered_by_hand_is_read_from_the_timeline(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    number = in_status(store, Status.UNCONFIRMED).number
    decisions.enter_task_id(store, number, "task-by-hand", "op")
    store.close()
    overwrite_table(path, "tasks")
    recover.recover(path, clock())
    assert rows_of(path)["tasks"][number][1] == "task-by-hand"


def test_a_submission_that_refers_to_another_task_does_not_mix_two_tasks_of_an_import(
    path: Path, clock: ManualClock
) -> None:
    closed_history(path, clock, 19)
    before = rows_of(path)["tasks"]
    back_up(path)
    with closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA secure_delete = ON; DELETE FROM intents WHERE task = 12")
        db.execute("UPDATE intents SET task = 12 WHERE task = 13")
    overwrite(path, 0, b"\0" * 16)
    recover.recover(path, clock())
    assert {key: row[:4] for key, row in rows_of(path)["tasks"].items()} == {
        key: row[:4] for key, row in before.items()
    }


@pytest.mark.parametrize("bit", [1, 4, 32, 4096])
def test_an_event_whose_reference_is_damaged_is_given_back_and_changes_no_other_task(
    path: Path, clock: ManualClock, bit: int
) -> None:
    closed_history(path, clock, 40)
    with closing(open_store(path, clock=clock)) as store:
        single.acknowledge(store, 39, TODAY, ACTOR)
        single.answer(store, 39, "by email", TODAY, ACTOR)
    before = rows_of(path)["tasks"]
    change_elsewhere(path, f"UPDATE timeline SET task = {39 ^ bit} WHERE task = 39 AND what <> 'acknowledged'")
    overwrite_table(path, "downloads")
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert {row[0]: row[:4] for row in rows_of(path)["tasks"].values()} == {
            row[0]: row[:4] for row in before.values()
        }
        assert [event.what for event in timeline.of_task(store, 39)][-2:] == ["acknowledged", "answered"]
        answered = store.rows("SELECT number FROM tasks WHERE answered_on IS NOT NULL")
        assert answered == [(39,)]
    assert chain_check.check_file(path)[1] == []
