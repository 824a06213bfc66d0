"""Pictures are taken in the surroundings of the console's tests."""

from __future__ import annotations

import pytest

from bwp_tui.settings import Profile
from tests.console.conftest import profile, surroundings
from tests.snapshots.camera import Camera, Compare

__all__ = ["profile", "surroundings"]


@pytest.fixture
def camera(snap_compare: Compare, profile: Profile) -> Camera:  # pytest's way of asking for a fixture
    return Camera(snap_compare, profile)
