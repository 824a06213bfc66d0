"""What the engine says of itself, for every console of the profile to show."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bwp_tui.domain.times import from_text, to_text
from bwp_tui.history.connection import History, as_text


class Service(StrEnum):
    """How the service last answered."""

    UNTRIED = "untried"
    REACHED = "reached"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    DENIED = "denied"
    BAD_CREDENTIALS = "bad-credentials"
    FAULTY = "faulty"


class EngineState(NamedTuple):
    """Who runs the profile's engine, and how the service last answered it."""

    pid: int | None
    host: str | None
    service: str
    message: str | None
    next_try_at: datetime | None
    most_a_second: float | None = None
    """Requests a second that go out at most, for as long as the service wants fewer."""


def read(history: History) -> EngineState:
    """Return what the engine last said."""
    row = history.row("SELECT pid, host, service, message, next_try_at, most_a_second FROM engine")
    if row is None:
        return EngineState(None, None, Service.UNTRIED, None, None)
    pid, host, service, message, next_try_at, most = row
    return EngineState(
        pid=pid if isinstance(pid, int) else None,
        host=None if host is None else as_text(host),
        service=as_text(service),
        message=None if message is None else as_text(message),
        next_try_at=None if next_try_at is None else from_text(as_text(next_try_at)),
        most_a_second=None if most is None else float(most),
    )


def announce(history: History, pid: int | None, host: str | None) -> None:
    """Record that process `pid` on `host` is the engine now, with nothing tried yet; None when it has stopped."""
    with history.write() as transaction:
        transaction.run(
            "UPDATE engine SET pid = ?, host = ?, service = 'untried', message = NULL, next_try_at = NULL,"
            " most_a_second = NULL, revision = ?",
            (pid, host, transaction.revision),
        )


def report(
    history: History,
    service: Service,
    message: str | None,
    next_try_at: datetime | None,
    most_a_second: float | None = None,
) -> None:
    """Record how the service answers; writes only what differs, so that a calm engine writes nothing."""
    state = read(history)
    if (state.service, state.message, state.next_try_at, state.most_a_second) == (
        service,
        message,
        next_try_at,
        most_a_second,
    ):
        return
    with history.write() as transaction:
        transaction.run(
            "UPDATE engine SET service = ?, message = ?, next_try_at = ?, most_a_second = ?, revision = ?",
            (
                service,
                message,
                None if next_try_at is None else to_text(next_try_at),
                most_a_second,
                transaction.revision,
            ),
        )
