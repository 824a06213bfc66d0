"""Kills the program again and again, at random instants and at named points, and looks for what was lost or doubled.

The long form: `python -m tests.faults.kill_loop --kills 1000`, and with `--events` the same while events come: some
twice, some never, and some about tasks that were submitted elsewhere.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.maintenance import chain_check
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries.timeline import EventKind
from tests.faults.consistency import Entry, RecordingState, Verdict, compare, entries, unsettled, use_recording_state
from tests.faults.kill_points import ACKNOWLEDGED, EVENT_KILL_POINTS, KILL_POINTS
from tests.faults.operator_process import DRAIN, ENGINE, OPERATOR, AckLog, engine_arguments
from tests.faults.recording_queue import use_recording_queue
from tests.program_server import Arguments, ForkedProcess, Forks, forking
from tests.waiting import eventually

AT_RANDOM: Final = "at random"
STARTED_THERE: Final = "started there, not answered"
CANCELLED_THERE: Final = "cancelled there, not answered"
_CALLS: Final = {STARTED_THERE: "start", CANCELLED_THERE: "cancel"}

PLACES: Final = (*KILL_POINTS, ACKNOWLEDGED, STARTED_THERE, CANCELLED_THERE)
"""Where a process can be killed; every other kill is at random."""

EVENT_PLACES: Final = (*EVENT_KILL_POINTS, "recorded", STARTED_THERE)
_FAULTS: Final = {"duplicate-event": 0.3, "lost-event": 0.3, "foreign-event": 0.1, "lost-answer": 0.1}
"""The faults of a loop with events, and the shares of what they hit."""

_EVENT_FIRST: Final = (
    "SELECT count(DISTINCT e.task) FROM timeline e JOIN timeline a ON a.task = e.task AND a.id > e.id"
    f" WHERE e.what = '{EventKind.EVENT_RECEIVED}' AND a.what = '{EventKind.ACCEPTED}'"
)
_EVENTS_WITHIN_S: Final = 5.0

_LATEST_PASS: Final = 4
_PASSED_ONCE: Final = "lease tried"
_RANDOM_WITHIN_S: Final = 0.4
_POINT_WITHIN_S: Final = 0.5
"""Of processor time: a process that has used so much without coming to its point will not come to it."""

_POINT_AT_MOST_S: Final = 20.0


@dataclass
class Outcome:
    """What came of a loop: kills by place, those that came too late counted as random, and the comparison."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    cancellations: int = 0
    events: int = 0
    adopted: int = 0
    merged: int = 0
    seconds: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)

    def table(self) -> str:
        """Return the figures for people."""
        places = "\n".join(f"  {place:<32}{count:>7}" for place, count in sorted(self.kills.items()))
        figures = {
            "kills": self.kills.total(),
            "requests acknowledged": self.acknowledged,
            "cancellations acknowledged": self.cancellations,
            "events deleted": self.events,
            "tasks adopted": self.adopted,
            "tasks whose event came first": self.merged,
            "requests in the history": self.verdict.requests,
            "tasks started by the service": self.verdict.starts,
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
            "untrue": len(self.verdict.untrue),
            "seconds": round(self.seconds),
        }
        return "\n".join([*(f"{name:<34}{count:>7}" for name, count in figures.items()), "kills by place:", places])


class KillLoop:
    """Processes on one history, each killed; the practice API runs in this process.

    With `with_events` the API sends events, of which some come twice and some never, and tasks are started elsewhere.
    """

    def __init__(self, folder: Path, *, seed: int, with_events: bool = False) -> None:
        self._folder = folder / "sandbox"
        self._with_events = with_events
        self._log = AckLog(folder / "acknowledged")
        self._rng = random.Random(seed)
        self._state = RecordingState()
        self._sandbox = use_recording_state(Sandbox(slow_s=0.03), self._state)
        self._queue = use_recording_queue(self._sandbox, self._folder / "history.db")
        self._elsewhere: set[str] = set()
        self._target_pid = 0
        self._awaited_call: str | None = None
        self._calls_left = 0

    def run(self, kills: int) -> Outcome:
        """Start and kill so many processes, have one more settle what is left, and compare."""
        outcome = Outcome()
        began = time.monotonic()
        self._state.on_call = self._kill_on_call
        self._sandbox.faults.set("slow", 0.5)
        for fault, rate in _FAULTS.items() if self._with_events else ():
            self._sandbox.faults.set(fault, rate)
        with self._sandbox, forking() as forks:
            for number in range(kills):
                place = self._place(number)
                outcome.kills[place if self._kill_once(forks, number, place) else AT_RANDOM] += 1
            if self._with_events:
                self._await_events(forks)
            drained = forks.fork(DRAIN, self._arguments)
            assert drained.poll(90.0) == 0, "what was asked for is not settled"
            outcome.verdict = self._verdict(outcome, kills)
        outcome.seconds = time.monotonic() - began
        return outcome

    def _place(self, number: int) -> str:
        """Every other kill is at random; the rest go through the places in turn."""
        places = EVENT_PLACES if self._with_events else PLACES
        return AT_RANDOM if number % 2 else places[number // 2 % len(places)]

    @property
    def _arguments(self) -> Arguments:
        return engine_arguments(self._sandbox, self._folder, with_events=self._with_events)

    def _await_events(self, forks: Forks) -> None:
        """Have an engine receive and poll until every task that can end has ended, and its event is recorded."""
        self._sandbox.faults.clear()
        engine = forks.fork(ENGINE, self._arguments)
        store = open_store(self._folder / "history.db")
        under_way = "SELECT 1 FROM tasks WHERE terminal = 0 AND status NOT IN ('ON_HOLD', 'UNCONFIRMED')"
        eventually(lambda: Status.IN_PROGRESS not in self._state.statuses().values())
        sent_after = self._queue.reads + 1  # the read that may be under way does not count
        eventually(lambda: self._queue.reads > sent_after and self._queue.is_empty and store.row(under_way) is None)
        store.close()
        engine.kill()

    def _kill_once(self, forks: Forks, number: int, place: str) -> bool:
        """Start a process and kill it; say whether it ended where it was to."""
        if self._with_events and self._rng.random() < 0.5:
            self._elsewhere.add(self._state.start(Kind.RETRIEVAL, f"elsewhere.{number}@example.com"))
        nth = 1 if place == _PASSED_ONCE else self._rng.randint(1, _LATEST_PASS if place in KILL_POINTS else 2)
        self._awaited_call, self._calls_left = _CALLS.get(place), nth
        process = forks.fork(
            OPERATOR,
            {
                **self._arguments,
                "log": str(self._log.path),
                "generation": number,
                "point": place if place not in (*_CALLS, AT_RANDOM) else None,
                "nth": nth,
            },
        )
        self._target_pid = process.pid
        if place == AT_RANDOM:
            longest = _EVENTS_WITHIN_S if self._with_events else 1.0
            by_itself = process.poll(self._rng.uniform(0.0, _RANDOM_WITHIN_S * longest)) is not None
        elif self._with_events:
            by_itself = process.poll(_EVENTS_WITHIN_S) is not None
        else:
            by_itself = _ended_at_point(process)
        self._target_pid, self._awaited_call = 0, None
        process.kill()
        _check_killed(process)
        return by_itself or place == AT_RANDOM

    def _kill_on_call(self, call: str) -> None:
        """Kill the current process as soon as the service has carried out its call: no response has left yet."""
        if call == self._awaited_call:
            self._calls_left -= 1
            if self._calls_left == 0 and self._target_pid:
                os.kill(self._target_pid, signal.SIGKILL)

    def _verdict(self, outcome: Outcome, processes: int) -> Verdict:
        submitted, cancelled = self._log.acknowledged("submitted"), self._log.acknowledged("cancelled")
        outcome.acknowledged, outcome.cancellations = len(submitted), len(cancelled)
        store = open_store(self._folder / "history.db")
        found = entries(store)
        outcome.merged = store.integer(_EVENT_FIRST)
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        assert chain_check.check_file(store.path)[1] == []
        store.close()
        # What was submitted elsewhere is known from its event alone.
        unknown = self._elsewhere - self._queue.announced
        starts = [start for start in self._state.starts if start.task_id not in unknown]
        verdict = compare(found, starts, self._state.cancelled)
        verdict.untrue += self._queue.unrecorded
        adopted = [entry for entry in found if entry.task_id in self._elsewhere]
        outcome.events, outcome.adopted = self._queue.deleted, len(adopted)
        if self._with_events:
            verdict.lost += self._not_known(found)
        by_number = {entry.number: entry for entry in found}
        for number, email in submitted.items():
            if number not in by_number or by_number[number].email != email:
                verdict.lost.append(f"#{number} {email} was acknowledged and is not in the history")
        for number in cancelled:
            if by_number[number].status != "CANCELLED":
                verdict.lost.append(f"the cancellation of #{number} was acknowledged and is forgotten")
        if len(found) > len(submitted) + processes + len(adopted):
            verdict.untrue.append("more requests are in the history than were asked for")
        verdict.lost += unsettled(found)
        return verdict

    def _not_known(self, found: list[Entry]) -> list[str]:
        """Return sentences on ends that the history does not know."""
        now = self._state.statuses()
        return [
            f"#{entry.number} {entry.email} is {entry.status}, and {now[entry.task_id]} in the service state"
            for entry in found
            if entry.task_id is not None and entry.status not in (now[entry.task_id], "CANCELLED")
        ]


def _ended_at_point(process: ForkedProcess) -> bool:
    """Wait for a process's end; say whether it came within the processor time that it takes."""
    at_most = time.monotonic() + _POINT_AT_MOST_S
    while process.poll(0.02) is None:
        if process.processor_time() > _POINT_WITHIN_S or time.monotonic() > at_most:
            return False
    return True


def _check_killed(process: ForkedProcess) -> None:
    assert process.returncode == -signal.SIGKILL, f"a process ended by itself with {process.returncode}"


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_loop", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--events", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bwp-kill-loop-") as folder:
        outcome = KillLoop(Path(folder), seed=arguments.seed, with_events=arguments.events).run(arguments.kills)
    print(f"seed {arguments.seed}")
    print(outcome.table())
    for sentence in outcome.verdict.sentences:
        print(sentence, file=sys.stderr)
    return 1 if outcome.verdict.sentences else 0


if __name__ == "__main__":
    sys.exit(main())
