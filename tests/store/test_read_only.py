"""A history that can only be read is shown, and refuses what it could not keep."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreMoved, StoreUnavailable
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.small_disk import fill
from tests.store.support import submitted
from tests.waiting import eventually


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
    version = full.data_version()
    (small_disk / "ballast").unlink()
    other = open_store(path)
    new = submitted(other)
    other.close()
    assert full.data_version() != version
    assert tasks.get(full, new.number) == new
    assert not full.read_only_reason
    assert submitted(full).number > new.number
    full.close()


def test_it_is_written_again_once_the_disk_has_space_although_nobody_else_has_changed_it(small_disk: Path) -> None:
    path = small_disk / "profile" / "history.db"
    with closing(open_store(path)) as store:
        submitted(store)
    fill(small_disk)
    with closing(open_store(path)) as full:
        version = full.data_version()
        (small_disk / "ballast").unlink()
        eventually(lambda: full.data_version() != version)
        assert full.read_only_reason is None
        assert submitted(full).number == 2
    fill(small_disk)
    with closing(open_store(path)) as full:
        (small_disk / "ballast").unlink()
        assert submitted(full).number == 3, "a write waits for no attempt"


@pytest.mark.parametrize("opens_another", [False, True])
def test_an_older_copy_that_a_full_disk_hid_is_noticed_before_it_is_written(
    small_disk: Path, opens_another: bool
) -> None:
    path = small_disk / "profile" / "history.db"
    with closing(open_store(path)) as store:
        waiting = submitted(store, Kind.DELETION)
    shutil.copy(path, path.with_name("old.db"))
    with closing(open_store(path)) as store:
        submitted(store)
    path.with_name("old.db").replace(path)
    fill(small_disk)
    with closing(open_store(path)) as full:
        assert full.read_only_reason is not None
        (small_disk / "ballast").unlink()
        writing = full.open_another() if opens_another else full
        submitted(writing)
        assert "is an older copy" in (writing.opening_report or "")
        assert tasks.get(writing, waiting.number).status == Status.UNCONFIRMED
        writing.close()


def test_another_file_in_its_place_is_not_taken_for_it(small_disk: Path) -> None:
    path = small_disk / "profile" / "history.db"
    for name in ("other.db", "history.db"):
        with closing(open_store(path.with_name(name))) as store:
            submitted(store)
    fill(small_disk)
    with closing(open_store(path)) as full:
        (small_disk / "ballast").unlink()
        path.with_name("other.db").replace(path)
        for act in (submitted, Store.revision):
            with pytest.raises(StoreMoved):
                act(full)


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
