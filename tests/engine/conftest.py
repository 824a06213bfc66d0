"""A practice shop for each test on a clock that the test moves, and a history in wall-clock time for threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.links import PresignedLink
from bwp_tui.engine.downloads import resume_loop
from bwp_tui.engine.runtime import engine_thread
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from tests.api.server import ScriptedServer, token
from tests.engine.shop import NOON, Shop
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.practice import profile_of

RATE = 20_000
"""Bytes a second of the slow shop, until a test sets `sandbox.rate` to None."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def short_lease_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the engines of this process look after the lease more often, and start again sooner after a fault."""
    monkeypatch.setattr(engine_thread, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(engine_thread, "LEASE_CHECK_S", 0.1)
    monkeypatch.setattr(engine_thread, "RESTART_S", 0.1)


@pytest.fixture
def no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a transfer tried again at once."""
    monkeypatch.setattr(resume_loop, "retry_delay", lambda *_args: 0.0)


@pytest.fixture
def shop(clock: ManualClock, tmp_path: Path) -> Iterator[Shop]:
    with Sandbox(clock=clock) as sandbox:
        profile = profile_of(sandbox, tmp_path / "sandbox")
        store = new_history(profile.history_path, clock=clock)
        yield Shop(sandbox, clock, profile, store)
        store.close()


@pytest.fixture
def store(clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
    store = new_history(tmp_path / "history.db", clock=clock)
    yield store
    store.close()


@pytest.fixture
def live_history(profile: Profile) -> Iterator[Store]:
    store = new_history(profile.history_path)
    yield store
    store.close()


@pytest.fixture
def slow(shop: Shop) -> Iterator[Shop]:
    """A shop whose archives take half a minute each: on a busy machine, too, there is time to steer them."""
    with Sandbox(clock=shop.clock, rate=RATE) as sandbox:
        shop.sandbox, shop.profile = sandbox, profile_of(sandbox, shop.profile.folder)
        yield shop


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    server.script("/token", token())
    yield server
    server.close()


@pytest.fixture
def archive_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server that every link leads to."""
    server = ScriptedServer()

    async def link(_api: PrivacyApi, _task_id: str) -> PresignedLink:
        return PresignedLink.checked(f"{server.url}/archive", issued_at=1e12, loopback_allowed=True)

    monkeypatch.setattr(PrivacyApi, "link", link)
    yield server
    server.close()
