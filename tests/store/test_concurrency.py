"""Several writers of one history: no update is lost, whoever writes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.store.support import scalar, submitted

_WRITER = """
import sys
from pathlib import Path
from bwp_tui.store.open_store import open_store
from tests.store.support import submitted

store = open_store(Path(sys.argv[1]))
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    submitted(store)
store.close()
"""
_EACH = 30


def _check(store: Store, count: int) -> None:
    assert store.revision() == count
    revisions = [as_int(revision) for (revision,) in store.rows("SELECT revision FROM tasks ORDER BY number")]
    assert revisions == list(range(1, count + 1))
    for table in ("intents", "timeline"):
        assert scalar(store, f"SELECT count(DISTINCT task) FROM {table}") == count
    assert sum(tasks.status_counts(store).values()) == count
    assert store.rows("PRAGMA integrity_check") == [("ok",)]


def test_two_connections_see_what_the_other_committed(path: Path, store: Store) -> None:
    other = open_store(path)
    task = submitted(store)
    assert tasks.get(other, task.number) == task
    assert submitted(other).revision == task.revision + 1
    other.close()


def test_processes_that_open_a_new_history_together_and_write_lose_nothing(path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(path), str(_EACH)]
    writers = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(3)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=50) for writer in writers] == [0, 0, 0]
    store = open_store(path)
    _check(store, 3 * _EACH)
    store.close()


def test_threads_that_share_a_connection_or_have_their_own_lose_nothing(path: Path, store: Store) -> None:
    own = open_store(path)
    writers = [threading.Thread(target=_submit_some, args=(shared,)) for shared in (store, store, own)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=50)
    own.close()
    _check(store, 3 * _EACH)


def _submit_some(store: Store) -> None:
    for _ in range(_EACH):
        submitted(store)


def test_a_thread_that_reads_waits_for_the_transaction_of_another(store: Store) -> None:
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.append(store.revision()))
    with store.write():
        reader.start()
        reader.join(timeout=0.05)
        assert seen == []
    reader.join(timeout=50)
    assert seen == [1]


def test_what_two_operators_ask_for_together_is_flagged_and_never_merged(path: Path, store: Store) -> None:
    other = open_store(path)
    first = submitted(store)
    second = submitted(other, email="JANE@example.com")
    assert (first.earlier_number, second.earlier_number) == (None, first.number)
    other.close()
