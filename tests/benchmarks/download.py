"""An archive over TLS from loopback, hashed and saved, beside curl, which saves it; and the keys meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from bwp_tui.api.links import PresignedLink
from bwp_tui.domain.task import Kind as TaskKind
from bwp_tui.domain.task import Status
from bwp_tui.domain.times import utc_now
from bwp_tui.engine.part_file import PartFile
from bwp_tui.engine.pump import Pump
from bwp_tui.history import actions
from bwp_tui.sandbox.past import past_tasks
from tests.benchmarks.archive_server import BLOCK
from tests.benchmarks.far_service import far_service
from tests.benchmarks.figures import Effort, Figure, Kind, Row, Skipped, p95
from tests.benchmarks.keys import moves
from tests.benchmarks.ptys import ROOT, resident_mib
from tests.benchmarks.quiet import undisturbed
from tests.benchmarks.registers import fresh
from tests.e2e.operator import DOWN, UP

_ROUNDS: Final = 7
_GIB: Final = 1 << 30
_NAME: Final = "retrieval-jane@example.com-1.zip"
_MEANWHILE_GIB: Final = 6
_KEYS: Final = (DOWN, UP) * 12
_TASKS: Final = 60


def run(effort: Effort) -> Iterator[Row]:
    """Measure the pump in turns with curl, its memory, and a console that downloads."""
    length = _GIB // (8 if effort.quick else 1)
    yield from _beside_curl(effort, length)
    yield from _keys_meanwhile(effort)


def _beside_curl(effort: Effort, length: int) -> Iterator[Row]:
    what = f"download of {length >> 20:,} MiB over TLS, hashed"
    curl = shutil.which("curl")
    if curl is None:
        yield Skipped(what, "curl is not installed")
        return
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as name, archive_server(Path(name), length) as url:
        folder, sha256 = Path(name), _sha256(length)
        ours, theirs, grown = [], [], []
        for round_number in range(effort.rounds(_ROUNDS) + 1):
            before = resident_mib(os.getpid())
            speed = undisturbed(lambda: length / _pumped(url, folder, sha256) / 2**20)
            peer = undisturbed(lambda: length / _curled(curl, url, folder) / 2**20)
            if round_number:  # the first has made the buffers and read the libraries
                ours.append(speed)
                theirs.append(peer)
                grown.append(resident_mib(os.getpid()) - before)
    yield Figure(what, "MiB/s", tuple(ours), 0.95, Kind.RATIO, "curl", tuple(theirs), at_least=True)
    yield Figure("memory that one more such download takes", "MiB", tuple(grown), 1)


def _pumped(url: str, folder: Path, sha256: str) -> float:
    link = PresignedLink.checked(url, issued_at=time.monotonic(), loopback_allowed=True)
    began = time.perf_counter()
    with PartFile(folder, _NAME) as part:
        Pump(link, part).run()
        found = part.sha256
        seconds = time.perf_counter() - began
        part.discard()
    assert found == sha256
    return seconds


def _curled(curl: str, url: str, folder: Path) -> float:
    saved = folder / "curled.zip"
    began = time.perf_counter()
    subprocess.run([curl, "-sS", "--cacert", str(folder / "cert.pem"), "-o", str(saved), url], check=True)
    seconds = time.perf_counter() - began
    saved.unlink()
    return seconds


def _sha256(length: int) -> str:
    found = hashlib.sha256()
    for _ in range(length // len(BLOCK)):
        found.update(BLOCK)
    found.update(BLOCK[: length % len(BLOCK)])
    return found.hexdigest()


def _fast_folder() -> str | None:
    """Return a folder in memory, where there is one: a disk's own speed is not the question."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 4 * _GIB else None


@contextmanager
def archive_server(folder: Path, length: int) -> Iterator[str]:
    """Serve an archive of `length` bytes over TLS, trusted by this process and those it starts, and give its link."""
    request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    name = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *request.split(), *name], cwd=folder, check=True, capture_output=True)
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(folder / "cert.pem")
    argv = [sys.executable, "-m", "tests.benchmarks.archive_server", str(folder), str(length)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"https://127.0.0.1:{int(server.stdout.readline())}/archive"
        finally:
            server.kill()
            del os.environ["SSL_CERT_FILE"]
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before


def _keys_meanwhile(effort: Effort) -> Iterator[Row]:
    """Press keys in a console that is idle, and again while it downloads."""
    length = _MEANWHILE_GIB * _GIB
    at = utc_now() - timedelta(days=2)
    past = [
        replace(task, kind=TaskKind.RETRIEVAL, status=Status.COMPLETED, submitted_at=at, updated_at=at, cancelled=False)
        for task in past_tasks(_TASKS, 1, utc_now())
    ]
    keys = _KEYS[:6] if effort.quick else _KEYS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_fast_folder())))
        url = stack.enter_context(archive_server(folder, length))
        service = stack.enter_context(far_service(0.0, "COMPLETED", url))
        env = {**service.env, "SSL_CERT_FILE": str(folder / "cert.pem"), "BWP_DOWNLOAD_DIR": str(folder)}
        place = stack.enter_context(fresh(past, env))
        console = stack.enter_context(place.console())
        console.until("engine here", "Received")
        console.settle(1.0)
        moves(console, keys)
        idle = moves(console, keys)
        history = place.history()
        stack.callback(history.close)
        actions.download(history, 1, str(folder), "op")
        console.until("%")
        busy = moves(console, keys)
        is_running = "%" in console.screen()
        memory = resident_mib(console.pid)
    what = "cursor key while a download runs at full speed, p95"
    if not is_running:
        yield Skipped(what, "the download ended before the keys did")
        return
    yield Figure(what, "ms", (p95(busy),), 1.5, Kind.RATIO, "the same, idle", (p95(idle),))
    yield Figure("memory of a console that downloads", "MiB", (memory,), None)
