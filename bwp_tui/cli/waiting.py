"""Waiting for the engine, and saying what it means when its time is up."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from bwp_tui.cli.common import Session
from bwp_tui.cli.exits import Exit, Stop
from bwp_tui.history import engine_state
from bwp_tui.history.connection import History
from bwp_tui.history.engine_state import EngineState, Service

if TYPE_CHECKING:
    from bwp_tui.engine.setup import EngineSetup

_WRONG_SETTINGS = frozenset({Service.BAD_CREDENTIALS, Service.DENIED})


class Waiter:
    """Has the engine work on some tasks and remembers how the service answered meanwhile.

    Raises:
        SettingsError: credentials are missing or the secret cannot be read.
    """

    def __init__(self, session: Session) -> None:
        from bwp_tui.engine.setup import setup_for

        self._setup: EngineSetup = setup_for(session.profile)
        self._state = EngineState(None, None, Service.UNTRIED, None, None)

    def until(
        self, done: Callable[[History], bool], focus: Collection[int], timeout: float | None, *, patient: bool = False
    ) -> bool:
        """Wait until `done`; say whether it came so.

        Args:
            timeout: seconds, or None for ever.
            patient: an unreachable service does not end the wait; refused credentials do all the same.
        """
        from bwp_tui.engine.until import until

        met = False

        def over(history: History) -> bool:
            nonlocal met
            met = done(history)
            self._look(history)
            return met or (patient and self._state.service in _WRONG_SETTINGS)

        until(self._setup, over, focus=focus, timeout=timeout, patient=patient)
        return met

    def _look(self, history: History) -> None:
        # A state without a process is what an engine leaves behind when it stops: it tells nothing.
        state = engine_state.read(history)
        if state.pid is not None and state.service != Service.UNTRIED:
            self._state = state

    def no_answer(self, consequence: str, why: str | None = None) -> Stop:
        """Return how a command ends for which the service had no answer in time.

        Args:
            consequence: a sentence on what is so now and what the operator can do.
            why: what is known of the reason, where the service as a whole is well.
        """
        state = self._state
        if state.message and state.service != Service.REACHED:
            why = state.message
        why = why or "No answer in time."
        return Stop(Exit.USAGE if state.service in _WRONG_SETTINGS else Exit.LATER, f"{why} {consequence}")
