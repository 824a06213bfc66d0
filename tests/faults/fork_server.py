"""Start processes of the program in milliseconds: a process that has imported it forks one for each request.

Run as a module it is the server: it reads requests, a JSON object a line, and forks a process for each. It has no
threads and opens no history, so that a fork copies nothing that must not be copied.
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
from tests.waiting import PATIENCE_S, eventually

ROOT: Final = Path(bwp_tui.__file__).parents[1]

_PR_SET_PDEATHSIG: Final = 1

Arguments = Mapping[str, str | int | float | None]


class ForkedProcess:
    """One forked process."""

    def __init__(self, pid: int, server: ForkServer) -> None:
        self.pid = pid
        self._server = server
        self._handle = os.pidfd_open(pid)
        self.status: int | None = None
        """As `os.waitstatus_to_exitcode` returns it, once it has ended: negative for a signal."""

    def wait(self, within_s: float) -> bool:
        """Wait for its end for at most so many seconds; say whether it came."""
        if self.status is None:
            readable, _, _ = select.select([self._handle], [], [], within_s)
            if not readable:
                return False
            self.status = self._server.reap(self.pid)
            os.close(self._handle)
        return True

    def processor_time(self) -> float:
        """Return how many seconds it has had of the processors, as long as it has not been reaped."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def suspend(self) -> None:
        """Stop it, as ctrl+z or a frozen container does; returns once all of its threads are stopped."""
        signal.pidfd_send_signal(self._handle, signal.SIGSTOP)
        eventually(self._is_stopped)

    def _is_stopped(self) -> bool:
        try:
            threads = [stat.read_bytes() for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except (FileNotFoundError, ProcessLookupError):
            return False  # a thread has just ended
        return all(stat.rpartition(b")")[2].split()[0] in (b"T", b"Z", b"X") for stat in threads)

    def resume(self) -> None:
        """Have it go on where it stood still."""
        signal.pidfd_send_signal(self._handle, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a lost machine does; returns once it is gone."""
        if self.status is None:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            assert self.wait(PATIENCE_S)


class ForkServer:
    """The process that forks. Use it as a context manager; every process that it forked ends with it."""

    def __enter__(self) -> Self:
        self._processes: list[ForkedProcess] = []
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fork_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        with self._server:
            if self._server.stdin is not None:
                self._server.stdin.close()

    def fork(self, function: str, arguments: Arguments) -> ForkedProcess:
        """Fork a process that calls `function`, named as `module:name`, with the arguments, and ends with it."""
        process = ForkedProcess(self._request({"function": function, "arguments": dict(arguments)}), self)
        self._processes = [known for known in self._processes if known.status is None] + [process]
        return process

    def reap(self, pid: int) -> int:
        """Wait for a process's end and return its exit code, negative for a signal."""
        return self._request({"reap": pid})

    def _request(self, request: Mapping[str, object]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


def main() -> None:
    """Fork a process for each line of stdin that asks for one, and say its id on stdout."""
    _warm_up()
    for line in sys.stdin:
        request = json.loads(line)
        if "reap" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["reap"], 0)[1])
        else:
            answer = _fork(_function(request["function"]), request["arguments"])
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
        # The child ends with its server, however that ends, and must not read the server's requests.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        function(**arguments)
        code = 0
    except BaseException:  # noqa: BLE001  # the child must not go on with the server's loop
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
