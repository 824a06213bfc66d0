"""A history belongs to one shop."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.shop import Shop
from bwp_tui.store.database.connection import History
from bwp_tui.store.errors import OtherShop
from bwp_tui.store.maintenance import backups, restore
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Service
from tests.history.support import FrozenClock, accepted, submitted

OURS = Shop("bp-ours", "api.example.com")


def _write(history: History, message: str) -> None:
    engine_state.report(history, Service.REACHED, message, None)


@pytest.mark.parametrize(
    ("other", "is_other"),
    [
        (OURS, False),
        (Shop("bp-ours", None), False),
        (Shop("bp-other", "api.example.com"), True),
        (Shop("bp-other", None), True),
        (Shop("bp-ours", "staging.example.com"), True),
    ],
)
def test_two_shops_are_told_apart_by_target_and_host(other: Shop, is_other: bool) -> None:
    assert OURS.is_other(other) is other.is_other(OURS) is is_other


def test_the_first_request_binds_it_and_another_shop_records_nothing(history: History) -> None:
    history.work_for(OURS)
    submitted(history)
    other = history.another()
    with pytest.raises(OtherShop, match=r"bp-ours.*bp-other"):
        other.work_for(Shop("bp-other", "api.example.com"))
    before = history.revision()
    with pytest.raises(OtherShop):
        submitted(other)
    assert history.revision() == before
    other.close()


def test_one_that_another_shop_binds_meanwhile_is_refused_in_the_transaction(history: History) -> None:
    history.work_for(OURS)
    other = history.another()
    other.work_for(Shop("bp-other", None))
    _write(other, "an empty history belongs to nobody")
    _write(history, "an empty history belongs to nobody still")
    submitted(history)
    with pytest.raises(OtherShop):
        _write(other, "it is bound now")
    other.close()


def test_the_host_counts_once_a_service_has_given_a_task_id(history: History) -> None:
    history.work_for(Shop("bp-ours", "mistyped.example.com"))
    submitted(history)
    _write(history, "asked for")
    history.work_for(OURS)
    accepted(history, "task-1", email="bob@example.com")
    _write(history, "accepted")
    with pytest.raises(OtherShop):
        history.work_for(Shop("bp-ours", "mistyped.example.com"))


def test_without_a_target_in_the_settings_it_stays_as_it_is(history: History) -> None:
    history.work_for(OURS)
    submitted(history)
    history.work_for(None)
    submitted(history)
    assert history.rows("SELECT target_id FROM meta") == [(OURS.target_id,)]


def test_it_stays_bound_through_a_copy_that_is_restored(path: Path, clock: FrozenClock) -> None:
    history = History(path, clock=clock)
    history.work_for(OURS)
    accepted(history, "task-1")
    _write(history, "accepted")
    copy = path.with_name("copy.db")
    backups.back_up_to(path, copy)
    history.close()
    path.unlink()
    restore.restore(path, copy, clock())
    db = apsw.Connection(str(path))
    assert db.execute("SELECT target_id, api_host FROM meta").fetchall() == [OURS]
    db.close()
