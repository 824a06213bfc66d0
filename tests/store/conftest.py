"""A history of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.store.database.connection import Store
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store.support import NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "history.db"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = new_history(path, clock=clock)
    yield opened
    opened.close()
