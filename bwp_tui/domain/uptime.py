"""Read the time since boot: a clock that nobody sets and that counts sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Uptime(NamedTuple):
    """An instant after a boot; `boot` is the boot id, or None if the system has none."""

    boot: str | None
    seconds: float

    def since(self, boot: str | None, seconds: float | None) -> float | None:
        """Return the seconds since an earlier instant, or None after a reboot."""
        if self.boot is None or seconds is None or boot != self.boot or seconds > self.seconds:
            return None
        return self.seconds - seconds


UptimeClock = Callable[[], Uptime]


def read_uptime() -> Uptime:
    """Return the current instant."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # elsewhere than on Linux the latter counts sleep
    return Uptime(_boot(), time.clock_gettime(clock))


def _boot() -> str | None:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
