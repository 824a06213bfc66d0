"""Run the engine until a condition on the history holds, for commands that wait."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread
from bwp_tui.engine.runtime.lease import misses_heartbeats
from bwp_tui.settings import Profile
from bwp_tui.store.database.change_monitor import ChangeMonitor
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import WRONG_SETTINGS, ServiceHealthState

_CHECK_S: Final = 1.0
_NOT_WORTH_WAITING: Final = WRONG_SETTINGS | {ServiceHealthState.UNREACHABLE, ServiceHealthState.ENGINE_FAULT}


def run_engine_until(
    config: EngineConfig,
    done: Callable[[Store], bool],
    *,
    timeout: float | None,
    polled_first: Collection[int] = (),
    waits_out_failures: bool = False,
    report: Callable[[str], None] = lambda _sentence: None,
) -> bool:
    """Wait until `done(store)` is true while an engine works; return whether it became true.

    This process becomes the engine if none runs, or only one that can do less.

    Args:
        timeout: seconds; None waits without end.
        polled_first: tasks to poll first.
        waits_out_failures: keep waiting even if the service cannot be reached or denies access.
        report: called with what keeps this process from being the engine, or its engine from working.
    """
    profile = config.profile
    store = open_store(profile.history_path)
    changed = threading.Event()
    monitor = ChangeMonitor(store.open_another(), changed.set)
    engine = EngineThread(profile, lambda: config, is_short_lived=True, changed=changed.set)
    engine.set_polled_first(polled_first)
    deadline = None if timeout is None else time.monotonic() + timeout
    reported: str | None = None

    def report_trouble() -> None:
        nonlocal reported
        if engine.trouble is not None and engine.trouble != reported:
            reported = engine.trouble
            report(reported)

    monitor.start()
    engine.start()
    try:
        while True:
            changed.clear()
            report_trouble()
            if done(store):
                return True
            left = _CHECK_S if deadline is None else min(_CHECK_S, deadline - time.monotonic())
            if left <= 0 or (not waits_out_failures and _is_not_worth_waiting(store, engine, profile)):
                report_trouble()  # what made it hopeless may have come since
                return done(store)
            changed.wait(left)
    finally:
        engine.stop(timeout=None)
        monitor.stop()
        store.close()


def _is_not_worth_waiting(store: Store, engine: EngineThread, profile: Profile) -> bool:
    """Return whether no engine can use the service now."""
    state = engine_state.read(store)
    if engine.role in (EngineRole.BLOCKED, EngineRole.DISK_FULL):
        return state.pid is None
    if engine.role is EngineRole.FOLLOWER and misses_heartbeats(profile.lease_path):
        return False  # the other engine's state is old, and this process takes over soon
    return (
        engine.role in (EngineRole.ENGINE, EngineRole.FOLLOWER)
        and not state.leaves_work_to(os.getpid())
        and state.service in _NOT_WORTH_WAITING
    )
