"""The engine in a thread of its own: it takes the lease when it can, follows while another holds it.

A thread, because a terminal that nobody reads blocks Textual's event loop after some seconds; requests go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Final

from bwp_tui.api.errors import ApiError
from bwp_tui.crashlog import record
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.engine.runtime.credential_refresh import CREDENTIAL_CHECK_S, CredentialRefresh
from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.engine.runtime.lease import BEAT_S, SILENT_S, Lease, LeaseUnusable, begin_term
from bwp_tui.engine.worker import VisibleTasks
from bwp_tui.settings import Profile, SettingsError
from bwp_tui.store.database.change_watcher import ChangeWatcher
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import EngineSuperseded, StoreError, StoreMoved
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, EngineState, ServiceState

LEASE_CHECK_S: Final = 1.0
"""How often a follower tries for the lease, and so how soon after the engine's end another takes over."""

RESTART_S: Final = 5.0
"""How long an engine rests after its first fault; twice as long after each that follows, to `LONGEST_REST_S`."""

LONGEST_REST_S: Final = 300.0
CALM_S: Final = 60.0
"""An engine that has worked for so long since its last fault is well again."""


class Role(StrEnum):
    """What this process is to its profile."""

    STARTING = "starting"
    ENGINE = "engine"
    FOLLOWER = "follower"
    BLOCKED = "blocked"
    STOPPED = "stopped"


class EngineThread:
    """Runs the profile's engine while this process holds its lease; stops when the history is moved or replaced.

    Args:
        profile: whose history and lease are used.
        prepare: returns the setup; called in threads, since reading a secret may take seconds. It is called again
            when the credentials are refused, and is to read them anew.
        brief: the process ends with its command: it looks after the history only where today's copy is missing, and
            `stop` waits for that.
        changed: called, in the engine's thread, whenever `role`, `trouble` or `notice` changes.
    """

    def __init__(
        self,
        profile: Profile,
        prepare: Callable[[], EngineConfig],
        *,
        brief: bool = False,
        changed: Callable[[], None] = lambda: None,
        clock: Clock = utc_now,
    ) -> None:
        self._profile = profile
        self._prepare = prepare
        self._brief = brief
        self._sight = VisibleTasks()
        self._changed = changed
        self._clock = clock
        self._role = Role.STARTING
        self._trouble: str | None = None
        self._notice: str | None = None
        self._other: EngineState | None = None
        self._faults = 0
        self._unable_until = 0.0
        self._reconnecting: CredentialRefresh | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._stopping = False
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._thread_main, name="engine", daemon=True)

    @property
    def role(self) -> Role:
        """What this process is now."""
        return self._role

    @property
    def trouble(self) -> str | None:
        """What keeps this process from being the engine, or its engine from working; None for nothing."""
        return self._trouble

    @property
    def other(self) -> EngineState | None:
        """The engine that this process follows, or that it has superseded."""
        return self._other

    @property
    def notice(self) -> str | None:
        """What is wrong with the history: a backup that failed, damage that was found, a file that was moved."""
        return self._notice

    def set_visible_tasks(self, numbers: Iterable[int]) -> None:
        """Have these tasks asked about before others: somebody sees them. May be called from any thread."""
        self._sight.numbers = frozenset(numbers)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float | None = 5.0) -> bool:
        """Stop what is under way, free the lease, and wait up to `timeout` seconds; say whether it ended."""
        with self._guard:
            self._stopping = True
            if self._loop is not None and self._main is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _thread_main(self) -> None:
        try:
            asyncio.run(self._run())
        except asyncio.CancelledError:
            pass
        except StoreMoved as error:
            self._notice = str(error)
        self._become(Role.STOPPED)

    async def _run(self) -> None:
        with self._guard:
            if self._stopping:
                return
            self._loop = asyncio.get_running_loop()
            self._main = asyncio.current_task()
        while True:
            lease = Lease(self._profile.lease_path)
            try:
                await self._hold(lease)
            except EngineSuperseded:
                continue  # and follow
            except StoreMoved:
                raise
            except (StoreError, LeaseUnusable, OSError) as error:
                # The register or the lease cannot be used now. What is due stays due.
                lease.release()
                self._become(Role.BLOCKED, str(error))
                await asyncio.sleep(RESTART_S)
            finally:
                lease.release()

    async def _hold(self, lease: Lease) -> None:
        """Wait for the lease and work while it is held; never return.

        Raises:
            StoreMoved: the history's file was moved, removed or replaced.
        """
        store = open_store(self._profile.history_path, clock=self._clock)
        try:
            store.work_for(self._profile.shop)
            while (begun := begin_term(store, lease, await self._ability())) is None:
                self._other = engine_state.read(store)
                self._become(Role.FOLLOWER, _silence(self._other) if lease.silent_for() else None)
                await asyncio.sleep(LEASE_CHECK_S)
            store.term, self._other = begun
            # Only then the role: whoever sees it must not take what a dead engine said last for this one's words.
            self._become(Role.ENGINE)
            with first_of_group():
                async with asyncio.TaskGroup() as group:
                    group.create_task(keep_beating(lease, store))
                    await self._work(store)
        finally:
            store.close()

    async def _ability(self) -> Ability:
        """Return how much this process could do as the engine, as far as it has found out."""
        refused = self._reconnecting is not None and self._reconnecting.refused
        if refused and time.monotonic() >= self._unable_until:
            self._unable_until = time.monotonic() + CREDENTIAL_CHECK_S
            refused = self._reconnecting is not None and not await self._reconnecting.has_others()
            if not refused:
                self._reconnecting, self._unable_until = None, 0.0
        if refused or time.monotonic() < self._unable_until:
            return Ability.NOTHING
        return permitted(self._profile)

    async def _work(self, store: Store) -> None:
        from bwp_tui.engine.runtime.maintenance_thread import (
            MaintenanceThread,  # the console's first frame does without
        )

        keeper = MaintenanceThread(self._profile.history_path, self._clock, self._noticed, when_due=self._brief)
        try:
            if not self._profile.practice:
                keeper.start()
            while True:
                await self._try_to_work(store)
        finally:
            await asyncio.to_thread(keeper.finish if self._brief else keeper.stop)
            with contextlib.suppress(StoreError, EngineSuperseded):
                engine_state.announce(store, None, None)

    async def _try_to_work(self, store: Store) -> None:
        """Run an engine until it cannot go on, and rest until it is to be tried again."""
        calm = asyncio.get_running_loop().call_later(CALM_S, self._is_well, store)
        pause = CREDENTIAL_CHECK_S
        try:
            setup = await asyncio.to_thread(self._prepare)
            self._reconnecting = CredentialRefresh(setup, self._prepare)
            await run_engine(store, setup, sight=self._sight, reconnect=self._reconnecting)
        except SettingsError as error:
            _report(store, ServiceState.BAD_CREDENTIALS, str(error), pause)
        except ApiError as error:
            _report(store, ServiceState.UNUSABLE, str(error), pause)
        except (StoreError, OSError, EngineSuperseded):
            raise
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end the only engine
            pause = self._fault(store, error)
        finally:
            calm.cancel()
        self._unable_until = time.monotonic() + pause
        await asyncio.sleep(pause)

    def _fault(self, store: Store, error: Exception) -> float:
        pause = min(RESTART_S * float(2**self._faults), LONGEST_REST_S)
        self._faults += pause < LONGEST_REST_S
        path = record(self._profile.log_dir, error)
        sentence = (
            f"The engine met a fault of its own ({type(error).__name__}) and sends nothing; it tries again by itself,"
            " less and less often."
        )
        if path is not None:
            sentence += f" Please send in the report {path}; secrets and addresses were taken out of it."
        _report(store, ServiceState.ENGINE_FAULT, sentence, pause)
        self._become(Role.ENGINE, sentence)
        return pause

    def _is_well(self, store: Store) -> None:
        self._faults = 0
        self._become(self._role)
        with contextlib.suppress(StoreError, EngineSuperseded):
            if engine_state.read(store).service == ServiceState.ENGINE_FAULT:
                engine_state.record_health(store, ServiceState.UNTRIED, None, None)

    def _noticed(self, sentence: str | None) -> None:
        self._notice = sentence
        self._changed()

    def _become(self, role: Role, trouble: str | None = None) -> None:
        if (role, trouble) != (self._role, self._trouble):
            self._role, self._trouble = role, trouble
            self._changed()


def permitted(profile: Profile) -> Ability:
    """Return how much an engine of the profile may do."""
    return Ability.POLLS if profile.read_only else Ability.ALL


async def keep_beating(lease: Lease, store: Store) -> None:
    """Give signs of life until the lease is another process's.

    Raises:
        EngineSuperseded: it is.
        StoreMoved: the lease went with the history.
    """
    while True:
        try:
            lease.beat()
        except EngineSuperseded:
            store.revision()
            raise
        await asyncio.sleep(BEAT_S)


@contextlib.contextmanager
def first_of_group() -> Iterator[None]:
    """Raise one exception in the place of a group: one that ends the engine, or the first there is."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group.subgroup((StoreMoved, EngineSuperseded)) or group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def _silence(holder: EngineState) -> str:
    return (
        f"The engine, process {holder.pid}, gives no sign of life: it may be stopped. Another process takes over"
        f" {SILENT_S:.0f} s after its last one."
    )


def _report(store: Store, service: ServiceState, sentence: str, pause: float) -> None:
    engine_state.record_health(store, service, sentence, store.clock() + timedelta(seconds=pause))


async def run_engine(
    store: Store,
    setup: EngineConfig,
    *,
    once: bool = False,
    sight: VisibleTasks | None = None,
    reconnect: CredentialRefresh | None = None,
) -> None:
    """Run an engine in this loop; the caller holds the lease.

    Args:
        once: do what is due and return; otherwise work until cancelled.
        sight: the tasks that are asked about first.
        reconnect: finds other credentials once these are refused; None leaves it at that.

    Raises:
        ApiError: this machine's proxy or certificates make any call impossible.
        SettingsError: an address cannot be used.
        OtherShop: the history holds another shop's requests.
    """
    from bwp_tui.engine.runtime.engine import Engine  # a follower does without

    loop = asyncio.get_running_loop()
    profile = setup.profile
    store.work_for(profile.shop)
    async with contextlib.AsyncExitStack() as ending:
        api = connect(setup)
        ending.push_async_callback(api.aclose)
        engine = Engine(
            store,
            api,
            speed=profile.speed,
            read_only=profile.read_only,
            download_slots=profile.download_slots,
            sight=sight,
            reconnect=None if reconnect is None else functools.partial(reconnect, ending),
        )
        if engine_state.read(store).service in (ServiceState.BAD_CREDENTIALS, ServiceState.UNUSABLE):
            engine_state.record_health(store, ServiceState.UNTRIED, None, None)
        watch = ChangeWatcher(store.another(), lambda: _call_in_loop(loop, engine.wake))
        watch.start()
        ending.callback(watch.stop)
        try:
            with first_of_group():
                await (engine.run_once() if once else engine.run())
        finally:
            if reconnect is not None:
                reconnect.refused = engine.refused


def _call_in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
        loop.call_soon_threadsafe(call)
