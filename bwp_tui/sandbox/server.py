"""The practice API as a server on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

import h11

from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.sandbox.archive_server import ArchiveServer
from bwp_tui.sandbox.archives import Archives
from bwp_tui.sandbox.events.delivery import EventDelivery
from bwp_tui.sandbox.events.message_queue import MessageQueue
from bwp_tui.sandbox.events.signature import AwsKey, SignatureCheck
from bwp_tui.sandbox.events.sqs_server import SqsServer
from bwp_tui.sandbox.events.subscription_fields import SubscriptionFields
from bwp_tui.sandbox.events.subscriptions import ACCOUNT, Destination, Subscriptions
from bwp_tui.sandbox.faults import Fault, Faults
from bwp_tui.sandbox.graphql import ROOT_FIELDS, GraphQLService
from bwp_tui.sandbox.http_connection import HttpConnection, HttpResponse, TooLongError
from bwp_tui.sandbox.links import LinkSigner
from bwp_tui.sandbox.sandbox_state import SandboxState
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.sandbox.service import Service
from bwp_tui.sandbox.task_outcomes import seeded_uuid
from bwp_tui.sandbox.tokens import TokenIssuer

HOST: Final = "127.0.0.1"

_BACKLOG: Final = 512


class Sandbox:
    """A practice API over real HTTP.

    It begins with `tasks` past tasks, which `past_tasks` holds too. `speed` divides holding periods, `rate` limits
    downloads in bytes a second and may be changed at any time, `slow_s` is how many seconds that fault takes and a
    late event is late, and a document may hold `root_fields` fields. All events are subscribed to; one that was
    received is hidden for `visibility_s` seconds.
    The email decides what becomes of a task: `nobody@…` is not found, a deletion about `open-orders@…` fails,
    `slow@…` takes five minutes, and the archive about `big@…` has 210 MB; each may carry a suffix, `nobody+2@…`.
    With `new_ids` its task ids are not those of an earlier practice API with the same seed, which a history may know.

    Stopped and started again it has the same tasks, address and credentials.
    """

    def __init__(
        self,
        *,
        tasks: int = 0,
        seed: int = 1,
        speed: float = 1.0,
        faults: Sequence[Fault] = (),
        port: int = 0,
        clock: Clock = utc_now,
        rate: int | None = None,
        slow_s: float = 3.0,
        root_fields: int = ROOT_FIELDS,
        visibility_s: float = 60.0,
        new_ids: bool = False,
    ) -> None:
        secrets = random.Random(f"{seed}/credentials")  # noqa: S311  for this practice API alone
        self.client_id = "practice-client"
        self.client_secret = f"practice-{secrets.randbytes(16).hex()}"
        self.target_id = f"bp-{seeded_uuid(secrets)}"
        self.aws_key = AwsKey(f"AKIA{secrets.getrandbits(64):016X}", f"practice-{secrets.randbytes(16).hex()}")
        self.region = "us-east-1"
        self.faults = Faults(faults, seed)
        self.state = SandboxState(seed=seed, speed=speed, clock=clock, new_ids=new_ids)
        self.past_tasks = past_tasks(tasks, seed, clock())
        self.state.add_past_tasks(self.past_tasks)
        self.subscriptions = Subscriptions(seed)
        for event_type in EVENT_TYPES:
            self.subscriptions.create(event_type, Destination(ACCOUNT, self.region, "practice"))
        hidden = timedelta(seconds=visibility_s)
        self._dead_letters = MessageQueue("bwp-practice-dead-letters", clock, hidden, seed)
        self._queue = MessageQueue("bwp-practice-events", clock, hidden, seed, self._dead_letters)
        self._tokens = TokenIssuer(self.client_id, self.client_secret, clock)
        self._seed = seed
        self._clock = clock
        self.rate = rate
        self._slow = slow_s
        self._root_fields = root_fields
        self._port = port
        self._running: _ServerThread | None = None

    @property
    def address(self) -> str:
        """Host and port, `127.0.0.1:8080`. Known once the sandbox has been started, where no port was given."""
        return f"{HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """Where GraphQL requests go."""
        return f"http://{self.address}/graphql"

    @property
    def token_url(self) -> str:
        """Where access tokens are asked for."""
        return f"http://{self.address}/token"

    @property
    def endpoint_url(self) -> str:
        """Where requests to SQS go."""
        return f"http://{self.address}"

    @property
    def queue_url(self) -> str:
        """The queue that events come to."""
        return f"{self.endpoint_url}/{ACCOUNT}/{self._queue.name}"

    @property
    def dead_letter_url(self) -> str:
        """The queue of messages that were received too often."""
        return f"{self.endpoint_url}/{ACCOUNT}/{self._dead_letters.name}"

    def start(self) -> None:
        """Listen, and respond in a thread of its own; nothing happens where it runs already."""
        if self._running is None:
            listener = socket.create_server((HOST, self._port), backlog=_BACKLOG)
            # Accepted sockets inherit it; asyncio sets it only on sockets made for TCP by name, which this is not.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._port = listener.getsockname()[1]
            self._running = _ServerThread(listener, self._service)

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def serve_forever(self, announce: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM, then stop. For the main thread of a process.

        `announce` is called once either signal ends it cleanly: whoever learns of the address can end the process.
        """
        self.start()
        try:
            asyncio.run(_wait_for_signal(announce))
        finally:
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _service(self, folder: Path) -> Service:
        links = LinkSigner(f"http://{self.address}", self._seed, self._clock)

        def make_link(task_id: str) -> str:
            self.state.count_call("link")
            return links.make(task_id, expired=self.faults.hits("expired-link"))

        subscriptions = SubscriptionFields(self.state, self.subscriptions, self.target_id)
        delivery = EventDelivery(
            self.state,
            self.subscriptions,
            self._queue,
            self.faults,
            self.target_id,
            late=timedelta(seconds=self._slow),
            rng=random.Random(f"{self._seed}/events"),  # noqa: S311  repeatable, no secret
        )
        return Service(
            state=self.state,
            tokens=self._tokens,
            graphql=GraphQLService(self.state, make_link, subscriptions.resolvers(), self._root_fields),
            archives=ArchiveServer(
                self.state,
                links,
                Archives(folder, self._seed),
                self.faults,
                random.Random(f"{self._seed}/requests"),  # noqa: S311  names a response, no secret
                lambda: self.rate,
            ),
            queues=SqsServer(
                (self._queue, self._dead_letters),
                SignatureCheck(self.aws_key, self.region, utc_now),  # clients sign by the time that it is
                self.faults,
                self.region,
                delivery.deliver,
            ),
            faults=self.faults,
            target_id=self.target_id,
            slow_s=self._slow,
            clock=self._clock,
        )


async def _wait_for_signal(announce: Callable[[], None]) -> None:
    over = asyncio.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(wanted, over.set)
    announce()
    await over.wait()


ServiceMaker = Callable[[Path], Service]
"""Makes the service of one run, given the folder for its archives, which is deleted after the run."""


class _ServerThread:
    """Serves on `listener`, which it owns, from a daemon thread until it is stopped."""

    def __init__(self, listener: socket.socket, make_service: ServiceMaker) -> None:
        self._listener = listener
        self._make_service = make_service
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
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

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                if self._over.is_set():
                    writer.transport.abort()
                    return
                connection = self._loop.create_task(_serve_connection(service, reader, writer))
                self._connections[connection] = writer
                connection.add_done_callback(self._connections.pop)

            server = await asyncio.start_server(connected, sock=self._listener)
            await self._over.wait()
            # No more connections; those being accepted first, which asyncio would leave open after `close`.
            self._loop.remove_reader(self._listener)
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task(), *self._connections})
            server.close()
            for connection, writer in self._connections.items():
                connection.cancel()
                writer.transport.abort()  # its task may not have begun, and would then not close it
            await asyncio.gather(*self._connections, return_exceptions=True)
            # An archive may still be in the making: its thread must be done before the folder goes.
            await self._loop.shutdown_default_executor()


async def _serve_connection(service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _serve_requests(service, HttpConnection(reader, writer))
        writer.close()
        await writer.wait_closed()
    except (ConnectionError, asyncio.CancelledError):
        writer.transport.abort()


async def _serve_requests(service: Service, connection: HttpConnection) -> None:
    try:
        while (request := await connection.request()) is not None:
            response = await service.respond(request)
            if response is None or not await connection.send(response):
                return
    except h11.RemoteProtocolError:
        await connection.send(_protocol_error(400))
    except TooLongError:
        await connection.send(_protocol_error(413))


def _protocol_error(status: int) -> HttpResponse:
    return HttpResponse(status, (("Content-Type", "text/plain"), ("Connection", "close")), b"")
