"""The thread, the event loop and the connections of a running practice API."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import h11

from bwp_tui.sandbox.http_connection import HttpConnection, HttpResponse, TooLongError
from bwp_tui.sandbox.service import Service

ServiceMaker = Callable[[Path], Service]
"""Makes the service of one run; the folder for its archives lives as long as the run."""


class RunningServer:
    """Serves on `listener`, which it owns, from a daemon thread until it is stopped."""

    def __init__(self, listener: socket.socket, make_service: ServiceMaker) -> None:
        self._listener = listener
        self._make_service = make_service
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="practice-api", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and return once the thread has ended."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        with tempfile.TemporaryDirectory(prefix="bwp-practice-") as folder:
            service = self._make_service(Path(folder))

            async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._connected(service, reader, writer)

            server = await asyncio.start_server(connected, sock=self._listener)
            await self._over.wait()
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            # An archive may still be in the making: its thread must be done before the folder goes.
            await self._loop.shutdown_default_executor()

    async def _connected(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        if connection is None or self._over.is_set():
            writer.close()
            return
        self._connections.add(connection)
        try:
            await _serve_requests(service, HttpConnection(reader, writer))
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.discard(connection)


async def _serve_requests(service: Service, line: HttpConnection) -> None:
    try:
        while (request := await line.request()) is not None:
            response = await service.respond(request)
            if response is None or not await line.send(response):
                return
    except h11.RemoteProtocolError:
        await line.send(_protocol_error(400))
    except TooLongError:
        await line.send(_protocol_error(413))


def _protocol_error(status: int) -> HttpResponse:
    return HttpResponse(status, (("Content-Type", "text/plain"), ("Connection", "close")), b"")
