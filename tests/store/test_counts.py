"""The counts that triggers keep."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bwp_tui.domain.task import Kind
from bwp_tui.store.database.connection import Store, Transaction, as_int, as_text
from bwp_tui.store.maintenance import integrity
from bwp_tui.store.queries import tasks
from tests.new_history import new_history

_STATUSES = st.sampled_from(["QUEUED", "COMPLETED", "SUSPENDED"])
_INSERT = st.tuples(st.just("insert"), st.sampled_from(Kind), _STATUSES)
_CHANGE = st.tuples(st.just("change"), st.integers(1, 8), _STATUSES)
_DELETE = st.tuples(st.just("delete"), st.integers(1, 8), st.just(""))
_FLAG = st.tuples(st.just("flag"), st.integers(1, 8), st.sampled_from(["terminal", "saved", "resubmitted"]))
_UNDO = st.tuples(st.just("undo"), st.sampled_from(Kind), _STATUSES)


@given(st.lists(st.one_of(_INSERT, _CHANGE, _FLAG, _DELETE, _UNDO), max_size=20))
@settings(max_examples=30, deadline=None)
def test_the_counts_equal_a_recount_after_any_changes(operations: list[tuple[str, Kind | int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = new_history(Path(folder) / "history.db")
        store.rows("PRAGMA synchronous = OFF")
        for what, which, status in operations:
            _apply(store, what, which, status)
        recount = store.rows("SELECT kind, status, count(*) FROM tasks GROUP BY kind, status")
        expected = {(as_text(kind), as_text(status)): as_int(count) for kind, status, count in recount}
        counted = tasks.status_counts(store)
        kept, recounted = (
            sorted(map(str, store.rows(sql))) for sql in (integrity.TALLIED_COUNTS, integrity.TASK_COUNTS)
        )
        store.close()
    assert counted == expected
    assert kept == recounted


def _apply(store: Store, what: str, which: Kind | int, status: str) -> None:
    if what == "insert":
        with store.write() as transaction:
            _insert(transaction, which, status)
    elif what == "undo":
        _insert_and_undo(store, which, status)
    elif what == "change":
        store.rows("UPDATE tasks SET status = ? WHERE number = ?", (status, which))
    elif what == "flag":
        store.rows(f"UPDATE tasks SET {status} = 1 - {status} WHERE number = ?", (which,))
    else:
        store.rows("DELETE FROM tasks WHERE number = ?", (which,))


def _insert(transaction: Transaction, kind: Kind | int, status: str) -> None:
    transaction.run(
        "INSERT INTO tasks (kind, email, status, received_on, regulation, recorded_at, revision)"
        " VALUES (?, '', ?, '2026-11-20', 'none', '2026-11-20T00:00:00.000000Z', ?)",
        (kind, status, transaction.revision),
    )


def _insert_and_undo(store: Store, kind: Kind | int, status: str) -> None:
    with suppress(ZeroDivisionError), store.write() as transaction:
        _insert(transaction, kind, status)
        raise ZeroDivisionError
