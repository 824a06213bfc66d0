"""A terminal that nobody reads, and one that goes away, while a result is being fetched."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.cli.conftest import variables
from tests.e2e.operator import DOWN, UP
from tests.engine.shop import ACTOR, config_of, request, submit
from tests.practice import profile_of
from tests.program_server import ROOT
from tests.pty_terminal import Terminal
from tests.waiting import eventually

STALLED_S = 20.0
GONE_S = 10.0
RATE = 100_000

_MUCH = "T" * 8 + (DOWN + UP) * 200
"""Keys that have far more painted than the system buffers for a terminal, and leave the console as it was.

Characters of several kinds would be dropped as a paste.
"""


class DeafTerminal(Terminal):
    """A terminal that can stop reading, as one behind a dead link does."""

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Read nothing for the time of the block."""
        self._stop_asked.send(b"x")
        self._reader.join()
        try:
            yield
        finally:
            self._stop_reading.recv(1)
            self._ended = False
            self._reader = threading.Thread(target=self._read, name="pty reader", daemon=True)
            self._reader.start()


@contextmanager
def console(sandbox: Sandbox, folder: Path) -> Iterator[DeafTerminal]:
    env = {"HOME": str(folder), "TZ": "UTC", "BWP_DATA_DIR": str(folder), "BWP_PROFILE": "shop", **variables(sandbox)}
    argv = [sys.executable, "-m", "bwp_tui"]
    terminal = DeafTerminal(argv, columns=120, rows=40, env=env, cwd=str(ROOT))
    with terminal:
        terminal.wait_for("engine here")
        yield terminal


def profile_below(sandbox: Sandbox, folder: Path) -> Profile:
    return profile_of(sandbox, folder / "shop")


def finished_retrieval(store: Store, sandbox: Sandbox) -> int:
    """Have the console adopt a retrieval, and return its number once it is known to have a result."""
    task_id = sandbox.state.start(Kind.RETRIEVAL, "jane@example.com")
    number = requests.track(store, Kind.RETRIEVAL, task_id, request(""), ACTOR).number
    eventually(lambda: tasks.get(store, number).status == "COMPLETED")
    return number


def download_of(store: Store, number: int) -> Download:
    download = tasks.get(store, number).download
    assert download is not None
    return download


@pytest.mark.timeout(400)
def test_while_nobody_reads_the_terminal_for_twenty_seconds_work_and_downloads_go_on(tmp_path: Path) -> None:
    with Sandbox(rate=RATE) as sandbox, console(sandbox, tmp_path) as terminal:
        store = open_store(profile_below(sandbox, tmp_path).history_path)
        number = finished_retrieval(store, sandbox)
        terminal.wait_until_quiet()
        with terminal.deaf():
            terminal.send(_MUCH)
            began = time.monotonic()
            requests.download(store, number, str(tmp_path / "saved"), ACTOR)
            filed = submit(store, "eve@example.com")
            eventually(lambda: tasks.get(store, filed).status == "COMPLETED")
            eventually(lambda: download_of(store, number).state == "done")
            eventually(lambda: time.monotonic() - began >= STALLED_S, within_s=STALLED_S + 1)
            assert Path(f"/proc/{terminal.pid}").exists()
        terminal.wait_for("1 all 2")
        terminal.send("q")
        assert terminal.wait(20.0) == 0
        store.close()


@pytest.mark.timeout(400)
def test_a_terminal_that_goes_away_amid_a_download_leaves_no_process_and_no_byte_to_fetch_twice(
    tmp_path: Path, served_lengths: list[int]
) -> None:
    with Sandbox(rate=RATE) as sandbox:
        profile = profile_below(sandbox, tmp_path)
        with console(sandbox, tmp_path) as terminal:
            store = open_store(profile.history_path)
            number = finished_retrieval(store, sandbox)
            requests.download(store, number, str(tmp_path / "saved"), ACTOR)
            eventually(lambda: download_of(store, number).bytes > RATE)
            terminal.hang_up()
            terminal.wait(GONE_S)
        before = download_of(store, number)
        [part] = [path for path in (tmp_path / "saved").iterdir() if path.suffix == ".part"]
        assert before.state == "queued"
        assert part.stat().st_size >= before.bytes > RATE
        _finish(profile)
        eventually(lambda: download_of(store, number).state == "done", within_s=1.0)
        done = download_of(store, number)
        assert done.path is not None
        assert hashlib.sha256(Path(done.path).read_bytes()).hexdigest() == done.sha256
        assert sum(served_lengths) <= 1.2 * done.bytes
        store.close()


def _finish(profile: Profile) -> None:
    """Be the engine until nothing is left to download; the one before must have freed the lease."""
    lease = Lease(profile.lease_path)
    assert lease.acquire()
    lease.release()
    store = open_store(profile.history_path)
    engine = EngineThread(profile, lambda: config_of(profile))
    engine.start()
    eventually(lambda: store.row("SELECT 1 FROM downloads WHERE state <> 'done'") is None)
    assert engine.stop()
    store.close()
