"""The engine without a screen: `bwp-tui run`."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Final

from bwp_tui.api.errors import ApiError
from bwp_tui.engine.runtime.engine_config import EngineConfig, config_loader
from bwp_tui.engine.runtime.engine_log import EngineLog, Severity, WriteLine
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread, heartbeats, max_ability, run_engine
from bwp_tui.engine.runtime.lease import Lease, Term, begin_term
from bwp_tui.settings import Profile, SettingsError
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import downloads, engine_state, intents, ready_polls
from bwp_tui.store.worklog.engine_state import Ability, EngineState

_CHECK_S: Final = 0.2
STALLED_ENGINE_S: Final = 60.0
"""Seconds without a change of the history after which another engine counts as stalled."""


class OtherEngineBusy(Exception):
    """Another process is the profile's engine and has not done what is ready; `str()` is the message."""


def serve(config: EngineConfig, *, stop: threading.Event, write_line: WriteLine, alive_interval_s: float = 0.0) -> None:
    """Run the profile's engine, or wait to take over, until `stop` is set.

    Args:
        write_line: takes a line for each change of the role, each obstacle, and each thing that the engine has done.
        alive_interval_s: seconds between two lines that say that the process is alive; 0 for none.
    """
    log = EngineLog(write_line)
    engine = EngineThread(config.profile, config_loader(config.profile, config), observe=log.log_new_events)
    engine.start()
    next_alive_at = time.monotonic() + alive_interval_s
    last: str | None = None
    reported: str | None = None
    try:
        while not stop.wait(_CHECK_S):
            if engine.opening_report not in (None, reported):
                reported = engine.opening_report
                write_line(Severity.WARNING, reported)
            trouble = engine.trouble
            sentence = trouble or _describe_role(engine, config.profile)
            if sentence is not None and sentence != last:
                last = sentence
                write_line(Severity.WARNING if trouble else Severity.INFO, sentence)
            if alive_interval_s and time.monotonic() >= next_alive_at:
                next_alive_at = time.monotonic() + alive_interval_s  # one line alone after a stop of the process
                log.log_alive(is_engine=engine.role is EngineRole.ENGINE)
    finally:
        engine.stop()


def _describe_role(engine: EngineThread, profile: Profile) -> str | None:
    other = engine.other_engine
    if engine.role is EngineRole.ENGINE:
        now = "" if other is None else f" now; {other.process} {other.limitation or 'did not respond'}"
        own = EngineState(max_ability=max_ability(profile)).limitation
        return f"This process is the engine of profile {profile.name}{now}.{f' It {own}.' if own else ''}"
    if engine.role is EngineRole.FOLLOWER and other is not None:
        limited = f" and {other.limitation}" if other.limitation else ""
        return f"{other.process.capitalize()} is the engine of profile {profile.name}{limited}; waiting to take over."
    return None


def serve_once(config: EngineConfig) -> str | None:
    """Do all that is ready as the profile's engine, or wait until another engine has done it.

    Returns how the service responded to this process, a `ServiceHealthState`; None where another engine did it.

    Raises:
        OtherEngineBusy: the other engine has not done it.
        StoreError, LeaseUnusable: the history or the lease cannot be used.
        SettingsError: no call can be made with this machine's proxy or certificates.
    """
    try:
        return asyncio.run(_until_nothing_is_ready(config))
    except ApiError as error:  # failures of single calls are handled inside
        raise SettingsError(str(error)) from None


async def _until_nothing_is_ready(config: EngineConfig) -> str | None:
    while True:
        store, lease = open_store(config.profile.history_path), Lease(config.profile.lease_path)
        try:
            term = await _wait_for_term(store, lease, config)
            if term is None:
                return None
            store.engine_term = term.number
            async with heartbeats(lease, store):
                await _work_once(store, config)
                store.check_unflagged()  # the maintenance may have found why nothing was ready
                return engine_state.read(store).service
        except EngineSuperseded:
            continue
        finally:
            store.close()
            lease.release()


async def _wait_for_term(store: Store, lease: Lease, config: EngineConfig) -> Term | None:
    """Wait for the lease and begin a term; None when another engine has done what was ready."""
    revision, deadline, ability = -1, 0.0, max_ability(config.profile)
    while (term := begin_term(store, lease, ability)) is None:
        now, times, is_any_running = store.clock(), [ready_polls.next_at(store)], False
        if max(ability, engine_state.read(store).max_ability) is Ability.ALL:  # else neither engine does the rest
            times += [intents.next_at(store), downloads.next_at(store)]
            is_any_running = bool(downloads.running(store))
        if not any(at is not None and at <= now for at in times) and not is_any_running:
            return None
        if store.revision() != revision:
            revision, deadline = store.revision(), time.monotonic() + STALLED_ENGINE_S
        elif time.monotonic() >= deadline:
            holder = engine_state.read(store).process.capitalize()
            raise OtherEngineBusy(
                f"{holder} is the engine of profile {config.profile.name}"
                " and has not done all that is ready. Check its output, or stop it, then try again."
            )
        await asyncio.sleep(_CHECK_S)
    return term


async def _work_once(store: Store, config: EngineConfig) -> None:
    from bwp_tui.engine.runtime.maintenance_thread import MaintenanceThread

    maintenance = MaintenanceThread(store, lambda _sentence: None, brief_with_backup=True)
    try:
        if not config.profile.is_sandbox:
            maintenance.start()
        await run_engine(store, config, once=True)
        await asyncio.to_thread(maintenance.finish)
    finally:
        await asyncio.to_thread(maintenance.stop)
