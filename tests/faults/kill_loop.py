"""Kills the program again and again, at random instants and at named points, and looks for what was lost or doubled.

The long form: `python -m tests.faults.kill_loop --kills 1000`.
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

from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.open_store import open_store
from tests.faults.consistency import Verdict, Witness, compare, entries, unsettled, witnessed
from tests.faults.operator_life import DRAIN, OPERATOR_LIFE, AckLog, way_to
from tests.faults.points import ACKNOWLEDGED, POINTS
from tests.faults.zygote import Life, Zygote

AT_RANDOM: Final = "at random"
STARTED_THERE: Final = "started there, not answered"
CANCELLED_THERE: Final = "cancelled there, not answered"
_DEEDS: Final = {STARTED_THERE: "start", CANCELLED_THERE: "cancel"}

PLACES: Final = (*POINTS, ACKNOWLEDGED, STARTED_THERE, CANCELLED_THERE)
"""Where a life can be made to end; every other kill is at random."""

_LATEST_PASS: Final = 4
_PASSED_ONCE: Final = "lease tried"
_RANDOM_WITHIN_S: Final = 0.4
_POINT_WITHIN_S: Final = 1.0


@dataclass
class Outcome:
    """What came of a loop: kills by place, those that came too late counted as random, and how the books fit."""

    kills: Counter[str] = field(default_factory=Counter)
    promises: int = 0
    cancellations: int = 0
    seconds: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)

    def table(self) -> str:
        """Return the figures for people."""
        places = "\n".join(f"  {place:<32}{count:>7}" for place, count in sorted(self.kills.items()))
        figures = {
            "kills": self.kills.total(),
            "requests acknowledged": self.promises,
            "cancellations acknowledged": self.cancellations,
            "requests in the register": self.verdict.requests,
            "tasks started by the service": self.verdict.starts,
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
            "untrue": len(self.verdict.untrue),
            "seconds": round(self.seconds),
        }
        return "\n".join([*(f"{name:<34}{count:>7}" for name, count in figures.items()), "kills by place:", places])


class KillLoop:
    """Lives on one register, each killed; the practice API, in this process, outlives them all."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder / "sandbox"
        self._log = AckLog(folder / "acknowledged")
        self._rng = random.Random(seed)
        self._witness = Witness()
        self._sandbox = witnessed(Sandbox(slow=0.03), self._witness)
        self._victim = 0
        self._deed: str | None = None
        self._deeds_left = 0

    def run(self, kills: int) -> Outcome:
        """Live and kill so many times, let one life settle what is left, and compare."""
        outcome = Outcome()
        began = time.monotonic()
        self._witness.done = self._strike
        self._sandbox.faults.set("slow", 0.5)
        with self._sandbox, Zygote() as zygote:
            for number in range(kills):
                place = self._place(number)
                outcome.kills[place if self._live(zygote, number, place) else AT_RANDOM] += 1
            drained = zygote.give(DRAIN, way_to(self._sandbox, self._folder))
            assert drained.ended(90.0), "what was asked for is not settled"
            assert drained.status == 0
            outcome.verdict = self._verdict(outcome, kills)
        outcome.seconds = time.monotonic() - began
        return outcome

    def _place(self, number: int) -> str:
        """Every other kill is at random; the rest go through the places in turn."""
        return AT_RANDOM if number % 2 else PLACES[number // 2 % len(PLACES)]

    def _live(self, zygote: Zygote, number: int, place: str) -> bool:
        """Have one life, and end it; say whether it ended where it was to."""
        nth = 1 if place == _PASSED_ONCE else self._rng.randint(1, _LATEST_PASS if place in POINTS else 2)
        self._deed, self._deeds_left = _DEEDS.get(place), nth
        life = zygote.give(
            OPERATOR_LIFE,
            {
                **way_to(self._sandbox, self._folder),
                "log": str(self._log.path),
                "life": number,
                "point": place if place not in (*_DEEDS, AT_RANDOM) else None,
                "nth": nth,
            },
        )
        self._victim = life.pid
        within = self._rng.uniform(0.0, _RANDOM_WITHIN_S) if place == AT_RANDOM else _POINT_WITHIN_S
        by_itself = life.ended(within)
        self._victim, self._deed = 0, None
        life.kill()
        _check_killed(life)
        return by_itself or place == AT_RANDOM

    def _strike(self, deed: str) -> None:
        """Kill the life at hand as soon as the books hold what it asked for: no answer has left yet."""
        if deed == self._deed:
            self._deeds_left -= 1
            if self._deeds_left == 0 and self._victim:
                os.kill(self._victim, signal.SIGKILL)

    def _verdict(self, outcome: Outcome, lives: int) -> Verdict:
        submitted, cancelled = self._log.promises("submitted"), self._log.promises("cancelled")
        outcome.promises, outcome.cancellations = len(submitted), len(cancelled)
        store = open_store(self._folder / "history.db")
        found = entries(store)
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        store.close()
        verdict = compare(found, self._witness.starts, self._witness.cancelled)
        by_number = {entry.number: entry for entry in found}
        for number, email in submitted.items():
            if number not in by_number or by_number[number].email != email:
                verdict.lost.append(f"#{number} {email} was acknowledged and is not in the register")
        for number in cancelled:
            if by_number[number].status != "CANCELLED":
                verdict.lost.append(f"the cancellation of #{number} was acknowledged and is forgotten")
        if len(found) > len(submitted) + lives:
            verdict.untrue.append("more requests are in the register than were asked for")
        verdict.lost += unsettled(found)
        return verdict


def _check_killed(life: Life) -> None:
    assert life.status == -signal.SIGKILL, f"a life ended by itself with {life.status}"


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_loop", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bwp-kill-loop-") as folder:
        outcome = KillLoop(Path(folder), seed=arguments.seed).run(arguments.kills)
    print(f"seed {arguments.seed}")
    print(outcome.table())
    for sentence in outcome.verdict.sentences:
        print(sentence, file=sys.stderr)
    return 1 if outcome.verdict.sentences else 0


if __name__ == "__main__":
    sys.exit(main())
