"""Hold snapshots back while live updates are paused, and return them merged when they resume."""

from __future__ import annotations

from dataclasses import replace

from bwp_tui.console.services.snapshot_feed import ListQuery, Snapshot


class FreezeBuffer:
    """Holds back snapshots while live updates are paused."""

    def __init__(self) -> None:
        self.is_on = False
        self._held_back: Snapshot | None = None

    def toggle(self) -> Snapshot | None:
        """Pause or resume; return the snapshot that was held back, if any."""
        self.is_on = not self.is_on
        held_back, self._held_back = self._held_back, None
        return held_back

    def hold_back(self, snapshot: Snapshot, shown: ListQuery | None) -> bool:
        """Hold back a snapshot of the query that the rows show, `shown`; return whether it is held."""
        if not self.is_on or snapshot.query != shown:
            return False
        seen = self._held_back.changed if self._held_back is not None else ()
        self._held_back = replace(snapshot, changed=tuple({*seen, *snapshot.changed}))
        return True
