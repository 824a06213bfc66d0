"""A TCP proxy on loopback that spoils the connections between a client and a practice API."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from bwp_tui.domain.times import Clock
from bwp_tui.sandbox.server import HOST, Sandbox

_READ: Final = 16 * 1024
_PACES_PER_SECOND: Final = 20
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Toxics:
    """What is done to one connection. Times in seconds, amounts in bytes.

    `latency` and up to `jitter` more are added to every piece in either direction. `bandwidth` bounds answers in
    bytes a second. The line is cut once `cut_request` bytes of requests or `cut_answer` bytes of answers have
    passed: both ends see its end, or a reset with `reset`. `limit_data` bytes of answers pass and no more, though
    the line stays. `slow_close` delays the end of the server's side. With `blackhole` nothing passes at all.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: int | None = None
    cut_request: int | None = None
    cut_answer: int | None = None
    reset: bool = False
    limit_data: int | None = None
    slow_close: float = 0.0
    blackhole: bool = False


CLEAN: Final = Toxics()

Choice = Callable[[bytes], Toxics]
"""Chooses the toxics of a connection by the first bytes that its client has sent."""


class ChaosProxy:
    """Passes connections on to the port `target` of loopback. To be entered in the event loop that it works in."""

    def __init__(self, choose: Choice, *, target: int = 0, seed: int = 1) -> None:
        self.target = target
        self._choose = choose
        self._rng = random.Random(seed)
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0
        self.used: list[Toxics] = []
        """The toxics of every connection so far."""
        self.passed: list[int] = []
        """For each of them, how many bytes of answers went on to the client."""

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            await self._pass_on(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._lines.discard(line)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(_READ)
        toxics = self._choose(first)
        self.used.append(toxics)
        self.passed.append(0)
        line = len(self.passed) - 1
        if toxics.blackhole:
            while await reader.read(_READ):
                pass
            writer.close()
            return

        def passed(length: int) -> None:
            self.passed[line] += length

        there_reader, there_writer = await asyncio.open_connection(HOST, self.target)
        pumps = [
            asyncio.create_task(_Pump(toxics, self._rng, reader, there_writer).requests(first)),
            asyncio.create_task(_Pump(toxics, self._rng, there_reader, writer).answers(passed)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, there_writer):
                _end(end, reset=toxics.reset)


@dataclass(frozen=True, slots=True)
class _Pump:
    """One direction of a connection. Its coroutines return when the connection is over."""

    toxics: Toxics
    rng: random.Random
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def requests(self, first: bytes) -> None:
        left = self.toxics.cut_request
        piece = first
        while piece:
            await self._delay()
            self.writer.write(piece if left is None else piece[:left])
            await self.writer.drain()
            if left is not None and (left := left - len(piece)) <= 0:
                return
            piece = await self.reader.read(_READ)

    async def answers(self, passed_on: Callable[[int], None]) -> None:
        toxics, passed = self.toxics, 0
        size = _READ if toxics.bandwidth is None else max(1, toxics.bandwidth // _PACES_PER_SECOND)
        while piece := await self.reader.read(size):
            await self._delay()
            allowed = self._allowed(piece, passed)
            self.writer.write(allowed)
            await self.writer.drain()
            passed_on(len(allowed))
            passed += len(piece)
            if toxics.cut_answer is not None and passed >= toxics.cut_answer:
                return
            if toxics.bandwidth is not None:
                await asyncio.sleep(len(piece) / toxics.bandwidth)
        await asyncio.sleep(toxics.slow_close)

    def _allowed(self, piece: bytes, passed: int) -> bytes:
        bounds = [bound for bound in (self.toxics.cut_answer, self.toxics.limit_data) if bound is not None]
        return piece[: max(0, min(bounds) - passed)] if bounds else piece

    async def _delay(self) -> None:
        seconds = self.toxics.latency + self.rng.uniform(0.0, self.toxics.jitter)
        if seconds:
            await asyncio.sleep(seconds)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        writer.close()
        return
    end: socket.socket | None = writer.get_extra_info("socket")
    if end is not None:
        with contextlib.suppress(OSError):  # the other side was faster
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


class FrontedSandbox(Sandbox):
    """A practice API that announces the address of the proxy before it, in its links too."""

    def __init__(self, front: str, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._front = front

    @property
    def address(self) -> str:
        """The proxy's address."""
        return self._front

    @property
    def own_port(self) -> int:
        """The port that it listens on itself, once started."""
        return int(super().address.rpartition(":")[2])
