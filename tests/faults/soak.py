"""A console left open over much work: does it grow, does it slow?

The long form: `python -m tests.faults.soak --hours 2 --speed 60`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.commands import requests as actions
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from tests.engine.shop import ACTOR, submit
from tests.faults.operator_process import engine_arguments
from tests.program_server import ROOT
from tests.pty_terminal import Terminal
from tests.waiting import eventually

REQUESTS_AN_HOUR: Final = 120
MOST_REQUESTS_S: Final = 2.0
SAMPLES: Final = 12
WARM: Final = 0.4
"""The part of a soak in which caches fill and pools grow: not judged."""

FIRST_CROWD: Final = 60
"""Requests that are there at once, more than a screen shows: rows in sight are kept, and are no growth."""

KEYS: Final = "jjjjkkkk"
_PRESSES: Final = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """The console at one instant: seconds since the beginning, MiB, counts, and the median delay of a key in ms."""

    at: float
    rss: float
    threads: int
    descriptors: int
    objects: int
    key_ms: float
    requests: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What the judged part of a soak grew by: medians of its last third less those of its first, and its requests.

    Threads and descriptors are minima: how many downloads run at an instant is no growth, and what leaks is in all.
    """

    rss: float
    threads: float
    descriptors: float
    objects: float
    requests: float
    key_ratio: float


class Soak:
    """A console in a pty, an operator at its keys, and requests that other processes file."""

    def __init__(self, folder: Path, *, speed: float, seed: int = 1) -> None:
        self._folder = folder
        self._speed = speed
        self._rng = random.Random(seed)
        self._sandbox = Sandbox(speed=speed)
        self._objects = folder / "objects"
        self._filed: list[int] = []
        self._saved = 0

    def run(self, hours: float) -> list[Sample]:
        """Work so many simulated hours, and return the samples."""
        seconds = hours * 3600 / self._speed
        pace = min(MOST_REQUESTS_S, REQUESTS_AN_HOUR * hours / seconds)
        samples: list[Sample] = []
        with self._sandbox, self._console() as terminal:
            terminal.wait_for("engine here")
            store = open_store(self._folder / "sandbox" / "history.db")
            for _ in range(FIRST_CROWD):
                self._file(store)
            began = time.monotonic()
            while len(samples) < SAMPLES:
                passed = time.monotonic() - began
                while len(self._filed) < FIRST_CROWD + passed * pace:
                    self._file(store)
                self._download(store)
                terminal.send(KEYS)
                terminal.wait_until_quiet(quiet=0.1)
                if passed >= seconds * (len(samples) + 1) / SAMPLES:
                    samples.append(self._sample(terminal, passed))
            store.close()
            terminal.send("q")
            assert terminal.wait(15.0) == 0
        return samples

    @property
    def work(self) -> tuple[int, int]:
        """How many requests were filed and results saved."""
        return len(self._filed), self._saved

    def _console(self) -> Terminal:
        arguments = {
            **engine_arguments(self._sandbox, self._folder / "sandbox"),
            "speed": self._speed,
            "objects": str(self._objects),
        }
        return Terminal(
            [sys.executable, "-m", "tests.faults.soak_console"],
            columns=120,
            rows=40,
            env={"BWP_SOAK": json.dumps(arguments)},
            cwd=str(ROOT),
        )

    def _file(self, store: Store) -> None:
        name = self._rng.choice(("jane", "jane", "nobody", "open-orders"))
        kind = Kind.DELETION if name == "open-orders" else Kind.RETRIEVAL
        hold = 1 if kind is Kind.DELETION else None
        self._filed.append(submit(store, f"{name}+{len(self._filed)}@example.com", kind, hold))

    def _download(self, store: Store) -> None:
        """Ask for the oldest result that was not asked for."""
        row = store.row(
            "SELECT min(number) FROM tasks WHERE status = 'COMPLETED' AND download IS NULL AND kind = ?",
            (Kind.RETRIEVAL,),
        )
        if row is not None and isinstance(row[0], int):
            actions.download(store, row[0], str(self._folder / "saved"), ACTOR)
            self._saved += 1

    def _sample(self, terminal: Terminal, at: float) -> Sample:
        process = Path(f"/proc/{terminal.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return Sample(
            at=at,
            rss=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            descriptors=len(list((process / "fd").iterdir())),
            objects=self._count_objects(terminal),
            key_ms=1000 * statistics.median(_press(terminal, "jk"[press % 2]) for press in range(_PRESSES)),
            requests=len(self._filed),
        )

    def _count_objects(self, terminal: Terminal) -> int:
        self._objects.unlink(missing_ok=True)
        terminal.signal(signal.SIGUSR1)
        eventually(self._objects.exists)
        return int(self._objects.read_text())


def _press(terminal: Terminal, key: str) -> float:
    """Press a key and return the seconds until something is painted."""
    terminal.wait_until_quiet(quiet=0.05)
    mark, began = terminal.mark(), time.perf_counter()
    terminal.send(key)
    eventually(lambda: terminal.mark() > mark)
    return time.perf_counter() - began


def growth(samples: Sequence[Sample]) -> Growth:
    """Return how the console has grown since it was warm."""
    judged = samples[int(len(samples) * WARM) :]
    third = max(1, len(judged) // 3)
    first, last = judged[:third], judged[-third:]

    def grown(
        figure: Callable[[Sample], float], of_all: Callable[[Iterable[float]], float] = statistics.median
    ) -> float:
        return of_all(map(figure, last)) - of_all(map(figure, first))

    return Growth(
        rss=grown(lambda sample: sample.rss),
        threads=grown(lambda sample: sample.threads, min),
        descriptors=grown(lambda sample: sample.descriptors, min),
        objects=grown(lambda sample: sample.objects),
        requests=grown(lambda sample: sample.requests),
        key_ratio=statistics.median(s.key_ms for s in last) / statistics.median(s.key_ms for s in first),
    )


def table(samples: Sequence[Sample]) -> str:
    """Return the samples for people."""
    head = f"{'s':>6}{'MiB':>8}{'threads':>9}{'files':>7}{'objects':>9}{'key ms':>8}{'requests':>10}"
    lines = [
        f"{s.at:>6.0f}{s.rss:>8.1f}{s.threads:>9}{s.descriptors:>7}{s.objects:>9}{s.key_ms:>8.1f}{s.requests:>10}"
        for s in samples
    ]
    return "\n".join([head, *lines])


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--speed", type=float, default=60.0)
    arguments = parser.parse_args()
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="bwp-soak-") as folder:
        soak = Soak(Path(folder), speed=arguments.speed)
        samples = soak.run(arguments.hours)
    print(table(samples))
    print("{} requests, {} downloads asked for".format(*soak.work))
    print(growth(samples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
