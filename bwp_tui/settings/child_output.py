"""Read the output of a program within a time, and no more of it than is wanted."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from typing import Final

_CHECK_S: Final = 0.1
_CHUNK: Final = 64 * 1024


def read_until_end(
    process: subprocess.Popen[bytes],
    timeout_s: float,
    most: int,
    stop: threading.Event | None = None,
    *,
    discards_rest: bool = False,
) -> tuple[bytes, str]:
    """Return the output of a program, one byte more than `most` at most, and why it has to be killed, if it has.

    Args:
        stop: set from outside to end it.
        discards_rest: a longer output does not end it.
    """
    output, deadline = b"", time.monotonic() + timeout_s
    pipe = process.stdout.fileno() if process.stdout is not None else -1
    while True:
        has_ended = process.poll() is not None  # before the look at the pipe: what it wrote last is in there
        ready, _, _ = select.select([pipe], [], [], 0 if has_ended else _CHECK_S)
        chunk = os.read(pipe, _CHUNK) if ready else b""
        output = (output + chunk)[: most + 1]
        if len(output) > most and not discards_rest:
            return output, "printed too much and was ended"
        if has_ended and not chunk:
            return output, ""
        if time.monotonic() >= deadline:
            return output, "" if has_ended else f"took more than {timeout_s:g} s and was ended"
        if stop is not None and stop.is_set():
            return output, "was ended with bwp-tui"
        if ready and not chunk:  # it has closed its output, and goes on
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CHECK_S)
