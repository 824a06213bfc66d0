"""Whatever happens in whatever order, the history and the service state agree: found by search, not by example."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request
from bwp_tui.domain.times import Uptime
from bwp_tui.engine.requests.token_protection import CLIENT_TOKEN_MARGIN
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import intents, ready_polls
from tests.engine.shop import NOON
from tests.faults.consistency import Entry, RecordingState, compare, entries, parse_instant
from tests.faults.fake_service import REFUSED_NAME, CallFault, FakeService, Killed
from tests.faults.operator_process import ACTOR, RECEIVED
from tests.new_history import new_history

FAULTS = st.lists(
    st.sampled_from(
        [
            CallFault.LOST,
            CallFault.KILLED_AFTER,
            CallFault.SLOW,
            CallFault.CANCELLED_MEANWHILE,
            CallFault.CANCELLED_MEANWHILE,
            *CallFault,
        ]
    ),
    max_size=4,
)
PASSING = st.sampled_from(
    [timedelta(seconds=1), timedelta(minutes=2), timedelta(hours=1), timedelta(hours=7, minutes=57), timedelta(hours=9)]
)
AHEAD = st.sampled_from([timedelta(minutes=3), timedelta(hours=7), timedelta(days=3)])
BEHIND = st.sampled_from([timedelta(seconds=30), timedelta(hours=2), timedelta(days=3)])
NO_TIME = timedelta()
DECIDED_HERE = frozenset({Status.CANCELLED, Status.REJECTED, Status.UNCONFIRMED})
"""The service knows no such statuses, so nothing that it says changes them."""

SLOW_CALL = timedelta(minutes=4)
_LONGEST_STEP_S = 3_600


class Process:
    """One process of the profile: it works while it holds the lease, and may end at any call."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        self._folder = folder
        self._machine = machine
        self._start()

    def work(self, mutation_faults: list[CallFault], poll_faults: list[CallFault]) -> bool:
        """Do what is ready, if this process is the engine; say whether it is. The faults are of the first calls."""
        if not self._lease.acquire():
            return False
        self._service.mutation_faults.extend(mutation_faults)
        self._service.poll_faults.extend(poll_faults)
        try:
            self._runner.run(self._engine.run_once())
        except BaseExceptionGroup as group:
            if group.subgroup(Killed) is None:
                raise
            self.crash()
        except Killed:
            self.crash()
        self._service.mutation_faults.clear()
        self._service.poll_faults.clear()
        return True

    def crash(self) -> None:
        """End without any cleaning up, and be started again."""
        self.close()
        self._start()

    def close(self) -> None:
        """Give everything back, as the system does for a process that has ended."""
        self._lease.release()
        self._runner.close()
        self._store.close()

    def _start(self) -> None:
        self._store = self._machine.open_history()
        self._service = FakeService(
            self._machine.state, lambda: self._machine.true_time, self._machine.cancel_all, self._machine.pass_call_time
        )
        self._engine = Engine(
            self._store, self._service, Profile(name="shop", folder=self._folder, download_dir=self._folder)
        )
        self._lease = Lease(self._folder / "engine.lock")
        self._runner = asyncio.Runner()


class Machine(RuleBasedStateMachine):
    """Operators, two processes and a service, against what was promised."""

    @initialize()
    def open(self) -> None:
        shared_memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=shared_memory if shared_memory.is_dir() else None))
        self.true_time, self.clock_error = NOON, NO_TIME
        self.booted, self.boots, self.clock_is_sane = NOON, 1, True
        self.state = RecordingState(clock=lambda: self.true_time)
        new_history(self.folder / "history.db").close()
        self.store = self.open_history()
        self.processes = [Process(self.folder, self) for _ in range(2)]
        self.asked: dict[int, str] = {}
        self.withdrawn: set[int] = set()
        self.cancellations: set[int] = set()
        self.seen: dict[int, Entry] = {}
        for kind in Kind:
            self.submit(kind=kind, refused=False, days=1)

    def local_time(self) -> datetime:
        """The time of day as this machine's clock shows it."""
        return self.true_time + self.clock_error

    def open_history(self) -> Store:
        """Open the history once more."""
        return open_store(self.folder / "history.db", clock=self.local_time, uptime=self.uptime)

    def uptime(self) -> Uptime:
        """How long this machine has been on."""
        return Uptime(f"boot {self.boots}", (self.true_time - self.booted).total_seconds())

    def pass_call_time(self) -> None:
        """Let time pass while a call is under way."""
        self.true_time += SLOW_CALL

    def cancel_all(self) -> None:
        """Ask for the cancellation of whatever can be cancelled."""
        for number in self.asked:
            self._cancel(number)

    @rule(
        kind=st.sampled_from(Kind),
        refused=st.integers(0, 9).map(lambda draw: not draw),
        days=st.sampled_from([0, 1]),
    )
    def submit(self, kind: Kind, refused: bool, days: int) -> None:
        name = REFUSED_NAME if refused else "jane"
        email = f"{name}+{len(self.asked)}@example.com"
        number = requests.submit(self.store, Request(kind, email, RECEIVED, "gdpr", holding_period=days), ACTOR).number
        self.asked[number] = email

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self._cancel(data.draw(st.sampled_from(sorted(self.asked))))

    @precondition(lambda self: self.asked)
    @rule()
    def poll_all(self) -> None:
        requests.poll_now(self.store, list(self.asked))

    @rule(who=st.integers(0, 1), mutation_faults=FAULTS, poll_faults=FAULTS, then=PASSING)
    def work(self, who: int, mutation_faults: list[CallFault], poll_faults: list[CallFault], then: timedelta) -> None:
        """Whoever is the engine works; where nobody is, `who` takes over."""
        if not self.processes[who].work(mutation_faults, poll_faults):
            self.processes[1 - who].work(mutation_faults, poll_faults)
        self.true_time += then

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        self.processes[who].crash()

    @rule(time=PASSING)
    def pass_time(self, time: timedelta) -> None:
        self.true_time += time

    @rule(time=AHEAD)
    def clock_goes_ahead(self, time: timedelta) -> None:
        self.clock_error += time

    @rule(time=BEHIND)
    def clock_goes_back(self, time: timedelta) -> None:
        self.clock_error -= time
        self.clock_is_sane = False

    @rule(time=st.one_of(st.just(NO_TIME), AHEAD, BEHIND.map(lambda time: -time)))
    def machine_is_started_anew(self, time: timedelta) -> None:
        """With a clock that may have gone wrong while it was off."""
        self.true_time += timedelta(minutes=1)
        self.booted, self.boots = self.true_time, self.boots + 1
        self.clock_error += time
        self.clock_is_sane = self.clock_is_sane and time >= NO_TIME
        for process in self.processes:
            process.crash()

    @invariant()
    def nothing_is_lost_doubled_or_changed(self) -> None:
        if not hasattr(self, "asked"):
            return
        emails = [start.email for start in self.state.starts]
        assert len(emails) == len(set(emails)), "started twice"
        assert not {self.asked[number] for number in self.withdrawn} & set(emails), "sent though withdrawn"
        found = {entry.number: entry for entry in entries(self.store)}
        assert {number: entry.email for number, entry in found.items()} == self.asked
        for number, before in self.seen.items():
            now = found[number]
            assert before.task_id in (None, now.task_id), "a task id was lost"
            assert before.status not in DECIDED_HERE or now.status == before.status, f"{before} became {now}"
        self.seen = found

    def teardown(self) -> None:
        if not hasattr(self, "asked"):
            return
        try:
            self._settle()
            found = entries(self.store)
            assert compare(found, self.state.starts, self.state.cancelled).sentences == []
            assert [entry for entry in found if not self._has_ended_well(entry)] == []
        finally:
            for process in self.processes:
                process.close()
            self.store.close()
            shutil.rmtree(self.folder)

    def _settle(self) -> None:
        """Let the work go on without trouble until no request waits."""
        for process in self.processes[1:]:
            process.crash()
        # A cancellation of a task that the service does not know lasts a day, of a clock that may be three days behind.
        for doubling in range(180):
            self.processes[0].work([], [])
            waiting = [at for at in (intents.next_at(self.store), ready_polls.next_at(self.store)) if at is not None]
            if not waiting:
                return
            # Ever longer steps: a clock that went back leaves due times that lie far ahead.
            self.true_time = max(
                self.true_time + timedelta(seconds=min(2**doubling, _LONGEST_STEP_S)), min(waiting) - self.clock_error
            )
        assert intents.next_at(self.store) is None, "a request still waits"

    def _has_ended_well(self, entry: Entry) -> bool:
        if entry.status == "QUEUED":
            return False
        if entry.status == "REJECTED":
            return entry.email.startswith(REFUSED_NAME)
        if entry.status == "UNCONFIRMED":
            waited = self.local_time() - parse_instant(entry.first_sent_at or "")
            refused = entry.email.startswith(REFUSED_NAME)  # after a try that had no answer
            return refused or not self.clock_is_sane or waited >= CLIENT_TOKEN_LIFETIME - CLIENT_TOKEN_MARGIN
        if entry.status == "CANCELLED" and entry.first_sent_at is None:
            return entry.number in self.cancellations  # withdrawn, perhaps while an attempt failed to be sent
        return entry.task_id is not None

    def _cancel(self, number: int) -> None:
        with contextlib.suppress(NotPossible):
            self.cancellations.add(number)
            if requests.cancel(self.store, number, ACTOR).status == "CANCELLED":
                self.withdrawn.add(number)


TestWhateverHappens = pytest.mark.timeout(900)(Machine.TestCase)
TestWhateverHappens.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
