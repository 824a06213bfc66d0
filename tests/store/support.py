"""What the tests of the history share: a frozen clock, requests, and shortcuts to a task in some state."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request, Task, Verification
from bwp_tui.store.commands import decisions, legal_records, requests, work_records
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.database.file_lock import lock_path
from bwp_tui.store.database.open import prepare_file
from bwp_tui.store.maintenance import backups, restore
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import intent_outcomes, intents
from bwp_tui.store.worklog.intents import Intent
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
TODAY = date(2026, 11, 20)
SOON = NOW + timedelta(minutes=5)
FAR = NOW + timedelta(days=10_000)
ACTOR = "op"


def request(
    kind: Kind = Kind.RETRIEVAL,
    email: str = "jane@example.com",
    *,
    regulation: str = "gdpr",
    holding_period: int | None = None,
    reason: str | None = None,
    note: str = "",
    tags: tuple[str, ...] = (),
) -> Request:
    return Request(
        kind=kind,
        email=email,
        received_on=TODAY,
        regulation=regulation,
        holding_period=holding_period,
        reason=reason,
        note=note,
        tags=tags,
    )


def answer(
    status: str,
    *,
    updated_at: datetime | None = None,
    email: str | None = None,
    holding_period: int | None = None,
) -> PollResponse:
    return PollResponse(
        status=status,
        submitted_at=None,
        updated_at=updated_at,
        email=email,
        holding_period=holding_period,
        errors=(),
    )


def submitted(store: Store, kind: Kind = Kind.RETRIEVAL, email: str = "jane@example.com") -> Task:
    """A recorded task that was not sent."""
    return requests.submit(store, request(kind, email), ACTOR)


def received(store: Store, kind: Kind = Kind.RETRIEVAL, email: str = "jane@example.com") -> Task:
    """A request that was recorded and is not to be sent yet."""
    return requests.submit(store, request(kind, email)._replace(awaits_verification=True), ACTOR)


def intent_of(store: Store, number: int) -> Intent:
    """The waiting intent of task `number`."""
    (found,) = (intent for intent in intents.ready(store, FAR, 1_000) if intent.task_number == number)
    return found


def assert_intent_is_not_sent(store: Store, number: int) -> None:
    """Add the intent of a submission that should not be there, and assert that the engine does not see it."""
    store.rows(
        "INSERT INTO intents (task, action, client_token, not_before, asked_at, actor)"
        " VALUES (?, 'submit', 'a token', '2026-11-20', '2026-11-20', 'op')",
        (number,),
    )
    assert not intents.ready(store, FAR, 100)
    assert intents.next_at(store) is None


def intent_state(store: Store, intent: int) -> str:
    (row,) = store.rows("SELECT state FROM intents WHERE id = ?", (intent,))
    return str(row[0])


def sent(store: Store, number: int) -> Intent:
    """Mark the waiting intent of task `number` as being sent, and return it as it was before."""
    intent = intent_of(store, number)
    assert intent_outcomes.record_sending(store, intent.id)
    return intent


def accepted(
    store: Store, task_id: str = "task-1", kind: Kind = Kind.RETRIEVAL, email: str = "jane@example.com"
) -> Task:
    """A task that the service took: IN_PROGRESS, or ON_HOLD for a deletion."""
    task = submitted(store, kind, email)
    intent_outcomes.record_accepted(store, sent(store, task.number).id, task_id, SOON)
    return tasks.get(store, task.number)


def in_status(store: Store, status: str, kind: Kind = Kind.RETRIEVAL, task_id: str = "task-1") -> Task:
    """A task of `kind` that came to `status` by the way operators and the service bring it there."""
    if status in (Status.QUEUED, Status.RECEIVED):
        return submitted(store, kind) if status == Status.QUEUED else received(store, kind)
    if status == Status.UNAPPROVED:
        store.require_shop(None, deletions_need_approval=True)
        task = submitted(store, Kind.DELETION)
        store.require_shop(None)
        return task
    if status in (Status.REJECTED, Status.UNCONFIRMED):
        task = submitted(store, kind)
        intent = sent(store, task.number)
        if status == Status.REJECTED:
            intent_outcomes.record_rejected(store, intent.id, "UnspecifiedError", "not valid")
        else:
            intent_outcomes.record_unconfirmed(store, intent.id)
        return tasks.get(store, task.number)
    task = accepted(store, task_id, kind)
    if status == Status.DECLINED:
        with store.write() as transaction:
            decisions.decline(
                work_records.TaskEdit(transaction, store, task.number, ACTOR, TODAY), "exempt", "told by email"
            )
    elif status == Status.CANCELLED:
        requests.cancel(store, task.number, ACTOR)
        intent_outcomes.record_cancelled(store, sent(store, task.number).id)
    elif status == Status.MISSING:
        store.rows("UPDATE tasks SET status = 'MISSING', terminal = 1 WHERE number = ?", (task.number,))
    elif status != task.status:
        single.answered(store, task.number, answer(status), SOON)
    return tasks.get(store, task.number)


def scalar(store: Store, sql: str) -> int:
    """The one number that a question answers with."""
    ((value,),) = store.rows(sql)
    return as_int(value)


def has_waiting_intent(store: Store, number: int) -> bool:
    return store.row("SELECT 1 FROM intents WHERE task = ? AND state = 'waiting'", (number,)) is not None


def two_copies(path: Path) -> tuple[Path, Path]:
    """Copy a history into two folders, as on two machines."""
    early, late = path.parent / "early" / path.name, path.parent / "late" / path.name
    for copy in (early, late):
        copy.parent.mkdir()
        shutil.copy(path, copy)
    return early, late


def opened_copies(path: Path, clock: ManualClock, flag: bool) -> Iterator[tuple[Store, bool]]:
    """Copy a history twice; yield each copy open: the early one with the flag, the late one with its opposite."""
    for copy, its_flag in zip(two_copies(path), (flag, not flag), strict=True):
        clock.advance(minutes=1)
        with closing(open_store(copy, clock=clock)) as store:
            yield store, its_flag


def restored_both_ways(path: Path, clock: ManualClock, *copies: Path) -> Iterator[Store]:
    """Restore each of two copies, or of `two_copies`, into the other one; yield the history after each."""
    early, late = copies or [path.parent / place / path.name for place in ("early", "late")]
    for present, backup in ((early, late), (late, early)):
        clock.advance(minutes=1)
        lock_path(path).unlink(missing_ok=True)  # each copy is on a machine of its own
        shutil.copy(present, path)
        restore.restore(path, backup, clock())
        with closing(open_store(path, clock=clock)) as store:
            yield store


def closed_history(path: Path, clock: ManualClock, count: int) -> None:
    """Make a history of accepted tasks, and close it."""
    assert not path.exists()
    prepare_file(path)
    path.write_bytes(_history_of_accepted(count, clock()))


@cache
def _history_of_accepted(count: int, now: datetime) -> bytes:
    """Return a history that many tests begin with: its transactions take a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        with closing(open_store(path, clock=lambda: now)) as store:
            for number in range(1, count + 1):
                accepted(store, f"task-{number}", email=f"shopper{number}@example.com")
        return path.read_bytes()


def recording(change: Callable[[work_records.TaskEdit], object]) -> Callable[[Store], None]:
    """Return what records something of task 1 in a history."""
    return lambda store: single.edit(store, 1, change, ACTOR, TODAY)


def declined_history(path: Path, clock: ManualClock) -> None:
    """Make a history of a declined deletion that was never sent, under a law with appeals."""
    with closing(new_history(path, clock=clock)) as store:
        received(store, Kind.DELETION)
        single.edit(store, 1, lambda edit: legal_records.correct(edit, None, "us-tx"), ACTOR, TODAY)
        single.verify(store, 1, Verification(TODAY, ACTOR, "by phone"), ACTOR)
        single.edit(store, 1, lambda edit: decisions.decline(edit, "fraud", "told"), ACTOR, TODAY)


def back_up(path: Path) -> None:
    assert backups.back_up_daily(path, TODAY, threading.Event())
