"""Draw the progress of long work on one line of stderr."""

from __future__ import annotations

import os
import sys

from bwp_tui.cli.support.streams import draw


class Steps:
    """Draws the progress of `total` items, in steps of one percent, if stderr is a terminal."""

    def __init__(self, action: str, total: int) -> None:
        self._action = action
        self._total = total
        self._step = max(1, total // 100)
        self._shown = total > self._step and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def __call__(self, done: int) -> None:
        """Draw the number of items done; wipe the line after the last one."""
        if not self._shown or (done % self._step and done < self._total):
            return
        draw(f"{self._action} {done} of {self._total}" if done < self._total else "")
