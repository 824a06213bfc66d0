"""The service, 50 ms away and never at a loss: answers polls, submissions and link queries without knowing any task.

`python -m tests.benchmarks.far_service ROUND_TRIP_S STATUS LINK` prints its port. Each answer leaves that long after
its request has come, however many come at once. `GET /calls` tells how many of each kind there were.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.request import urlopen
from uuid import uuid4

from tests.benchmarks.ptys import ROOT

LONG_AGO: Final = "2026-01-01T00:00:00Z"
"""When every task was submitted, as the service says."""
_OLD: Final = {"submissionDate": LONG_AGO, "lastUpdatedDate": LONG_AGO}


@dataclass(frozen=True)
class FarService:
    """The service in a process of its own."""

    port: int

    @property
    def env(self) -> dict[str, str]:
        """What leads the program to it."""
        url = f"http://127.0.0.1:{self.port}"
        return {"BWP_API_URL": f"{url}/graphql", "BWP_TOKEN_URL": f"{url}/token"}

    @property
    def calls(self) -> Counter[str]:
        """How often `poll`, `start` and `link` were asked for."""
        with urlopen(f"http://127.0.0.1:{self.port}/calls") as answer:
            return Counter(json.load(answer))


@contextmanager
def far_service(round_trip_s: float, status: str = "IN_PROGRESS", link: str = "") -> Iterator[FarService]:
    """Run the service while the block lasts; every task has this status, and every archive lies behind this link."""
    argv = [sys.executable, "-m", "tests.benchmarks.far_service", str(round_trip_s), status, link]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield FarService(int(process.stdout.readline()))
        finally:
            process.kill()


class _Service:
    def __init__(self, round_trip_s: float, status: str, link: str) -> None:
        self._round_trip_s = round_trip_s
        self._status = status
        self._link = link
        self._calls: Counter[str] = Counter()

    async def serve(self) -> None:
        server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
                body = await reader.readexactly(int(length or 0))
                due = asyncio.get_running_loop().time() + self._round_trip_s
                answer = json.dumps(self._answer(head.split(" ")[1], body)).encode()
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n" % len(answer) + answer)
        writer.close()

    def _answer(self, path: str, body: bytes) -> object:
        if path == "/calls":
            return self._calls
        if path == "/token":
            return {"access_token": "token", "token_type": "bearer", "expires_in": 900}
        call = json.loads(body)
        query, variables = call["query"], call["variables"]
        if query.startswith("mutation"):
            self._calls["start"] += 1
            return {"data": {query.split("{")[1].split("(")[0].strip(): {"taskId": str(uuid4())}}}
        if query.startswith("query RetrievalLink"):
            self._calls["link"] += 1
            task = {"taskId": variables["taskId"], "status": "COMPLETED", "dataRetrievalLink": self._link}
            return {"data": {"personalDataRetrievalTask": task}}
        self._calls["poll"] += 1
        return {"data": {alias: {"taskId": task, "status": self._status, **_OLD} for alias, task in variables.items()}}


if __name__ == "__main__":
    asyncio.run(_Service(float(sys.argv[1]), sys.argv[2], sys.argv[3]).serve())
