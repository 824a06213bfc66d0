"""Engines that fight for one profile while they are killed: who sent what, when, and how soon another took over.

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bwp_tui.history import actions, engine_state
from bwp_tui.history.connection import History
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.sandbox.service import Service
from bwp_tui.sandbox.wire import Answer, Request
from tests.engine.shop import ACTOR
from tests.engine.shop import request as request_for
from tests.faults.books import Verdict, Witness, compare, entries, unsettled, witnessed
from tests.faults.operator_life import DRAIN, ENGINE_LIFE, way_to
from tests.faults.zygote import Life, Zygote
from tests.waiting import eventually

RIVALS: Final = 3
TAKE_OVER_S: Final = 5.0
_LONGEST_REIGN_S: Final = 0.8
_REQUESTS_A_ROUND: Final = 3


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
        return _WatchedService(super()._service(folder), self.seen)


class _WatchedService(Service):
    def __init__(self, plain: Service, seen: list[Call]) -> None:
        # All is the plain one's: nothing else to set up.
        self._plain = plain
        self._seen = seen

    async def answer(self, request: Request) -> Answer | None:
        engine, _, operation = request.path.removeprefix("/engine/").partition("/")
        if operation != "graphql":
            return await self._plain.answer(request)
        came = time.monotonic()
        try:
            return await self._plain.answer(replace(request, path="/graphql"))
        finally:
            self._seen.append(_call(int(engine), request, came))


def _call(engine: int, asked: Request, came: float) -> Call:
    body: dict[str, Any] = json.loads(asked.body)
    variables: dict[str, Any] = body["variables"]
    token = variables.get("input", {}).get("clientToken", {}).get("token")
    subjects = (token,) if token else tuple(str(value) for value in variables.values())
    return Call(engine, subjects, body["query"].lstrip().startswith("query"), came, time.monotonic())


@dataclass
class Outcome:
    """What came of a fight. Times in seconds."""

    take_overs: list[float] = field(default_factory=list)
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
    """Several engines on one register. Whoever holds the lease is killed, and another is born."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder / "sandbox"
        self._dice = random.Random(seed)
        self._witness = Witness()
        self._sandbox = WatchedSandbox()
        witnessed(self._sandbox, self._witness)
        self._lives: dict[int, Life] = {}
        self._deaths: dict[int, float] = {}
        self._filed = 0

    def run(self, seconds: float) -> Outcome:
        """Fight for so long, let the last one settle what is left, and judge."""
        outcome = Outcome()
        history = History(self._folder / "history.db")
        self._sandbox.faults.set("slow", 0.3)
        with self._sandbox, Zygote() as zygote, self._crowd(zygote):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                outcome.take_overs.append(self._one_round(zygote, history))
            self._kill_all()
            last = zygote.give(DRAIN, self._way(0))
            assert last.ended(60.0)
            assert last.status == 0
        outcome.calls = len(self._sandbox.seen)
        outcome.polls = sum(call.is_poll for call in self._sandbox.seen)
        outcome.trespasses = trespasses(self._sandbox.seen, self._deaths)
        found = entries(history)
        history.close()
        outcome.verdict = compare(found, self._witness.starts, self._witness.cancelled)
        outcome.verdict.lost += unsettled(found)
        return outcome

    def _one_round(self, zygote: Zygote, history: History) -> float:
        """Kill whoever is the engine amid its work; return how long it took until another was."""
        reigning = self._engine(history)
        for _ in range(_REQUESTS_A_ROUND):
            actions.submit(history, request_for(f"jane+{self._filed}@example.com"), ACTOR)
            self._filed += 1
        actions.poll_now(history, list(range(max(1, self._filed - 30), self._filed)))
        self._lives[reigning].ended(self._dice.uniform(0.0, _LONGEST_REIGN_S))
        self._lives.pop(reigning).kill()
        killed = time.monotonic()
        self._deaths[reigning] = killed
        eventually(lambda: self._engine_now(history) is not None, within_s=3 * TAKE_OVER_S)
        taken_over_after = time.monotonic() - killed
        self._bear(zygote)  # only now: a newborn tries at once, and what counts is when those that wait do
        return taken_over_after

    def _engine(self, history: History) -> int:
        eventually(lambda: self._engine_now(history) is not None, within_s=3 * TAKE_OVER_S)
        engine = self._engine_now(history)
        assert engine is not None
        return engine

    def _engine_now(self, history: History) -> int | None:
        pid = engine_state.read(history).pid
        return next((number for number, life in self._lives.items() if life.pid == pid), None)

    @contextmanager
    def _crowd(self, zygote: Zygote) -> Iterator[None]:
        for _ in range(RIVALS):
            self._bear(zygote)
        yield
        self._kill_all()

    def _bear(self, zygote: Zygote) -> None:
        number = len(self._lives) + len(self._deaths) + 1
        self._lives[number] = zygote.give(ENGINE_LIFE, self._way(number))

    def _way(self, number: int) -> dict[str, str | int | float | None]:
        return {
            **way_to(self._sandbox, self._folder),
            "api_url": self._sandbox.address_for(number),
        }

    def _kill_all(self) -> None:
        for number, life in self._lives.items():
            life.kill()
            self._deaths[number] = time.monotonic()
        self._lives.clear()


def trespasses(calls: list[Call], deaths: dict[int, float]) -> list[str]:
    """Return sentences on what two engines did at a time, and on calls about one thing that overlap.

    A call that was cut off by its engine's death ends with it.
    """
    found = []
    by_time = sorted(calls, key=lambda call: call.came)
    reigned: list[int] = []
    for call in by_time:
        if call.engine in reigned[:-1]:
            found.append(f"engine {call.engine} called after engine {reigned[-1]} had taken over")
        elif not reigned or reigned[-1] != call.engine:
            reigned.append(call.engine)
    by_subject: defaultdict[str, list[Call]] = defaultdict(list)
    for call in by_time:
        for subject in call.subjects:
            by_subject[subject].append(call)
    for subject, about in by_subject.items():
        for before, after in itertools.pairwise(about):
            over = min(before.over, deaths.get(before.engine, before.over))
            if after.came < over:
                found.append(f"engines {before.engine} and {after.engine} called about {subject} at a time")
    return found


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
