"""What the benchmarks count exactly, on any machine: bytes, modules, statements, requests. Nothing here is a time.

The bounds are what the program reaches today: whoever makes it better makes them tighter.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

import apsw
import pytest

from bwp_tui.console.store_access.snapshot_feed import Snapshot, SnapshotFeed
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.times import utc_now
from bwp_tui.store.worklog import intents
from tests.benchmarks.far_service import far_service
from tests.benchmarks.histories import fresh
from tests.benchmarks.ptys import ROOT
from tests.benchmarks.sending import all_asked, imported, make_due, under_way, worked
from tests.benchmarks.terminal_bytes import TASKS, Watched, watched
from tests.e2e.operator import DOWN, UP, unchanging_history
from tests.store import single
from tests.waiting import eventually

LATER = (
    "httpx", "httpcore", "urllib3", "h11", "pydantic", "graphql", "sqlite3", "bwp_tui.api.client",
    "bwp_tui.api.transfer", "bwp_tui.contract.payloads", "bwp_tui.sandbox", "bwp_tui.cli",
    "textual.widgets._data_table", "textual.widgets._markdown", "textual.widgets._footer", "bwp_tui.archive",
    "bwp_tui.console.screens.main_handlers", "bwp_tui.console.store_access.task_commands",
    "bwp_tui.store.queries.dashboard", "bwp_tui.store.queries.intent_log",
    "bwp_tui.engine.runtime.maintenance_thread", "botocore", "bwp_tui.engine.events", "bwp_tui.contract.events",
    "bwp_tui.store.commands.undo", "bwp_tui.console.screens.help", "bwp_tui.console.screens.task",
    "bwp_tui.console.widgets.request_form", "bwp_tui.console.widgets.prompt",
    "bwp_tui.store.database.digest_chain",
)  # fmt: skip
"""What the first frame does not show."""

MODULES = 530
STATEMENTS = 16


@pytest.fixture
def console() -> Iterator[Watched]:
    with watched() as found:
        yield found


def test_a_status_that_changes_in_sight_costs_200_bytes_with_its_counts(console: Watched) -> None:
    assert 0 < console.cost(lambda: console.status(TASKS - 5, Status.IN_PROGRESS)) <= 200


def test_what_nobody_sees_costs_no_byte(console: Watched) -> None:
    assert console.cost(lambda: console.status(5, Status.COMPLETED)) == 0
    assert console.console.read_for(2.0) == 0


def test_a_dashboard_sends_no_byte_while_idle_and_what_differs_after_a_change(console: Watched) -> None:
    console.key("D")
    assert console.console.read_for(2.0) == 0
    console.cost(lambda: console.status(TASKS - 5, Status.IN_PROGRESS))  # its line may be new, and move others
    console.console.read_for(2.0)
    console.status(TASKS - 4, Status.IN_PROGRESS)
    assert 0 < console.console.read_for(4.0) <= 1_000


def test_keys_cost_no_more_bytes_than_they_did(console: Watched) -> None:
    found = {key: max(console.key(key), console.key(back)) for key, back in ((DOWN, UP), ("?", "\x1b"), (":", "\x1b"))}
    assert 0 < found[DOWN] <= 2_000  # with the details, and the footer that begins with the next steps
    assert 0 < found["?"] <= 6_500
    assert 0 < found[":"] <= 3_700


def test_a_cursor_that_scrolls_the_list_costs_hardly_more_bytes_than_one_that_does_not(console: Watched) -> None:
    console.key(DOWN * 25)
    moves = [(console.key(DOWN), console.key(UP), console.key(DOWN)) for _ in range(5)]  # the last one scrolls nothing
    assert 0 < statistics.median(scrolling for scrolling, _, _ in moves) <= 2_000
    assert statistics.median(scrolling - plain for scrolling, _, plain in moves) <= 300


def test_the_first_frame_imports_nothing_that_it_does_not_show() -> None:
    with fresh(unchanging_history(60)) as place:
        argv = [sys.executable, "-m", "tests.benchmarks.first_frame", str(place.folder)]
        env = {**place.env, "PATH": "/usr/bin:/bin"}
        ended = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    names = ended.stdout.split()
    assert "textual.app" in names
    assert [name for name in LATER if name in names] == []
    assert len(names) <= MODULES


def test_a_change_is_shown_with_few_statements() -> None:
    statements: list[str] = []

    def count(db: apsw.Connection) -> None:
        def note(_cursor: apsw.Cursor, sql: str, _values: object) -> bool:
            statements.append(sql)
            return True

        db.exec_trace = note

    told: list[Snapshot | str] = []
    with fresh(unchanging_history(60)) as place:
        apsw.connection_hooks.append(count)
        try:
            feed = SnapshotFeed(place.history, utc_now)
            feed.subscribe(told.append)
        finally:
            apsw.connection_hooks.remove(count)
        feed.start()
        eventually(lambda: told)
        store = place.store()
        statements.clear()
        single.set_note(store, 60, "called", "op")
        eventually(lambda: len(told) == 2)
        store.close()
        feed.stop()
    counted = [sql for sql in statements if "data_version" not in sql]
    assert 0 < len(counted) <= STATEMENTS


def test_twenty_tasks_are_asked_about_at_a_time() -> None:
    with far_service(0.0) as service, fresh(under_way(100)) as place:
        make_due(place, 100)
        worked(place, service, all_asked)
        assert service.calls["poll"] == 5


def test_a_request_is_sent_once() -> None:
    with far_service(0.0) as service, fresh() as place:
        imported(place, 20)
        worked(place, service, lambda store: intents.next_at(store) is None)
        assert service.calls["start"] == 20
