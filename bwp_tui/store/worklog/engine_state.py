"""Record the state of the engine: its process, its abilities, and the health of the service."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from bwp_tui.domain.times import iso_instant
from bwp_tui.store.database.connection import SqlValue, Store, as_int
from bwp_tui.store.queries.row_mapping import RowMapper


class ServiceHealthState(StrEnum):
    """How the service last responded, or why it is not called."""

    UNTRIED = "untried"
    REACHED = "reached"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    DENIED = "denied"
    BAD_CREDENTIALS = "bad-credentials"
    FAULTY = "faulty"
    UNUSABLE = "unusable"
    """The engine's own settings, proxy or certificates make any call impossible."""
    ENGINE_FAULT = "engine-fault"


class Ability(IntEnum):
    """How much of the ready work an engine can do."""

    NOTHING = 0
    POLLS = 1
    ALL = 2


QUEUE_IS_READ: Final = "on"
"""The state of the event queue while it is read."""

WRONG_SETTINGS: Final = frozenset(
    {ServiceHealthState.BAD_CREDENTIALS, ServiceHealthState.DENIED, ServiceHealthState.UNUSABLE}
)
"""The states that only other settings or permissions end."""

NO_ENGINE_LEFT: Final = "Start bwp-tui run or the console to go on with it, unless one is open."
"""What to do where work is left and no engine runs."""

_DISABLING: Final = frozenset(
    {ServiceHealthState.BAD_CREDENTIALS, ServiceHealthState.UNUSABLE, ServiceHealthState.ENGINE_FAULT}
)


class EngineState(NamedTuple):
    """The process that runs the engine, and how the service last responded to it."""

    pid: int | None = None
    host: str | None = None
    service: str = ServiceHealthState.UNTRIED
    message: str | None = None
    next_try_at: datetime | None = None
    rate_limit: float | None = None
    """The present limit of requests a second, while the service throttles."""
    term: int = 0
    max_ability: Ability = Ability.ALL
    """How much of the ready work its profile permits; the column `ability`."""
    maintenance_finding: str | None = None
    """What the last daily maintenance found wrong."""
    event_queue_state: str | None = None
    """`QUEUE_IS_READ`, or a sentence on what is wrong; None without an event queue, or while it is untried."""
    polls_relaxed: bool = False
    """Whether polls are rare, since events come."""
    foreign_messages: int = 0
    """Messages that were no events of the service, ever."""
    duplicate_events: int = 0
    """Events that were received again, ever."""

    @property
    def service_problem(self) -> str | None:
        """What is wrong with the service, and how an engine that goes on gets over refused credentials; or None."""
        is_refused = self.service == ServiceHealthState.BAD_CREDENTIALS
        awaited = " New credentials are picked up within a minute, and these are tried again."
        return self.message and f"{self.message}{awaited if is_refused else ''}"

    @property
    def problem(self) -> str | None:
        """The sentence on what is wrong with the service, or else with the event queue, or None."""
        return self.service_problem or (None if self.event_queue_state == QUEUE_IS_READ else self.event_queue_state)

    @property
    def process(self) -> str:
        """What a sentence calls its process."""
        return "another process" if self.pid is None else f"process {self.pid}"

    @property
    def present_ability(self) -> Ability:
        """How much of the ready work the engine can do at present: nothing while its settings are of no use."""
        return Ability.NOTHING if self.service in _DISABLING else self.max_ability

    @property
    def limitation(self) -> str | None:
        """What the engine cannot do at present, as the end of a sentence about it; None where it does all."""
        match self.present_ability:
            case Ability.NOTHING:
                return f"cannot work: {self.message}".removesuffix(": None").removesuffix(".")
            case Ability.POLLS:
                return "is read-only: it sends nothing"
            case Ability.ALL:
                return None

    def leaves_work_to(self, pid: int) -> bool:
        """Return whether process `pid` could do work that no engine does: there is none, or another one can do none."""
        return self.pid is None or (self.pid != pid and self.present_ability is Ability.NOTHING)


_STATE: Final = RowMapper(
    EngineState,
    without=("max_ability",),
    rate_limit="most_a_second",
    maintenance_finding="upkeep",
    event_queue_state="events",
)


def read(store: Store) -> EngineState:
    row = store.row(f"SELECT {_STATE.columns}, ability FROM engine")
    if row is None:
        return EngineState()
    ability = as_int(row[_STATE.width])
    return _STATE(row, max_ability=Ability(ability) if ability in tuple(Ability) else Ability.NOTHING)


def record_new_term(store: Store, pid: int | None, host: str | None, ability: Ability = Ability.ALL) -> int:
    """Begin a new term, in which process `pid` on `host` is the engine (no process if None); return its number.

    From now on engines of earlier terms cannot write, and nothing is known about service and event queue.
    """
    with store.write() as transaction:
        [(term,)] = transaction.run(
            "UPDATE engine SET pid = ?, host = ?, ability = ?, term = term + 1, service = 'untried', message = NULL,"
            " next_try_at = NULL, most_a_second = NULL, events = NULL, revision = ? RETURNING term",
            (pid, host, ability, transaction.revision),
        )
        return as_int(term)


def record_health(
    store: Store,
    service: ServiceHealthState,
    message: str | None,
    next_try_at: datetime | None,
    rate_limit: float | None = None,
) -> None:
    """Record how the service responds."""
    next_try = iso_instant(next_try_at)
    _update(store, service=service, message=message, next_try_at=next_try, most_a_second=rate_limit)


def record_maintenance(store: Store, sentence: str | None) -> None:
    """Record what the daily maintenance found wrong, or None."""
    _update(store, upkeep=sentence)


def record_event_queue(store: Store, state: str | None, *, polls_relaxed: bool) -> None:
    """Record the state of the event queue, and whether polls are rare."""
    _update(store, events=state, polls_relaxed=int(polls_relaxed))


def _update(store: Store, **columns: SqlValue) -> None:
    """Set columns of the engine's row if one of them differs: a transaction wakes every console."""
    if store.row(f"SELECT {', '.join(columns)} FROM engine") != (*columns.values(),):
        with store.write() as transaction:
            sql = f"UPDATE engine SET {', '.join(f'{column} = ?' for column in columns)}, revision = ?"
            transaction.run(sql, (*columns.values(), transaction.revision))
