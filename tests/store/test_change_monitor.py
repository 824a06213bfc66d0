"""Noticing what others commit."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest

from bwp_tui.store.database.change_monitor import ChangeMonitor
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from tests.store.support import submitted

_WRITE_ONE = """
import sys
from pathlib import Path
from bwp_tui.store.open_store import open_store
from tests.store.support import submitted

store = open_store(Path(sys.argv[1]))
sys.stdin.readline()
submitted(store)
print("committed", flush=True)
sys.stdin.readline()
"""


class _Bell:
    """Counts the calls of a monitor, and waits for the next."""

    def __init__(self) -> None:
        self.rung = 0
        self._ring = threading.Condition()

    def __call__(self) -> None:
        with self._ring:
            self.rung += 1
            self._ring.notify_all()

    def wait_beyond(self, count: int, timeout: float) -> bool:
        with self._ring:
            return self._ring.wait_for(lambda: self.rung > count, timeout)


def test_a_commit_of_another_process_is_noticed_within_a_second(path: Path, store: Store) -> None:
    bell = _Bell()
    monitor = ChangeMonitor(open_store(path), bell)
    monitor.start()
    command = [sys.executable, "-c", _WRITE_ONE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("go\n")
        assert writer.stdout.readline() == "committed\n"
        committed = time.monotonic()
        assert bell.wait_beyond(0, 10)
        noticed = time.monotonic()
    monitor.stop()
    assert noticed - committed < 1
    assert store.revision() == 1


def test_a_commit_of_this_process_is_noticed_and_one_undone_is_not(path: Path, store: Store) -> None:
    bell = _Bell()
    monitor = ChangeMonitor(open_store(path), bell)
    monitor.start()
    with pytest.raises(ZeroDivisionError), store.write():
        _ = 1 / 0
    submitted(store)
    assert bell.wait_beyond(0, 10)
    submitted(store)
    assert bell.wait_beyond(1, 10)
    assert not bell.wait_beyond(2, 0.35)
    monitor.stop()


def test_what_was_committed_before_the_monitor_is_not_news(path: Path, store: Store) -> None:
    submitted(store)
    bell = _Bell()
    monitor = ChangeMonitor(open_store(path), bell)
    monitor.start()
    assert not bell.wait_beyond(0, 0.35)
    monitor.stop()


def test_a_monitor_that_stops_ends_its_thread_and_closes_its_connection(path: Path) -> None:
    monitored = open_store(path)
    monitor = ChangeMonitor(monitored, _Bell())
    monitor.start()
    monitor.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "history-monitor"]
    with pytest.raises(apsw.ConnectionClosedError):
        monitored.revision()


def test_a_monitor_may_be_stopped_from_what_it_calls(path: Path, store: Store) -> None:
    stopped = threading.Event()

    def stop() -> None:
        monitor.stop()
        stopped.set()

    monitor = ChangeMonitor(open_store(path), stop)
    monitor.start()
    submitted(store)
    assert stopped.wait(10)
    monitor.stop()


def test_a_monitor_that_never_began_closes_its_connection_when_it_is_stopped(path: Path) -> None:
    monitored = open_store(path)
    ChangeMonitor(monitored, _Bell()).stop()
    with pytest.raises(apsw.ConnectionClosedError):
        monitored.revision()
