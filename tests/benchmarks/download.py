"""An archive over TLS from loopback, hashed and saved, beside curl, which saves it; and the keys meanwhile."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from bwp_tui.api.links import PresignedLink
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind as TaskKind
from bwp_tui.domain.times import utc_now
from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.engine.downloads.transfer_thread import PartTransfer
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.store.commands import requests
from tests.benchmarks.archive_server import BLOCK
from tests.benchmarks.far_service import far_service
from tests.benchmarks.figures import Effort, Figure, Kind, Row, Skipped, p95
from tests.benchmarks.histories import fresh
from tests.benchmarks.keys import CURSOR, PAUSE_S
from tests.benchmarks.machine_load import undisturbed
from tests.benchmarks.ptys import ROOT, TimedPty, resident_mib
from tests.e2e.operator import DOWN, UP

_ROUNDS: Final = 7
_KEY_ROUNDS: Final = 5
_GIB: Final = 1 << 30
_NAME: Final = "retrieval-jane@example.com-1.zip"
_MEANWHILE_GIB: Final = 9
_KEYS: Final = (DOWN, UP) * 24
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
        ours, theirs, piped, grown = [], [], [], []
        for round_number in range(effort.rounds(_ROUNDS) + 1):
            before = resident_mib(os.getpid())
            speed = undisturbed(lambda: length / _pumped(url, folder, sha256) / 2**20)
            peer = undisturbed(lambda: length / _seconds_of_curl(curl, url, folder) / 2**20)
            same_work = undisturbed(lambda: length / _piped(curl, url, folder, sha256) / 2**20)
            if round_number:  # the first has made the buffers and read the libraries
                ours.append(speed)
                theirs.append(peer)
                piped.append(same_work)
                grown.append(resident_mib(os.getpid()) - before)
    yield Figure(what, "MiB/s", tuple(ours), 0.95, Kind.RATIO, "curl", tuple(theirs), at_least=True)
    same = "curl | tee | sha256sum"
    yield Figure(f"{what}, beside what also hashes it", "MiB/s", tuple(ours), None, Kind.RATIO, same, tuple(piped))
    yield Figure("memory that one more such download takes", "MiB", tuple(grown), 1)


def _pumped(url: str, folder: Path, sha256: str) -> float:
    link = PresignedLink.checked(url, issued_at=time.monotonic(), loopback_allowed=True)
    began = time.perf_counter()
    with PartFile(folder, _NAME) as part:
        PartTransfer(link, part).run()
        found = part.sha256
        seconds = time.perf_counter() - began
        part.discard()
    assert found == sha256
    return seconds


def _seconds_of_curl(curl: str, url: str, folder: Path) -> float:
    saved = folder / "curled.zip"
    began = time.perf_counter()
    subprocess.run([curl, "-sS", "--cacert", str(folder / "cert.pem"), "-o", str(saved), url], check=True)
    seconds = time.perf_counter() - began
    saved.unlink()
    return seconds


def _piped(curl: str, url: str, folder: Path, sha256: str) -> float:
    """Have the archive fetched, saved and hashed by programs that share nothing but pipes."""
    saved = folder / "piped.zip"
    began = time.perf_counter()
    with _fetching(curl, url, folder, saved) as pipe:
        found, _ = pipe.communicate()
        seconds = time.perf_counter() - began
    assert found.split()[0] == sha256
    return seconds


@contextmanager
def _fetching(curl: str, url: str, folder: Path, saved: Path) -> Iterator[subprocess.Popen[str]]:
    """Run curl | tee | sha256sum, and end and remove what is left of it."""
    out = subprocess.PIPE
    certificate = str(folder / "cert.pem")
    with (
        subprocess.Popen([curl, "-sS", "--cacert", certificate, url], stdout=out) as fetched,
        subprocess.Popen(["tee", str(saved)], stdin=fetched.stdout, stdout=out) as copied,
        subprocess.Popen(["sha256sum"], stdin=copied.stdout, stdout=out, text=True) as hashed,
    ):
        for pipe in (fetched.stdout, copied.stdout):  # each the next one's alone: it must end with the one before it
            if pipe is not None:
                pipe.close()
        try:
            yield hashed
        finally:
            fetched.kill()
            copied.wait()
            hashed.wait()
            saved.unlink()


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
    """Press keys in a console that is idle, while other programs download, and while it downloads itself."""
    curl = shutil.which("curl")
    rounds = [_round_of_keys(effort, curl) for _ in range(effort.rounds(_KEY_ROUNDS))]
    idle, busy = tuple(r.idle for r in rounds), tuple(r.busy for r in rounds)
    what = "cursor key while a download runs at full speed, p95"
    yield Figure(what, "ms", busy, 1.5, Kind.RATIO, "the same, idle", idle)
    if curl is not None:
        beside = tuple(r.beside for r in rounds)
        peer = "idle, but for curl | tee | sha256sum"
        yield Figure(f"{what}, beside what also hashes it", "ms", busy, None, Kind.RATIO, peer, beside)
    yield Figure("memory of a console that downloads", "MiB", tuple(r.memory for r in rounds), None)


@dataclass(frozen=True, slots=True)
class _Keys:
    """Milliseconds a cursor key takes, p95: idle, beside other programs that download, downloading; memory in MiB."""

    idle: float
    beside: float
    busy: float
    memory: float


def _round_of_keys(effort: Effort, curl: str | None) -> _Keys:
    length = _MEANWHILE_GIB * _GIB
    at = utc_now() - timedelta(days=2)
    past = [
        task._replace(kind=TaskKind.RETRIEVAL, status=Status.COMPLETED, submitted_at=at, updated_at=at, cancelled=False)
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
        console.wait_until_quiet(1.0)
        _cursor(console, keys[:4])  # the first key pays for what it is first to use
        idle = p95(_cursor(console, keys))
        beside = math.nan
        if curl is not None:
            with _fetching(curl, url, folder, folder / "piped.zip") as pipe:
                beside = p95(_cursor(console, keys))
                assert pipe.poll() is None, "the other programs ended before the keys did"
        store = place.store()
        stack.callback(store.close)
        requests.download(store, 1, str(folder), "op")
        console.until("%")
        busy = p95(_cursor(console, keys))
        assert "%" in console.screen(), "the download ended before the keys did"
        return _Keys(idle, beside, busy, resident_mib(console.pid))


def _cursor(console: TimedPty, keys: Sequence[str]) -> list[float]:
    """Return the milliseconds from each key until the cursor is shown in its place: progress is painted meanwhile."""
    return [console.answer_to(key, *CURSOR, quiet=PAUSE_S) * 1000 for key in keys]
