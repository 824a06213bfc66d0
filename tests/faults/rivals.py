"""Engines that compete for one profile while they are killed or stopped: who sent what, when, and who took over.

One that was stopped goes on later, and must have ceased to be the engine by then.

The long form: `python -m tests.faults.rivals --seconds 60`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from bwp_tui.engine.runtime import engine_thread as engine_thread
from bwp_tui.engine.runtime import lease
from bwp_tui.sandbox.http_connection import HttpRequest, HttpResponse
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.sandbox.service import Service
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability
from tests.engine.shop import ACTOR
from tests.engine.shop import request as request_for
from tests.faults.consistency import RecordingState, Verdict, compare, entries, unsettled, use_recording_state
from tests.faults.operator_process import DRAIN, engine, engine_arguments
from tests.program_server import ForkedProcess, Forks, forking
from tests.waiting import PATIENCE_S, eventually

RIVALS: Final = 3
TAKE_OVER_S: Final = 5.0
FEWEST_TAKE_OVERS: Final = 3
_LONGEST_WORK_S: Final = 0.8
_REQUESTS_A_ROUND: Final = 3
_STOPS: Final = 0.35
"""The share of rounds that stop the engine in the place of killing it."""

SILENT_S: Final = 1.0
"""So soon these engines take another for stopped; the operator's wait longer."""

LATE_S: Final = 2.0
"""So soon after its first call an engine that goes on has noticed, on a busy machine, that another is the engine."""

_LAST: Final = 0
"""The number of the engine that settles what is left once the others are killed."""

_CHECK_S: Final = 0.01

RIVAL: Final = "tests.faults.rivals:rival"


def rival(*, terms: str, number: int, **arguments: str) -> None:
    """Be an engine that does not wait long for a stopped one, until killed, and note each term that it begins."""
    vars(lease).update(SILENCE_LIMIT_S=SILENT_S, _MIN_OBSERVED_S=SILENT_S / 2)  # the process is this run's alone
    vars(engine_thread)["HEARTBEAT_S"] = SILENT_S / 10
    begin = engine_state.record_new_term

    def noted(store: Store, pid: int | None, host: str | None, ability: Ability = Ability.ALL) -> int:
        term = begin(store, pid, host, ability)
        if pid is not None:
            with Path(terms).open("a", encoding="ascii") as file:
                file.write(json.dumps([term, number, time.monotonic()]) + "\n")
        return term

    vars(engine_state)["record_new_term"] = noted
    engine(**arguments)


class Term(NamedTuple):
    """A term of the history: which engine began it, and when on the monotonic clock."""

    number: int
    engine: int
    began_at: float


def terms_in(file: Path) -> list[Term]:
    """Return the terms in their order; of two that were noted under one number the first was not committed."""
    noted = [Term(*json.loads(line)) for line in file.read_text("ascii").splitlines()]
    return sorted({term.number: term for term in noted}.values())


@dataclass(frozen=True, slots=True)
class Call:
    """One GraphQL call: by which engine, about what, and when on the monotonic clock it came and was over."""

    engine: int
    subjects: tuple[str, ...]
    is_poll: bool
    started_at: float
    ended_at: float


class WatchedSandbox(Sandbox):
    """A practice API that notes every GraphQL call; each engine has an address of its own."""

    def __init__(self) -> None:
        super().__init__(slow_s=0.05)
        self.seen: list[Call] = []

    def address_for(self, engine: int) -> str:
        """Return where an engine sends its GraphQL calls."""
        return f"http://{self.address}/engine/{engine}/graphql"

    def _service(self, folder: Path) -> Service:
        plain = super()._service(folder)
        return _WatchedService(seen=self.seen, **{field.name: getattr(plain, field.name) for field in fields(plain)})


@dataclass(frozen=True, kw_only=True)
class _WatchedService(Service):
    seen: list[Call]

    async def respond(self, request: HttpRequest) -> HttpResponse | None:
        engine, _, operation = request.path.removeprefix("/engine/").partition("/")
        if operation != "graphql":
            return await super().respond(request)
        came = time.monotonic()
        try:
            return await super().respond(replace(request, path="/graphql"))
        finally:
            self.seen.append(_call(int(engine), request, came))


def _call(engine: int, asked: HttpRequest, came: float) -> Call:
    body: dict[str, Any] = json.loads(asked.body)
    variables: dict[str, Any] = body["variables"]
    token = variables.get("input", {}).get("clientToken", {}).get("token")
    subjects = (token,) if token else tuple(str(value) for value in variables.values())
    return Call(engine, subjects, body["query"].lstrip().startswith("query"), came, time.monotonic())


@dataclass
class Outcome:
    """What came of a run. Times in seconds."""

    take_overs: list[float] = field(default_factory=list)
    supersessions: list[float] = field(default_factory=list)
    """From an engine's being stopped until another had superseded it."""
    late_calls: int = 0
    """Calls that an engine made after its term, before it noticed."""
    calls: int = 0
    polls: int = 0
    overlaps: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def table(self) -> str:
        """Return the figures for people."""
        figures = {
            "kills of the engine": len(self.take_overs),
            "taken over after, median": f"{statistics.median(self.take_overs):.2f} s",
            "taken over after, at most": f"{max(self.take_overs):.2f} s",
            "stops of the engine": len(self.supersessions),
            "superseded after, at most": f"{max(self.supersessions, default=0.0):.2f} s",
            "calls of engines after their terms": self.late_calls,
            "calls": self.calls,
            "polls": self.polls,
            "calls of two engines at a time": len(self.overlaps),
            "requests": self.verdict.requests,
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
        }
        times = " ".join(f"{seconds:.2f}" for seconds in self.take_overs)
        return "\n".join([*(f"{name:<34}{figure:>10}" for name, figure in figures.items()), f"each take-over: {times}"])


class RunFailed(Exception):
    """What a run waits for did not happen; its text says what."""


class RivalRun:
    """Several engines on one history. Whoever holds the lease is killed or stopped, and another is started."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder / "sandbox"
        self._rng = random.Random(seed)
        self._state = RecordingState()
        self._sandbox = WatchedSandbox()
        use_recording_state(self._sandbox, self._state)
        self._processes: dict[int, ForkedProcess] = {}
        self._killed_at: dict[int, float] = {}
        self._suspended: dict[int, ForkedProcess] = {}
        self._terms = folder / "terms"
        self._filed = 0

    def run(self, seconds: float) -> Outcome:
        """Run for at least so long, let the last one settle what is left, and judge.

        Raises:
            RunFailed: no engine took over, or the last one settled nothing.
        """
        outcome = Outcome()
        store = open_store(self._folder / "history.db")
        self._sandbox.faults.set("slow", 0.3)
        with self._sandbox, forking() as forks, self._rivals(forks):
            until = time.monotonic() + seconds
            while time.monotonic() < until or not self._is_sufficient(outcome):
                if self._rng.random() < _STOPS:
                    outcome.supersessions.append(self._suspend_engine(store))
                else:
                    outcome.take_overs.append(self._kill_engine(forks, store))
            self._kill_all()
            last = forks.fork(DRAIN, self._arguments(_LAST))
            if last.poll(PATIENCE_S) != 0:
                raise RunFailed(f"The last engine did not settle what was left (status {last.returncode}).")
        outcome.calls = len(self._sandbox.seen)
        outcome.polls = sum(call.is_poll for call in self._sandbox.seen)
        rivals_calls = [call for call in self._sandbox.seen if call.engine != _LAST]
        outcome.late_calls, outcome.overlaps = overlaps(rivals_calls, self._killed_at, terms_in(self._terms))
        found = entries(store)
        store.close()
        outcome.verdict = compare(found, self._state.starts, self._state.cancelled)
        outcome.verdict.lost += unsettled(found)
        return outcome

    def _is_sufficient(self, outcome: Outcome) -> bool:
        """Return whether enough came to pass, which takes longer on a busy machine."""
        polled = any(call.is_poll for call in self._sandbox.seen)
        return polled and len(outcome.take_overs) >= FEWEST_TAKE_OVERS and len(outcome.supersessions) >= 1

    def _kill_engine(self, forks: Forks, store: Store) -> float:
        """Kill whoever is the engine amid its work; return how long it took until another was."""
        holder = self._busy_engine(store)
        self._processes.pop(holder).kill()
        killed = time.monotonic()
        self._killed_at[holder] = killed
        self._engine(store)
        taken_over_after = time.monotonic() - killed
        self._resume_suspended()
        self._start_rival(forks)  # only now: a new one tries at once, and what counts is when the waiting ones do
        return taken_over_after

    def _suspend_engine(self, store: Store) -> float:
        """Stop whoever is the engine amid its work; return how long it took until another was."""
        self._resume_suspended()
        holder = self._busy_engine(store)
        self._suspended[holder] = self._processes.pop(holder)
        self._suspended[holder].suspend()
        while not self._is_writable():  # what is stopped amid a transaction keeps everybody from writing
            self._suspended[holder].send_signal(signal.SIGCONT)
            self._suspended[holder].poll(_CHECK_S)
            self._suspended[holder].suspend()
        stopped = time.monotonic()
        self._engine(store)
        return time.monotonic() - stopped

    def _is_writable(self) -> bool:
        db = apsw.Connection(str(self._folder / "history.db"))
        try:
            db.set_busy_timeout(200)
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except apsw.BusyError:
            return False
        finally:
            db.close()
        return True

    def _resume_suspended(self) -> None:
        for process in self._suspended.values():
            process.send_signal(signal.SIGCONT)
        self._processes |= self._suspended
        self._suspended.clear()

    def _busy_engine(self, store: Store) -> int:
        """Return who is the engine, once it has been at work for a while."""
        holder = self._engine(store)
        for _ in range(_REQUESTS_A_ROUND):
            requests.submit(store, request_for(f"jane+{self._filed}@example.com"), ACTOR)
            self._filed += 1
        requests.poll_now(store, list(range(max(1, self._filed - 30), self._filed)))
        self._processes[holder].poll(self._rng.uniform(0.0, _LONGEST_WORK_S))
        return holder

    def _engine(self, store: Store) -> int:
        """Return who is the engine, once one of those that run is.

        Raises:
            RunFailed: none has become the engine.
        """
        found: list[int] = []

        def is_found() -> bool:
            number = self._engine_now(store)
            found.extend([] if number is None else [number])
            return bool(found)

        try:
            eventually(is_found)
        except AssertionError:
            running = sum(process.poll() is None for process in self._processes.values())
            raise RunFailed(
                f"No engine took over from process {engine_state.read(store).pid} within {PATIENCE_S:.0f} s;"
                f" {running} of {len(self._processes)} others run."
            ) from None
        return found[-1]

    def _engine_now(self, store: Store) -> int | None:
        pid = engine_state.read(store).pid
        return next((number for number, process in self._processes.items() if process.pid == pid), None)

    @contextmanager
    def _rivals(self, forks: Forks) -> Iterator[None]:
        for _ in range(RIVALS):
            self._start_rival(forks)
        try:
            yield
        finally:
            self._kill_all()

    def _start_rival(self, forks: Forks) -> None:
        number = len(self._processes) + len(self._suspended) + len(self._killed_at) + 1
        arguments = {**self._arguments(number), "terms": str(self._terms), "number": number}
        self._processes[number] = forks.fork(RIVAL, arguments)

    def _arguments(self, number: int) -> dict[str, str | int | float | None]:
        return {
            **engine_arguments(self._sandbox, self._folder),
            "api_url": self._sandbox.address_for(number),
        }

    def _kill_all(self) -> None:
        for number, process in (self._processes | self._suspended).items():
            process.kill()
            self._killed_at[number] = time.monotonic()
        self._processes.clear()
        self._suspended.clear()


def overlaps(calls: list[Call], killed_at: Mapping[int, float], terms: Sequence[Term]) -> tuple[int, list[str]]:
    """Return how many calls came from engines whose term was over, and sentences on what two engines did at a time.

    An engine that did not run for a while, since it was stopped or the machine was busy, calls on until it notices that
    another one is the engine. That is counted if it ends soon, and else two engines work. A call that was cut off when
    its engine was killed ends with it.
    """
    late: defaultdict[Term | None, list[Call]] = defaultdict(list)
    by_time = sorted(calls, key=lambda call: call.started_at)
    for call in by_time:
        begun = [term for term in terms if term.engine == call.engine and term.began_at <= call.started_at]
        own = begun[-1] if begun else None
        following = [term for term in terms if own and term.number > own.number and term.began_at <= call.started_at]
        if own is None or following:
            late[own].append(call)
    found = []
    for last_term, stale in late.items():
        if last_term is None or stale[-1].started_at - stale[0].started_at >= LATE_S:
            what = "was never the engine" if last_term is None else f"was none after term {last_term.number}"
            found.append(f"engine {stale[0].engine} called {len(stale)} times and {what}")
    by_subject: defaultdict[str, list[Call]] = defaultdict(list)
    for call in by_time:
        for subject in call.subjects:
            by_subject[subject].append(call)
    for subject, about in by_subject.items():
        for before, after in itertools.pairwise(about):
            over = min(before.ended_at, killed_at.get(before.engine, before.ended_at))
            if after.started_at < over:
                found.append(f"engines {before.engine} and {after.engine} called about {subject} at a time")
    return sum(map(len, late.values())), found


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rivals", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="bwp-rivals-") as folder:
        try:
            outcome = RivalRun(Path(folder), seed=arguments.seed).run(arguments.seconds)
        except RunFailed as failure:
            print(failure, file=sys.stderr)
            return 1
    print(outcome.table())
    troubles = outcome.verdict.sentences + outcome.overlaps
    if max(outcome.take_overs) > TAKE_OVER_S:
        troubles.append(f"An engine took over later than after {TAKE_OVER_S} s: is the machine busy?")
    for sentence in troubles:
        print(sentence, file=sys.stderr)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
