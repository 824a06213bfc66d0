"""Run the engine in a thread: it acquires the lease, or follows while another process holds it.

In a thread, because a terminal that nobody reads blocks Textual's event loop; requests must go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Final

from bwp_tui.api.errors import ApiError
from bwp_tui.crashlog import write_report
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.engine.runtime.engine_config import CREDENTIAL_CHECK_S, CredentialRefresh, EngineConfig, connect
from bwp_tui.engine.runtime.lease import HEARTBEAT_S, Lease, LeaseUnusable, begin_term, silence_message
from bwp_tui.engine.worker import PolledFirst
from bwp_tui.settings import Profile, SettingsError
from bwp_tui.store.database.change_monitor import ChangeMonitor
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import DiskFull, EngineSuperseded, OtherShop, StoreDamaged, StoreError, StoreMoved
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, EngineState, ServiceHealthState

LEASE_CHECK_S: Final = 1.0
"""Seconds between a follower's attempts to acquire the lease."""

RESTART_S: Final = 5.0
"""Seconds before a restart after the first fault; doubled after each further one, up to `MAX_RESTART_S`."""

MAX_RESTART_S: Final = 300.0
RECOVERED_AFTER_S: Final = 60.0
"""Seconds without a fault after which the count of faults starts again."""


class EngineRole(StrEnum):
    """The role of this process for its profile."""

    STARTING = "starting"
    ENGINE = "engine"
    FOLLOWER = "follower"
    BLOCKED = "blocked"
    HISTORY_MISSING = "history missing"
    """The history is not in its place; work goes on once the same file is back."""
    DISK_FULL = "disk full"
    """The history cannot be written; work goes on once there is space."""
    STOPPED = "stopped"


_ERROR_ROLES: Final[dict[type, EngineRole]] = {StoreMoved: EngineRole.HISTORY_MISSING, DiskFull: EngineRole.DISK_FULL}


class EngineThread:
    """Runs the profile's engine while this process holds its lease; waits while the history is not in its place.

    Args:
        profile: the profile whose history and lease are used.
        load_config: returns the configuration. It is called in a thread, since a secret command may take seconds, and
            again when the credentials are refused.
        is_short_lived: the process ends with its command: back up the history only if today's backup is missing, and
            make `stop` wait for that, and for the hooks of all that has happened.
        observe: called with a connection before this process becomes the engine, and after each change of the history.
        changed: called in the engine's thread when `role`, `trouble` or `maintenance_finding` changes.
    """

    def __init__(
        self,
        profile: Profile,
        load_config: Callable[[], EngineConfig],
        *,
        is_short_lived: bool = False,
        observe: Callable[[Store], None] = lambda _store: None,
        changed: Callable[[], None] = lambda: None,
        clock: Clock = utc_now,
    ) -> None:
        self._profile = profile
        self._load_config = load_config
        self._is_short_lived = is_short_lived
        self._observe = observe
        self._polled_first = PolledFirst()
        self._changed = changed
        self._clock = clock
        self.role = EngineRole.STARTING
        """The current role of this process."""
        self.trouble: str | None = None
        """What keeps this process from being the engine, or its engine from working, or None."""
        self.other_engine: EngineState | None = None
        """The engine that this process follows or has superseded."""
        self.maintenance_finding: str | None = None
        """What the last maintenance found wrong with the history."""
        self.opening_report: str | None = None
        self._faults = 0
        self._next_attempt_at = 0.0
        self._refresh: CredentialRefresh | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._stopping = False
        self._stop_lock = threading.Lock()
        self._thread = threading.Thread(target=self._thread_main, name="engine", daemon=True)

    def set_polled_first(self, numbers: Iterable[int]) -> None:
        """Poll these tasks first: they are on the screen. Any thread may call it."""
        self._polled_first.numbers = frozenset(numbers)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float | None = 5.0) -> bool:
        """Stop the engine and release the lease; return whether the thread ended within `timeout` seconds."""
        with self._stop_lock:
            self._stopping = True
            if self._loop is not None and self._main is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _thread_main(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._run())
        self._set_role(EngineRole.STOPPED)

    async def _run(self) -> None:
        with self._stop_lock:
            if self._stopping:
                return
            self._loop = asyncio.get_running_loop()
            self._main = asyncio.current_task()
        first_store: Store | None = None
        try:
            while True:
                lease = Lease(self._profile.lease_path)
                try:
                    if first_store is None:
                        first_store = open_store(self._profile.history_path, clock=self._clock)
                        self.opening_report = first_store.opening_report
                    await self._wait_for_lease_and_work(lease, first_store)
                except EngineSuperseded:
                    continue  # and follow
                except (StoreError, LeaseUnusable, OSError) as error:
                    # The history or the lease cannot be used now. What is ready stays ready.
                    lease.release()
                    if isinstance(error, StoreDamaged) and first_store is not None:
                        first_store.close()  # opening it anew recovers it, unless another connection is open
                        first_store = None
                    role = _ERROR_ROLES.get(type(error), EngineRole.BLOCKED)
                    self._set_role(role, str(error))
                    await asyncio.sleep(LEASE_CHECK_S if role is EngineRole.HISTORY_MISSING else RESTART_S)
                finally:
                    lease.release()
        finally:
            if first_store is not None:
                first_store.close()

    async def _wait_for_lease_and_work(self, lease: Lease, first_store: Store) -> None:
        """Wait for the lease and work while it is held; never returns.

        `first_store`, the first connection to the history, stays open, so that no other file is taken for the same.
        """
        first_store.check_not_moved()
        store = first_store.open_another()
        self.opening_report = first_store.opening_report or store.opening_report or self.opening_report
        try:
            store.require_shop(self._profile.shop, deletions_need_approval=self._profile.deletions_need_approval)
            while (term := begin_term(store, lease, await self._present_ability())) is None:
                self.other_engine = engine_state.read(store)
                self._set_role(
                    EngineRole.FOLLOWER, silence_message(self.other_engine) if lease.seconds_of_silence() else None
                )
                await asyncio.sleep(LEASE_CHECK_S)
            store.engine_term, self.other_engine = term.number, term.superseded
            self._observe(store)  # what happens once the role is known is a change
            # Set the role last: an observer must not take the last state of a dead engine for this one's.
            self._set_role(EngineRole.ENGINE)
            async with heartbeats(lease, store):
                await self._work(store)
        finally:
            store.close()

    async def _present_ability(self) -> Ability:
        """Return what this process could do as the engine, as far as it knows."""
        refused = self._refresh is not None and self._refresh.were_refused
        if refused and time.monotonic() >= self._next_attempt_at:
            self._next_attempt_at = time.monotonic() + CREDENTIAL_CHECK_S
            refused = self._refresh is not None and not await self._refresh.has_new_credentials()
            if not refused:
                self._refresh, self._next_attempt_at = None, 0.0
        if refused or time.monotonic() < self._next_attempt_at:
            return Ability.NOTHING
        return max_ability(self._profile)

    async def _work(self, store: Store) -> None:
        # Only here: the console's first frame does not need it.
        from bwp_tui.engine.runtime.maintenance_thread import MaintenanceThread

        maintenance = MaintenanceThread(store, self._set_maintenance_finding, brief_with_backup=self._is_short_lived)
        try:
            if not self._profile.is_sandbox:
                maintenance.start()
            while True:
                await self._run_until_failure(store)
        finally:
            await asyncio.to_thread(maintenance.finish if self._is_short_lived else maintenance.stop)

    async def _run_until_failure(self, store: Store) -> None:
        """Run an engine until it fails, then wait for the next attempt."""
        fault_reset = asyncio.get_running_loop().call_later(RECOVERED_AFTER_S, self._reset_faults, store)
        pause = CREDENTIAL_CHECK_S
        try:
            config = await asyncio.to_thread(self._load_config)
            self._refresh = CredentialRefresh(config, self._load_config)
            await run_engine(
                store,
                config,
                polled_first=self._polled_first,
                refresh=self._refresh,
                runs_hooks_at_end=self._is_short_lived,
                observe=self._observe,
                on_full_disk=self._show_full_disk,
            )
        except (SettingsError, ApiError) as error:
            _report(store, ServiceHealthState.UNUSABLE, str(error), pause)
        except (StoreError, OSError, EngineSuperseded):
            raise
        except Exception as error:  # noqa: BLE001  # a fault of this program must not end the only engine
            pause = self._record_fault(store, error)
        finally:
            fault_reset.cancel()
        self._next_attempt_at = time.monotonic() + pause
        await asyncio.sleep(pause)

    def _record_fault(self, store: Store, error: Exception) -> float:
        pause = min(RESTART_S * float(2**self._faults), MAX_RESTART_S)
        self._faults += pause < MAX_RESTART_S
        path = write_report(self._profile.log_dir, error)
        sentence = f"The engine failed ({type(error).__name__}) and sends nothing. It restarts by itself, "
        sentence += "each time after a longer wait."
        if path is not None:
            sentence += f" Please report it with {path}, which holds no secrets or emails."
        _report(store, ServiceHealthState.ENGINE_FAULT, sentence, pause)
        self._set_role(EngineRole.ENGINE, sentence)
        return pause

    def _reset_faults(self, store: Store) -> None:
        self._faults = 0
        self._set_role(self.role)
        with contextlib.suppress(StoreError, EngineSuperseded):
            if engine_state.read(store).service == ServiceHealthState.ENGINE_FAULT:
                engine_state.record_health(store, ServiceHealthState.UNTRIED, None, None)

    def _set_maintenance_finding(self, sentence: str | None) -> None:
        self.maintenance_finding = sentence
        self._changed()

    def _show_full_disk(self, sentence: str | None) -> None:
        self._set_role(EngineRole.ENGINE if sentence is None else EngineRole.DISK_FULL, sentence)

    def _set_role(self, role: EngineRole, trouble: str | None = None) -> None:
        if (role, trouble) != (self.role, self.trouble):
            self.trouble = trouble  # before the role: another thread that sees the role asks why
            self.role = role
            self._changed()


def max_ability(profile: Profile) -> Ability:
    return Ability.POLLS if profile.read_only else Ability.ALL


@contextlib.asynccontextmanager
async def heartbeats(lease: Lease, store: Store) -> AsyncIterator[None]:
    """Write heartbeats during the block, and record at its end that this process is no engine any more.

    Raises:
        EngineSuperseded: another process holds the lease.
        StoreMoved: the history was moved, and the lease with it.
        StoreDamaged: the history was flagged as damaged.
        OtherShop: it was bound to another shop than that of this process's settings.
    """
    with unwrap_group():
        async with asyncio.TaskGroup() as group:
            heartbeat_task = group.create_task(_write_heartbeats(lease, store))
            try:
                yield
            finally:
                with contextlib.suppress(StoreError, EngineSuperseded):
                    engine_state.record_new_term(store, None, None)
            heartbeat_task.cancel()


async def _write_heartbeats(lease: Lease, store: Store) -> None:
    while True:
        try:
            lease.write_heartbeat()
        except EngineSuperseded:
            store.check_not_moved()
            raise
        store.check_unflagged()
        store.check_shop()
        await asyncio.sleep(HEARTBEAT_S)


@contextlib.contextmanager
def unwrap_group() -> Iterator[None]:
    """Raise one exception of a group: one that ends the engine, or the first."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group.subgroup((StoreMoved, StoreDamaged, OtherShop, EngineSuperseded)) or group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def _report(store: Store, service: ServiceHealthState, sentence: str, pause: float) -> None:
    engine_state.record_health(store, service, sentence, store.clock() + timedelta(seconds=pause))


async def run_engine(
    store: Store,
    config: EngineConfig,
    *,
    once: bool = False,
    polled_first: PolledFirst | None = None,
    refresh: CredentialRefresh | None = None,
    runs_hooks_at_end: bool = False,
    observe: Callable[[Store], None] = lambda _store: None,
    on_full_disk: Callable[[str | None], None] = lambda _sentence: None,
) -> None:
    """Run an engine in this loop; the caller holds the lease.

    With `once` do all that is ready and return; otherwise work until cancelled. `refresh` finds new credentials after
    these are refused. `observe` is called with a connection of its own now, and in another thread after each change of
    the history. The other arguments are those of `Engine`. ApiError and SettingsError say that no call can be made.
    """
    from bwp_tui.engine.events.sqs_queue import SqsQueue  # a follower does not need it
    from bwp_tui.engine.runtime.engine import Engine

    loop = asyncio.get_running_loop()
    profile = config.profile
    store.require_shop(profile.shop, deletions_need_approval=profile.deletions_need_approval)
    async with contextlib.AsyncExitStack() as exit_stack:
        api = connect(config)
        exit_stack.push_async_callback(api.aclose)
        engine = Engine(
            store,
            api,
            profile,
            polled_first=polled_first,
            event_queue=None if profile.events is None else SqsQueue(profile.events),
            runs_hooks_at_end=runs_hooks_at_end,
            on_full_disk=on_full_disk,
            reconnect=None if refresh is None else functools.partial(refresh.reconnect, exit_stack),
        )
        if engine_state.read(store).service in (ServiceHealthState.BAD_CREDENTIALS, ServiceHealthState.UNUSABLE):
            engine_state.record_health(store, ServiceHealthState.UNTRIED, None, None)
        monitored = store.open_another()

        def changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(engine.wake)
            observe(monitored)

        monitor = ChangeMonitor(monitored, changed)
        observe(monitored)
        monitor.start()
        exit_stack.callback(monitor.stop)
        try:
            with unwrap_group():
                await (engine.run_once() if once else engine.run())
        finally:
            if refresh is not None:
                refresh.were_refused = engine.credentials_refused
