"""Start the program in milliseconds: a process that has imported it forks one for each command.

Run as a module it is that process. It opens no history and has no threads, so a fork copies nothing that it must not.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import io
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.waiting import PATIENCE_S, eventually

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
    "platformdirs",
)
"""They import what takes a start most of its time: pydantic, httpx and what it imports late, apsw."""

CONSOLE_LAYERS: Final = ("bwp_tui.console.run", "bwp_tui.engine.runtime.engine_thread")
"""What a process in a terminal imports besides."""

INHERITED: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE")
LOCALE: Final = "C.UTF-8"

MAX_INPUT: Final = 1 << 16
"""Bytes that a pipe takes before anybody reads it."""

_PR_SET_PDEATHSIG: Final = 1

Arguments = Mapping[str, str | int | float | None]


def inherited_variables() -> dict[str, str]:
    """Return the variables of this process that a program under test gets, and its locale."""
    return {**{name: os.environ[name] for name in INHERITED if name in os.environ}, "LANG": LOCALE}


def run_program(arguments: Sequence[str], env: Mapping[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `python -m bwp_tui` with an environment and the text on its stdin; return how it ended and its output.

    It is forked, unless its environment changes how the interpreter itself starts.
    """
    data = typed.encode()
    if len(data) <= MAX_INPUT and _starts_as_the_server(env):
        return _run_forked(arguments, env, data)
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


def start_in_terminal(
    argv: Sequence[str], terminal: int, env: Mapping[str, str], folder: str | None
) -> ForkedProcess | subprocess.Popen[bytes]:
    """Start a program as the leader of a session whose terminal has the descriptor `terminal`.

    A module that `python -m` runs is forked, unless its environment changes how the interpreter itself starts.
    """
    if list(argv[:2]) == [sys.executable, "-m"] and _starts_as_the_server(env):
        module, *arguments = argv[2:]
        request = {"module": module, "arguments": arguments, "env": dict(env), "folder": folder or str(Path.cwd())}
        return _server().fork({**request, "in_terminal": True}, terminal, terminal, terminal)
    return subprocess.Popen(
        argv,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=folder,
        env=dict(env),
        start_new_session=True,
        preexec_fn=_take_terminal,
    )


@contextmanager
def forking() -> Iterator[Forks]:
    """Fork processes that all end with the context."""
    forks = Forks()
    try:
        yield forks
    finally:
        forks.kill()


class Forks:
    """Processes that call functions of the tests."""

    def __init__(self) -> None:
        self._processes: list[ForkedProcess] = []

    def fork(self, function: str, arguments: Arguments) -> ForkedProcess:
        """Fork a process that calls `function`, named as `module:name`, with the arguments, and ends with it."""
        request = {"function": function, "arguments": dict(arguments), "env": dict(os.environ), "folder": str(ROOT)}
        with Path(os.devnull).open("r+b") as nowhere:
            process = _server().fork(request, nowhere.fileno(), nowhere.fileno(), 2)
        self._processes = [known for known in self._processes if known.poll() is None] + [process]
        return process

    def kill(self) -> None:
        """End all of them."""
        for process in self._processes:
            process.kill()
            process.wait()


class ForkedProcess:
    """A process that the server has forked, with what tests need of a `subprocess.Popen`."""

    def __init__(self, status: socket.socket) -> None:
        self._status = status
        pid, (self._handle,), _, _ = socket.recv_fds(status, 64, 1)
        self.pid = int(pid)
        self.returncode: int | None = None

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for its end; return its exit code, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            with self._status:
                self.returncode = int(self._status.recv(64))
            os.close(self._handle)
        return self.returncode

    def poll(self, within_s: float = 0.0) -> int | None:
        """Return its exit code if it ends within so many seconds, else None."""
        try:
            return self.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it as a lost machine does; returns once it is gone."""
        self.send_signal(signal.SIGKILL)
        self.wait()

    def processor_time(self) -> float:
        """Return how many seconds it has had of the processors; 0.0 once it has ended."""
        try:
            after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def suspend(self) -> None:
        """Stop it, as ctrl+z or a frozen container does; returns once all of its threads are stopped."""
        self.send_signal(signal.SIGSTOP)
        eventually(self._is_stopped)

    def _is_stopped(self) -> bool:
        try:
            threads = [stat.read_bytes() for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except (FileNotFoundError, ProcessLookupError):
            return False  # a thread has just ended
        return all(stat.rpartition(b")")[2].split()[0] in (b"T", b"Z", b"X") for stat in threads)


def _starts_as_the_server(env: Mapping[str, str]) -> bool:
    """Return whether nothing in `env` changes how an interpreter starts or what modules read when they are imported."""

    def variables(env: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in env.items() if name.startswith(("PYTHON", "LANG", "LC_", "TEXTUAL"))}

    return variables(env) == variables(inherited_variables())


def _run_forked(arguments: Sequence[str], env: Mapping[str, str], data: bytes) -> subprocess.CompletedProcess[str]:
    (stdin, typed), (stdout, out), (stderr, err) = (os.pipe() for _ in range(3))
    os.write(typed, data)
    request = {"module": "bwp_tui", "arguments": arguments, "env": dict(env), "folder": str(Path.cwd())}
    process = _server().fork(request, stdin, out, err)
    for descriptor in (typed, stdin, out, err):
        os.close(descriptor)
    complaints: list[str] = []
    reader = threading.Thread(target=lambda: complaints.append(_read(stderr)))
    reader.start()
    output = _read(stdout)
    reader.join()
    return subprocess.CompletedProcess(list(arguments), process.wait(), output, complaints[0])


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8", newline=None) as file:
        return file.read()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


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

    def fork(self, request: Mapping[str, object], stdin: int, stdout: int, stderr: int) -> ForkedProcess:
        """Fork a process for a request, with these descriptors."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            message = json.dumps(request).encode()
            socket.send_fds(self._control, [message], [stdin, stdout, stderr, theirs.fileno()])
        return ForkedProcess(ours)


def main() -> None:
    """Fork a process for each request that comes by the socket; send its exit code once it has ended."""
    _import_program()
    control = socket.socket(fileno=int(sys.argv[1]))
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    selector.unregister(key.fd)
                    _report_end(key.fd, *running.pop(key.fd))
                    continue
                message, descriptors, _, _ = socket.recv_fds(control, 1 << 18, 4)
                if not message:
                    return
                request = json.loads(message)
                if request.get("in_terminal"):
                    _import_console()
                pid = os.fork()
                if not pid:
                    _serve(request, descriptors)
                handle = os.pidfd_open(pid)
                running[handle] = pid, socket.socket(fileno=descriptors.pop())
                selector.register(handle, selectors.EVENT_READ)
                for descriptor in descriptors:
                    os.close(descriptor)


def _import_program() -> None:
    """Import what every command needs, read the certificates and build the grammar: the longest steps of a start."""
    from bwp_tui.api.tls import tls_context
    from bwp_tui.cli import commands
    from bwp_tui.cli.parser import build_parser

    modules = [f"{commands.__name__}.{module.name}" for module in pkgutil.iter_modules(commands.__path__)]
    for name in (*LAYERS, *modules):
        import_module(name)
    tls_context()
    build_parser()
    gc.freeze()


@cache
def _import_console() -> None:
    for name in CONSOLE_LAYERS:
        import_module(name)
    gc.freeze()


def _report_end(handle: int, pid: int, status: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(handle)
    with status:
        status.send(str(code).encode())


def _serve(request: Mapping[str, object], descriptors: list[int]) -> None:
    """Send the id of this process, do what it was forked for, and end it as any interpreter ends."""
    code = 1
    try:
        # It ends with its server, however that ends.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if request.get("in_terminal"):
            os.setsid()
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
        if request.get("in_terminal"):
            _take_terminal()
            assert isinstance(sys.stdout, io.TextIOWrapper)
            sys.stdout.reconfigure(line_buffering=True)
        with socket.socket(fileno=descriptors[3]) as status:
            socket.send_fds(status, [str(os.getpid()).encode()], [os.pidfd_open(os.getpid())])
        os.closerange(3, 256)
        code = _call(request)
        threading._shutdown()  # type: ignore[attr-defined]  # private, as the interpreter calls it
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001  # it must not go on with the server's loop
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _call(request: Mapping[str, object]) -> int:
    environment, arguments = request["env"], request["arguments"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(str(request["folder"]))
    if "function" in request:
        assert isinstance(arguments, dict)
        module, _, function = str(request["function"]).partition(":")
        getattr(import_module(module), function)(**arguments)
        return 0
    assert isinstance(arguments, list)
    sys.argv[1:] = arguments
    try:
        runpy.run_module(str(request["module"]), run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
