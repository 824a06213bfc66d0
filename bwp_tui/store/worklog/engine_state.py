"""What the engine says of itself: who it is, what it can do, and how the service answers it."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from bwp_tui.domain.times import from_text, to_text
from bwp_tui.store.database.connection import Store, as_int, as_text


class ServiceState(StrEnum):
    """How the service last answered, or why it is not asked."""

    UNTRIED = "untried"
    REACHED = "reached"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    DENIED = "denied"
    BAD_CREDENTIALS = "bad-credentials"
    FAULTY = "faulty"
    UNUSABLE = "unusable"
    """The engine's own proxy or certificates make any call impossible."""
    ENGINE_FAULT = "engine-fault"


class Ability(IntEnum):
    """How much of what is due an engine can do."""

    NOTHING = 0
    POLLS = 1
    ALL = 2


_DISABLING: Final = frozenset({ServiceState.BAD_CREDENTIALS, ServiceState.UNUSABLE, ServiceState.ENGINE_FAULT})


class EngineState(NamedTuple):
    """Who runs the profile's engine, and how the service last answered it."""

    pid: int | None
    host: str | None
    service: str
    message: str | None
    next_try_at: datetime | None
    most_a_second: float | None = None
    """Requests a second that go out at most, for as long as the service wants fewer."""
    term: int = 0
    permitted: Ability = Ability.ALL
    upkeep: str | None = None
    """What the last look at the pages and the daily copy found wrong."""

    @property
    def ability(self) -> Ability:
        """How much of what is due the engine can do at present."""
        return Ability.NOTHING if self.service in _DISABLING else self.permitted

    def applies_to(self, pid: int) -> bool:
        """Say whether what the service answered holds for process `pid` too, and not for another's settings alone."""
        return self.pid is not None and (self.pid == pid or self.ability is not Ability.NOTHING)


def read(store: Store) -> EngineState:
    """Return what the engine last said."""
    row = store.row("SELECT pid, host, service, message, next_try_at, most_a_second, term, ability, upkeep FROM engine")
    if row is None:
        return EngineState(None, None, ServiceState.UNTRIED, None, None)
    pid, host, service, message, next_try_at, most, term, ability, upkeep = row
    return EngineState(
        pid=pid if isinstance(pid, int) else None,
        host=None if host is None else as_text(host),
        service=as_text(service),
        message=None if message is None else as_text(message),
        next_try_at=None if next_try_at is None else from_text(as_text(next_try_at)),
        most_a_second=None if most is None else float(most),
        term=as_int(term),
        permitted=Ability(as_int(ability)),
        upkeep=None if upkeep is None else as_text(upkeep),
    )


def announce(store: Store, pid: int | None, host: str | None, ability: Ability = Ability.ALL) -> int:
    """Record that process `pid` on `host` is the engine now, with nothing tried yet; None when it has stopped.

    Returns the term that begins with it: no engine of an earlier one can write any more.
    """
    with store.write() as transaction:
        [(term,)] = transaction.run(
            "UPDATE engine SET pid = ?, host = ?, ability = ?, term = term + 1, service = 'untried', message = NULL,"
            " next_try_at = NULL, most_a_second = NULL, revision = ? RETURNING term",
            (pid, host, ability, transaction.revision),
        )
        return as_int(term)


def record_health(
    store: Store,
    service: ServiceState,
    message: str | None,
    next_try_at: datetime | None,
    most_a_second: float | None = None,
) -> None:
    """Record how the service answers; writes only what differs, so that a calm engine writes nothing."""
    state = read(store)
    if (state.service, state.message, state.next_try_at, state.most_a_second) == (
        service,
        message,
        next_try_at,
        most_a_second,
    ):
        return
    with store.write() as transaction:
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


def record_maintenance(store: Store, sentence: str | None) -> None:
    """Record what is wrong with the pages or the daily copy, or that nothing is; writes only what differs."""
    if read(store).upkeep != sentence:
        with store.write() as transaction:
            transaction.run("UPDATE engine SET upkeep = ?, revision = ?", (sentence, transaction.revision))
