from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.soak import Soak, growth, table

SPEED = 60.0
SECONDS = 15.0

MOST_OBJECTS = 4_000
"""Of some 115,000: what Python's and the screen's own bounded caches take while they still fill."""


@pytest.mark.timeout(400)
def test_a_console_left_to_work_holds_no_more_at_the_end_than_when_it_was_warm(tmp_path: Path) -> None:
    soak = Soak(tmp_path, speed=SPEED)
    samples = soak.run(SECONDS * SPEED / 3600)
    print(table(samples))
    grown = growth(samples)
    filed, saved = soak.work
    assert filed >= SECONDS / 2
    assert saved >= SECONDS / 2
    assert grown.threads <= 3, grown
    assert grown.descriptors <= 4, grown
    assert grown.objects <= MOST_OBJECTS, grown
