"""Share a practice API in wall-clock time and its profile; let no test fail for the machine's pace."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from bwp_tui.sandbox import http_connection
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import Profile
from tests.practice import profile_of
from tests.small_disk import mounted

# Without it, each of pytest's processes compiles all tests anew where PYTHONDONTWRITEBYTECODE is set.
sys.dont_write_bytecode = False

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_MEMORY: Final = Path("/dev/shm")
_SPACE: Final = 2_000_000_000
"""Bytes that all tests have below `tmp_path` at a time, and some more."""


def pytest_configure() -> None:
    """Have `tmp_path` in memory where there is space: histories wait tens of thousands of times for a disk."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _SPACE:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


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
def served_lengths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the pieces of archives that practice APIs of this process have sent."""
    lengths: list[int] = []
    real = http_connection._chunks

    def counted(body: bytes | http_connection.FileSlice, length: int, step: int) -> Iterator[bytes]:
        for chunk in real(body, length, step):
            if isinstance(body, http_connection.FileSlice):
                lengths.append(len(chunk))
            yield chunk

    monkeypatch.setattr(http_connection, "_chunks", counted)
    return lengths


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    with mounted(tmp_path / "disk") as disk:
        yield disk
