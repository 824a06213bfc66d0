"""A shop to test the engine with: a practice API, a profile for it, its history, and a clock that stands still."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.api.client import PrivacyApi
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Kind, Request, Task
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.sandbox.archives import Archives
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import tasks
from tests.manual_clock import ManualClock

ACTOR: Final = "op (from 10.0.0.7)"
NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROCESSED: Final = timedelta(seconds=9)
"""Longer than the practice API takes for any task that is not about `slow@…`."""


def config_of(profile: Profile, secret: str | None = None) -> EngineConfig:
    """Return the profile's setup, with another secret where one is given."""
    assert profile.client_id is not None
    assert profile.target_id is not None
    assert profile.secret is not None
    return EngineConfig(
        profile, profile.client_id, profile.target_id, profile.secret.read() if secret is None else secret
    )


def request(email: str, kind: Kind = Kind.RETRIEVAL, holding_period: int | None = None) -> Request:
    """Return what an operator asks for."""
    return Request(kind, email, date(2026, 11, 20), "gdpr", holding_period=holding_period)


def submit(store: Store, email: str, kind: Kind = Kind.RETRIEVAL, holding_period: int | None = None) -> int:
    """Record a request; return its task number."""
    return requests.submit(store, request(email, kind, holding_period), ACTOR).number


@dataclass
class Shop:
    """All that an engine test needs. The sandbox and the history go by the same clock."""

    sandbox: Sandbox
    clock: ManualClock
    profile: Profile
    store: Store
    secret: str | None = None

    def task(self, number: int) -> Task:
        """Return a task as the history has it."""
        return tasks.get(self.store, number)

    def download_of(self, number: int) -> Download:
        """Return the newest download of a task."""
        download = self.task(number).download
        assert download is not None
        return download

    def submit(self, email: str, kind: Kind = Kind.RETRIEVAL, holding_period: int | None = None) -> int:
        """Record a request; return its task number."""
        return submit(self.store, email, kind, holding_period)

    def track(self, email: str, kind: Kind = Kind.RETRIEVAL, holding_period: int | None = None) -> int:
        """Start a task behind the program's back and have it adopt the task; return its task number."""
        task_id = self.sandbox.state.start(kind, email, holding_period=holding_period)
        return self.track_id(task_id, kind)

    def track_id(self, task_id: str, kind: Kind = Kind.RETRIEVAL) -> int:
        """Have the program adopt a task id; return its task number."""
        return requests.track(self.store, kind, task_id, request("", kind), ACTOR).number

    def request_download(self, number: int) -> Path:
        """Record that a result is to be downloaded; return the folder."""
        requests.download(self.store, number, str(self.profile.download_dir), ACTOR)
        return self.profile.download_dir

    async def completed(self, email: str) -> int:
        """Return the number of a retrieval that the history knows to be COMPLETED."""
        number = self.track(email)
        self.clock.advance(PROCESSED)
        await self.work()
        assert self.task(number).status == "COMPLETED"
        return number

    def expected_archive(self, number: int, edition: int = 0) -> tuple[int, str]:
        """Return size and SHA-256 of the archive that the practice API holds for a task: made anew, not fetched."""
        task = self.task(number)
        assert task.task_id is not None
        with tempfile.TemporaryDirectory() as folder:
            archive = Archives(Path(folder), 1).archive(task.task_id, task.email, edition)
            return archive.size, hashlib.sha256(archive.path.read_bytes()).hexdigest()

    @asynccontextmanager
    async def api(self) -> AsyncIterator[PrivacyApi]:
        """Open a client of the practice API."""
        client = connect(config_of(self.profile, self.secret))
        try:
            yield client
        finally:
            await client.aclose()

    @asynccontextmanager
    async def engine(self, *, runs_hooks_at_end: bool = False) -> AsyncIterator[Engine]:
        """Make an engine whose `run` and `run_once` are the test's to call."""
        async with self.api() as api:
            yield Engine(self.store, api, self.profile, runs_hooks_at_end=runs_hooks_at_end)

    async def work(self) -> None:
        """Have a new engine do all that is ready now."""
        async with self.engine() as engine:
            await engine.run_once()

    def with_profile(self, profile: Profile) -> Shop:
        """Return the same shop with another profile."""
        return replace(self, profile=profile)


def bytes_below(folder: Path) -> bytes:
    """Return the content of every file in `folder`, names included."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".zip")
    return b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in files)


def names_in(folder: Path) -> list[str]:
    """Return the names of what lies in `folder`."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
