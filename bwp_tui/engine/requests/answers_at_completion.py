"""Record completed requests as answered, where the profile's legal clock stops at completion."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from bwp_tui.engine.worker import Worker
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import StoreError
from bwp_tui.store.worklog.answers_at_completion import answer_completed, is_any_completed


class AnswersAtCompletion(Worker):
    """A worker that records the answers of completed deletions and saved results."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = 0

    async def run_ready(self) -> None:
        """Record the answers of what has completed since the last call; the first call looks at all tasks."""
        self._seen = answer_completed(self._store, self._seen)

    def next_at(self) -> datetime | None:
        """Return the present instant while answers are to be recorded, else None."""
        return self._store.clock() if is_any_completed(self._store, self._seen) else None

    async def close(self) -> None:
        """Record the answers of what completed just now: a command that waited for it ends the engine at once."""
        with suppress(StoreError):
            await self.run_ready()
