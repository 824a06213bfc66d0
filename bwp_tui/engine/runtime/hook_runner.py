"""Run the operator's hooks when tasks complete, fail, come due or are adopted: one at a time, beside the other work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.task import HookOccasion
from bwp_tui.engine.daemon_thread import in_daemon_thread
from bwp_tui.engine.worker import Worker
from bwp_tui.settings.profile import OperatorProgram
from bwp_tui.settings.run_program import run_program
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, StoreError
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.task_json import task_json
from bwp_tui.store.worklog import hooks

DUE_CHECK: Final = timedelta(minutes=10)
"""How often tasks are looked for that have come due."""


@dataclass(slots=True, eq=False)
class HookRunner(Worker):
    """A worker that runs hooks in a thread of its own. No other worker waits for them."""

    store: Store
    programs: Mapping[HookOccasion, OperatorProgram]
    profile: str
    wake: asyncio.Event
    runs_hooks_at_end: bool = False
    """Whether `close` runs the hooks of what happened just before, and waits for their ends; else it ends a hook."""
    _waiting: defaultdict[HookOccasion, dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    _last_event_id: int | None = None
    _due_check_at: datetime | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _run: asyncio.Task[None] | None = None

    async def run_ready(self) -> None:
        """Look for occasions, and run the hook of the first ones unless one is running."""
        self._find()
        if self.is_busy:
            return
        for occasion, waiting in self._waiting.items():
            batch = list(waiting)[: hooks.BATCH]
            claimed = hooks.claim(self.store, occasion, batch) if batch else []
            for number in batch:
                del waiting[number]
            if claimed:
                self._run = asyncio.create_task(self._run_hook(occasion, claimed))
                return

    def _find(self) -> None:
        store, now = self.store, self.store.clock()
        if self._last_event_id is None:
            self._last_event_id = hooks.first_event_id(store)
        found, self._last_event_id = hooks.new_occasions(store, self._last_event_id, self.programs)
        if self._due_check_at is None or now >= self._due_check_at:
            self._due_check_at = now + DUE_CHECK
            found |= hooks.due_occasions(store, self.programs)
        for occasion, numbers in found.items():
            self._waiting[occasion].update(dict.fromkeys(numbers))

    async def _run_hook(self, occasion: HookOccasion, numbers: list[int]) -> None:
        store, program = self.store, self.programs[occasion]
        try:
            with contextlib.suppress(StoreError, EngineSuperseded):  # what is claimed is not run again
                json_objects = [task_json(task) for task in tasks.by_numbers(store, numbers)]
                text = json.dumps({"occasion": occasion, "profile": self.profile, "tasks": json_objects})
                run = await in_daemon_thread(lambda: run_program(program, text, self._stop), "hook")
                hooks.record_end(store, occasion, numbers, run.outcome)
        finally:
            self._run = None
            self.wake.set()

    def next_at(self) -> datetime | None:
        """Return when occasions are looked for next; None while a hook is running, whose end wakes this worker."""
        if self.is_busy:
            return None
        has_more = any(self._waiting.values()) or timeline.newest_event_id(self.store) != self._last_event_id
        return self.store.clock() if has_more else self._due_check_at

    @property
    def is_busy(self) -> bool:
        """Whether a hook is running."""
        return self._run is not None

    async def close(self) -> None:
        """End a running hook; with `runs_hooks_at_end` run all that are to be run first. Record their ends."""
        if self.runs_hooks_at_end:
            with contextlib.suppress(StoreError, EngineSuperseded):  # another engine runs them
                await self._run_all()
        self._stop.set()
        if self._run is not None:
            await self._run

    async def _run_all(self) -> None:
        while True:
            if self._run is not None:
                await self._run
            await self.run_ready()
            if not self.is_busy:
                return
