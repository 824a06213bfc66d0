"""A history belongs to one shop."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.urls import Shop
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import OtherShop
from bwp_tui.store.maintenance import backups, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.manual_clock import ManualClock
from tests.store.support import accepted, submitted

OURS = Shop("bp-ours", "api.example.com")


def _write(store: Store, message: str) -> None:
    engine_state.record_health(store, ServiceHealthState.REACHED, message, None)


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
    assert OURS.is_certainly_other(other) is other.is_certainly_other(OURS) is is_other


def test_the_first_request_binds_it_and_another_shop_records_nothing(store: Store) -> None:
    store.require_shop(OURS)
    submitted(store)
    other = store.open_another()
    with pytest.raises(OtherShop, match=r"bp-ours.*bp-other"):
        other.require_shop(Shop("bp-other", "api.example.com"))
    before = store.revision()
    with pytest.raises(OtherShop):
        submitted(other)
    assert store.revision() == before
    other.close()


def test_one_that_another_shop_binds_meanwhile_is_refused_in_the_transaction(store: Store) -> None:
    store.require_shop(OURS)
    other = store.open_another()
    other.require_shop(Shop("bp-other", None))
    _write(other, "an empty history belongs to nobody")
    _write(store, "an empty history belongs to nobody still")
    submitted(store)
    with pytest.raises(OtherShop):
        _write(other, "it is bound now")
    other.close()


def test_the_host_counts_once_a_service_has_given_a_task_id(store: Store) -> None:
    store.require_shop(Shop("bp-ours", "mistyped.example.com"))
    submitted(store)
    _write(store, "asked for")
    store.require_shop(OURS)
    accepted(store, "task-1", email="bob@example.com")
    _write(store, "accepted")
    with pytest.raises(OtherShop):
        store.require_shop(Shop("bp-ours", "mistyped.example.com"))


def test_without_a_target_in_the_settings_it_stays_as_it_is(store: Store) -> None:
    store.require_shop(OURS)
    submitted(store)
    store.require_shop(None)
    submitted(store)
    assert store.rows("SELECT target_id FROM meta") == [(OURS.target_id,)]


def test_it_stays_bound_through_a_copy_that_is_restored(path: Path, clock: ManualClock) -> None:
    store = open_store(path, clock=clock)
    store.require_shop(OURS)
    accepted(store, "task-1")
    _write(store, "accepted")
    copy = path.with_name("copy.db")
    backups.back_up_to(path, copy)
    store.close()
    path.unlink()
    restore.restore(path, copy, clock())
    db = apsw.Connection(str(path))
    assert db.execute("SELECT target_id, api_host FROM meta").fetchall() == [OURS]
    db.close()
