from __future__ import annotations

from tests.engine.conftest import served

__all__ = ["served"]
