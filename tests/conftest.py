"""Share a practice API in wall-clock time and its profile; let no test fail for the machine's pace."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile
from tests.practice import profile_of
from tests.small_disk import mounted

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Collect as rarely as the program does: at Python's 700 new objects, a console's tests spend a quarter in it."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A practice API without tasks, listening on a port of its own."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def profile(sandbox: Sandbox, tmp_path: Path) -> Profile:
    """The profile of `sandbox`; nothing is on disk yet."""
    return profile_of(sandbox, tmp_path / "sandbox")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    with mounted(tmp_path / "disk") as disk:
        yield disk
