"""Rows whose values damage or another program has changed, in a recovery or restore: the digests say what is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import TO_CHECK, Kind
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.maintenance import backups, chain_check, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import change_elsewhere, overwrite_table
from tests.store.support import ACTOR, accepted, back_up, has_waiting_intent, received, sent, submitted

CHANGED = "UPDATE tasks SET email = 'mavy@example.com' WHERE number = 1"


@contextmanager
def _recovered(path: Path, clock: ManualClock) -> Iterator[tuple[Store, str]]:
    """Damage a table that is of no importance here, and open the history; yield it and the report."""
    overwrite_table(path, "service_events")
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        (report,) = path.parent.glob("*.txt")
        yield store, report.read_text()


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("is_later", [False, True])
def test_a_value_that_was_changed_is_that_of_the_backup_with_which_the_digests_agree(
    path: Path, store: Store, clock: ManualClock, kind: Kind, *, is_later: bool
) -> None:
    number = received(store, kind, "mary@example.com").number
    store.close()
    back_up(path)
    if is_later:
        clock.advance(minutes=1)
        with closing(open_store(path, clock=clock)) as later:
            single.set_note(later, number, "called", ACTOR)
    change_elsewhere(path, CHANGED)
    with _recovered(path, clock) as (recovered, report):
        task = tasks.get(recovered, number)
        assert (task.email, task.status, task.note) == ("mary@example.com", "RECEIVED", "called" if is_later else "")
        assert TO_CHECK not in task.tags
        assert "#1: email" in report
        assert any("email of " in (event.detail or "") for event in timeline.of_task(recovered, number))
    assert chain_check.check_file(path)[1] == []


@pytest.mark.parametrize("column", ["email = 'mavy@example.com'", "holding_period = 30", "kind = 'RETRIEVAL'"])
@pytest.mark.parametrize("waits", [True, False])
def test_a_request_that_was_changed_and_that_no_copy_has_is_withheld(
    path: Path, store: Store, clock: ManualClock, column: str, *, waits: bool
) -> None:
    number = (submitted if waits else received)(store, Kind.DELETION, "mary@example.com").number
    store.close()
    change_elsewhere(path, f"UPDATE tasks SET {column}")
    with _recovered(path, clock) as (recovered, report):
        task = tasks.get(recovered, number)
        assert task.status == Status.UNCONFIRMED
        assert TO_CHECK in task.tags
        assert column.split()[0] in (task.trouble or "")
        assert not has_waiting_intent(recovered, number)
        assert recovered.opening_report is not None
        assert TO_CHECK in recovered.opening_report
        assert f"#1: {column.split()[0]}" in report


def test_a_changed_row_of_a_task_that_runs_is_tagged(path: Path, store: Store, clock: ManualClock) -> None:
    number = accepted(store, kind=Kind.DELETION, email="mary@example.com").number
    store.close()
    change_elsewhere(path, CHANGED)
    with _recovered(path, clock) as (recovered, _):
        task = tasks.get(recovered, number)
        assert (task.status, task.tags) == (Status.ON_HOLD, (TO_CHECK,))


def test_a_changed_task_id_is_that_of_the_backup_where_its_event_is_damaged_too(
    path: Path, store: Store, clock: ManualClock
) -> None:
    accepted(store, "task-1")
    store.close()
    back_up(path)
    change_elsewhere(path, "UPDATE tasks SET task_id = 'tasc-1'", "UPDATE timeline SET detail = 'x' WHERE id = 2")
    with _recovered(path, clock) as (recovered, _):
        assert tasks.get(recovered, 1).task_id == "task-1"


def test_a_row_that_is_not_changed_is_sent_after_a_recovery(path: Path, store: Store, clock: ManualClock) -> None:
    submitted(store, Kind.DELETION, "mary@example.com")
    submitted(store, Kind.DELETION, "bob@example.com")
    store.close()
    change_elsewhere(path, CHANGED)
    with _recovered(path, clock) as (recovered, _):
        sent(recovered, 2)


def test_a_restore_takes_the_value_that_another_program_changed(path: Path, store: Store, clock: ManualClock) -> None:
    received(store, Kind.DELETION, "mary@example.com")
    submitted(store, Kind.DELETION, "bob@example.com")
    backup = path.with_name("copy.db")
    store.close()
    backups.back_up_to(path, backup)
    clock.advance(minutes=1)
    with closing(open_store(path, clock=clock)) as later:
        submitted(later, Kind.DELETION, "eve@example.com")
    change_elsewhere(path, CHANGED, "UPDATE tasks SET email = 'evy@example.com' WHERE number = 3")
    restore.restore(path, backup, clock())
    with closing(open_store(path, clock=clock)) as restored:
        assert tasks.get(restored, 1).email == "mary@example.com"
        assert tasks.get(restored, 3).status == Status.UNCONFIRMED
        assert tasks.get(restored, 2).status == Status.QUEUED
