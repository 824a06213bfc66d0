"""Lives of a program that can be had in milliseconds: a warmed-up process forks one for each.

Run as a module it is the zygote: it reads errands, a JSON object a line, and forks a process for each. It has no
threads and opens no register, so that a fork copies nothing that must not be copied.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import bwp_tui
from tests.program_server import LAYERS

ROOT: Final = Path(bwp_tui.__file__).parents[1]

_PR_SET_PDEATHSIG: Final = 1

Arguments = Mapping[str, str | int | float | None]


class Life:
    """One forked process."""

    def __init__(self, pid: int, zygote: Zygote) -> None:
        self.pid = pid
        self._zygote = zygote
        self._handle = os.pidfd_open(pid)
        self.status: int | None = None
        """As `os.waitstatus_to_exitcode` tells it, once it has ended: negative for a signal."""

    def ended(self, within_s: float) -> bool:
        """Wait for its end for at most so many seconds; say whether it came."""
        if self.status is None:
            readable, _, _ = select.select([self._handle], [], [], within_s)
            if not readable:
                return False
            self.status = self._zygote.reap(self.pid)
            os.close(self._handle)
        return True

    def processor_time(self) -> float:
        """Return how many seconds it has had of the processors, as long as it has not been reaped."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Have it stand still, as ctrl+z or a frozen container does."""
        signal.pidfd_send_signal(self._handle, signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it go on where it stood still."""
        signal.pidfd_send_signal(self._handle, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a lost machine does; returns once it is gone."""
        if self.status is None:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            assert self.ended(10.0)


class Zygote:
    """The process that forks. Use it as a context manager; every life it gave ends with it."""

    def __enter__(self) -> Self:
        self._lives: list[Life] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for life in self._lives:
            life.kill()
        with self._process:
            if self._process.stdin is not None:
                self._process.stdin.close()

    def give(self, function: str, arguments: Arguments) -> Life:
        """Fork a process that calls `function`, named as `module:name`, with the arguments, and ends with it."""
        life = Life(self._ask({"function": function, "arguments": dict(arguments)}), self)
        self._lives = [known for known in self._lives if known.status is None] + [life]
        return life

    def reap(self, pid: int) -> int:
        """Wait for a process's end and return its exit code, negative for a signal."""
        return self._ask({"reap": pid})

    def _ask(self, errand: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(errand) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def main() -> None:
    """Fork a process for each line of stdin that asks for one, and say its id on stdout."""
    _warm_up()
    for line in sys.stdin:
        errand = json.loads(line)
        if "reap" in errand:
            answer = os.waitstatus_to_exitcode(os.waitpid(errand["reap"], 0)[1])
        else:
            answer = _fork(_function(errand["function"]), errand["arguments"])
        print(answer, flush=True)


def _warm_up() -> None:
    """Import what every engine needs, and read the certificates: the dearest steps of a start."""
    from bwp_tui.api.tls import tls_context

    for layer in LAYERS:
        importlib.import_module(layer)
    tls_context()


def _function(name: str) -> Callable[..., None]:
    module, _, function = name.partition(":")
    return cast(Callable[..., None], getattr(importlib.import_module(module), function))


def _fork(function: Callable[..., None], arguments: dict[str, str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        # A life ends with its zygote, however that ends, and the zygote's errands are not for it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        function(**arguments)
        code = 0
    except BaseException:  # noqa: BLE001  # the child must not go on with the zygote's loop
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
