"""Frozen rows: what the history says meanwhile is held back, and shown at once when they are let go."""

from __future__ import annotations

from dataclasses import replace

from bwp_tui.console.services.snapshot_feed import ListQuery, Snapshot


class FreezeBuffer:
    """Whether the rows are frozen, and what they missed."""

    def __init__(self) -> None:
        self.is_on = False
        self._held_back: Snapshot | None = None

    def toggle(self) -> Snapshot | None:
        """Freeze, or let go; return what was held back, if anything."""
        self.is_on = not self.is_on
        held_back, self._held_back = self._held_back, None
        return held_back

    def holds(self, told: Snapshot, answered: ListQuery | None) -> bool:
        """Hold a snapshot back where it says something new about the frozen rows, those that answer `answered`."""
        if not self.is_on or told.query != answered:
            return False
        seen = self._held_back.changed if self._held_back is not None else ()
        self._held_back = replace(told, changed=tuple({*seen, *told.changed}))
        return True
