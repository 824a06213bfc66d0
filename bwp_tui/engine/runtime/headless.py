"""The engine without a screen: `bwp-tui run`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final

from bwp_tui.api.errors import ApiError
from bwp_tui.engine.runtime.engine_config import EngineConfig, config_loader
from bwp_tui.engine.runtime.engine_thread import EngineThread, Role, first_of_group, keep_beating, permitted, run_engine
from bwp_tui.engine.runtime.lease import Begun, Lease, begin_term
from bwp_tui.settings import SettingsError
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, StoreError, StoreMoved
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import downloads, due_polls, engine_state, intents
from bwp_tui.store.worklog.engine_state import Ability, EngineState, ServiceState

_LOOK_S: Final = 0.2
PATIENCE_S: Final = 60.0
"""For so long another engine may record nothing at all before it is taken for one that does not do what is due."""


class EngineElsewhere(Exception):
    """Another process is the profile's engine and has not done what is due; `str()` says so."""


def serve(setup: EngineConfig, *, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Be the profile's engine, or wait to be it, until `stop` is set.

    Args:
        say: is told in a sentence whenever the role changes, and what keeps the engine from working.

    Raises:
        StoreMoved: the history's file was moved, removed or replaced.
    """
    engine = EngineThread(setup.profile, config_loader(setup.profile, setup))
    engine.start()
    said: str | None = None
    try:
        while not stop.wait(_LOOK_S):
            sentence = engine.trouble or _standing(engine, setup.profile.name)
            if sentence is not None and sentence != said:
                said = sentence
                say(sentence)
            if engine.role is Role.STOPPED:
                raise StoreMoved(engine.notice or "The history is no longer in its place.")
    finally:
        engine.stop()


def _standing(engine: EngineThread, profile: str) -> str | None:
    other = engine.other
    if engine.role is Role.ENGINE and other is None:
        return f"This process is the engine of profile {profile}."
    if engine.role is Role.ENGINE and other is not None:
        return f"This process is the engine of profile {profile} now: {_process(other)} {_lack(other)}."
    if engine.role is Role.FOLLOWER and other is not None:
        return f"Another process{_pid(other)} is the engine of profile {profile}; waiting to take over."
    return None


def _process(other: EngineState) -> str:
    return "another process" if other.pid is None else f"process {other.pid}"


def _pid(other: EngineState) -> str:
    return "" if other.pid is None else f" (pid {other.pid})"


def _lack(other: EngineState) -> str:
    """Return why an engine was superseded."""
    if other.service == ServiceState.BAD_CREDENTIALS:
        return "has no credentials that are accepted"
    if other.ability is Ability.NOTHING:
        return "cannot work"
    return "is read-only" if other.ability is Ability.POLLS else "gave no sign of life"


def serve_once(setup: EngineConfig) -> None:
    """Do all that is due, as the profile's engine, or wait until the process has done it that is the engine.

    Raises:
        EngineElsewhere: that process does not do it.
        HistoryError, LeaseUnusable: the register or the lease cannot be used.
        SettingsError: this machine's proxy or certificates make any call impossible.
    """
    try:
        asyncio.run(_until_nothing_is_due(setup))
    except ApiError as error:  # what concerns a call alone is dealt with inside
        raise SettingsError(str(error)) from None


async def _until_nothing_is_due(setup: EngineConfig) -> None:
    while True:
        store, lease = open_store(setup.profile.history_path), Lease(setup.profile.lease_path)
        try:
            begun = await _begun(store, lease, setup)
            if begun is not None:
                store.term = begun.term
                with first_of_group():
                    await _work_once(store, lease, setup)
            return
        except EngineSuperseded:
            continue
        finally:
            store.close()
            lease.release()


async def _begun(store: Store, lease: Lease, setup: EngineConfig) -> Begun | None:
    """Wait for the lease and begin a term; None when another engine has done what was due."""
    revision, deadline = -1, 0.0
    while (begun := begin_term(store, lease, permitted(setup.profile))) is None:
        if not _any_due(store):
            return None
        if store.revision() != revision:
            revision, deadline = store.revision(), time.monotonic() + PATIENCE_S
        elif time.monotonic() >= deadline:
            holder = engine_state.read(store)
            raise EngineElsewhere(
                f"Another process{_pid(holder)} is the engine of profile {setup.profile.name}"
                " and has not done all that is due. Look what it says, or stop it, and try again."
            )
        await asyncio.sleep(_LOOK_S)
    return begun


def _any_due(store: Store) -> bool:
    now = store.clock()
    due = (intents.next_at(store), due_polls.next_at(store), downloads.next_at(store))
    return any(at is not None and at <= now for at in due) or bool(downloads.running(store))


async def _work_once(store: Store, lease: Lease, setup: EngineConfig) -> None:
    from bwp_tui.engine.runtime.maintenance_thread import MaintenanceThread

    keeper = MaintenanceThread(setup.profile.history_path, store.clock, lambda _sentence: None, when_due=True)
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(keep_beating(lease, store))
            if not setup.profile.practice:
                keeper.start()
            await run_engine(store, setup, once=True)
            await asyncio.to_thread(keeper.finish)
            beating.cancel()
    finally:
        await asyncio.to_thread(keeper.stop)
        with contextlib.suppress(StoreError, EngineSuperseded):
            engine_state.announce(store, None, None)
