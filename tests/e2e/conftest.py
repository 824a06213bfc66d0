from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.cli.conftest import variables
from tests.e2e.operator import Clock, Operator
from tests.program_server import inherited_variables


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator without credentials."""
    home = tmp_path / "home"
    home.mkdir()
    data = tmp_path / "data"
    env = {**inherited_variables(), "HOME": str(home), "LOGNAME": "op", "TZ": "UTC", "BWP_DATA_DIR": str(data)}
    return Operator(data, env)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def practice(clock: Clock) -> Iterator[Sandbox]:
    """A practice API whose state the test can read."""
    with Sandbox(clock=clock) as running:
        yield running


@pytest.fixture
def shop(operator: Operator, practice: Sandbox) -> Operator:
    """An operator with the credentials of `practice`."""
    operator.env |= variables(practice)
    return operator
