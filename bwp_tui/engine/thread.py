"""The engine in a thread of its own: it takes the lease when it can, follows while another holds it.

A thread, because a terminal that nobody reads blocks Textual's event loop after some seconds; requests go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from bwp_tui.api.errors import ApiError
from bwp_tui.crashlog import record
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.engine.lease import Lease
from bwp_tui.engine.reconnecting import RECHECK_S, Reconnecting
from bwp_tui.engine.setup import EngineSetup
from bwp_tui.engine.sight import Sight
from bwp_tui.history import engine_state
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import Service
from bwp_tui.history.errors import HistoryError, HistoryMoved
from bwp_tui.history.watch import Watch
from bwp_tui.settings import Profile, SettingsError

LEASE_LOOK_S: Final = 1.0
"""How often a follower tries for the lease, and so how soon after the engine's end another takes over."""

RESTART_S: Final = 5.0


class Role(StrEnum):
    """What this process is to its profile."""

    STARTING = "starting"
    ENGINE = "engine"
    FOLLOWER = "follower"
    STOPPED = "stopped"


class EngineThread:
    """Runs the profile's engine while this process holds its lease; stops when the history is moved or replaced.

    Args:
        profile: whose history and lease are used.
        prepare: returns the setup; called in threads, since reading a secret may take seconds. It is called again
            when the credentials are refused, and is to read them anew.
        focus: limits the work to these tasks; None is all of them.
        changed: called, in the engine's thread, whenever `role` changes.
    """

    def __init__(
        self,
        profile: Profile,
        prepare: Callable[[], EngineSetup],
        *,
        focus: frozenset[int] | None = None,
        changed: Callable[[], None] = lambda: None,
        clock: Clock = utc_now,
    ) -> None:
        self._profile = profile
        self._prepare = prepare
        self._focus = focus
        self._sight = Sight()
        self._changed = changed
        self._clock = clock
        self._role = Role.STARTING
        self._notice: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._stopping = False
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._body, name="engine", daemon=True)

    @property
    def role(self) -> Role:
        """What this process is now."""
        return self._role

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop what is under way, free the lease, and wait up to `timeout` seconds; say whether it ended."""
        with self._guard:
            self._stopping = True
            if self._loop is not None and self._main is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _body(self) -> None:
        try:
            asyncio.run(self._live())
        except asyncio.CancelledError:
            pass
        except HistoryMoved as error:
            self._notice = str(error)
        self._become(Role.STOPPED)

    async def _live(self) -> None:
        with self._guard:
            if self._stopping:
                return
            self._loop = asyncio.get_running_loop()
            self._main = asyncio.current_task()
        lease = Lease(self._profile.lease_path)
        try:
            while True:
                await self._hold(lease)
        finally:
            lease.release()

    async def _hold(self, lease: Lease) -> None:
        """Wait for the lease and work while it is held; return when the work has failed.

        Raises:
            HistoryMoved: the history's file was moved, removed or replaced.
        """
        while not _take(lease):
            self._become(Role.FOLLOWER)
            await asyncio.sleep(LEASE_LOOK_S)
        self._become(Role.STARTING)
        try:
            await self._work()
        except HistoryMoved:
            raise
        except (HistoryError, OSError):
            # The register cannot be used now. What is due stays due.
            await asyncio.sleep(RESTART_S)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end the only engine
            record(self._profile.log_dir, error)
            await asyncio.sleep(RESTART_S)

    async def _work(self) -> None:
        from bwp_tui.history.upkeep import Keeper  # the console's first frame does without

        history = History(self._profile.history_path, clock=self._clock)
        keeper = Keeper(self._profile.history_path, self._clock, self._noticed)
        try:
            if self._focus is None and not self._profile.practice:
                keeper.start()
            # Only then the role: whoever sees it must not take what a dead engine said last for this one's words.
            engine_state.announce(history, os.getpid(), socket.gethostname())
            self._become(Role.ENGINE)
            while True:
                try:
                    setup = await asyncio.to_thread(self._prepare)
                    await run_engine(
                        history, setup, self._focus, sight=self._sight, reconnect=Reconnecting(setup, self._prepare)
                    )
                except SettingsError as error:
                    _report(history, Service.BAD_CREDENTIALS, error)
                except ApiError as error:
                    _report(history, Service.UNREACHABLE, error)
                await asyncio.sleep(RECHECK_S)
        finally:
            await asyncio.to_thread(keeper.stop)
            with contextlib.suppress(HistoryError):
                engine_state.announce(history, None, None)
            history.close()

    def look_at(self, numbers: Iterable[int]) -> None:
        """Have these tasks asked about before others: somebody sees them. May be called from any thread."""
        self._sight.numbers = frozenset(numbers)

    @property
    def notice(self) -> str | None:
        """What is wrong with the history: a backup that failed, damage that was found, a file that was moved."""
        return self._notice

    def _noticed(self, sentence: str | None) -> None:
        self._notice = sentence
        self._changed()

    def _become(self, role: Role) -> None:
        if role is not self._role:
            self._role = role
            self._changed()


def _take(lease: Lease) -> bool:
    try:
        return lease.take()
    except OSError:
        return False


def _report(history: History, service: Service, error: Exception) -> None:
    engine_state.report(history, service, str(error), history.clock() + timedelta(seconds=RECHECK_S))


async def run_engine(
    history: History,
    setup: EngineSetup,
    focus: frozenset[int] | None,
    *,
    once: bool = False,
    sight: Sight | None = None,
    reconnect: Reconnecting | None = None,
) -> None:
    """Run an engine in this loop; the caller holds the lease.

    Args:
        once: do what is due and return; otherwise work until cancelled.
        sight: the tasks that are asked about first.
        reconnect: finds other credentials once these are refused; None leaves it at that.

    Raises:
        ApiError: this machine's proxy or certificates make any call impossible.
    """
    # Only here: the HTTP library is the dearest import there is, and a follower never needs it.
    from bwp_tui.engine.connect import connect
    from bwp_tui.engine.engine import Engine

    loop = asyncio.get_running_loop()
    profile = setup.profile
    async with contextlib.AsyncExitStack() as ending:
        api = connect(setup)
        ending.push_async_callback(api.aclose)
        engine = Engine(
            history,
            api,
            speed=profile.speed,
            focus=focus,
            read_only=profile.read_only,
            download_slots=profile.download_slots,
            sight=sight,
            reconnect=None if reconnect is None else functools.partial(reconnect, ending),
        )
        watch = Watch(history.another(), lambda: _tell(loop, engine.wake))
        engine_state.announce(history, os.getpid(), socket.gethostname())
        watch.start()
        ending.callback(watch.stop)
        await (engine.run_once() if once else engine.run())


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
        loop.call_soon_threadsafe(call)
