"""What a console costs that shows a busy history, and what becomes of it while its terminal does not read."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import SampleTask
from bwp_tui.domain.times import utc_now
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.shared_sql import update_task
from tests.benchmarks.far_service import FarService, far_service
from tests.benchmarks.figures import Effort, Figure, Kind, Row, Skipped
from tests.benchmarks.histories import fresh
from tests.benchmarks.ptys import TimedPty, cpu_seconds
from tests.store import single

_ACTIVE: Final = 1_000
_MIN_OBSERVED_S: Final = 20
_STALLED_S: Final = 30
_POLLED: Final = 200


def run(effort: Effort) -> Iterator[Row]:
    """Measure the processor time of updates, and a link that stalls."""
    yield from _updates(effort)
    yield from _stall(effort)


def _active(count: int, at: datetime) -> list[SampleTask]:
    return [
        task._replace(status=Status.IN_PROGRESS, submitted_at=at, updated_at=at, cancelled=False, errors=())
        for task in past_tasks(count, 1, utc_now())
    ]


def _updates(effort: Effort) -> Iterator[Row]:
    seconds = 4 if effort.quick else _MIN_OBSERVED_S
    what = f"CPU of the console, {_ACTIVE:,} active tasks updated each second"
    with fresh(_active(_ACTIVE, utc_now() - timedelta(days=2))) as place, place.without_engine():
        store = place.store()
        with place.console() as console:
            console.until("›", f"active {_ACTIVE}")
            console.wait_until_quiet(1.0)
            idle = _cpu_over(console, None, seconds)
            busy = _cpu_over(console, store, seconds)
        store.close()
    yield Figure("CPU of the console, idle", "% of a core", (idle * 100,), None)
    htop = shutil.which("htop")
    if htop is None:
        yield Figure(what, "% of a core", (busy * 100,), None)
        yield Skipped(f"{what}, beside htop at 1 s", "htop is not installed")
        return
    alone = _cpu_of_htop(htop, seconds)
    with _processes(_ACTIVE):
        as_many = _cpu_of_htop(htop, seconds)
    yield Figure(what, "% of a core", (busy * 100,), 3, Kind.RATIO, "htop at 1 s", (alone * 100,))
    peer = f"htop at 1 s, {_ACTIVE:,} processes"
    yield Figure(what, "% of a core", (busy * 100,), None, Kind.RATIO, peer, (as_many * 100,))


def _cpu_of_htop(htop: str, seconds: int) -> float:
    with TimedPty([htop, "-d", "10"], {}) as peer:
        peer.read_for(2)
        return _cpu_over(peer, None, seconds)


@contextmanager
def _processes(count: int) -> Iterator[None]:
    """Have so many processes there, which do nothing."""
    loop = f"for i in $(seq {count}); do sleep 3600 & done; echo there; wait"
    with subprocess.Popen(["sh", "-c", loop], stdout=subprocess.PIPE, start_new_session=True) as shell:
        try:
            assert shell.stdout is not None
            shell.stdout.readline()
            yield
        finally:
            os.killpg(shell.pid, signal.SIGKILL)


def _cpu_over(console: TimedPty, store: Store | None, seconds: int) -> float:
    """Return the share of a core that a program uses, while each task of a history is updated once a second."""
    cpu, began = cpu_seconds(console.pid), time.monotonic()
    for second in range(seconds):
        if store is not None:
            touch(store, range(1, _ACTIVE + 1))
        console.read_for(began + second + 1 - time.monotonic())
    return (cpu_seconds(console.pid) - cpu) / (time.monotonic() - began)


def touch(store: Store, numbers: Sequence[int]) -> None:
    """Move tasks to their other status, on hold or in progress, in one transaction, as a batch of polls does."""
    with store.write() as transaction:
        for number in numbers:
            transaction.run(
                "UPDATE tasks SET status = iif(status = ?, ?, ?), updated_at = ? WHERE number = ?",
                (Status.IN_PROGRESS, Status.ON_HOLD, Status.IN_PROGRESS, transaction.now_text, number),
            )
            update_task(transaction, number)


def _stall(effort: Effort) -> Iterator[Row]:
    """Let the console's engine poll while nobody reads its terminal, then read again."""
    seconds = 5 if effort.quick else _STALLED_S
    past = _active(_POLLED, utc_now() - timedelta(days=2))
    with far_service(0.05) as service, fresh(past, service.env) as place, place.console() as console:
        console.until("engine here", f"active {_POLLED}", "Received")
        console.wait_until_quiet(1.0)
        store = place.store()
        flowing = _polls_over(store, service, seconds, console)
        stalled = _polls_over(store, service, seconds, None)
        single.set_note(store, _POLLED, "written meanwhile", "op")
        before, began = console.size, time.monotonic()
        console.until("written meanwhile")
        seconds_behind = time.monotonic() - began
        console.wait_until_quiet(1.0)
        size = console.size - before
        store.close()
    what = f"polls while the terminal stalls for {seconds} s"
    yield Figure(what, "", (stalled,), 0.9, Kind.RATIO, "while it reads", (flowing,), at_least=True)
    yield Figure("until the screen has caught up with it", "s", (seconds_behind,), None)
    yield Figure("bytes that it takes to catch up", "bytes", (float(size),), None)


def _polls_over(store: Store, service: FarService, seconds: int, console: TimedPty | None) -> float:
    """Have all tasks change and be asked about each second; return how many polls came, read or not."""
    asked, began = service.calls["poll"], time.monotonic()
    everything = list(range(1, _POLLED + 1))
    for second in range(seconds):
        touch(store, everything)
        requests.poll_now(store, everything)
        left = began + second + 1 - time.monotonic()
        if console is not None:
            console.read_for(left)
        elif left > 0:
            time.sleep(left)
    return float(service.calls["poll"] - asked)
