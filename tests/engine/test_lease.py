from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bwp_tui.engine.runtime.lease import Lease, LeaseUnusable, is_any_engine_running
from tests.waiting import eventually

HOLDER = """
import sys
from pathlib import Path
from bwp_tui.engine.runtime.lease import Lease
lease = Lease(Path(sys.argv[1]))
print(lease.acquire(), flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has tried for the lease; what it got is its first line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        try:
            yield holder
        finally:
            holder.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_one_of_two_holds_the_lease(tmp_path: Path) -> None:
    first, second = Lease(tmp_path / "engine.lock"), Lease(tmp_path / "engine.lock")
    assert first.acquire()
    assert first.acquire(), "taking what one holds changes nothing"
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_releasing_twice_or_unheld_is_harmless(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "engine.lock")
    lease.release()
    assert lease.acquire()
    lease.release()
    lease.release()
    assert not is_any_engine_running(tmp_path / "engine.lock")


def test_the_file_of_the_lease_stays_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    lease = Lease(path)
    assert lease.acquire()
    before = path.stat().st_ino
    lease.release()
    assert lease.acquire()
    assert path.stat().st_ino == before
    lease.release()
    assert path.exists()


def test_the_file_is_private_and_makes_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    lease = Lease(path)
    lease.acquire()
    lease.release()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(LeaseUnusable):
        Lease(tmp_path / "away" / "engine.lock").acquire()
    assert not (tmp_path / "away").exists(), "a history that was moved away can be moved back"


def test_a_symlink_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "engine.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LeaseUnusable, match="it is a link"):
        Lease(tmp_path / "engine.lock").acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_another_process_does_not_get_a_held_lease(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "engine.lock")
    assert lease.acquire()
    with other_process(tmp_path / "engine.lock") as other:
        assert first_line(other) == "False"
    lease.release()


def test_killing_the_holder_frees_the_lease(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "engine.lock")
    with other_process(tmp_path / "engine.lock") as holder:
        assert first_line(holder) == "True"
        assert not lease.acquire()
        holder.kill()
        eventually(lease.acquire, within_s=5)
    lease.release()
