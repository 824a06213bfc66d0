"""Pictures are taken in the surroundings of the console's tests."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from bwp_tui.settings import Profile
from tests.console.conftest import profile, surroundings
from tests.snapshots.screenshots import Camera, Compare

__all__ = ["profile", "surroundings"]


@pytest.fixture
def camera(snap_compare: Compare, snapshot: SnapshotAssertion, profile: Profile) -> Camera:
    return Camera(snap_compare, snapshot, profile)
