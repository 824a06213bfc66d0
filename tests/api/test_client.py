"""The calls: what they send, what they give back, and which error each answer becomes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import (
    AccessDenied,
    ApiError,
    BadResponse,
    NotFound,
    Rejected,
    RequestNotAccepted,
    ServerFault,
    Throttled,
    Unreachable,
)
from bwp_tui.api.http_transport import MAX_RESPONSE_BYTES
from bwp_tui.domain.task import Kind
from tests.api.server import Reaction, Received, ScriptedServer, answer, graphql, raw, stall, token

CLIENT_TOKEN = "3f1f8f6e-6c1b-4a56-9a0e-0d2f4b8b6c11"
DENIED = {"message": "no", "extensions": {"classification": {"type": "AccessDeniedError"}}}
STARTED = graphql(data={"startPersonalDataDeletionTask": {"taskId": "id-1"}})
LINK = "https://bucket.example.com/privacyRequest/id-1/result/data_retrieval.zip?X-Amz-Signature=5ec2e7"


FIELD = "startPersonalDataDeletionTask"


def _fault(type_: str, field: str | None = FIELD, **more: object) -> Reaction:
    classification = {"type": type_, **more}
    error = {"message": "why", "path": field and [field], "extensions": {"classification": classification}}
    return graphql(errors=[error], data=None)


def _engine_fault(classification: str) -> Reaction:
    return graphql(errors=[{"message": "m", "path": [FIELD], "extensions": {"classification": classification}}])


async def _start(api: PrivacyApi) -> str:
    return await api.start(Kind.DELETION, "jane@example.com", CLIENT_TOKEN, 5, "asked by post")


async def _failed_start(api: PrivacyApi) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await _start(api)
    return caught.value


async def test_a_start_sends_the_documented_request(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", STARTED)

    assert await _start(api) == "id-1"

    [request] = server.seen("/graphql")
    assert request.method == "POST"
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-api-target-id"] == "bp-1"
    assert request.headers["x-api-version"] == "2024-11-01"
    sent = json.loads(request.body)
    assert sent["variables"]["input"]["clientToken"] == {"token": CLIENT_TOKEN}
    assert sent["variables"]["input"]["holdingPeriod"] == 5


async def test_a_cancellation_names_its_task(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", graphql(data={"cancelPersonalDataDeletionTask": {"taskId": "id-1"}}))
    await api.cancel("id-1")
    assert json.loads(server.seen("/graphql")[0].body)["variables"] == {"taskId": "id-1"}


async def test_a_cancellation_is_done_only_where_the_answer_names_its_task(
    api: PrivacyApi, server: ScriptedServer
) -> None:
    server.script("/graphql", graphql(data={"cancelPersonalDataDeletionTask": {"taskId": "id-2"}}))
    with pytest.raises(BadResponse) as caught:
        await api.cancel("id-1")
    assert caught.value.outcome_unknown


async def test_a_task_id_beside_errors_is_not_lost(api: PrivacyApi, server: ScriptedServer) -> None:
    data = {"startPersonalDataDeletionTask": {"taskId": "id-1"}}
    server.script("/graphql", graphql(500, data=data, errors=[{"message": "late trouble"}]))
    assert await _start(api) == "id-1"


@pytest.mark.parametrize(
    ("reaction", "kind", "transient", "outcome_unknown"),
    [
        (_fault("ValidationError", code="UnspecifiedError"), Rejected, False, False),
        (_fault("ResourceNotFoundError"), NotFound, False, False),
        (_fault("ThrottlingError"), Throttled, True, False),
        (_fault("InternalServerError"), ServerFault, True, True),
        (_fault("BrandNewError"), ServerFault, True, True),
        (_fault("BrandNewError", errorCode=400), RequestNotAccepted, True, False),
        (_fault("ValidationError", field=None), RequestNotAccepted, True, False),
        (_fault("ValidationError", field="another"), RequestNotAccepted, True, False),
        (_fault("ResourceNotFoundError", field=None), ServerFault, True, True),
        (graphql(errors=[{"message": "Cannot query field"}]), ServerFault, True, True),
        (graphql(errors=["upstream timeout"]), ServerFault, True, True),
        (_engine_fault("InvalidSyntax"), RequestNotAccepted, True, False),
        (_engine_fault("ValidationError"), RequestNotAccepted, True, False),
        (_engine_fault("ExecutionAborted"), RequestNotAccepted, True, True),
        (graphql(400, errors=[{"message": "m"}], data=None), RequestNotAccepted, True, False),
        (graphql(errors=[{"errorType": "ThrottlingException", "message": "m"}]), Throttled, True, False),
        (graphql(errors=[{"errorType": "InternalFailure", "message": "m"}]), ServerFault, True, True),
        (graphql(errors=[{"message": "m", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]), ServerFault, True, True),
        (graphql(errors=[{"message": "Rate exceeded"}]), Throttled, True, False),
        (graphql(400, __type="com.amazon.coral.availability#ThrottlingException"), Throttled, True, False),
        (answer(400, x_amzn_ErrorType="ThrottlingException:http://internal.example/"), Throttled, True, False),
        (graphql(403, code="TooManyRequestsException"), Throttled, True, False),
        (graphql(data={"startPersonalDataDeletionTask": None}), BadResponse, True, True),
        (graphql(data=None), BadResponse, True, True),
        (answer(200, b"<html>hello"), BadResponse, True, True),
        (answer(200, b'{"data": {"startPers'), BadResponse, True, True),
        (answer(200, b"\x00\xff garbled"), BadResponse, True, True),
        (answer(200, b"not gzip at all", content_encoding="gzip"), BadResponse, True, True),
        (answer(200, bytes(MAX_RESPONSE_BYTES + 1)), BadResponse, True, True),
        (answer(400, b"no json"), RequestNotAccepted, True, False),
        (answer(413, b"<html>"), RequestNotAccepted, True, False),
        (answer(404), BadResponse, True, False),
        (answer(302, location="https://elsewhere.example/"), BadResponse, True, False),
        (answer(408), Unreachable, True, True),
        (answer(429), Throttled, True, False),
        (answer(500), ServerFault, True, True),
        (answer(503, b"<html>"), ServerFault, True, True),
        (answer(200, b'{"data"', length=500), Unreachable, True, True),
        (raw(b""), Unreachable, True, True),
        (raw(b"HTTP/1.1 20"), Unreachable, True, True),
        (raw(b"garbage\r\n\r\n"), Unreachable, True, True),
    ],
)
async def test_a_failed_start_says_whether_it_may_have_happened(
    api: PrivacyApi,
    server: ScriptedServer,
    reaction: Reaction,
    kind: type[ApiError],
    transient: bool,
    outcome_unknown: bool,
) -> None:
    server.script("/graphql", reaction)
    error = await _failed_start(api)
    assert (type(error), error.transient, error.outcome_unknown) == (kind, transient, outcome_unknown)
    assert len(server.seen("/graphql")) == 1


async def test_a_rejection_carries_the_services_words(api: PrivacyApi, server: ScriptedServer) -> None:
    classification = {"type": "ValidationError", "code": "Odd\x1b[2J", "details": {"message": "must \x9b match."}}
    entry = {"message": "m", "path": [FIELD], "extensions": {"classification": classification}}
    server.script("/graphql", graphql(errors=[entry]))
    error = await _failed_start(api)
    assert isinstance(error, Rejected)
    assert (error.code, error.message) == ("Odd\\x1b[2J", "must \\x9b match.")
    assert str(error) == "The service refused the request: must \\x9b match."


async def test_a_cancellation_that_comes_too_late_says_so(api: PrivacyApi, server: ScriptedServer) -> None:
    field = "cancelPersonalDataDeletionTask"
    server.script("/graphql", _fault("ValidationError", field, code="CannotCancelPersonalDataDeletionTask"))
    with pytest.raises(Rejected, match="can no longer be cancelled: why") as caught:
        await api.cancel("id-1")
    assert caught.value.code == "CannotCancelPersonalDataDeletionTask"


@pytest.mark.parametrize("status", [429, 503])
async def test_the_wait_the_service_asks_for_is_passed_on(api: PrivacyApi, server: ScriptedServer, status: int) -> None:
    server.script("/graphql", answer(status, retry_after="7"))
    assert (await _failed_start(api)).retry_after == 7


async def test_a_throttled_answer_in_graphql_passes_the_wait_on_too(api: PrivacyApi, server: ScriptedServer) -> None:
    body = json.dumps({"errors": [{"extensions": {"classification": {"type": "ThrottlingError"}}}]}).encode()
    server.script("/graphql", answer(200, body, retry_after="9"))
    error = await _failed_start(api)
    assert isinstance(error, Throttled)
    assert error.retry_after == 9


async def test_no_listener_means_that_nothing_was_sent(api: PrivacyApi, server: ScriptedServer) -> None:
    server.close()
    error = await _failed_start(api)
    assert (type(error), error.transient, error.outcome_unknown) == (Unreachable, True, False)


async def test_an_answer_that_does_not_come_leaves_the_outcome_open(endpoint: Endpoint, server: ScriptedServer) -> None:
    server.script("/graphql", stall())
    api = PrivacyApi(endpoint, read_timeout=0.2)
    error = await _failed_start(api)
    assert (type(error), error.transient, error.outcome_unknown) == (Unreachable, True, True)
    await api.aclose()


async def test_an_answer_that_only_drips_is_given_up(endpoint: Endpoint, server: ScriptedServer) -> None:
    def drip(server: ScriptedServer, line: socket.socket, _: Received) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.closing.wait(0.05):
            line.sendall(b"x")

    server.script("/graphql", drip)
    api = PrivacyApi(endpoint, connect_timeout=0.2, read_timeout=0.2)
    began = time.monotonic()
    assert isinstance(await _failed_start(api), Unreachable)
    assert time.monotonic() - began < 5
    await api.aclose()


async def test_a_cut_line_does_not_spoil_the_next_call(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", raw(b""), STARTED)
    await _failed_start(api)
    assert await _start(api) == "id-1"


async def test_a_cancelled_call_leaves_the_client_usable(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", stall(), STARTED)
    call = asyncio.create_task(_start(api))
    await asyncio.to_thread(server.stalled.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await _start(api) == "id-1"


@pytest.mark.parametrize(
    "denial",
    [
        graphql(errors=[DENIED], data=None),
        answer(401),
        answer(403, b"<html>"),
        graphql(401, errors=[{"errorType": "UnauthorizedException", "message": "expired"}]),
    ],
)
async def test_a_denied_call_is_tried_once_more_with_a_new_token(
    api: PrivacyApi, server: ScriptedServer, denial: Reaction
) -> None:
    server.script("/token", token("token-1"), token("token-2"))
    server.script("/graphql", denial, STARTED)

    assert await _start(api) == "id-1"

    assert [request.headers["authorization"] for request in server.seen("/graphql")] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_denials_that_a_new_token_does_not_cure_stop_asking_for_tokens(
    api: PrivacyApi, server: ScriptedServer
) -> None:
    server.script("/graphql", graphql(errors=[DENIED], data=None))
    for _ in range(3):
        error = await _failed_start(api)
        assert (type(error), error.transient, error.outcome_unknown) == (AccessDenied, False, False)
    assert len(server.seen("/token")) == 2
    assert len(server.seen("/graphql")) == 4


async def test_calls_denied_together_renew_the_token_once(api: PrivacyApi, server: ScriptedServer) -> None:
    def only_the_new_token_passes(server: ScriptedServer, line: socket.socket, request: Received) -> None:
        together.wait()
        passes = request.headers["authorization"] == "Bearer token-2"
        (STARTED if passes else graphql(errors=[DENIED], data=None))(server, line, request)

    together = threading.Barrier(4)  # every call is under way with the same token before the first is denied
    server.script("/token", token("token-1"), token("token-2"))
    server.script("/graphql", only_the_new_token_passes)

    assert await asyncio.gather(*(_start(api) for _ in range(4))) == ["id-1"] * 4
    assert len(server.seen("/token")) == 2


async def test_a_link_is_checked_and_dated_before_it_was_made(api: PrivacyApi, server: ScriptedServer) -> None:
    task = {"taskId": "id-1", "status": "COMPLETED", "dataRetrievalLink": LINK}
    server.script("/graphql", graphql(data={"personalDataRetrievalTask": task}))
    before = time.monotonic()
    link = await api.link("id-1")
    assert link.reveal() == LINK
    assert before <= link.issued_at <= time.monotonic()
    assert 55 < link.seconds_left() <= 60


@pytest.mark.parametrize(
    ("reaction", "kind", "transient"),
    [
        (graphql(data={"personalDataRetrievalTask": {"status": "IN_PROGRESS"}}), BadResponse, True),
        (graphql(data={"personalDataRetrievalTask": {"status": "FAILED"}}), BadResponse, False),
        (graphql(data={"personalDataRetrievalTask": {"dataRetrievalLink": LINK}}), BadResponse, True),
        (
            graphql(
                data={"personalDataRetrievalTask": {"taskId": "x", "status": "COMPLETED", "dataRetrievalLink": LINK}}
            ),
            BadResponse,
            True,
        ),
        (graphql(data={"personalDataRetrievalTask": None}), NotFound, False),
        (_fault("ResourceNotFoundError", "personalDataRetrievalTask"), NotFound, False),
        (
            graphql(
                data={"personalDataRetrievalTask": {"status": "COMPLETED", "dataRetrievalLink": "http://10.0.0.1/?a"}}
            ),
            BadResponse,
            False,
        ),
    ],
)
async def test_a_link_that_is_not_to_be_had_says_why(
    api: PrivacyApi, server: ScriptedServer, reaction: Reaction, kind: type[ApiError], transient: bool
) -> None:
    server.script("/graphql", reaction)
    with pytest.raises(kind) as caught:
        await api.link("id-1")
    assert caught.value.transient is transient
    assert not caught.value.outcome_unknown
