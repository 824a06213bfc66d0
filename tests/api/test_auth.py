"""Tokens: asked for once, renewed in time, and their refusals told apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs

import httpx
import pytest

from bwp_tui.api.auth import ClientCredentials
from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.endpoint import Endpoint
from bwp_tui.api.errors import AccessDenied, ApiError, BadCredentials, BadResponse, ServerFault, Throttled, Unreachable
from bwp_tui.api.http_transport import HttpTransport
from bwp_tui.domain.task import Kind
from tests.api.server import Reaction, ScriptedServer, answer, graphql, raw, token

POLLED = graphql(data={"t0": {"status": "IN_PROGRESS"}})
TASK = [(Kind.RETRIEVAL, "id-1")]


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _header(auth: ClientCredentials) -> str:
    request = httpx.Request("POST", "https://api.example.com/")
    async for _ in auth.async_auth_flow(request):
        pass
    return request.headers["Authorization"]


async def test_the_token_request_is_the_documented_one(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", POLLED)
    await api.poll(TASK)
    [request] = server.seen("/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in request.headers
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": ["s3cret-s3cret"],
    }


async def test_twenty_calls_at_once_ask_for_one_token(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", POLLED)
    await asyncio.gather(*(api.poll(TASK) for _ in range(20)))
    assert len(server.seen("/token")) == 1
    assert len(server.seen("/graphql")) == 20


async def test_twenty_calls_at_once_share_one_refusal(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/token", answer(429, retry_after="4"))
    outcomes = await asyncio.gather(*(api.poll(TASK) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(outcome, Throttled) and outcome.retry_after == 4 for outcome in outcomes)
    assert len({id(outcome) for outcome in outcomes}) == 20
    assert len(server.seen("/token")) == 1

    server.script("/token", token())
    server.script("/graphql", POLLED)
    await api.poll(TASK)  # a later call asks anew


@pytest.mark.parametrize(("life", "renewed_after"), [(900, 840), (100, 50), (4, 2)])
async def test_a_token_is_renewed_before_its_end(
    endpoint: Endpoint, server: ScriptedServer, life: int, renewed_after: int
) -> None:
    server.script("/token", token("token-1", expires_in=life), token("token-2", expires_in=life))
    wire, clock = HttpTransport(endpoint, connect_timeout=5, read_timeout=5), _Clock()
    auth = ClientCredentials(endpoint, wire.send, clock)

    assert await _header(auth) == "Bearer token-1"
    clock.now += renewed_after - 0.5
    assert await _header(auth) == "Bearer token-1"
    clock.now += 1
    assert await _header(auth) == "Bearer token-2"
    await wire.aclose()


async def test_a_denied_token_is_dropped_unless_it_is_already_replaced(
    endpoint: Endpoint, server: ScriptedServer
) -> None:
    server.script("/token", token("token-1"), token("token-2"), token("token-3"))
    wire, clock = HttpTransport(endpoint, connect_timeout=5, read_timeout=5), _Clock()
    auth = ClientCredentials(endpoint, wire.send, clock)

    old = await _header(auth)
    assert auth.invalidate(old)
    new = await _header(auth)
    assert auth.invalidate(old)
    assert await _header(auth) == new == "Bearer token-2"

    auth.record_denied_renewal()
    assert not auth.invalidate(new)
    clock.now += 61
    assert auth.invalidate(new)
    assert await _header(auth) == "Bearer token-3"
    await wire.aclose()


@pytest.mark.parametrize(
    ("reaction", "kind", "transient"),
    [
        (graphql(400, error="invalid_client"), BadCredentials, True),
        (graphql(401, error="unauthorized_client"), BadCredentials, True),
        (graphql(400, error="invalid_request"), BadResponse, True),
        (graphql(400, error="temporarily_unavailable"), BadResponse, True),
        (graphql(503, error="invalid_client"), ServerFault, True),
        (answer(400, b"<html>"), BadResponse, True),
        (answer(401, b"<html>invalid_client"), BadResponse, True),
        (answer(403), AccessDenied, False),
        (answer(404), BadResponse, True),
        (answer(301, location="https://elsewhere.example/"), BadResponse, True),
        (answer(429), Throttled, True),
        (graphql(400, __type="ThrottlingException"), Throttled, True),
        (answer(400, x_amzn_ErrorType="ThrottlingException:http://internal.example/"), Throttled, True),
        (answer(503), ServerFault, True),
        (answer(200, b"<html>"), BadResponse, True),
        (graphql(token="none"), BadResponse, True),
        (token("two words"), BadResponse, True),
        (raw(b""), Unreachable, True),
        (answer(200, b"{", length=99), Unreachable, True),
    ],
)
async def test_a_refused_token_means_that_the_call_was_never_sent(
    api: PrivacyApi, server: ScriptedServer, reaction: Reaction, kind: type[ApiError], transient: bool
) -> None:
    server.script("/token", reaction)
    with pytest.raises(ApiError) as caught:
        await api.start(Kind.RETRIEVAL, "jane@example.com", "3f1f8f6e-6c1b-4a56-9a0e-0d2f4b8b6c11")
    error = caught.value
    assert (type(error), error.transient, error.outcome_unknown) == (kind, transient, False)
    assert server.seen("/graphql") == []


async def test_refused_credentials_name_the_reason(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/token", graphql(400, error="invalid_client", error_description="secret s3cret-s3cret"))
    with pytest.raises(BadCredentials, match=r"\(invalid_client\)") as caught:
        await api.poll(TASK)
    assert "s3cret" not in str(caught.value)


async def test_a_token_endpoint_that_is_not_there_is_unreachable(endpoint: Endpoint) -> None:
    other = ScriptedServer()
    other.close()
    api = PrivacyApi(replace(endpoint, token_url=f"{other.url}/token"))
    with pytest.raises(Unreachable) as caught:
        await api.poll(TASK)
    assert not caught.value.outcome_unknown
    await api.aclose()
