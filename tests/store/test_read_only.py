"""A history that can only be read is shown, and refuses what it could not keep."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreUnavailable
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.small_disk import fill
from tests.store.support import submitted


def _submit_many(store: Store) -> None:
    for _ in range(500):
        submitted(store)


def _refuses(store: Store) -> None:
    before = store.revision()
    with pytest.raises(StoreUnavailable):
        submitted(store)
    assert store.revision() == before


def test_a_full_disk_while_it_is_open_is_told_and_reading_goes_on(small_disk: Path) -> None:
    store = open_store(small_disk / "profile" / "history.db")
    task = submitted(store)
    fill(small_disk)
    with pytest.raises(StoreUnavailable, match=r"full|cannot be used"):
        _submit_many(store)
    assert tasks.get(store, task.number) == task
    _refuses(store)
    (small_disk / "ballast").unlink()
    assert submitted(store).number > task.number
    store.close()


def test_on_a_full_disk_it_opens_to_be_read(small_disk: Path) -> None:
    path = small_disk / "profile" / "history.db"
    store = open_store(path)
    task = submitted(store)
    store.close()
    fill(small_disk)
    full = open_store(path)
    assert full.read_only_reason is not None
    assert "full" in full.read_only_reason
    assert tasks.get(full, task.number) == task
    _refuses(full)
    (small_disk / "ballast").unlink()
    other = open_store(path)
    submitted(other)
    other.close()
    with pytest.raises(StoreUnavailable, match="Restart bwp-tui"):
        tasks.get(full, task.number)
    full.close()


def test_on_a_read_only_file_system_it_opens_to_be_read(small_disk: Path) -> None:
    path = small_disk / "profile" / "history.db"
    store = open_store(path)
    task = submitted(store)
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    shown = open_store(path)
    assert shown.read_only_reason is not None
    assert "read-only file system" in shown.read_only_reason
    assert tasks.get(shown, task.number) == task
    _refuses(shown)
    shown.close()
