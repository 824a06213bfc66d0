"""How far a long piece of work is: one line on a terminal's stderr."""

from __future__ import annotations

import os
import sys

from bwp_tui.cli.support.streams import draw


class Steps:
    """Tells of every hundredth part of `total` things, where someone is there to see it."""

    def __init__(self, doing: str, total: int) -> None:
        self._doing = doing
        self._total = total
        self._step = max(1, total // 100)
        self._shown = total > self._step and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def __call__(self, done: int) -> None:
        """Draw that so many are done; wipe the line with the last one."""
        if not self._shown or (done % self._step and done < self._total):
            return
        draw(f"{self._doing} {done} of {self._total}" if done < self._total else "")
