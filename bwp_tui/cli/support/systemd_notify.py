"""Tell the service manager that started this process, such as systemd, that it is ready and works (`sd_notify`)."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SIGNS_OF_LIFE = 2
"""Signs of life within the time after which the service manager restarts the process."""
_TIMEOUT_S = 1.0
"""A service manager that does not read what it is sent must not keep the engine from its work, or from ending."""


def notify(state: str) -> None:
    """Send a state such as `READY=1`, if there is a service manager that wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith(("/", "@")):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_TIMEOUT_S)
            sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


@contextmanager
def supervised(is_alive: Callable[[], bool]) -> Iterator[None]:
    """Say READY, give signs of life as long as `is_alive` during the block, and say STOPPING after it."""
    ended = threading.Event()
    interval = _watchdog_s() / _SIGNS_OF_LIFE

    def notify_watchdog() -> None:
        while not ended.wait(interval):
            if is_alive():
                notify("WATCHDOG=1")

    notify("READY=1")
    if interval:
        threading.Thread(target=notify_watchdog, name="watchdog", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        notify("STOPPING=1")


def _watchdog_s() -> float:
    """Return after how many seconds without a sign of life this process is restarted; 0 for never."""
    pid, microseconds = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or (pid and pid != str(os.getpid())):
        return 0.0
    return int(microseconds) / 1_000_000
