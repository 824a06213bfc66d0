"""Values that this program never writes, met while a history is in use: the next start recovers it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.views import View
from bwp_tui.store.commands import saved_views
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import is_flagged
from bwp_tui.store.errors import StoreDamaged
from bwp_tui.store.maintenance import integrity
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import compliance_report, intent_log, tasks, timeline
from bwp_tui.store.worklog import engine_state
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, overwrite
from tests.store.support import ACTOR, TODAY, accepted, in_status, submitted

Use = Callable[[Store], object]


def _filled(path: Path, clock: ManualClock) -> None:
    with closing(open_store(path, clock=clock)) as store:
        accepted(store)
        in_status(store, "COMPLETED", task_id="task-2")
        saved_views.save(store, View("mine", "is:failed"))


def _change(path: Path, sql: str) -> None:
    with closing(apsw.Connection(str(path))) as db:
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)  # one of them keeps the timeline
        db.execute(sql)


def _write_unchecked(path: Path, table: str, declared: str, looser: str, sql: str) -> None:
    """Change rows under a looser schema, which is tightened again."""
    for statement in (
        f"UPDATE sqlite_schema SET sql = replace(sql, '{declared}', '{looser}') WHERE name = '{table}'",
        sql,
        f"UPDATE sqlite_schema SET sql = replace(sql, '{looser}', '{declared}') WHERE name = '{table}'",
    ):
        with closing(apsw.Connection(str(path))) as db:
            db.execute(f"PRAGMA writable_schema = ON; {statement}")


@pytest.mark.parametrize(
    ("sql", "use"),
    [
        ("UPDATE intents SET asked_at = '2026,11-20T09:14:00.000000Z'", lambda store: intent_log.newest(store, 9)),
        ("UPDATE timeline SET at = '2026-11-20T09:99:00.000000Z'", lambda store: timeline.of_task(store, 1)),
        ("UPDATE tasks SET received_on = '2026-11-99'", lambda store: tasks.get(store, 1)),
        ("UPDATE tasks SET errors = '[1]'", lambda store: tasks.get(store, 1)),
        (
            "UPDATE tasks SET answered_on = '2026-11-99', answered_how = 'by email' WHERE number = 2",
            lambda store: compliance_report.compliance_report(store, date(2026, 1, 1), date(2026, 12, 31)),
        ),
        ("UPDATE views SET columns = '['", saved_views.all_views),
        ("UPDATE tasks SET tags = '[}'", tasks.tags_in_use),
    ],
    ids=["intent", "event", "day", "errors", "report", "view", "tags"],
)
def test_a_value_that_cannot_be_read_has_the_history_recovered_at_the_next_start(
    path: Path, clock: ManualClock, sql: str, use: Use
) -> None:
    _filled(path, clock)
    _change(path, sql)
    with closing(open_store(path, clock=clock)) as store, pytest.raises(StoreDamaged, match="start one again"):
        use(store)
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        use(store)
        assert tasks.get(store, 1).task_id == "task-1"
    assert integrity.full_check(path) == []


def test_a_row_that_cannot_be_changed_has_the_history_recovered_at_the_next_start(
    path: Path, clock: ManualClock
) -> None:
    _filled(path, clock)
    _write_unchecked(path, "tallies", "tasks INTEGER NOT NULL", "tasks INTEGER", "UPDATE tallies SET tasks = NULL")
    with closing(open_store(path, clock=clock)) as store, pytest.raises(StoreDamaged, match="start one again"):
        accepted(store, "task-3")
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        submitted(store)


def test_a_statement_that_breaks_a_rule_of_a_sound_history_is_a_fault_of_the_program(store: Store) -> None:
    with pytest.raises(apsw.ConstraintError):
        store.rows("UPDATE meta SET revision = NULL")
    assert not is_flagged(store.path)


@pytest.mark.parametrize("table", ["meta", "engine"])
@pytest.mark.parametrize("rows", [0, 4])
def test_a_state_that_is_not_one_row_is_damage(path: Path, clock: ManualClock, table: str, rows: int) -> None:
    _filled(path, clock)
    with closing(apsw.Connection(str(path))) as db:
        ((root,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
    overwrite(path, (int(str(root)) - 1) * PAGE + 4, bytes([rows]))  # the number of its rows
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        single.set_note(store, 1, "called", ACTOR)
        engine_state.record_new_term(store, 1, "host")


@pytest.mark.parametrize("table", ["meta", "engine"])
def test_a_state_that_was_deleted_is_made_again(path: Path, clock: ManualClock, table: str) -> None:
    _filled(path, clock)
    _change(path, f"DELETE FROM {table}")
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        engine_state.record_new_term(store, 1, "host")


def test_an_engine_of_unknown_abilities_is_taken_for_one_that_can_do_nothing(store: Store) -> None:
    store.rows("UPDATE engine SET pid = 1, ability = 7")
    assert engine_state.read(store).leaves_work_to(2)


def test_a_schema_number_that_no_program_has_is_damage(path: Path, clock: ManualClock) -> None:
    _filled(path, clock)
    _change(path, f"PRAGMA user_version = {1 << 25 | 12}; DROP TRIGGER tally_gone")
    with closing(open_store(path, clock=clock)) as store:
        assert store.opening_report is not None
        assert tasks.get(store, 1).received_on == TODAY
