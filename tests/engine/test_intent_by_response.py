"""What becomes of a submission and of a cancellation, by what came back: only the service's own word ends one."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.contract.inputs import CLIENT_TOKEN_LIFETIME
from bwp_tui.domain.task import Kind
from bwp_tui.engine.resilience.service_health import SINGLE_REFUSAL_PAUSE_S
from bwp_tui.engine.runtime.engine import Engine
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import intent_log, tasks, timeline
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.api.server import Reaction, Received, ScriptedServer, answer, graphql, raw
from tests.engine.shop import ACTOR, request, submit
from tests.manual_clock import ManualClock

START = "startPersonalDataDeletionTask"
CANCEL = "cancelPersonalDataDeletionTask"
STARTED = graphql(data={START: {"taskId": "id-1"}})
LOST = raw(b"")
PAGE = b"<html><body>nginx</body></html>"
CANNOT = "CannotCancelPersonalDataDeletionTask"
HELD = 30


def classified(type_: str, field: str, **more: object) -> Reaction:
    entry = {"message": "why", "path": [field], "extensions": {"classification": {"type": type_, **more}}}
    return graphql(errors=[entry], data={field: None})


def engines(classification: str, field: str) -> Reaction:
    """Refuse as a GraphQL engine does of its own."""
    return graphql(errors=[{"message": "why", "path": [field], "extensions": {"classification": classification}}])


PASSING: dict[str, Callable[[str], Reaction]] = {
    "a page with 400": lambda _: answer(400, PAGE),
    "a page with 413": lambda _: answer(413, PAGE),
    "a page with 422": lambda _: answer(422, PAGE),
    "a page with 404": lambda _: answer(404, PAGE),
    "a page with 200": lambda _: answer(200, PAGE),
    "a redirection": lambda _: answer(302, location="https://login.example/"),
    "502": lambda _: answer(502, PAGE),
    "AWS throttling in the body of a 400": lambda _: graphql(400, __type="a.b#ThrottlingException", message="m"),
    "AWS throttling in the head of a 400": lambda _: answer(400, x_amzn_ErrorType="ThrottlingException:"),
    "AWS throttling as a GraphQL error": lambda _: graphql(errors=[{"errorType": "ThrottlingException"}]),
    "an error that is a text": lambda _: graphql(errors=["upstream timeout"]),
    "an error without class": lambda _: graphql(errors=[{"message": "Service temporarily unavailable"}]),
    "INTERNAL_SERVER_ERROR": lambda _: graphql(
        errors=[{"message": "m", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]
    ),
    "PersistedQueryNotFound": lambda _: graphql(400, errors=[{"message": "PersistedQueryNotFound"}]),
    "ExecutionAborted": lambda field: engines("ExecutionAborted", field),
    "an engine's own ValidationError": lambda field: engines("ValidationError", field),
    "a ValidationError about another field": lambda _: classified("ValidationError", "other"),
    "InternalServerError": lambda field: classified("InternalServerError", field),
    "ThrottlingError": lambda field: classified("ThrottlingError", field),
    "a slip: not found": lambda field: classified("ResourceNotFoundError", field),
    "a new type": lambda field: classified("BrandNewError", field, errorCode=400),
}


@pytest.fixture
async def engine(server: ScriptedServer, store: Store, profile: Profile) -> AsyncIterator[Engine]:
    endpoint = Endpoint(
        f"{server.url}/graphql", f"{server.url}/token", "2024-11-01", "bp-1", "client-1", SecretStr("s")
    )
    api = PrivacyApi(endpoint, connect_timeout=5, read_timeout=5)
    yield Engine(store, api, profile)
    await api.aclose()


async def tried(engine: Engine, clock: ManualClock) -> None:
    """Try what is ready, and let the time pass until it is ready again."""
    await engine.run_once()
    clock.advance(seconds=SINGLE_REFUSAL_PAUSE_S)


async def started(engine: Engine, server: ScriptedServer, store: Store) -> int:
    """Return the number of a deletion that is on hold, and not to be polled soon."""
    server.script("/graphql", STARTED)
    number = submit(store, "jane@example.com", Kind.DELETION, HELD)
    await engine.run_once()
    with store.write() as transaction:
        transaction.run("UPDATE tasks SET next_poll_at = NULL")
    return number


def tokens_sent(server: ScriptedServer) -> set[str]:
    return {
        part.partition('"')[0]
        for received in server.seen("/graphql")
        for part in received.body.decode().split('"clientToken": {"token": "')[1:]
    }


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("before", [[], [LOST]], ids=["first try", "after a lost answer"])
async def test_a_submission_outlives_what_is_not_the_services_word_and_keeps_its_token(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock, before: list[Reaction], name: str
) -> None:
    server.script("/graphql", *before, PASSING[name](START), STARTED)
    number = submit(store, "jane@example.com", Kind.DELETION, HELD)
    for _ in before:
        await tried(engine, clock)
    await tried(engine, clock)
    waiting = tasks.get(store, number)
    assert (waiting.status, waiting.trouble is not None) == ("QUEUED", True)
    await tried(engine, clock)
    assert tasks.get(store, number).task_id == "id-1"
    assert len(tokens_sent(server)) == 1


async def test_the_services_refusal_of_a_first_try_rejects(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock
) -> None:
    server.script("/graphql", classified("ValidationError", START, code="Bad"))
    number = submit(store, "jane@example.com", Kind.DELETION, HELD)
    await tried(engine, clock)
    task = tasks.get(store, number)
    assert (task.status, task.errors[0].code) == ("REJECTED", "Bad")


async def test_the_services_refusal_after_a_lost_answer_confirms_nothing_and_is_kept(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock
) -> None:
    server.script("/graphql", LOST, classified("ValidationError", START, code="Bad"))
    number = submit(store, "jane@example.com", Kind.DELETION, HELD)
    await tried(engine, clock)
    await tried(engine, clock)
    task = tasks.get(store, number)
    assert (task.status, task.errors[0].code) == ("UNCONFIRMED", "Bad")
    assert "why" in (task.trouble or "")
    requests.resubmit(store, number, ACTOR)


async def test_a_refusal_after_a_throttled_try_rejects(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock
) -> None:
    server.script("/graphql", answer(429), classified("ValidationError", START))
    number = submit(store, "jane@example.com", Kind.DELETION, HELD)
    await tried(engine, clock)
    await tried(engine, clock)
    assert tasks.get(store, number).status == "REJECTED"


@pytest.mark.parametrize(("first", "status"), [(LOST, "UNCONFIRMED"), (answer(400, PAGE), "IN_PROGRESS")])
async def test_after_eight_hours_of_refusals_only_what_may_have_been_started_is_left_to_an_operator(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock, first: Reaction, status: str
) -> None:
    server.script("/graphql", first, answer(400, PAGE))
    number = submit(store, "jane@example.com", Kind.DELETION, 0)
    for _ in range(3):
        await tried(engine, clock)
    clock.advance(CLIENT_TOKEN_LIFETIME)
    server.script("/graphql", STARTED)
    await engine.run_once()
    assert tasks.get(store, number).status == status


@pytest.mark.parametrize("name", [*PASSING, "an unspecified ValidationError", "the answer of another task"])
@pytest.mark.parametrize("before", [[], [LOST]], ids=["first try", "after a lost answer"])
async def test_a_cancellation_is_repeated_until_the_service_has_cancelled(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock, before: list[Reaction], name: str
) -> None:
    number = await started(engine, server, store)
    requests.cancel(store, number, ACTOR)
    made: dict[str, Callable[[str], Reaction]] = {
        **PASSING,
        "an unspecified ValidationError": lambda field: classified("ValidationError", field),
        "the answer of another task": lambda field: graphql(data={field: {"taskId": "id-2"}}),
    }
    server.script("/graphql", *before, made[name](CANCEL), graphql(data={CANCEL: {"taskId": "id-1"}}))
    for _ in before:
        await tried(engine, clock)
    await tried(engine, clock)
    waiting = tasks.get(store, number)
    assert (waiting.status, waiting.cancel_asked) == ("ON_HOLD", True)
    await tried(engine, clock)
    assert tasks.get(store, number).status == "CANCELLED"


@pytest.mark.parametrize(("before", "is_doubtful"), [([], False), ([LOST], True)])
async def test_a_cancellation_ends_when_the_service_says_that_it_cannot_be(
    engine: Engine,
    server: ScriptedServer,
    store: Store,
    clock: ManualClock,
    before: list[Reaction],
    is_doubtful: bool,
) -> None:
    number = await started(engine, server, store)
    requests.cancel(store, number, ACTOR)
    server.script("/graphql", *before, classified("ValidationError", CANCEL, code=CANNOT), LOST)
    for _ in [*before, None]:
        await tried(engine, clock)
    assert not tasks.get(store, number).cancel_asked
    [refusal] = [event for event in timeline.of_task(store, number) if event.what == "cancel refused"]
    assert ("may have been cancelled" in (refusal.detail or "")) is is_doubtful


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED", "FAILED"])
async def test_a_cancellation_ends_when_the_task_is_seen_to_be_beyond_it(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock, status: str
) -> None:
    number = await started(engine, server, store)
    requests.cancel(store, number, ACTOR)
    server.script("/graphql", answer(400, PAGE), graphql(data={"t0": {"taskId": "id-1", "status": status}}))
    await tried(engine, clock)
    with store.write() as transaction:
        transaction.run("UPDATE intents SET not_before = '9999' WHERE state = 'waiting'")
    requests.poll_now(store, [number])
    await tried(engine, clock)
    task = tasks.get(store, number)
    assert (task.status, task.cancel_asked) == (status, False)
    assert status in (intent_log.of_task(store, number)[-1].outcome_event[1] or "")


async def test_one_request_that_is_always_refused_holds_up_no_other(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock
) -> None:
    def picky(server: ScriptedServer, line: socket.socket, received: Received) -> None:
        made = graphql(data={START: {"taskId": str(uuid.uuid4())}})
        (answer(400, PAGE) if b"poison" in received.body else made)(server, line, received)

    server.script("/graphql", picky)
    poison = [submit(store, f"poison{n}@example.com", Kind.DELETION, HELD) for n in range(3)]
    good = [submit(store, f"good{n}@example.com", Kind.DELETION, HELD) for n in range(8)]
    for _ in range(60):
        await engine.run_once()
        with store.write() as transaction:
            transaction.run("UPDATE tasks SET next_poll_at = NULL")
        clock.advance(seconds=5)
    assert all(tasks.get(store, number).task_id for number in good)
    assert {tasks.get(store, number).status for number in poison} == {"QUEUED"}
    refused = [received for received in server.seen("/graphql") if b"poison" in received.body]
    assert len(refused) <= 3 * 12, "in five minutes"


async def test_a_throttled_batch_of_polls_is_asked_again_and_not_in_more_requests(
    engine: Engine, server: ScriptedServer, store: Store
) -> None:
    for n in range(20):
        requests.track(store, Kind.DELETION, f"id-{n}", request(""), ACTOR)
    server.script("/graphql", PASSING["AWS throttling in the body of a 400"](""))
    await engine.run_once()
    assert len(server.seen("/graphql")) == 1
    assert engine_state.read(store).service == ServiceHealthState.THROTTLED


async def test_a_batch_refused_without_a_reason_is_smaller_at_the_next_try_and_no_sooner(
    engine: Engine, server: ScriptedServer, store: Store, clock: ManualClock
) -> None:
    for n in range(20):
        requests.track(store, Kind.DELETION, f"id-{n}", request(""), ACTOR)
    server.script("/graphql", PASSING["an error without class"](""))
    sizes = []
    for _ in range(4):
        seen = len(server.seen("/graphql"))
        await tried(engine, clock)
        sizes += [received.body.count(b": personalData") for received in server.seen("/graphql")[seen:]]
    assert sizes == [20, 10, 5, 2]
