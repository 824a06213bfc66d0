"""The engine: three desks that take work from the history, woken whenever it changes or something comes due."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime
from typing import Final

from bwp_tui.api.client import PrivacyApi
from bwp_tui.engine.desk import UNUSABLE_HISTORY_S, Bench, Desk
from bwp_tui.engine.downloading import DownloadingDesk
from bwp_tui.engine.gate import Gate
from bwp_tui.engine.pace import Pace
from bwp_tui.engine.polling import PollingDesk
from bwp_tui.engine.submitting import SubmittingDesk
from bwp_tui.history import downloads
from bwp_tui.history.connection import History
from bwp_tui.history.errors import HistoryError

LONGEST_SLEEP_S: Final = 30.0
"""A look at the history after this long at the latest: clocks can jump."""

_BUSY_LOOK_S: Final = 0.05


class Engine:
    """Works for one profile, in one event loop, while its process holds the lease.

    Args:
        focus: limits the work to these tasks; None is all of them.
        read_only: nothing is sent that changes anything: tasks are polled, no more.
    """

    def __init__(
        self,
        history: History,
        api: PrivacyApi,
        *,
        speed: float = 1.0,
        focus: frozenset[int] | None = None,
        read_only: bool = False,
    ) -> None:
        chance = random.Random()  # noqa: S311  # jitter, not secrecy
        self._history = history
        bench = Bench(history, api, Gate(history, chance), Pace(speed, chance), chance, focus)
        self._desks: list[Desk] = [PollingDesk(bench)]
        if not read_only:
            self._desks += [SubmittingDesk(bench), DownloadingDesk(bench)]
        self._wakes = [asyncio.Event() for _ in self._desks]

    def wake(self) -> None:
        """Have every desk look at the history now. To be called in the engine's loop."""
        for wake in self._wakes:
            wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        downloads.requeue_interrupted(self._history)
        try:
            async with asyncio.TaskGroup() as group:
                for desk, wake in zip(self._desks, self._wakes, strict=True):
                    group.create_task(self._keep(desk, wake))
        finally:
            for desk in self._desks:
                await desk.close()

    async def run_once(self) -> None:
        """Do all that is due and return when nothing is due any more."""
        downloads.requeue_interrupted(self._history)
        try:
            while True:
                for desk in self._desks:
                    await desk.work()
                if not self._due() and not any(desk.busy for desk in self._desks):
                    return
                await asyncio.sleep(_BUSY_LOOK_S)
        finally:
            for desk in self._desks:
                await desk.close()

    def _due(self) -> bool:
        now = self._history.clock()
        return any(at is not None and at <= now for at in (desk.next_at() for desk in self._desks))

    async def _keep(self, desk: Desk, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                await desk.work()
                next_at = desk.next_at()
            except HistoryError:
                # A full disk or a lock: what could not be written is still due, and the console says why.
                await asyncio.sleep(UNUSABLE_HISTORY_S)
                continue
            try:
                await asyncio.wait_for(wake.wait(), self._seconds_until(next_at))
            except TimeoutError:
                continue

    def _seconds_until(self, at: datetime | None) -> float:
        if at is None:
            return LONGEST_SLEEP_S
        return min(max(0.0, (at - self._history.clock()).total_seconds()), LONGEST_SLEEP_S)
