"""The digests of the timelines: what changes with another program do to them, and what the program itself does."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, ServiceEvent, TaskError
from bwp_tui.store.database import digest_chain
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.maintenance import backups, chain_check, integrity, purge, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog import intent_outcomes
from bwp_tui.store.worklog.service_events import record_events
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.damage import PAGE, change_elsewhere, overwrite, overwrite_table
from tests.store.support import ACTOR, SOON, TODAY, accepted, answer, scalar, sent, submitted

Named = list[tuple[int, int | None]]


def _named(path: Path) -> Named:
    """The tasks and events that the check names."""
    findings = chain_check.check_file(path)[1]
    return [
        (finding.task, number)
        for finding in findings
        for number in ((None,) if finding.event is None else range(finding.event, finding.event + finding.events))
    ]


def _three_tasks(store: Store) -> None:
    """Three tasks of which the second has the events recorded, accepted, note, note, status."""
    accepted(store, "task-1")
    middle = accepted(store, "task-2", Kind.DELETION, "bob@example.com")
    single.add_note(store, middle.number, "called", ACTOR)
    single.add_note(store, middle.number, "called again", ACTOR)
    single.answered(store, middle.number, answer("COMPLETED"), SOON)
    accepted(store, "task-3")


EVENT = "(SELECT id FROM timeline WHERE task = 2 ORDER BY id LIMIT 1 OFFSET {})"


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        ([f"UPDATE timeline SET detail = 'not called' WHERE id = {EVENT.format(2)}"], [(2, 3)]),
        ([f"UPDATE timeline SET detail = NULL WHERE id = {EVENT.format(2)}"], [(2, 3)]),
        ([f"UPDATE timeline SET at = '2026-01-01T00:00:00.000000Z' WHERE id = {EVENT.format(0)}"], [(2, 1)]),
        ([f"UPDATE timeline SET actor = 'other' WHERE id = {EVENT.format(4)}"], [(2, 5)]),
        ([f"UPDATE timeline SET after = 'FAILED' WHERE id = {EVENT.format(4)}"], [(2, 5)]),
        ([f"DELETE FROM timeline WHERE id = {EVENT.format(0)}"], [(2, 1)]),
        ([f"DELETE FROM timeline WHERE id = {EVENT.format(2)}"], [(2, 3)]),
        ([f"DELETE FROM timeline WHERE id = {EVENT.format(4)}"], [(2, 5)]),
        (["DELETE FROM timeline WHERE task = 2"], [(2, at) for at in range(1, 6)]),
        (["INSERT INTO timeline (task, at, actor, what) VALUES (2, '', 'op', 'note')"], [(2, 6)]),
        (
            [
                "UPDATE timeline SET id = id + 100 WHERE id > " + EVENT.format(1),
                f"INSERT INTO timeline (id, task, at, actor, what) VALUES ({EVENT.format(1)} + 1, 2, '', 'op', 'note')",
            ],
            [(2, 3)],
        ),
        (
            [
                f"UPDATE timeline SET id = id + 5000 WHERE id = {EVENT.format(2)}",
            ],
            [(2, 3), (2, 5)],
        ),
        ([f"UPDATE timeline SET task = 1 WHERE id = {EVENT.format(4)}"], [(1, 3), (2, 5)]),
        (["UPDATE chains SET links = substr(links, 1, 128) WHERE task = 2"], [(2, 5)]),
        (
            [
                f"DELETE FROM timeline WHERE id = {EVENT.format(4)}",
                "UPDATE chains SET links = substr(links, 1, 128) WHERE task = 2",
            ],
            [(2, None)],
        ),
        (["UPDATE tasks SET received_on = '2026-11-30' WHERE number = 2"], [(2, None)]),
        (["UPDATE tasks SET status = 'FAILED' WHERE number = 2"], [(2, None)]),
        (["UPDATE tasks SET email = 'eve@example.com' WHERE number = 2"], [(2, None)]),
        (["DELETE FROM chains WHERE task = 2"], [(2, None)]),
        (["UPDATE chains SET links = CAST(links || x'00' AS BLOB) WHERE task = 2"], [(2, None)]),
        (["UPDATE chains SET begun_at = '2026-11-30T00:00:00.000000Z', found = 5 WHERE task = 2"], [(2, None)]),
        (["DELETE FROM timeline WHERE task = 2", "DELETE FROM tasks WHERE number = 2"], [(2, None)]),
        (
            [f"DELETE FROM {table} WHERE task = 2" for table in ("timeline", "chains", "intents")]
            + ["DELETE FROM tasks WHERE number = 2"],
            [(2, None)],
        ),
        (
            [
                "INSERT INTO tasks (kind, email, status, received_on, regulation, recorded_at, revision)"
                " VALUES ('RETRIEVAL', 'a@b.de', 'QUEUED', '2026-11-01', 'gdpr', '2026-11-01T00:00:00.000000Z', 1)"
            ],
            [(4, None)],
        ),
    ],
)
def test_what_another_program_changed_is_named_and_stays_so(
    path: Path, store: Store, statements: list[str], named: Named
) -> None:
    _three_tasks(store)
    assert chain_check.check_file(path) == (scalar(store, "SELECT count(*) FROM timeline"), [])
    change_elsewhere(path, *statements)
    found = _named(path)
    assert found == named
    # What the program records later hides none of it.
    for number in (1, 2, 3):
        if scalar(store, f"SELECT count(*) FROM tasks WHERE number = {number}"):
            single.add_note(store, number, "later", ACTOR)
    assert set(_named(path)) >= set(found)


def test_the_changed_columns_of_a_row_are_named(path: Path, store: Store) -> None:
    _three_tasks(store)
    change_elsewhere(path, "UPDATE tasks SET due_on = '2027-12-31', received_on = '2026-11-30' WHERE number = 3")
    (finding,) = chain_check.check_file(path, [3])[1]
    assert finding.what.endswith("received_on, due_on")
    assert chain_check.check_file(path, [2])[1] == []


def test_what_the_program_changes_later_is_not_named(path: Path, store: Store) -> None:
    _three_tasks(store)
    change_elsewhere(path, "UPDATE tasks SET reason = 'forged' WHERE number = 3")
    single.acknowledge(store, 3, TODAY, ACTOR)
    single.assign(store, 3, "anna", ACTOR)
    (finding,) = chain_check.check_file(path)[1]
    assert finding.what.split(": ")[1] == "reason"
    change_elsewhere(path, "UPDATE tasks SET reason = NULL WHERE number = 3")
    (finding,) = chain_check.check_file(path)[1]
    assert "assigned_to" not in finding.what
    assert "row" in finding.what


def test_a_history_without_digests_is_chained_as_it_is_when_it_is_migrated(tmp_path: Path) -> None:
    golden = Path(__file__).parent / "golden" / "schema-13.db"
    path = tmp_path / "history.db"
    path.write_bytes(golden.read_bytes())
    store = open_store(path)
    assert chain_check.check_file(path) == (scalar(store, "SELECT count(*) FROM timeline"), [])
    assert store.rows("SELECT 1 FROM chains WHERE begun_at IS NULL OR found = 0") == []
    change_elsewhere(path, "UPDATE timeline SET actor = 'other' WHERE id = 1")
    assert _named(path) == [(scalar(store, "SELECT task FROM timeline WHERE id = 1"), 1)]
    store.close()


def test_a_migration_that_adds_events_or_changes_rows_keeps_the_digests(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _three_tasks(store)
    store.close()
    scripts = digest_chain_scripts()
    monkeypatch.setattr("bwp_tui.store.database.migrate.migration_scripts", lambda: scripts)
    monkeypatch.setattr(digest_chain, "DIGESTED_COLUMNS", (*digest_chain.DIGESTED_COLUMNS, "closed_on"))
    migrated = open_store(path)
    assert scalar(migrated, "SELECT count(*) FROM timeline WHERE what = 'closed'") == 3
    assert _named(path) == []
    migrated.close()


def digest_chain_scripts() -> tuple[str, ...]:
    from bwp_tui.store.database.migrate import migration_scripts

    further = (
        "ALTER TABLE tasks ADD COLUMN closed_on TEXT; UPDATE tasks SET closed_on = received_on;"
        "INSERT INTO timeline (task, at, actor, what) SELECT number, recorded_at, 'bwp-tui', 'closed' FROM tasks"
    )
    return (*migration_scripts(), further)


def _purge(store: Store, clock: ManualClock, *, evidence_too: bool) -> None:
    clock.advance(days=100)
    purge.purge(store, [2], ACTOR, TODAY, evidence_too=evidence_too, unanswered_too=True)


def test_a_purge_keeps_the_digests_and_a_change_after_it_is_found(path: Path, store: Store, clock: ManualClock) -> None:
    _three_tasks(store)
    _purge(store, clock, evidence_too=False)
    assert store.rows("SELECT salt FROM chains WHERE task = 2") == [(None,)]
    assert _named(path) == []
    change_elsewhere(path, f"UPDATE timeline SET actor = 'other' WHERE id = {EVENT.format(3)}")
    assert _named(path) == [(2, 4)]


def test_a_text_that_is_put_back_after_a_purge_is_found(path: Path, store: Store, clock: ManualClock) -> None:
    _three_tasks(store)
    _purge(store, clock, evidence_too=False)
    change_elsewhere(path, f"UPDATE timeline SET detail = 'called' WHERE id = {EVENT.format(2)}")
    assert _named(path) == [(2, 3)]
    with store.write() as transaction:
        transaction.run("UPDATE timeline SET detail = NULL WHERE task = 2")
    assert _named(path) == []


def test_a_change_before_a_purge_is_found_after_it(path: Path, store: Store, clock: ManualClock) -> None:
    _three_tasks(store)
    change_elsewhere(path, f"UPDATE timeline SET detail = 'other' WHERE id = {EVENT.format(2)}")
    _purge(store, clock, evidence_too=False)
    assert _named(path) == [(2, 3)]


def test_a_task_that_was_purged_with_its_evidence_is_not_missed(path: Path, store: Store, clock: ManualClock) -> None:
    _three_tasks(store)
    _purge(store, clock, evidence_too=True)
    assert scalar(store, "SELECT count(*) FROM tasks") == 2
    assert _named(path) == []


def test_a_rolled_back_transaction_leaves_no_digest(path: Path, store: Store) -> None:
    _three_tasks(store)

    def rolled_back() -> None:
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET email = 'x' WHERE number = 2")
            timeline.append(transaction, 2, ACTOR, timeline.EventKind.NOTE, detail="x")
            raise LookupError

    with pytest.raises(LookupError):
        rolled_back()
    single.add_note(store, 2, "later", ACTOR)
    assert _named(path) == []


def test_a_row_that_is_merged_into_another_leaves_both_chains_right(
    path: Path, store: Store, clock: ManualClock
) -> None:
    task = submitted(store)
    intent = sent(store, task.number)
    record_events(store, [ServiceEvent("event-1", Kind.RETRIEVAL, Status.COMPLETED, "task-9", clock.now)])
    single.add_note(store, 2, "adopted", ACTOR)
    clock.advance(seconds=1)
    single.add_note(store, task.number, "later", ACTOR)
    intent_outcomes.record_accepted(store, intent.id, "task-9", SOON)
    assert scalar(store, "SELECT count(*) FROM tasks") == 1
    assert [event.what for event in timeline.as_recorded(store, task.number)].count("note") == 2
    assert _named(path) == []


@pytest.fixture
def backup(path: Path, store: Store, tmp_path: Path) -> Path:
    """A backup of three tasks."""
    _three_tasks(store)
    target = tmp_path / "backup.db"
    backups.back_up_to(path, target)
    return target


def _starts(path: Path) -> list[str]:
    """The events with which chains began anew."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        begun = db.execute("SELECT detail FROM timeline WHERE detail GLOB 'digests begun *'").fetchall()
    return [str(detail) for (detail,) in begun]


def _restore(path: Path, store: Store, clock: ManualClock, backup: Path) -> None:
    store.close()
    clock.advance(hours=1)
    restore.restore(path, backup, clock.now)


def test_a_restored_backup_has_its_digests(path: Path, store: Store, clock: ManualClock, backup: Path) -> None:
    store.close()
    for file in path.parent.glob("history.db*"):
        file.unlink()
    open_store(path, clock=clock).close()
    restore.restore(path, backup, clock.now)
    assert (_named(path), _starts(path)) == ([], [])


def test_a_restore_over_a_later_history_keeps_its_digests(
    path: Path, store: Store, clock: ManualClock, backup: Path
) -> None:
    single.add_note(store, 2, "later", ACTOR)
    accepted(store, "task-4", email="eve@example.com")
    _restore(path, store, clock, backup)
    assert (_named(path), _starts(path)) == ([], [])


def test_a_restore_records_the_changes_of_another_program(
    path: Path, store: Store, clock: ManualClock, backup: Path
) -> None:
    change_elsewhere(path, f"UPDATE timeline SET actor = 'other' WHERE id = {EVENT.format(2)}")
    change_elsewhere(backup, "UPDATE tasks SET received_on = '2026-11-30' WHERE number = 1")
    _restore(path, store, clock, backup)
    (start,) = _starts(path)
    assert "#2, event 3" in start
    assert _named(path) == []


def test_a_restore_records_that_the_backup_was_changed(
    path: Path, store: Store, clock: ManualClock, backup: Path
) -> None:
    change_elsewhere(backup, "UPDATE tasks SET received_on = '2026-11-30' WHERE number = 1")
    store.close()
    for file in path.parent.glob("history.db*"):
        file.unlink()
    open_store(path, clock=clock).close()
    restore.restore(path, backup, clock.now)
    (start,) = _starts(path)
    assert "received_on" in start
    assert _named(path) == []


def test_a_restore_does_not_hide_that_a_task_is_gone(
    path: Path, store: Store, clock: ManualClock, backup: Path
) -> None:
    single.add_note(store, 1, "later", ACTOR)
    for each in (path, backup):
        change_elsewhere(
            each,
            *(f"DELETE FROM {table} WHERE task = 3" for table in ("timeline", "chains", "intents")),
            "DELETE FROM tasks WHERE number = 3",
        )
    _restore(path, store, clock, backup)
    assert _named(path) == [(3, None)]


def test_events_that_a_restore_puts_between_others_begin_the_digests_anew(
    path: Path, store: Store, clock: ManualClock, backup: Path
) -> None:
    elsewhere = open_store(backup, clock=clock)
    clock.advance(minutes=1)
    single.add_note(elsewhere, 2, "elsewhere", ACTOR)
    elsewhere.close()
    clock.advance(minutes=1)
    single.add_note(store, 2, "here", ACTOR)
    _restore(path, store, clock, backup)
    assert len(_starts(path)) == 1
    assert _named(path) == []


def test_a_recovered_history_keeps_the_digests_that_can_be_kept(path: Path, store: Store, clock: ManualClock) -> None:
    for number in range(60):
        accepted(store, f"task-{number}", email=f"{number}@example.com")
    store.close()
    overwrite_table(path, "intents")
    flag_damage(path)
    recovered = open_store(path, clock=clock)
    assert recovered.opening_report is not None
    recovered.close()
    assert integrity.full_check(path) == []
    assert (_named(path), _starts(path)) == ([], [])


def test_a_long_gap_in_a_timeline_is_counted_where_its_end_agrees(path: Path, store: Store) -> None:
    number = accepted(store, "task-1").number
    for note in range(99):
        single.set_note(store, number, f"call {note}", ACTOR)
    change_elsewhere(path, "DELETE FROM timeline WHERE id BETWEEN 11 AND 90")
    assert _named(path) == [(number, event) for event in range(11, 91)]


def test_a_recovery_begins_the_digests_anew_where_events_are_lost(path: Path, store: Store, clock: ManualClock) -> None:
    for number in range(200):
        accepted(store, f"task-{number}", email=f"{number}@example.com")
    store.close()
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        leaf = "SELECT pageno FROM dbstat WHERE name = 'timeline' AND pagetype = 'leaf' ORDER BY pageno LIMIT 1"
        ((page,),) = db.execute(leaf).fetchall()
    overwrite(path, (int(str(page)) - 1) * PAGE, b"\xff" * PAGE)
    flag_damage(path)
    with closing(open_store(path, clock=clock)) as store:
        left = scalar(store, "SELECT count(*) FROM timeline WHERE what <> 'recovered'")
        assert f"; {400 - left} events are missing" in str(store.opening_report)
    assert _starts(path)
    assert _named(path) == []


@pytest.mark.parametrize("most_noted", [10_000, 0])
def test_whatever_the_program_does_the_digests_are_right(
    path: Path, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, most_noted: int
) -> None:
    """Random operations on a few tasks, with backups, purges and restores among them."""
    monkeypatch.setattr(digest_chain, "_MOST_NOTED", most_noted)
    choose = random.Random(13)
    _three_tasks(store)
    opened = store
    for step in range(120):
        numbers = [int(str(number)) for (number,) in opened.rows("SELECT number FROM tasks WHERE purged_at IS NULL")]
        number = choose.choice(numbers)
        clock.advance(minutes=1)
        operation = choose.choice(_OPERATIONS)
        operation(opened, number, step)
        if step % 40 == 39:
            target = path.with_name(f"copy-{step}.db")
            backups.back_up_to(path, target)
            single.add_note(opened, number, "after the copy", ACTOR)
            opened.close()
            restore.restore(path, target, clock.now)
            opened = open_store(path, clock=clock)
        assert _named(path) == [], (step, operation)
    opened.close()
    assert _starts(path) == []


def _end(store: Store, number: int, step: int) -> None:
    ended = replace(answer("FAILED"), errors=(TaskError("OOPS", f"jane {step}"),))
    if scalar(store, f"SELECT terminal + (task_id IS NULL) FROM tasks WHERE number = {number}") == 0:
        single.answered(store, number, ended, SOON)


def _purge_one(store: Store, number: int, step: int) -> None:
    purge.purge(store, [number], ACTOR, TODAY, evidence_too=step % 2 == 0, unanswered_too=True)
    submitted(store, email=f"{step}@example.com")


_OPERATIONS: list[Callable[[Store, int, int], object]] = [
    lambda store, _, step: accepted(store, f"task-{step}-x", email=f"{step}@example.com"),
    lambda store, number, step: single.add_note(store, number, f"note {step}", ACTOR),
    lambda store, number, step: single.set_tags(store, number, [f"t{step}"], ACTOR),
    lambda store, number, step: single.answer(store, number, f"mailed {step}", TODAY, ACTOR),
    _end,
    _purge_one,
    lambda store, _, __: backups.back_up_daily(store.path, TODAY, threading.Event()),
]


def test_every_column_of_a_task_is_covered_or_is_known_not_to_be(store: Store) -> None:
    columns = {str(name) for (name,) in store.rows("SELECT name FROM pragma_table_xinfo('tasks')")}
    noted_by_the_engine = {"updated_at", "polled_at", "next_poll_at", "polls", "unknown_since", "unknown_answers"}
    noted_by_the_engine |= {"trouble", "cancel_asked", "download", "revision"}
    follow_from_others = {"number", "earlier", "open"}
    assert columns - {*digest_chain.DIGESTED_COLUMNS} == noted_by_the_engine | follow_from_others
    assert {*digest_chain.DIGESTED_COLUMNS} < columns
