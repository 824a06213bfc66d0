"""Wait for the engine, and explain a timeout."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import CommandSession, print_note
from bwp_tui.store.database.connection import Store
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState, ServiceState

if TYPE_CHECKING:
    from bwp_tui.engine.runtime.engine_config import EngineConfig

_WRONG_SETTINGS = frozenset({ServiceState.BAD_CREDENTIALS, ServiceState.DENIED, ServiceState.UNUSABLE})
NO_ENGINE_LEFT = "Start bwp-tui run or the console to go on with it."


class EngineWaiter:
    """Waits while the engine works on tasks, and keeps how the service responded meanwhile.

    Raises:
        SettingsError: credentials are missing or the secret cannot be read.
    """

    def __init__(self, session: CommandSession) -> None:
        from bwp_tui.engine.runtime.engine_config import engine_config

        self._store = session.store
        self._config: EngineConfig = engine_config(session.profile)
        self._state = EngineState(None, None, ServiceState.UNTRIED, None, None)
        self._trouble: str | None = None

    def until(
        self, done: Callable[[Store], bool], about: Collection[int], timeout: float | None, *, patient: bool = False
    ) -> bool:
        """Wait until `done`; return whether it became true.

        Args:
            about: the tasks to poll first.
            timeout: seconds; None waits for ever.
            patient: an unreachable service does not end the wait; refused credentials do.
        """
        from bwp_tui.engine.runtime.wait_until import wait_until

        met = False

        def over(store: Store) -> bool:
            nonlocal met
            met = done(store)
            self._read_state(store)
            return met or (patient and self._state.service in _WRONG_SETTINGS)

        def say(sentence: str) -> None:
            self._trouble = sentence
            if patient:
                print_note(sentence)

        wait_until(self._config, over, timeout=timeout, visible=about, patient=patient, report=say)
        return met

    def _read_state(self, store: Store) -> None:
        # The state that a stopped engine left, or that concerns its own settings alone, does not count.
        state = engine_state.read(store)
        if state.applies_to(os.getpid()) and state.service != ServiceState.UNTRIED:
            self._state = state

    def timed_out(
        self, consequence: str, why: str | None = None, *, otherwise: str = "No answer in time."
    ) -> CommandError:
        """Return the error of a command that got no response in time.

        Args:
            consequence: a sentence on the state now.
            why: why the task's own last call failed; only wrong settings, which stop every call, come before it.
            otherwise: the reason when none is known.
        """
        from bwp_tui.engine.runtime.lease import is_held, is_silent
        from bwp_tui.store.database.error_translation import is_stopped

        lease_path = self._config.profile.lease_path
        holder = engine_state.read(self._store).pid if is_held(lease_path) else None
        if holder is not None and (is_stopped(holder) or is_silent(lease_path)):
            return CommandError(
                ExitCode.LATER,
                f"The engine, process {holder}, does not answer: it may be stopped. {consequence}"
                f" Have it go on (kill -CONT {holder}), or end it.",
            )
        state = self._state
        message = state.message if state.service != ServiceState.REACHED else None
        if state.service in _WRONG_SETTINGS:
            why = message or why
        why = why or message or self._trouble or otherwise
        goes_on = f"Process {holder} is the engine and goes on with it." if holder is not None else NO_ENGINE_LEFT
        return CommandError(
            ExitCode.USAGE if state.service in _WRONG_SETTINGS else ExitCode.LATER,
            f"{why} {consequence} {goes_on}",
        )
