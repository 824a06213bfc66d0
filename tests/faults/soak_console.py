"""The console on a practice profile whose days pass faster, telling how many objects it holds when asked by SIGUSR1.

Run as a module in a terminal, with the way to the practice API as JSON in `BWP_SOAK`.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

from bwp_tui.console.run import run_console
from bwp_tui.settings import GivenSecret
from tests.faults.operator_life import profile_in


def main() -> int:
    """Open the console and return its exit code."""
    way = json.loads(os.environ["BWP_SOAK"])
    profile = replace(
        profile_in(way["folder"], way["api_url"], way["token_url"]),
        client_id=way["client_id"],
        target_id=way["target_id"],
        secret=GivenSecret(way["secret"]),
        speed=way["speed"],
    )
    told = Path(way["objects"])

    def tell(_number: int, _frame: FrameType | None) -> None:
        gc.collect()
        fresh = told.with_suffix(".fresh")
        fresh.write_text(str(len(gc.get_objects())))
        fresh.rename(told)

    signal.signal(signal.SIGUSR1, tell)
    return run_console(profile, theme=None)


if __name__ == "__main__":
    sys.exit(main())
