"""The engine without a screen: `bwp-tui run`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Final

from bwp_tui.api.errors import ApiError
from bwp_tui.engine.lease import Lease
from bwp_tui.engine.setup import EngineSetup, preparing
from bwp_tui.engine.thread import EngineThread, Role, run_engine
from bwp_tui.history import engine_state
from bwp_tui.history.connection import History
from bwp_tui.history.errors import HistoryError, HistoryMoved
from bwp_tui.settings import SettingsError

_LOOK_S: Final = 0.2


class EngineElsewhere(Exception):
    """Another process is the profile's engine; it does the work."""


def serve(setup: EngineSetup, *, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Be the profile's engine, or wait to be it, until `stop` is set.

    Args:
        say: is told in a sentence whenever the role changes.

    Raises:
        HistoryMoved: the history's file was moved, removed or replaced.
    """
    engine = EngineThread(setup.profile, preparing(setup.profile, setup))
    engine.start()
    said: Role | None = None
    sentences = {
        Role.ENGINE: f"This process is the engine of profile {setup.profile.name}.",
        Role.FOLLOWER: f"Another process is the engine of profile {setup.profile.name}; waiting to take over.",
    }
    try:
        while not stop.wait(_LOOK_S):
            if engine.role is not said and engine.role in sentences:
                said = engine.role
                say(sentences[said])
            if engine.role is Role.STOPPED:
                raise HistoryMoved(engine.notice or "The history is no longer in its place.")
    finally:
        engine.stop()


def serve_once(setup: EngineSetup) -> None:
    """Do all that is due, as the profile's engine, and return.

    Raises:
        EngineElsewhere: another process is the engine.
        HistoryError: the register cannot be used.
        SettingsError: this machine's proxy or certificates make any call impossible.
    """
    lease = Lease(setup.profile.lease_path)
    if not lease.take():
        raise EngineElsewhere(
            f"Another process is the engine of profile {setup.profile.name} and does what is due; nothing to do here."
        )
    try:
        history = History(setup.profile.history_path)
        try:
            asyncio.run(run_engine(history, setup, None, once=True))
        except ApiError as error:  # what concerns a call alone is dealt with inside
            raise SettingsError(str(error)) from None
        finally:
            with contextlib.suppress(HistoryError):
                engine_state.announce(history, None, None)
            history.close()
    finally:
        lease.release()
