"""Compare a history with the state of the practice API: what is in one must be in the other, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bwp_tui.domain.task import Kind
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.sandbox.sandbox_state import SandboxState, StartedTask
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.database.connection import Store, as_int, as_text


class RecordingState(SandboxState):
    """A state that remembers which cancellations were carried out, and calls `on_call` just after each call.

    `on_call` is called in the server's thread, before any answer leaves, with `start` or `cancel`.
    """

    def __init__(self, *, seed: int = 1, speed: float = 1.0, clock: Clock = utc_now) -> None:
        super().__init__(seed=seed, speed=speed, clock=clock)
        self.cancelled: set[str] = set()
        self.on_call: Callable[[str], None] = lambda _operation: None

    def start(
        self, kind: Kind, email: str, *, client_token: str | None = None, holding_period: int | None = None
    ) -> str:
        """Start a task, and call `on_call`."""
        task_id = super().start(kind, email, client_token=client_token, holding_period=holding_period)
        self.on_call("start")
        return task_id

    def statuses(self) -> dict[str, str]:
        """Return the status of every task now, by its id."""
        now = self._clock()
        with self._lock:
            return {task_id: record.status_at(now) for task_id, record in self._tasks.items()}

    def cancel(self, task_id: str) -> None:
        """Cancel a task, and call `on_call`."""
        super().cancel(task_id)
        self.cancelled.add(task_id)
        self.on_call("cancel")


def use_recording_state(sandbox: Sandbox, state: RecordingState) -> Sandbox:
    """Have a practice API that is not started yet keep its state in `state`."""
    sandbox.state = state
    return sandbox


@dataclass(frozen=True, slots=True)
class Entry:
    """A task as the history has it."""

    number: int
    kind: Kind
    email: str
    status: str
    task_id: str | None
    client_token: str | None
    first_sent_at: str | None


@dataclass
class Verdict:
    """How a history and the service state fit: sentences on what does not, by what they mean."""

    requests: int = 0
    starts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """All that does not fit."""
        return self.lost + self.doubled + self.untrue


def entries(store: Store) -> list[Entry]:
    """Return all tasks of a history that no other process is writing."""
    rows = store.rows(
        "SELECT t.number, t.kind, t.email, t.status, t.task_id, i.client_token, i.first_sent_at FROM tasks t"
        " LEFT JOIN intents i ON i.task = t.number AND i.action = 'submit' ORDER BY t.number"
    )
    return [
        Entry(
            number=as_int(row[0]),
            kind=Kind(as_text(row[1])),
            email=as_text(row[2]),
            status=as_text(row[3]),
            task_id=None if row[4] is None else as_text(row[4]),
            client_token=None if row[5] is None else as_text(row[5]),
            first_sent_at=None if row[6] is None else as_text(row[6]),
        )
        for row in rows
    ]


def compare(found: Iterable[Entry], starts: Iterable[StartedTask], cancelled: set[str]) -> Verdict:
    """Compare a history whose every request has an address of its own with the service state.

    A request may be without a task in the service state only where it was withdrawn, refused, or is still to be sent;
    one without an answer may or may not have one.
    """
    started = list(starts)
    by_email = {start.email: start for start in started}
    verdict = Verdict(starts=len(started))
    verdict.doubled += [
        f"{email} was started {times} times"
        for email, times in Counter(start.email for start in started).items()
        if times > 1
    ]
    known = set()
    for entry in found:
        verdict.requests += 1
        known.add(entry.email)
        _compare_one(entry, by_email.get(entry.email), cancelled, verdict)
    verdict.lost += [f"{email} was started and is in no history" for email in by_email if email not in known]
    return verdict


def _compare_one(entry: Entry, start: StartedTask | None, cancelled: set[str], verdict: Verdict) -> None:
    name = f"#{entry.number} {entry.email} ({entry.status})"
    if start is None:
        if entry.task_id is not None:
            verdict.untrue.append(f"{name} has a task id that the service state do not know")
        elif entry.status not in ("QUEUED", "CANCELLED", "REJECTED", "UNCONFIRMED"):
            verdict.untrue.append(f"{name} was never started")
        return
    if start.client_token != entry.client_token:
        verdict.untrue.append(f"{name} was started under another client token")
    if entry.task_id is None and entry.status in ("CANCELLED", "REJECTED"):
        verdict.lost.append(f"{name} has a task in the service state, and the history says it has none")
    if entry.task_id not in (None, start.task_id):
        verdict.lost.append(f"{name} has the task id of another")
    if entry.status == "CANCELLED" and entry.task_id is not None and entry.task_id not in cancelled:
        verdict.untrue.append(f"{name} was never cancelled in the service state")


def unsettled(found: Iterable[Entry]) -> list[str]:
    """Return sentences on requests that have not ended, though they had time to."""
    return [f"#{entry.number} {entry.email} still waits" for entry in found if entry.status == "QUEUED"]


def parse_instant(text: str) -> datetime:
    """Read an instant of the history."""
    return datetime.fromisoformat(text)
