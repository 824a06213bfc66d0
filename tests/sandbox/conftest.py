from __future__ import annotations

from collections.abc import Iterator

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.sandbox.client import Client, SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def sandbox(clock: SteppedClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, slow=0.05) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return Client(sandbox)
