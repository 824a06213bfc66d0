"""Receive requests and send responses of HTTP/1.1 on one connection, which a fault may cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import h11

LONGEST_BODY: Final = 1024 * 1024
"""Bytes of a request's body, at most."""

_READ_BYTES: Final = 64 * 1024
_CHUNK: Final = 256 * 1024
_SENDS_PER_SECOND: Final = 10


Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A part of a file: `length` bytes from `start`."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What to send: a status, headers, and bytes or a part of a file.

    `rate` returns bytes a second, None for as fast as it goes. With `cut_after` the connection is cut once so many
    bytes of the body are sent.
    """

    status: int
    headers: Headers
    body: bytes | FileSlice
    rate: Callable[[], int | None] = lambda: None
    cut_after: int | None = None

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return self.body.length if isinstance(self.body, FileSlice) else len(self.body)


class TooLongError(Exception):
    """A request's body is longer than `LONGEST_BODY`."""


class HttpConnection:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._method = ""

    async def request(self) -> HttpRequest | None:
        """Return the next request, or None once the client is done."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > LONGEST_BODY:
                raise TooLongError
        self._method = head.method.decode()
        url = urlsplit(head.target.decode("latin-1"))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return HttpRequest(self._method, url.path, url.query, headers, bytes(body))

    async def send(self, response: HttpResponse) -> bool:
        """Send a response; return whether the connection can take another request."""
        headers = [*response.headers, ("Content-Length", str(response.length))]
        reason = HTTPStatus(response.status).phrase.encode()
        self._write(h11.Response(status_code=response.status, headers=headers, reason=reason))
        if self._method != "HEAD":
            await self._send_body(response)
        if response.cut_after is not None:
            return False
        self._write(h11.EndOfMessage())
        await self._writer.drain()
        return self._http.our_state is h11.DONE

    async def _send_body(self, response: HttpResponse) -> None:
        length = response.length if response.cut_after is None else min(response.cut_after, response.length)
        clock = asyncio.get_running_loop().time
        due = clock()
        rate = response.rate()
        step = _CHUNK if rate is None else max(1, min(_CHUNK, rate // _SENDS_PER_SECOND))
        for chunk in _chunks(response.body, length, step):
            self._write(h11.Data(data=chunk))
            await self._writer.drain()
            if (rate := response.rate()) is not None:
                due += len(chunk) / rate
                await asyncio.sleep(due - clock())

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event


def _chunks(body: bytes | FileSlice, length: int, step: int) -> Iterator[bytes]:
    if isinstance(body, bytes):
        for at in range(0, length, step):
            yield body[at : min(at + step, length)]
        return
    with body.path.open("rb") as file:
        file.seek(body.start)
        while length > 0 and (chunk := file.read(min(step, length))):
            length -= len(chunk)
            yield chunk
