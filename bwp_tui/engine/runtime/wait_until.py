"""Having the engine work until something is so: what a command of the command line waits on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_thread import EngineThread, Role
from bwp_tui.store.database.change_watcher import ChangeWatcher
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceState

_LOOK_S: Final = 1.0
_HOPELESS: Final = frozenset(
    {
        ServiceState.UNREACHABLE,
        ServiceState.DENIED,
        ServiceState.BAD_CREDENTIALS,
        ServiceState.UNUSABLE,
        ServiceState.ENGINE_FAULT,
    }
)


def wait_until(
    setup: EngineConfig,
    done: Callable[[Store], bool],
    *,
    timeout: float | None,
    about: Collection[int] = (),
    patient: bool = False,
    say: Callable[[str], None] = lambda _sentence: None,
) -> bool:
    """Have the profile's engine work until `done(history)`; say whether it came so.

    Where no process is the engine, or one that cannot do all of the work, this one is it for as long as it waits.

    Args:
        timeout: seconds to wait at most; None is without end.
        about: tasks that are polled first.
        patient: wait on although the service cannot be reached or denies access.
        say: is told what keeps this process from being the engine, or its engine from working.
    """
    profile = setup.profile
    store = open_store(profile.history_path)
    changed = threading.Event()
    watch = ChangeWatcher(store.another(), changed.set)
    engine = EngineThread(profile, lambda: setup, brief=True, changed=changed.set)
    engine.set_visible_tasks(about)
    deadline = None if timeout is None else time.monotonic() + timeout
    said: str | None = None
    watch.start()
    engine.start()
    try:
        while True:
            changed.clear()
            if engine.trouble is not None and engine.trouble != said:
                said = engine.trouble
                say(said)
            if done(store):
                return True
            left = _LOOK_S if deadline is None else min(_LOOK_S, deadline - time.monotonic())
            if left <= 0 or (not patient and _is_hopeless(store, engine)):
                return done(store)
            changed.wait(left)
    finally:
        engine.stop(timeout=None)
        watch.stop()
        store.close()


def _is_hopeless(store: Store, engine: EngineThread) -> bool:
    """Say whether no engine is going to use the service now, as far as this one has found."""
    state = engine_state.read(store)
    if engine.role is Role.BLOCKED:
        return state.pid is None
    return engine.role in (Role.ENGINE, Role.FOLLOWER) and state.applies_to(os.getpid()) and state.service in _HOPELESS
