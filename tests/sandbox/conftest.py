from __future__ import annotations

from collections.abc import Iterator

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import START, Client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, slow_s=0.05) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return Client(sandbox)
