"""Having the engine work until something is so: what a command of the command line waits on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from bwp_tui.engine.setup import EngineSetup
from bwp_tui.engine.thread import EngineThread, Role
from bwp_tui.history import engine_state
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import Service
from bwp_tui.history.watch import Watch

_LOOK_S: Final = 1.0
_HOPELESS: Final = frozenset({Service.UNREACHABLE, Service.DENIED, Service.BAD_CREDENTIALS})


def until(
    setup: EngineSetup,
    done: Callable[[History], bool],
    *,
    focus: Collection[int],
    timeout: float | None,
    patient: bool = False,
) -> bool:
    """Have the profile's engine work until `done(history)`; say whether it came so.

    Where no process is the engine, this one becomes it for the moment, for the tasks of `focus` alone.

    Args:
        timeout: seconds to wait at most; None is without end.
        patient: wait on although the service cannot be reached or denies access.
    """
    profile = setup.profile
    history = History(profile.history_path)
    changed = threading.Event()
    watch = Watch(history.another(), changed.set)
    engine = EngineThread(profile, lambda: setup, focus=frozenset(focus), changed=changed.set)
    deadline = None if timeout is None else time.monotonic() + timeout
    watch.start()
    engine.start()
    try:
        while True:
            changed.clear()
            if done(history):
                return True
            left = _LOOK_S if deadline is None else min(_LOOK_S, deadline - time.monotonic())
            if left <= 0 or (not patient and _hopeless(history, engine)):
                return done(history)
            changed.wait(left)
    finally:
        engine.stop()
        watch.stop()
        history.close()


def _hopeless(history: History, engine: EngineThread) -> bool:
    """Say whether the engine at work has found that it cannot use the service now."""
    working = engine.role in (Role.ENGINE, Role.FOLLOWER)
    state = engine_state.read(history)
    return working and state.pid is not None and state.service in _HOPELESS
