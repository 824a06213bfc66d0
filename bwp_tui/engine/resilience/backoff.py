"""Compute waits between retries after a failure."""

from __future__ import annotations

import random
from typing import Final

RETRY_BASE_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
_MAX_DOUBLINGS: Final = 16


def retry_delay(failures: int, rng: random.Random, *, base: float = RETRY_BASE_S, cap: float = RETRY_CAP_S) -> float:
    """Return the seconds to wait after `failures` failures in a row: capped exponential backoff with full jitter.

    The wait is at least half of `base`, so that a run of small draws floods nobody.
    """
    bound = min(cap, base * 2.0 ** min(failures - 1, _MAX_DOUBLINGS))
    return max(base / 2, rng.uniform(0, bound))
