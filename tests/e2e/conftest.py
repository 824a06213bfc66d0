from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import variables
from tests.e2e.operator import Clock, Operator

_INHERITED = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE")


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator without credentials."""
    home = tmp_path / "home"
    home.mkdir()
    data = tmp_path / "data"
    env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    env |= {"HOME": str(home), "LANG": "C.UTF-8", "LOGNAME": "op", "TZ": "UTC", "BWP_DATA_DIR": str(data)}
    return Operator(data, env)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def practice(clock: Clock) -> Iterator[Sandbox]:
    """A practice API whose books the test can read."""
    with Sandbox(clock=clock) as running:
        yield running


@pytest.fixture
def shop(operator: Operator, practice: Sandbox) -> Operator:
    """An operator with the credentials of `practice`."""
    operator.env |= variables(practice)
    return operator
