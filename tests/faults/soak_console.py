"""The console on a practice profile whose days pass faster, which writes how many objects it holds on SIGUSR1.

Run as a module in a terminal, with the arguments of `engine_arguments` as JSON in `BWP_SOAK`.
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
from bwp_tui.settings import LiteralSecret
from tests.faults.operator_process import practice_profile


def main() -> int:
    """Open the console and return its exit code."""
    arguments = json.loads(os.environ["BWP_SOAK"])
    profile = replace(
        practice_profile(arguments["folder"], arguments["api_url"], arguments["token_url"]),
        client_id=arguments["client_id"],
        target_id=arguments["target_id"],
        secret=LiteralSecret(arguments["secret"]),
        speed=arguments["speed"],
    )
    counted = Path(arguments["objects"])

    def write_count(_number: int, _frame: FrameType | None) -> None:
        gc.collect()
        fresh = counted.with_suffix(".fresh")
        fresh.write_text(str(len(gc.get_objects())))
        fresh.rename(counted)

    signal.signal(signal.SIGUSR1, write_count)
    return run_console(profile, theme=None)


if __name__ == "__main__":
    sys.exit(main())
