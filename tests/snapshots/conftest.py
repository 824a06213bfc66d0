"""Pictures are taken in the surroundings of the console's tests."""

from __future__ import annotations

from tests.console.conftest import profile, surroundings

__all__ = ["profile", "surroundings"]
