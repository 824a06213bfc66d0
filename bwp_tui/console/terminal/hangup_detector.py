"""End the console cleanly after a signal or when its terminal goes away."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final

_INTERVAL_S: Final = 1.0
GRACE_S: Final = 6.0
"""Seconds that a clean end may take before the process is killed: a dead terminal can block any write."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class HangupDetector:
    """Calls `ended` with an exit code, once, in its own thread or a signal's, when the terminal's session is over.

    Textual handles neither SIGTERM nor SIGHUP, and spins for ever on a terminal that has gone while SIGHUP is ignored.
    """

    def __init__(self, ended: Callable[[int], None]) -> None:
        self._ended = ended
        self._is_terminal_lent = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._detect, name="terminal-monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop watching: the console has ended by itself."""
        self._over.set()

    @contextlib.contextmanager
    def terminal_lent(self) -> Iterator[None]:
        """Leave ctrl+c, ctrl+z and ctrl+\\ to another program, which has the terminal during the block."""
        on_suspend, on_quit = (signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGQUIT))
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)  # Textual's handler would stop what no shell can resume
        signal.signal(signal.SIGQUIT, lambda *_: None)
        self._is_terminal_lent = True
        try:
            yield
        finally:
            self._is_terminal_lent = False
            signal.signal(signal.SIGTSTP, on_suspend)
            signal.signal(signal.SIGQUIT, on_quit)

    def end_session(self, exit_code: int) -> None:
        """End the session; for a signal, with 128 and its number."""
        if not self._over.is_set() and not (self._is_terminal_lent and exit_code == 128 + signal.SIGINT):
            self._over.set()
            kill_after_grace(exit_code)
            self._ended(exit_code)

    def _detect(self) -> None:
        poll = select.poll()
        try:
            poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, select.POLLHUP)
        except (OSError, ValueError):
            return
        while not self._over.wait(_INTERVAL_S):
            with contextlib.suppress(OSError):
                if any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0)):
                    self.end_session(128 + signal.SIGHUP)


def kill_after_grace(code: int) -> None:
    """End the process after `GRACE_S` seconds, if it is still there."""

    def end() -> None:
        os._exit(code)

    timer = threading.Timer(GRACE_S, end)
    timer.daemon = True
    timer.start()
