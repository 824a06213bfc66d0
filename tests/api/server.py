"""A scripted HTTP server on loopback: it answers each path with what the test queued, byte for byte."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

Reaction = Callable[["ScriptedServer", socket.socket, "Received"], None]


@dataclass
class Received:
    """One request as it arrived. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def answer(status: int = 200, body: bytes = b"", length: int | None = None, **headers: str) -> Reaction:
    """Answer whole; `length` lies about the body's. `retry_after="5"` becomes `Retry-After: 5`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    message = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def react(_: ScriptedServer, line: socket.socket, __: Received) -> None:
        line.sendall(message)
        if length not in (None, len(body)):
            _hang_up(line)

    return react


def graphql(status: int = 200, date: str | None = None, /, **answered: object) -> Reaction:
    """Answer a JSON body of the given keys, with a `Date` header where one is given."""
    dated = {} if date is None else {"date": date}
    return answer(status, json.dumps(answered).encode(), None, content_type="application/json", **dated)


def token(text: str = "token-1", **more: object) -> Reaction:
    """Answer an access token."""
    return graphql(access_token=text, token_type="bearer", **{"expires_in": 900, **more})


def raw(*pieces: bytes) -> Reaction:
    """Send bytes as they are, then hang up."""

    def react(_: ScriptedServer, line: socket.socket, __: Received) -> None:
        for piece in pieces:
            line.sendall(piece)
        _hang_up(line)

    return react


def stall(beginning: bytes = b"") -> Reaction:
    """Send `beginning`, then nothing for as long as the server lives."""

    def react(server: ScriptedServer, line: socket.socket, _: Received) -> None:
        line.sendall(beginning)
        server.stalled.set()
        server.closing.wait()
        _hang_up(line)

    return react


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


@dataclass
class ScriptedServer:
    """Listens from construction to `close`. A path's last reaction repeats; one without any gets a 599."""

    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    scripts: dict[str, deque[Reaction]] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)
    stalled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, path: str, *reactions: Reaction) -> None:
        """Queue what to do at the next requests for `path`."""
        self.scripts[path] = deque(reactions)

    def seen(self, path: str) -> list[Received]:
        """Return the requests for `path`, in order."""
        with self._lock:
            return [request for request in self.received if request.path == path]

    def close(self) -> None:
        """Cut every line and end every thread."""
        self.closing.set()
        _hang_up(self._listener)
        self._threads[0].join()
        self._listener.close()
        for line in self._lines:
            _hang_up(line)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(line)
            thread = threading.Thread(target=self._serve, args=(line,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.tls is not None:
                with line:
                    line = self.tls.wrap_socket(line, server_side=True)
                self._lines.append(line)
            with line, line.makefile("rb") as stream:
                while (request := _read_request(stream.readline, stream.read)) is not None:
                    self._reaction(request)(self, line, request)
        line.close()

    def _reaction(self, request: Received) -> Reaction:
        with self._lock:
            self.received.append(request)
            queue = self.scripts.get(request.path, deque([answer(599)]))
            return queue.popleft() if len(queue) > 1 else queue[0]


def _read_request(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> Received | None:
    first = readline().decode("latin-1").split()
    if len(first) != 3:  # the end; or ciphertext, when the line was hung up on under this read
        return None
    headers: dict[str, str] = {}
    while header := readline().decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = read(int(headers.get("content-length", "0")))
    return Received(first[0], first[1], headers, body)
