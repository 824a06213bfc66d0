"""Draw the progress of long work on one line of stderr."""

from __future__ import annotations

from bwp_tui.cli.support.streams import draw


class ProgressLine:
    """Draws the progress of `total` items, in steps of one percent."""

    def __init__(self, action: str, total: int) -> None:
        self._action = action
        self._total = total
        self._step = max(1, total // 100)

    def __call__(self, done: int) -> None:
        """Draw the number of items done; wipe the line after the last one."""
        if done >= self._total:
            draw("")
        elif done % self._step == 0:
            draw(f"{self._action} {done} of {self._total}")
