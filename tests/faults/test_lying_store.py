"""The small form of results fetched from a store that lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.lying_store import run


@pytest.mark.timeout(400)
async def test_every_result_is_had_from_a_store_that_lies(tmp_path: Path) -> None:
    outcome = await run(tmp_path, results=6, seed=3)
    print(outcome)
    assert outcome.wrong == []
    assert sum(outcome.used.values()) > 3
