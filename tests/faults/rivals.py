"""Engines that fight for one profile while they are killed or stopped: who sent what, when, and who took over.

One that was stopped goes on later, and must have ceased to be the engine by then.

The long form: `python -m tests.faults.rivals --seconds 60`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

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
from tests.engine.shop import ACTOR
from tests.engine.shop import request as request_for
from tests.faults.consistency import Verdict, Witness, compare, entries, unsettled, witnessed
from tests.faults.operator_life import DRAIN, engine, way_to
from tests.faults.zygote import Life, Zygote
from tests.waiting import eventually

RIVALS: Final = 3
TAKE_OVER_S: Final = 5.0
FEWEST_TAKE_OVERS: Final = 3
_LONGEST_REIGN_S: Final = 0.8
_REQUESTS_A_ROUND: Final = 3
_STOPS: Final = 0.35
"""The share of rounds that stop the engine in the place of killing it."""

SILENT_S: Final = 1.0
"""So soon these engines take another for stopped; the operator's wait longer."""

LATE_S: Final = 2.0
"""So soon an engine that goes on has noticed, on a busy machine, that another is the engine."""

_LOOK_S: Final = 0.01

RIVAL: Final = "tests.faults.rivals:rival"


def rival(**way: str) -> None:
    """Be an engine that does not wait long for a stopped one, until killed."""
    vars(lease).update(SILENT_S=SILENT_S, _MIN_WATCHED_S=SILENT_S / 2)  # the process is this fight's alone
    vars(engine_thread)["BEAT_S"] = SILENT_S / 10
    engine(**way)


@dataclass(frozen=True, slots=True)
class Call:
    """One GraphQL call: by which engine, about what, and when on the monotonic clock it came and was over."""

    engine: int
    subjects: tuple[str, ...]
    is_poll: bool
    came: float
    over: float


class WatchedSandbox(Sandbox):
    """A practice API that notes every GraphQL call; each engine has an address of its own."""

    def __init__(self) -> None:
        super().__init__(slow=0.05)
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
    """What came of a fight. Times in seconds."""

    take_overs: list[float] = field(default_factory=list)
    supersessions: list[float] = field(default_factory=list)
    """From an engine's being stopped until another had superseded it."""
    late_calls: int = 0
    """Calls that a stopped engine made when it went on, before it noticed."""
    calls: int = 0
    polls: int = 0
    trespasses: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def table(self) -> str:
        """Return the figures for people."""
        figures = {
            "kills of the engine": len(self.take_overs),
            "taken over after, median": f"{statistics.median(self.take_overs):.2f} s",
            "taken over after, at most": f"{max(self.take_overs):.2f} s",
            "stops of the engine": len(self.supersessions),
            "superseded after, at most": f"{max(self.supersessions, default=0.0):.2f} s",
            "late calls of stopped engines": self.late_calls,
            "calls": self.calls,
            "polls": self.polls,
            "calls of two engines at a time": len(self.trespasses),
            "requests": self.verdict.requests,
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
        }
        times = " ".join(f"{seconds:.2f}" for seconds in self.take_overs)
        return "\n".join([*(f"{name:<34}{figure:>10}" for name, figure in figures.items()), f"each take-over: {times}"])


class Fight:
    """Several engines on one register. Whoever holds the lease is killed or stopped, and another is born."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder / "sandbox"
        self._rng = random.Random(seed)
        self._witness = Witness()
        self._sandbox = WatchedSandbox()
        witnessed(self._sandbox, self._witness)
        self._lives: dict[int, Life] = {}
        self._deaths: dict[int, float] = {}
        self._stopped: dict[int, Life] = {}
        self._went_on: defaultdict[int, list[float]] = defaultdict(list)
        self._filed = 0

    def run(self, seconds: float) -> Outcome:
        """Fight for at least so long, let the last one settle what is left, and judge."""
        outcome = Outcome()
        store = open_store(self._folder / "history.db")
        self._sandbox.faults.set("slow", 0.3)
        with self._sandbox, Zygote() as zygote, self._crowd(zygote):
            until = time.monotonic() + seconds
            while time.monotonic() < until or not self._is_telling(outcome):
                if self._rng.random() < _STOPS:
                    outcome.supersessions.append(self._round_of_stopping(store))
                else:
                    outcome.take_overs.append(self._round_of_killing(zygote, store))
            self._kill_all()
            last = zygote.give(DRAIN, self._way(0))
            assert last.ended(60.0)
            assert last.status == 0
        outcome.calls = len(self._sandbox.seen)
        outcome.polls = sum(call.is_poll for call in self._sandbox.seen)
        outcome.late_calls, outcome.trespasses = trespasses(self._sandbox.seen, self._deaths, self._went_on)
        found = entries(store)
        store.close()
        outcome.verdict = compare(found, self._witness.starts, self._witness.cancelled)
        outcome.verdict.lost += unsettled(found)
        return outcome

    def _is_telling(self, outcome: Outcome) -> bool:
        """Return whether enough came to pass, which takes longer on a busy machine."""
        polled = any(call.is_poll for call in self._sandbox.seen)
        return polled and len(outcome.take_overs) >= FEWEST_TAKE_OVERS and len(outcome.supersessions) >= 1

    def _round_of_killing(self, zygote: Zygote, store: Store) -> float:
        """Kill whoever is the engine amid its work; return how long it took until another was."""
        reigning = self._busy_engine(store)
        self._lives.pop(reigning).kill()
        killed = time.monotonic()
        self._deaths[reigning] = killed
        eventually(lambda: self._engine_now(store) is not None, within_s=3 * TAKE_OVER_S)
        taken_over_after = time.monotonic() - killed
        self._have_the_stopped_go_on()
        self._bear(zygote)  # only now: a newborn tries at once, and what counts is when those that wait do
        return taken_over_after

    def _round_of_stopping(self, store: Store) -> float:
        """Stop whoever is the engine amid its work; return how long it took until another was."""
        self._have_the_stopped_go_on()
        reigning = self._busy_engine(store)
        self._stopped[reigning] = self._lives.pop(reigning)
        self._stopped[reigning].stop()
        while not self._can_be_written():  # what is stopped amid a transaction keeps everybody from writing
            self._stopped[reigning].go_on()
            self._stopped[reigning].ended(_LOOK_S)
            self._stopped[reigning].stop()
        stopped = time.monotonic()
        eventually(lambda: self._engine_now(store) is not None, within_s=3 * TAKE_OVER_S)
        return time.monotonic() - stopped

    def _can_be_written(self) -> bool:
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

    def _have_the_stopped_go_on(self) -> None:
        for number, life in self._stopped.items():
            self._went_on[number].append(time.monotonic())
            life.go_on()
        self._lives |= self._stopped
        self._stopped.clear()

    def _busy_engine(self, store: Store) -> int:
        """Return who is the engine, once it has been at work for a while."""
        reigning = self._engine(store)
        for _ in range(_REQUESTS_A_ROUND):
            requests.submit(store, request_for(f"jane+{self._filed}@example.com"), ACTOR)
            self._filed += 1
        requests.poll_now(store, list(range(max(1, self._filed - 30), self._filed)))
        self._lives[reigning].ended(self._rng.uniform(0.0, _LONGEST_REIGN_S))
        return reigning

    def _engine(self, store: Store) -> int:
        eventually(lambda: self._engine_now(store) is not None, within_s=3 * TAKE_OVER_S)
        engine = self._engine_now(store)
        assert engine is not None
        return engine

    def _engine_now(self, store: Store) -> int | None:
        pid = engine_state.read(store).pid
        return next((number for number, life in self._lives.items() if life.pid == pid), None)

    @contextmanager
    def _crowd(self, zygote: Zygote) -> Iterator[None]:
        for _ in range(RIVALS):
            self._bear(zygote)
        yield
        self._kill_all()

    def _bear(self, zygote: Zygote) -> None:
        number = len(self._lives) + len(self._stopped) + len(self._deaths) + 1
        self._lives[number] = zygote.give(RIVAL, self._way(number))

    def _way(self, number: int) -> dict[str, str | int | float | None]:
        return {
            **way_to(self._sandbox, self._folder),
            "api_url": self._sandbox.address_for(number),
        }

    def _kill_all(self) -> None:
        for number, life in (self._lives | self._stopped).items():
            life.kill()
            self._deaths[number] = time.monotonic()
        self._lives.clear()
        self._stopped.clear()


def trespasses(
    calls: list[Call], deaths: Mapping[int, float], went_on: Mapping[int, list[float]]
) -> tuple[int, list[str]]:
    """Return sentences on what two engines did at a time, and on calls about one thing that overlap.

    A call that was cut off by its engine's death ends with it. What an engine that was stopped calls at once when it
    goes on is counted, and no trespass.
    """
    found, late = [], 0
    by_time = sorted(calls, key=lambda call: call.came)
    reigned: list[tuple[int, int]] = []
    for call in by_time:
        goings_on = went_on.get(call.engine, [])
        reign = call.engine, sum(at <= call.came for at in goings_on)
        if reign in reigned[:-1]:
            found.append(f"engine {call.engine} called after engine {reigned[-1][0]} had taken over")
        elif reigned[-1:] != [reign]:
            if any(0 <= call.came - at < LATE_S for at in goings_on) and _reigns_on(by_time, call, reigned):
                late += 1
            else:
                reigned.append(reign)
    by_subject: defaultdict[str, list[Call]] = defaultdict(list)
    for call in by_time:
        for subject in call.subjects:
            by_subject[subject].append(call)
    for subject, about in by_subject.items():
        for before, after in itertools.pairwise(about):
            over = min(before.over, deaths.get(before.engine, before.over))
            if after.came < over:
                found.append(f"engines {before.engine} and {after.engine} called about {subject} at a time")
    return late, found


def _reigns_on(calls: list[Call], late: Call, reigned: list[tuple[int, int]]) -> bool:
    """Say whether the engine that called before a late call goes on to call after it: it was the engine all along."""
    return any(call.engine == reigned[-1][0] and call.came > late.came for call in calls)


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rivals", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bwp-rivals-") as folder:
        outcome = Fight(Path(folder), seed=arguments.seed).run(arguments.seconds)
    print(f"seed {arguments.seed}")
    print(outcome.table())
    troubles = outcome.verdict.sentences + outcome.trespasses
    for sentence in troubles:
        print(sentence, file=sys.stderr)
    return 1 if troubles or max(outcome.take_overs) > TAKE_OVER_S else 0


if __name__ == "__main__":
    sys.exit(main())
