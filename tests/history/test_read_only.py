"""A register that can only be read is shown, and refuses what it could not keep."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.store.database.connection import History
from bwp_tui.store.errors import HistoryUnavailable
from bwp_tui.store.queries import tasks
from tests.history.support import submitted


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=False)
    if made.returncode:
        pytest.skip("only root can mount a small file system")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def _fill(disk: Path) -> None:
    descriptor = os.open(disk / "ballast", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, b"x" * 512)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _submit_many(history: History) -> None:
    for _ in range(500):
        submitted(history)


def _refuses(history: History) -> None:
    before = history.revision()
    with pytest.raises(HistoryUnavailable):
        submitted(history)
    assert history.revision() == before


def test_a_full_disk_while_it_is_open_is_told_and_reading_goes_on(small_disk: Path) -> None:
    history = History(small_disk / "profile" / "history.db")
    task = submitted(history)
    _fill(small_disk)
    with pytest.raises(HistoryUnavailable, match=r"full|cannot be used"):
        _submit_many(history)
    assert tasks.get(history, task.number) == task
    _refuses(history)
    (small_disk / "ballast").unlink()
    assert submitted(history).number > task.number
    history.close()


def test_on_a_full_disk_it_opens_to_be_read(small_disk: Path) -> None:
    path = small_disk / "profile" / "history.db"
    history = History(path)
    task = submitted(history)
    history.close()
    _fill(small_disk)
    full = History(path)
    assert full.read_only is not None
    assert "full" in full.read_only
    assert tasks.get(full, task.number) == task
    _refuses(full)
    (small_disk / "ballast").unlink()
    other = History(path)
    submitted(other)
    other.close()
    with pytest.raises(HistoryUnavailable, match="Start bwp-tui anew"):
        tasks.get(full, task.number)
    full.close()


def test_on_a_read_only_file_system_it_opens_to_be_read(small_disk: Path) -> None:
    path = small_disk / "profile" / "history.db"
    history = History(path)
    task = submitted(history)
    history.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    shown = History(path)
    assert shown.read_only is not None
    assert "read-only file system" in shown.read_only
    assert tasks.get(shown, task.number) == task
    _refuses(shown)
    shown.close()
