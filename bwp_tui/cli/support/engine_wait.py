"""Waiting for the engine, and saying what it means when its time is up."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from bwp_tui.cli.exit_codes import Exit, Stop
from bwp_tui.cli.support.context import Session, note
from bwp_tui.store.database.connection import History
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState, Service

if TYPE_CHECKING:
    from bwp_tui.engine.runtime.engine_config import EngineSetup

_WRONG_SETTINGS = frozenset({Service.BAD_CREDENTIALS, Service.DENIED, Service.UNUSABLE})


class Waiter:
    """Has the engine work on some tasks and remembers how the service answered meanwhile.

    Raises:
        SettingsError: credentials are missing or the secret cannot be read.
    """

    def __init__(self, session: Session) -> None:
        from bwp_tui.engine.runtime.engine_config import setup_for

        self._setup: EngineSetup = setup_for(session.profile)
        self._state = EngineState(None, None, Service.UNTRIED, None, None)
        self._trouble: str | None = None

    def until(
        self, done: Callable[[History], bool], about: Collection[int], timeout: float | None, *, patient: bool = False
    ) -> bool:
        """Wait until `done`; say whether it came so.

        Args:
            about: the tasks that it is about.
            timeout: seconds, or None for ever.
            patient: an unreachable service does not end the wait; refused credentials do all the same.
        """
        from bwp_tui.engine.runtime.wait_until import until

        met = False

        def over(history: History) -> bool:
            nonlocal met
            met = done(history)
            self._look(history)
            return met or (patient and self._state.service in _WRONG_SETTINGS)

        def say(sentence: str) -> None:
            self._trouble = sentence
            if patient:
                note(sentence)

        until(self._setup, over, timeout=timeout, about=about, patient=patient, say=say)
        return met

    def _look(self, history: History) -> None:
        # What an engine leaves behind when it stops, or says of its own settings, tells nothing.
        state = engine_state.read(history)
        if state.speaks_for(os.getpid()) and state.service != Service.UNTRIED:
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
        why = why or self._trouble
        why = why or "No answer in time."
        return Stop(Exit.USAGE if state.service in _WRONG_SETTINGS else Exit.LATER, f"{why} {consequence}")
