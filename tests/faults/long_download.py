"""One result over a bad line, from a store that has a bad day, by a program that is killed once.

The long form: `python -m tests.faults.long_download`, 200 MB over a line cut every 5 to 15 MB.

What is fetched is counted where the proxy hands it on. An archive that changes and a store that ignores ranges make
every byte before them useless, whatever a client does: those bytes are counted apart, and what comes after them is
what the promise is about.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest import mock

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox import archives
from bwp_tui.sandbox.archives import Archives
from bwp_tui.store.commands import requests
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.cli.conftest import variables
from tests.engine.shop import ACTOR, submit
from tests.faults.chaos_proxy import CLEAN, ChaosProxy, FrontedSandbox, Toxics
from tests.program_server import ROOT
from tests.waiting import eventually_in_loop

MB: Final = 1_000_000
MOST_FETCHED: Final = 1.2
"""Of the archive's size, where the store honours ranges."""

STRIKING: Final = ("garbled", "busy-store", "expired-link", "html", "changed-archive", "down", "no-range")
"""The faults of service and store, each of which strikes once."""

_PATIENCE_S: Final = 60.0
_EDITION: Final = 1  # the archive changes once

Start = Callable[[Mapping[str, str]], AbstractContextManager[int]]
"""Runs the program in an environment; gives its process id for the time of a block."""


@dataclass(frozen=True, slots=True)
class Course:
    """How large the archive is, after how many bytes the line is cut, and how fast it is, in bytes a second."""

    size: int
    shortest: int
    longest: int
    bandwidth: int


LONG: Final = Course(size=200 * MB, shortest=5 * MB, longest=15 * MB, bandwidth=16 * MB)
SMALL: Final = Course(size=6 * MB, shortest=700_000, longest=1_400_000, bandwidth=3 * MB)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. Amounts in bytes; `before_change` and `before_whole` are those that the store made useless."""

    download: Download
    size: int
    sha256: str
    truth: str
    before_change: int
    before_whole: int
    fetched: int
    cuts: int
    links: int
    secret: str
    struck: Mapping[str, int]
    seconds: float

    @property
    def sentences(self) -> list[str]:
        """What is not as promised."""
        wrong = []
        if self.download.state != "done" or not self.sha256 == self.truth == self.download.sha256:
            wrong.append(f"the file is not the archive: {self.download}")
        if self.fetched > MOST_FETCHED * self.size:
            wrong.append(f"{self.fetched} bytes were fetched of {self.size}")
        wrong += [f"{fault} struck {times} times" for fault, times in self.struck.items() if times != 1]
        return wrong

    def __str__(self) -> str:
        return (
            f"size            {self.size / MB:8.1f} MB, sha256 {'right' if self.sha256 == self.truth else 'WRONG'}\n"
            f"fetched         {self.fetched / MB:8.1f} MB, {self.fetched / self.size:.3f} of the size\n"
            f"useless before  {self.before_change / MB:8.1f} MB, as the archive changed\n"
            f"useless before  {self.before_whole / MB:8.1f} MB, as the store sent it whole\n"
            f"lines cut       {self.cuts:8d}\n"
            f"links           {self.links:8d}\n"
            f"took            {self.seconds:8.1f} s"
        )


@contextmanager
def engine_alone(env: Mapping[str, str]) -> Iterator[int]:
    """Run the engine without a screen; gives its process id."""
    with subprocess.Popen(
        [sys.executable, "-m", "bwp_tui", "run"], env={**os.environ, **env}, stdout=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        try:
            yield process.pid
        finally:
            process.kill()


class LongDownload:
    """The scenario, with its data in `folder`."""

    def __init__(self, folder: Path, course: Course, start: Start) -> None:
        self._folder = folder
        self._course = course
        self._start = start
        self._rng = random.Random(course.size)

    async def run(self) -> Outcome:
        """Fetch the archive through all of it."""
        async with ChaosProxy(self._choose) as proxy:
            with _archives_of(self._course.size), FrontedSandbox(proxy.address, clock=utc_now) as sandbox:
                proxy.target = sandbox.own_port
                self._proxy, self._sandbox = proxy, sandbox
                self._env = {
                    "HOME": str(self._folder),
                    "BWP_DATA_DIR": str(self._folder),
                    "BWP_PROFILE": "shop",
                    **variables(sandbox),
                }
                self._store = open_store(self._folder / "shop" / "history.db")
                try:
                    return await self._fetch()
                finally:
                    self._store.close()

    def _choose(self, first: bytes) -> Toxics:
        if not first.startswith(b"GET"):
            return CLEAN
        course = self._course
        return Toxics(
            bandwidth=course.bandwidth,
            cut_answer=self._rng.randint(course.shortest, course.longest),
            reset=self._rng.random() < 0.3,
        )

    async def _fetch(self) -> Outcome:
        size, began = self._course.size, time.monotonic()
        faults = self._sandbox.faults
        number = submit(self._store, "big@example.com")
        with self._start(self._env) as pid:
            await self._until(lambda: tasks.get(self._store, number).status == Status.COMPLETED)
            for name in ("garbled", "busy-store", "expired-link"):
                faults.set(name, times=1)
            requests.download(self._store, number, str(self._folder / "shop" / "downloads"), ACTOR)
            await self._until(lambda: self._fetched > size // 8)
            for name in ("html", "changed-archive"):
                faults.set(name, times=1)
            await self._until(lambda: faults.hit_counts["changed-archive"] == 1)
            before_change = self._fetched_before_this_line
            await self._until(lambda: self._fetched - before_change > size // 8)
            for name in ("down", "no-range"):
                faults.set(name, times=1)
            await self._until(lambda: faults.hit_counts["no-range"] == 1)
            useless = self._fetched_before_this_line
            before_whole = useless - before_change
            await self._until(lambda: self._fetched - useless > size // 2)
            os.kill(pid, signal.SIGKILL)
        with self._start(self._env):
            await self._until(lambda: self._download(number).state in ("done", "failed"))
        task = tasks.get(self._store, number)
        with tempfile.TemporaryDirectory() as folder:
            archive = Archives(Path(folder), 1).archive(task.task_id or "", task.email, _EDITION)
            truth, whole = _sha256(archive.path), archive.size
        download = self._download(number)
        return Outcome(
            download=download,
            size=whole,
            sha256=_sha256(Path(download.path)) if download.path else "",
            truth=truth,
            before_change=before_change,
            before_whole=before_whole,
            fetched=self._fetched - useless,
            cuts=sum(
                vice.cut_answer is not None and passed >= vice.cut_answer
                for vice, passed in zip(self._proxy.used, self._proxy.passed, strict=True)
            ),
            links=self._sandbox.state.calls["link"],
            secret=self._sandbox.client_secret,
            struck={
                name: faults.hit_counts[name] for name in ("busy-store", "expired-link", "changed-archive", "no-range")
            },
            seconds=time.monotonic() - began,
        )

    @property
    def _fetched(self) -> int:
        """Bytes of archives that went on to the program."""
        return sum(self._lines())

    @property
    def _fetched_before_this_line(self) -> int:
        """The same without the line that was made last, which the fault at hand has struck."""
        return sum(self._lines()[:-1])

    def _lines(self) -> list[int]:
        lines = zip(self._proxy.used, self._proxy.passed, strict=True)
        return [passed for vice, passed in lines if vice is not CLEAN]

    def _download(self, number: int) -> Download:
        download = tasks.get(self._store, number).download
        assert download is not None
        return download

    async def _until(self, so: Callable[[], bool]) -> None:
        await eventually_in_loop(so, _PATIENCE_S + 4 * self._course.size / self._course.bandwidth)


@contextmanager
def _archives_of(size: int) -> Iterator[None]:
    """Have the practice API make the archives about `big@…` so large."""
    with mock.patch.multiple(archives, BIG_ARCHIVE_BYTES=size, _RECORDING=archives._BLOCK):
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """Run the long form and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(LongDownload(Path(folder), LONG, engine_alone).run())
    print(outcome)
    print("\n".join(outcome.sentences) or "as promised")
    return 1 if outcome.sentences else 0


if __name__ == "__main__":
    sys.exit(main())
