"""Run a console without a screen: an operator who submits, an engine that works, and a log of what was acknowledged.

What the log says is on disk: a line is written once the history has returned, and synced before anything else is done.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from bwp_tui.domain.task import Kind, Request
from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_thread import EngineThread
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import AwsKey, EventQueue, Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.open_store import open_store
from tests.faults import kill_points
from tests.program_server import Arguments
from tests.waiting import eventually

ACTOR: Final = "op"
RECEIVED: Final = date(2026, 11, 20)
SPEED: Final = 10_000.0
"""How many times faster days pass where events come: a poll that is made every six hours takes two seconds."""

_MOST_WAITING: Final = 3
_LONG_HOLD: Final = 100

OPERATOR: Final = "tests.faults.operator_process:operator"
ENGINE: Final = "tests.faults.operator_process:engine"
DRAIN: Final = "tests.faults.operator_process:drain"


def engine_arguments(sandbox: Sandbox, folder: Path, *, with_events: bool = False) -> Arguments:
    """Return the arguments of `engine_thread` for a practice API, its queue, and a history in `folder`."""
    queue = {
        "queue_url": sandbox.queue_url,
        "region": sandbox.region,
        "aws_key_id": sandbox.aws_key.key_id,
        "aws_secret": sandbox.aws_key.secret,
    }
    return {
        **(queue if with_events else {}),
        "folder": str(folder),
        "api_url": sandbox.api_url,
        "token_url": sandbox.token_url,
        "client_id": sandbox.client_id,
        "target_id": sandbox.target_id,
        "secret": sandbox.client_secret,
    }


def practice_profile(folder: str | Path, api_url: str, token_url: str, events: EventQueue | None = None) -> Profile:
    """Return a profile of the practice API; its secret comes beside it. With events, days are short."""
    return Profile(
        name="sandbox",
        folder=Path(folder),
        api_url=api_url,
        token_url=token_url,
        download_dir=Path(folder) / "downloads",
        is_sandbox=True,
        speed=1.0 if events is None else SPEED,
        events=events,
    )


def engine_thread(
    *,
    folder: str,
    api_url: str,
    token_url: str,
    client_id: str,
    target_id: str,
    secret: str,
    queue_url: str | None = None,
    region: str = "",
    aws_key_id: str = "",
    aws_secret: str = "",
) -> EngineThread:
    """Return the engine of a profile, not started."""
    events = None
    if queue_url is not None:
        key, endpoint = AwsKey(aws_key_id, aws_secret), urljoin(queue_url, "/")
        events = EventQueue(queue_url=queue_url, region=region, endpoint_url=endpoint, access_key=key)
    profile = practice_profile(folder, api_url, token_url, events)
    return EngineThread(profile, lambda: EngineConfig(profile, client_id, target_id, secret))


@dataclass(frozen=True)
class AckLog:
    """What was acknowledged to the operator, a line each: its kind, the task's task number, the address."""

    path: Path

    def record(self, what: str, number: int, email: str) -> None:
        """Write a line, and return once it is on disk."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{what} {number} {email}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def acknowledged(self, what: str) -> dict[int, str]:
        """Return the address by task number of all acknowledgements of a kind; a line that is cut short is none."""
        found = {}
        for line in self.path.read_text().split("\n")[:-1] if self.path.exists() else []:
            kind, number, email = line.split(" ")
            if kind == what:
                found[int(number)] = email
        return found


class _Operator:
    """Asks for things, and notes what the history has taken."""

    def __init__(self, store: Store, log: AckLog, rng: random.Random, acknowledged: Callable[[], None]) -> None:
        self._store = store
        self._log = log
        self._rng = rng
        self._acknowledged = acknowledged

    def submit(self, email: str) -> int:
        """File a request and note it."""
        kind = Kind.DELETION if self._rng.random() < 0.4 else Kind.RETRIEVAL
        request = Request(kind, email, RECEIVED, "gdpr", holding_period=_LONG_HOLD)
        number = requests.submit(self._store, request, ACTOR).number
        self._acknowledge("submitted", number)
        return number

    def cancel(self, number: int) -> None:
        """Cancel a request, if that is possible, and note it."""
        with contextlib.suppress(NotPossible):
            requests.cancel(self._store, number, ACTOR)
            self._acknowledge("cancelled", number)

    def cancel_one_of(self, status: str) -> None:
        """Cancel the oldest request in this status, if there is one."""
        row = self._store.row(
            "SELECT number FROM tasks WHERE status = ? AND cancel_asked = 0 AND (kind = 'DELETION' OR task_id IS NULL)"
            " ORDER BY number LIMIT 1",
            (status,),
        )
        if row is not None:
            self.cancel(as_int(row[0]))

    def wait_for_engine(self) -> None:
        """Wait until most of what was asked for is sent."""
        eventually(lambda: self._waiting() <= _MOST_WAITING)

    def _waiting(self) -> int:
        row = self._store.row("SELECT count(*) FROM tasks WHERE status = 'QUEUED'")
        return 0 if row is None else as_int(row[0])

    def _acknowledge(self, what: str, number: int) -> None:
        row = self._store.row("SELECT email FROM tasks WHERE number = ?", (number,))
        assert row is not None, "the history has lost what it returned"
        self._log.record(what, number, str(row[0]))
        self._acknowledged()


def operator(*, log: str, generation: int, point: str | None, nth: int, **arguments: str) -> None:
    """File requests and cancel some beside an engine, until killed; at `point`, if one is named, by itself."""
    acknowledgements = itertools.count(1)

    def acknowledged() -> None:
        if point == kill_points.ACKNOWLEDGED and next(acknowledgements) == nth:
            kill_points.kill_self()

    if point in kill_points.KILL_POINTS | kill_points.EVENT_KILL_POINTS:
        kill_points.kill_self_at(point, nth)
    rng = random.Random(generation)
    user = _Operator(open_store(Path(arguments["folder"]) / "history.db"), AckLog(Path(log)), rng, acknowledged)
    user.cancel_one_of("QUEUED")  # what an earlier process may have sent already
    engine_thread(**arguments).start()
    for count in itertools.count():
        number = user.submit(f"{generation}.{count}@example.com")
        if rng.random() < 0.2:
            user.cancel(number)
        if rng.random() < 0.4:
            user.cancel_one_of("ON_HOLD")
        user.wait_for_engine()


def engine(**arguments: str) -> None:
    """Be an engine, or wait to be it, until killed."""
    engine_thread(**arguments).start()
    threading.Event().wait()


def drain(**arguments: str) -> None:
    """Be an engine until everything asked for is settled, and stop cleanly."""
    store = open_store(Path(arguments["folder"]) / "history.db")
    working = engine_thread(**arguments)
    working.start()
    eventually(lambda: store.row("SELECT 1 FROM intents WHERE state = 'waiting'") is None)
    assert working.stop()
    store.close()
