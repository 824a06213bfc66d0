"""A history of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from tests.store.support import FrozenClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "history.db"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(path: Path, clock: FrozenClock) -> Iterator[Store]:
    opened = open_store(path, clock=clock)
    yield opened
    opened.close()
