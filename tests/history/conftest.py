"""A register of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.store.database.connection import History
from tests.history.support import FrozenClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "history.db"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def history(path: Path, clock: FrozenClock) -> Iterator[History]:
    opened = History(path, clock=clock)
    yield opened
    opened.close()
