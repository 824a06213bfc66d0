"""Start the program in milliseconds: a process that has imported its lower layers forks one for each command.

Run as a module it is that process. It opens no history and has no threads, so a fork copies nothing that it must not.
Each command imports its own module of `bwp_tui.cli`, and ends as any interpreter does.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

LAYERS: Final = (
    "anyio._backends._asyncio",
    "httpcore",
    "bwp_tui.api.client",
    "bwp_tui.engine.runtime.engine",
    "bwp_tui.engine.runtime.headless",
    "bwp_tui.engine.runtime.maintenance_thread",
    "bwp_tui.store.open_store",
    "bwp_tui.settings",
    "bwp_tui.cli.parser",
)
"""They import what takes a start most of its time: pydantic, httpx and what it imports late, apsw."""

INHERITED: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE")
LOCALE: Final = "C.UTF-8"

MAX_INPUT: Final = 1 << 16
"""Bytes that a pipe takes before anybody reads it."""

_PR_SET_PDEATHSIG: Final = 1


def inherited_variables() -> dict[str, str]:
    """Return the variables of this process that a program under test gets, and its locale."""
    return {**{name: os.environ[name] for name in INHERITED if name in os.environ}, "LANG": LOCALE}


def run_program(arguments: Sequence[str], env: Mapping[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `python -m bwp_tui` with an environment and the text on its stdin; return how it ended and its output.

    It is forked, unless its environment changes how the interpreter itself starts.
    """
    data = typed.encode()
    if len(data) <= MAX_INPUT and _interpreter_variables(env) == _interpreter_variables(inherited_variables()):
        return _server().run(arguments, env, data)
    return subprocess.run(
        [sys.executable, "-m", "bwp_tui", *arguments],
        env=dict(env),
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )


def _interpreter_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(("PYTHON", "LANG", "LC_"))}


@cache
def _server() -> _Server:
    return _Server()


class _Server:
    """The process that forks, as its client sees it; it ends with this process."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.program_server", str(theirs.fileno())],
                cwd=ROOT,
                env=inherited_variables(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(self, arguments: Sequence[str], env: Mapping[str, str], data: bytes) -> subprocess.CompletedProcess[str]:
        """Run a command with `data` on its stdin."""
        pipes = [os.pipe() for _ in range(4)]
        (stdin, typed), (stdout, out), (stderr, err), (status, code) = pipes
        os.write(typed, data)
        request = json.dumps({"arguments": arguments, "env": dict(env), "folder": str(Path.cwd())}).encode()
        socket.send_fds(self._control, [request], [stdin, out, err, code])
        for descriptor in (typed, stdin, out, err, code):
            os.close(descriptor)
        complaints: list[str] = []
        reader = threading.Thread(target=lambda: complaints.append(_read(stderr)))
        reader.start()
        output = _read(stdout)
        reader.join()
        return subprocess.CompletedProcess(list(arguments), int(_read(status)), output, complaints[0])


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8", newline=None) as file:
        return file.read()


def main() -> int:
    """Fork a process for each request that comes by the socket, and write its exit code once it has ended."""
    for layer in LAYERS:
        import_module(layer)
    from bwp_tui.api.tls import tls_context

    tls_context()
    gc.freeze()
    control = socket.socket(fileno=int(sys.argv[1]))
    running: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    selector.unregister(key.fd)
                    _report_end(key.fd, *running.pop(key.fd))
                    continue
                request, descriptors, _, _ = socket.recv_fds(control, 1 << 18, 4)
                if not request:
                    return 0
                pid = os.fork()
                if not pid:
                    control.close()
                    return _run_forked(json.loads(request), descriptors)
                handle = os.pidfd_open(pid)
                running[handle] = pid, descriptors.pop()
                selector.register(handle, selectors.EVENT_READ)
                for descriptor in descriptors:
                    os.close(descriptor)


def _report_end(handle: int, pid: int, status: int) -> None:
    os.write(status, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os.close(status)
    os.close(handle)


def _run_forked(request: Mapping[str, object], descriptors: list[int]) -> int:
    """Run the program in this process, which was forked for it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    os.closerange(3, 256)
    environment, arguments = request["env"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(str(request["folder"]))
    sys.argv = [str(ROOT / "bwp_tui" / "__main__.py"), *arguments]
    from bwp_tui.__main__ import main as run

    code = run()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
