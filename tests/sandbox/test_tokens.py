from __future__ import annotations

import pytest

from bwp_tui.sandbox.server import Sandbox
from tests.manual_clock import ManualClock
from tests.sandbox.client import CANCEL, Client, exchange

NOBODY = {"taskId": "9a4c2a1e-1111-4111-8111-111111111111"}


def refused(client: Client, token: str) -> bool:
    found = client.call(CANCEL, NOBODY, Authorization=f"Bearer {token}")
    return bool(found["errors"][0]["extensions"]["classification"]["type"] == "AccessDeniedError")


def test_a_token_lives_fifteen_minutes(client: Client, clock: ManualClock) -> None:
    reply = client.ask_token()
    token = reply.document()["access_token"]
    assert (reply.status, reply.document()["expires_in"]) == (200, 900)
    assert reply.headers["cache-control"] == "no-store"
    clock.advance(seconds=899)
    assert not refused(client, token)
    clock.advance(seconds=1)
    assert refused(client, token)


def test_several_tokens_live_at_once(client: Client) -> None:
    tokens = [client.new_token() for _ in range(3)]
    assert len(set(tokens)) == 3
    assert not any(refused(client, token) for token in tokens)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused_in_the_words_of_the_rfc(
    change: dict[str, str], status: int, error: str, client: Client
) -> None:
    reply = client.ask_token(**change)
    assert (reply.status, reply.document()["error"]) == (status, error)


def test_a_token_request_in_json_is_refused(sandbox: Sandbox) -> None:
    reply = exchange(sandbox.address, "POST", "/token", b"{}", {"Content-Type": "application/json"})
    assert (reply.status, reply.document()["error"]) == (400, "invalid_request")


def test_a_refusal_does_not_repeat_the_secret(client: Client) -> None:
    assert b"hunter2" not in client.ask_token(client_secret="hunter2").body
